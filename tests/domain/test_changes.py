"""Rule 9: changes from today on and at renewal, what replaces what, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.domain import catalog as catalogs
from core.domain import changes, lifecycle
from core.domain.commands.change_cycle import ChangeCycleResult
from core.domain.commands.change_plan import ChangePlanResult
from core.domain.commands.set_addon import SetAddonResult
from core.domain.commands.withdraw_changes import WithdrawChangesResult
from core.domain.contents import Coming, Item
from core.domain.policy import DEFAULT
from core.domain.reactivation import reactivate
from core.domain.refusal import Refused
from core.domain.subscription import Subscription
from tests.domain.made import at, day, expired, seats, subscription

CATALOG = catalogs.load(
    [
        {"sku": "PRO-M", "kind": "application", "months": 1, "prices": {}},
        {"sku": "BIZ-M", "kind": "application", "months": 1, "prices": {}},
        {"sku": "PRO-Y", "kind": "application", "months": 12, "prices": {}},
        {"sku": "CARE", "kind": "service", "months": 1, "prices": {}},
    ]
)
TODAY = day("11-25")
NOW = at("2020-12-08T00:00")
BIZ = Coming(item=Item.PLAN, sku="BIZ-M", amount=1)
PRO = Coming(item=Item.PLAN, sku="PRO-M", amount=1)
YEAR = Coming(item=Item.PLAN, sku="PRO-Y", amount=12)
TWO = Coming(item=Item.CYCLE, amount=2)


def paid(change: Coming, since: str = "12-16") -> Coming:
    return replace(change, since=day(since))


def refused(do: Callable[[], object]) -> str:
    """The words of a refusal by Rule 9."""
    with pytest.raises(Refused) as raised:
        do()
    assert raised.value.refusal.rule == "9"
    return raised.value.refusal.reason


# --- from today on --------------------------------------------------------------------------------


def test_rule_9_a_change_from_today_on_changes_what_it_holds_and_no_date() -> None:
    before = subscription()
    after = changes.from_today(before, BIZ, TODAY)
    assert after == replace(before, sku="BIZ-M", version=before.version + 1)
    seated = changes.from_today(after, seats(3), TODAY)
    assert (seated.addons, seated.version) == ({"SEAT": 3}, before.version + 2)
    assert changes.from_today(seated, seats(0), TODAY).addons == {}


def test_rule_9_a_change_from_today_on_replaces_what_comes_for_the_same_item() -> None:
    before = subscription(coming=(paid(BIZ), paid(seats(2)), paid(TWO), seats(4), YEAR))
    after = changes.from_today(before, BIZ, TODAY)
    assert after.coming == (paid(seats(2)), paid(TWO), seats(4))
    assert after.contents_on(day("12-16")).sku == after.next_contents.sku == "BIZ-M"
    fewer = changes.from_today(before, seats(1), TODAY)
    assert fewer.coming == (paid(BIZ), paid(TWO), YEAR)


def test_rule_9_a_change_from_today_on_back_to_the_present_plan_drops_what_comes() -> None:
    after = changes.from_today(subscription(coming=(BIZ,)), PRO, TODAY)
    assert (after.sku, after.coming) == ("PRO-M", ())


def test_rule_9_a_change_from_today_on_is_about_what_it_holds_today() -> None:
    """On 12-20 the change of 12-16 holds, though the row was written before it."""
    begun = subscription(coming=(paid(BIZ), paid(seats(2))))
    assert "it is so already" in refused(lambda: changes.from_today(begun, BIZ, day("12-20")))
    after = changes.from_today(begun, seats(3), day("12-20"))
    assert (after.sku, after.addons, after.coming) == ("BIZ-M", {"SEAT": 3}, ())


@pytest.mark.parametrize("change", [PRO, seats(0)])
def test_rule_9_a_change_from_today_on_that_changes_nothing_is_refused(change: Coming) -> None:
    words = refused(lambda: changes.from_today(subscription(coming=(TWO,)), change, TODAY))
    assert words == "it is so already; nothing would change"


# --- at renewal -----------------------------------------------------------------------------------


def test_rule_9_a_change_at_renewal_is_pending() -> None:
    before = subscription()
    after = changes.at_renewal(before, YEAR)
    assert after == replace(before, coming=(YEAR,), version=before.version + 1)
    assert after.contents_on(day("2021-06-01")).sku == "PRO-M"
    assert after.next_contents.sku == "PRO-Y"


def test_rule_9_a_later_change_of_the_same_item_replaces_a_pending_one() -> None:
    before = subscription(coming=(BIZ, seats(2), TWO))
    assert changes.at_renewal(before, YEAR).coming == (seats(2), TWO, YEAR)
    assert changes.at_renewal(before, seats(5)).coming == (BIZ, TWO, seats(5))


def test_rule_9_a_change_at_renewal_leaves_one_that_is_paid_for() -> None:
    """BIZ is paid for from 12-16 on. PRO comes with the cycle that is paid next."""
    before = subscription(coming=(paid(BIZ),))
    after = changes.at_renewal(before, PRO)
    assert after.coming == (paid(BIZ), PRO)
    assert after.contents_on(day("12-16")).sku == "BIZ-M"
    assert after.next_contents.sku == "PRO-M"


def test_rule_9_a_change_back_to_what_comes_anyway_only_withdraws() -> None:
    assert changes.at_renewal(subscription(coming=(YEAR, TWO)), PRO).coming == (TWO,)
    before = subscription(coming=(paid(BIZ), YEAR))
    assert changes.at_renewal(before, BIZ).coming == (paid(BIZ),)


@pytest.mark.parametrize(
    ("coming", "change"),
    [
        ((), PRO),
        ((), seats(0)),
        ((), Coming(item=Item.CYCLE, amount=1)),
        ((YEAR, TWO), YEAR),
        ((paid(BIZ),), BIZ),
    ],
)
def test_rule_9_a_change_at_renewal_that_changes_nothing_is_refused(
    coming: tuple[Coming, ...], change: Coming
) -> None:
    words = refused(lambda: changes.at_renewal(subscription(coming=coming), change))
    assert words == "it is so already; nothing would change"


def test_rule_9_what_is_pending_can_be_withdrawn_and_what_is_paid_for_stays() -> None:
    before = subscription(coming=(paid(BIZ), seats(2), TWO))
    after = changes.withdraw(before)
    assert (after.coming, after.version) == ((paid(BIZ),), before.version + 1)
    assert refused(lambda: changes.withdraw(after)) == "no change is pending"
    assert refused(lambda: changes.withdraw(subscription())) == "no change is pending"


# --- the next paid cycle, however it is paid ------------------------------------------------------


def test_rule_1_3_monthly_to_yearly_from_a_31st_counts_from_the_anchor() -> None:
    """Rule 1.3: 2023-01-31..02-27, then one year: 2023-02-28..2024-02-28 (13 months − 1 day)."""
    bought = subscription(anchor=day("2023-01-31"), coming=(YEAR,))
    after, period = lifecycle.renew(bought, NOW, 1)
    assert (str(period.start), str(period.expiry), period.months) == (
        "2023-02-28",
        "2024-02-28",
        12,
    )
    assert after.settled(day("2023-02-28")).cycle_months == 12
    again, _ = lifecycle.renew(after.settled(day("2023-02-28")), NOW, 1)
    assert str(again.expiry) == "2025-02-27"


def test_rule_7_a_reactivated_cycle_takes_pending_changes_along() -> None:
    """Expired after 12-15, back on 12-20 as a yearly one: the period is 12-20..2021-12-15."""
    gone = expired(day("12-16"), coming=(YEAR, seats(2)))
    back, period = reactivate(gone, day("12-20"), NOW, 1)
    assert (str(period.start), str(period.expiry), str(period.scheduled_start)) == (
        "2020-12-20",
        "2021-12-15",
        "2020-12-16",
    )
    assert [str(it.since) for it in back.coming] == ["2020-12-20", "2020-12-20"]
    assert back.settled(day("12-20")).addons == {"SEAT": 2}


def test_rule_2_what_has_ended_has_no_change_to_come() -> None:
    ended = lifecycle.terminate(subscription(coming=(paid(BIZ), TWO)), TODAY)
    assert (ended.sku, ended.coming) == ("PRO-M", ())


# --- arguments ------------------------------------------------------------------------------------


def check_plan(of: Subscription, sku: str) -> None:
    changes.check_plan_from_today(of, sku, CATALOG)


def test_rule_9_a_plan_changes_from_today_on_with_the_same_base_months_and_kind() -> None:
    check_plan(subscription(), "BIZ-M")
    check_plan(subscription(coming=(YEAR, paid(BIZ), paid(seats(2)))), "BIZ-M")
    words = refused(lambda: check_plan(subscription(), "PRO-Y"))
    assert words == (
        "PRO-M has a base cycle of 1 month and PRO-Y one of 12 months; such a change is possible "
        "at renewal"
    )
    for of, sku in ((subscription(), "CARE"), (subscription(sku="CARE"), "PRO-M")):
        words = refused(lambda of=of, sku=sku: check_plan(of, sku))  # type: ignore[misc]
        assert words.startswith("CARE is of kind service; only an application")


def test_rule_9_a_later_period_with_another_base_cycle_forbids_a_change_from_today_on() -> None:
    yearly_next = subscription(coming=(paid(YEAR),))
    words = refused(lambda: check_plan(yearly_next, "BIZ-M"))
    assert words.startswith("PRO-Y has a base cycle of 12 months and BIZ-M one of 1 month;")


@pytest.mark.parametrize(
    ("coming", "given", "multiplier"),
    [
        ((), {"multiplier": 1}, 1),
        ((), {"multiplier": 3}, 3),
        ((), {"months": 24}, 24),
        ((YEAR,), {"months": 24}, 2),
        ((YEAR,), {"multiplier": 24}, 24),
    ],
)
def test_rule_9_a_cycle_is_so_many_base_cycles_of_the_next_plan(
    coming: tuple[Coming, ...], given: dict[str, int], multiplier: int
) -> None:
    values = {"multiplier": None, "months": None, **given}
    change = changes.cycle_change(subscription(coming=coming), **values)
    assert change == Coming(item=Item.CYCLE, amount=multiplier)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "either a multiplier or a number of months, not both"),
        ({"multiplier": 1, "months": 1}, "either a multiplier or a number of months, not both"),
        ({"multiplier": 0}, "a cycle of 0 base cycles: at least 1"),
        ({"months": 0}, "a cycle of 0 base cycles: at least 1"),
        ({"months": -12}, "a cycle of -1 base cycles: at least 1"),
        ({"months": 5}, "a cycle of 5 months is not a multiple of the 12 months of PRO-Y"),
    ],
)
def test_rule_9_a_cycle_that_cannot_be_is_refused(given: dict[str, int], words: str) -> None:
    values = {"multiplier": None, "months": None, **given}
    of = subscription(coming=(YEAR,))
    assert refused(lambda: changes.cycle_change(of, **values)) == words


def test_rule_9_a_cycle_is_not_shorter_than_the_policy_says_and_ends_within_the_calendar() -> None:
    least = replace(DEFAULT, min_cycle_months=3)
    changes.check_cycle(subscription(cycle=3, multiplier=3), least)
    words = refused(lambda: changes.check_cycle(subscription(cycle=2, multiplier=2), least))
    assert words == "a cycle of 2 months: at least 3"
    huge = Coming(item=Item.CYCLE, amount=10**9)
    words = refused(lambda: changes.check_cycle(subscription(coming=(huge,)), DEFAULT))
    assert words == "a cycle of 1000000000 months ends after the year 9000"
    changes.check_cycle(subscription(coming=(TWO,)), DEFAULT)
    # It is paid up to 2020-12-15, and 9000 is the last year: 6980 × 12 months more.
    for months, fits in ((83_771, True), (83_772, False)):
        longest = subscription(coming=(Coming(item=Item.CYCLE, amount=months),))
        if fits:
            changes.check_cycle(longest, DEFAULT)
        else:
            refused(lambda of=longest: changes.check_cycle(of, DEFAULT))  # type: ignore[misc]


# --- what a person reads --------------------------------------------------------------------------


def test_a_change_says_what_it_is_from_when_it_holds_and_who_pays() -> None:
    of = {"subscription": "s1", "currency": "USD"}
    plan = {**of, "sku": "BIZ-M"}
    paid_now = ChangePlanResult(**plan, amount=Decimal("28.00"), at_renewal=False)
    assert paid_now.sentence() == "s1 changes to BIZ-M from today on: $28.00 paid."
    external = replace(paid_now, external_invoice="X-1")
    assert external.sentence().endswith("from today on: $28.00 on external invoice X-1.")
    free = replace(paid_now, amount=Decimal("0.00"))
    assert free.sentence() == "s1 changes to BIZ-M from today on."
    later = replace(free, at_renewal=True)
    assert later.sentence() == "s1 changes to BIZ-M with the next paid cycle."
    few = SetAddonResult(**of, sku="SEAT", quantity=3, amount=Decimal(0), at_renewal=True)
    assert few.sentence() == "s1 has 3 × SEAT with the next paid cycle."
    for months, unit in ((1, "1 month"), (24, "24 months")):
        cycle = ChangeCycleResult(subscription="s1", months=months)
        assert cycle.sentence() == f"s1 has cycles of {unit} from the next paid cycle on."
    for withdrawn, words in (
        (1, "1 pending change of s1 is withdrawn."),
        (2, "2 pending changes of s1 are withdrawn."),
    ):
        assert WithdrawChangesResult(subscription="s1", withdrawn=withdrawn).sentence() == words


def test_a_change_that_has_begun_and_one_that_has_not() -> None:
    of = subscription(coming=(paid(BIZ),))
    assert of.settled(day("12-16") - timedelta(days=1)).sku == "PRO-M"
    assert of.settled(day("12-16")).sku == "BIZ-M"
