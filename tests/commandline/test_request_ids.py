"""A request id is one request (Rule 4.2), by the command line and by every other door."""

import asyncio
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any

import pytest

from core.domain.commands.top_up import TopUp
from core.ledger import api_requests
from core.ledger.api_requests import Asked
from doors.application.perennial import Perennial
from doors.commandline import connection
from settings import read_settings
from tests.commandline.conftest import Shop


@pytest.fixture
def key(unique: str) -> str:
    """A request id of this test."""
    return f"{unique}key"


def in_process(act: Any) -> Any:
    """What a program gets, from a connection of its own."""

    async def run() -> Any:
        config = read_settings()
        address, url = config.temporal_address, config.database_url
        assert address is not None
        assert url is not None
        async with Perennial.connect(url, address, config) as perennial:
            return await act(perennial)

    running: Coroutine[Any, Any, Any] = run()
    return asyncio.run(running)


def asked(key: str, name: str = "globex") -> Asked:
    """A request that is no command, as the HTTP API carries it out."""
    return Asked(request_id=key, do="open_account", values={"account": name}, actor="key 1")


def test_rule_4_2_a_command_of_a_program_is_repeated_by_the_command_line(
    shop: Shop, key: str
) -> None:
    command = TopUp(account=shop.acme, amount=Decimal(50), request_id=key, actor="program")
    assert in_process(lambda perennial: perennial.do(command)).refusal is None
    same = shop.run("top-up", shop.acme, "50", "--request-id", key, "--json")
    assert (same.code, same.json["replayed"]) == (0, True)
    other = shop.run("top-up", shop.acme, "60", "--request-id", key)
    assert (other.code, "was used for something else (rule 4.2)" in other.err) == (1, True)
    assert shop.balance() == "150.00"


def test_rule_4_2_a_request_of_the_api_is_no_command_campaign_or_top_up(
    shop: Shop, key: str
) -> None:
    shop.buy()
    before = shop.balance()
    with connection.ledger() as ledger:
        api_requests.once(ledger, asked(key), lambda _: {})
    for words in (
        ("top-up", shop.acme, "50", "--request-id", key),
        ("purchase", shop.acme, "PRO", "--id", shop.s2, "--request-id", key),
        ("extend", shop.s1, "--cycles", "1", "--request-id", key, "--yes"),
        ("seller", "top-up", "USD", "10", "--request-id", key),
    ):
        told = shop.run(*words)
        assert (told.code, "was used for something else" in told.err) == (1, True), words
    assert shop.balance() == before
    assert shop.run("seller", "show", "--json").json == {}


def test_rule_4_2_what_the_command_line_has_done_is_no_request_of_the_api(
    shop: Shop, key: str
) -> None:
    """A command, and a top-up of the seller. The same top-up by another door puts in nothing."""
    assert shop.run("top-up", shop.acme, "50", "--request-id", f"{key}-1").code == 0
    top_up = ("seller", "top-up", "USD", "10.00", "--request-id", f"{key}-2")
    assert shop.run(*top_up).code == 0
    for used in (f"{key}-1", f"{key}-2"):
        with connection.ledger() as ledger, pytest.raises(Exception, match="something else"):
            api_requests.once(ledger, asked(used), lambda _: {})
        told = shop.run("top-up", shop.acme, "70", "--request-id", used)
        assert (told.code, "was used for something else" in told.err) == (1, True), used
    assert shop.run("seller", "top-up", "USD", "10", "--request-id", f"{key}-1").code == 1
    assert shop.run(*top_up, "--json").json["replayed"] is True
    assert shop.run("seller", "show", "--json").json == {"USD": "10.00"}
