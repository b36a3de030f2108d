"""Telling workflows: a row that cannot be read stops no other. A server that is away ends it."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from structlog.testing import capture_logs
from temporalio.service import RPCError, RPCStatusCode

from core.domain.commands.close_account import CloseAccount
from core.domain.commands.extend import Extend
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.steps import of_subscription
from core.ledger import tellings
from doors.application import telling
from doors.application.telling import tell_all, tell_one, tell_some
from tests.ledger.conftest import Shop


@dataclass
class Temporal:
    """A client that records whom it tells. `errors`: what it raises, by workflow id."""

    errors: dict[str, RPCStatusCode] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)

    def get_workflow_handle(self, id_: str) -> Any:
        parent = self

        class Handle:
            async def signal(self, name: str, snapshot: Any) -> None:
                if id_ in parent.errors:
                    raise RPCError("no", parent.errors[id_], b"")
                parent.told.append(id_)

        return Handle()

    async def start_account(self, account: str) -> None:
        if f"start {account}" in self.errors:
            raise RPCError("no", self.errors[f"start {account}"], b"")
        self.started.append(account)


@pytest.fixture
def waiting(shop: Shop) -> Shop:
    """Five subscriptions whose workflows are to be told."""
    shop.open()
    for number in range(5):
        shop.buy(f"s{number}")
    shop.run(
        "INSERT INTO tellings (subject_kind, subject, version) "
        "SELECT 'subscription', id, version FROM subscriptions"
    )
    return shop


def left(shop: Shop) -> list[str]:
    return [row[0] for row in shop.rows("SELECT subject FROM tellings ORDER BY subject")]


def tell(shop: Shop, temporal: Temporal) -> int:
    telling = tell_all(shop.ledger, temporal, temporal.start_account)  # type: ignore[arg-type]
    return asyncio.run(telling)


def test_a_row_that_cannot_be_read_is_logged_and_stops_no_other(waiting: Shop) -> None:
    waiting.force("UPDATE subscriptions SET coming = '[{\"item\": \"nothing\"}]' WHERE id = 's2'")
    temporal = Temporal()
    with capture_logs() as logs:
        assert tell(waiting, temporal) == 4
    assert [(it["event"], it["subject"]) for it in logs] == [("not_told", "s2")]
    assert left(waiting) == ["s2"]
    assert "subscription/s3" in temporal.told


def test_a_workflow_that_cannot_be_told_is_logged_and_stops_no_other(waiting: Shop) -> None:
    temporal = Temporal({"subscription/s1": RPCStatusCode.INVALID_ARGUMENT})
    with capture_logs() as logs:
        assert tell(waiting, temporal) == 4
    assert [(it["event"], it["subject"]) for it in logs] == [("not_told", "s1")]
    assert left(waiting) == ["s1"]


def test_a_workflow_that_does_not_run_needs_not_be_told(waiting: Shop) -> None:
    assert tell(waiting, Temporal({"subscription/s1": RPCStatusCode.NOT_FOUND})) == 5
    assert left(waiting) == []


def test_while_temporal_is_away_the_pass_ends_and_what_was_told_is_done(waiting: Shop) -> None:
    temporal = Temporal({"subscription/s1": RPCStatusCode.UNAVAILABLE})
    with capture_logs() as logs, pytest.raises(RPCError):
        tell(waiting, temporal)
    assert logs == []
    assert left(waiting) == ["s1"]


def pass_of(shop: Shop, temporal: Temporal, after: Any = tellings.BEGIN) -> tuple[int, Any]:
    some = tell_some(shop.ledger, temporal, temporal.start_account, after)  # type: ignore[arg-type]
    return asyncio.run(some)


def test_those_that_would_act_too_late_come_first_and_the_others_by_and_by(
    waiting: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "_IN_A_PASS", 2)
    waiting.run("UPDATE tellings SET soon = false WHERE subject <> 's4'")
    temporal = Temporal({"subscription/s1": RPCStatusCode.INVALID_ARGUMENT})
    told, after = pass_of(waiting, temporal)
    assert (told, temporal.told) == (2, ["subscription/s4", "subscription/s0"])
    told, after = pass_of(waiting, temporal, after)
    assert (told, left(waiting)) == (2, ["s1"]), "one that cannot be told stops no other"
    told, after = pass_of(waiting, Temporal(), pass_of(waiting, Temporal(), after)[1])
    assert (told, after, left(waiting)) == (1, tellings.BEGIN, [])


def test_one_workflow_is_told_by_itself(waiting: Shop) -> None:
    temporal, subject = Temporal(), of_subscription("s3")
    started = temporal.start_account
    asyncio.run(tell_one(waiting.ledger, temporal, started, subject))  # type: ignore[arg-type]
    assert temporal.told == ["subscription/s3"]
    assert left(waiting) == ["s0", "s1", "s2", "s4"]


def test_a_step_that_moves_to_later_waits_and_one_that_moves_to_earlier_does_not(
    shop: Shop,
) -> None:
    """A workflow wakes up at the step that it knows. What is to be told soon stays so."""
    shop.open()
    shop.buy("s1")
    shop.run("UPDATE subscriptions SET workflow_started = true")

    def soon_after(command: Any) -> bool:
        shop.do(command, by_workflow=False)
        return bool(shop.value("SELECT soon FROM tellings"))

    assert not soon_after(Extend(subscription="s1", cycles=1))
    assert not soon_after(Extend(subscription="s1", cycles=1))
    shop.run("UPDATE steps SET due = due + interval '1 year'")
    assert soon_after(Unsubscribe(subscription="s1"))
    assert soon_after(Extend(subscription="s1", cycles=1))


@pytest.fixture
def closing(shop: Shop) -> Shop:
    """Two accounts whose workflows are to be told. One of them has a next step."""
    for account in ("acme", "beta"):
        shop.open(account, "0.00")
        shop.run(
            "INSERT INTO tellings (subject_kind, subject, version) "
            f"VALUES ('account', '{account}', 1)"
        )
    shop.do(CloseAccount(account="acme"))
    return shop


def test_the_workflow_of_an_account_with_a_next_step_is_started(closing: Shop) -> None:
    gone = {f"account/{account}": RPCStatusCode.NOT_FOUND for account in ("acme", "beta")}
    temporal = Temporal(gone)
    assert tell(closing, temporal) == 2
    assert (temporal.started, left(closing)) == (["acme"], [])


def test_an_account_whose_workflow_cannot_be_started_is_told_again_later(closing: Shop) -> None:
    refused = {"start acme": RPCStatusCode.INVALID_ARGUMENT}
    temporal = Temporal({"account/acme": RPCStatusCode.NOT_FOUND, **refused})
    with capture_logs() as logs:
        assert tell(closing, temporal) == 1
    assert [(it["event"], it["subject"]) for it in logs] == [("not_told", "acme")]
    assert left(closing) == ["acme"]
