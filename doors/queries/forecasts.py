"""What an account will do by itself, from what is committed and what is sold today."""

from sqlalchemy import select

from core.domain.calendar import add_months, first_instant, local_date
from core.domain.forecast import Entry, forecast
from core.domain.terms import Terms
from core.ledger import seller_wallets
from core.ledger.ledger import Ledger
from core.ledger.rows import NUMBERS, account_from, number_from, step_from, subscription_from
from core.ledger.tables import NumberRow, SubscriptionRow
from doors.queries.accounts import AccountView, find_account
from doors.queries.snapshot import open_snapshot


def forecast_account(
    ledger: Ledger, subscription: str, months: int, *, card_charges: bool = True
) -> tuple[AccountView, list[Entry]]:
    """What the account of a subscription does by itself in the coming months.

    The forecast covers all of its subscriptions, since they share a wallet. Raises NotFound and
    `Refused` 4.1 when a price is missing.
    """
    with open_snapshot(ledger) as snapshot:
        id_ = snapshot.subscription_row(subscription).account
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
    last_day = add_months(local_date(view.now, view.timezone), months)
    until = first_instant(last_day, view.timezone)
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
