"""A copy of one account with everything that it lives by, in a transaction that is never committed.

The copy has a seller, a test clock and ids of its own. So it shares no row and no lock with the
account, and the guards of the database hold for it as for any account. What is copied is what the
future depends on:

* the policies, the catalogue and the seller's own wallet
* the account with its balance, as one posting, and what waits for its monthly invoices, as one sum
  a month
* its subscriptions that live, with their steps, planned notices, periods that are not over, and the
  first period (Rule 8.3)
* its trials and its numbers

History, invoices and operations stay behind. PostgreSQL removes the copy when the connection ends,
whatever ends it.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select, update

from core.domain.calendar import local_date
from core.domain.planner.notices import MessageState
from core.domain.steps import SubjectKind
from core.domain.subscription import Status
from core.ledger import clocks, double_entry, row_security, seller_wallets
from core.ledger.bulk_write import insert_all, one_of
from core.ledger.double_entry import Purpose
from core.ledger.ledger import Ledger
from core.ledger.rehearsal import Rehearsal, rehearsal
from core.ledger.stored_terms import References
from core.ledger.tables import (
    AccountRow,
    Base,
    CatalogEntry,
    Message,
    MonthlyAmount,
    NumberRow,
    Operation,
    PeriodCharge,
    PeriodRow,
    PolicyVersion,
    Posting,
    Seller,
    StepRow,
    SubscriptionRow,
    TrialRow,
)

#: Room for a debt while the copy is made. The limit of the account follows at the end.
_ROOM = Decimal(10) ** 14


#: PostgreSQL has no statistics of the copy's rows. A plan for few rows would read whole tables for
#: each of thousands, and the guards keep their plans as long as the connection lives.
_BY_INDEX = "SET LOCAL enable_seqscan = off"
_PLAN_ANEW = "DISCARD PLANS"


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy of an account.

    `ledger`: a ledger whose units of work see the copy. Its seller is the copy's.
    `account`, `clock`: the ids of the copy and of its test clock, which stands at the copy's now.
    """

    ledger: Rehearsal
    account: str
    clock: str

    def id_of(self, original: str) -> str:
        """The id that a subscription has in the copy. The order of ids stays (Rule 1.7)."""
        return f"{self.clock}/{original}"

    def original(self, text: str) -> str:
        """An id or a text of the copy with the ids of the original."""
        return text.replace(f"{self.clock}/", "")


@contextmanager
def copy_of_account(
    ledger: Ledger, account: str, now: datetime, named: Collection[str] = ()
) -> Iterator[Copied]:
    """Copy an account of the ledger's seller. At the end the copy is gone.

    `now`: the instant (UTC) at which the clock of the copy starts.
    `named`: ids of subscriptions that are copied also when they are TERMINATED.

    It reads one snapshot of the database and locks nothing of the account.
    """
    with rehearsal(ledger, isolation="REPEATABLE READ") as on:
        mark = f"~{uuid4().hex[:12]}"
        copied = Copied(on, f"{mark}/{account}", mark)
        on.connection.exec_driver_sql(_BY_INDEX)
        on.connection.exec_driver_sql(_PLAN_ANEW)
        # The copy is another seller's, so both are seen while it is made.
        row_security.see(on.connection, row_security.EVERY_SELLER)
        _Copy(on.connection, ledger, account, copied, now, named).make()
        row_security.see(on.connection, mark)
        on.seller, on.references = mark, References()
        on.check()
        try:
            yield copied
        finally:
            on.connection.rollback()
            on.connection.exec_driver_sql(_PLAN_ANEW)


