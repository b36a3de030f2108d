"""What a use case sees of one account: its money, its terms, its subscriptions and their steps."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Connection,
    Row,
    and_,
    bindparam,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased

from core.domain.calendar import local_date
from core.domain.catalog import Catalog
from core.domain.money import plain
from core.domain.number_changes import without_lost
from core.domain.policy import Policy
from core.domain.steps import Step, SubjectKind
from core.domain.subscription import Account, Status, Subscription
from core.domain.terms import Terms
from core.ledger import due_steps
from core.ledger.rows import (
    IS_NEXT_STEP,
    NEXT_STEP,
    SUBSCRIPTIONS,
    account_from,
    step_from,
    subscription_from,
)
from core.ledger.tables import CardCharge, StepRow, SubscriptionRow, TrialRow
from core.protocol.activity_messages import AccountSnapshot, DueStep, Passed, Snapshot

if TYPE_CHECKING:
    from core.ledger.ledger import Ledger

_ONE = SUBSCRIPTIONS.where(SubscriptionRow.id == bindparam("subscription"))
_MY_STEP = aliased(StepRow, name="mine")
_FIRST = due_steps.FIRST.subquery("first_due")
_DAY = timedelta(days=1)
#: The leader of a group, and those with an attempt on the same date. The index on `due` finds them.
#: A day more on both sides covers a time zone whose rules have changed since they were planned.
_GROUP = (
    select(SubscriptionRow.__table__, *NEXT_STEP, *_FIRST.c)
    .select_from(_MY_STEP)
    .join(
        StepRow,
        and_(
            StepRow.account == _MY_STEP.account,
            StepRow.due.between(_MY_STEP.due - _DAY, _MY_STEP.due + _DAY),
            or_(StepRow.by_date == _MY_STEP.by_date, StepRow.subject == _MY_STEP.subject),
        ),
    )
    .join(SubscriptionRow, IS_NEXT_STEP)
    .outerjoin(_FIRST, true())
    .where(
        _MY_STEP.subject_kind == literal_column(f"'{SubjectKind.SUBSCRIPTION}'"),
        _MY_STEP.subject == bindparam("subscription"),
        _MY_STEP.version == bindparam("version"),
    )
    .order_by(SubscriptionRow.id)
)
_FAILED = SUBSCRIPTIONS.where(
    SubscriptionRow.account == bindparam("account"),
    SubscriptionRow.renewal_failed,
    SubscriptionRow.auto_renew,
).order_by(SubscriptionRow.renewal_date, SubscriptionRow.id)
_FAILED_ON = _FAILED.where(SubscriptionRow.renewal_date == bindparam("on"))

_DUE = (
    SUBSCRIPTIONS.where(StepRow.account == bindparam("account"), StepRow.due <= bindparam("now"))
    .order_by(StepRow.due)
    .limit(bindparam("most"))
)
_ACCOUNT_STEP = select(*NEXT_STEP).where(
    StepRow.subject_kind == SubjectKind.ACCOUNT, StepRow.subject == bindparam("account")
)
_OPEN = select(CardCharge.key).where(CardCharge.account == bindparam("account"), ~CardCharge.booked)
_ACTIVE = (
    select(SubscriptionRow.id)
    .where(SubscriptionRow.account == bindparam("account"), SubscriptionRow.status == Status.ACTIVE)
    .limit(1)
)

_TRIAL = select(TrialRow.subscription).where(
    TrialRow.account == bindparam("account"), TrialRow.tried == bindparam("tried")
)


class Unknown(Exception):
    """There is no such account or subscription, so there is nothing to lock."""


class Moved(Exception):
    """The subscription was given to another account after its account had been looked up.

    The transaction has locked the wrong account, so it rolls back and is tried again.
    """


class AccountReading:
    """One account at a business instant, with what was read of it.

    `account`: the account, with what this transaction has moved already.
    `clock`: the test clock of the account, or None.
    `now`, `today`: the business instant (UTC) and the account's local date.
    `policy_version`: the version of the policy in force.
    `catalog_revision`: how many entries the catalogue has.
    """

    def __init__(
        self, ledger: "Ledger", connection: Connection, row: Row[Any], now: datetime
    ) -> None:
        self._ledger = ledger
        self.connection = connection
        self.now = now
        self.account: Account = account_from(row)
        self.clock: str | None = row.clock
        self.today: date = local_date(now, row.timezone)
        self.policy_version: int = row.policy_version
        self.catalog_revision: int = row.catalog_revision
        self._read: dict[str, Subscription] = {}
        self._current: dict[str, Subscription] = {}
        self._steps: dict[str, Step | None] = {}
        self._started: set[str] = set()
        self._first_due: dict[frozenset[Passed], DueStep | None] = {}

    # the account's terms

    @property
    def zone(self) -> str:
        """The account's time zone."""
        return self.account.timezone

    @property
    def catalog(self) -> Catalog:
        """The seller's catalogue."""
        return self._ledger.references.catalog(
            self.connection, self.account.seller, self.catalog_revision
        )

    @property
    def policy(self) -> Policy:
        """The seller's policy in force."""
        return self._policy(self.policy_version)

    def policy_of(self, subscription: Subscription) -> Policy:
        """The policy that was in force when the subscription's *E* was set (Rule 14)."""
        return self._policy(subscription.policy_version)

    def _policy(self, version: int) -> Policy:
        return self._ledger.references.policy(self.connection, self.account.seller, version)

    def terms(self, subscriptions: Iterable[Subscription]) -> Terms:
        """The catalogue, the policy in force and the policies that these subscriptions follow."""
        policies = {s.policy_version: self.policy_of(s) for s in subscriptions}
        return Terms(
            self.catalog, {**policies, self.policy_version: self.policy}, self.policy_version
        )

    # the account's money

    @property
    def usable(self) -> Decimal:
        """What may be spent now, with what this transaction has moved already (Rule 11.1)."""
        return self.account.usable(self.today)

    def not_covered(self, amount: Decimal) -> str:
        """Say in words that usable does not cover an amount."""
        currency = self.account.currency
        usable = plain(self.usable, currency)
        return f"usable {usable} {currency} does not cover {plain(amount, currency)}"

    # the account's steps

    def account_step(self) -> Step | None:
        """The next step of the account itself, as it is stored.

        It was planned with the policy that was in force then.
        """
        row: Any = self.connection.execute(
            _ACCOUNT_STEP, {"account": self.account.id}
        ).one_or_none()
        return None if row is None else step_from(row)

    def account_snapshot(self) -> AccountSnapshot:
        """What the account's workflow needs to know."""
        return AccountSnapshot(
            account=self.account.id,
            version=self.account.version,
            suspended=self.account.suspended,
            closed=self.account.closed_on is not None,
            next_step=self.account_step(),
        )

    # the account's subscriptions

    def an_active_subscription(self) -> str | None:
        """The id of one of its ACTIVE subscriptions. None when it has none."""
        found: str | None = self.connection.execute(_ACTIVE, {"account": self.account.id}).scalar()
        return found

    def trial_of(self, tried: str) -> str | None:
        """The id of the account's one trial of this (`Catalog.trial_of`). None before it."""
        values = {"account": self.account.id, "tried": tried}
        found: str | None = self.connection.execute(_TRIAL, values).scalar()
        return found

    def open_card_charge(self) -> str | None:
        """The key of the account's card charge that is not in the ledger yet, or None."""
        found: str | None = self.connection.execute(_OPEN, {"account": self.account.id}).scalar()
        return found

    def subscription(self, id_: str) -> Subscription:
        """One subscription of the account, read once. Raises `Unknown` and `Moved`."""
        if id_ in self._current:
            return self._current[id_]
        found = self._subscriptions(_ONE, {"subscription": id_})
        if not found:
            raise Unknown(id_)
        if found[0].account != self.account.id:
            raise Moved(id_)
        return found[0]

    def group_of(self, id_: str, version: int, past: Collection[Passed]) -> list[Subscription]:
        """The subscription and the candidates for its group, by id (Rule 5.2).

        The subscription alone when its step is not of this version, so that a step that has run
        already does not read a large group.

        The candidates have an attempt on the same renewal date. Of a failed subscription they are
        all that have failed with it, also those without a retry that is left. The first query also
        reads what `first_due` returns for `past`. Raises `Moved`.
        """
        values = {"subscription": id_, "version": version} | due_steps.first_values(
            self.account.id, self.now, past
        )
        rows = self.connection.execute(_GROUP, values).all()
        if not rows:
            return [self.subscription(id_)]
        self._first_due[frozenset(past)] = due_steps.first_from(rows[0], self.account.id)
        group = {row.id: self.add(row) for row in rows}
        if group[id_].account != self.account.id:
            raise Moved(id_)
        if group[id_].renewal_failed:
            on = next(row.renewal_date for row in rows if row.id == id_)
            failed = self._subscriptions(_FAILED_ON, {"account": self.account.id, "on": on})
            group |= {subscription.id: subscription for subscription in failed}
        return [group[key] for key in sorted(group)]

    def failed(self) -> list[Subscription]:
        """The failed subscriptions that renew by themselves, oldest renewal date first, by id."""
        return self._subscriptions(_FAILED, {"account": self.account.id})

    def read_due(self, most: int) -> None:
        """Read the subscriptions whose steps are due, at most so many, in one statement.

        Each is found in memory when its step is taken.
        """
        self._subscriptions(_DUE, {"account": self.account.id, "now": self.now, "most": most})

    def add(self, row: Row[Any]) -> Subscription:
        """A subscription from a row of `rows.SUBSCRIPTIONS`, as this transaction has left it."""
        subscription = subscription_from(row)
        if subscription.id not in self._current:
            self._read[subscription.id] = subscription
            self._current[subscription.id] = subscription.settled(self.today)
            self._steps[subscription.id] = step_from(row)
            if row.workflow_started:
                self._started.add(subscription.id)
        return self._current[subscription.id]

    def _subscriptions(self, query: Any, values: Mapping[str, object]) -> list[Subscription]:
        return [self.add(row) for row in self.connection.execute(query, values)]

    # their steps

    def step_of(self, subscription: Subscription) -> Step | None:
        """The next step of a subscription that was read or saved in this transaction."""
        return self._steps[subscription.id]

    def steps_of(self, subscriptions: Iterable[Subscription]) -> dict[str, Step | None]:
        """The next steps of subscriptions, by id."""
        return {subscription.id: self.step_of(subscription) for subscription in subscriptions}

    def first_due(self, past: Collection[Passed]) -> DueStep | None:
        """The first of the account's steps that are due now, without those of `past` (Rule 1.7).

        It is read once between two writes. The account's row is locked.
        """
        key = frozenset(past)
        if key not in self._first_due:
            found = due_steps.first_of(self.connection, self.account.id, self.now, past)
            self._first_due[key] = found
        return self._first_due[key]

    def snapshot(self, subscription: Subscription) -> Snapshot:
        """What a workflow needs to know of a subscription that was read or saved.

        It needs no numbers, and there may be hundreds. So a message stays small.
        """
        return Snapshot(
            subscription=without_lost(subscription, ()),
            timezone=self.zone,
            next_step=self.step_of(subscription),
        )
