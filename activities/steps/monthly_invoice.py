"""The monthly invoice: one line for each amount of the old month that waits (Rules 10.1, 11.4).

It is dated the last day of the month, also when it is made late (Rule 13). Amounts of the new month
wait for the next one.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, Row, Text, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from activities.asked_step import Asked, take_account_step
from core.domain.fees import Line, total
from core.domain.monthly_invoice import last_day
from core.domain.steps import StepKind
from core.ledger.double_entry import InvoiceKind, Purpose
from core.ledger.tables import MONTHLY_LINES, MonthlyAmount, Operation
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import StepResult


def _wanted(*columns: tuple[str, Any]) -> Any:
    """Rows that travel as arrays, one for each column."""
    arrays = (bindparam(f"of_{name}", type_=ARRAY(type_)) for name, type_ in columns)
    return (
        func.unnest(*arrays)
        .table_valued(*(name for name, _ in columns), name="wanted")
        .render_derived()
    )


_OF = _wanted(("account", Text), ("month", Date))
_WAITING = (
    select(
        MonthlyAmount.account,
        MonthlyAmount.consolidated,
        MonthlyAmount.description,
        MonthlyAmount.amount,
    )
    .join(_OF, (MonthlyAmount.account == _OF.c.account) & (MonthlyAmount.month == _OF.c.month))
    .join(Operation, Operation.id == MonthlyAmount.operation)
    .where(MonthlyAmount.invoice.is_(None))
    .order_by(MonthlyAmount.account, *MONTHLY_LINES)
)
_ON = _wanted(("account", Text), ("month", Date), ("unbilled", Boolean), ("invoice", BigInteger))
_INVOICED = (
    update(MonthlyAmount)
    .where(
        MonthlyAmount.account == _ON.c.account,
        MonthlyAmount.month == _ON.c.month,
        MonthlyAmount.consolidated == _ON.c.unbilled,
        MonthlyAmount.invoice.is_(None),
    )
    .values(invoice=_ON.c.invoice)
)
_KINDS = ((False, InvoiceKind.MONTHLY), (True, InvoiceKind.CONSOLIDATED))


def monthly_invoice(work: Work, asked: Asked) -> StepResult | None:
    """Make the invoice of the oldest month whose amounts wait.

    An account that was switched to postpaid in that month gets two: one for what it had paid, and
    the consolidated one (Rule 11.6).
    """
    return take_account_step(work, asked, StepKind.MONTHLY_INVOICE, _make)


def _make(work: Work) -> list[int]:
    return invoice_months([work])[work.account.id]


def invoice_months(works: Sequence[Work]) -> dict[str, list[int]]:
    """Add the invoices of the oldest month of accounts, the first of which leads the others.

    Returns their operations by account. They move no money. The caller adds the events, and saves
    the accounts.
    """
    leader, months = works[0], {work.account.id: work.account.uninvoiced[0] for work in works}
    values = {"of_account": [*months], "of_month": [*months.values()]}
    rows = defaultdict[str, list[Row[Any]]](list)
    waiting: Iterable[Row[Any]] = leader.connection.execute(_WAITING, values)
    for row in waiting:
        rows[row.account].append(row)
    operations: dict[str, list[int]] = {id_: [] for id_ in months}
    invoiced: list[tuple[Work, bool, int | None, list[Line]]] = []
    for work in works:
        id_ = work.account.id
        for consolidated, kind in _KINDS:
            lines = [
                Line(row.description, row.amount)
                for row in rows[id_]
                if row.consolidated is consolidated
            ]
            if not lines:
                continue
            operation = work.operation(Purpose.MONTHLY_INVOICE, {})
            invoice = work.invoice(operation, kind, lines, total(lines), on=last_day(months[id_]))
            invoiced.append((work, consolidated, invoice, lines))
            operations[id_].append(operation)
    leader.flush()
    leader.connection.execute(
        _INVOICED,
        {
            "of_account": [work.account.id for work, *_ in invoiced],
            "of_month": [months[work.account.id] for work, *_ in invoiced],
            "of_unbilled": [consolidated for _, consolidated, *_ in invoiced],
            "of_invoice": [invoice for *_, invoice, _ in invoiced],
        },
    )
    for work, consolidated, _, lines in invoiced:
        if consolidated:
            work.bill(total(lines))
    return operations
