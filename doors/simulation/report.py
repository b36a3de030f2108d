"""The result of a scenario, read from the database (docs/scenario.md).

It holds subscriptions, accounts, timeline, invoices and refusals.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select

from core.domain.calendar import local_date, local_time
from core.domain.events import Event
from core.domain.fees import total
from core.domain.money import plain
from core.domain.planner.renewals import renewal_date
from core.domain.price_in_force import next_fee_lines
from core.domain.refusal import Refusal
from core.domain.refusal import Refused as RefusedByRule
from core.domain.subscription import Status, Subscription
from core.ledger.ledger import Ledger
from core.ledger.numbers import as_reactivated
from core.ledger.rows import account_from, subscription_from
from core.ledger.tables import (
    AccountRow,
    History,
    Invoice,
    PeriodRow,
    Posting,
    Seller,
    SubscriptionRow,
)
from doors.scenarios.scenario import Scenario, ScenarioStep

#: The old account's history tells a change of owner, too. The timeline tells it once. A debt that
#: is brought forward moves no balance.
_NOT_IN_TIMELINE = (Event.GIVEN_AWAY, Event.BROUGHT_FORWARD)
_WITH_REASON = (Event.TERMINATED, Event.RENEWAL_FAILED)


@dataclass(frozen=True, slots=True)
class Refused:
    """A step that was refused."""

    step: ScenarioStep
    refusal: Refusal


def report(scenario: Scenario, ledger: Ledger, refused: list[Refused]) -> dict[str, Any]:
    """Everything that happened, in the form of docs/scenario.md."""
    with ledger.engine.connect() as connection:
        accounts = {
            row.id: row
            for row in connection.execute(select(AccountRow.__table__).order_by(AccountRow.id))
        }
        return {
            "subscriptions": _subscriptions(connection, ledger, scenario, accounts),
            "accounts": {id_: _account(row, scenario) for id_, row in accounts.items()},
            "timeline": _timeline(connection, accounts),
            "invoices": _invoices(connection),
            "refused": [_refused(entry) for entry in refused],
            "ledger_sum": _ledger_sum(connection),
        }


def _subscriptions(
    connection: Connection, ledger: Ledger, scenario: Scenario, accounts: dict[str, Any]
) -> dict[str, Any]:
    rows = connection.execute(select(SubscriptionRow.__table__).order_by(SubscriptionRow.id))
    return {
        row.id: _subscription(
            connection, ledger, subscription_from(row), accounts[row.account], scenario
        )
        for row in rows
    }


def _subscription(
    connection: Connection,
    ledger: Ledger,
    subscription: Subscription,
    account: Any,
    scenario: Scenario,
) -> dict[str, Any]:
    today = local_date(scenario.until_for(account.timezone), account.timezone)
    policy = ledger.references.policy(connection, account.seller, subscription.policy_version)
    active = subscription.status is Status.ACTIVE and not subscription.trial
    return {
        "status": str(subscription.status),
        "account": subscription.account,
        "sku": subscription.contents_on(subscription.terminated_on or today).sku,
        "auto_renew": subscription.auto_renew,
        "renewal_failed": subscription.renewal_failed,
        "trial": subscription.trial,
        "anchor": str(subscription.anchor),
        "period_start": str(_period_start(connection, subscription, today)),
        "expiry": str(subscription.expiry),
        "renewal_date": str(renewal_date(subscription, policy)) if active else None,
        "fee": _fee(connection, ledger, subscription, account, today),
        "cycles_paid": subscription.cycles_paid,
    }


def _period_start(connection: Connection, subscription: Subscription, today: date) -> date:
    """The start of the period under way.

    When EXPIRED it is the start of the last one, when TERMINATED as it was then. When no period has
    begun it is the start of the first one. (Where a clock goes back over midnight, what was bought
    today may begin tomorrow.)
    """
    as_of = subscription.terminated_on or today
    begun = func.max(PeriodRow.start).filter(PeriodRow.start <= as_of)
    query = select(func.coalesce(begun, func.min(PeriodRow.start))).where(
        PeriodRow.subscription == subscription.id
    )
    start: date = connection.execute(query).scalar_one()
    return start


def _fee(
    connection: Connection, ledger: Ledger, subscription: Subscription, account: Any, today: date
) -> str | None:
    if subscription.status is Status.TERMINATED:
        return None
    revision = connection.execute(
        select(Seller.catalog_revision).where(Seller.id == account.seller)
    ).scalar_one()
    catalog = ledger.references.catalog(connection, account.seller, revision)
    try:
        return plain(
            total(
                next_fee_lines(
                    as_reactivated(connection, subscription), catalog, account.currency, today
                )
            ),
            account.currency,
        )
    except RefusedByRule:
        return None


def _account(row: Any, scenario: Scenario) -> dict[str, Any]:
    today = local_date(scenario.until_for(row.timezone), row.timezone)
    amounts = {
        "balance": row.balance,
        "usable": account_from(row).usable(today),
        "reserved": row.reserved,
        "unbilled": row.unbilled,
    }
    return {"currency": row.currency, "mode": row.mode} | {
        key: plain(amount, row.currency) for key, amount in amounts.items()
    }


def _timeline(connection: Connection, accounts: dict[str, Any]) -> list[dict[str, Any]]:
    told = select(History.__table__).where(History.event.not_in(_NOT_IN_TIMELINE))
    rows = list(connection.execute(told.order_by(History.seq)))
    rows.sort(
        key=lambda row: (
            row.at,
            row.subscription is not None,
            row.subscription or row.account,
            row.seq,
        )
    )
    return [_event(row, accounts[row.account]) for row in rows]


def _event(row: Any, account: Any) -> dict[str, Any]:
    at = local_time(row.at, account.timezone)
    event = {"at": at.isoformat(), "date": str(at.date()), "event": row.event}
    if row.subscription is not None:
        event["id"] = row.subscription
    event["account"] = row.account
    if row.amount is not None:
        event["amount"] = plain(row.amount, account.currency)
    if "reason" in row.facts and row.event in _WITH_REASON:
        event["reason"] = row.facts["reason"]
    if "number" in row.facts:
        event["number"] = row.facts["number"]
    return event


def _invoices(connection: Connection) -> list[dict[str, Any]]:
    query = (
        select(Invoice.__table__)
        .where(Invoice.number.is_not(None))
        .order_by(Invoice.seller, Invoice.number)
    )
    return [
        {
            "number": f"{row.number:06}",
            "kind": row.kind,
            "date": str(row.date),
            "account": row.account,
            "lines": [
                {"text": line["text"], "amount": plain(Decimal(line["amount"]), row.currency)}
                for line in row.lines
            ],
            "total": plain(row.total, row.currency),
        }
        for row in connection.execute(query)
    ]


def _refused(entry: Refused) -> dict[str, Any]:
    at = local_time(entry.step.at, entry.step.zone)
    return {
        "at": at.isoformat(),
        "step": entry.step.number,
        "do": entry.step.do,
        "rule": entry.refusal.rule,
        "reason": entry.refusal.reason,
    }


def _ledger_sum(connection: Connection) -> str:
    """Zero if the sum of each currency is zero. If not, the sum of the first that is not."""
    sums = connection.execute(
        select(Posting.currency, func.sum(Posting.amount))
        .group_by(Posting.currency)
        .order_by(Posting.currency)
    )
    wrong = [amount for _, amount in sums if amount]
    return plain(wrong[0], "USD") if wrong else "0.00"
