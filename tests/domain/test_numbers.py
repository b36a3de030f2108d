"""Rules 10.1 to 10.3: how a number is taken, held, released and reserved."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.domain import numbers, policy
from core.domain.contents import Coming, Item
from core.domain.numbers import (
    Cause,
    Happened,
    HoldKind,
    NewNumber,
    Number,
    NumberState,
    Wanted,
)
from core.domain.policy import DEFAULT, Policy
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.steps import Step, StepKind, Subject, SubjectKind, number_of, of_number
from tests.domain.made import at, day, subscription

NOW = at("2020-05-10T08:00")
ON = day("05-10")


def number(**more: Any) -> Number:
    """A number in the inventory of `main`, free unless told otherwise."""
    values = {"seller": "main", "number": "+491", "sku": "DID", "since": ON}
    return Number(**{**values, **more})


def in_use(**more: Any) -> Number:
    """A number in use by s1 of acme, since before the days of the tests."""
    used = {"state": NumberState.IN_USE, "account": "acme", "subscription": "s1"}
    return number(**{**used, "since": day("05-01"), **more})


def given_back(cause: Cause, hold: HoldKind = HoldKind.NORMAL, of: Policy = DEFAULT) -> Number:
    """A number that was given back on 05-10. After an expiry that is the day that was marked."""
    found = numbers.give_back(in_use(hold=hold), cause, of, ON, NOW)
    assert found is not None
    assert found[1] is Happened.GIVEN_BACK
    return found[0]


def step(of: Number, now: datetime = NOW) -> Step:
    """The next step of a number in UTC."""
    found = numbers.next_step_of(of, "UTC", now)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("hold", "cause", "days", "last"),
    [
        # Day 0 is 05-10. After an expiry day 1 is 05-10: the day that was marked EXPIRED.
        (HoldKind.NORMAL, Cause.EXPIRED, 56, "07-04"),  # 05-09 + 56
        (HoldKind.PORTED_IN, Cause.EXPIRED, 84, "08-01"),  # 05-09 + 84
        (HoldKind.NORMAL, Cause.TERMINATED, 28, "06-07"),  # 05-10 + 28
        (HoldKind.PORTED_IN, Cause.TERMINATED, 56, "07-05"),  # 05-10 + 56
        (HoldKind.NORMAL, Cause.REMOVED, 28, "06-07"),
        (HoldKind.PORTED_IN, Cause.REMOVED, 56, "07-05"),
        (HoldKind.NORMAL, Cause.SWAPPED, 1, "05-11"),
        (HoldKind.PORTED_IN, Cause.SWAPPED, 28, "06-07"),
    ],
)
def test_rule_10_2_a_number_is_held_by_how_it_came_and_why_it_was_given_back(
    hold: HoldKind, cause: Cause, days: int, last: str
) -> None:
    held = given_back(cause, hold)
    assert numbers.hold_days(DEFAULT, hold, cause) == days
    assert (held.state, held.since, held.until) == (NumberState.HELD, ON, day(last))
    assert (held.account, held.subscription, held.cause) == ("acme", "s1", cause)
    assert held.version == in_use().version + 1
    over = step(held, now=at("2020-12-31T00:00"))
    released_on = day(last) + timedelta(days=1)
    assert (over.kind, over.rule) == (StepKind.RELEASE, Rule.NUMBER_HOLD)
    assert over.due == at(f"{released_on}T00:00")


@pytest.mark.parametrize(
    ("cause", "days", "reminder"),
    [
        (Cause.REMOVED, 28, "05-31"),  # day 21
        (Cause.REMOVED, 8, "05-11"),  # day 1
        (Cause.REMOVED, 7, None),  # day 0 has begun
        (Cause.REMOVED, 1, None),
        (Cause.REMOVED, 0, None),
        (Cause.EXPIRED, 56, "06-27"),  # day 49, which is 05-09 + 49
        (Cause.EXPIRED, 9, "05-11"),  # day 2
        (Cause.EXPIRED, 8, None),  # day 1 has begun: it is the day that was marked
    ],
)
def test_rule_10_2_the_reminder_is_due_on_day_n_minus_7(
    cause: Cause, days: int, reminder: str | None
) -> None:
    holds = {"expired": days, "terminated": days, "swapped": days}
    held = given_back(cause, of=policy.load({"number_hold_days": {"normal": holds}}))
    if reminder is None:
        assert step(held).kind is StepKind.RELEASE
        return
    assert (step(held).kind, step(held).due) == (StepKind.REMIND, at(f"2020-{reminder}T00:00"))
    assert step(held, step(held).due).kind is StepKind.RELEASE


def test_rule_10_2_a_reminder_is_true_until_the_last_day_held() -> None:
    held = given_back(Cause.REMOVED)
    assert numbers.reminder_is_true(held, "UTC", at("2020-06-07T23:59"))
    assert not numbers.reminder_is_true(held, "UTC", at("2020-06-08T00:00"))
    assert not numbers.reminder_is_true(in_use(), "UTC", NOW)


def test_rule_10_2_one_clock_a_termination_after_an_expiry_starts_no_new_hold() -> None:
    held = given_back(Cause.EXPIRED)
    assert (held.returned_at, held.returned_by) == (None, None)
    later = at("2020-06-07T00:00")
    found = numbers.give_back(held, Cause.TERMINATED, DEFAULT, day("06-07"), later)
    ended = replace(held, returned_at=later, returned_by="acme", version=held.version + 1)
    assert found == (ended, Happened.ENDED)


@pytest.mark.parametrize("cause", [Cause.TERMINATED, Cause.REMOVED, Cause.SWAPPED])
def test_rule_10_2_a_number_that_was_brought_along_is_not_held(cause: Cause) -> None:
    found = numbers.give_back(in_use(hold=HoldKind.BYOI), cause, DEFAULT, ON, NOW)
    assert found is not None
    gone, happened = found
    assert (gone.state, gone.account, gone.subscription) == (NumberState.GONE, None, None)
    assert happened is Happened.LEFT
    assert (gone.since, gone.returned_at, gone.returned_by) == (ON, NOW, "acme")
    assert numbers.next_step_of(gone, "UTC", NOW) is None
    numbers.check_takeable(gone, "other")


def test_rule_10_2_a_number_that_was_brought_along_stays_in_use_until_terminated() -> None:
    brought = in_use(hold=HoldKind.BYOI)
    assert numbers.give_back(brought, Cause.EXPIRED, DEFAULT, ON, NOW) is None


@pytest.mark.parametrize(
    ("one", "account", "reason"),
    [
        (in_use(), "acme", "+491 is in use"),
        (in_use(), "other", "+491 is in use"),
        (given_back(Cause.REMOVED), "other", "+491 is held for another account"),
        (
            numbers.reserve(number(), "acme", None, DEFAULT, ON),
            "other",
            "+491 is reserved for another account",
        ),
        (number(), "other", None),
        (given_back(Cause.REMOVED), "acme", None),
        (given_back(Cause.EXPIRED), "acme", None),
        (numbers.reserve(number(), "acme", None, DEFAULT, ON), "acme", None),
    ],
)
def test_rule_10_2_who_can_buy_a_number(one: Number, account: str, reason: str | None) -> None:
    if reason is None:
        numbers.check_takeable(one, account)
        return
    with pytest.raises(Refused) as refused:
        numbers.check_takeable(one, account)
    assert refused.value.refusal.rule is Rule.NUMBER_HOLD
    assert refused.value.refusal.reason == reason


def test_a_reserved_number_is_its_accounts_when_it_is_taken() -> None:
    reserved = numbers.reserve(number(), "acme", "for the lobby", DEFAULT, ON)
    for before in (number(), reserved):
        taken = numbers.take(before, Wanted(number="+491", sku="DID"), "acme", "s1", ON)
        assert taken == in_use(since=ON, version=before.version + 1)


def test_a_number_that_is_taken_forgets_what_it_was() -> None:
    held = given_back(Cause.REMOVED, HoldKind.PORTED_IN)
    wanted = Wanted(number="+491", sku="GOLD")
    taken = numbers.take(held, wanted, "acme", "s2", day("05-12"))
    assert taken == in_use(
        sku="GOLD", subscription="s2", since=day("05-12"), version=held.version + 1
    )
    assert numbers.next_step_of(taken, "UTC", NOW) is None


@pytest.mark.parametrize(
    ("account", "hours", "again"),
    [("acme", 24, True), ("acme", 24.001, False), ("other", 1, False)],
)
def test_rule_10_1_bought_again_within_24_hours(account: str, hours: float, again: bool) -> None:
    now = NOW + timedelta(hours=hours)
    for one in (given_back(Cause.REMOVED), numbers.release(given_back(Cause.SWAPPED), ON)):
        assert numbers.bought_again(one, account, now, DEFAULT) is again
    assert not numbers.bought_again(given_back(Cause.EXPIRED), account, now, DEFAULT)


def test_rule_10_1_the_policy_says_how_many_hours_they_are() -> None:
    one = given_back(Cause.REMOVED)
    for hours, again in ((0, False), (1, False), (2, True)):
        terms = Policy(rebuy_grace_hours=hours)
        assert numbers.bought_again(one, "acme", NOW + timedelta(hours=2), terms) is again


def test_rule_10_2_a_released_number_is_free_and_normal() -> None:
    held = given_back(Cause.TERMINATED, HoldKind.PORTED_IN)
    released = numbers.release(held, day("07-06"))
    assert released == number(
        since=day("07-06"), returned_at=NOW, returned_by="acme", version=held.version + 1
    )
    assert numbers.next_step_of(released, "UTC", NOW) is None
    expired = numbers.release(given_back(Cause.EXPIRED), day("07-05"))
    assert (expired.returned_at, expired.returned_by) == (None, None)


def test_rule_7_a_reactivation_takes_a_held_number_back() -> None:
    held = given_back(Cause.EXPIRED, HoldKind.PORTED_IN)
    back = numbers.take_back(held, day("05-20"))
    assert back == in_use(hold=HoldKind.PORTED_IN, since=day("05-20"), version=held.version + 1)


def test_rule_10_1_a_number_that_is_removed_at_renewal_is_held_from_that_day() -> None:
    leaving = numbers.leave_on(in_use(), day("06-01"))
    assert (leaving.state, leaving.cause) == (NumberState.IN_USE, Cause.REMOVED)
    assert leaving.until == day("05-31")
    assert step(leaving) == Step(
        StepKind.LEAVE,
        at("2020-06-01T00:00"),
        Rule.NUMBER_HOLD,
        "removed with the cycle that begins on 2020-06-01",
    )
    found = numbers.give_back(leaving, Cause.REMOVED, DEFAULT, day("06-01"), NOW)
    assert found is not None
    assert found[0].until == day("06-29")  # 06-01 + 28
    assert numbers.leave_on(leaving, None) == replace(in_use(), version=3)


def test_rule_9_a_number_goes_with_its_subscription_to_another_account() -> None:
    assert numbers.move(in_use(), "other") == in_use(account="other", version=2)


def test_rule_10_3_a_free_number_is_reserved_for_28_days_with_a_reminder() -> None:
    reserved = numbers.reserve(number(since=day("05-01")), "acme", "for the lobby", DEFAULT, ON)
    assert (reserved.since, reserved.version) == (ON, 2)
    assert (reserved.state, reserved.account) == (NumberState.RESERVED, "acme")
    assert (reserved.until, reserved.remark) == (day("06-07"), "for the lobby")  # 05-10 + 28
    assert step(reserved) == Step(
        StepKind.REMIND,
        at("2020-05-31T00:00"),
        Rule.NUMBER_RESERVATION,
        "it was reserved by hand; 2020-06-07 is its last day",
    )
    over = step(reserved, at("2020-05-31T00:00"))
    assert (over.kind, over.due) == (StepKind.RELEASE, at("2020-06-08T00:00"))


def test_rule_10_3_the_policy_says_for_how_many_days_a_number_is_reserved() -> None:
    """10 days: the last one is 05-20, and the reminder is due on day 3."""
    terms = Policy(reservation_days=10)
    reserved = numbers.reserve(number(), "acme", None, terms, ON)
    assert reserved.until == day("05-20")
    assert (step(reserved).kind, step(reserved).due) == (StepKind.REMIND, at("2020-05-13T00:00"))


@pytest.mark.parametrize(
    ("one", "account", "reason"),
    [
        (in_use(), "acme", "+491 is in use for acme; only a free number can be reserved"),
        (in_use(), "other", "+491 is in use; only a free number can be reserved"),
        (
            given_back(Cause.REMOVED),
            "acme",
            "+491 is held for acme; only a free number can be reserved",
        ),
        (
            numbers.reserve(number(), "acme", None, DEFAULT, ON),
            "acme",
            "+491 is reserved for acme; only a free number can be reserved",
        ),
        (
            number(state=NumberState.GONE),
            "acme",
            "+491 is gone from the inventory; only a free number can be reserved",
        ),
    ],
)
def test_rule_10_3_only_a_free_number_can_be_reserved(
    one: Number, account: str, reason: str
) -> None:
    with pytest.raises(Refused) as refused:
        numbers.reserve(one, account, None, DEFAULT, ON)
    assert refused.value.refusal.rule is Rule.NUMBER_RESERVATION
    assert refused.value.refusal.reason == reason


def test_rule_10_3_a_reservation_can_be_ended_by_hand() -> None:
    reserved = numbers.reserve(number(), "acme", "for the lobby", DEFAULT, ON)
    free = numbers.unreserve(reserved, "acme", day("05-12"))
    assert (free.state, free.account, free.remark) == (NumberState.FREE, None, None)
    for one, account in ((reserved, "other"), (number(), "acme"), (in_use(), "acme")):
        with pytest.raises(Refused) as refused:
            numbers.unreserve(one, account, ON)
        assert refused.value.refusal.rule is Rule.NUMBER_RESERVATION
        assert refused.value.refusal.reason == f"+491 is not reserved for {account}"


def test_rule_10_1_which_numbers_of_a_subscription_are_in_use() -> None:
    def change(name: str, sku: str | None, since: str | None = None) -> Coming:
        return Coming(item=Item.NUMBER, name=name, sku=sku, since=since and day(since))

    s = subscription(
        numbers={"+1": "DID", "+2": "DID", "+3": "DID"},
        coming=(
            change("+2", None, "06-01"),
            change("+3", None),
            change("+4", "DID"),
            change("+5", None),  # It was added at renewal and removed at renewal.
            Coming(item=Item.ADDON, name="SEAT", amount=1),
        ),
    )
    assert numbers.numbers_in_use(s, day("05-31")) == {"+1", "+2", "+3", "+4", "+5"}
    assert numbers.numbers_in_use(s, day("06-01")) == {"+1", "+3", "+4", "+5"}


def test_a_number_is_normal_unless_told_otherwise() -> None:
    assert Wanted(number="+491", sku="DID").hold is HoldKind.NORMAL
    assert NewNumber(number="+491", sku="DID").hold is HoldKind.NORMAL
    assert (number().hold, number().state) == (HoldKind.NORMAL, NumberState.FREE)


def test_a_number_is_a_subject_by_its_seller() -> None:
    subject = of_number("main/shop", "+491")
    assert subject == Subject(SubjectKind.NUMBER, "main/shop/+491")
    assert number_of(subject) == "+491"


@pytest.mark.parametrize("one", [*NumberState, *HoldKind, *Cause, *Happened])
def test_every_word_of_the_inventory_has_words_for_people(one: NumberState) -> None:
    assert one.words
