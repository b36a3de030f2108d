"""Queries for people and programs: lists, one subscription, history, invoices, terms.

Owns the SQL of them. Every value is a parameter, and everything is read within one seller. It
changes nothing. Days are local dates of the account, instants are UTC, amounts are in the account's
currency, which stands beside them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Connection, Date, Select, case, cast, func, literal, select

from core.domain import explain
from core.domain import policy as policies
from core.domain.calendar import add_months, first_instant, local_date
from core.domain.catalog import Catalog
from core.domain.events import Event
from core.domain.fees import cycle_lines, total
from core.domain.forecast import Entry, forecast
from core.domain.planner.notices import PlannedNotice
from core.domain.planner.renewals import renewal_date
from core.domain.planner.schedule import schedule
from core.domain.policy import Policy
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.steps import Step
from core.domain.subscription import Status, Subscription
from core.domain.terms import Terms
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.period_amounts import PAID, REFUNDED
from core.ledger.rows import IS_NEXT_STEP, NEXT_STEP, account_from, step_from, subscription_from
from core.ledger.tables import (
    AccountRow,
    CardCharge,
    Clock,
    History,
    Invoice,
    InvoiceNumber,
    PeriodRow,
    Posting,
    Seller,
    StepRow,
    SubscriptionRow,
)
from core.protocol.activity_messages import ChargeOutcome

ListName = Literal["active", "failed", "expiring", "expired"]
_DAY = timedelta(days=1)


class NotFound(LookupError):
    """The thing does not exist. The message says what was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodView:
    """One paid cycle: its days, what was paid for it and what was given back."""

    start: date
    expiry: date
    paid: Decimal
    refunded: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionView:
    """A subscription for a person.

    `fee` is what the next cycle costs at today's prices. It is None where a price is missing or
    when the subscription is TERMINATED. `now` is the instant by which it lives. `periods` are its
    paid cycles. The other fields are as in `Subscription` and `Account`.
    """

    subscription: str
    account: str
    owner: str | None
    billing_email: str | None
    sku: str
    quantity: int
    multiplier: int
    addons: dict[str, int]
    legacy: bool
    status: Status
    auto_renew: bool
    renewal_failed: bool
    failure: str | None
    anchor: date
    cycle_months: int
    expiry: date
    renewal_date: date | None
    expired_on: date | None
    terminated_on: date | None
    cycles_paid: int
    fee: Decimal | None
    currency: str
    timezone: str
    suspended: bool
    clock: str | None
    now: datetime
    next_step: Step | None
    periods: list[PeriodView]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account and its wallet (Rule 11.1).

    `subscriptions` counts its subscriptions by status, `failed` those whose renewal failed.
    """

    account: str
    owner: str | None
    billing_email: str | None
    currency: str
    timezone: str
    clock: str | None
    now: datetime
    balance: Decimal
    usable: Decimal
    reserved: Decimal
    liability: Decimal
    credit_limit: Decimal
    credit_limit_until: date | None
    card: str | None
    renew_by_card: bool
    suspended: bool
    closed_on: date | None
    closed_for_good: bool
    subscriptions: dict[str, int]
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One line of history. `amount` is the signed change of the balance."""

    seq: int
    at: datetime
    date: date
    account: str
    subscription: str | None
    event: str
    amount: Decimal | None
    currency: str
    timezone: str
    rule: str
    actor: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceView:
    """An invoice or credit note. `number` is None until it is numbered (Rule 11.4)."""

    number: str | None
    kind: str
    date: date
    account: str
    currency: str
    total: Decimal
    lines: list[tuple[str, Decimal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """A line of a work list, with the address to write to (Rule 6.3).

    `reason` is why a renewal failed. `balance` is the account's.
    """

    account: str
    owner: str | None
    billing_email: str | None
    subscription: str
    sku: str
    quantity: int
    status: Status
    auto_renew: bool
    expiry: date
    renewal_date: date | None
    failed_on: date | None
    reason: str | None
    balance: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a subscription renewed or did not renew.

    `answer` says it in words with its rules. `because` is the history that led to it. `coming` are
    the steps and notices ahead.
    """

    subscription: str
    status: Status
    answer: str
    because: list[HistoryLine]
    fee: Decimal | None
    usable: Decimal
    currency: str
    timezone: str
    now: datetime
    next_step: Step | None
    coming: list[Step | PlannedNotice] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over many accounts of one currency.

    `statuses` counts subscriptions by status. `events` counts events with their money. `books`
    holds the sum of each book. `ledger_sum` is the sum of all postings, which is zero (Rule 11.3).
    """

    currency: str
    statuses: dict[str, int]
    events: dict[str, tuple[int, Decimal]]
    books: dict[str, Decimal]
    ledger_sum: Decimal


class Reading:
    """What can be read of one seller."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    # one thing

    def subscription(self, id_: str) -> SubscriptionView:
        """One subscription with its periods. Raises NotFound."""
        with self._open() as connection:
            row = self._row(connection, id_)
            now = row.clock_now or machine_now()
            subscription = subscription_from(row)
            policy = self._policy(connection, subscription.policy_version)
            live = subscription.status is not Status.TERMINATED
            return SubscriptionView(
                subscription=row.id,
                account=row.account,
                owner=row.owner,
                billing_email=row.billing_email,
                sku=row.sku,
                quantity=row.quantity,
                multiplier=row.multiplier,
                addons=row.addons,
                legacy=row.legacy,
                status=subscription.status,
                auto_renew=row.auto_renew,
                renewal_failed=row.renewal_failed,
                failure=row.failure if row.renewal_failed else None,
                anchor=row.anchor,
                cycle_months=row.cycle_months,
                expiry=row.expiry,
                renewal_date=renewal_date(subscription, policy)
                if subscription.status is Status.ACTIVE
                else None,
                expired_on=row.expired_on,
                terminated_on=row.terminated_on,
                cycles_paid=row.cycles_paid,
                fee=self._fee(connection, subscription, row.currency, local_date(now, row.timezone))
                if live
                else None,
                currency=row.currency,
                timezone=row.timezone,
                suspended=row.suspended,
                clock=row.clock,
                now=now,
                next_step=step_from(row),
                periods=_periods(connection, id_),
            )

    def account(self, id_: str) -> AccountView:
        """One account. Raises NotFound."""
        with self._open() as connection:
            row = self._account_row(connection, id_)
            now = row.clock_now or machine_now()
            counts = select(
                SubscriptionRow.status,
                func.count(),
                func.count().filter(SubscriptionRow.renewal_failed),
            )
            found = list(
                connection.execute(
                    counts.where(SubscriptionRow.account == id_).group_by(SubscriptionRow.status)
                )
            )
            return AccountView(
                account=row.id,
                owner=row.owner,
                billing_email=row.billing_email,
                currency=row.currency,
                timezone=row.timezone,
                clock=row.clock,
                now=now,
                balance=row.balance,
                usable=account_from(row).usable(local_date(now, row.timezone)),
                reserved=row.reserved,
                liability=row.liability,
                credit_limit=row.credit_limit,
                credit_limit_until=row.credit_limit_until,
                card=row.card,
                renew_by_card=row.renew_by_card,
                suspended=row.suspended,
                closed_on=row.closed_on,
                closed_for_good=row.closed_for_good,
                subscriptions={status: n for status, n, _ in found},
                failed=sum(failed for *_, failed in found),
            )

    def history(self, id_: str, limit: int | None = None) -> list[HistoryLine]:
        """The history of a subscription, oldest first, at most its newest `limit` lines."""
        with self._open() as connection:
            self._row(connection, id_)
            return self._history(connection, History.subscription == id_, limit)

    def account_history(self, id_: str, limit: int | None = None) -> list[HistoryLine]:
        """The history of an account and its subscriptions, oldest first. Raises NotFound."""
        with self._open() as connection:
            self._account_row(connection, id_)
            return self._history(connection, History.account == id_, limit)

    def invoices(self, account: str) -> list[InvoiceView]:
        """The invoices and credit notes of an account, in order of issue. Raises NotFound."""
        with self._open() as connection:
            self._account_row(connection, account)
            query = (
                select(Invoice.__table__, InvoiceNumber.number)
                .outerjoin(InvoiceNumber, InvoiceNumber.invoice == Invoice.id)
                .where(Invoice.account == account)
                .order_by(Invoice.seq)
            )
            return [
                InvoiceView(
                    number=None if row.number is None else f"{row.number:06}",
                    kind=row.kind,
                    date=row.date,
                    account=row.account,
                    currency=row.currency,
                    total=row.total,
                    lines=[(line["text"], Decimal(line["amount"])) for line in row.lines],
                )
                for row in connection.execute(query)
            ]

    # why and what next

    def explain(self, id_: str) -> Explanation:
        """Why a subscription renewed or not, from what is committed. Raises NotFound."""
        with self._open() as connection:
            row = self._row(connection, id_)
            now = row.clock_now or machine_now()
            today = local_date(now, row.timezone)
            subscription = subscription_from(row)
            policy = self._policy(connection, subscription.policy_version)
            live = subscription.status is not Status.TERMINATED
            coming = [
                item
                for item, _ in zip(
                    schedule(subscription, policy, row.timezone), range(4), strict=False
                )
            ]
            return Explanation(
                subscription=id_,
                status=subscription.status,
                answer=explain.why_not_renewed(
                    subscription, policy, row.timezone, suspended=row.suspended
                ),
                because=_decisive(self._history(connection, History.subscription == id_, 30)),
                fee=self._fee(connection, subscription, row.currency, today) if live else None,
                usable=account_from(self._account_row(connection, row.account)).usable(today),
                currency=row.currency,
                timezone=row.timezone,
                now=now,
                next_step=step_from(row),
                coming=[item for item in coming if item.due > now],
            )

    def forecast(
        self, id_: str, months: int, *, card_charges: bool = True
    ) -> tuple[AccountView, list[Entry]]:
        """What the account of a subscription does by itself in the coming months.

        The forecast covers all of its subscriptions, since they share a wallet. Raises NotFound and
        `Refused` 4.1 when a price is missing.
        """
        with self._open() as connection:
            row = self._row(connection, id_)
            account = account_from(self._account_row(connection, row.account))
            query = (
                select(SubscriptionRow.__table__)
                .where(SubscriptionRow.account == row.account)
                .order_by(SubscriptionRow.id)
            )
            subscriptions = [subscription_from(found) for found in connection.execute(query)]
            revision, current = self._seller(connection)
            used = {subscription.policy_version for subscription in subscriptions} | {current}
            terms = Terms(
                self._catalog(connection, revision),
                {v: self._policy(connection, v) for v in used},
                current,
            )
        view = self.account(row.account)
        until = first_instant(
            add_months(local_date(view.now, view.timezone), months), view.timezone
        )
        return view, forecast(
            account, subscriptions, terms, view.now, until, card_charges=card_charges
        )

    # lists

    def work_list(
        self,
        which: ListName,
        *,
        account: str | None = None,
        expiry_from: date | None = None,
        expiry_to: date | None = None,
        clock: str | None = None,
    ) -> list[ListRow]:
        """A work list, by account and then by expiry date (Rule 6.3).

        `which`: the list. *Expiring* means that auto-renewal is off and today is within the
        policy's days before the expiry date.
        `account`, `clock`: only this account, or only accounts on this test clock. Default all.
        `expiry_from`, `expiry_to`: the first and the last expiry date. Default all.
        """
        with self._open() as connection:
            if account is not None:
                self._account_row(connection, account)
            days = self._policy(connection, self._seller(connection)[1]).expiring_notice_days
            query = self._list(which, days)
            if account is not None:
                query = query.where(SubscriptionRow.account == account)
            if clock is not None:
                query = query.where(AccountRow.clock == clock)
            if expiry_from is not None:
                query = query.where(SubscriptionRow.expiry >= expiry_from)
            if expiry_to is not None:
                query = query.where(SubscriptionRow.expiry <= expiry_to)
            rows = list(connection.execute(query))
        if which == "expiring":  # the query knows the day in UTC only
            rows = [
                row
                for row in rows
                if 0
                <= (row.expiry - local_date(row.clock_now or machine_now(), row.timezone)).days
                <= days
            ]
        return [_list_row(row) for row in rows]

    def _list(self, which: ListName, days: int) -> Select[Any]:
        query = _SUBSCRIPTION.where(AccountRow.seller == self._ledger.seller).order_by(
            SubscriptionRow.account, SubscriptionRow.expiry, SubscriptionRow.id
        )
        active = SubscriptionRow.status == Status.ACTIVE
        match which:
            case "active":
                return query.where(active)
            case "failed":
                return query.where(active, SubscriptionRow.renewal_failed)
            case "expired":
                return query.where(SubscriptionRow.status == Status.EXPIRED)
            case "expiring":
                today = cast(func.timezone("UTC", func.coalesce(Clock.now, machine_now())), Date)
                soon = SubscriptionRow.expiry.between(today - 2, today + days + 2)
                return query.where(active, ~SubscriptionRow.auto_renew, soon)

    def accounts_of(self, subscriptions: list[str]) -> dict[str, str]:
        """The account of each of these subscriptions that exists."""
        with self._open() as connection:
            query = select(SubscriptionRow.id, SubscriptionRow.account).join(
                AccountRow, AccountRow.id == SubscriptionRow.account
            )
            mine = (SubscriptionRow.id.in_(subscriptions), AccountRow.seller == self._ledger.seller)
            return {row.id: row.account for row in connection.execute(query.where(*mine))}

    def totals(self, clock: str) -> list[Totals]:
        """Sums over all accounts on a test clock, by currency."""
        mine = (AccountRow.seller == self._ledger.seller, AccountRow.clock == clock)
        state = case(
            (SubscriptionRow.status != Status.ACTIVE, SubscriptionRow.status),
            (SubscriptionRow.renewal_failed, "failed"),
            else_=Status.ACTIVE,
        )
        standing = (
            select(AccountRow.currency, state.label("what"))
            .join(SubscriptionRow, SubscriptionRow.account == AccountRow.id)
            .where(*mine)
            .subquery()
        )
        statuses = select(standing.c.currency, standing.c.what, func.count()).group_by(
            standing.c.currency, standing.c.what
        )
        again = (History.event == Event.RENEWAL_FAILED) & (History.rule == Rule.RETRY)
        event = case((again, "retry_failed"), else_=History.event).label("what")
        happened = (
            select(AccountRow.currency, event, History.amount)
            .join(History, History.account == AccountRow.id)
            .where(*mine)
            .subquery()
        )
        events = select(
            happened.c.currency,
            happened.c.what,
            func.count(),
            func.coalesce(func.sum(happened.c.amount), 0),
        ).group_by(happened.c.currency, happened.c.what)
        books = (
            select(AccountRow.currency, Posting.book, literal(0), func.sum(Posting.amount))
            .join(Posting, Posting.account == AccountRow.id)
            .where(*mine)
            .group_by(AccountRow.currency, Posting.book)
        )
        with self._open() as connection:
            found_statuses, found_events, found_books = (
                list(connection.execute(query)) for query in (statuses, events, books)
            )
        return [
            Totals(
                currency=currency,
                statuses={what: n for of, what, n in found_statuses if of == currency},
                events={
                    event: (n, amount) for of, event, n, amount in found_events if of == currency
                },
                books={book: amount for of, book, _, amount in found_books if of == currency},
                ledger_sum=sum(
                    (amount for of, *_, amount in found_books if of == currency), Decimal(0)
                ),
            )
            for currency in sorted(
                {of for of, *_ in found_statuses} | {of for of, *_ in found_books}
            )
        ]

    def unsettled_charges(self) -> int:
        """How many card charges have an unknown outcome."""
        with self._open() as connection:
            mine = (
                select(func.count())
                .select_from(CardCharge)
                .join(AccountRow, AccountRow.id == CardCharge.account)
            )
            return int(
                connection.execute(
                    mine.where(
                        CardCharge.outcome == ChargeOutcome.PENDING,
                        AccountRow.seller == self._ledger.seller,
                    )
                ).scalar_one()
            )

    # what is sold, by which terms

    def catalog(self) -> Catalog:
        """The seller's catalogue."""
        with self._open() as connection:
            return self._catalog(connection, self._seller(connection)[0])

    def policy(self) -> tuple[int, Policy]:
        """The seller's policy in force and its version. Version 0 is the defaults."""
        with self._open() as connection:
            version = self._seller(connection)[1]
            return version, self._policy(connection, version)

    def clocks(self, clock: str | None = None) -> list[tuple[str, datetime, int]]:
        """Test clocks, or one: its id, its virtual now (UTC), how many accounts are attached.

        Raises NotFound.
        """
        with self._open() as connection:
            query = select(Clock.id, Clock.now, func.count(AccountRow.id)).outerjoin(
                AccountRow, AccountRow.clock == Clock.id
            )
            if clock is not None:
                query = query.where(Clock.id == clock)
            found = [
                (row[0], row[1], row[2])
                for row in connection.execute(query.group_by(Clock.id).order_by(Clock.id))
            ]
        if clock is not None and not found:
            raise NotFound(f"there is no test clock {clock}")
        return found

    # how

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        """A connection that reads one snapshot of the database."""
        with self._ledger.engine.connect() as connection:
            yield connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    def _row(self, connection: Connection, id_: str) -> Any:
        row = connection.execute(
            _SUBSCRIPTION.where(SubscriptionRow.id == id_, AccountRow.seller == self._ledger.seller)
        ).one_or_none()
        if row is None:
            raise NotFound(f"subscription {id_} was never created")
        return row

    def _account_row(self, connection: Connection, id_: str) -> Any:
        query = select(AccountRow.__table__, Clock.now.label("clock_now")).outerjoin(
            Clock, Clock.id == AccountRow.clock
        )
        row = connection.execute(
            query.where(AccountRow.id == id_, AccountRow.seller == self._ledger.seller)
        ).one_or_none()
        if row is None:
            raise NotFound(f"there is no account {id_}")
        return row

    def _history(
        self, connection: Connection, condition: Any, limit: int | None
    ) -> list[HistoryLine]:
        query = (
            select(History.__table__, AccountRow.currency, AccountRow.timezone)
            .join(AccountRow, AccountRow.id == History.account)
            .where(condition, AccountRow.seller == self._ledger.seller)
            .order_by(History.seq.desc())
            .limit(limit)
        )
        return [
            HistoryLine(
                seq=row.seq,
                at=row.at,
                date=local_date(row.at, row.timezone),
                account=row.account,
                subscription=row.subscription,
                event=row.event,
                amount=row.amount,
                currency=row.currency,
                timezone=row.timezone,
                rule=row.rule,
                actor=row.actor,
                facts=row.facts,
            )
            for row in reversed(list(connection.execute(query)))
        ]

    def _seller(self, connection: Connection) -> tuple[int, int]:
        """The newest catalogue and the policy in force, as numbers. Zero when none is loaded."""
        query = select(Seller.catalog_revision, Seller.policy_version).where(
            Seller.id == self._ledger.seller
        )
        row = connection.execute(query).one_or_none()
        return (0, 0) if row is None else (row.catalog_revision, row.policy_version)

    def _policy(self, connection: Connection, version: int) -> Policy:
        return (
            policies.DEFAULT
            if version == 0
            else self._ledger.references.policy(connection, self._ledger.seller, version)
        )

    def _catalog(self, connection: Connection, revision: int) -> Catalog:
        return self._ledger.references.catalog(connection, self._ledger.seller, revision)

    def _fee(
        self, connection: Connection, subscription: Subscription, currency: str, today: date
    ) -> Decimal | None:
        try:
            return total(
                cycle_lines(
                    subscription,
                    self._catalog(connection, self._seller(connection)[0]),
                    currency,
                    today,
                )
            )
        except Refused:
            return None


#: A subscription with what its account says about it.
_SUBSCRIPTION = (
    select(
        SubscriptionRow.__table__,
        *NEXT_STEP,
        AccountRow.owner,
        AccountRow.billing_email,
        AccountRow.currency,
        AccountRow.timezone,
        AccountRow.suspended,
        AccountRow.balance,
        Clock.now.label("clock_now"),
    )
    .join(AccountRow, AccountRow.id == SubscriptionRow.account)
    .outerjoin(Clock, Clock.id == AccountRow.clock)
    .outerjoin(StepRow, IS_NEXT_STEP)
)

_DECISIVE = frozenset(event for event in Event if event.pays_cycle)


def _decisive(lines: list[HistoryLine]) -> list[HistoryLine]:
    """What led to the present state: the last paid cycle, and everything since."""
    last = max((index for index, line in enumerate(lines) if line.event in _DECISIVE), default=0)
    return lines[last:]


def _periods(connection: Connection, subscription: str) -> list[PeriodView]:
    query = select(
        PeriodRow.start, PeriodRow.expiry, PAID.label("paid"), REFUNDED.label("refunded")
    )
    rows = connection.execute(
        query.where(PeriodRow.subscription == subscription).order_by(PeriodRow.start, PeriodRow.id)
    )
    return [
        PeriodView(start=row.start, expiry=row.expiry, paid=row.paid, refunded=row.refunded)
        for row in rows
    ]


def _list_row(row: Any) -> ListRow:
    return ListRow(
        account=row.account,
        owner=row.owner,
        billing_email=row.billing_email,
        subscription=row.id,
        sku=row.sku,
        quantity=row.quantity,
        status=Status(row.status),
        auto_renew=row.auto_renew,
        expiry=row.expiry,
        renewal_date=row.renewal_date if row.status == Status.ACTIVE else None,
        failed_on=local_date(row.attempted_at, row.timezone)
        if row.failure and row.attempted_at
        else None,
        reason=row.failure,
        balance=row.balance,
        currency=row.currency,
    )
