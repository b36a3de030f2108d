"""Subscriptions, accounts and terms for the tests. A test names only what matters to it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from core.domain import catalog as catalogs
from core.domain.calendar import last_paid_day
from core.domain.contents import Coming, Item
from core.domain.planner.next_step import next_step
from core.domain.policy import DEFAULT, Policy
from core.domain.steps import Step
from core.domain.subscription import Account, Status, Subscription
from core.domain.terms import Terms

ZONE = "Asia/Singapore"
START = date(2020, 11, 16)
ENTRIES: list[dict[str, Any]] = [
    {
        "sku": "PRO-M",
        "application": "phone",
        "kind": "application",
        "months": 1,
        "prices": {"USD": "50.00", "JPY": "1200", "KWD": "3.125"},
    },
    {"sku": "PRO-M", "prices": {"USD": "60.00"}, "from": "2021-03-01"},
    {
        "sku": "BIZ-M",
        "application": "phone",
        "kind": "application",
        "months": 1,
        "prices": {"USD": "40.00"},
    },
    {
        "sku": "PRO-Y",
        "application": "phone",
        "kind": "application",
        "months": 12,
        "prices": {"USD": "370.00"},
    },
    {"sku": "SEAT", "kind": "addon", "months": 1, "prices": {"USD": "10.00"}},
    {"sku": "VAULT", "kind": "addon", "months": 12, "prices": {"USD": "100.00"}},
    {"sku": "LATER", "kind": "addon", "months": 1, "prices": {"USD": "1.00"}, "from": "2021-01-01"},
]
CATALOG = catalogs.load(ENTRIES)


def day(text: str) -> date:
    """A date. Without a year it is in 2020."""
    return date.fromisoformat(text if len(text) == 10 else f"2020-{text}")


def at(text: str) -> datetime:
    """An instant in UTC. 2020-12-08T00:00 in Singapore is 2020-12-07T16:00 here."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def subscription(
    id_: str = "s1", anchor: date = START, months: int = 1, cycle: int | None = None, **more: Any
) -> Subscription:
    """A subscription that was bought on its anchor date at 04:00 UTC, which is noon in Singapore.

    `months`: the months paid since the anchor.
    `cycle`: the months of its cycle. Default: all of these months.
    """
    values = {
        "account": "acme",
        "sku": "PRO-M",
        "cycle_months": months if cycle is None else cycle,
        "expiry": last_paid_day(anchor, months),
        "cycles_paid": 1,
        "planned_at": datetime(anchor.year, anchor.month, anchor.day, 4, tzinfo=UTC),
    }
    return Subscription(id=id_, anchor=anchor, months_paid=months, **{**values, **more})


def expired(on: date, **more: Any) -> Subscription:
    """A subscription that was marked EXPIRED on a day."""
    return subscription(status=Status.EXPIRED, expired_on=on, **more)


def seats(quantity: int) -> Coming:
    """A change to this many add-ons SEAT."""
    return Coming(item=Item.ADDON, name="SEAT", amount=quantity)


def account(balance: str = "0", **more: Any) -> Account:
    """An account with a balance."""
    values = {
        "id": "acme",
        "seller": "main",
        "currency": "USD",
        "timezone": ZONE,
        "balance": Decimal(balance),
    }
    return Account(**{**values, **more})


def terms(policy: Policy = DEFAULT, *others: Policy, in_force: int = 1) -> Terms:
    """The catalogue, and the policies as versions 1, 2, …"""
    return Terms(CATALOG, dict(enumerate((policy, *others), start=1)), in_force)


def steps(subscriptions: Iterable[Subscription], of: Terms) -> dict[str, Step | None]:
    """The next step of each subscription, by id, as the ledger stores it."""
    return {s.id: next_step(s, of.policy_of(s), ZONE) for s in subscriptions}


def failed(subscription: Subscription, attempted_at: datetime) -> Subscription:
    """A subscription whose renewal has failed."""
    return replace(subscription, renewal_failed=True, attempted_at=attempted_at)


def ids(subscriptions: Iterable[Subscription]) -> list[str]:
    """The ids of the subscriptions."""
    return [subscription.id for subscription in subscriptions]
