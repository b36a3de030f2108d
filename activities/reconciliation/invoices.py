"""Invoice numbers: given where they are missing, and free of gaps (Rule 11.4).

A gap is looked for after the last number that was looked at. A full pass begins with number 1.
"""

from datetime import datetime
from itertools import pairwise

from sqlalchemy import func, select, true, update

from activities.number_invoices import number_invoices
from activities.reconciliation import marks
from activities.reconciliation.batches import off, result
from activities.reconciliation.workflow_port import Limits
from core.domain.findings import Finding, FindingKind, ReconcileRequest, ReconcileResult
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, Invoice, Operation, ReconciliationMark, Seller

_MARK = "invoice numbers of "
_NUMBERING = "numbering"
_GAPS = "gaps after seller "


class Invoices:
    """Looks at invoice numbers."""

    def __init__(self, ledger: Ledger, limits: Limits) -> None:
        self._ledger = ledger
        self._limits = limits

    async def look(self, request: ReconcileRequest) -> ReconcileResult:
        """Look at a batch: first the invoices without a number, then seller after seller."""
        if request.after.startswith(_GAPS):
            found, after = await off(self._gaps, request.after.removeprefix(_GAPS))
            return result(found, 0, after)
        late = [] if request.after else await off(self._late, request.now)
        if request.full and not request.after:
            await off(self._begin_anew)
        numbered = await off(number_invoices, self._ledger, self._limits.batch)
        return result(late, numbered, _NUMBERING if numbered else _GAPS)

    def _late(self, now: datetime) -> list[Finding]:
        """The sellers whose invoices should have a number. A batch of each is counted."""
        unnumbered = (
            select(Invoice.operation, Invoice.account)
            .where(Invoice.seller == Seller.id, Invoice.number.is_(None))
            .order_by(Invoice.seq)
            .limit(self._limits.batch)
            .correlate(Seller)
            .lateral()
        )
        query = (
            select(Seller.id, func.count().label("n"))
            .join(unnumbered, true())
            .join(Operation, Operation.id == unnumbered.c.operation)
            .join(AccountRow, AccountRow.id == unnumbered.c.account)
            .where(AccountRow.clock.is_(None), Operation.at < now - self._limits.grace)
            .group_by(Seller.id)
            .order_by(Seller.id)
        )
        with self._ledger.read() as connection:
            rows = connection.execute(query).all()
        return [
            Finding(
                kind=FindingKind.UNNUMBERED,
                subject=row.id,
                what=(
                    f"{row.n}{' or more' if row.n == self._limits.batch else ''} "
                    "invoices had no number"
                ),
                repaired=True,
            )
            for row in rows
        ]

    def _begin_anew(self) -> None:
        mine = ReconciliationMark.name.startswith(_MARK)
        with self._ledger.transaction("reconcile_invoices") as connection:
            connection.execute(update(ReconciliationMark).where(mine).values(number=0))

    def _gaps(self, after: str) -> tuple[list[Finding], str | None]:
        """Look at a batch of the next seller's numbers. Returns where the next batch begins."""
        with self._ledger.read() as connection:
            next_seller = select(func.min(Seller.id)).where(Seller.id > after)
            seller = connection.execute(next_seller).scalar()
            if seller is None:
                return [], None
            last = marks.number_of(connection, _MARK + seller)
            newer = (
                select(Invoice.number)
                .where(Invoice.seller == seller, Invoice.number > last)
                .order_by(Invoice.number)
                .limit(self._limits.batch)
            )
            numbers = [number for number in connection.execute(newer).scalars() if number]
        for before, number in pairwise([last, *numbers]):
            if number != before + 1:
                gap = f"number {before + 1} is missing, the next one is {number}"
                finding = Finding(kind=FindingKind.NUMBERS, subject=seller, what=gap)
                return [finding], _GAPS + seller
        if numbers:
            with self._ledger.transaction("reconcile_invoices") as connection:
                marks.move_number(connection, _MARK + seller, numbers[-1])
        more = len(numbers) == self._limits.batch
        return [], _GAPS + (after if more else seller)
