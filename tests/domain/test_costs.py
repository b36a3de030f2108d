"""Rule 11.5: what the seller pays its own supplier, line by line."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.domain import catalog as catalogs
from core.domain import lifecycle
from core.domain.contents import Coming, Item
from core.domain.fees import cost_of, next_cycle_lines
from core.domain.forecast import forecast
from core.domain.policy import DEFAULT
from core.domain.proration import prorate
from core.domain.renewal_attempt import plan
from core.domain.subscription import Account, Subscription
from core.domain.terms import Terms
from tests.domain.made import ENTRIES, account, at, day, failed, steps, subscription

CATALOG = catalogs.load(
    [
        *ENTRIES,
        {"sku": "PRO-M", "costs": {"USD": "20.00"}, "from": "2020-01-01"},
        {"sku": "BIZ-M", "costs": {"USD": "35.00"}, "from": "2020-01-01"},
        {"sku": "VAULT", "costs": {"USD": "50.00"}, "from": "2020-01-01"},
    ]
)


@pytest.mark.parametrize(
    ("bought", "cost"),
    [
        ({"quantity": 3}, "60.00"),
        ({"addons": {"VAULT": 1, "SEAT": 2}}, "24.17"),  # 20 + 50/12 = 4.166…; a seat costs nothing
        ({"discount": Decimal(50), "discount_cycles": 2}, "20.00"),  # a discount does not lower it
    ],
)
def test_rule_11_5_each_line_has_its_cost_rounded_once(bought: dict[str, Any], cost: str) -> None:
    lines = next_cycle_lines(subscription(**bought), CATALOG, "USD", day("12-01"))
    assert str(cost_of(lines)) == cost
    assert cost_of(next_cycle_lines(subscription(), CATALOG, "JPY", day("12-01"))) == 0


@pytest.mark.parametrize(
    ("old", "new", "cost"), [("PRO-M", "BIZ-M", "10.50"), ("BIZ-M", "PRO-M", "0.00")]
)
def test_rule_11_5_a_change_costs_the_prorated_difference_never_below_zero(
    old: str, new: str, cost: str
) -> None:
    """15 × 21/30 = 10.50 on 11-25 of the period 11-16..12-15."""
    before = subscription(sku=old)
    wanted = Coming(item=Item.PLAN, sku=new, amount=1)
    periods = {1: lifecycle.start(before)}
    prorated = prorate(before, wanted, periods, CATALOG, "USD", day("11-25"))
    assert str(prorated.cost) == cost


def test_rule_11_5_a_change_costs_its_difference_in_each_paid_period() -> None:
    """10.50 on 11-25 of 11-16..12-15, and the whole 15.00 of the next period: 25.50."""
    before = subscription(sku="PRO-M")
    wanted = Coming(item=Item.PLAN, sku="BIZ-M", amount=1)
    begun = lifecycle.start(before)
    coming = replace(
        begun, start=day("12-16"), expiry=day("2021-01-15"), scheduled_start=day("12-16")
    )
    prorated = prorate(before, wanted, {1: begun, 2: coming}, CATALOG, "USD", day("11-25"))
    assert str(prorated.cost) == "25.50"


def test_rule_11_5_the_cost_of_a_year_is_prorated_by_its_months() -> None:
    """VAULT costs 50 for 12 months: 50/12 × 21/30 = 2.9166… on 11-25 of 11-16..12-15."""
    before = subscription()
    wanted = Coming(item=Item.ADDON, name="VAULT", sku="VAULT", amount=1)
    periods = {1: lifecycle.start(before)}
    prorated = prorate(before, wanted, periods, CATALOG, "USD", day("11-25"))
    assert str(prorated.cost) == "2.92"


def test_rule_11_5_a_group_costs_what_its_members_cost_together() -> None:
    members = [subscription("s1"), subscription("s2", sku="BIZ-M")]
    of = Terms(CATALOG, {1: DEFAULT}, 1)
    now = at("2020-12-08T00:00")
    attempt = plan(account("500"), members[0], members, steps(members, of), of, now)
    assert attempt is not None
    assert (attempt.group.amount, attempt.group.cost) == (90, 55)


WITH_SELLER = Terms(CATALOG, {1: replace(DEFAULT, seller_wallet=True)}, 1)
CARD = {"card": "tok", "renew_by_card": True}


def foretold(wallet: Account, holds: str, *subscriptions: Subscription, **more: Any) -> list[str]:
    """What is forecast up to 12-11, when the seller's wallet holds an amount."""
    now, until = at("2020-12-07T16:00"), at("2020-12-10T16:00")
    by = more.pop("by", WITH_SELLER)
    told = forecast(wallet, subscriptions, by, now, until, seller_wallet=Decimal(holds), **more)
    return [f"{e.event} {e.amount or e.reason}" for e in told]


@pytest.mark.parametrize(
    ("holds", "expected"),
    [
        ("55", ["renewed -50.00", "renewed -40.00"]),
        ("54.99", ["renewal_failed no_credits"] * 4),
    ],
)
def test_rule_11_5_a_forecast_looks_at_the_sellers_wallet(holds: str, expected: list[str]) -> None:
    """The costs of both members together are 20.00 + 35.00. The retry on 12-10 fails alike."""
    members = subscription("s1"), subscription("s2", sku="BIZ-M")
    assert foretold(account("500"), holds, *members) == expected


def test_rule_11_5_a_forecast_tries_no_card_when_the_sellers_wallet_cannot_pay() -> None:
    one = subscription("s1")
    assert foretold(account("0", **CARD), "19.99", one) == ["renewal_failed no_credits"] * 2
    assert foretold(account("0", **CARD), "20", one) == ["card_charged 50.00", "renewed -50.00"]


def test_rule_11_5_without_the_policy_a_forecast_needs_no_wallet_of_the_seller() -> None:
    without = Terms(CATALOG, {1: DEFAULT}, 1)
    assert foretold(account("500"), "0", subscription("s1"), by=without) == ["renewed -50.00"]


@pytest.mark.parametrize(
    ("holds", "second"), [("55", "renewed -40.00"), ("54.99", "renewal_failed no_credits")]
)
def test_rule_11_5_each_renewal_of_a_forecast_lowers_the_sellers_wallet(
    holds: str, second: str
) -> None:
    """20.00 on 12-08 leave 35.00 or 34.99 for the 35.00 of 12-09."""
    members = subscription("s1"), subscription("s2", sku="BIZ-M", anchor=day("11-17"))
    assert foretold(account("500"), holds, *members)[:2] == ["renewed -50.00", second]


@pytest.mark.parametrize(
    ("holds", "after"), [("20", "renewed -50.00"), ("19.99", "renewal_failed no_credits")]
)
def test_rule_11_5_a_top_up_heals_only_what_the_sellers_wallet_can_pay(
    holds: str, after: str
) -> None:
    """It costs the seller 20.00. Without them it fails again on 12-10."""
    topped = account(
        "9",
        card="tok",
        auto_top_up=True,
        last_top_up=Decimal(100),
        top_up_at=at("2020-12-09T00:00"),
    )
    one = failed(subscription("s1"), at("2020-12-07T16:00"))
    assert foretold(topped, holds, one) == ["auto_topped_up 100", after]
