"""The ledger of one installation: the way into the database, and what a process remembers of it.

A unit of work locks the account's row first. So everything that moves an account's money or its
subscriptions is serial by account. No lock is shared by two accounts. A command that is about
several accounts locks them all at once, in the order of their ids.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from sqlalchemy import (
    Boolean,
    Connection,
    Engine,
    Row,
    Select,
    Text,
    any_,
    bindparam,
    case,
    func,
    select,
    union,
)
from sqlalchemy.dialects.postgresql import ARRAY

from core.domain.steps import Subject, of_account, of_subscription
from core.ledger import clocks, failpoints, row_security
from core.ledger.account_reading import AccountReading, Moved, Unknown
from core.ledger.bulk_write import Writes, one_of, write_all
from core.ledger.ids import Ids
from core.ledger.rows import ACCOUNT, SUBSCRIPTIONS
from core.ledger.stored_terms import References
from core.ledger.tables import (
    AccountRow,
    Operation,
    PeriodCharge,
    PeriodRow,
    Seller,
    StepRow,
    SubscriptionRow,
)
from core.ledger.unit_of_work import AskedBy, Work, in_order
from core.protocol.activity_messages import AccountSnapshot, Snapshot

_ACCOUNT: Select[Any] = select(
    *ACCOUNT, AccountRow.clock, Seller.policy_version, Seller.catalog_revision
).join(Seller, Seller.id == AccountRow.seller)
_NARROWING = _ACCOUNT.add_columns(row_security.NARROWED)
_BY_ACCOUNT = _NARROWING.where(AccountRow.id == bindparam("account")).with_for_update(of=AccountRow)
_OWNER = select(SubscriptionRow.account).where(SubscriptionRow.id == bindparam("subscription"))
_OWNS = AccountRow.id == _OWNER.scalar_subquery()
_BY_SUBSCRIPTION = _NARROWING.where(_OWNS).with_for_update(of=AccountRow)
_BY_STEP = _NARROWING.where(
    AccountRow.id
    == select(StepRow.account)
    .where(StepRow.subject_kind == bindparam("kind"), StepRow.subject == bindparam("subject"))
    .scalar_subquery()
).with_for_update(of=AccountRow)
#: The accounts that have paid for periods of the subscription since a day.
_PAYERS = (
    select(Operation.account)
    .join(PeriodCharge, PeriodCharge.operation == Operation.id)
    .join(PeriodRow, PeriodRow.id == PeriodCharge.period)
    .where(
        bindparam("payers", type_=Boolean),
        PeriodRow.subscription == bindparam("subscription"),
        PeriodRow.expiry >= bindparam("since"),
    )
)
#: One array, so that PostgreSQL finds the accounts by their index.
_ALL_OF_THEM = func.array(
    union(
        _OWNER, select(func.unnest(bindparam("also", type_=ARRAY(Text)))), _PAYERS
    ).scalar_subquery()
)
_WITH_OTHERS = (
    _ACCOUNT.add_columns(_OWNS.label("owns"), case((_OWNS, row_security.NARROWED)))
    .where(AccountRow.id == any_(_ALL_OF_THEM))
    .order_by(AccountRow.id)
    .with_for_update(of=AccountRow)
)
_BY_IDS = (
    _ACCOUNT.add_columns(case((AccountRow.id == bindparam("leader"), row_security.NARROWED)))
    .where(AccountRow.id == any_(bindparam("ids", type_=ARRAY(Text))))
    .order_by(AccountRow.id)
    .with_for_update(of=AccountRow)
)
_TWO_DAYS = timedelta(days=2)

T = TypeVar("T")


class Committed(NamedTuple, Generic[T]):
    """The snapshot of a subscription or an account, with its test clock and its seller."""

    snapshot: T
    clock: str | None
    seller: str


def unless_moved(attempt: Callable[[], T]) -> T:
    """What an attempt returns. It is made again when it raises `Moved`.

    Each time another transaction has committed a change of owner, so this comes to an end.
    """
    while True:
        try:
            return attempt()
        except Moved:
            continue


class Overtaken(Exception):
    """A row has changed since it was read, without the account's lock. Nothing is written."""


