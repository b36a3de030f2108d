"""The direct engine: a whole portfolio for one year, and one subscription for ten years."""

import asyncio
import logging
import multiprocessing
import os
import resource
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy import func, insert, select, text

from activities.number_invoices import number_invoices
from activities.registry import Activities
from bench.figures import Figure, Result, Say, at_least, at_most, of_rounds
from bench.memory import FILE, MAPPING
from bench.shop import open_shop, renew_one
from bench.tally import Tally
from core.domain import policy
from core.gateways.simulated_cards import SimulatedCards
from core.ledger import stored_terms
from core.ledger.clocks import machine_now
from core.ledger.database import connect, migrate
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, Clock, History, Operation, Posting
from doors.application import test_clocks
from doors.application.direct_engine import Direct
from doors.intake import column_mapping as mappings
from doors.intake.customer_import import import_file
from doors.scenarios.scenario import parse
from doors.simulation.player import play
from local import postgres
from local.app_role import as_workers
from settings import Settings

CLOCK = "year"
#: How many subscriptions are renewed, and for how many cycles it is counted.
_RENEWED, _CYCLES = 200, 3
PROCESSES = os.cpu_count() or 1
BEGIN, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)

STORY = """
catalog:
  - {sku: PRO, application: phone, kind: application, months: 1, prices: {USD: "50.00"}}
accounts:
  - {id: acme, currency: USD, timezone: Asia/Singapore, credits: "10000.00"}
steps:
  - {at: 2015-01-31, do: purchase, id: s1, account: acme, sku: PRO}
until: 2025-02-01
"""


async def measure(quick: bool, say: Say) -> list[Result]:
    """Count what a renewal costs, run a year of the portfolio, and run a story of ten years.

    `quick`: the portfolio is only its first 1,000 customers, and the story runs once.
    """
    return [
        await asyncio.to_thread(_renewal, say),
        await _year(1000 if quick else None, say),
        await _story(1 if quick else 5, say),
    ]


def _renewal(say: Say) -> Result:
    """Renew subscriptions, each in an account of its own, as a worker does, and count per renewal.

    The first cycle is not counted. It fills the pages of a new database.
    """
    say("what a renewal costs")
    with postgres.throwaway() as url:
        migrate(url)
        subscriptions = open_shop(url, _RENEWED)
        engine = connect(as_workers(url), pool_size=1)
        ledger, tally = Ledger(engine, Settings().seller, every_seller=True), Tally()
        activities = Activities(ledger, SimulatedCards(ledger.engine))
        try:
            renew_all(activities, subscriptions)
            before = _wal(ledger)
            tally.watch(ledger.engine)
            for _ in range(_CYCLES):
                renew_all(activities, subscriptions)
            wal = _wal(ledger) - before
        finally:
            ledger.engine.dispose()
    renewals = _CYCLES * len(subscriptions)
    statements, round_trips = tally.statements / renewals, tally.round_trips / renewals
    return Result(
        "A renewal from the wallet, by the direct engine",
        [
            Figure("SQL statements", statements, "", at_most(3.1)),
            Figure("SQL round trips, BEGIN and COMMIT included", round_trips, "", at_most(5.1)),
            Figure("WAL", wal / renewals, "B", at_most(4000)),
        ],
        (f"Counted, not timed: the mean of {renewals} renewals, blocks of ids included.",),
    )


def renew_all(activities: Activities, subscriptions: list[str]) -> None:
    """Renew each subscription by a cycle. Raises RuntimeError if one is not renewed."""
    for snapshot, *_ in activities.ledger.snapshots(subscriptions, machine_now()):
        step = snapshot.next_step
        assert step is not None
        renew_one(activities, snapshot.subscription.id, snapshot.version, step.due)


def _wal(ledger: Ledger) -> int:
    """The bytes of write-ahead log until now."""
    lsn = text("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
    with ledger.read() as connection:
        return int(connection.execute(lsn).scalar_one())


async def _year(limit: int | None, say: Say) -> Result:
    with postgres.throwaway() as url:
        migrate(url)
        ledger = Ledger(connect(url, pool_size=4), Settings().seller)
        try:
            with ledger.engine.begin() as connection:
                stored_terms.add_policy(connection, ledger.seller, policy.DEFAULT)
                connection.execute(insert(Clock).values(id=CLOCK, seller=ledger.seller, now=BEGIN))
            say("a year of the direct engine: import")
            report = await import_file(
                ledger, FILE, mappings.read(MAPPING), clock=CLOCK, limit=limit
            )
            _share_out(ledger)
            begin, before = time.perf_counter(), _processor()
            await asyncio.to_thread(_advance_all, url, say)
            while number_invoices(ledger):
                pass
            seconds, cpu = time.perf_counter() - begin, _processor() - before
            return _portfolio(ledger, report.imported, report.seconds, seconds, cpu)
        finally:
            ledger.engine.dispose()


def _share_out(ledger: Ledger) -> None:
    """Give each process its own clock and its share of the accounts. Accounts share nothing."""
    with ledger.engine.begin() as connection:
        connection.execute(
            insert(Clock), [{"id": f"{CLOCK}-{n}", "now": BEGIN} for n in range(PROCESSES)]
        )
        # An account never changes its clock. The bench sets it before anything has happened.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table, account in (
            ("accounts", "id"),
            ("subscriptions", "account"),
            ("messages", "account"),
            ("steps", "account"),
        ):
            number = f"abs(hashtext({account}::text) % :processes)"
            share = f"UPDATE {table} SET clock = :clock || '-' || {number}"  # noqa: S608
            connection.execute(text(share), {"clock": CLOCK, "processes": PROCESSES})


