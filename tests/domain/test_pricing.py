"""Rules 3.1, 3.2, 3.5, 6.2: what a cycle and an extension cost."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.calendar import last_paid_day
from core.domain.extension import anchored_months, extend_to
from core.domain.fees import Line, next_cycle_lines, period_lines, total
from core.domain.money import round_half_up
from core.domain.refusal import Refused
from core.domain.subscription import Subscription
from tests.domain.made import CATALOG, START, day, subscription

ON = day("11-16")


def extension_lines(extended: Subscription, currency: str, on: date, to: date) -> list[Line]:
    """What extending to a day costs at the prices of the day `on`."""
    after, period = extend_to(extended, to, extended.planned_at, 1)
    return period_lines(after, period, CATALOG, currency, on)


@pytest.mark.parametrize(
    ("bought", "currency", "amounts"),
    [
        ({"months": 1}, "USD", ["50.00"]),
        ({"months": 2, "quantity": 3}, "JPY", ["7200"]),  # 3 × 1200 × 2 ÷ 1
        ({"months": 1, "quantity": 7}, "KWD", ["21.875"]),  # 7 × 3.125
        ({"months": 48, "sku": "PRO-Y", "multiplier": 4}, "USD", ["1480.00"]),  # 370 × 48 ÷ 12
        (
            {"months": 1, "addons": {"VAULT": 1, "SEAT": 3}},
            "USD",
            ["50.00", "30.00", "8.33"],
        ),  # 100 × 1 ÷ 12 = 8.333…
        ({"months": 1, "addons": {"VAULT": 2}}, "USD", ["50.00", "16.67"]),  # 200 ÷ 12 = 16.666…
        ({"months": 6, "addons": {"VAULT": 2}}, "USD", ["300.00", "100.00"]),
    ],
)
def test_rule_3_1_each_line_costs_unit_price_times_quantity_times_cycle_months_over_base_months(
    bought: dict[str, object], currency: str, amounts: list[str]
) -> None:
    holder = subscription(**bought)  # type: ignore[arg-type]
    lines = next_cycle_lines(holder, CATALOG, currency, ON)
    assert [str(line.amount) for line in lines] == amounts
    assert total(lines) == sum(map(Decimal, amounts))


def test_rule_3_2_a_total_is_the_sum_of_rounded_lines() -> None:
    assert total([Line("a", Decimal("0.01")), Line("b", Decimal("0.01"))]) == Decimal("0.02")
    assert total([]) == 0


def test_rule_3_1_a_line_says_what_it_is_for() -> None:
    assert [
        line.text for line in next_cycle_lines(subscription(addons={"SEAT": 3}), CATALOG, "USD", ON)
    ] == [
        "s1 primary PRO-M",
        "s1 add-on 3 × SEAT",
    ]


@pytest.mark.parametrize(("on", "fee"), [("2021-02-28", "50.00"), ("2021-03-01", "60.00")])
def test_rule_3_5_a_version_counts_from_its_day_on(on: str, fee: str) -> None:
    assert total(next_cycle_lines(subscription(), CATALOG, "USD", day(on))) == Decimal(fee)


def test_rule_3_5_a_version_replaces_only_the_currencies_that_it_names() -> None:
    assert total(next_cycle_lines(subscription(), CATALOG, "JPY", day("2021-03-01"))) == 1200


@pytest.mark.parametrize(
    ("addons", "currency", "on"),
    [({}, "EUR", "12-01"), ({"SEAT": 1}, "JPY", "12-01"), ({"LATER": 1}, "USD", "2020-12-31")],
)
def test_rule_4_1_a_missing_price_of_any_line_refuses(
    addons: dict[str, int], currency: str, on: str
) -> None:
    with pytest.raises(Refused) as refused:
        next_cycle_lines(subscription(addons=addons), CATALOG, currency, day(on))
    assert refused.value.refusal.rule == "4.1"
    with pytest.raises(Refused):
        extension_lines(subscription(addons=addons), currency, day(on), day("2021-01-31"))


# E 2020-12-15 unless another anchor is named; monthly 50.00, the year 370.00
@pytest.mark.parametrize(
    ("bought", "to", "amounts"),
    [
        ({}, "2021-01-31", ["75.81"]),  # 50 + 50 × 16/31 = 75.806…
        ({}, "2021-01-15", ["50.00"]),  # one whole month, nothing left over
        ({}, "2021-01-16", ["51.61"]),  # 50 + 50 × 1/31 (01-16..02-15)
        ({}, "2021-02-20", ["108.93"]),  # 2 × 50 + 50 × 5/28 (02-16..03-15)
        ({"sku": "PRO-Y"}, "2021-01-31", ["46.75"]),  # 370/12 × (1 + 16/31) = 46.747…
        ({"addons": {"SEAT": 2}}, "2021-01-31", ["75.81", "30.32"]),  # 20 + 20 × 16/31 = 30.322…
        (
            {"anchor": date(2023, 1, 31)},
            "2023-03-31",
            ["51.67"],
        ),  # 02-28..03-30 whole, then 1 of 30 days (03-31..04-29): 50 + 1.666…
    ],
)
def test_rule_6_2_an_extension_costs_whole_anchored_months_and_the_left_over_days(
    bought: dict[str, object], to: str, amounts: list[str]
) -> None:
    extended = subscription(**bought)  # type: ignore[arg-type]
    lines = extension_lines(extended, "USD", ON, day(to))
    assert [str(line.amount) for line in lines] == amounts


anchors = st.dates(date(1999, 1, 1), date(2030, 12, 31))


@given(anchors, st.integers(1, 24), st.integers(0, 500))
def test_rule_6_2_anchored_months_agree_with_a_walk_day_by_day(
    anchor: date, months: int, further: int
) -> None:
    bought = subscription(anchor=anchor, months=months)
    to = bought.expiry + timedelta(days=further)
    ends = {last_paid_day(anchor, n) for n in range(months, months + 24)}
    whole, left_over, walked = 0, 0, bought.expiry
    while walked < to:
        walked += timedelta(days=1)
        left_over += 1
        if walked in ends:
            whole, left_over = whole + 1, 0
    of_month = left_over
    while walked not in ends or of_month == 0:
        walked += timedelta(days=1)
        of_month += 1
    assert anchored_months(bought, to) == (whole, left_over, of_month)


@given(anchors, st.integers(1, 12), st.integers(1, 12))
def test_rule_6_2_an_extension_by_whole_months_costs_as_many_cycles(
    anchor: date, months: int, more: int
) -> None:
    bought = subscription(anchor=anchor, months=months)
    to = last_paid_day(anchor, months + more)
    assert total(extension_lines(bought, "USD", START, to)) == 50 * more


@given(st.integers(1, 500), st.integers(1, 120), st.sampled_from(["SEAT", "VAULT"]))
def test_rule_3_2_a_line_is_the_exact_quotient_rounded_once(
    quantity: int, months: int, addon: str
) -> None:
    line = next_cycle_lines(
        subscription(months=months, addons={addon: quantity}), CATALOG, "USD", ON
    )[1]
    price = CATALOG.price(addon, "USD", ON)
    assert price is not None
    assert line.amount == round_half_up(
        Fraction(price) * quantity * months / CATALOG.months(addon), "USD"
    )
