"""The HTTP API: purchases beside those in the process, reads, many clients, slow connections.

The API is a process of its own (`worker.py api`), as in an installation. Workflows are started on a
Temporal server and wait: no worker runs, so that the figures are those of the API.
"""

import asyncio
import math
import random
import re
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import httpx
import psutil
from sqlalchemy import Engine, text

from activities.open_account import NewAccount, open_account
from bench.figures import Figure, Result, Say, at_most, of_rounds
from bench.http_connections import slow_connections
from bench.http_load import Told, load
from bench.scale import Size, fill
from bench.site import Site, site, worker_program
from core.domain.commands.purchase import Purchase
from core.domain.roles import Role
from core.ledger import api_keys
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.application.perennial import Perennial
from local.process import free_ports
from settings import Settings

FULL = Size(
    subscriptions=100_000, operations=400_000, invoices=100_000, of_busy=50_000, of_wide=10_000
)
QUICK = Size(subscriptions=2_000, operations=20_000, invoices=10_000)
PRICE, CREDITS = Decimal("10.00"), Decimal("10000000.00")
ACCOUNTS = 400
BY_ID_MS, LIST_MS, MEMORY_MIB, PURCHASE = 10.0, 50.0, 250.0, 2.0
#: The keys that the many clients share. Each may send 50 requests a second.
KEYS = 4
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Api:
    """A process that serves the API, and what belongs to it."""

    address: str
    keys: tuple[str, ...]
    process: psutil.Process

    def client(self) -> httpx.AsyncClient:
        """A connection to it."""
        headers = {"Authorization": f"Bearer {self.keys[0]}"}
        return httpx.AsyncClient(base_url=self.address, headers=headers, timeout=60)

    def cpu(self) -> float:
        """The CPU seconds that it has used."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> float:
        """The most resident memory that it has had, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status")
        if status.exists() and (most := re.search(r"VmHWM:\s+(\d+)", status.read_text())):
            return int(most[1]) / 1024
        return float(self.process.memory_info().rss) / 2**20


async def measure(quick: bool, say: Say) -> list[Result]:
    """Fill a ledger, serve it, and measure."""
    size = QUICK if quick else FULL
    with site() as here:
        say(f"filling a ledger with {size.subscriptions:,} subscriptions")
        await asyncio.to_thread(_prepare, here.engine, size)
        async with serving(here) as api:
            say("purchases beside those in the process")
            purchases = await _purchases(here, api, 3 if quick else 20)
            say("reads")
            reads = await _reads(here.engine, api, size, 50 if quick else 400)
            say("200 clients at once")
            many = await _many(here.engine, api, size, 5.0 if quick else 60.0)
            say("slow connections")
            slow = await _slow(api, 500 if quick else 10_000)
    return [purchases, reads, many, slow]


# The ledger and the process -----------------------------------------------------------------------


def _prepare(engine: Engine, size: Size) -> None:
    fill(engine, size)
    ledger = Ledger(engine)
    with engine.begin() as connection:  # The rows were filled with ids of their own.
        query = "SELECT setval(sequencename::regclass, 100000000) FROM pg_sequences"
        connection.execute(text(f"{query} WHERE schemaname = current_schema()"))
    for number in range(ACCOUNTS):
        opened = NewAccount(
            id=f"buyer-{number:03}", seller="main", currency="USD", timezone="UTC", credits=CREDITS
        )
        open_account(ledger, opened, machine_now())


@asynccontextmanager
async def serving(here: Site) -> AsyncIterator[Api]:
    """A process with the role `api`. It ends with the block."""
    with here.engine.begin() as connection:
        keys = tuple(
            api_keys.create(
                connection, "main", f"bench {number}", Role.ADMIN, now=machine_now(), actor="bench"
            )
            for number in range(KEYS)
        )
    [port] = free_ports(1)
    with (
        TemporaryDirectory() as folder,
        (Path(folder) / "log").open("wb") as log,
        worker_program(here, "api", output=log, api_port=str(port)) as process,
    ):
        api = Api(f"http://127.0.0.1:{port}", keys, psutil.Process(process.pid))
        await _up(api, process, Path(log.name))
        yield api


async def _up(api: Api, process: "subprocess.Popen[bytes]", log: Path) -> None:
    ends = time.monotonic() + _START_SECONDS
    async with api.client() as http:
        while True:
            try:
                await http.get("/healthz")
            except httpx.TransportError:
                if process.poll() is not None or time.monotonic() > ends:
                    raise RuntimeError(f"the API does not start: {log.read_text()}") from None
                await asyncio.sleep(0.1)
            else:
                return


# Purchases ----------------------------------------------------------------------------------------


