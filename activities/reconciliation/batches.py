"""What the parts share: the results of a batch, calls off the event loop, overdue steps."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar

import structlog

from activities.reconciliation.workflow_port import Limits
from core.domain.findings import Finding, FindingKind, ReconcileResult

log = structlog.get_logger()

P = ParamSpec("P")
R = TypeVar("R")

#: The most findings in the result of a batch. The others are counted.
MOST_FINDINGS = 100
_AT_ONCE = 50


def result(findings: Iterable[Finding], checked: int, after: str | None) -> ReconcileResult:
    """The result of a batch. `after` is where the next batch begins, None at the end."""
    found = tuple(findings)
    return ReconcileResult(
        findings=found[:MOST_FINDINGS],
        left_out=len(found[MOST_FINDINGS:]),
        checked=checked,
        after=after,
    )


async def off(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The database, off the event loop."""
    return await asyncio.to_thread(function, *args, **kwargs)


async def look_at_each(
    rows: Sequence[Any], look: Callable[[Any], Awaitable[Finding | None]]
) -> list[Finding]:
    """Look at rows concurrently, at most 50 at once. Returns what was found, in their order.

    A row that cannot be looked at is a finding, and the others are looked at all the same. When
    none can be, a server is away, and the first error is raised.
    """
    queue = asyncio.Semaphore(_AT_ONCE)

    async def one(row: Any) -> Finding | None:
        async with queue:
            return await look(row)

    outcomes = await asyncio.gather(*map(one, rows), return_exceptions=True)
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    if errors and len(errors) == len(rows):
        raise errors[0]
    found = []
    for row, outcome in zip(rows, outcomes, strict=True):
        if isinstance(outcome, Exception):
            log.error("row_not_looked_at", subject=row.id, exc_info=outcome)
            what = f"it could not be looked at: {type(outcome).__name__}"
            found.append(finding_of(FindingKind.NOT_LOOKED_AT, row, what, repaired=False))
        elif isinstance(outcome, BaseException):
            raise outcome
        elif outcome is not None:
            found.append(outcome)
    return found


def finding_of(kind: FindingKind, row: Any, what: str, *, repaired: bool) -> Finding:
    """What was found about the subject of a row."""
    return Finding(kind=kind, subject=row.id, what=what, repaired=repaired)


def is_overdue(row: Any, now: datetime, limits: Limits) -> bool:
    """Whether the next step of a row should have been done. Never on a test clock."""
    if row.clock is not None:
        return False
    spread = (
        zlib.crc32(row.account.encode()) % limits.jitter_seconds if limits.jitter_seconds else 0
    )
    return bool(row.next_due + timedelta(seconds=spread) + limits.grace < now)
