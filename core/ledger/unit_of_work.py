"""A unit of work: one transaction on one account.

It locks the account's row first, so everything that moves an account's money or its subscriptions is serial by account; no
lock is shared by two accounts. What it writes is collected and flushed in bulk before the commit: in one statement.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, Row, and_, bindparam, or_, select, update

from core.domain import planner
from core.domain.calendar import first_instant, local_date
from core.domain.catalog import Catalog
from core.domain.commands.base import Command
from core.domain.events import Event
from core.domain.fees import Line
from core.domain.money import plain
from core.domain.planner import Kind, Step
from core.domain.policy import Policy
from core.domain.renewal_attempt import Terms
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Account, Failure, Period, Status, Subscription
from core.ledger import due_steps, failpoints
from core.ledger.bulk_write import one_of, write_all
from core.ledger.ids import Ids
from core.ledger.stored_terms import References
from core.ledger.tables import (
    AccountRow,
    Base,
    History,
    Invoice,
    Message,
    Operation,
    PeriodRow,
    Posting,
    RefundRow,
    Seller,
    SubscriptionRow,
)
from core.protocol.activity_messages import DueStep, Snapshot

_ACCOUNT = select(AccountRow.__table__, Seller.policy_version, Seller.catalog_revision).join(
    Seller, Seller.id == AccountRow.seller
)
_BY_ACCOUNT = _ACCOUNT.where(AccountRow.id == bindparam("account")).with_for_update(of=AccountRow)
_BY_SUBSCRIPTION = _ACCOUNT.where(
    AccountRow.id
    == select(SubscriptionRow.account)
    .where(SubscriptionRow.id == bindparam("subscription"))
    .scalar_subquery()
).with_for_update(of=AccountRow)
_SUBSCRIPTIONS = select(SubscriptionRow.__table__)
_ONE = _SUBSCRIPTIONS.where(SubscriptionRow.id == bindparam("subscription"))
_SAME_DATE = (
    select(SubscriptionRow.renewal_date)
    .where(SubscriptionRow.id == bindparam("subscription"))
    .scalar_subquery()
)
_GROUP = _SUBSCRIPTIONS.where(
    or_(
        SubscriptionRow.id == bindparam("subscription"),
        and_(
            SubscriptionRow.account == bindparam("account"),
            SubscriptionRow.renewal_date == _SAME_DATE,
            SubscriptionRow.status == "ACTIVE",
            SubscriptionRow.auto_renew,
        ),
    )
).order_by(SubscriptionRow.id)
_FAILED = _SUBSCRIPTIONS.where(
    SubscriptionRow.account == bindparam("account"),
    SubscriptionRow.renewal_failed,
    SubscriptionRow.auto_renew,
).order_by(SubscriptionRow.renewal_date, SubscriptionRow.id)
_ALL = _SUBSCRIPTIONS.where(SubscriptionRow.account == bindparam("account")).order_by(
    SubscriptionRow.id
)
#: What works write besides subscriptions, in the order of the references between tables.
_WRITTEN: tuple[type[Base], ...] = (
    Operation,
    Posting,
    PeriodRow,
    RefundRow,
    Invoice,
    Message,
    History,
)
_NEVER_UPDATED = ("account", "clock", "sku", "quantity", "multiplier", "addons", "legacy")


class Unknown(Exception):
    """No such account or subscription: there is nothing to lock."""


class Overtaken(Exception):
    """A row is not as it was read: a writer has gone past the account's lock. Nothing is written."""