async def _purchases(here: Site, api: Api, rounds: int) -> Result:
    """Purchases by both ways, in pairs of rounds in alternating order, one after the other."""
    inside, outside = list[float](), list[float]()
    async with (
        Perennial.connect(here.database_url, here.temporal_address, Settings()) as perennial,
        api.client() as http,
    ):

        async def in_process(order: str, account: str) -> None:
            command = Purchase(subscription=order, account=account, sku="PRO", request_id=order)
            result = await perennial.do(command)
            assert result.refusal is None, result.refusal

        async def by_http(order: str, account: str) -> None:
            response = await http.post(
                "/v1/commands/purchase",
                json={"subscription": order, "account": account, "sku": "PRO"},
                headers={"Idempotency-Key": order},
            )
            assert response.status_code == 200, response.text

        ways = [("in", in_process, inside), ("http", by_http, outside)]
        for name, buy, _ in ways:  # The first ones open connections.
            for number in range(5):
                await buy(f"warm-{name}-{number}", "buyer-000")
        used = api.cpu()
        for at in range(rounds):
            for name, buy, seconds in ways if at % 2 else reversed(ways):
                found = []
                for number in range(20):
                    began = time.perf_counter()
                    await buy(f"{name}-{at}-{number}", f"buyer-{(at * 20 + number) % ACCOUNTS:03}")
                    found.append(time.perf_counter() - began)
                seconds.append(1000 * median(found))
        cpu = api.cpu() - used
    ratios = [two / one for one, two in zip(inside, outside, strict=True)]
    return Result(
        "A purchase by HTTP beside the same in the process",
        [
            of_rounds("in the process", inside, "ms"),
            of_rounds("by HTTP", outside, "ms"),
            of_rounds("by HTTP as a multiple of it", ratios, "", at_most(PURCHASE)),
            Figure("CPU of the API, one purchase", 1000 * cpu / (rounds * 20), "ms"),
        ],
        ["Each round is the median of 20 purchases, one after the other."],
    )


# Reads --------------------------------------------------------------------------------------------


def _by_id(size: Size) -> dict[str, Callable[[random.Random], str]]:
    def id_(chance: random.Random) -> str:
        return f"{chance.randrange(size.subscriptions):07}"

    return {
        "account": lambda chance: f"/v1/accounts/a{id_(chance)}",
        "subscription": lambda chance: f"/v1/subscriptions/s{id_(chance)}",
        "number": lambda chance: f"/v1/numbers/%2B65{1 + int(id_(chance)):08}",
        "request": lambda chance: f"/v1/requests/in-0-{chance.randrange(20)}",
    }


def _lists(size: Size, middle: int) -> dict[str, Callable[[random.Random], str]]:
    def id_(chance: random.Random) -> str:
        return f"{chance.randrange(size.subscriptions):07}"

    work = {
        f"work list {which}": lambda chance, which=which: (
            f"/v1/work-lists/{which}?after=s{id_(chance)}"
        )
        for which in ("active", "failed", "expiring", "expired")
    }
    return work | {
        "work list active, first page": lambda _: "/v1/work-lists/active",
        "accounts": lambda chance: f"/v1/accounts?after=a{id_(chance)}",
        "numbers": lambda chance: f"/v1/numbers?after=%2B65{1 + int(id_(chance)):08}",
        "history of a subscription": lambda chance: f"/v1/history?subscription=s{id_(chance)}",
        "history of an account with many": lambda _: f"/v1/history?account=busy&after={middle}",
        "transactions of an account with many": lambda _: (
            f"/v1/transactions?account=busy&after={middle}"
        ),
        "explanation": lambda chance: f"/v1/explanations/s{id_(chance)}",
        "forecast of an account": lambda chance: f"/v1/forecasts?account=a{id_(chance)}",
    }


