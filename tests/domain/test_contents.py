"""Rules 3.1, 3.6, 9: what cycles hold, the changes that come, and discounts."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain import lifecycle
from core.domain.contents import Coming, Contents, Item
from core.domain.fees import Part, next_cycle_lines, parts_of, period_lines, price_of
from core.domain.refusal import Refused
from tests.domain.made import CATALOG, at, day, subscription

NOW = at("2020-12-08T00:00")
PLAN = Coming(item=Item.PLAN, sku="PRO-Y", amount=12)
SEATS = Coming(item=Item.ADDON, name="SEAT", amount=4)


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (PLAN, {"sku": "PRO-Y", "base_months": 12}),
        (Coming(item=Item.CYCLE, amount=4), {"multiplier": 4}),
        (SEATS, {"addons": {"SEAT": 4}}),
        (Coming(item=Item.ADDON, name="SEAT"), {"addons": {}}),
        (Coming(item=Item.ADDON, name="VAULT", amount=1), {"addons": {"SEAT": 1, "VAULT": 1}}),
        (Coming(item=Item.NUMBER, name="+2", sku="DID"), {"numbers": {"+1": "DID", "+2": "DID"}}),
        (Coming(item=Item.NUMBER, name="+1"), {"numbers": {}}),
    ],
)
def test_rule_9_a_change_changes_its_item(change: Coming, after: dict[str, object]) -> None:
    before = Contents(
        sku="PRO-M",
        base_months=2,
        quantity=1,
        multiplier=3,
        addons={"SEAT": 1},
        numbers={"+1": "DID"},
    )
    assert before.cycle_months == 6
    assert before.with_change(change) == replace(before, **after)  # type: ignore[arg-type]
    assert change.changes == (change.item, change.name)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (PLAN, "the plan PRO-Y"),
        (Coming(item=Item.CYCLE, amount=3), "cycles of 3 base cycles"),
        (SEATS, "4 × SEAT"),
        (Coming(item=Item.ADDON, name="SEAT"), "no SEAT"),
        (Coming(item=Item.NUMBER, name="+2", sku="DID"), "the number +2"),
        (Coming(item=Item.NUMBER, name="+1"), "no +1"),
    ],
)
def test_rule_9_a_change_says_what_it_brings(change: Coming, words: str) -> None:
    assert change.words == words


def test_rule_9_a_change_holds_since_the_first_day_of_the_cycle_that_is_paid_with_it() -> None:
    before = subscription(coming=(PLAN, SEATS))
    assert before.next_contents.cycle_months == 12
    after, period = lifecycle.renew(before, NOW, 1)
    assert (period.months, str(period.start), str(period.expiry)) == (
        12,
        "2020-12-16",
        "2021-12-15",
    )
    assert [it.since for it in after.coming] == [day("12-16")] * 2
    assert after.contents_on(day("12-15")).sku == "PRO-M"
    assert after.contents_on(day("12-16")) == before.next_contents
    assert after.settled(day("12-15")) is after
    settled = after.settled(day("12-16"))
    assert (settled.sku, settled.cycle_months, settled.addons, settled.coming) == (
        "PRO-Y",
        12,
        {"SEAT": 4},
        (),
    )
    assert settled.version == after.version


def test_rule_9_a_change_that_was_paid_for_keeps_its_day_and_a_pending_one_gets_its_own() -> None:
    before = subscription(coming=(SEATS,))
    once, _ = lifecycle.renew(before, NOW, 1)
    twice, _ = lifecycle.renew(replace(once, coming=(*once.coming, PLAN)), NOW, 1)
    assert [str(it.since) for it in twice.coming] == ["2020-12-16", "2021-01-16"]
    assert twice.contents_on(day("2021-01-15")).sku == "PRO-M"
    assert twice.settled(day("12-20")).coming == twice.coming[1:]


def test_rule_9_a_longer_cycle_that_has_begun_leaves_the_base_cycle_as_it_is() -> None:
    """Two base cycles of one month each since 12-16: 12-16..02-15."""
    two = Coming(item=Item.CYCLE, amount=2)
    after, period = lifecycle.renew(subscription(coming=(two,)), NOW, 1)
    assert str(period.expiry) == "2021-02-15"
    settled = after.settled(day("12-16"))
    assert (settled.multiplier, settled.cycle_months) == (2, 2)
    assert settled.next_contents.base_months == 1


def test_rule_3_1_the_primary_sku_each_addon_and_each_number_are_a_line_each() -> None:
    contents = Contents(
        sku="PRO-M",
        base_months=1,
        quantity=2,
        multiplier=1,
        addons={"VAULT": 1, "SEAT": 3},
        numbers={"+1": "DID"},
    )
    assert list(parts_of(contents)) == [
        Part("primary PRO-M", "PRO-M", 2),
        Part("add-on SEAT", "SEAT", 3),
        Part("add-on VAULT", "VAULT", 1),
        Part("number +1 DID", "DID"),
    ]


# A line of 3 seats for one cycle, 12.5 percent off: 30 × 0.875 = 26.25; 50 × 0.875 = 43.75.
@pytest.mark.parametrize(
    ("paid", "cycles", "amounts"),
    [
        (0, 1, ["43.75", "26.25"]),
        (1, 1, ["50.00", "30.00"]),
        (1, 2, ["43.75", "26.25"]),
        (2, 2, ["50.00", "30.00"]),
    ],
)
def test_rule_3_6_the_first_cycles_are_discounted_before_lines_are_rounded(
    paid: int, cycles: int, amounts: list[str]
) -> None:
    bought = subscription(
        addons={"SEAT": 3},
        discount=Decimal("12.5"),
        discount_cycles=cycles,
        cycles_paid=paid,
    )
    lines = next_cycle_lines(bought, CATALOG, "USD", day("11-16"))
    assert [str(line.amount) for line in lines] == amounts
    after, period = lifecycle.renew(bought, NOW, 1)
    assert period_lines(after, period, CATALOG, "USD", day("11-16")) == lines


def test_rule_3_4_a_price_that_is_prorated_is_exact() -> None:
    part, on = Part("add-on VAULT", "VAULT", 2), day("11-16")
    assert price_of(part, (47, 31), Decimal(0), CATALOG, "USD", on) * 12 * 31 == 200 * 47
    assert price_of(part, (1, 1), Decimal(25), CATALOG, "USD", on) * 12 == 150
    with pytest.raises(Refused):
        price_of(part, (1, 1), Decimal(0), CATALOG, "EUR", on)


def test_rule_3_4_a_period_has_the_days_of_its_scheduled_cycle() -> None:
    _, period = lifecycle.renew(subscription(), NOW, 1)
    assert period.days == 31
    assert replace(period, start=day("12-20")).days == 31
