"""Numbers of the inventory: how one is taken, held, released and reserved (Rules 10.1 to 10.3).

A number can be bought (FREE), waits for an account (RESERVED, HELD), or works in a subscription
(IN_USE). GONE is a number that its customer had brought along and has taken away again, or whose
import was undone.

Days of a hold are counted from day 0, the day on which the number was given back. After an expiry
day 0 is *E*, so that day 1 is the day that was marked EXPIRED. `until` is day N, the last day held.

Worked holds: a normal number was swapped out on 05-10. It is held on 05-11 (day 1) and released at
the first instant of 05-12. A ported-in one is held until 06-07 (day 28), and the reminder is due on
05-31 (day 21). A normal number of a subscription that was marked EXPIRED on 02-01 is held until
03-28 (day 56), which is 01-31 + 56 days.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import assert_never

from core.domain.calendar import first_instant, local_date
from core.domain.contents import Item
from core.domain.policy import Policy
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.steps import Step, StepKind
from core.domain.subscription import Subscription
from core.domain.worded_enum import Worded

_DAY = timedelta(days=1)
REMINDER_DAYS = 7
"""The reminder is due so many days before the last day held (Rule 10.2)."""


class NumberState(Worded):
    """What a number is now: the value, and words for people."""

    FREE = "free", "free"
    RESERVED = "reserved", "reserved"
    HELD = "held", "held"
    IN_USE = "in_use", "in use"
    GONE = "gone", "gone from the inventory"


class HoldKind(Worded):
    """How a number came to its customer, which decides how long it is held (Rule 10.2)."""

    NORMAL = "normal", "normal"
    PORTED_IN = "ported_in", "ported in"
    BYOI = "byoi", "brought along"


class Cause(Worded):
    """Why a number is held or reserved. A number that is removed is held like a terminated one."""

    EXPIRED = "expired", "its subscription expired"
    TERMINATED = "terminated", "its subscription was terminated"
    SWAPPED = "swapped", "it was swapped"
    REMOVED = "removed", "it was removed"
    RESERVED = "reserved", "it was reserved by hand"


class Happened(Worded):
    """What happened to a number, for its history."""

    IMPORTED = "imported", "came into the inventory"
    TAKEN = "taken", "was taken into use"
    LEAVING = "leaving", "is removed with the next cycle"
    STAYING = "staying", "is no longer removed with the next cycle"
    GIVEN_BACK = "given_back", "was given back and is held"
    ENDED = "ended", "is held, and its subscription has ended"
    TAKEN_BACK = "taken_back", "was taken back into use"
    LEFT = "left", "has left with its customer"
    RELEASED = "released", "was released"
    RESERVED = "reserved", "was reserved"
    UNRESERVED = "unreserved", "is no longer reserved"
    MOVED = "moved", "went to another account"
    UNDONE = "undone", "left with the import that was undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One number of a seller's inventory.

    `seller`, `number`: whose inventory it is in, and the number, such as ``+6561234567``.
    `sku`: the number SKU that it is sold as.
    `state`: what it is now, default FREE.
    `hold`: how it came to its customer, default normal.
    `account`: whose it is, or for whom it is held or reserved. None when it is FREE or GONE.
    `subscription`: the subscription that it works in, or that it is held for. Default None.
    `since`: the local date since which the state has been so.
    `until`: the last day of a hold or a reservation, or the last day in use. None: it has none.
    `cause`: why it is held or reserved, or why it leaves. Default None.
    `remark`: what the person wrote who reserved it. Default None.
    `returned_at`, `returned_by`: when (UTC) and by which account it was given back last, as far as
    the 24 hours of Rule 10.1 count. Default None.
    `version`: grows by one with every change.
    """

    seller: str
    number: str
    sku: str
    state: NumberState = NumberState.FREE
    hold: HoldKind = HoldKind.NORMAL
    account: str | None = None
    subscription: str | None = None
    since: date
    until: date | None = None
    cause: Cause | None = None
    remark: str | None = None
    returned_at: datetime | None = None
    returned_by: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A number that a purchase or a change names: the number, its SKU, and how it came (10.2)."""

    number: str
    sku: str
    hold: HoldKind = HoldKind.NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNumber:
    """A number that comes into the inventory, free to be bought."""

    number: str
    sku: str
    hold: HoldKind = HoldKind.NORMAL


# taking


def check_takeable(number: Number, account: str) -> None:
    """Refuse a number that is in use, or held or reserved for another account (Rule 10.2)."""
    if number.state is NumberState.IN_USE:
        raise Refused(Rule.NUMBER_HOLD, f"{number.number} is in use")
    if number.account not in (None, account):
        words = f"{number.number} is {number.state.words} for another account"
        raise Refused(Rule.NUMBER_HOLD, words)


def bought_again(number: Number, account: str, now: datetime, policy: Policy) -> bool:
    """Whether the account gave this number back within the last hours (Rule 10.1)."""
    if number.returned_at is None or number.returned_by != account:
        return False
    return now - number.returned_at <= timedelta(hours=policy.rebuy_grace_hours)


def take(number: Number, wanted: Wanted, account: str, subscription: str, today: date) -> Number:
    """The number, in use by a subscription of the account. It must be takeable."""
    return replace(
        number,
        sku=wanted.sku,
        state=NumberState.IN_USE,
        hold=wanted.hold,
        account=account,
        subscription=subscription,
        since=today,
        until=None,
        cause=None,
        remark=None,
        returned_at=None,
        returned_by=None,
        version=number.version + 1,
    )


def take_back(number: Number, today: date) -> Number:
    """The number, in use again by the subscription that it is held for (Rule 7)."""
    return replace(
        number,
        state=NumberState.IN_USE,
        since=today,
        until=None,
        cause=None,
        version=number.version + 1,
    )


# giving back


def give_back(
    number: Number, cause: Cause, policy: Policy, on: date, at: datetime
) -> tuple[Number, Happened] | None:
    """The number after its subscription has no use for it, and what happened to it (Rule 10.2).

    `number`: in use, or held since its subscription expired.
    `cause`: why it is given back.
    `policy`: the policy in force.
    `on`: the local date on which it is given back. After an expiry, the day that was marked.
    `at`: the same instant in UTC, from which the 24 hours of Rule 10.1 are counted.

    A number that was brought along is not held. It stays in use until the subscription is
    TERMINATED, or until it is removed or swapped. A termination after an expiry starts no new hold.
    Returns None when nothing changes.
    """
    returned = None if cause is Cause.EXPIRED else at
    if number.hold is HoldKind.BYOI:
        if cause is Cause.EXPIRED:
            return None
        return _unbound(number, NumberState.GONE, on, returned), Happened.LEFT
    if number.state is NumberState.HELD:
        ended = replace(
            number, returned_at=returned, returned_by=number.account, version=number.version + 1
        )
        return ended, Happened.ENDED
    day_0 = on - _DAY if cause is Cause.EXPIRED else on
    held = replace(
        number,
        state=NumberState.HELD,
        since=on,
        until=day_0 + timedelta(days=hold_days(policy, number.hold, cause)),
        cause=cause,
        returned_at=returned,
        returned_by=None if returned is None else number.account,
        version=number.version + 1,
    )
    return held, Happened.GIVEN_BACK


def leave_on(number: Number, day: date | None) -> Number:
    """The number, in use until the day before `day`. None: it stays (Rule 10.1, at renewal)."""
    return replace(
        number,
        until=None if day is None else day - _DAY,
        cause=None if day is None else Cause.REMOVED,
        version=number.version + 1,
    )


def hold_days(policy: Policy, hold: HoldKind, cause: Cause) -> int:
    """N of Rule 10.2: the last day held, counted from the day on which it was given back."""
    holds = policy.number_hold_days
    days = holds.ported_in if hold is HoldKind.PORTED_IN else holds.normal
    match cause:
        case Cause.EXPIRED:
            return days.expired
        case Cause.SWAPPED:
            return days.swapped
        case Cause.TERMINATED | Cause.REMOVED:
            return days.terminated
        case Cause.RESERVED:
            return policy.reservation_days
        case unreachable:
            assert_never(unreachable)


def release(number: Number, today: date) -> Number:
    """The number, free for every account. The next customer gets it as a normal one."""
    free = _unbound(number, NumberState.FREE, today, number.returned_at)
    return replace(free, hold=HoldKind.NORMAL, returned_by=number.returned_by)


def move(number: Number, account: str) -> Number:
    """The number after its subscription went to another account (Rule 9, change of owner)."""
    return replace(number, account=account, version=number.version + 1)


def _unbound(
    number: Number, state: NumberState, today: date, returned_at: datetime | None
) -> Number:
    return replace(
        number,
        state=state,
        account=None,
        subscription=None,
        since=today,
        until=None,
        cause=None,
        remark=None,
        returned_at=returned_at,
        returned_by=number.account,
        version=number.version + 1,
    )


# reserving by hand


def reserve(number: Number, account: str, remark: str | None, policy: Policy, on: date) -> Number:
    """The free number, reserved for an account (Rule 10.3). Raises `Refused` when it is not free.

    Day 0 is the day on which it was reserved.
    """
    if number.state is not NumberState.FREE:
        whose = f" for {number.account}" if number.account == account else ""
        words = (
            f"{number.number} is {number.state.words}{whose}; only a free number can be reserved"
        )
        raise Refused(Rule.NUMBER_RESERVATION, words)
    return replace(
        number,
        state=NumberState.RESERVED,
        account=account,
        since=on,
        until=on + timedelta(days=hold_days(policy, number.hold, Cause.RESERVED)),
        cause=Cause.RESERVED,
        remark=remark,
        version=number.version + 1,
    )


def unreserve(number: Number, account: str, today: date) -> Number:
    """The number, free again before its reservation ends. Raises `Refused` when it is another's."""
    if number.state is not NumberState.RESERVED or number.account != account:
        words = f"{number.number} is not reserved for {account}"
        raise Refused(Rule.NUMBER_RESERVATION, words)
    return release(number, today)