async def _reads(engine: Engine, api: Api, size: Size, many: int) -> Result:
    with engine.connect() as connection:
        query = "SELECT (min(seq) + max(seq)) / 2 FROM history WHERE account = 'busy'"
        middle = int(connection.exec_driver_sql(query).scalar_one())
    figures, chance = [], random.Random(1)  # noqa: S311
    async with api.client() as http:
        for paths, bar in ((_by_id(size), BY_ID_MS), (_lists(size, middle), LIST_MS)):
            for name, path in paths.items():
                found, used = [], api.cpu()
                for number in range(many + 5):
                    asked, began = path(chance), time.perf_counter()
                    response = await http.get(asked)
                    assert response.status_code in (200, 429), response.text
                    if response.status_code == 429:  # The bench may ask faster than a key may.
                        await asyncio.sleep(float(response.headers["Retry-After"]))
                    elif number >= 5:
                        found.append(1000 * (time.perf_counter() - began))
                cpu = 1000 * (api.cpu() - used) / len(found)
                half = percentile(found, 0.5)
                title = f"{name}: 95th percentile (half of them {half:.1f} ms, CPU {cpu:.1f} ms)"
                figures.append(Figure(title, percentile(found, 0.95), "ms", at_most(bar)))
    notes = [
        f"{many} requests each, one after the other, by ids that are chosen at random. CPU is that "
        "of the API. Lists have 50 rows."
    ]
    return Result(f"Reads by HTTP, {size.subscriptions:,} subscriptions", figures, notes)


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest of the values that so large a part of them does not exceed."""
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


# Many clients -------------------------------------------------------------------------------------


async def _many(engine: Engine, api: Api, size: Size, seconds: float) -> Result:
    accounts = [f"buyer-{number:03}" for number in range(ACCOUNTS)]
    chance = random.Random(2)  # noqa: S311
    paths = [make(chance) for make in _by_id(size).values() for _ in range(100)]
    before, used = await asyncio.to_thread(_balances, engine), api.cpu()
    told = await load(api.address, api.keys, accounts, paths, clients=200, seconds=seconds)
    cpu = api.cpu() - used
    lost, doubled, moved = await asyncio.to_thread(_counted, engine, told, before)
    served = sum(map(len, told.seconds.values()))
    errors = {
        status: many
        for status, many in told.statuses.items()
        if status not in ("200", "202", "429")
    }
    buys = [1000 * one for one in told.seconds.get("purchase", [0.0])]
    reads = [1000 * one for one in told.seconds.get("read", [0.0])]
    figures = [
        Figure("requests/s", served / seconds),
        Figure("purchases", len(told.bought)),
        Figure("purchases without an outcome in time (202)", told.statuses["202"]),
        Figure("requests that were told to come later (429)", told.statuses["429"]),
        Figure("errors", sum(errors.values()), "", at_most(0)),
        Figure("purchases that are lost", lost, "", at_most(0)),
        Figure("purchases that are doubled", doubled, "", at_most(0)),
        Figure("repetitions that were carried out again", len(told.wrong), "", at_most(0)),
        Figure("cents that the wallets differ from the purchases", moved, "", at_most(0)),
        Figure("purchase: half of them", percentile(buys, 0.5), "ms"),
        Figure("purchase: 95th percentile", percentile(buys, 0.95), "ms"),
        Figure("read: 95th percentile", percentile(reads, 0.95), "ms"),
        Figure("CPU of the API, one request", 1000 * cpu / max(1, served), "ms"),
        Figure("most memory of the API", api.memory(), "MiB", at_most(MEMORY_MIB)),
    ]
    notes = ["Counted in the ledger afterwards, by the idempotency keys that were sent."]
    notes += [f"{many} × {status}" for status, many in errors.items()]
    return Result(f"200 clients at once, {seconds:.0f} s", figures, notes)


async def _slow(api: Api, many: int) -> Result:
    async with api.client() as http:
        slow = await slow_connections(http, many, ["/v1/policy"])
    milliseconds = [1000 * one for one in slow.seconds]
    figures = [
        Figure("slow connections that were opened", slow.opened),
        Figure("most of them at once", slow.most_held),
        Figure("not cut at the end", 0 if slow.cut_after is not None else 1, "", at_most(0)),
        Figure("the last one was cut after", slow.cut_after or 0.0, "s"),
        Figure("reads of another caller meanwhile", len(slow.seconds)),
        Figure("… that were not answered", len(slow.statuses), "", at_most(0)),
        Figure("… 95th percentile", percentile(milliseconds, 0.95), "ms"),
        Figure("most memory of the API", api.memory(), "MiB", at_most(MEMORY_MIB)),
    ]
    notes = ["Each sends half of a request and waits. A server cuts it after 10 seconds."]
    return Result(f"{many:,} slow connections", figures, notes)


def _balances(engine: Engine) -> dict[str, Decimal]:
    with engine.connect() as connection:
        query = "SELECT id, balance FROM accounts WHERE id LIKE 'buyer-%'"
        return {row.id: row.balance for row in connection.execute(text(query))}


def _counted(engine: Engine, told: Told, before: dict[str, Decimal]) -> tuple[int, int, int]:
    """Purchases that are lost, that are doubled, and by how many cents the wallets are wrong."""
    with engine.connect() as connection:
        operations = connection.execute(
            text(
                "SELECT o.request_id, o.account, count(*) AS operations, "
                "(SELECT count(*) FROM periods p WHERE p.subscription = o.request_id) AS periods "
                "FROM operations o WHERE o.request_id LIKE 'load-%' GROUP BY 1, 2"
            )
        ).all()
    kept = {row.request_id: row for row in operations}
    lost = sum(order not in kept for order in told.bought)
    sent = told.bought.keys() | told.open.keys()
    doubled = len(operations) - len(kept) + len(kept.keys() - sent)
    doubled += sum(row.operations != 1 or row.periods != 1 for row in operations)
    expected = dict(before)
    for row in kept.values():
        expected[row.account] -= PRICE
    after = _balances(engine)
    moved = sum(abs(after[account] - expected[account]) for account in after)
    return lost, doubled, int(100 * moved)
