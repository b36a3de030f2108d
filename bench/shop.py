"""Subscriptions to renew. Each account has one monthly subscription and almost endless credits.

The accounts live by the machine's clock.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal

from activities.open_account import NewAccount, open_account
from activities.registry import Activities
from core.domain import policy
from core.domain.commands.purchase import Purchase
from core.domain.steps import of_subscription
from core.gateways.simulated_cards import SimulatedCards
from core.ledger import stored_terms
from core.ledger.clocks import machine_now
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from core.protocol.activity_messages import CommandRequest, Outcome, Snapshot, StepRequest

SELLER = "main"
CREDITS = Decimal("100000000")


def open_shop(database_url: str, subscriptions: int) -> list[str]:
    """Open the accounts and buy the subscriptions through the use cases.

    Returns the ids of the subscriptions.
    """
    ledger = Ledger(connect(database_url, pool_size=4), SELLER)
    activities, now = Activities(ledger, SimulatedCards(ledger.engine)), machine_now()
    try:
        with ledger.engine.begin() as connection:
            stored_terms.add_policy(connection, SELLER, policy.DEFAULT)
            stored_terms.add_catalog(
                connection,
                SELLER,
                [
                    {
                        "sku": "PRO",
                        "application": "phone",
                        "kind": "application",
                        "months": 1,
                        "prices": {"USD": "9.90"},
                    }
                ],
            )

        def customer(number: int) -> str:
            account, subscription = f"customer-{number:05}", f"subscription-{number:05}"
            opened = NewAccount(
                id=account, seller=SELLER, currency="USD", timezone="Europe/Berlin", credits=CREDITS
            )
            open_account(ledger, opened, now)
            bought = activities.call(
                "purchase",
                CommandRequest(
                    command=Purchase(account=account, subscription=subscription, sku="PRO"), now=now
                ),
            )
            if bought.refusal:
                raise RuntimeError(f"{subscription} was refused: {bought.refusal}")
            return subscription

        with ThreadPoolExecutor(4) as threads:
            return list(threads.map(customer, range(subscriptions)))
    finally:
        ledger.engine.dispose()


def renew_one(activities: Activities, subscription: str, version: int, due: datetime) -> Snapshot:
    """Run the next renewal of a subscription as if it were due. Returns its new state.

    `version`, `due`: its version, and when its next step is due.
    Raises RuntimeError if it is not renewed.
    """
    subject = of_subscription(subscription)
    request = StepRequest(subject=subject, version=version, now=due, past=())
    result = activities.call("renew", request)
    if result.outcome is not Outcome.DONE:
        raise RuntimeError(f"{subscription} was not renewed: {result.outcome}")
    assert isinstance(result.snapshot, Snapshot)
    return result.snapshot
