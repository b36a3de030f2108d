"""Numbers of a subscription: added, removed and swapped, now and at renewal (Rules 9, 10.1)."""

from dataclasses import replace

import pytest

from core.domain import changes, lifecycle
from core.domain.contents import Coming, Item
from core.domain.number_changes import (
    activated_with_next_cycle,
    add_at_renewal,
    coming,
    fee_is_due,
    has_numbers,
    leaves_on,
    leaving,
    pays_activation,
    pending,
    priced,
    remove_at_renewal,
    swap,
    without_fees_due,
    without_lost,
)
from core.domain.refusal import Refused
from core.domain.subscription import Contract, Subscription
from tests.domain.made import ZONE, at, day, subscription

TODAY = day("11-25")  # in the cycle 2020-11-16..12-15
PLAIN = subscription()
WITH_65 = subscription(numbers={"+65": "DID"})
SEAT = Coming(item=Item.ADDON, name="SEAT", amount=2)


def paid(before: Subscription) -> Subscription:
    """The subscription after its next cycle was paid. It begins on 12-16."""
    return lifecycle.renew(before, at("2020-12-07T16:00"), 1)[0]


def added(number: str = "+65", *, fee_due: bool = True, to: Subscription = PLAIN) -> Subscription:
    return add_at_renewal(to, number, "DID", fee_due=fee_due)


def refused(act: object) -> str:
    with pytest.raises(Refused) as error:
        act()  # type: ignore[operator]
    return str(error.value.refusal)


NO_CHANGE = "it is so already; nothing would change (rule 9)"


# at renewal


def test_a_number_that_is_added_at_renewal_is_priced_with_the_next_paid_cycle() -> None:
    after = added()
    assert after.version == PLAIN.version + 1
    assert (after.contents_on(TODAY).numbers, after.next_contents.numbers) == ({}, {"+65": "DID"})
    assert paid(after).contents_on(day("12-16")).numbers == {"+65": "DID"}


@pytest.mark.parametrize(("fee_due", "activated"), [(True, {"+65": "DID"}), (False, {})])
def test_its_activation_fee_is_charged_with_that_cycle_once(
    fee_due: bool, activated: dict[str, str]
) -> None:
    """No fee is due for a number that was brought along, or bought again soon (Rule 10.1)."""
    after = added(fee_due=fee_due)
    assert (fee_is_due(after, "+65"), fee_is_due(after, "+66")) == (fee_due, False)
    assert activated_with_next_cycle(after) == activated
    assert activated_with_next_cycle(paid(after)) == {}


def test_a_number_that_is_removed_at_renewal_leaves_with_the_next_paid_cycle() -> None:
    after = remove_at_renewal(WITH_65, "+65")
    assert (after.contents_on(TODAY).numbers, after.next_contents.numbers) == ({"+65": "DID"}, {})
    assert (leaving(after), pending(after), coming(after)) == (["+65"], ["+65"], {"+65"})
    assert leaves_on(after, "+65") is None
    assert leaves_on(paid(after), "+65") == day("12-16")
    assert leaving(paid(after)) == []


def test_a_removal_that_replaces_an_addition_keeps_the_number_until_that_cycle() -> None:
    """Rule 10.1: it is never priced, and costs no activation fee. Rule 10.2: it is held then."""
    after = remove_at_renewal(added(), "+65")
    assert after.next_contents.numbers == {}
    assert activated_with_next_cycle(after) == {}
    assert leaving(after) == ["+65"]
    assert leaves_on(paid(after), "+65") == day("12-16")


def test_an_addition_that_replaces_this_removal_has_its_activation_fee_due_again() -> None:
    removed = remove_at_renewal(added(), "+65")
    again = added(fee_due=fee_is_due(removed, "+65"), to=removed)
    assert activated_with_next_cycle(again) == {"+65": "DID"}


def test_an_addition_of_a_number_that_was_to_be_removed_only_withdraws_the_removal() -> None:
    removed = remove_at_renewal(replace(WITH_65, coming=(SEAT,)), "+65")
    assert added(to=removed).coming == (SEAT,)


def test_a_removal_that_is_paid_for_stands_when_an_addition_after_it_is_removed() -> None:
    """The next cycle is paid without the number. Then it is added from the one after that on."""
    gone = paid(remove_at_renewal(WITH_65, "+65"))
    assert leaves_on(gone, "+65") == day("12-16")
    back = added(to=gone)
    assert leaves_on(back, "+65") is None
    assert back.contents_on(day("12-16")).numbers == {}
    assert back.next_contents.numbers == {"+65": "DID"}
    assert remove_at_renewal(back, "+65").coming == gone.coming


