"""Campaigns that run, and their workflows.

Every pass looks at all campaigns that run by their rows: they are few. A paused campaign needs no
workflow. Resuming it starts one.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import literal_column, select

from activities.reconciliation.batches import finding_of, look_at_each, off, result
from activities.reconciliation.workflow_port import Limits, Workflows
from core.domain.campaigns import CampaignState
from core.domain.findings import Finding, FindingKind, ReconcileRequest, ReconcileResult
from core.ledger.ledger import Ledger
from core.ledger.tables import CampaignRow

#: The word is a constant, so that the index of running campaigns is used.
_RUNNING = CampaignRow.state == literal_column(f"'{CampaignState.RUNNING}'")


class Campaigns:
    """Looks at the workflows of campaigns (docs/decisions/0023)."""

    def __init__(self, ledger: Ledger, workflows: Workflows, limits: Limits) -> None:
        self._ledger = ledger
        self._workflows = workflows
        self._limits = limits

    async def look(self, request: ReconcileRequest) -> ReconcileResult:
        """Look at a batch."""
        rows = await off(self._running, request.after)
        found = await look_at_each(rows, self._campaign)
        more = len(rows) == self._limits.batch
        return result(found, len(rows), rows[-1].id if more else None)

    def _running(self, after: str) -> Sequence[Any]:
        query = (
            select(CampaignRow.id, CampaignRow.told)
            .where(_RUNNING, CampaignRow.id > after)
            .order_by(CampaignRow.id)
            .limit(self._limits.batch)
        )
        with self._ledger.read() as connection:
            return connection.execute(query).all()

    async def _campaign(self, row: Any) -> Finding | None:
        standing = await self._workflows.campaign_standing(row.id)
        if standing.trouble:
            return finding_of(FindingKind.STUCK, row, standing.trouble, repaired=False)
        if standing.runs and not standing.idle:
            return None
        if not await off(self._still_runs, row.id):
            return None  # It has ended meanwhile.
        await self._workflows.start_campaign(row.id)
        if standing.runs:
            kind, what = FindingKind.WORKFLOW_BEHIND, "its workflow waited, though it is to go on"
        elif row.told:
            kind, what = FindingKind.WORKFLOW_MISSING, "its workflow was gone"
        else:
            kind, what = FindingKind.NOT_STARTED, "its workflow had not been started"
        return finding_of(kind, row, what, repaired=True)

    def _still_runs(self, campaign: str) -> bool:
        query = select(CampaignRow.id).where(CampaignRow.id == campaign, _RUNNING)
        with self._ledger.read() as connection:
            return connection.execute(query).first() is not None
