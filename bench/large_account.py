"""One account with many subscriptions: what a command and a renewal of all of them take.

    python -m bench.large_account            10,000 subscriptions
    python -m bench.large_account 50000

Nothing may grow with an account's size in one message, one result, one wait or one query. All
subscriptions are due as one group. It fails, is healed by a top-up, is suspended and resumed. A few
of them have workflows. The others are rows, as if no worker had run yet.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import text

from activities.open_account import NewAccount, open_account
from activities.registry import Activities
from core.domain import policy
from core.domain.calendar import add_months, first_instant
from core.domain.commands.purchase import Purchase
from core.domain.commands.resume import Resume
from core.domain.commands.suspend import Suspend
from core.domain.commands.top_up import TopUp
from core.gateways.simulated_cards import SimulatedCards
from core.ledger.clocks import machine_now
from core.ledger.database import migrate
from core.ledger.ledger import Ledger
from core.ledger.stored_terms import add_catalog, add_policy
from core.protocol.activity_messages import CommandRequest
from doors.application.perennial import Perennial
from doors.service.workers import ROLES, running
from local import stack
from settings import read_settings

PRICE = Decimal(50)
SKU = {"sku": "PRO", "kind": "application", "months": 1, "prices": {"USD": str(PRICE)}}
_COPY = (
    "INSERT INTO subscriptions SELECT (jsonb_populate_record(NULL::subscriptions, "
    "to_jsonb(s) || jsonb_build_object('id', s.account || '-' || n))).* "
    "FROM subscriptions s, generate_series(1, :many) n WHERE s.id = :first; "
    "INSERT INTO steps SELECT (jsonb_populate_record(NULL::steps, "
    "to_jsonb(s) || jsonb_build_object('subject', s.account || '-' || n))).* "
    "FROM steps s, generate_series(1, :many) n WHERE s.subject = :first"
)


def fill(ledger: Ledger, account: str, many: int, bought: datetime, credits_: Decimal) -> None:
    """Open an account with many subscriptions to PRO that were bought at one instant (UTC).

    Their ids are ``acme-first``, ``acme-1``, ``acme-2`` and so on, for the account ``acme``.

    `credits_`: what is left in the wallet.
    """
    opened = NewAccount(
        id=account,
        seller=ledger.seller,
        currency="USD",
        timezone="UTC",
        credits=PRICE + credits_,
    )
    open_account(ledger, opened, bought)
    _buy(ledger, account, bought)
    with ledger.engine.begin() as connection:
        for statement in _COPY.split("; "):
            connection.execute(text(statement), {"many": many - 1, "first": f"{account}-first"})
        connection.execute(text("ANALYZE"))


def _buy(ledger: Ledger, account: str, bought: datetime) -> None:
    then = replace(ledger, machine_now=lambda: bought)
    command = Purchase(subscription=f"{account}-first", account=account, sku="PRO")
    request = CommandRequest(command=command, now=bought)
    result = Activities(then, SimulatedCards(ledger.engine)).call("purchase", request)
    assert result.refusal is None, result.refusal


async def measure(many: int, started: int = 20) -> None:
    """Run the story, and print what each part takes."""
    config = read_settings().model_copy(update={"jitter_seconds": 0})
    with stack.throwaway() as addresses:
        migrate(addresses.database_url)
        async with Perennial.connect(
            addresses.database_url, addresses.temporal_address, config
        ) as perennial:
            # The renewal date was yesterday, and no retry is due yet.
            today = machine_now().date()
            bought = first_instant(add_months(today + timedelta(days=7), -1), "UTC")
            with perennial.ledger.engine.begin() as connection:
                add_policy(connection, config.seller, policy.load({}))
                add_catalog(connection, config.seller, [SKU])
            fill(perennial.ledger, "acme", many, bought, Decimal(0))
            async with running(ROLES, perennial, config):
                first = [f"acme-{number}" for number in range(1, started + 1)]
                await _timed("all fail as one group", lambda: _failed(perennial, first, many))
                suspend, resume = Suspend(account="acme"), Resume(account="acme")
                await _timed("suspend", lambda: perennial.do(suspend))
                await _timed("resume", lambda: perennial.do(resume))
                top_up = TopUp(account="acme", amount=PRICE * many)
                await _timed("a top-up renews all", lambda: perennial.do(top_up))
                await _timed("telling", perennial.tell)
        assert _count(perennial.ledger, "renewal_failed") == 0


async def _failed(perennial: Perennial, first: list[str], many: int) -> None:
    await perennial.start_these(first)
    while await asyncio.to_thread(_count, perennial.ledger, "renewal_failed") < many:
        await asyncio.sleep(0.05)


def _count(ledger: Ledger, condition: str) -> int:
    with ledger.read() as connection:
        query = f"SELECT count(*) FROM subscriptions WHERE {condition}"  # noqa: S608
        return int(connection.execute(text(query)).scalar_one())


async def _timed(what: str, part: Callable[[], Awaitable[object]]) -> None:
    began = time.perf_counter()
    await part()
    print(f"{what}: {time.perf_counter() - began:.2f} s", flush=True)


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