@dataclass
class Ledger:
    """The database and what a process remembers of it. A process makes one.

    `seller`: whose rows it sees (docs/decisions/0033).
    `machine_now`: the machine's clock, read when a transaction runs. Tests hand in another one.
    `every_seller`: it sees the rows of every seller. Only `doors.service.every_seller` asks for it.
    A unit of work sees those of its account's seller.
    """

    engine: Engine
    seller: str = "main"
    machine_now: Callable[[], datetime] = clocks.machine_now
    every_seller: bool = False

    #: Whether its units of work are committed. Those of a rehearsal are not.
    commits: ClassVar[bool] = True

    def __post_init__(self) -> None:
        seen = row_security.EVERY_SELLER if self.every_seller else self.seller
        self.engine = row_security.seeing(self.engine, seen)
        self.ids = Ids()
        self.references = References()
        self._reader = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection to read from, each statement by itself.

        It spares BEGIN and ROLLBACK. After a ROLLBACK psycopg would also forget the statements that
        it has prepared.
        """
        with self._reader.connect() as connection:
            yield connection

    @contextmanager
    def transaction(self, name: str) -> Iterator[Connection]:
        """A transaction. Every commit of Perennial is made here.

        `name` is the use case, for the points before and after it (`core.ledger.failpoints`).
        """
        with self.engine.begin() as connection:
            yield connection
            failpoints.reach(f"{name}.before_commit")
        failpoints.reach(f"{name}.after_commit")

    @contextmanager
    def work(
        self,
        now: datetime,
        *,
        account: str | None = None,
        subscription: str | None = None,
        step_of: Subject | None = None,
        asked_by: AskedBy = AskedBy.ITS_COMMAND,
    ) -> Iterator[Work]:
        """A unit of work on an account: the one named, or the one that owns the subscription.

        `step_of`: the account in whose order the step of this subject stands.

        `now` is the business instant (UTC) of an account on a test clock. Any other account lives
        by the machine's clock, read after the lock: work that was asked for long ago is judged and
        dated by the day it is done (Rule 13). It is never earlier than `now`, because another
        machine's clock may be ahead. The workflow that has asked gets the result.
        The workflows of the others that change are told (`asked_by`). The unit commits at the end
        and rolls back on any exception. Raises `Unknown` when there is no such account or
        subscription, or no step of the subject.
        """
        with self.transaction(failpoints.here()) as connection:
            if account is not None:
                found = connection.execute(_BY_ACCOUNT, {"account": account})
            elif step_of is not None:
                values = {"kind": str(step_of.kind), "subject": step_of.id}
                found = connection.execute(_BY_STEP, values)
            else:
                found = connection.execute(_BY_SUBSCRIPTION, {"subscription": subscription})
            row = found.one_or_none()
            if row is None:
                raise Unknown(account or step_of or subscription)
            subject = (
                of_account(account) if account else step_of or of_subscription(str(subscription))
            )
            work = Work(self, connection, row, self._instant(row, now), subject, asked_by)
            yield work
            work.flush()

    @contextmanager
    def work_on_several(
        self,
        now: datetime,
        *,
        subscription: str,
        also: Sequence[str],
        payers: bool,
        asked_by: AskedBy = AskedBy.ITS_COMMAND,
    ) -> Iterator[Work]:
        """A unit of work for a command on a subscription that is about other accounts, too.

        `now`, `subscription`, `asked_by`: as in `work`.
        `also`: ids of other accounts. Those that do not exist are left out.
        `payers`: whether the accounts that have paid for its periods are meant, too (Rule 8.3).

        The others are `Work.others`. All have the instant of the owner's account.
        """
        values = {
            "subscription": subscription,
            "also": list(also),
            "payers": payers,
            "since": now.date() - _TWO_DAYS,
        }
        with self.transaction(failpoints.here()) as connection:
            rows = connection.execute(_WITH_OTHERS, values).all()
            owner = next((row for row in rows if row.owns), None)
            if owner is None:
                raise Unknown(subscription)
            subject = of_subscription(subscription)
            work = self._leading(connection, owner, rows, now, subject, asked_by)
            yield work
            work.flush()

    @contextmanager
    def work_on_accounts(
        self, now: datetime, *, account: str, also: Sequence[str], asked_by: AskedBy
    ) -> Iterator[Work]:
        """A unit of work for a command on an account that is about other accounts, too.

        The parameters are those of `work` and of `work_on_several`. Raises `Unknown`.
        """
        with self.transaction(failpoints.here()) as connection:
            rows = connection.execute(_BY_IDS, {"leader": account, "ids": [account, *also]}).all()
            leader = next((row for row in rows if row.id == account), None)
            if leader is None:
                raise Unknown(account)
            subject = of_account(account)
            work = self._leading(connection, leader, rows, now, subject, asked_by)
            yield work
            work.flush()

    def _leading(
        self,
        connection: Connection,
        leader: Row[Any],
        rows: Sequence[Row[Any]],
        now: datetime,
        subject: Subject,
        asked_by: AskedBy,
    ) -> Work:
        """The unit of work on the leader's account, with those on the other accounts."""
        at = self._instant(leader, now)
        works = {row.id: Work(self, connection, row, at, subject, asked_by) for row in rows}
        work = works.pop(leader.id)
        work.lead(works)
        return work

    def _instant(self, row: Row[Any], now: datetime) -> datetime:
        """When the work on this account is really done."""
        return now if row.clock is not None else max(now, self.machine_now())

    def works(
        self,
        connection: Connection,
        now: datetime,
        accounts: Iterable[str],
        *,
        skip_locked: bool = False,
        seller: str | None = None,
    ) -> dict[str, Work]:
        """Units of work on many accounts, by id, in one transaction of the caller.

        `skip_locked`: leave out accounts that another transaction has locked. Default: wait.
        `seller`: leave out accounts of others. Default: the caller knows that there are none.

        The accounts are locked in the order of their ids. `flush` writes the units.
        """
        query = (
            _ACCOUNT.where(one_of(AccountRow.id, sorted(accounts)))
            .order_by(AccountRow.id)
            .with_for_update(of=AccountRow, skip_locked=skip_locked)
        )
        if seller is not None:
            query = query.where(AccountRow.seller == seller)
        return {
            row.id: Work(self, connection, row, self._instant(row, now), of_many=True)
            for row in connection.execute(query)
        }

    def flush(self, connection: Connection, works: Iterable[Work]) -> None:
        """Write what many units have collected, in one statement. Raises `Overtaken`."""
        writes = Writes()
        for work in works:
            work.writes_into(writes)
        if write_all(connection, in_order(writes)) != len(writes.subscriptions):
            raise Overtaken(", ".join(change["id"] for change in writes.subscriptions))

    def reading(self, connection: Connection, account: str, now: datetime) -> AccountReading:
        """What is committed of an account, at an instant (UTC). Nothing is locked.

        Raises `Unknown` when there is no such account.
        """
        row = connection.execute(_ACCOUNT.where(AccountRow.id == account)).one_or_none()
        if row is None:
            raise Unknown(account)
        return AccountReading(self, connection, row, now)

    def account_snapshot(self, account: str, now: datetime) -> Committed[AccountSnapshot] | None:
        """An account as committed. Nothing is locked.

        `now` is an instant (UTC). Returns None when there is no such account.
        """
        with self.read() as connection:
            query = _ACCOUNT.where(AccountRow.id == account)
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            reading = AccountReading(self, connection, row, now)
            return Committed(reading.account_snapshot(), reading.clock, reading.account.seller)

    def snapshots(self, subscriptions: Iterable[str], now: datetime) -> list[Committed[Snapshot]]:
        """Subscriptions as committed. Nothing is locked.

        Raises `Unknown` when a subscription does not exist.
        """
        ids = list(subscriptions)
        mine = one_of(SubscriptionRow.id, ids)
        with self.read() as connection:
            rows = connection.execute(SUBSCRIPTIONS.where(mine).order_by(SubscriptionRow.id)).all()
            if unknown := set(ids) - {row.id for row in rows}:
                raise Unknown(", ".join(sorted(unknown)))
            accounts = {
                account.id: AccountReading(self, connection, account, now)
                for account in connection.execute(
                    _ACCOUNT.where(one_of(AccountRow.id, sorted({row.account for row in rows})))
                )
            }
            found = [(accounts[row.account], row) for row in rows]
            return [
                Committed(of.snapshot(of.add(row)), of.clock, of.account.seller)
                for of, row in found
            ]
