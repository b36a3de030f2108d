"""A clock may process many accounts in parallel.

Accounts share nothing, so only the order of the invoices may differ.
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from activities.registry import Activities
from core.domain import policy
from core.gateways.simulated_cards import SimulatedCards
from core.ledger import stored_terms
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from doors.application import test_clocks
from doors.application.direct_engine import Direct
from doors.intake import column_mapping
from doors.intake.customer_import import import_file
from tests.shared_database import NewDatabase

EXAMPLES = Path(__file__).parents[2] / "examples"


async def quarter(url: str, at_once: int) -> list[Any]:
    """Play three months of 40 customers. Returns their history and their balances."""
    ledger = Ledger(connect(url))
    try:
        with ledger.engine.begin() as connection:
            stored_terms.add_policy(connection, ledger.seller, policy.DEFAULT)
            connection.execute(text("INSERT INTO clocks VALUES ('c', 'main', '2024-01-01Z')"))
        await import_file(
            ledger,
            EXAMPLES / "telco-customers.csv",
            column_mapping.read(EXAMPLES / "telco-mapping.yaml"),
            clock="c",
            limit=40,
        )
        engine = Direct(Activities(ledger, SimulatedCards(ledger.engine)))
        await test_clocks.advance(
            ledger, engine, "c", datetime(2024, 4, 1, tzinfo=UTC), at_once=at_once
        )
        with ledger.engine.connect() as connection:
            history = (
                "SELECT account, subscription, at, event, amount FROM history "
                "ORDER BY account, subscription, at, seq"
            )
            return [
                tuple(row)
                for query in (history, "SELECT id, balance FROM accounts ORDER BY id")
                for row in connection.execute(text(query))
            ]
    finally:
        ledger.engine.dispose()


def test_taking_many_accounts_at_once_gives_each_what_one_after_the_other_gives(
    new_database: NewDatabase,
) -> None:
    with new_database() as one, new_database() as other:
        alone, together = (
            asyncio.run(quarter(url, at_once)) for url, at_once in ((one, 1), (other, 8))
        )
    assert len(alone) > 100
    assert alone == together