class _Copy:
    """One copying."""

    def __init__(
        self,
        connection: Connection,
        ledger: Ledger,
        account: str,
        copied: Copied,
        now: datetime,
        named: Collection[str],
    ) -> None:
        self._connection = connection
        self._ledger = ledger
        self._copied = copied
        self._now = now
        self._row = connection.execute(
            select(AccountRow.__table__).where(AccountRow.id == account)
        ).one()
        self._today = local_date(now, self._row.timezone)
        self._mine = {"account": copied.account, "clock": copied.clock}
        numbers = select(NumberRow.subscription).where(NumberRow.account == account)
        trials = select(TrialRow.subscription).where(TrialRow.account == account)
        self._of_account = SubscriptionRow.account == account
        self._chosen: ColumnElement[bool] = self._of_account & or_(
            SubscriptionRow.status != Status.TERMINATED,
            one_of(SubscriptionRow.id, sorted(named)),
            SubscriptionRow.id.in_(numbers),
            SubscriptionRow.id.in_(trials),
        )

        copied_too = select(SubscriptionRow.id).where(self._chosen)
        self._its_numbers = select(NumberRow.__table__).where(
            NumberRow.account == account,
            or_(NumberRow.subscription.is_(None), NumberRow.subscription.in_(copied_too)),
        )

    def make(self) -> None:
        """Copy everything, in the order of the references between tables."""
        self._terms()
        clocks.create(self._connection, self._copied.clock, self._copied.clock, self._now)
        self._account()
        ids = self._subscriptions()
        self._steps_and_notices()
        operation = self._opening()
        self._periods(operation)
        self._monthly_amounts(operation)
        self._trials(ids)
        self._numbers()
        limit = ("credit_limit", "credit_limit_until", "credit_limit_ends")
        self._connection.execute(
            update(AccountRow)
            .where(AccountRow.id == self._copied.account)
            .values({name: getattr(self._row, name) for name in limit})
        )

    def _terms(self) -> None:
        of, mark = self._row.seller, self._copied.clock
        [seller] = self._rows(select(Seller.__table__).where(Seller.id == of))
        self._connection.execute(insert(Seller).values(seller | {"id": mark}))
        policies = select(PolicyVersion.__table__).where(PolicyVersion.seller == of)
        self._add(PolicyVersion, [row | {"seller": mark} for row in self._rows(policies)])
        entries = (
            select(CatalogEntry.document).where(CatalogEntry.seller == of).order_by(CatalogEntry.id)
        )
        self._add(CatalogEntry, [row | {"seller": mark} for row in self._rows(entries)])
        currency = self._row.currency
        if holds := seller_wallets.balance(self._connection, of, currency):
            seller_wallets.top_up(
                self._connection,
                mark,
                currency,
                holds,
                at=self._now,
                request_id="copied",
                actor="perennial",
            )

    def _account(self) -> None:
        values = self._row._asdict() | {
            "id": self._copied.account,
            "seller": self._copied.clock,
            "clock": self._copied.clock,
            "balance": 0,
            "unbilled": 0,
            "credit_limit": _ROOM,
            "credit_limit_until": None,
            "credit_limit_ends": None,
        }
        self._add(AccountRow, [values])

    def _subscriptions(self) -> list[str]:
        """Copy the subscriptions. Returns the ids that they have in the account."""
        rows = self._rows(
            select(SubscriptionRow.__table__).where(self._chosen).order_by(SubscriptionRow.id)
        )
        own = self._mine | {"workflow_started": True}
        self._add(
            SubscriptionRow, [row | own | {"id": self._copied.id_of(row["id"])} for row in rows]
        )
        return [row["id"] for row in rows]

    def _steps_and_notices(self) -> None:
        numbers = {f"{row['seller']}/{row['number']}" for row in self._rows(self._its_numbers)}
        steps = [
            row | self._mine | {"subject": self._subject(row)}
            for row in self._rows(select(StepRow.__table__).where(StepRow.account == self._row.id))
            if row["subject_kind"] != SubjectKind.NUMBER or row["subject"] in numbers
        ]
        self._add(StepRow, steps)
        columns = [column for column in Message.__table__.columns if column.name != "id"]
        notices = self._rows(
            select(*columns).where(
                Message.account == self._row.id,
                Message.state == MessageState.PLANNED,
                Message.due > self._now,
                Message.subscription.in_(select(SubscriptionRow.id).where(self._chosen)),
            )
        )
        self._add(
            Message,
            [
                row | self._mine | {"subscription": self._copied.id_of(row["subscription"])}
                for row in notices
            ],
        )

    def _subject(self, step: dict[str, Any]) -> str:
        if step["subject_kind"] == SubjectKind.ACCOUNT:
            return self._copied.account
        if step["subject_kind"] == SubjectKind.NUMBER:
            return f"{self._copied.clock}/{step['subject'].rpartition('/')[2]}"
        return self._copied.id_of(step["subject"])

    def _opening(self) -> int:
        """The operation to which everything goes back that was paid before."""
        operation = self._ledger.ids.take(self._connection)
        self._add(
            Operation,
            [
                {
                    "id": operation,
                    "seller": self._copied.clock,
                    "account": self._copied.account,
                    "purpose": Purpose.OPENING_CREDITS,
                    "at": self._now,
                    "result": {},
                }
            ],
        )
        books = double_entry.opening_credits(self._row.balance)
        postings = [
            {
                "operation": operation,
                "line": line,
                "book": str(book),
                "account": self._copied.account,
                "currency": self._row.currency,
                "amount": amount,
            }
            for line, (book, amount) in enumerate(books.items(), start=1)
            if amount
        ]
        self._add(Posting, postings)
        return operation

    def _periods(self, operation: int) -> None:
        """The periods that are not over, the last one and the first one, as their payer sees them.

        What another account has paid for a period is not there: a refund goes to that account.
        """
        mine = (
            select(
                PeriodRow.subscription.label("of"),
                func.min(PeriodRow.start).label("first"),
                func.max(PeriodRow.expiry).label("last"),
            )
            .where(PeriodRow.subscription.in_(select(SubscriptionRow.id).where(self._chosen)))
            .group_by(PeriodRow.subscription)
            .subquery()
        )
        paid = (
            select(func.sum(PeriodCharge.amount))
            .join(Operation, Operation.id == PeriodCharge.operation)
            .where(PeriodCharge.period == PeriodRow.id, Operation.account == self._row.id)
            .correlate(PeriodRow)
            .scalar_subquery()
        )
        rows = self._rows(
            select(PeriodRow.__table__, paid.label("paid_by_it"))
            .join(mine, mine.c.of == PeriodRow.subscription)
            .where(
                or_(
                    PeriodRow.expiry >= self._today,
                    PeriodRow.start == mine.c.first,
                    PeriodRow.expiry == mine.c.last,
                )
            )
            .order_by(PeriodRow.id)
        )
        charges = []
        for row in rows:
            amount = row.pop("paid_by_it")
            row |= {
                "id": self._ledger.ids.take(self._connection),
                "operation": operation,
                "subscription": self._copied.id_of(row["subscription"]),
                "account": self._copied.account,
            }
            if amount is not None:
                charges.append({"period": row["id"], "operation": operation, "amount": amount})
        self._add(PeriodRow, rows)
        self._add(PeriodCharge, charges)

    def _monthly_amounts(self, operation: int) -> None:
        """What waits for monthly invoices, as one amount for each (Rules 11.4, 11.6)."""
        waiting = (
            select(
                MonthlyAmount.month,
                MonthlyAmount.consolidated,
                func.sum(MonthlyAmount.amount).label("amount"),
            )
            .where(MonthlyAmount.account == self._row.id, MonthlyAmount.invoice.is_(None))
            .group_by(MonthlyAmount.month, MonthlyAmount.consolidated)
            .order_by(MonthlyAmount.month, MonthlyAmount.consolidated)
        )
        more = {
            "operation": operation,
            "account": self._copied.account,
            "description": "what was used before",
        }
        rows = self._rows(waiting)
        numbered = [row | more | {"line": line} for line, row in enumerate(rows)]
        self._add(MonthlyAmount, numbered)

    def _trials(self, ids: list[str]) -> None:
        """The trials that the account has had. One of a subscription that left names another."""
        rows = self._rows(select(TrialRow.__table__).where(TrialRow.account == self._row.id))
        there = set(ids)
        self._add(
            TrialRow,
            [
                row
                | {
                    "account": self._copied.account,
                    "subscription": self._copied.id_of(
                        row["subscription"] if row["subscription"] in there else ids[0]
                    ),
                }
                for row in rows
                if ids
            ],
        )

    def _numbers(self) -> None:
        """The numbers of the account, but those that a subscription has left behind."""
        copies = []
        for row in self._rows(self._its_numbers):
            own: dict[str, Any] = {"seller": self._copied.clock, "account": self._copied.account}
            if row["returned_by"] == self._row.id:
                own["returned_by"] = self._copied.account
            if row["subscription"] is not None:
                own["subscription"] = self._copied.id_of(row["subscription"])
            copies.append(row | own)
        self._add(NumberRow, copies)

    def _rows(self, query: Any) -> list[dict[str, Any]]:
        return [dict(row._mapping) for row in self._connection.execute(query)]

    def _add(self, table: type[Base], rows: list[dict[str, Any]]) -> None:
        if rows:
            insert_all(self._connection, table, rows)
