"""One snapshot of the database that a query reads, within one seller.

Owns the reading of single rows and of the terms that several queries need. It changes nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Connection, Select, bindparam, select

from core.domain import policy as policies
from core.domain.calendar import local_date
from core.domain.catalog import Catalog
from core.domain.fees import total
from core.domain.policy import Policy
from core.domain.price_in_force import next_fee_lines
from core.domain.refusal import Refused
from core.domain.subscription import Status, Subscription
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.numbers import as_reactivated
from core.ledger.rows import IS_NEXT_STEP, NEXT_STEP, subscription_from
from core.ledger.tables import AccountRow, Clock, Seller, StepRow, SubscriptionRow

#: Selects subscriptions with their next steps and with what their accounts say about them.
SUBSCRIPTIONS_WITH_ACCOUNTS = (
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
# Statements that are made once. To make one takes as long as to carry it out.
#: A subscription (`id`) of a seller (`of`), with what its account says about it.
SUBSCRIPTION = (
    SUBSCRIPTIONS_WITH_ACCOUNTS.add_columns(Seller.catalog_revision)
    .join(Seller, Seller.id == AccountRow.seller)
    .where(SubscriptionRow.id == bindparam("id"), Seller.id == bindparam("of"))
)
#: An account (`id`) of a seller (`of`), with the now of its test clock.
ACCOUNT = (
    select(AccountRow.__table__, Clock.now.label("clock_now"))
    .outerjoin(Clock, Clock.id == AccountRow.clock)
    .where(AccountRow.id == bindparam("id"), AccountRow.seller == bindparam("of"))
)
_VERSIONS = select(Seller.catalog_revision, Seller.policy_version).where(
    Seller.id == bindparam("of")
)


class NotFound(LookupError):
    """The thing does not exist. The message says what was asked for."""


@dataclass(frozen=True, slots=True)
class FoundSubscription:
    """A subscription with what several queries need of it.

    `row`: its row, with what its account says about it.
    `now`: the instant by which it lives (UTC).
    `today`: the local date of its account.
    `policy`: the terms of its present cycle.
    `fee`: what the next cycle costs at today's prices. None if a price is missing or if the
    subscription is TERMINATED.
    """

    row: Any
    subscription: Subscription
    now: datetime
    today: date
    policy: Policy
    fee: Decimal | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one transaction sees of a seller."""

    connection: Connection
    ledger: Ledger

    @property
    def seller(self) -> str:
        """The seller whose data is read."""
        return self.ledger.seller

    def subscription_row(self, id_: str, query: Select[Any] = SUBSCRIPTION) -> Any:
        """The row of a subscription, with its account's. Raises NotFound.

        `query`: reads more with it.
        """
        row = self.connection.execute(query, self._one(id_)).one_or_none()
        if row is None:
            raise NotFound(f"subscription {id_} was never created")
        return row

    def subscription(self, id_: str, query: Select[Any] = SUBSCRIPTION) -> FoundSubscription:
        """A subscription. `query`: as for its row. Raises NotFound."""
        row = self.subscription_row(id_, query)
        now = row.clock_now or machine_now()
        today = local_date(now, row.timezone)
        subscription = subscription_from(row).settled(today)
        policy = self.policy(subscription.policy_version)
        ended = subscription.status is Status.TERMINATED
        fee = None if ended else self._fee(row, subscription, today)
        return FoundSubscription(row, subscription, now, today, policy, fee)

    def account_of(self, id_: str) -> str:
        """The account of a subscription, or the account itself. Raises NotFound.

        An id that is both is the subscription's.
        """
        owner = (
            select(SubscriptionRow.account)
            .join(AccountRow, AccountRow.id == SubscriptionRow.account)
            .where(SubscriptionRow.id == id_, AccountRow.seller == self.seller)
        )
        itself = select(AccountRow.id).where(AccountRow.id == id_, AccountRow.seller == self.seller)
        for query in (owner, itself):
            found: str | None = self.connection.execute(query).scalar()
            if found is not None:
                return found
        raise NotFound(f"there is no subscription and no account {id_}")

    def kind_of(self, id_: str) -> Literal["subscription", "account"] | None:
        """What an id is of. None for neither. An id that is both is the subscription's."""
        try:
            account = self.account_of(id_)
        except NotFound:
            return None
        owner = select(SubscriptionRow.account).where(SubscriptionRow.id == id_)
        found = self.connection.execute(owner).scalar()
        return "subscription" if found == account else "account"

    def account_row(self, id_: str) -> Any:
        """The row of an account, with the now of its test clock. Raises NotFound."""
        row = self.connection.execute(ACCOUNT, self._one(id_)).one_or_none()
        if row is None:
            raise NotFound(f"there is no account {id_}")
        return row

    def _one(self, id_: str) -> dict[str, str]:
        return {"id": id_, "of": self.seller}

    def versions_in_force(self) -> tuple[int, int]:
        """The newest catalogue and the policy in force, as numbers. Zero if none is loaded."""
        row = self.connection.execute(_VERSIONS, {"of": self.seller}).one_or_none()
        return (0, 0) if row is None else (row.catalog_revision, row.policy_version)

    def policy(self, version: int) -> Policy:
        """A version of the policy. Version 0 is the defaults."""
        if version == 0:
            return policies.DEFAULT
        return self.ledger.references.policy(self.connection, self.seller, version)

    def catalog(self, revision: int | None = None) -> Catalog:
        """A revision of the catalogue. Default: the newest."""
        if revision is None:
            revision, _ = self.versions_in_force()
        return self.ledger.references.catalog(self.connection, self.seller, revision)

    def _fee(self, row: Any, subscription: Subscription, today: date) -> Decimal | None:
        subscription = as_reactivated(self.connection, subscription)
        catalog = self.catalog(row.catalog_revision)
        try:
            return total(next_fee_lines(subscription, catalog, row.currency, today))
        except Refused:
            return None


@contextmanager
def open_snapshot(ledger: Ledger) -> Iterator[Snapshot]:
    """Open a transaction that only reads, and reads one snapshot of the database.

    It is committed at the end. After a ROLLBACK psycopg would forget the statements that it has
    prepared.
    """
    with ledger.engine.connect() as connection:
        reading = connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        with reading.begin():
            yield Snapshot(reading, ledger)
