"""Rule 3.4: what a change that holds from today on costs, every line of the rule's table."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import catalog as catalogs
from core.domain.contents import Coming, Item
from core.domain.proration import prorate
from core.domain.refusal import Refused
from core.domain.subscription import Period, Subscription
from tests.domain.made import day, seats, subscription

CATALOG = catalogs.load(
    [
        {"sku": "PRO", "kind": "application", "months": 1, "prices": {"USD": "50.00"}},
        {"sku": "BIZ", "kind": "application", "months": 1, "prices": {"USD": "90.00"}},
        {"sku": "MID", "kind": "application", "months": 1, "prices": {"USD": "60.00"}},
        {"sku": "YEAR", "kind": "application", "months": 12, "prices": {"USD": "370.00"}},
        {"sku": "YEAR+", "kind": "application", "months": 12, "prices": {"USD": "740.00"}},
        {"sku": "SEAT", "kind": "addon", "months": 1, "prices": {"USD": "0.10"}},
        {"sku": "VAULT", "kind": "addon", "months": 12, "prices": {"USD": "100.00"}},
        {"sku": "DID", "kind": "number", "months": 1, "prices": {"USD": "10.00"}},
        {"sku": "EURO", "kind": "addon", "months": 1, "prices": {"EUR": "1.00"}},
    ]
)
NUMBER = Coming(item=Item.NUMBER, name="+1", sku="DID")
BIZ = Coming(item=Item.PLAN, sku="BIZ", amount=1)
BIZ3 = Coming(item=Item.PLAN, sku="BIZ", amount=3)


def period(start: str, expiry: str, months: int = 1, **more: Any) -> Period:
    values = {"scheduled_start": day(start), **more}
    return Period(start=day(start), expiry=day(expiry), months=months, **values)


NOVEMBER = period("2020-11-16", "2020-12-15")
DECEMBER = period("2020-12-16", "2021-01-15")
TWO_MONTHS = period("2020-11-16", "2021-01-15", 2)
YEAR = period("2020-11-16", "2021-11-15", 12)
MONTHLY = subscription(sku="PRO")


def charges(of: Subscription, change: Coming, today: str, *periods: Period) -> list[str]:
    """What each period is charged, in the order of the periods. Zero is left out."""
    by_id = dict(enumerate(periods))
    found = prorate(of, change, by_id, CATALOG, "USD", day(today))
    assert found.amount == sum(found.charges.values(), Decimal(0)) == found.line.amount
    assert bool(found.text) == bool(found.charges)
    return [str(found.charges[id_]) for id_ in by_id if id_ in found.charges]


@pytest.mark.parametrize(
    ("of", "change", "today", "periods", "charged"),
    [
        # 30 days, 21 left: 10/30 × 21
        (MONTHLY, NUMBER, "2020-11-25", [NOVEMBER], ["7.00"]),
        # 40/30 × 21
        (MONTHLY, BIZ, "2020-11-25", [NOVEMBER], ["28.00"]),
        # 26 left: 10/30 × 26 = 8.666…; 40/30 × 26 = 34.666…
        (MONTHLY, NUMBER, "2020-11-20", [NOVEMBER], ["8.67"]),
        (MONTHLY, BIZ, "2020-11-20", [NOVEMBER], ["34.67"]),
        # 28.00 + 40.00 = 68.00
        (MONTHLY, BIZ, "2020-11-25", [NOVEMBER, DECEMBER], ["28.00", "40.00"]),
        # 61 days, 52 left: 20/61 × 52 = 17.049…
        (MONTHLY, NUMBER, "2020-11-25", [TWO_MONTHS], ["17.05"]),
        # 365 days, 153 left: 370/365 × 153 = 155.095…
        (
            subscription(sku="YEAR", months=12),
            Coming(item=Item.PLAN, sku="YEAR+", amount=12),
            "2021-06-16",
            [YEAR],
            ["155.10"],
        ),
    ],
)
def test_rule_3_4_each_line_of_the_table(
    of: Subscription, change: Coming, today: str, periods: list[Period], charged: list[str]
) -> None:
    assert charges(of, change, today, *periods) == charged


@pytest.mark.parametrize(
    ("today", "charged"),
    [
        ("2020-11-16", ["40.00"]),  # the first day: everything
        ("2020-12-15", ["1.33"]),  # the last day counts: 40/30
        ("2020-12-16", []),  # over
    ],
)
def test_rule_3_4_today_counts(today: str, charged: list[str]) -> None:
    assert charges(MONTHLY, BIZ, today, NOVEMBER) == charged


def test_rule_3_4_a_period_that_is_over_and_one_that_has_not_begun() -> None:
    october = period("2020-10-16", "2020-11-15")
    assert charges(MONTHLY, BIZ, "2020-11-25", october, NOVEMBER) == ["28.00"]
    assert charges(MONTHLY, BIZ, "2020-11-15", NOVEMBER) == ["40.00"]


def test_rule_3_4_a_line_is_rounded_once_over_all_its_periods() -> None:
    """100/12 × 21/30 = 5.8333… and 100/12 = 8.3333…, together 14.1666…, which is 14.17."""
    vault = Coming(item=Item.ADDON, name="VAULT", amount=1)
    assert charges(MONTHLY, vault, "2020-11-25", NOVEMBER, DECEMBER) == ["5.83", "8.34"]


def test_rule_3_4_a_period_whose_part_rounds_to_nothing_is_left_out() -> None:
    """One seat for the last day of 30: 0.10/30 = 0.0033…. The next period has 0.10."""
    assert charges(MONTHLY, seats(1), "2020-12-15", NOVEMBER) == []
    found = prorate(MONTHLY, seats(1), {1: NOVEMBER, 2: DECEMBER}, CATALOG, "USD", day("12-15"))
    assert found.charges == {2: Decimal("0.10")}
    assert found.text == "s1 add-on SEAT from 2020-12-16 to 2021-01-15"


def test_rule_9_a_cheaper_plan_and_fewer_of_something_cost_nothing() -> None:
    """Nothing is given back, and an unknown price of what is removed does not matter."""
    holding = subscription(sku="BIZ", addons={"SEAT": 3, "EURO": 1}, numbers={"+1": "DID"})
    for change in (
        Coming(item=Item.PLAN, sku="PRO", amount=1),
        seats(2),
        seats(0),
        Coming(item=Item.ADDON, name="EURO"),
        Coming(item=Item.NUMBER, name="+1"),
        Coming(item=Item.CYCLE, amount=2),
    ):
        assert charges(holding, change, "2020-11-25", NOVEMBER, DECEMBER) == []


def test_rule_3_1_the_quantity_of_the_plan_counts_and_add_ons_by_their_difference() -> None:
    """3 × 40/30 × 21 = 84.00. 30 more seats: 30 × 0.10/30 × 21 = 2.10."""
    of = subscription(sku="PRO", quantity=3, addons={"SEAT": 5})
    assert charges(of, BIZ, "2020-11-25", NOVEMBER) == ["84.00"]
    assert charges(of, seats(35), "2020-11-25", NOVEMBER) == ["2.10"]


def test_rule_3_6_what_is_prorated_in_a_discounted_period_is_discounted() -> None:
    """25 % off: 28.00 × 75 % = 21.00. The next period has no discount: 40.00."""
    discounted = replace(NOVEMBER, discount=Decimal(25))
    assert charges(MONTHLY, BIZ, "2020-11-25", discounted, DECEMBER) == ["21.00", "40.00"]


def test_rule_5_5_a_period_with_left_over_days_has_its_own_price() -> None:
    """2020-12-16..2021-01-31 has 47 days and costs 47/31 months: 40 × 47/31 × 27/47 = 34.838…."""
    aligned = period("2020-12-16", "2021-01-31", 2, left_over=16, left_over_of=31)
    assert charges(MONTHLY, BIZ, "2021-01-05", aligned) == ["34.84"]


def test_rule_7_a_reactivated_period_is_divided_by_the_days_of_its_scheduled_cycle() -> None:
    """02-07..03-06 has 28 days. Reactivated on 02-23, the same day 12 are left: 40/28 × 12."""
    back = period("2021-02-23", "2021-03-06", scheduled_start=day("2021-02-07"))
    assert charges(MONTHLY, BIZ, "2021-02-23", back) == ["17.14"]


def test_rule_9_each_period_is_charged_its_own_difference_and_never_below_zero() -> None:
    """From 12-16 on it is BIZ, which is paid for. MID now costs 10/30 × 21 = 7.00, then nothing."""
    paid = subscription(sku="PRO", coming=(replace(BIZ, since=day("12-16")),))
    mid = Coming(item=Item.PLAN, sku="MID", amount=1)
    assert charges(paid, mid, "2020-11-25", NOVEMBER, DECEMBER) == ["7.00"]
    # And the other way round: BIZ now, MID from 12-16 on. BIZ for good costs 30.00 of the next.
    down = subscription(sku="BIZ", coming=(replace(mid, since=day("12-16")),))
    assert charges(down, BIZ, "2020-11-25", NOVEMBER, DECEMBER) == ["30.00"]


def test_rule_9_what_is_pending_and_not_paid_is_in_no_period() -> None:
    pending = subscription(sku="PRO", coming=(BIZ,))
    assert charges(pending, BIZ, "2020-11-25", NOVEMBER) == ["28.00"]


def test_rule_4_1_a_price_that_is_missing_is_refused() -> None:
    with pytest.raises(Refused, match="EURO has no price in USD"):
        charges(MONTHLY, Coming(item=Item.ADDON, name="EURO", amount=1), "2020-11-25", NOVEMBER)


def test_rule_11_4_the_line_says_what_it_is_for_and_for_which_days() -> None:
    found = prorate(MONTHLY, BIZ, {1: NOVEMBER, 2: DECEMBER}, CATALOG, "USD", day("11-25"))
    assert found.line.text == "s1 primary BIZ from 2020-11-25 to 2021-01-15"
    assert str(found.line.amount) == "68.00"


@pytest.mark.parametrize(
    ("of", "change", "said"),
    [
        (MONTHLY, seats(3), "add-on 3 × SEAT"),
        # two of the three are charged for
        (subscription(sku="PRO", addons={"SEAT": 1}), seats(3), "add-on SEAT"),
        (subscription(sku="PRO", quantity=3), BIZ3, "primary 3 × BIZ"),
    ],
)
def test_rule_11_4_the_line_says_how_many_when_all_of_them_are_charged_for(
    of: Subscription, change: Coming, said: str
) -> None:
    found = prorate(of, change, {1: NOVEMBER}, CATALOG, "USD", day("11-25"))
    assert found.line.text == f"s1 {said} from 2020-11-25 to 2020-12-15"


@given(
    prices=st.lists(st.integers(0, 10**6), min_size=2, max_size=2),
    quantity=st.integers(1, 500),
    discounts=st.lists(st.sampled_from(["0", "12.5", "33.33333", "100"]), min_size=1, max_size=6),
    days=st.integers(0, 29),
)
def test_rule_3_4_the_charges_sum_to_the_line_rounded_once(
    prices: list[int], quantity: int, discounts: list[str], days: int
) -> None:
    sold = catalogs.load(
        [
            {
                "sku": sku,
                "kind": "application",
                "months": 3,
                "prices": {"USD": f"{price}.00001"},
            }
            for sku, price in zip("AB", prices, strict=True)
        ]
    )
    of = subscription(sku="A", quantity=quantity, cycle=3)
    periods = {
        n: Period(
            start=day(f"2021-0{n + 1}-01"),
            expiry=day(f"2021-0{n + 1}-28"),
            months=1,
            scheduled_start=day(f"2021-0{n + 1}-01"),
            discount=Decimal(discount),
        )
        for n, discount in enumerate(discounts)
    }
    today = day(f"2021-01-{min(days, 27) + 1:02}")
    found = prorate(of, Coming(item=Item.PLAN, sku="B", amount=3), periods, sold, "USD", today)
    difference = Fraction(max(0, prices[1] - prices[0]) * quantity, 3)
    left = 28 - min(days, 27)
    exact = sum(
        (
            difference * Fraction(100 - Decimal(d)) / 100 * (Fraction(left, 28) if n == 0 else 1)
            for n, d in enumerate(discounts)
        ),
        Fraction(0),
    )
    assert found.amount == Decimal(int(exact * 100 + Fraction(1, 2))) / 100
    assert all(amount > 0 for amount in found.charges.values())
