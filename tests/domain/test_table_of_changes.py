"""Rule 9: every cell of the table of changes, with its arithmetic.

The period is 2020-11-16..12-15, which has 30 days. On 11-25 there are 21 of them left.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from core.domain import catalog as catalogs
from core.domain import changes
from core.domain.contents import Coming, Item
from core.domain.number_changes import add_at_renewal, remove_at_renewal, swap
from core.domain.ownership import change_owner
from core.domain.policy import DEFAULT
from core.domain.price_in_force import next_fee_lines
from core.domain.proration import prorate
from core.domain.subscription import Period, Subscription
from tests.domain.made import START, ZONE, at, day, seats, subscription

TABLE = """
| change | charge |
|---|---|
| upgrade (dearer primary SKU), more add-ons, another number | prorated difference (3.4), \
now, from credits |
| downgrade, fewer add-ons, number removed | nothing, no refund |
| swap a number within the same SKU | nothing; another SKU is refused |
| other cycle length or multiplier | nothing; takes effect with the next paid cycle |
| any of the first two rows "at renewal" | nothing now; the next paid cycle has the new fee |
| change owner | nothing; same currency only; not for trials; assignees are reset to the \
new owner, all else is kept; the new account pays from then on |
"""
CATALOG = catalogs.load(
    [
        {"sku": "PRO", "kind": "application", "months": 1, "prices": {"USD": "50.00"}},
        {"sku": "BIZ", "kind": "application", "months": 1, "prices": {"USD": "90.00"}},
        {"sku": "LITE", "kind": "application", "months": 1, "prices": {"USD": "20.00"}},
        {"sku": "SEAT", "kind": "addon", "months": 1, "prices": {"USD": "10.00"}},
        {"sku": "DID", "kind": "number", "months": 1, "prices": {"USD": "10.00"}},
    ]
)
TODAY = day("11-25")
PERIOD = Period(start=START, expiry=day("12-15"), months=1, scheduled_start=START)
#: 50.00 + 2 × 10.00 + 10.00 = 80.00 a month.
HELD = subscription(sku="PRO", addons={"SEAT": 2}, numbers={"+1": "DID"})


def plan(sku: str) -> Coming:
    return Coming(item=Item.PLAN, sku=sku, amount=1)


ANOTHER = Coming(item=Item.NUMBER, name="+2", sku="DID")
REMOVED = Coming(item=Item.NUMBER, name="+1")
#: What each change of the first two rows costs now, and what the next cycle costs with it.
NOW: Mapping[str, tuple[Coming, str, str]] = {
    "upgrade": (plan("BIZ"), "28.00", "120.00"),  # 40/30 × 21; 80 + 40
    "more add-ons": (seats(5), "21.00", "110.00"),  # 3 × 10/30 × 21; 80 + 30
    "another number": (ANOTHER, "7.00", "90.00"),  # 10/30 × 21; 80 + 10
    "downgrade": (plan("LITE"), "0.00", "50.00"),  # 80 − 30
    "fewer add-ons": (seats(1), "0.00", "70.00"),  # 80 − 10
    "number removed": (REMOVED, "0.00", "70.00"),  # 80 − 10
}


def charged(change: Coming) -> str:
    return f"{prorate(HELD, change, {1: PERIOD}, CATALOG, 'USD', TODAY).amount:.2f}"


def fee(of: Subscription) -> str:
    """What the next paid cycle costs."""
    return str(sum(line.amount for line in next_fee_lines(of, CATALOG, "USD", TODAY)))


def is_kept(after: Subscription, *but: str) -> bool:
    """Whether all is as before, but for these fields."""
    names = [name for name in Subscription.__slots__ if name not in {"version", *but}]
    return all(getattr(after, name) == getattr(HELD, name) for name in names)


def test_rule_9_the_table_here_is_the_table_of_the_rule_book() -> None:
    assert TABLE in (Path(__file__).parents[2] / "docs" / "rules.md").read_text()


@pytest.mark.parametrize("change", NOW)
def test_rule_9_the_first_two_rows_from_today_on(change: str) -> None:
    made, now, later = NOW[change]
    after = changes.from_today(HELD, made, TODAY)
    assert (charged(made), fee(after)) == (now, later)
    assert is_kept(after, "sku", "addons", "numbers")


def test_rule_9_a_swap_costs_nothing() -> None:
    """That another SKU is refused stands in tests/stories/test_numbers_of_subscriptions.py."""
    after = swap(HELD, "+1", "+3", "DID", TODAY)
    assert (after.numbers, fee(after)) == ({"+3": "DID"}, "80.00")
    assert is_kept(after, "numbers")


@pytest.mark.parametrize("given", [{"multiplier": 2}, {"months": 2}], ids=str)
def test_rule_9_another_cycle_holds_with_the_next_paid_one(given: dict[str, Any]) -> None:
    """2 × 80.00 = 160.00."""
    change = changes.cycle_change(HELD, **{"multiplier": None, "months": None, **given})
    after = changes.at_renewal(HELD, change)
    assert (charged(change), fee(after), after.cycle_months) == ("0.00", "160.00", 1)
    assert is_kept(after, "coming")


@pytest.mark.parametrize("change", NOW)
def test_rule_9_the_first_two_rows_at_renewal_change_the_next_fee_only(change: str) -> None:
    made, _, later = NOW[change]
    if change == "another number":
        after = add_at_renewal(HELD, "+2", "DID", fee_due=True)
    elif change == "number removed":
        after = remove_at_renewal(HELD, "+1")
    else:
        after = changes.at_renewal(HELD, made)
    assert fee(after) == later
    assert is_kept(after, "coming")


def test_rule_9_a_change_of_owner_keeps_all_else() -> None:
    """Currency, trials and assignees stand in tests/ledger/test_change_of_owner.py."""
    after = change_owner(HELD, "b", DEFAULT, at("2020-11-25T04:00"), zone=ZONE, old_zone=ZONE)
    assert (after.account, fee(after)) == ("b", "80.00")
    assert is_kept(after, "account")
