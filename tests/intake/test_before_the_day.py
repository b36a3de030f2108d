"""Commands that people give before the day on which Perennial takes over (docs/import.md).

The import runs on 2024-06-03 and is for 2024-07-01. The commands are given on 2024-06-12.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text

from activities.registry import Activities
from core.domain.commands import AnyCommand
from core.domain.commands.extend import Extend
from core.domain.commands.reactivate import Reactivate
from core.domain.commands.resubscribe import Resubscribe
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.commands.unsubscribe import Unsubscribe
from core.gateways.simulated_cards import SimulatedCards
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from core.ledger.tables import Clock
from doors.application import test_clocks
from doors.application.direct_engine import Direct
from doors.intake.customer_import import import_file
from tests.domain.made import at

THE_DAY, THEN = at("2024-07-01"), at("2024-06-12T12:00")
#: The status in the other system, and the last paid day there.
ROWS = {
    "ahead": "active,2024-07-20",
    "late": "active,2024-07-03",
    "past": "active,2024-06-28",
    "failed": "past_due,2024-07-03",
    "failed-past": "past_due,2024-06-20",
    "unsubscribed": "unsubscribed,2024-06-20",
    "expired": "expired,2024-06-20",
    "trial": "trial,2024-06-20",
}
COMMANDS: dict[str, Callable[[str], list[AnyCommand]]] = {
    "nothing": lambda _: [],
    "extend": lambda it: [Extend(subscription=it, cycles=1)],
    "reactivate": lambda it: [Reactivate(subscription=it)],
    "off and on": lambda it: [Unsubscribe(subscription=it), Resubscribe(subscription=it)],
    "off": lambda it: [Unsubscribe(subscription=it)],
    "terminate": lambda it: [Terminate(subscription=it, reason="leaves")],
    "top up": lambda it: [TopUp(account=it, amount=Decimal(20))],
}


@pytest.fixture
def ledger(database: str, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with a subscription for each row and command, and the commands given."""
    ledger = Ledger(connect(database))
    with ledger.engine.begin() as connection:
        connection.execute(insert(Clock).values(id="c", now=at("2024-06-03T12:00")))
    file = tmp_path / "customers.csv"
    lines = ["id,status,paid_until,trial_until,currency,timezone,application,months,price,credits"]
    for row, facts in ROWS.items():
        status, until = facts.split(",")
        days = f",{until}" if status == "trial" else f"{until},"
        lines += [
            f"{row}/{command},{status},{days},USD,UTC,phone,1,10,50".replace(" ", "-")
            for command in COMMANDS
        ]
    file.write_text("\n".join(lines) + "\n")
    report = asyncio.run(import_file(ledger, file, clock="c", as_of=THE_DAY.date()))
    assert (report.imported, report.faults) == (len(ROWS) * len(COMMANDS), ())
    yield ledger
    ledger.engine.dispose()


def found(ledger: Ledger, query: str) -> list[Any]:
    with ledger.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


async def live(ledger: Ledger, until: datetime, *, commands: bool = False) -> None:
    """Advance the clock. `commands`: give all commands first, whether or not they are refused."""
    engine = Direct(Activities(ledger, SimulatedCards(ledger.engine)))
    if commands:
        await test_clocks.advance(ledger, engine, "c", THEN)
        for row in ROWS:
            for name, made in COMMANDS.items():
                subscription = f"{row}/{name}".replace(" ", "-")
                for number, command in enumerate(made(subscription)):
                    asked = replace(command, request_id=f"{subscription}-{number}")
                    await engine.command(asked, THEN)
    await test_clocks.advance(ledger, engine, "c", until)


STATES = "SELECT id, status, expiry FROM subscriptions WHERE id LIKE '%nothing' ORDER BY id"
PAID = (
    "SELECT s.id, expiry, 50 - balance FROM subscriptions s JOIN accounts a ON a.id = s.account "
    "WHERE s.id LIKE '%reactivate' AND balance < 50 ORDER BY s.id"
)


def test_rule_13_nothing_happens_by_itself_before_the_day(ledger: Ledger) -> None:
    """Commands are done at once, and so is what a top-up heals (Rule 5.4)."""
    asyncio.run(live(ledger, THEN, commands=True))
    done = "SELECT event, subscription, at FROM history WHERE at > '2024-06-03T12:00Z' ORDER BY seq"
    before = found(ledger, done)
    assert {when for _, _, when in before} == {THEN}
    assert [it[:2] for it in before if it[0] == "renewed"] == [("renewed", "failed/top-up")]
    assert found(ledger, "SELECT subject, due FROM steps WHERE due < '2024-07-01Z'") == []
    assert found(ledger, "SELECT subscription FROM messages WHERE due < '2024-07-01Z'") == []
    asyncio.run(live(ledger, at("2024-06-30T23:59")))
    assert found(ledger, done) == before
    asyncio.run(live(ledger, THE_DAY))
    assert found(ledger, STATES) == [
        ("ahead/nothing", "ACTIVE", date(2024, 7, 20)),
        ("expired/nothing", "EXPIRED", date(2024, 6, 20)),
        ("failed-past/nothing", "EXPIRED", date(2024, 6, 20)),
        ("failed/nothing", "ACTIVE", date(2024, 7, 3)),
        ("late/nothing", "ACTIVE", date(2024, 8, 3)),
        ("past/nothing", "ACTIVE", date(2024, 7, 28)),
        ("trial/nothing", "EXPIRED", date(2024, 6, 20)),
        ("unsubscribed/nothing", "EXPIRED", date(2024, 6, 20)),
    ]
    asyncio.run(live(ledger, at("2024-09-01")))


def test_rule_7_one_that_is_still_paid_is_reactivated_from_the_day_after(ledger: Ledger) -> None:
    """It pays one fee for the cycle that follows, not for days that are paid."""
    asyncio.run(live(ledger, THEN, commands=True))
    assert found(ledger, PAID) == [
        ("expired/reactivate", date(2024, 7, 20), 10),
        ("failed-past/reactivate", date(2024, 7, 20), 10),
        ("unsubscribed/reactivate", date(2024, 7, 20), 10),
    ]
    starts = found(
        ledger,
        "SELECT DISTINCT start FROM periods WHERE subscription LIKE '%reactivate' "
        "AND expiry = '2024-07-20'",
    )
    assert (date(2024, 6, 21),) in starts
    assert (date(2024, 6, 12),) not in starts
