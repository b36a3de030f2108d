"""What a monthly subscription costs in a year: history events, bytes kept, CPU seconds and rows.

The figures are counted and measured per renewal and multiplied by twelve. Rows and bytes are those
of a renewal from the wallet, with its notices, in PostgreSQL.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

from activities.number_invoices import number_invoices
from activities.registry import Activities
from bench import windows
from bench.direct import renew_all
from bench.figures import Figure, Result, Say, at_most
from bench.histories import ENDLESS, PerCycle, history
from bench.shop import open_shop
from bench.site import site
from bench.windows import QUICK, WARM_CYCLES, WARM_WORKFLOWS, Effort, Shape
from core.gateways.simulated_cards import SimulatedCards
from core.ledger.database import connect, migrate
from core.ledger.ledger import Ledger
from local import postgres
from settings import Settings

_RENEWALS = 12
_SUBSCRIPTIONS, _FEW = 500, 100
_EFFORT = Effort(warm_up=4, window=10, rounds=1)


@dataclass(frozen=True, slots=True)
class _Table:
    """The live rows of a table, and its bytes with indexes."""

    rows: int
    bytes: int


async def measure(quick: bool, say: Say) -> list[Result]:
    """Count events, rows and bytes, and measure the CPU of a warm and of a cold window."""
    effort, default = QUICK if quick else _EFFORT, Settings().cycles_per_run
    say("rows and bytes in PostgreSQL")
    grown = await asyncio.to_thread(_grown, _FEW if quick else _SUBSCRIPTIONS)
    regular, local = Shape(ENDLESS, locally=False), Shape(ENDLESS)
    usual = Shape(default, cold=False)
    with site() as here:
        subscriptions = await asyncio.to_thread(open_shop, here.database_url, WARM_WORKFLOWS)
        histories = {}
        for shape in (regular, local, usual):
            say(f"history: {shape}")
            histories[shape] = await history(here, shape, subscriptions)
        cpu = {}
        for cold in (False, True):
            shape = Shape(default if cold else WARM_CYCLES, cold=cold)
            say(f"CPU: {shape}")
            cpu[cold] = await windows.window(here, "renewals", shape, subscriptions, effort)
    of_run = histories[usual]
    return [
        Result(
            "What a renewal leaves",
            [
                *_events("local activity, without continue-as-new", histories[local], 7),
                *_events("regular activity, without continue-as-new", histories[regular], 11),
                *_events(f"local activity, {default} a run", of_run, None),
                *(
                    figure
                    for name, table in grown.items()
                    for figure in (
                        Figure(f"rows of {name}", table.rows / _RENEWALS),
                        Figure(f"bytes of {name} and its indexes", table.bytes / _RENEWALS, "B"),
                    )
                ),
            ],
        ),
        Result(
            "A monthly subscription in a year",
            [
                Figure("history events written", _RENEWALS * of_run.events),
                Figure("history bytes written", _RENEWALS * of_run.bytes, "B"),
                Figure("history bytes kept at most: a whole run", of_run.run_bytes, "B"),
                Figure("rows in PostgreSQL", sum(table.rows for table in grown.values())),
                Figure("bytes in PostgreSQL", sum(table.bytes for table in grown.values()), "B"),
                Figure("CPU, warm", _RENEWALS * cpu[False].cpu_ms / 1000, "s"),
                Figure("CPU, cold", _RENEWALS * cpu[True].cpu_ms / 1000, "s"),
                Figure("cores that others used meanwhile", max(w.others for w in cpu.values())),
            ],
            (
                "Twelve renewals from the wallet. The history of a closed run is kept for the "
                "retention of the namespace, 72 hours by default, and then deleted.",
            ),
        ),
    ]


def _events(name: str, found: PerCycle, most: int | None) -> list[Figure]:
    return [
        Figure(
            f"history events: {name}", found.events, "", None if most is None else at_most(most)
        ),
        Figure(f"history bytes: {name}", found.bytes, "B"),
        Figure(f"activities: {name}", found.activities, "", at_most(1)),
    ]


def _grown(subscriptions: int) -> Mapping[str, _Table]:
    """Rows and bytes that a subscription leaves in a year, by table. Tables that grow only."""
    with postgres.throwaway() as url:
        migrate(url)
        ids = open_shop(url, subscriptions)
        ledger = Ledger(connect(url, pool_size=1), Settings().seller)
        activities = Activities(ledger, SimulatedCards(ledger.engine))
        try:
            while number_invoices(ledger):
                pass
            before = _tables(ledger)
            for _ in range(_RENEWALS):
                renew_all(activities, ids)
                while number_invoices(ledger):
                    pass
            after = _tables(ledger)
        finally:
            ledger.engine.dispose()
    return {
        name: _Table(
            round((table.rows - before[name].rows) / subscriptions),
            round((table.bytes - before[name].bytes) / subscriptions),
        )
        for name, table in after.items()
        if table.rows > before[name].rows
    }


def _tables(ledger: Ledger) -> dict[str, _Table]:
    """The tables as they are now. Dead rows are removed first, so that they do not count."""
    with ledger.engine.connect() as connection:
        outside = connection.execution_options(isolation_level="AUTOCOMMIT")
        outside.execute(text("VACUUM FULL"))
        outside.execute(text("ANALYZE"))
        names = connection.execute(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ).scalars()
        return {name: _measured(connection, name) for name in names.all()}


def _measured(connection: Connection, name: str) -> _Table:
    rows = connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()  # noqa: S608
    size = connection.execute(
        text("SELECT pg_total_relation_size(CAST(:name AS regclass))"), {"name": name}
    ).scalar_one()
    return _Table(rows, size)
