"""What an account will do by itself, from what is committed and what is sold today."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from core.domain.forecast import Entry, forecast
from core.domain.terms import Terms
from core.ledger import seller_wallets
from core.ledger.ledger import Ledger
from core.ledger.rows import NUMBERS, account_from, number_from, step_from, subscription_from
from core.ledger.stored_terms import stored_entries
from core.ledger.tables import NumberRow, SubscriptionRow
from doors.application.what_if import end_of
from doors.queries.accounts import AccountView, find_account
from doors.queries.snapshot import open_snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the assumptions about an account may refer to.

    `account`, `zone`: the account and its time zone.
    `until`: the end of the forecast (UTC).
    `subscriptions`: the ids of its subscriptions, those that have ended too.
    `catalog`: the entries of the catalogue, as they were loaded.
    """

    account: str
    zone: str
    until: datetime
    subscriptions: list[str]
    catalog: list[dict[str, Any]]


def known_of(ledger: Ledger, id_: str, months: int) -> Known:
    """What assumptions may refer to. `id_`: a subscription or an account. Raises NotFound."""
    with open_snapshot(ledger) as snapshot:
        account = snapshot.account_of(id_)
        row = snapshot.account_row(account)
        query = (
            select(SubscriptionRow.id)
            .where(SubscriptionRow.account == account)
            .order_by(SubscriptionRow.id)
        )
        return Known(
            account=account,
            zone=row.timezone,
            until=end_of(row.clock_now or ledger.machine_now(), months, row.timezone),
            subscriptions=list(snapshot.connection.execute(query).scalars()),
            catalog=stored_entries(snapshot.connection, ledger.seller),
        )


def forecast_account(
    ledger: Ledger, asked: str, months: int, *, card_charges: bool = True
) -> tuple[AccountView, list[Entry]]:
    """What an account does by itself in the coming months.

    `asked`: a subscription or an account. All subscriptions of the account are covered, since they
    share a wallet. Raises NotFound and `Refused` 4.1 when a price is missing.
    """
    with open_snapshot(ledger) as snapshot:
        id_ = snapshot.account_of(asked)
        account = account_from(snapshot.account_row(id_))
        query = (
            select(SubscriptionRow.__table__)
            .where(SubscriptionRow.account == id_)
            .order_by(SubscriptionRow.id)
        )
        subscriptions = [subscription_from(row) for row in snapshot.connection.execute(query)]
        mine = snapshot.connection.execute(NUMBERS.where(NumberRow.account == id_))
        numbers = [(number_from(row), step_from(row)) for row in mine]
        _, current = snapshot.versions_in_force()
        used = {own.policy_version for own in subscriptions} | {current}
        policies = {version: snapshot.policy(version) for version in used}
        terms = Terms(snapshot.catalog(), policies, current)
        currency = account.currency
        wallet = seller_wallets.balance(snapshot.connection, account.seller, currency)
    view = find_account(ledger, id_)
    until = end_of(view.now, months, view.timezone)
    return view, forecast(
        account,
        subscriptions,
        terms,
        view.now,
        until,
        numbers=numbers,
        card_charges=card_charges,
        seller_wallet=wallet,
    )
