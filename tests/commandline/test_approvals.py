"""`limit` and `approval`: what a role moves, and what waits for a second person."""

import asyncio
import uuid
from decimal import Decimal

import pytest

from core.domain.commands.adjust import Adjust
from core.domain.roles import Role
from core.ledger import staff
from doors.access import second_person
from doors.access.second_person import SecondPersonNeeded
from doors.application.perennial import Perennial
from settings import read_settings
from tests.commandline.conftest import Shop, call


async def ask(account: str) -> str:
    """Ask for $90 as Ann of support. Returns the id of the approval."""
    config = read_settings()
    assert config.database_url is not None
    assert config.temporal_address is not None
    connecting = Perennial.connect(config.database_url, config.temporal_address, config)
    async with connecting as perennial:
        with perennial.ledger.read() as connection:
            ann = staff.find(connection, "main", "ann@example.com")
        command = Adjust(
            account=account,
            amount=Decimal(90),
            reason="x",
            actor=ann.actor,
            request_id=uuid.uuid4().hex,
        )
        with pytest.raises(SecondPersonNeeded) as needed:
            await second_person.carry_out(
                perennial, command, role=Role.SUPPORT, who=f"staff/{ann.id}"
            )
        return needed.value.approval.id


def test_limits_are_set_listed_and_removed(installation: str) -> None:
    assert "There is no limit" in call("limit", "list").out
    usual = ("--per-command", "50", "--per-day", "200")
    assert call("limit", "set", "support", "USD", *usual).code == 0
    assert "$200.00" in call("limit", "list").out
    assert call("limit", "list", "--json").json[0]["per_day"] == "200.00"
    for wrong in (
        ("king", "USD", *usual),
        ("support", "XX", *usual),
        ("support", "USD", *usual[:2]),
    ):
        assert call("limit", "set", *wrong).code == 2
    assert call("limit", "set", "support", "USD", "--per-command", "-1", *usual[2:]).code == 2
    assert call("limit", "remove", "support").code == 0


def test_what_waits_is_listed_shown_approved_and_refused(shop: Shop) -> None:
    for name, role in (("ann", "support"), ("bob", "finance"), ("cid", "viewer")):
        given = (f"{name}@example.com", "--name", name.title(), "--role", role, "--no-password")
        assert call("staff", "add", *given).code == 0
    assert call("limit", "set", "support", "USD", "--per-command", "5", "--per-day", "5").code == 0
    assert "There is none" in call("approval", "list").out
    id_ = asyncio.run(ask(shop.acme))
    assert "$90.00" in call("approval", "list").out
    assert "Ann <ann@example.com>" in call("approval", "show", id_).out
    assert "It is open; it can be approved until" in call("approval", "show", id_).out
    for by, words in (
        ("ann@example.com", "may not approve_approval"),
        ("cid@example.com", "may not approve_approval"),
        ("eve@example.com", "is not staff"),
    ):
        told = call("approval", "approve", id_, "--by", by)
        assert told.code == 2
        assert told.err.startswith("--by: ")
        assert words in told.err
    assert call("approval", "refuse", id_, "--by", "cid@example.com").code == 2
    done = call("approval", "approve", id_, "--by", "bob@example.com")
    assert f"$90.00 given to {shop.acme}." in done.out
    assert call("approval", "approve", id_, "--by", "bob@example.com").code == 0
    assert "It is done.\n" in call("approval", "show", id_).out
    second = asyncio.run(ask(shop.acme))
    assert "Nothing was done" in call("approval", "refuse", second, "--by", "ann@example.com").out
    assert call("approval", "show", "0" * 12).code == 2
    assert len(call("approval", "list", "--state", "all", "--json").json) == 2
    assert call("approval", "list", "--state", "lost").code == 2