@dataclass
class Ledger:
    """The database and what a process remembers of it; made once a process."""

    engine: Engine
    seller: str = "main"

    def __post_init__(self) -> None:
        self.ids = Ids()
        self.references = References()
        self._reader = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection to read from, each statement by itself. It spares BEGIN and ROLLBACK; and after a ROLLBACK psycopg would forget the
        statements that it has prepared."""
        with self._reader.connect() as connection:
            yield connection

    @contextmanager
    def transaction(self, name: str) -> Iterator[Connection]:
        """A transaction; every commit of Perennial is made here. `name` says whose it is, for the points before and after it (`core.ledger.failpoints`)."""
        with self.engine.begin() as connection:
            yield connection
            failpoints.reach(f"{name}.before_commit")
        failpoints.reach(f"{name}.after_commit")

    @contextmanager
    def work(
        self, now: datetime, *, account: str | None = None, subscription: str | None = None
    ) -> Iterator["Work"]:
        """A transaction on the account, or on the account that owns the subscription, at a business instant (UTC). Commits at the end,
        rolls back on any exception. Raises `Unknown` when there is no such account or subscription."""
        with self.transaction(failpoints.here()) as connection:
            if account is not None:
                row = connection.execute(_BY_ACCOUNT, {"account": account}).one_or_none()
            else:
                row = connection.execute(
                    _BY_SUBSCRIPTION, {"subscription": subscription}
                ).one_or_none()
            if row is None:
                raise Unknown(account or subscription)
            work = Work(self, connection, row, now)
            yield work
            work.flush()

    def works(
        self, connection: Connection, now: datetime, accounts: Iterable[str]
    ) -> dict[str, "Work"]:
        """The same on many accounts in one transaction, which is the caller's, by id: locked in the order of their ids. `flush` writes them."""
        query = (
            _ACCOUNT.where(one_of(AccountRow.id, sorted(accounts)))
            .order_by(AccountRow.id)
            .with_for_update(of=AccountRow)
        )
        return {row.id: Work(self, connection, row, now) for row in connection.execute(query)}

    def flush(self, connection: Connection, works: Iterable["Work"]) -> None:
        """Write what many works have collected, in the order of the references between tables, in one statement."""
        works = list(works)
        new: dict[type[Base], list[dict[str, Any]]] = {
            SubscriptionRow: [values for work in works for values in work._new.values()]
        }
        new |= {
            table: [row for work in works for row in work._rows.get(table, ())]
            for table in _WRITTEN
        }
        changes = [
            work._changes(subscription) for work in works for subscription in work._changed.values()
        ]
        if write_all(
            connection,
            {table: rows for table, rows in new.items() if rows},
            SubscriptionRow,
            changes,
        ) != len(changes):
            raise Overtaken(", ".join(change["id"] for change in changes))

    def snapshots(
        self, subscriptions: Iterable[str], now: datetime
    ) -> list[tuple[Snapshot, str | None]]:
        """Subscriptions as committed, each with the test clock that it lives by; nothing is locked. Raises `Unknown`."""
        ids = list(subscriptions)
        with self.read() as connection:
            query = _SUBSCRIPTIONS.where(one_of(SubscriptionRow.id, ids)).order_by(
                SubscriptionRow.id
            )
            read = [subscription_from(row) for row in connection.execute(query)]
            if unknown := set(ids) - {subscription.id for subscription in read}:
                raise Unknown(", ".join(sorted(unknown)))
            accounts = connection.execute(
                _ACCOUNT.where(one_of(AccountRow.id, sorted({s.account for s in read})))
            )
            works = {row.id: Work(self, connection, row, now) for row in accounts}
            return [(works[s.account].snapshot(s), works[s.account].clock) for s in read]


