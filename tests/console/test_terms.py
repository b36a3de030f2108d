"""Versions of the policy with what they have changed, the catalogue, and endpoints."""

from core.domain import policy
from core.domain.roles import Role
from core.ledger import stored_terms
from doors.console.terms import differences
from tests.console.conftest import Desk


async def test_rule_14_each_version_shows_what_it_has_changed(reading: Desk) -> None:
    with reading.shop.perennial.ledger.engine.begin() as connection:
        changed = policy.load(
            {"renewal_lead_days": 10, "retry_days": [1, 5], "seller_wallet": True}
        )
        stored_terms.add_policy(connection, "main", changed)
    page = await reading.page("/terms/policy", Role.VIEWER)
    assert "Version 2 in force" in page
    assert "Renewal lead days 7 10" in page
    assert "Retry days 2, 4, 6 1, 5" in page
    assert "Seller wallet no yes" in page
    assert "Version 1 Nothing differs from the defaults." in page


def test_rule_14_nested_keys_are_told_by_their_place() -> None:
    hold = {"normal": {"expired": 60, "terminated": 28, "swapped": 1}}
    fee = {"refund_admin_fee": {"USD": "2.00"}}
    then = policy.load({"number_hold_days": hold, **fee})
    assert differences(policy.DEFAULT, policy.DEFAULT) == []
    found = differences(policy.DEFAULT, then)
    told = {key: (before, after) for key, before, after in found}
    assert told["number_hold_days, normal, expired"] == ("56", "60")
    assert told["refund_admin_fee, USD"][1].startswith("2")


async def test_the_catalogue_and_endpoints_are_listed(reading: Desk) -> None:
    page = await reading.page("/terms/catalog")
    assert "PRO" in page
    assert "50.00 USD" in page
    assert "No endpoint yet" in await reading.page("/webhooks")
    assert (await reading.get("/webhooks/none")).status_code == 404
