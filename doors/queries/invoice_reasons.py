"""Why the lines of an invoice stand on it (Rule 11.4)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from core.domain.counted import counted
from core.domain.money import in_words
from core.domain.reasons import Reason
from core.domain.rules import Rule
from core.ledger.bulk_write import one_of
from core.ledger.double_entry import InvoiceKind, Purpose
from core.ledger.ledger import Ledger
from core.ledger.tables import (
    MONTHLY_LINES,
    AccountRow,
    History,
    Invoice,
    MonthlyAmount,
    NumberRow,
    Operation,
    Posting,
)
from doors.queries.fee_terms import Fee, skus_in, terms_of_each
from doors.queries.reasons import MOST_REASONS, Reasons, at_most
from doors.queries.snapshot import NotFound, Snapshot, open_snapshot

_RULES = {
    Purpose.PURCHASE: Rule.PURCHASE,
    Purpose.NEXT_CYCLE: Rule.PRICE_VERSIONS,
    Purpose.PRORATED: Rule.PRORATION,
    Purpose.TOP_UP: Rule.INVOICES,
    Purpose.CARD_CHARGE: Rule.FUNDING,
    Purpose.TERMINATE: Rule.TERMINATE,
    Purpose.REFUND: Rule.REFUND,
    Purpose.ACTIVATION_FEE: Rule.ACTIVATION_FEE,
    Purpose.USAGE: Rule.ROUNDING,
}


def lines_of_invoice(ledger: Ledger, number: str) -> Reasons:
    """Each line of an invoice with what has charged it. Raises NotFound.

    `number`: the number of the invoice, with or without leading zeros.
    """
    with open_snapshot(ledger) as snapshot:
        query = (
            select(Invoice.__table__, AccountRow.timezone, Operation.purpose, Operation.at)
            .join(AccountRow, AccountRow.id == Invoice.account)
            .join(Operation, Operation.id == Invoice.operation)
            .where(Invoice.seller == ledger.seller, Invoice.number == int(number))
        )
        row = snapshot.connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"there is no invoice {number}")
        monthly = row.kind in (InvoiceKind.MONTHLY, InvoiceKind.CONSOLIDATED)
        reasons = _amounts(snapshot, row) if monthly else _own_lines(snapshot, row)
        left_out = len(row.lines) - len(reasons) if monthly else 0
    kind = InvoiceKind(row.kind).words
    lines = counted(len(row.lines), "line")
    answer = (
        f"It is the {kind} of account {row.account}, dated {row.date}, "
        f"over {in_words(row.total, row.currency)}. It has {lines}."
    )
    return at_most(f"invoice {row.number:06}", answer, row.timezone, reasons, max(0, left_out))


def _own_lines(snapshot: Snapshot, row: Any) -> list[Reason]:
    """The lines of an invoice that one operation has made."""
    postings = snapshot.connection.execute(
        select(Posting.line, Posting.book)
        .where(Posting.operation == row.operation)
        .order_by(Posting.line)
    ).all()
    rows = (
        f"operation {row.operation}",
        *(f"posting {row.operation}/{it.line} ({it.book})" for it in postings),
    )
    purpose = Purpose(row.purpose)
    about = _subscription(snapshot, row.operation)
    of = f" of {about}" if about else ""
    skus = skus_in(snapshot, [line["text"] for line in row.lines])
    terms = terms_of_each(snapshot, [Fee(row.operation, named) for named in skus])
    return [
        Reason(
            at=row.at,
            text=f"{line['text']}: {_amount(line, row)}, for the {purpose.words}{of}.",
            rule=_rule(snapshot, row, purpose),
            rows=(*rows, *used),
        )
        for line, used in zip(row.lines, terms, strict=True)
    ]


def _amount(line: dict[str, str], row: Any) -> str:
    return in_words(Decimal(line["amount"]), row.currency)


def _subscription(snapshot: Snapshot, operation: int) -> str | None:
    query = select(Operation.subscription).where(Operation.id == operation)
    found: str | None = snapshot.connection.execute(query).scalar()
    return found


def _rule(snapshot: Snapshot, row: Any, purpose: Purpose) -> Rule:
    """The rule of the event of the operation, or else that of its purpose."""
    about = _subscription(snapshot, row.operation)
    if about is not None:
        query = (
            select(History.rule)
            .where(History.subscription == about, History.operation == row.operation)
            .limit(1)
        )
        if found := snapshot.connection.execute(query).scalar():
            return Rule(found)
    return _RULES.get(purpose, Rule.INVOICES)


def _amounts(snapshot: Snapshot, row: Any) -> list[Reason]:
    """The lines of a monthly invoice, each with the operation that has charged it and its terms."""
    query = (
        select(MonthlyAmount.__table__, Operation.at, Operation.purpose, Operation.subscription)
        .join(Operation, Operation.id == MonthlyAmount.operation)
        .where(MonthlyAmount.invoice == row.id)
        .order_by(*MONTHLY_LINES)
        .limit(MOST_REASONS)
    )
    lines = snapshot.connection.execute(query).all()
    return [
        Reason(
            at=it.at,
            text=f"{it.description}: {in_words(it.amount, row.currency)}, for the "
            f"{Purpose(it.purpose).words}{f' of {it.subscription}' if it.subscription else ''}.",
            rule=_RULES.get(Purpose(it.purpose), Rule.POSTPAID),
            rows=(
                f"operation {it.operation}",
                f"monthly amount {it.operation}/{it.line}",
                *terms,
            ),
        )
        for it, terms in zip(lines, _terms(snapshot, lines), strict=True)
    ]


def _terms(snapshot: Snapshot, lines: Sequence[Any]) -> list[tuple[str, ...]]:
    """The terms of the lines of a monthly invoice, which name their SKUs.

    The line of an activation fee ends with the number. That of usage has the words of the caller.
    """
    ends = [it.description.split()[-1:] for it in lines]
    numbers = select(NumberRow.number, NumberRow.sku).where(
        NumberRow.seller == snapshot.seller,
        one_of(NumberRow.number, [word for words in ends for word in words]),
    )
    of_numbers = {row.number: row.sku for row in snapshot.connection.execute(numbers)}
    fees = []
    named = skus_in(snapshot, [it.description for it in lines])
    for it, skus, end in zip(lines, named, ends, strict=True):
        purpose = Purpose(it.purpose)
        if purpose is Purpose.ACTIVATION_FEE:
            skus = [of_numbers[number] for number in end if number in of_numbers]
        elif purpose is Purpose.USAGE:
            skus = []
        fees.append(Fee(it.operation, skus, activation=purpose is Purpose.ACTIVATION_FEE))
    return terms_of_each(snapshot, fees)
