"""A batch of reconciliation goes on past a row that raises."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from activities.reconciliation.batches import look_at_each
from core.domain.findings import Finding, FindingKind

ROWS = [SimpleNamespace(id=f"s{number}") for number in range(3)]


async def look(row: Any) -> Finding | None:
    if row.id == "s1":
        raise ValueError("no")
    found = Finding(kind=FindingKind.STUCK, subject=row.id, what="it is stuck")
    return found if row.id == "s2" else None


def test_a_row_that_raises_is_a_finding_and_the_others_are_looked_at() -> None:
    with capture_logs() as logs:
        found = asyncio.run(look_at_each(ROWS, look))
    assert [(it.kind, it.subject, it.what, it.repaired) for it in found] == [
        (FindingKind.NOT_LOOKED_AT, "s1", "it could not be looked at: ValueError", False),
        (FindingKind.STUCK, "s2", "it is stuck", False),
    ]
    assert [(it["event"], it["subject"]) for it in logs] == [("row_not_looked_at", "s1")]


def test_when_no_row_can_be_looked_at_a_server_is_away() -> None:
    with pytest.raises(ValueError, match="no"):
        asyncio.run(look_at_each(ROWS[1:2], look))
    assert asyncio.run(look_at_each([], look)) == []


def test_a_pass_that_is_cancelled_is_no_finding() -> None:
    async def cancelled(row: Any) -> Finding | None:
        if row.id == "s1":
            raise asyncio.CancelledError
        return None

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(look_at_each(ROWS, cancelled))
