"""Reconciliation: finds what is wrong, repairs what is safe to repair, and reports it all.

| found | repair |
|---|---|
| an operation or a balance that does not add up | none |
| a living subscription without a next step, a gap in invoice numbers | none |
| invoices without a number | numbered |
| a card charge whose outcome is unknown or not in the ledger | looked up by its key and booked |
| a card charge that was never made and is not waited for | closed as declined |
| a workflow that was never started, or is gone | started from what is committed |
| a workflow that is behind what is committed, or sleeps over an overdue step | told |
| the workflow of a running campaign that is gone, or waits | started or woken up |
| a workflow that cannot go on | none |
| a step of a number that is overdue | none |
| a seller's own wallet that does not hold what was put in and not paid | none |
| numbers in use that are not those that a subscription is priced for | none |

What is in progress is left alone: a charge just asked for, a step just due. Accounts on a test
clock are never overdue.

An incremental pass looks at what is new since the last one, at what is late, and at a slice of the
rest. A full pass looks at everything. Either goes batch by batch, and a batch is bounded.
"""

from typing import Protocol

from activities.reconciliation.accounts import Accounts
from activities.reconciliation.books import Books
from activities.reconciliation.campaigns import Campaigns
from activities.reconciliation.charges import Charges
from activities.reconciliation.invoices import Invoices
from activities.reconciliation.numbers import Numbers
from activities.reconciliation.seller_wallets import SellerWallets
from activities.reconciliation.subscriptions import Subscriptions
from activities.reconciliation.workflow_port import Limits, Workflows
from core.domain.findings import Part, ReconcileRequest, ReconcileResult
from core.gateways.cards import CardGateway
from core.ledger.ledger import Ledger


class _Part(Protocol):
    async def look(self, request: ReconcileRequest) -> ReconcileResult: ...


class Reconciliation:
    """Looks at one batch of one part."""

    def __init__(
        self, ledger: Ledger, gateway: CardGateway, workflows: Workflows, limits: Limits
    ) -> None:
        self._parts: dict[Part, _Part] = {
            Part.BOOKS: Books(ledger, limits),
            Part.INVOICES: Invoices(ledger, limits),
            Part.CHARGES: Charges(ledger, gateway, workflows, limits),
            Part.SUBSCRIPTIONS: Subscriptions(ledger, workflows, limits),
            Part.ACCOUNTS: Accounts(ledger, workflows, limits),
            Part.NUMBERS: Numbers(ledger, limits),
            Part.SELLER_WALLETS: SellerWallets(ledger),
            Part.CAMPAIGNS: Campaigns(ledger, workflows, limits),
        }

    async def reconcile(self, request: ReconcileRequest) -> ReconcileResult:
        """Look at a batch of a part, and repair what is safe to repair."""
        return await self._parts[request.part].look(request)
