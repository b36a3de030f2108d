"""Every page of the console on a large ledger: the time of the server, and the size of the page.

The pages are called in this process, without a network, by a session of an admin. The rows are read
as the role of the workers reads them. No worker runs, so no workflow responds.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial

import httpx
from fastapi.routing import APIRoute
from sqlalchemy import Engine, text

from bench.figures import Figure, Result, Say, at_most
from bench.http import FULL, QUICK, percentile
from bench.scale import Size, fill
from bench.site import Site, site
from core.domain.campaigns import EACH
from core.domain.commands.extend import Extend
from core.domain.roles import Role
from core.ledger import sessions, staff
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.sessions import How
from doors.application.perennial import Perennial
from doors.console.application import GROUPS, application
from doors.console.visitors import COOKIE, form_token
from doors.console.wall_figures import SOURCES
from local.app_role import as_workers
from settings import Settings

PAGE_MS, PAGE_KB = 150.0, 150.0
_WARM = 5
#: 8,000 names, thousands of which begin alike, so that a typo has much to be compared with.
_OWNERS = """
SET LOCAL session_replication_role = replica;
UPDATE accounts SET owner = named.owner,
       billing_email = replace(lower(named.owner), ' ', '.') || '@example.com'
  FROM (SELECT id, initcap(a || b || c) || ' ' || initcap(c || a || d) AS owner
          FROM (SELECT id, n,
                       (ARRAY['mar', 'ber', 'har'])[1 + n % 3] AS a,
                       (ARRAY['an','el','im','on','us','ak','er','il','or','ut','as','en','ir','om',
                              'ul','at','es','in','ot','um'])[1 + n / 3 % 20] AS b,
                       (ARRAY['da','fe','gi','ko','lu','ma','ne','pi','ro','su','ta','ve','wi','zo',
                              'ba','ce'])[1 + n / 60 % 16] AS c,
                       (ARRAY['ling','son','berg','ton','ley','ford','well'])[1 + n / 960 % 7] AS d
                  FROM (SELECT id, row_number() OVER (ORDER BY id)::int AS n FROM accounts) m) p
       ) named WHERE named.id = accounts.id;
INSERT INTO account_words (seller, word, account)
  SELECT 'main', word, a.id
    FROM accounts a, words_of(concat_ws(' ', a.id, a.owner, a.billing_email)) word;
UPDATE invoices SET lines = '[{"text": "PRO", "amount": "4.00"}, {"text": "PRO", "amount": "6.00"}]'
 WHERE number % 10 = 0
