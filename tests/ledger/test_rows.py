"""Rows and values: every field goes in and out, or its change is refused."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.domain import policy
from core.domain.contents import Coming, Item
from core.domain.subscription import Account, Contract, Failure, Mode, Status, Subscription
from core.ledger.rows import CannotChange, account_from
from core.ledger.stored_terms import add_policy
from core.ledger.tables import AccountRow
from tests.ledger.conftest import DAY, Shop

#: Another value for each field of a subscription. None of them is the value it has.
SUBSCRIPTION: dict[str, Any] = {
    "id": "other",
    "account": "other",
    "sku": "BIZ",
    "quantity": 7,
    "multiplier": 2,
    "addons": {"SEAT": 3},
    "numbers": {"+6531580001": "DID"},
    "coming": (
        Coming(item=Item.PLAN, sku="BIZ", amount=1, since=date(2021, 4, 1)),
        Coming(item=Item.ADDON, name="SEAT", amount=2),
    ),
    "legacy": True,
    "align": True,
    "discount": Decimal("12.50000"),
    "discount_cycles": 2,
    "trial": False,  # of a trial
    "contract": Contract.MILESTONE,
    "status": Status.EXPIRED,
    "auto_renew": False,
    "renewal_failed": True,
    "failure": Failure.SUSPENDED,
    "anchor": date(2021, 2, 1),
    "months_paid": 5,
    "cycle_months": 3,
    "expiry": date(2021, 4, 30),
    "cycles_paid": 9,
    "planned_at": datetime(2021, 3, 2, tzinfo=UTC),
    "attempted_at": datetime(2021, 3, 3, tzinfo=UTC),
    "expired_on": date(2021, 4, 1),
    "terminated_on": date(2021, 4, 2),
    "policy_version": 2,
    "version": 2,
}
ACCOUNT: dict[str, Any] = {
    "id": "other",
    "seller": "other",
    "currency": "EUR",
    "timezone": "Asia/Singapore",
    "mode": Mode.POSTPAID,
    "balance": Decimal(1),
    "unbilled": Decimal(1),
    "reserved": Decimal("1.00000"),
    "liability": Decimal("2.00000"),
    "credit_limit": Decimal("3.00000"),
    "credit_limit_until": date(2021, 3, 31),
    "card": "sim_ok",
    "renew_by_card": True,
    "auto_top_up": True,
    "last_top_up": Decimal("4.00000"),
    "auto_topped_up": Decimal("5.00000"),
    "auto_topped_up_on": date(2021, 3, 2),
    "top_up_at": datetime(2021, 3, 2, tzinfo=UTC),
    "suspended": True,
    "closed_on": date(2021, 4, 3),
    "closed_for_good": True,
    "erased_on": date(2021, 5, 4),
    "uninvoiced": (date(2021, 2, 1), date(2021, 3, 1)),
    "version": 2,
}
REFUSED = {"id", "account", "legacy", "align", "discount", "discount_cycles", "contract"}
REFUSED_OF_ACCOUNT = {
    "id",
    "seller",
    "currency",
    "timezone",
    "balance",
    "unbilled",
    "reserved",
    "liability",
}


def test_each_field_is_tried() -> None:
    assert set(SUBSCRIPTION) == {field.name for field in fields(Subscription)}
    assert set(ACCOUNT) == {field.name for field in fields(Account)}


def save(shop: Shop, **changes: Any) -> Subscription:
    """Save the subscription with these changes, and return it as it should be read."""
    with shop.ledger.work(DAY, subscription="s1") as work:
        before = work.subscription("s1")
        after = replace(before, **{"version": before.version + 1, **changes})
        work.save(after)
    return after


@pytest.mark.parametrize("field", sorted(set(SUBSCRIPTION) - REFUSED))
def test_a_changed_field_of_a_subscription_is_read_back(shop: Shop, field: str) -> None:
    shop.open()
    shop.try_out("s1") if field == "trial" else shop.buy()
    with shop.ledger.engine.begin() as connection:
        add_policy(connection, "main", policy.load({"renewal_lead_days": 9}))  # version 2
    changes = {field: SUBSCRIPTION[field]}
    if field == "status":
        changes["expired_on"] = date(2021, 4, 1)
    after = save(shop, **changes)
    with shop.ledger.work(DAY, subscription="s1") as work:
        assert work.subscription("s1") == after


@pytest.mark.parametrize("field", sorted(REFUSED - {"id"}))
def test_a_change_that_can_never_be_is_refused(shop: Shop, field: str) -> None:
    shop.open()
    shop.buy()
    with pytest.raises(CannotChange, match=f"{field} of subscription s1 can never change"):
        save(shop, **{field: SUBSCRIPTION[field]})
    assert shop.value("SELECT version FROM subscriptions") == 1


@pytest.mark.parametrize("field", sorted(set(ACCOUNT) - REFUSED_OF_ACCOUNT))
def test_a_changed_setting_of_an_account_is_read_back(shop: Shop, field: str) -> None:
    shop.open()
    with shop.ledger.work(DAY, account="acme") as work:
        work.settings(**{field: ACCOUNT[field]})
        after = work.account
    with shop.ledger.engine.connect() as connection:
        row = connection.execute(AccountRow.__table__.select()).one()
    assert account_from(row) == after
    assert getattr(after, field) == ACCOUNT[field]


@pytest.mark.parametrize("field", sorted(REFUSED_OF_ACCOUNT))
def test_a_setting_that_can_never_change_is_refused(shop: Shop, field: str) -> None:
    shop.open()
    with (
        pytest.raises(CannotChange, match=f"{field} of account acme can never change"),
        shop.ledger.work(DAY, account="acme") as work,
    ):
        work.settings(**{field: ACCOUNT[field]})
