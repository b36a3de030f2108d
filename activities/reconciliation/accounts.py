"""Accounts that have a next step, and their workflows.

Many accounts wait for a month end. An incremental pass looks at the steps that are overdue. A full
pass looks at all of them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from activities.reconciliation.batches import finding_of, is_overdue, look_at_each, off, result
from activities.reconciliation.workflow_port import Limits, Workflows
from core.domain.findings import Finding, FindingKind, ReconcileRequest, ReconcileResult
from core.domain.planner.account_steps import ACCOUNT_STEPS
from core.domain.steps import SubjectKind, of_account
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.tables import StepRow


class Accounts:
    """Looks at the steps of accounts."""

    def __init__(self, ledger: Ledger, workflows: Workflows, limits: Limits) -> None:
        self._ledger = ledger
        self._workflows = workflows
        self._limits = limits

    async def look(self, request: ReconcileRequest) -> ReconcileResult:
        """Look at a batch."""
        rows = await off(self._steps, request)

        async def look_at(row: Any) -> Finding | None:
            return await self._account(row, request.now)

        found = await look_at_each(rows, look_at)
        more = len(rows) == self._limits.batch
        return result(found, len(rows), rows[-1].id if more else None)

    def _steps(self, request: ReconcileRequest) -> Sequence[Any]:
        query = (
            select(
                StepRow.subject.label("id"),
                StepRow.account,
                StepRow.clock,
                StepRow.kind.label("next_kind"),
                StepRow.due.label("next_due"),
            )
            .where(StepRow.subject_kind == SubjectKind.ACCOUNT, StepRow.subject > request.after)
            .order_by(StepRow.subject)
            .limit(self._limits.batch)
        )
        if not request.full:
            # The kinds are named for the index on kind and instant.
            query = query.where(
                StepRow.clock.is_(None),
                StepRow.kind.in_(list(ACCOUNT_STEPS)),
                StepRow.due < request.now - self._limits.grace,
            )
        with self._ledger.read() as connection:
            return connection.execute(query).all()

    async def _account(self, row: Any, now: datetime) -> Finding | None:
        subject = of_account(row.id)
        standing = await self._workflows.standing(subject)
        if not standing.runs:
            found = await off(self._ledger.account_snapshot, row.id, machine_now())
            if found is None or found[0].next_step is None:
                return None  # Its step has run meanwhile, and its workflow has ended.
            await self._workflows.start(subject)
            what = "its workflow was gone"
            return finding_of(FindingKind.WORKFLOW_MISSING, row, what, repaired=True)
        late = is_overdue(row, now, self._limits)
        if standing.trouble:
            kind = FindingKind.OVERDUE if late else FindingKind.STUCK
            return finding_of(kind, row, standing.trouble, repaired=False)
        if late and standing.idle:
            found = await off(self._ledger.account_snapshot, row.id, machine_now())
            if found is not None:
                await self._workflows.tell(found[0])
            what = f"it slept over {row.next_kind}, due at {row.next_due.isoformat()}"
            return finding_of(FindingKind.OVERDUE, row, what, repaired=True)
        return None