class Work:
    """What a use case sees: the account, the catalogue and policy in force, the subscriptions; and what it may write."""

    def __init__(
        self, ledger: Ledger, connection: Connection, row: Row[Any], now: datetime
    ) -> None:
        self._ledger = ledger
        self.connection = connection
        self.now = now
        self.account = Account(
            id=row.id,
            seller=row.seller,
            currency=row.currency,
            timezone=row.timezone,
            balance=row.balance,
            reserved=row.reserved,
            liability=row.liability,
            credit_limit=row.credit_limit,
            credit_limit_until=row.credit_limit_until,
            card=row.card,
            renew_by_card=row.renew_by_card,
            suspended=row.suspended,
        )
        self.clock: str | None = row.clock
        self.today: date = local_date(now, row.timezone)
        self.policy_version: int = row.policy_version
        self._catalog_revision: int = row.catalog_revision
        self._read: dict[str, Subscription] = {}
        self._rows: dict[type[Base], list[dict[str, Any]]] = {}
        self._new: dict[str, dict[str, Any]] = {}
        self._changed: dict[str, Subscription] = {}

    # what there is

    @property
    def zone(self) -> str:
        """The account's time zone."""
        return self.account.timezone

    @property
    def catalog(self) -> Catalog:
        """The seller's catalogue."""
        return self._ledger.references.catalog(
            self.connection, self.account.seller, self._catalog_revision
        )

    @property
    def policy(self) -> Policy:
        """The seller's policy in force."""
        return self._ledger.references.policy(
            self.connection, self.account.seller, self.policy_version
        )

    def policy_of(self, subscription: Subscription) -> Policy:
        """The policy that was in force when the subscription's *E* was set (Rule 14)."""
        return self._ledger.references.policy(
            self.connection, self.account.seller, subscription.policy_version
        )

    def terms(self, subscriptions: Iterable[Subscription]) -> Terms:
        """The catalogue, the policy in force and the policies that these subscriptions follow."""
        policies = {s.policy_version: self.policy_of(s) for s in subscriptions}
        return Terms(
            self.catalog, {**policies, self.policy_version: self.policy}, self.policy_version
        )

    @property
    def usable(self) -> Decimal:
        """What may be spent now, with what this work has moved already (Rule 11.1)."""
        return self.account.usable(self.today)

    def not_covered(self, amount: Decimal) -> str:
        """In words, that usable does not cover an amount."""
        currency = self.account.currency
        return f"usable {plain(self.usable, currency)} {currency} does not cover {plain(amount, currency)}"

    def subscription(self, id_: str) -> Subscription:
        """One subscription of the account. Raises `Unknown`."""
        found = self._subscriptions(_ONE, {"subscription": id_})
        if not found or found[0].account != self.account.id:
            raise Unknown(id_)
        return found[0]

    def group_of(self, id_: str) -> list[Subscription]:
        """The subscription and those of its account with the same renewal date that renew by themselves, by id (Rule 5.2)."""
        return self._subscriptions(_GROUP, {"subscription": id_, "account": self.account.id})

    def failed(self) -> list[Subscription]:
        """The failed subscriptions that renew by themselves, oldest renewal date first, then by id (Rule 5.4)."""
        return self._subscriptions(_FAILED, {"account": self.account.id})

    def all_subscriptions(self) -> list[Subscription]:
        """All of the account's subscriptions, by id."""
        return self._subscriptions(_ALL, {"account": self.account.id})

    def living(self) -> list[Subscription]:
        """The account's subscriptions that are not TERMINATED, by id."""
        return [
            subscription
            for subscription in self.all_subscriptions()
            if subscription.terminated_on is None
        ]

    def first_due(self, but: Iterable[str]) -> DueStep | None:
        """The first of the account's steps that are due by now, those of some subscriptions left out (Rule 1.7)."""
        return due_steps.first_of(self.connection, self.account.id, self.now, list(but))

    def _subscriptions(self, query: Any, values: Mapping[str, object]) -> list[Subscription]:
        found = [subscription_from(row) for row in self.connection.execute(query, values)]
        for subscription in found:
            self._read.setdefault(subscription.id, subscription)
        return [self._changed.get(s.id, s) for s in found]

    # what is written

    def new_id(self) -> int:
        """An id for a row, unique among all tables."""
        return self._ledger.ids.take(self.connection)

    def operation(
        self,
        purpose: str,
        result: Mapping[str, Any],
        *,
        subscription: str | None = None,
        cycle: date | None = None,
        command: Command | None = None,
        external_invoice: str | None = None,
    ) -> int:
        """A new operation; it keeps the request id and the fingerprint of its command (Rules 4.2, 11.3)."""
        id_ = self.new_id()
        self._add(
            Operation,
            id=id_,
            seller=self.account.seller,
            account=self.account.id,
            subscription=subscription,
            cycle=cycle,
            purpose=purpose,
            request_id=command and command.request_id,
            fingerprint=command.fingerprint()
            if command and command.request_id is not None
            else None,
            external_invoice=external_invoice,
            at=self.now,
            result=dict(result),
        )
        return id_

    def post(self, operation: int, **books: Decimal) -> None:
        """The postings of an operation by book; they sum to zero, the database refuses it otherwise. `wallet` moves the account's balance."""
        for line, (book, amount) in enumerate(books.items(), start=1):
            if amount:
                self._add(
                    Posting,
                    operation=operation,
                    line=line,
                    book=book,
                    account=self.account.id,
                    currency=self.account.currency,
                    amount=amount,
                )
        self.account = replace(
            self.account, balance=self.account.balance + books.get("wallet", ZERO)
        )

    def period(
        self, operation: int, subscription: Subscription, period: Period, paid: Decimal
    ) -> None:
        """A paid period of a subscription; `paid` is what came from the wallet."""
        self._add(
            PeriodRow,
            id=self.new_id(),
            operation=operation,
            subscription=subscription.id,
            account=self.account.id,
            sku=subscription.sku,
            start=period.start,
            expiry=period.expiry,
            months=period.months,
            scheduled_start=period.scheduled_start,
            paid=paid,
        )

    def refund(self, operation: int, periods: Mapping[int, Decimal]) -> None:
        """What is given back, by period."""
        for period, amount in periods.items():
            self._add(RefundRow, operation=operation, period=period, amount=amount)

    def invoice(self, operation: int, kind: str, lines: Iterable[Line], total: Decimal) -> None:
        """An invoice or credit note over a total that is not zero (Rule 11.4); its number follows after the commit."""
        if total:
            self._add(
                Invoice,
                id=self.new_id(),
                seller=self.account.seller,
                account=self.account.id,
                operation=operation,
                kind=kind,
                date=self.today,
                currency=self.account.currency,
                total=total,
                lines=[{"text": line.text, "amount": str(line.amount)} for line in lines],
            )

    def event(
        self,
        event: Event,
        rule: Rule,
        *,
        subscription: str | None = None,
        amount: Decimal = ZERO,
        actor: str = "perennial",
        operation: int | None = None,
        **facts: object,
    ) -> None:
        """A line of the history; `amount` is the signed change of the balance."""
        self._add(
            History,
            at=self.now,
            account=self.account.id,
            subscription=subscription,
            event=event,
            amount=amount or None,
            rule=rule,
            actor=actor,
            operation=operation,
            facts={key: str(value) for key, value in facts.items() if value is not None},
        )

    def create(self, subscription: Subscription) -> Snapshot:
        """A new subscription, with its next step and its notices."""
        step = self._step(subscription)
        self._new[subscription.id] = self._values(subscription, step)
        self._notices(subscription)
        return self.snapshot(subscription, step)

    def save(self, subscription: Subscription) -> Snapshot:
        """A changed subscription, with its next step planned anew, and the notices of a new *E* (Rule 1.5)."""
        before = self._changed.get(subscription.id) or self._read[subscription.id]
        self._changed[subscription.id] = subscription
        if subscription.expiry != before.expiry:
            self._notices(subscription)
        return self.snapshot(subscription)

    def snapshot(self, subscription: Subscription, step: Step | None = None) -> Snapshot:
        """What a workflow needs to know of a subscription."""
        return Snapshot(
            subscription=subscription,
            timezone=self.zone,
            suspended=self.account.suspended,
            policy=dict(
                self._ledger.references.differences(
                    self.connection, self.account.seller, subscription.policy_version
                )
            ),
            next_step=step or self._step(subscription),
        )

    def settings(self, **values: object) -> None:
        """Change settings of the account at once (a limit, a card, a switch, suspended)."""
        self.account = replace(self.account, **values)  # type: ignore[arg-type]
        if "credit_limit_until" in values:
            until = self.account.credit_limit_until
            values["credit_limit_ends"] = (
                None if until is None else first_instant(until + planner._DAY, self.zone)
            )
        self.connection.execute(
            update(AccountRow).where(AccountRow.id == self.account.id).values(**values)
        )

    def flush(self) -> None:
        """Write what was collected, in the order of the references between tables."""
        self._ledger.flush(self.connection, [self])

    def _changes(self, subscription: Subscription) -> dict[str, Any]:
        values = self._values(subscription, self._step(subscription))
        return {name: value for name, value in values.items() if name not in _NEVER_UPDATED}

    def _add(self, table: type[Base], **values: object) -> None:
        self._rows.setdefault(table, []).append(values)

    def _step(self, subscription: Subscription) -> Step | None:
        return planner.next_step(subscription, self.policy_of(subscription), self.zone)

    def _notices(self, subscription: Subscription) -> None:
        for notice in planner.notices(
            subscription, self.policy_of(subscription), self.zone, self.now
        ):
            self._add(
                Message,
                subscription=subscription.id,
                account=self.account.id,
                clock=self.clock,
                kind=str(notice.kind),
                expiry=subscription.expiry,
                due=notice.due,
            )

    def _values(self, s: Subscription, step: Step | None) -> dict[str, Any]:
        return {
            "id": s.id,
            "account": s.account,
            "clock": self.clock,
            "sku": s.sku,
            "quantity": s.quantity,
            "multiplier": s.multiplier,
            "addons": dict(s.addons),
            "legacy": s.legacy,
            "status": str(s.status),
            "auto_renew": s.auto_renew,
            "renewal_failed": s.renewal_failed,
            "failure": None if s.failure is None else str(s.failure),
            "anchor": s.anchor,
            "months_paid": s.months_paid,
            "cycle_months": s.cycle_months,
            "expiry": s.expiry,
            "cycles_paid": s.cycles_paid,
            "planned_at": s.planned_at,
            "attempted_at": s.attempted_at,
            "expired_on": s.expired_on,
            "terminated_on": s.terminated_on,
            "policy_version": s.policy_version,
            "version": s.version,
            "renewal_date": planner.renewal_date(s, self.policy_of(s)),
            "next_kind": step and str(step.kind),
            "next_due": step and step.due,
            "next_rule": step and step.rule,
            "next_why": step and step.why,
        }


def subscription_from(row: Row[Any]) -> Subscription:
    """A row of `subscriptions` as the rules see it."""
    return Subscription(
        id=row.id,
        account=row.account,
        sku=row.sku,
        quantity=row.quantity,
        multiplier=row.multiplier,
        addons=row.addons,
        legacy=row.legacy,
        status=Status(row.status),
        auto_renew=row.auto_renew,
        renewal_failed=row.renewal_failed,
        failure=None if row.failure is None else Failure(row.failure),
        anchor=row.anchor,
        months_paid=row.months_paid,
        cycle_months=row.cycle_months,
        expiry=row.expiry,
        cycles_paid=row.cycles_paid,
        planned_at=row.planned_at,
        attempted_at=row.attempted_at,
        expired_on=row.expired_on,
        terminated_on=row.terminated_on,
        policy_version=row.policy_version,
        version=row.version,
    )


def step_from(row: Row[Any]) -> Step | None:
    """The next step of a row of `subscriptions`."""
    return (
        None
        if row.next_kind is None
        else Step(Kind(row.next_kind), row.next_due, Rule(row.next_rule), row.next_why)
    )
