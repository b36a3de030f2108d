"""The inventory of numbers: what a use case does with numbers in a unit of work (Rules 10.1-10.3).

Every function reads with one or two statements, whatever the number of numbers, and changes with
the one statement of the unit of work.

**Locks.** What an account has (in use, held, reserved) changes only in a unit of work on that
account, whose row is locked. So these rows need no lock of their own. Free numbers belong to no
account. They are locked in the order of the numbers, after the account. Numbers of other accounts
are read without a lock, and refused. So two transactions never wait for each other in a ring.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Row,
    Text,
    all_,
    any_,
    bindparam,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from core.domain import numbers
from core.domain.counted import counted
from core.domain.number_changes import has_numbers, without_lost
from core.domain.numbers import (
    Cause,
    Happened,
    HoldKind,
    NewNumber,
    Number,
    NumberState,
    Wanted,
)
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.steps import Step, Subject, number_of
from core.domain.subscription import Status, Subscription
from core.ledger.rows import NUMBERS, number_from, step_from
from core.ledger.tables import NumberRow, StepRow
from core.ledger.unit_of_work import Work


class Taken(NamedTuple):
    """A number that was taken. `bought_again`: within the hours that cost no fee (Rule 10.1)."""

    number: Number
    bought_again: bool


def _is(state: NumberState) -> Any:
    """Whether a number is in a state. The state is a constant, for the partial indexes."""
    return NumberRow.state == literal_column(f"'{state}'")


_NAMED = (
    select(NumberRow.__table__)
    .where(
        NumberRow.seller == bindparam("seller"),
        NumberRow.number == any_(bindparam("numbers", type_=ARRAY(Text))),
    )
    .order_by(NumberRow.number)
)
_MINE_OR_FREE = _NAMED.where(
    or_(
        NumberRow.account == bindparam("account"),
        _is(NumberState.FREE),
        _is(NumberState.GONE),
    )
).with_for_update()
_FREE_OR_OF = _NAMED.where(
    or_(
        NumberRow.account == any_(bindparam("accounts", type_=ARRAY(Text))),
        _is(NumberState.FREE),
        _is(NumberState.GONE),
    )
).with_for_update()
_FREE = (
    select(NumberRow.__table__)
    .where(
        NumberRow.seller == bindparam("seller"),
        NumberRow.sku == bindparam("sku"),
        _is(NumberState.FREE),
        NumberRow.number != all_(bindparam("known", type_=ARRAY(Text))),
    )
    .order_by(NumberRow.number)
    .limit(bindparam("count"))
    .with_for_update(skip_locked=True)
)
_OF_SUBSCRIPTION = (
    select(NumberRow.__table__)
    .where(NumberRow.subscription == bindparam("subscription"))
    .order_by(NumberRow.number)
)
_LEFT = select(NumberRow.number).where(
    NumberRow.subscription == bindparam("subscription"),
    or_(_is(NumberState.IN_USE), NumberRow.cause == Cause.EXPIRED),
)
_WITH_STEP = NUMBERS.where(
    NumberRow.account == bindparam("account"),
    NumberRow.number == bindparam("number"),
    StepRow.subject == bindparam("subject"),
)
_TAKE_IN = text(
    "INSERT INTO numbers (seller, number, sku, state, hold, since, version) "
    "SELECT :seller, number, sku, :free, :normal, :today, 0 "
    "FROM unnest(CAST(:numbers AS text[]), CAST(:skus AS text[])) AS wanted(number, sku) "
    'ORDER BY number COLLATE "C" ON CONFLICT DO NOTHING'
)


_IMPORT = text(
    "WITH new AS (INSERT INTO numbers (seller, number, sku, state, hold, since, version) "
    "SELECT :seller, number, sku, :free, hold, :today, 1 "
    "FROM unnest(CAST(:numbers AS text[]), CAST(:skus AS text[]), CAST(:holds AS text[])) "
    'AS given(number, sku, hold) ORDER BY number COLLATE "C" '
    "ON CONFLICT (seller, number) DO UPDATE SET sku = excluded.sku, state = excluded.state, "
    "hold = excluded.hold, since = excluded.since, version = numbers.version + 1 "
    "WHERE numbers.state = :gone RETURNING number) "
    "INSERT INTO number_history (seller, number, at, what, actor) "
    "SELECT :seller, number, :now, :imported, :actor FROM new RETURNING number"
)
_THERE = select(NumberRow.number).where(
    NumberRow.seller == bindparam("seller"),
    NumberRow.number == any_(bindparam("numbers", type_=ARRAY(Text))),
    NumberRow.state != NumberState.GONE,
)


def take_in(
    connection: Connection, seller: str, new: Sequence[NewNumber], now: datetime, actor: str
) -> frozenset[str]:
    """Take numbers into the inventory in one statement, and return those that are new.

    `now`: the instant (UTC). A number has no account yet, so its day is that of UTC.
    `actor`: who asked for it.

    A number that is there already is left as it is. One that is GONE is new again.
    """
    values = {
        "seller": seller,
        "numbers": [one.number for one in new],
        "skus": [one.sku for one in new],
        "holds": [str(one.hold) for one in new],
        "free": NumberState.FREE,
        "gone": NumberState.GONE,
        "imported": Happened.IMPORTED,
        "today": now.date(),
        "now": now,
        "actor": actor,
    }
    return frozenset(connection.execute(_IMPORT, values).scalars())


def there(connection: Connection, seller: str, new: Sequence[NewNumber]) -> frozenset[str]:
    """Which of these numbers `take_in` would leave as they are."""
    values = {"seller": seller, "numbers": [one.number for one in new]}
    return frozenset(connection.execute(_THERE, values).scalars())


def refused(connection: Connection, seller: str, accounts: Mapping[str, str]) -> dict[str, str]:
    """Why numbers cannot be taken into use by accounts (Rule 10.2). Nothing is locked.

    `accounts`: the account by number. Returns the reason by number. A number that the inventory
    does not know can be taken.
    """
    found = {}
    for row in connection.execute(_NAMED, {"seller": seller, "numbers": sorted(accounts)}):
        try:
            numbers.check_takeable(number_from(row), accounts[row.number])
        except Refused as error:
            found[row.number] = error.refusal.reason
    return found


def take_with_imports(
    works: Mapping[str, Work],
    wanted: Mapping[str, tuple[Subscription, Sequence[Wanted]]],
    actor: str,
) -> None:
    """Take the numbers of many subscriptions into use that come in together, in three statements.

    `works`: the units of work by account, in one transaction, for one seller.
    `wanted`: the subscription as it comes in and its numbers, by id. They are distinct.
    `actor`: who imports.

    Numbers of one that comes in EXPIRED are held from the day that was marked (Rule 10.2). Raises
    `Refused` 10.2 as `take` does.
    """
    named = {one.number: (it, one) for it, several in wanted.values() for one in several}
    if not named:
        return
    some = next(iter(works.values()))
    key = {"seller": some.account.seller, "numbers": sorted(named)}
    skus = [named[number][1].sku for number in key["numbers"]]
    new = {"free": NumberState.FREE, "normal": HoldKind.NORMAL, "today": some.today}
    some.connection.execute(_TAKE_IN, {**key, **new, "skus": skus})
    rows = some.connection.execute(_FREE_OR_OF, {**key, "accounts": sorted(works)}).all()
    if len(rows) < len(named):
        _refuse_taken(some, key, set(named) - {row.number for row in rows})
    for row in rows:
        subscription, one = named[row.number]
        work = works[subscription.account]
        number = _known(work, row)
        numbers.check_takeable(number, work.account.id)
        _take(work, number, one, subscription.id, actor)
    for subscription, several in wanted.values():
        work = works[subscription.account]
        for one in several if subscription.status is Status.EXPIRED else ():
            marked = subscription.expired_on or work.today
            number = work.numbers[one.number]
            held = numbers.give_back(number, Cause.EXPIRED, work.policy, marked, work.now)
            if held is not None:
                work.save_number(*held, actor=actor)


def take(
    work: Work, subscription: str, wanted: Iterable[Wanted], actor: str = "perennial"
) -> list[Taken]:
    """Take these numbers into use by a subscription of the account, in the order of the numbers.

    A number that the inventory does not know is taken in. Raises `Refused` 10.2 when one is in use,
    or held or reserved for another account.
    """
    named = {one.number: one for one in sorted(wanted, key=lambda one: one.number)}
    if not named:
        return []
    key = {"seller": work.account.seller, "numbers": list(named)}
    skus = [one.sku for one in named.values()]
    new = {"free": NumberState.FREE, "normal": HoldKind.NORMAL, "today": work.today}
    work.connection.execute(_TAKE_IN, {**key, **new, "skus": skus})
    rows = work.connection.execute(_MINE_OR_FREE, {**key, "account": work.account.id})
    found = [_known(work, row) for row in rows]
    if len(found) < len(named):
        _refuse_taken(work, key, set(named) - {number.number for number in found})
    for number in found:
        numbers.check_takeable(number, work.account.id)
    return [_take(work, number, named[number.number], subscription, actor) for number in found]


def pick(
    work: Work, subscription: str, sku: str, count: int, actor: str = "perennial"
) -> list[Taken]:
    """Take free numbers of a SKU into use, the lowest first.

    Purchases at the same time do not wait for each other: one skips what another has just locked.
    Raises `Refused` 10.2 when there are not enough.
    """
    values = {"seller": work.account.seller, "sku": sku, "count": count, "known": [*work.numbers]}
    found = [_known(work, row) for row in work.connection.execute(_FREE, values)]
    if len(found) < count:
        are = f"{counted(count, 'number')} of SKU {sku} {'is' if count == 1 else 'are'}"
        words = f"only {len(found)} of {are} free"
        raise Refused(Rule.NUMBER_HOLD, words)
    return [
        _take(work, it, Wanted(number=it.number, sku=sku, hold=it.hold), subscription, actor)
        for it in found
    ]


def give_back(
    work: Work,
    subscription: str,
    cause: Cause,
    named: Collection[str] | None = None,
    *,
    on: date | None = None,
    actor: str = "perennial",
    since: datetime | None = None,
) -> None:
    """Give back numbers of a subscription (Rule 10.2).

    `cause`: why. After an expiry, the numbers that are held already get no new hold.
    `named`: which ones. Each is in use by the subscription. Default: all.
    `on`: the local date on which they are given back, default today.
    `actor`: who asked for it, default the system itself.
    `since`: reminders after this instant (UTC) are still to come, default now.
    """
    for number in _bound(work, subscription, named):
        after = numbers.give_back(number, cause, work.policy, on or work.today, work.now)
        if after is not None:
            work.save_number(*after, actor=actor, since=since)


def leave_on(
    work: Work,
    subscription: str,
    named: Collection[str],
    day: date | None,
    actor: str = "perennial",
) -> None:
    """Numbers of a subscription leave it with the cycle that begins on a day (Rule 10.1).

    `named`: which ones. Each is in use by the subscription.
    `day`: the first day of that cycle. Until then they stay in use. A day that has come gives them
    back at once. None: they stay, after they were to leave.
    """
    if day is not None and day <= work.today:
        give_back(work, subscription, Cause.REMOVED, named, on=day, actor=actor)
        return
    happened = Happened.STAYING if day is None else Happened.LEAVING
    for number in _bound(work, subscription, named):
        work.save_number(numbers.leave_on(number, day), happened, actor)


def take_back(work: Work, subscription: str, actor: str = "perennial") -> Mapping[str, str]:
    """Take back the numbers of a subscription that is reactivated (Rules 7, 10.2).

    Returns all that it has now, with their SKUs. Those that were released meanwhile, or bought for
    another subscription, are not among them.
    """
    bound = _bound(work, subscription)
    for number in bound:
        if number.state is NumberState.HELD:
            work.save_number(numbers.take_back(number, work.today), Happened.TAKEN_BACK, actor)
    return {number.number: number.sku for number in bound}


def as_reactivated(connection: Connection, subscription: Subscription) -> Subscription:
    """An EXPIRED subscription with those of its numbers that a reactivation takes back (Rule 7).

    Any other subscription is returned as it is.
    """
    if subscription.status is not Status.EXPIRED or not has_numbers(subscription):
        return subscription
    left = connection.execute(_LEFT, {"subscription": subscription.id}).scalars()
    return without_lost(subscription, set(left))


def hand_over(work: Work, to: Work, subscription: str, actor: str = "perennial") -> None:
    """Numbers go with their subscription to another account (Rule 9, change of owner).

    `work`, `to`: the units of work on the old and on the new account, in one transaction. What was
    removed or swapped before stays held for the old account. Steps follow the new account's zone.
    """
    for number in _bound(work, subscription):
        to.numbers[number.number] = work.numbers.pop(number.number)
        to.save_number(numbers.move(number, to.account.id), Happened.MOVED, actor)


def of_subscription(work: Work, subscription: str) -> list[Number]:
    """All numbers that are in use by a subscription or held for it, in their order."""
    rows = work.connection.execute(_OF_SUBSCRIPTION, {"subscription": subscription})
    found = (_known(work, row) for row in rows)
    return [number for number in found if number.subscription == subscription]


def in_use(work: Work, subscription: str, number: str) -> Number:
    """A number that is in use by a subscription of the account. Raises `Refused` 9."""
    key = {"seller": work.account.seller, "numbers": [number]}
    row = work.connection.execute(_NAMED, key).one_or_none()
    found = None if row is None else _known(work, row)
    if found is None or (found.state, found.subscription) != (NumberState.IN_USE, subscription):
        raise Refused(Rule.CHANGES, f"{number} is not a number of {subscription}")
    return found


def with_step(work: Work, subject: Subject) -> tuple[Number, Step] | None:
    """A number of the account, and its next step. None when it has no step in this account."""
    values = {"account": work.account.id, "subject": subject.id, "number": number_of(subject)}
    row = work.connection.execute(_WITH_STEP, values).one_or_none()
    if row is None:
        return None
    step = step_from(row)
    assert step is not None
    return _known(work, row), step


def one(work: Work, number: str) -> Number | None:
    """A number of the inventory, locked. None when the inventory does not know it.

    The caller changes it only when it is the account's, or free.
    """
    key = {"seller": work.account.seller, "numbers": [number]}
    row = work.connection.execute(_NAMED.with_for_update(), key).one_or_none()
    return None if row is None else _known(work, row)


def existing(work: Work, number: str, rule: Rule) -> Number:
    """A number of the inventory, locked. Raises `Refused` by the rule when there is none."""
    if (found := one(work, number)) is None:
        raise Refused(rule, f"{number} is not in the inventory; import it first")
    return found


def _refuse_taken(work: Work, key: Mapping[str, Any], missing: Collection[str]) -> None:
    """Refuse because of numbers that another account has. Nothing is locked."""
    for row in work.connection.execute(_NAMED, key):
        if row.number in missing:
            numbers.check_takeable(number_from(row), work.account.id)
    # What was in use a moment ago is free now.
    raise Refused(Rule.NUMBER_HOLD, f"{min(missing)} is in use")


def _take(work: Work, number: Number, wanted: Wanted, subscription: str, actor: str) -> Taken:
    account = work.account.id
    again = numbers.bought_again(number, account, work.now, work.policy)
    after = numbers.take(number, wanted, account, subscription, work.today)
    work.save_number(after, Happened.TAKEN, actor)
    return Taken(after, again)


def _bound(work: Work, subscription: str, named: Collection[str] | None = None) -> Sequence[Number]:
    """The numbers that a subscription of the account has: in use, or held since it expired.

    Raises `Refused` 9 when it has not all that are named.
    """
    bound = {
        number.number: number
        for number in of_subscription(work, subscription)
        if number.account == work.account.id
        and (number.state is NumberState.IN_USE or number.cause is Cause.EXPIRED)
    }
    if named is None:
        return list(bound.values())
    for number in sorted(named):
        if number not in bound:
            raise Refused(Rule.CHANGES, f"{number} is not a number of {subscription}")
    return [bound[number] for number in sorted(named)]


def _known(work: Work, row: Row[Any]) -> Number:
    """The number in a row, as this transaction has left it."""
    return work.numbers.setdefault(row.number, number_from(row))
