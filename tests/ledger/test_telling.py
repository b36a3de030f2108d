"""Telling workflows: a row that cannot be read stops no other. A server that is away ends it."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from structlog.testing import capture_logs
from temporalio.service import RPCError, RPCStatusCode

from doors.application.telling import tell_all
from tests.ledger.conftest import Shop


@dataclass
class Temporal:
    """A client that records whom it tells. `errors`: what it raises, by workflow id."""

    errors: dict[str, RPCStatusCode] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def get_workflow_handle(self, id_: str) -> Any:
        parent = self

        class Handle:
            async def signal(self, name: str, snapshot: Any) -> None:
                if id_ in parent.errors:
                    raise RPCError("no", parent.errors[id_], b"")
                parent.told.append(id_)

        return Handle()


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
    return asyncio.run(tell_all(shop.ledger, temporal))  # type: ignore[arg-type]


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
