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
    select(MonthlyAmount.description, MonthlyAmount.amount)
    .where(*_MINE)
    .order_by(MonthlyAmount.operation)
)
_INVOICED = update(MonthlyAmount).where(*_MINE).values(invoice=bindparam("on_invoice"))


def monthly_invoice(work: Work, asked: Asked) -> StepResult | None:
    """Make the invoice of the oldest month whose amounts wait."""
    return take_account_step(work, asked, StepKind.MONTHLY_INVOICE, _make)


def _make(work: Work) -> int:
    """Add the invoice of the amounts that wait. Returns its operation, which moves no money."""
    month = work.account.uninvoiced[0]
    mine = {"of": work.account.id, "of_month": month}
    rows = work.connection.execute(_WAITING, mine)
    lines = [Line(row.description, row.amount) for row in rows]
    operation = work.operation(Purpose.MONTHLY_INVOICE, {})
    invoice = work.invoice(operation, InvoiceKind.MONTHLY, lines, total(lines), on=last_day(month))
    work.flush()
    work.connection.execute(_INVOICED, mine | {"on_invoice": invoice})
    return operation