"""
Path_ = Callable[[random.Random], str]


async def measure(quick: bool, say: Say) -> list[Result]:
    """Fill a ledger, and read every page of the console."""
    size = QUICK if quick else FULL
    with site() as here:
        say(f"filling a ledger with {size.subscriptions:,} subscriptions")
        await asyncio.to_thread(prepare, here.engine, size)
        say("pages")
        return await pages(here, size, 20 if quick else 40)


def prepare(engine: Engine, size: Size) -> None:
    """Fill an empty ledger, with owners that can be looked for."""
    fill(engine, size)
    with engine.begin() as connection:
        for statement in _OWNERS.split(";\n"):
            connection.exec_driver_sql(statement.replace("%", "%%"))
        # The rows were filled with ids of their own.
        query = "SELECT setval(sequencename::regclass, 100000000) FROM pg_sequences"
        connection.execute(text(f"{query} WHERE schemaname = current_schema()"))
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM (ANALYZE)"))


async def pages(here: Site, size: Size, many: int) -> list[Result]:
    """Read every page so many times, one after the other."""
    url = as_workers(here.database_url)
    async with Perennial.connect(url, here.temporal_address, Settings()) as perennial:
        token = _session(here)
        ids = [f"s{number:07}" for number in range(0, min(size.subscriptions, 50_000), 50)]
        pattern = Extend(subscription=EACH, cycles=1, request_id="bench", actor="bench")
        started = await perennial.campaigns.start(pattern, ids)
        app = application(perennial)
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://desk",
            headers={"Cookie": f"{COOKIE}={token}"},
        )
        chance = random.Random(1)  # noqa: S311
        found = []
        async with client:
            for name, path in _paths(size, started.campaign).items():
                found.append(await _one(name, partial(_get, client, path, chance), many))
            form = {"csrf": form_token(token), "cycles": "1"}
            preview = partial(_preview, client, form, size, chance)
            found.append(await _one("preview of a command", preview, many))
        cold = await _cold(perennial)
    times, sizes = [it for it, _ in found], [it for _, it in found]
    notes = [f"{many} requests of each page, one after the other, by ids chosen at random."]
    title = f"Pages of the console, {size.subscriptions:,} subscriptions"
    return [
        Result(f"{title}: 95th percentile", times, notes),
        Result("The largest of each page", sizes, []),
        Result("Figures of the wall that are not kept yet, read behind the page", cold, []),
    ]


def _session(here: Site) -> str:
    ledger, now = Ledger(here.engine), machine_now()
    with here.engine.begin() as connection:
        person = staff.add(
            connection,
            "main",
            "ann@example.com",
            "Ann",
            Role.ADMIN,
            password="five horses eat hay",  # noqa: S106
            now=now,
            actor="bench",
        )
    return sessions.start(ledger, person.id, how=How.PASSWORD, address="bench", now=now)


def _paths(size: Size, campaign: str) -> dict[str, Path_]:
    """The paths of every page that is no file. Raises KeyError when one is missing here."""

    def id_(chance: random.Random) -> str:
        return f"{chance.randrange(size.subscriptions):07}"

    def of(begin: str, end: str = "") -> Path_:
        return lambda chance: f"{begin}{id_(chance)}{end}"

    def just(path: str) -> Path_:
        return lambda _: path

    accounts = ("wallet", "balance", "subscriptions", "numbers", "transactions", "statement")
    parts = (*accounts, "invoices", "history", "messages", "what_if")
    many = {"subscriptions": "wide", "what_if": "a0000042"}
    found: dict[str, Path_] = {
        "/": just("/"),
        "/find, the begin of an id": lambda chance: f"/find?q=a{id_(chance)[:5]}",
        "/find, the begin of a name": just("/find?q=marand"),
        "/find, two words": just("/find?q=bereldama+daberson"),
        "/find, a mistyped word": just("/find?q=marnada"),
        "/find, two mistyped words": just("/find?q=harimdq+fehqrberg"),
        "/find/rows, a mistyped word": just("/find/rows?q=berlefe"),
        "/accounts": of("/accounts?after=a"),
        **{f"/accounts/{part}": of(f"/accounts/{part}/a") for part in parts},
        **{
            f"/accounts/{part}, with many": just(f"/accounts/{part}/{many.get(part, 'busy')}")
            for part in parts
        },
        "/subscriptions": of("/subscriptions/s"),
        "/subscriptions, of an account with many": just("/subscriptions/w0000042"),
        "/subscription-history": of("/subscription-history/s"),
        "/receipts": just("/receipts/unknown"),
        "/invoices": lambda chance: f"/invoices/{1 + chance.randrange(size.invoices // 2)}",
        "/messages": lambda chance: f"/messages/{1 + chance.randrange(size.subscriptions)}",
        "/numbers": lambda chance: f"/numbers/%2B65{1 + int(id_(chance)):08}",
        "/wall, 14 days": just("/wall"),
        "/wall, 62 days": just("/wall?days=62"),
        **{f"/lists/{it}": of(f"/lists/{it}?after=s") for it in ("failed", "expiring", "expired")},
        "/lists/failed, by reason": just("/lists/failed?failure=no_credits"),
        "/lists/failed, by a reason of none": just("/lists/failed?failure=card_declined"),
        "/campaigns": just("/campaigns"),
        "/campaigns, one": just(f"/campaigns/{campaign}"),
        "/terms/policy": just("/terms/policy"),
        "/terms/catalog": just("/terms/catalog"),
        "/webhooks": just("/webhooks"),
        "/approvals": just("/approvals?state=all"),
        "/admin/audit": just("/admin/audit"),
        "/admin/chains": just("/admin/chains"),
        "/admin/staff": just("/admin/staff"),
        "/admin/staff, one": just("/admin/staff/ann@example.com"),
        "/admin/keys": just("/admin/keys"),
        "/do/extend": of("/do/extend/s"),
        "/do/set_account": of("/do/set_account/a"),
        "/do/change_plan": of("/do/change_plan/s"),
    }
    chance = random.Random(0)  # noqa: S311
    begins = {path(chance).partition("?")[0].split("/")[1] for path in found.values()}
    for group in GROUPS:
        for route in group.router.routes:
            assert isinstance(route, APIRoute)
            begin = route.path.split("/")[1]
            if "GET" in (route.methods or ()) and begin not in begins | _FILES:
                raise KeyError(f"{route.path} is not measured")
    return found


_FILES = {"list-csv", "campaign-receipts", "receipts-of-money", "personal-data"}
"""How the paths of files begin. They are made while they are sent, and have no bound."""


async def _get(client: httpx.AsyncClient, path: Path_, chance: random.Random) -> httpx.Response:
    return await client.get(path(chance))


async def _preview(
    client: httpx.AsyncClient, form: dict[str, str], size: Size, chance: random.Random
) -> httpx.Response:
    number = chance.randrange(size.subscriptions)
    sent = form | {"request_id": f"console/{number}-{chance.random()}"}
    return await client.post(f"/preview/extend/s{number:07}", data=sent)


async def _one(
    name: str, read: Callable[[], Awaitable[httpx.Response]], many: int
) -> tuple[Figure, Figure]:
    """The time of a page and its largest size."""
    found, largest = [], 0
    for number in range(many + _WARM):
        began = time.perf_counter()
        response = await read()
        if number >= _WARM:
            found.append(1000 * (time.perf_counter() - began))
            largest = max(largest, len(response.content))
        assert response.status_code in (200, 202, 404, 422), (name, response.text)
    title = f"{name} (half of them {percentile(found, 0.5):.0f} ms)"
    return (
        Figure(title, percentile(found, 0.95), "ms", at_most(PAGE_MS)),
        Figure(name, largest / 1000, "kB", at_most(PAGE_KB)),
    )


async def _cold(perennial: Perennial) -> list[Figure]:
    """The seconds that the figures of the wall take when none are kept."""
    figures = []
    for days in (14, 62):
        for source in SOURCES:
            if days == 62 and not source.by_days:
                continue
            began = time.perf_counter()
            await perennial.read(source.figures, days, None)
            name = ", ".join(source.names)
            figures.append(Figure(f"{name}, {days} days", time.perf_counter() - began, "s"))
    return figures
