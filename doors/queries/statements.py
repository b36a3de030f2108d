"""A statement: what an account had, every movement between two dates, what it has then (Rule 11.7).

Worked sum: opened with 100.00, two renewals of 50.00 and a top-up of 20.00 leave 20.00. The
statement has the opening balance 0.00, the movements +100.00, -50.00, -50.00, +20.00, and the
closing balance 20.00.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice

from core.domain.calendar import local_date
from core.domain.documents import Movement, NotOffered, Party, StatementFacts
from core.domain.subscription import ZERO, Mode
from core.ledger import profiles
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.queries.snapshot import open_snapshot
from doors.queries.transactions import (
    Positions,
    TransactionLine,
    Wanted,
    last_of,
    lines_of,
    positions_of,
)

#: The most movements of a statement as a document.
MOST_ON_DOCUMENT = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an account has at one moment. The last three are None while it is prepaid."""

    balance: Decimal
    unbilled: Decimal | None
    receivable: Decimal | None
    overpayment: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement between two local dates of the account, both inclusive.

    `opening`, `closing`: what it had before the first, and after the last movement.
    `mode`: how the account pays today. `clock`: its test clock, or None.
    `complete`: the last day is over, so the statement does not change.

    `positions`: where its movements stand among the transactions of the account. `movements` reads
    them. Opening balance plus their sum is the closing balance. Transactions that are written later
    are not among them.
    """

    account: str
    owner: str | None
    currency: str
    timezone: str
    clock: str | None
    mode: Mode
    first_day: date
    last_day: date
    complete: bool
    opening: Standing
    closing: Standing
    positions: Positions


_NOTHING = Standing(balance=ZERO, unbilled=None, receivable=None, overpayment=None)


def statement(ledger: Ledger, account: str, first_day: date, last_day: date) -> Statement:
    """The statement of an account between two local dates (Rule 11.7). Raises NotFound."""
    with open_snapshot(ledger) as snapshot:
        row = snapshot.account_row(account)
        positions = positions_of(snapshot, row, first_day, last_day)
        before = positions_of(snapshot, row, None, first_day - timedelta(days=1))
        opening = last_of(snapshot, row, before)
        closing = last_of(snapshot, row, positions_of(snapshot, row, None, last_day))
    today = local_date(row.clock_now or machine_now(), row.timezone)
    return Statement(
        account=row.id,
        owner=row.owner,
        currency=row.currency,
        timezone=row.timezone,
        clock=row.clock,
        mode=Mode(row.mode),
        first_day=first_day,
        last_day=last_day,
        complete=last_day < today,
        opening=_standing(opening),
        closing=_standing(closing),
        positions=positions,
    )


def movements(
    ledger: Ledger, of: Statement, *, after: int | None = None
) -> Iterator[TransactionLine]:
    """The movements of a statement, oldest first, read page by page.

    `after`: the position after which they start, default all.
    """
    with open_snapshot(ledger) as snapshot:
        row = snapshot.account_row(of.account)
    return lines_of(ledger, row, Wanted(account=row.id), of.positions, after=after)


def statement_facts(ledger: Ledger, of: Statement) -> StatementFacts:
    """A statement as a document, in the customer's language of now.

    Raises `NotOffered` for one with more than 5,000 movements.
    """
    found = list(islice(movements(ledger, of), MOST_ON_DOCUMENT + 1))
    if len(found) > MOST_ON_DOCUMENT:
        raise NotOffered(
            f"between these dates are more than {MOST_ON_DOCUMENT:,} movements, and a document "
            "holds no more. Choose fewer days, or write all of them with --csv."
        )
    with ledger.read() as connection:
        parties = Party(
            seller=profiles.seller_profile(connection, ledger.seller),
            customer=profiles.customer_profile(connection, of.account),
            account=of.account,
        )
    return StatementFacts(
        parties=parties,
        days=(of.first_day, of.last_day),
        complete=of.complete,
        currency=of.currency,
        opening=of.opening.balance,
        movements=tuple(
            Movement(
                day=line.date,
                kind=line.kind,
                about=line.subscription or line.invoice or "",
                amount=line.amount,
                balance=line.balance,
            )
            for line in found
        ),
        closing=of.closing.balance,
    )


def _standing(line: TransactionLine | None) -> Standing:
    if line is None:
        return _NOTHING
    return Standing(
        balance=line.balance,
        unbilled=line.unbilled,
        receivable=line.receivable,
        overpayment=line.overpayment,
    )
