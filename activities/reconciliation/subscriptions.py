"""Subscriptions and their workflows.

An incremental pass looks at the workflows that were never started, at the steps that are overdue,
and at a slice of the others. A full pass looks at every living subscription.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_

from activities.reconciliation import marks, numbers
from activities.reconciliation.batches import (
    finding_of,
    is_overdue,
    look_at_each,
    off,
    result,
)
from activities.reconciliation.workflow_port import Limits, Workflows
from core.domain.findings import Finding, FindingKind, ReconcileRequest, ReconcileResult
from core.domain.steps import StepKind, SubjectKind, of_subscription
from core.domain.subscription import Status
from core.ledger import tellings
from core.ledger.bulk_write import one_of
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.rows import SUBSCRIPTIONS
from core.ledger.tables import StepRow, SubscriptionRow
from core.protocol.activity_messages import Snapshot

_UNSTARTED = "unstarted after "
_OVERDUE = "overdue after "
_SLICE = "slice "
_ALL = "all after "
_MARK = "subscriptions"
_LIVING = SUBSCRIPTIONS.where(SubscriptionRow.status != Status.TERMINATED)
_KINDS = [kind for kind in StepKind if kind.subject is SubjectKind.SUBSCRIPTION]


class Subscriptions:
    """Looks at subscriptions and asks their workflows."""

    def __init__(self, ledger: Ledger, workflows: Workflows, limits: Limits) -> None:
        self._ledger = ledger
        self._workflows = workflows
        self._limits = limits

    async def look(self, request: ReconcileRequest) -> ReconcileResult:
        """Look at a batch."""
        place = request.after or (_ALL if request.full else _UNSTARTED)
        rows, after = await off(self._rows, place, request.now)
        silent = asyncio.Event()
        sliced = place.startswith(_SLICE)

        async def look_at(row: Any) -> Finding | None:
            if sliced and self._was_looked_at(row, request.now):
                return None
            return await self._subscription(row, request.now, silent)

        found = await look_at_each(rows, look_at)
        found += await off(numbers.that_disagree, self._ledger, [row.id for row in rows])
        if silent.is_set():
            what = "workflows do not answer queries: is a worker with the role workflows up?"
            found.append(Finding(kind=FindingKind.NO_ANSWER, subject="workers", what=what))
        return result(found, len(rows), after)

    # which subscriptions

    def _rows(self, place: str, now: datetime) -> tuple[Sequence[Any], str | None]:
        """The subscriptions of a batch, and where the next batch begins."""
        if place.startswith(_UNSTARTED):
            return self._unstarted(place.removeprefix(_UNSTARTED))
        if place.startswith(_OVERDUE):
            return self._overdue(place.removeprefix(_OVERDUE), now)
        if place.startswith(_SLICE):
            return self._slice(place.removeprefix(_SLICE))
        rows = self._living(place.removeprefix(_ALL), self._limits.batch)
        return rows, _ALL + rows[-1].id if len(rows) == self._limits.batch else None

    def _unstarted(self, after: str) -> tuple[Sequence[Any], str]:
        query = _LIVING.where(~SubscriptionRow.workflow_started, SubscriptionRow.id > after)
        with self._ledger.read() as connection:
            limited = query.order_by(SubscriptionRow.id).limit(self._limits.batch)
            rows = connection.execute(limited).all()
        more = len(rows) == self._limits.batch
        return rows, _UNSTARTED + rows[-1].id if more else _OVERDUE

    def _overdue(self, after: str, now: datetime) -> tuple[Sequence[Any], str]:
        """The next steps of one kind that are overdue. `after` is a kind, an instant and an id."""
        kind, _, rest = after.partition(" ")
        due, _, id_ = rest.partition(" ")
        of_kind = StepKind(kind) if kind else _KINDS[0]
        late = select(StepRow.subject, StepRow.due).where(
            StepRow.clock.is_(None),
            StepRow.kind == str(of_kind),
            StepRow.due < now - self._limits.grace,
        )
        order = (StepRow.due, StepRow.subject)
        if due:
            late = late.where(tuple_(*order) > tuple_(datetime.fromisoformat(due), id_))
        with self._ledger.read() as connection:
            limited = late.order_by(*order).limit(self._limits.batch)
            steps = connection.execute(limited).all()
            mine = one_of(SubscriptionRow.id, [step.subject for step in steps])
            rows = connection.execute(_LIVING.where(mine).order_by(SubscriptionRow.id)).all()
        if len(steps) == self._limits.batch:
            last = steps[-1]
            return rows, f"{_OVERDUE}{of_kind} {last.due.isoformat()} {last.subject}"
        later = _KINDS[_KINDS.index(of_kind) + 1 :]
        return rows, f"{_OVERDUE}{later[0]} " if later else _SLICE

    def _slice(self, place: str) -> tuple[Sequence[Any], str | None]:
        """The next subscriptions by id. `place` is how many are left, and an id."""
        count, _, after = place.partition(" ")
        every = self._limits.passes == 1
        with self._ledger.transaction("reconcile_subscriptions") as connection:
            if not count:
                passes, batch = self._limits.passes, self._limits.batch
                table = SubscriptionRow.__tablename__
                left = marks.slice_size(connection, table, passes, batch)
                after = "" if every else marks.key_of(connection, _MARK)
            else:
                left = int(count)
            most = self._limits.batch if every else min(self._limits.batch, left)
            rows = self._living(after, most)
            ended = len(rows) < most
            marks.move_key(connection, _MARK, "" if ended else rows[-1].id)
        left -= len(rows)
        if ended or (not every and left <= 0):
            return rows, None
        return rows, f"{_SLICE}{left} {rows[-1].id}"

    def _living(self, after: str, most: int) -> Sequence[Any]:
        query = _LIVING.where(SubscriptionRow.id > after).order_by(SubscriptionRow.id).limit(most)
        with self._ledger.read() as connection:
            return connection.execute(query).all()

    def _was_looked_at(self, row: Any, now: datetime) -> bool:
        """Whether an incremental pass has looked at a subscription before its slice."""
        late = row.next_due is not None and is_overdue(row, now, self._limits)
        return late or not row.workflow_started

    # what is wrong with one

    async def _subscription(self, row: Any, now: datetime, silent: asyncio.Event) -> Finding | None:
        if row.next_due is None:
            what = f"it is {row.status} and nothing is due, ever"
            return finding_of(FindingKind.NO_NEXT_STEP, row, what, repaired=False)
        if not row.workflow_started:
            await self._workflows.start(of_subscription(row.id))
            what = "its workflow had not been started"
            return finding_of(FindingKind.NOT_STARTED, row, what, repaired=True)
        standing = await self._workflows.standing(of_subscription(row.id))
        if not standing.runs:
            if await off(self._ended, row.id):
                return None
            await self._workflows.start(of_subscription(row.id))
            what = "its workflow was gone"
            return finding_of(FindingKind.WORKFLOW_MISSING, row, what, repaired=True)
        late = is_overdue(row, now, self._limits)
        if standing.trouble:
            what = f"{row.next_kind} was due at {row.next_due.isoformat()}; " if late else ""
            kind = FindingKind.OVERDUE if late else FindingKind.STUCK
            return finding_of(kind, row, f"{what}{standing.trouble}", repaired=False)
        if late and standing.idle:
            await self._tell(row.id)
            what = f"it slept over {row.next_kind}, due at {row.next_due.isoformat()}"
            return finding_of(FindingKind.OVERDUE, row, what, repaired=True)
        if not standing.idle or silent.is_set():
            return None
        return await self._ask(row, silent)

    async def _ask(self, row: Any, silent: asyncio.Event) -> Finding | None:
        """Whether the workflow's next step is the one that is committed."""
        known = await self._workflows.known(of_subscription(row.id))
        if known is None:
            silent.set()
            return None
        step = known.next_step
        if (
            known.subscription.version >= row.version
            and step is not None
            and (step.kind, step.due) == (row.next_kind, row.next_due)
        ):
            return None
        if await off(self._is_told_later, row.id):
            return None  # it finds out in time
        if known.subscription.version > row.version or not await self._tell(row.id, row.version):
            return None  # it has moved on meanwhile
        what = f"its workflow knew version {known.subscription.version} of {row.version}"
        return finding_of(FindingKind.WORKFLOW_BEHIND, row, what, repaired=True)

    async def _tell(self, subscription: str, version: int | None = None) -> bool:
        """Tell a workflow what is committed, if that is still this version."""
        snapshot = await off(self._snapshot, subscription)
        if version is not None and snapshot.subscription.version != version:
            return False
        await self._workflows.tell(snapshot)
        return True

    def _is_told_later(self, subscription: str) -> bool:
        with self._ledger.read() as connection:
            return tellings.is_waiting(connection, of_subscription(subscription), later=True)

    def _snapshot(self, subscription: str) -> Snapshot:
        [(snapshot, *_)] = self._ledger.snapshots([subscription], machine_now())
        return snapshot

    def _ended(self, subscription: str) -> bool:
        with self._ledger.read() as connection:
            status = select(SubscriptionRow.status).where(SubscriptionRow.id == subscription)
            return connection.execute(status).scalar() == Status.TERMINATED