def numbers_in_use(subscription: Subscription, day: date) -> set[str]:
    """The numbers that a subscription that is ACTIVE has in use on a day (Rules 9, 10.1).

    What is added at renewal is in use at once. What is removed at renewal is in use until the day
    before that cycle, also when it was only added at renewal.
    """
    later = {
        it.name
        for it in subscription.coming
        if it.item is Item.NUMBER and (it.since is None or it.since > day)
    }
    return set(subscription.contents_on(day).numbers) | later


# what it does by itself


def next_step_of(number: Number, zone: str, now: datetime) -> Step | None:
    """What the number does next by itself (Rules 10.1 to 10.3). None when it does nothing.

    `zone`: the time zone of its account.
    `now`: the instant (UTC) of its last change. A reminder that is not later is not planned.
    """
    if number.until is None:
        return None
    over = first_instant(number.until + _DAY, zone)
    if number.state is NumberState.IN_USE:
        words = f"removed with the cycle that begins on {number.until + _DAY}"
        return Step(StepKind.LEAVE, over, Rule.NUMBER_HOLD, words)
    assert number.cause is not None
    rule = Rule.NUMBER_RESERVATION if number.cause is Cause.RESERVED else Rule.NUMBER_HOLD
    words = f"{number.cause.words}; {number.until} is its last day"
    reminder = first_instant(number.until - timedelta(days=REMINDER_DAYS), zone)
    if reminder > now:
        return Step(StepKind.REMIND, reminder, rule, words)
    return Step(StepKind.RELEASE, over, rule, words)


def reminder_is_true(number: Number, zone: str, now: datetime) -> bool:
    """Whether a reminder that is due is still to be sent: the last day is not past (Rule 13)."""
    return number.until is not None and local_date(now, zone) <= number.until
