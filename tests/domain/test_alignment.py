"""Rule 5.5: alignment with the end of a month."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from core.domain import alignment
from core.domain.contents import Coming, Item
from core.domain.price_in_force import next_fee_lines, renewal_lines
from core.domain.subscription import Period, Status
from tests.domain.made import CATALOG, at, day, subscription, terms

NOW = at("2020-12-08T00:00")


# anchor, months, sku, the new E, the days that are left over, and what it costs
@pytest.mark.parametrize(
    ("anchor", "cycle", "sku", "expiry", "left_over", "cost"),
    [
        (date(2020, 11, 16), 1, "PRO-M", "2021-01-31", (16, 31), "75.81"),  # 50 × 16/31 + 50
        (date(2019, 12, 16), 12, "PRO-Y", "2021-12-31", (16, 31), "385.91"),  # 370 × (16/31/12 + 1)
        (date(2020, 11, 16), 2, "PRO-M", "2021-03-31", (16, 31), "125.81"),  # 50 × 16/31 + 100
        (date(2023, 1, 31), 1, "PRO-M", "2023-03-31", (1, 28), "62.14"),  # E 02-27: 60 × 1/28 + 60
    ],
)
def test_rule_5_5_e_moves_to_the_end_of_the_month_a_cycle_after_its_own(
    anchor: date, cycle: int, sku: str, expiry: str, left_over: tuple[int, int], cost: str
) -> None:
    before = subscription(anchor=anchor, months=cycle, sku=sku, align=True)
    assert alignment.aligns(before, before.expiry)
    after, period = alignment.renew(before, before.expiry, NOW, 2)
    assert str(after.expiry) == expiry
    assert (after.anchor - after.expiry).days == 1
    assert (after.months_paid, after.cycles_paid, after.policy_version) == (0, 2, 2)
    begin = before.expiry + timedelta(days=1)
    days, of = left_over
    assert period == Period(
        start=begin,
        expiry=after.expiry,
        months=cycle + 1,
        scheduled_start=begin,
        left_over=days,
        left_over_of=of,
    )
    lines = renewal_lines(before, terms(), "USD", aligned=True)
    assert [str(line.amount) for line in lines] == [cost]


def test_rule_5_5_an_aligned_cycle_has_its_discount_and_the_changes_that_were_pending() -> None:
    seats = Coming(item=Item.ADDON, name="SEAT", amount=2)
    before = subscription(align=True, discount=Decimal(50), discount_cycles=2, coming=(seats,))
    after, period = alignment.renew(before, day("12-08"), NOW, 1)
    assert period.discount == 50
    assert [str(change.since) for change in after.coming] == ["2020-12-16"]


def test_rule_5_5_at_a_month_end_nothing_is_extra_and_the_anchor_stays() -> None:
    before = subscription(anchor=date(2020, 12, 1), align=True)
    assert not alignment.aligns(before, day("12-24"))
    after, period = alignment.renew(before, day("12-24"), NOW, 1)
    assert (str(after.expiry), after.anchor, after.months_paid) == (
        "2021-01-31",
        before.anchor,
        2,
    )
    assert period.left_over == 0


@pytest.mark.parametrize(
    ("align", "today", "aligned"),
    [(True, "12-15", True), (True, "12-16", False), (False, "12-08", False)],
)
def test_rule_5_5_a_late_renewal_does_not_align(align: bool, today: str, aligned: bool) -> None:
    assert alignment.aligns(subscription(align=align), day(today)) == aligned


def test_rule_5_5_recovering_does_not_align() -> None:
    lines = renewal_lines(subscription(align=True), terms(), "USD")
    assert [str(line.amount) for line in lines] == ["50.00"]


# An ACTIVE one shows its next automatic renewal, an EXPIRED one its reactivation.
@pytest.mark.parametrize(
    ("more", "fee"),
    [
        ({"align": True}, "75.81"),
        ({"align": True, "auto_renew": False}, "75.81"),
        ({"align": True, "status": Status.EXPIRED}, "50.00"),
        ({"align": True, "trial": True}, "50.00"),
        ({"align": True, "discount": Decimal(50), "discount_cycles": 2}, "37.90"),  # 75.806 / 2
        ({}, "50.00"),
    ],
)
def test_rule_5_5_the_fee_shows_the_next_paid_cycle(more: dict[str, object], fee: str) -> None:
    shown = subscription(**more)  # type: ignore[arg-type]
    assert [str(it.amount) for it in next_fee_lines(shown, CATALOG, "USD", day("11-20"))] == [fee]
