"""The monthly invoice: one line for each amount of the old month that waits (Rules 10.1, 11.4).

It is dated the last day of the month, also when it is made late (Rule 13). Amounts of the new month
wait for the next one.
"""

from sqlalchemy import bindparam, select, update

from activities.asked_step import Asked, take_account_step
from core.domain.fees import Line, total
from core.domain.monthly_invoice import last_day
from core.domain.steps import StepKind
from core.ledger.double_entry import InvoiceKind, Purpose
from core.ledger.tables import MonthlyAmount
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import StepResult

_MINE = (
    MonthlyAmount.account == bindparam("of"),
    MonthlyAmount.month == bindparam("of_month"),
    MonthlyAmount.invoice.is_(None),
)
_WAITING = (
    select(MonthlyAmount.consolidated, MonthlyAmount.description, MonthlyAmount.amount)
    .where(*_MINE)
    .order_by(MonthlyAmount.operation, MonthlyAmount.line)
)
_INVOICED = (
    update(MonthlyAmount)
    .where(*_MINE, MonthlyAmount.consolidated == bindparam("of_kind"))
    .values(invoice=bindparam("on_invoice"))
)


def monthly_invoice(work: Work, asked: Asked) -> StepResult | None:
    """Make the invoice of the oldest month whose amounts wait.

    An account that was switched to postpaid in that month gets two: one for what it had paid, and
    the consolidated one (Rule 11.6).
    """
    return take_account_step(work, asked, StepKind.MONTHLY_INVOICE, _make)


def _make(work: Work) -> list[int]:
    """Add the invoices of the amounts that wait. Returns their operations, which move no money."""
    month = work.account.uninvoiced[0]
    mine = {"of": work.account.id, "of_month": month}
    rows = work.connection.execute(_WAITING, mine).all()
    operations = []
    for consolidated, kind in ((False, InvoiceKind.MONTHLY), (True, InvoiceKind.CONSOLIDATED)):
        lines = [Line(r.description, r.amount) for r in rows if r.consolidated is consolidated]
        if not lines:
            continue
        operation = work.operation(Purpose.MONTHLY_INVOICE, {})
        invoice = work.invoice(operation, kind, lines, total(lines), on=last_day(month))
        work.flush()
        values = mine | {"of_kind": consolidated, "on_invoice": invoice}
        work.connection.execute(_INVOICED, values)
        if consolidated:
            work.bill(total(lines))
        operations.append(operation)
    return operations