@pytest.mark.parametrize(
    "before",
    [
        remove_at_renewal(WITH_65, "+65"),
        replace(remove_at_renewal(WITH_65, "+65"), coming=(priced("+65", None), SEAT)),
        paid(remove_at_renewal(WITH_65, "+65")),
    ],
)
def test_a_number_that_leaves_anyway_cannot_be_removed_at_renewal(before: Subscription) -> None:
    assert refused(lambda: remove_at_renewal(before, "+65")) == NO_CHANGE


@pytest.mark.parametrize(
    "before", [WITH_65, added(), replace(added(), coming=(*added().coming, SEAT)), paid(added())]
)
def test_a_number_that_comes_anyway_cannot_be_added_at_renewal(before: Subscription) -> None:
    assert refused(lambda: added(to=before)) == NO_CHANGE


def test_under_a_milestone_contract_no_activation_fee_is_charged() -> None:
    """Rules 8.3, 10.1."""
    milestone = subscription(contract=Contract.MILESTONE)
    assert (pays_activation(milestone), pays_activation(PLAIN)) == (False, True)
    assert activated_with_next_cycle(added(to=milestone)) == {}


# from today on


def test_a_number_that_is_added_now_after_it_was_added_at_renewal_waits_no_longer() -> None:
    after = changes.from_today(added(), priced("+65", "DID"), TODAY)
    assert (after.numbers, after.coming) == ({"+65": "DID"}, ())


def test_a_number_that_is_removed_now_is_gone_from_all_cycles() -> None:
    before = paid(added(to=replace(WITH_65, coming=(SEAT,)), number="+66"))
    after = changes.from_today(before, priced("+66", None), TODAY)
    assert after.numbers == {"+65": "DID"}
    assert [it.name for it in after.coming] == ["SEAT"]


# swaps


def test_the_new_number_takes_the_place_of_the_old_one_in_every_cycle() -> None:
    before = replace(WITH_65, numbers={"+65": "DID", "+66": "DID"}, coming=(SEAT,))
    after = swap(before, "+65", "+67", "DID", TODAY)
    assert after.numbers == {"+66": "DID", "+67": "DID"}
    assert (after.coming, after.version) == ((SEAT,), before.version + 1)


def test_a_removal_that_is_paid_for_is_one_of_the_new_number() -> None:
    gone = paid(remove_at_renewal(WITH_65, "+65"))
    after = swap(gone, "+65", "+67", "DID", TODAY)
    assert after.numbers == {"+67": "DID"}
    assert (leaves_on(after, "+67"), leaves_on(after, "+65")) == (day("12-16"), None)


def test_a_number_that_was_added_at_renewal_is_swapped_before_its_fee_was_charged() -> None:
    """Rule 10.1: the old one costs none, and a swap costs none."""
    after = swap(added(), "+65", "+67", "DID", TODAY)
    assert (after.numbers, after.next_contents.numbers) == ({}, {"+67": "DID"})
    assert activated_with_next_cycle(after) == {}


# the end


def test_after_the_expiry_no_activation_fee_is_due() -> None:
    """Rules 7, 10.1: the number was given back before its fee was charged."""
    before = replace(added(), coming=(*added().coming, SEAT))
    expired = lifecycle.expire(before, day("12-16"), ZONE)
    assert activated_with_next_cycle(expired) == {}
    assert expired.next_contents.numbers == {"+65": "DID"}
    assert without_fees_due(before).coming[1] == SEAT


def test_numbers_that_were_lost_are_no_longer_part_of_it() -> None:
    before = added(to=replace(WITH_65, numbers={"+65": "DID", "+66": "DID"}), number="+67")
    assert without_lost(before, {"+66", "+67"}).next_contents.numbers == {
        "+66": "DID",
        "+67": "DID",
    }
    assert without_lost(PLAIN, ()) is PLAIN
    left = without_lost(replace(before, coming=(*before.coming, SEAT)), {"+65"})
    assert (left.numbers, left.coming) == ({"+65": "DID"}, (SEAT,))


@pytest.mark.parametrize(
    ("before", "has"),
    [(PLAIN, False), (WITH_65, True), (added(), True), (replace(PLAIN, coming=(SEAT,)), False)],
)
def test_whether_it_has_numbers(before: Subscription, has: bool) -> None:
    assert has_numbers(before) == has
