"""Transactions and statements of an account, as tables and as CSV (Rule 11.7)."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from core.domain.calendar import local_time
from core.domain.subscription import ZERO
from doors.application.dates_and_money import day, money, signed
from doors.commandline.output import console
from doors.commandline.tables import Printed, add_row, pairs, table
from doors.queries.sentences import event
from doors.queries.statements import Standing, Statement
from doors.queries.transaction_csv import Line
from doors.queries.transactions import TransactionLine

#: The columns of a terminal from which on each value has a column of its own.
_WIDE = 120


def position(line: Line) -> str:
    """Return the position of a transaction, after which the next page starts."""
    return str(line.position) if isinstance(line, TransactionLine) else ""


def transactions(title: str, found: Sequence[Line]) -> list[Printed]:
    """Return transactions in their order. A postpaid account has what is unbilled and owed, too.

    On a narrow terminal several values share a cell, so that no id is broken.
    """
    lines = [line for line in found if isinstance(line, TransactionLine)]
    if not lines:
        return [f"{title}: there are none."]
    return [_wide(title, lines) if console().width >= _WIDE else _narrow(title, lines)]


def _wide(title: str, lines: Sequence[TransactionLine]) -> Table:
    owed = ("Unbilled", "Owed") if any(line.unbilled is not None for line in lines) else ()
    columns = ("When", "Subscription", "What", "Amount", "Balance", *owed)
    right = ("Amount", "Balance", *owed)
    made = table(title, *columns, "Rule", "Invoice", "Operation", right=right)
    for line in lines:
        add_row(
            made,
            _when(line),
            line.subscription or "",
            _what(line),
            signed(line.amount, line.currency),
            money(line.balance, line.currency),
            *_debts(line)[: len(owed)],
            line.rule,
            _invoice(line),
            str(line.operation),
        )
    return made


def _narrow(title: str, lines: Sequence[TransactionLine]) -> Table:
    made = table(title, "When", "What", "Amount", "Balance", "Operation", right=("Amount",))
    ids = [len(line.subscription or "") for line in lines]
    made.columns[0].min_width, made.columns[1].min_width = len("2021-01-31"), max(ids)
    for line in lines:
        debts = zip(_debts(line), ("unbilled", "owed"), strict=True) if line.unbilled else ()
        balance = [money(line.balance, line.currency), *(f"{it} {words}" for it, words in debts)]
        invoice = _invoice(line)
        operation = (str(line.operation), f"rule {line.rule}", invoice and f"invoice {invoice}")
        add_row(
            made,
            _when(line),
            "\n".join(filter(None, (_what(line), line.subscription))),
            signed(line.amount, line.currency),
            "\n".join(balance),
            "\n".join(filter(None, operation)),
        )
    return made


def _when(line: TransactionLine) -> str:
    return f"{line.date} {local_time(line.at, line.timezone):%H:%M}"


def _debts(line: TransactionLine) -> list[str]:
    """Return what is unbilled, and what is owed on invoices. Below zero that is overpayment."""
    if line.unbilled is None:
        return ["", ""]
    owed = (line.receivable or ZERO) - (line.overpayment or ZERO)
    return [money(amount, line.currency) for amount in (line.unbilled, owed)]


def _invoice(line: TransactionLine) -> str:
    if line.external_invoice:
        return f"external {line.external_invoice}"
    return line.invoice or ""


def _what(line: TransactionLine) -> str:
    kept = f", {money(line.admin_fee, line.currency)} kept as a fee" if line.admin_fee else ""
    return event(line) + kept


def statement_head(found: Statement) -> list[Printed]:
    """Return what stands above the movements of a statement."""
    clock = [("Test clock", found.clock)] if found.clock else []
    so_far = "" if found.complete else " (the last day is not over yet)"
    days = f"{day(found.first_day)} to {day(found.last_day)}{so_far}"
    return [
        pairs(
            f"Statement of {found.account}",
            [
                *([("Owner", found.owner)] if found.owner else []),
                ("Days", days),
                ("Time zone", found.timezone),
                *clock,
                *_standing("Opening", found.opening, found.currency),
            ],
        )
    ]


def statement_foot(found: Statement) -> list[Printed]:
    """Return what stands below the movements of a statement."""
    moved = found.closing.balance - found.opening.balance
    return [
        pairs(
            "At the end",
            [
                ("Moved", signed(moved, found.currency)),
                *_standing("Closing", found.closing, found.currency),
            ],
        )
    ]


def _standing(which: str, has: Standing, currency: str) -> Iterator[tuple[str, str]]:
    yield f"{which} balance", money(has.balance, currency)
    for name in ("unbilled", "receivable", "overpayment"):
        amount = getattr(has, name)
        if amount is not None:
            yield f"{which} {name}", money(amount, currency)