def _advance_all(url: str, say: Say) -> None:
    say(f"a year of the direct engine, in {PROCESSES} processes")
    spawn = multiprocessing.get_context("spawn")
    processes = [
        spawn.Process(target=_advance, args=(url, f"{CLOCK}-{n}"), daemon=True)
        for n in range(PROCESSES)
    ]
    try:
        for process in processes:
            process.start()
        for process in processes:
            process.join()
    finally:
        for process in processes:
            process.terminate()
    if any(process.exitcode for process in processes):
        raise RuntimeError("a process of the direct engine has failed")


def _advance(url: str, clock: str) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    ledger = Ledger(connect(url, pool_size=2), Settings().seller)
    try:
        asyncio.run(
            test_clocks.advance(
                ledger, Direct(Activities(ledger, SimulatedCards(ledger.engine))), clock, END
            )
        )
    finally:
        ledger.engine.dispose()


def _processor() -> float:
    """CPU seconds of this process, and of the child processes that have ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _portfolio(
    ledger: Ledger, customers: int, import_seconds: float, seconds: float, cpu: float
) -> Result:
    with ledger.engine.connect() as connection:
        events = {
            row[0]: row[1]
            for row in connection.execute(
                select(History.event, func.count()).group_by(History.event)
            )
        }
        books = {
            row[0]: row[1]
            for row in connection.execute(
                select(Posting.book, func.sum(Posting.amount)).group_by(Posting.book)
            )
        }
        ledger_sum = connection.execute(select(func.sum(Posting.amount))).scalar_one()
        balances = connection.execute(select(func.sum(AccountRow.balance))).scalar_one()
        operations = connection.execute(select(func.count()).select_from(Operation)).scalar_one()
    renewed = events.get("renewed", 0)
    figures = [
        Figure("customers", customers),
        Figure("import, no workflows", customers / import_seconds, "/s"),
        Figure("renewed", renewed),
        Figure("failed attempts", events.get("renewal_failed", 0)),
        Figure("expired", events.get("expired", 0)),
        Figure("terminated", events.get("terminated", 0)),
        Figure("card charges", events.get("card_charged", 0)),
        Figure("notices", sum(n for event, n in events.items() if event.startswith("notice"))),
        Figure("operations", operations),
        Figure("money in: opening credits", _amount(books, "opening"), "USD"),
        Figure("money in: cards", _amount(books, "card"), "USD"),
        Figure("money out: fees", -_amount(books, "revenue"), "USD"),
        Figure("left in wallets", float(balances), "USD"),
        Figure("ledger sum, off by", abs(float(ledger_sum)), "USD", at_most(0)),
        Figure("one year, invoices numbered", seconds, "s"),
        Figure("CPU of our processes", cpu, "s"),
        Figure("renewals/s", renewed / seconds, "", at_least(200)),
        Figure("attempts, expiries, terminations and notices/s", _steps(events) / seconds),
    ]
    notes = (
        "Renewals/s: the time includes failed attempts, card charges, notices and expiries.",
        f"{PROCESSES} processes, one for each processor. Each has its own clock and accounts.",
    )
    return Result(
        "telco-customers.csv for a year, by the direct engine on a throwaway PostgreSQL",
        figures,
        notes,
    )


def _amount(books: dict[str, Decimal], book: str) -> float:
    """The sum that has come out of a book. It is negative if money has gone into it."""
    return -float(books.get(book, Decimal(0)))


def _steps(events: dict[str, int]) -> int:
    return sum(
        n
        for event, n in events.items()
        if event in ("renewed", "renewal_failed", "expired", "terminated")
        or event.startswith("notice")
    )


async def _story(rounds: int, say: Say) -> Result:
    say("a story of ten years")
    with postgres.throwaway() as url:
        results = [
            await _tell(postgres.create_database(url, f"story_{number}"))
            for number in range(rounds)
        ]
    story, seconds = results[0][0], [seconds for _, seconds in results]
    figures = [
        of_rounds("a story of ten years", seconds, "s", at_most(5)),
        Figure("its cycles", story["subscriptions"]["s1"]["cycles_paid"]),
        Figure("its ledger sum, off by", abs(float(story["ledger_sum"])), "USD", at_most(0)),
    ]
    return Result(
        "Ten years of one monthly subscription, by the direct engine",
        figures,
        ("From the first step to the report.",),
    )


async def _tell(url: str) -> tuple[dict[str, Any], float]:
    await asyncio.to_thread(migrate, url)
    ledger = Ledger(connect(url, pool_size=2))
    try:
        scenario = parse(STORY)
        begin = time.perf_counter()
        story = await play(
            scenario, ledger, Direct(Activities(ledger, SimulatedCards(ledger.engine)))
        )
        return story, time.perf_counter() - begin
    finally:
        ledger.engine.dispose()
