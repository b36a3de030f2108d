"""Tells workflows what their subjects have become, when another transaction has changed them.

It happens after the answer, so no caller waits for it. Until then such a workflow sleeps until the
step that it knows, and finds there that it has run. The relay tells at every pass. A workflow that
would act too late is told first. Of those that would find out in time by themselves, some are told
at each pass: a signal costs as much as three transactions. Who asks a workflow tells it before.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import structlog
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from core.domain.steps import Subject, SubjectKind
from core.ledger import tellings
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.tellings import Waiting
from core.protocol.activity_messages import AccountSnapshot, Snapshot
from core.protocol.workflow_messages import workflow_id
from doors.application.batches import past_failing_rows
from doors.application.patience import first_line, is_passing

log = structlog.get_logger()

_BATCH = 500
_AT_ONCE = 50
#: So many that would find out in time are told in a pass: ten a second.
_IN_A_PASS = 50

Starts = Callable[[str], Awaitable[None]]


async def tell_all(
    ledger: Ledger,
    temporal: Client,
    start_account: Starts,
    clock: str | None = None,
) -> int:
    """Tell all that are waiting, in batches. Returns how many were told.

    `start_account`: starts the workflow of an account that has a next step.
    `clock`: only those of a test clock. Default: all.

    A workflow that cannot be told does not hold up the others. It stays for the next time, and is
    logged. Raises RPCError or `NotAvailable` while Temporal is away.
    """
    return await _tell_batches(ledger, temporal, start_account, clock=clock)


async def tell_some(
    ledger: Ledger, temporal: Client, start_account: Starts, after: Subject
) -> tuple[int, Subject]:
    """Tell all that would act too late, and some of those that would find out in time.

    `after`: the last of the others in the pass before. `tellings.BEGIN` at first.

    Returns how many were told, and the last of the others, for the next pass. It raises what
    `tell_all` raises.
    """
    told = await _tell_batches(ledger, temporal, start_account, soon=True)
    batch = await asyncio.to_thread(_read, ledger, _IN_A_PASS, after, soon=False)
    told += await _tell_batch(ledger, temporal, start_account, batch)
    return told, batch[-1].subject if len(batch) == _IN_A_PASS else tellings.BEGIN


async def tell_one(
    ledger: Ledger, temporal: Client, start_account: Starts, subject: Subject
) -> None:
    """Tell one workflow that is about to be asked. Raises RPCError while Temporal is away."""
    await _tell_batch(ledger, temporal, start_account, [Waiting(subject, 0)])


async def _tell_batches(
    ledger: Ledger, temporal: Client, start_account: Starts, **which: Any
) -> int:
    told, after = 0, tellings.BEGIN
    while batch := await asyncio.to_thread(_read, ledger, _BATCH, after, **which):
        told += await _tell_batch(ledger, temporal, start_account, batch)
        after = batch[-1].subject
    return told


async def _tell_batch(
    ledger: Ledger, temporal: Client, start_account: Starts, batch: Sequence[Waiting]
) -> int:
    """Tell workflows side by side. Returns how many were told."""
    if not batch:
        return 0
    snapshots = await asyncio.to_thread(_snapshots, ledger, batch)
    queue = asyncio.Semaphore(_AT_ONCE)
    results = await asyncio.gather(
        *(_tell(temporal, start_account, snapshot, queue) for snapshot in snapshots),
        return_exceptions=True,
    )
    done = [
        Waiting(one.subject, one.version)
        for one in results
        if isinstance(one, Snapshot | AccountSnapshot)
    ]
    await asyncio.to_thread(_done, ledger, done)
    if away := next((one for one in results if isinstance(one, BaseException)), None):
        raise away
    return len(done)


async def _tell(
    temporal: Client,
    start_account: Starts,
    snapshot: Snapshot | AccountSnapshot,
    queue: asyncio.Semaphore,
) -> Snapshot | AccountSnapshot | None:
    """Tell one workflow. Returns None when it is to be told again later.

    One that does not run reads its row when it starts. The workflow of an account is started here,
    because it lives only while the account has a next step. Raises while Temporal is away.
    """
    try:
        async with queue:
            await _signal(temporal, start_account, snapshot)
    except Exception as error:
        if is_passing(error):
            raise
        _not_told(snapshot.subject.kind, snapshot.subject.id, error)
        return None
    return snapshot


async def _signal(
    temporal: Client,
    start_account: Starts,
    snapshot: Snapshot | AccountSnapshot,
) -> None:
    try:
        handle = temporal.get_workflow_handle(workflow_id(snapshot.subject))
        await handle.signal("moved", snapshot)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        if isinstance(snapshot, AccountSnapshot) and snapshot.next_step is not None:
            await start_account(snapshot.account)


def _read(ledger: Ledger, limit: int, after: Subject, **which: Any) -> Sequence[Waiting]:
    with ledger.read() as connection:
        return tellings.waiting(connection, limit, after, **which)


def _snapshots(ledger: Ledger, batch: Sequence[Waiting]) -> list[Snapshot | AccountSnapshot]:
    """What the rows of subjects say now."""
    now = machine_now()
    of_kind = {
        kind: [one.subject.id for one in batch if one.subject.kind is kind] for kind in SubjectKind
    }
    snapshots: list[Snapshot | AccountSnapshot] = []
    subscriptions = past_failing_rows(
        of_kind[SubjectKind.SUBSCRIPTION],
        lambda ids: ledger.snapshots(ids, now),
        partial(_not_told, SubjectKind.SUBSCRIPTION),
    )
    for found in subscriptions:
        snapshots += [one.snapshot for one in found]
    accounts = past_failing_rows(
        of_kind[SubjectKind.ACCOUNT],
        lambda ids: [ledger.account_snapshot(id_, now) for id_ in ids],
        partial(_not_told, SubjectKind.ACCOUNT),
    )
    for some in accounts:
        snapshots += [one.snapshot for one in some if one is not None]
    return snapshots


def _not_told(kind: SubjectKind, subject: str, error: Exception) -> None:
    log.warning("not_told", kind=kind, subject=subject, error=first_line(error))


def _done(ledger: Ledger, told: Sequence[Waiting]) -> None:
    with ledger.transaction("told") as connection:
        tellings.done(connection, told)
