"""Every background and list query on a large ledger: its time, and how PostgreSQL plans it.

A throwaway database is filled with set-based SQL, and everything but the newest lines of history is
verified. The queries are not copied here: the real functions run, and each statement that they
execute is timed and explained.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import islice
from threading import Event
from typing import Any, cast

from sqlalchemy import Connection, Engine, event, text

from activities.number_invoices import number_invoices
from activities.reconciliation.reconcile import Reconciliation
from activities.reconciliation.workflow_port import Limits, Standing
from bench.figures import Bar, Figure, Result, Say, at_most
from core.domain import policy
from core.domain.findings import Part, ReconcileRequest, ReconcileResult
from core.domain.numbers import NumberState
from core.domain.steps import Subject
from core.domain.transactions import TransactionKind
from core.gateways.simulated_cards import SimulatedCards
from core.ledger import stored_terms
from core.ledger.clocks import machine_now
from core.ledger.database import connect, migrate
from core.ledger.ledger import Ledger
from doors.application.perennial import Perennial
from doors.queries.account_list import account_rows
from doors.queries.accounts import find_account
from doors.queries.clocks import clock_rows
from doors.queries.histories import account_history, subscription_history
from doors.queries.invoices import invoices_of
from doors.queries.list_names import MoneyReport, WorkList
from doors.queries.numbers import number_rows
from doors.queries.reports import money_report
from doors.queries.statements import movements, statement
from doors.queries.subscriptions import find_subscription
from doors.queries.transactions import Wanted, transactions
from doors.queries.work_lists import WorkFilter, work_list, work_rows
from doors.service.relay import Relay
from local import postgres
from local.app_role import as_workers

BAR_MS = 20.0
#: Half of the invoices' operations renew, the other half top up. Both have two postings. A fifth of
#: the operations has one more pair.
_FILL = """
INSERT INTO accounts (id, seller, currency, timezone, balance)
  SELECT 'a' || lpad(n::text, 7, '0'), 'main', 'USD', 'UTC', 0
    FROM generate_series(0, :subscriptions - 1) n;
INSERT INTO subscriptions (id, account, clock, sku, quantity, multiplier, addons, legacy, align,
                           trial, status, auto_renew, renewal_failed, failure, anchor, months_paid,
                           cycle_months, expiry, cycles_paid, planned_at, attempted_at, expired_on,
                           terminated_on, policy_version, version, renewal_date, workflow_started)
  SELECT 's' || lpad(n::text, 7, '0'), 'a' || lpad(n::text, 7, '0'), NULL, 'PRO', 1, 1, '{}', false,
         false, false,
         CASE WHEN n % 50 = 0 THEN 'EXPIRED' ELSE 'ACTIVE' END, n % 20 <> 1, n % 40 = 2,
         CASE WHEN n % 40 = 2 THEN 'no_credits' END, '2020-01-01', 12, 1,
         current_date + CASE WHEN n % 50 = 0 THEN -(n % 28) - 1 ELSE n % 31 END, 12,
         now(), NULL, CASE WHEN n % 50 = 0 THEN current_date - n % 28 END, NULL, 1, 5,
         current_date + n % 31 - 7, true
    FROM generate_series(0, :subscriptions - 1) n;
INSERT INTO accounts (id, seller, currency, timezone, balance)
  VALUES ('busy', 'main', 'USD', 'Asia/Singapore', 0), ('wide', 'main', 'USD', 'UTC', 0);
INSERT INTO subscriptions (id, account, sku, quantity, multiplier, addons, legacy, align, trial,
                           status, auto_renew, renewal_failed, anchor, months_paid, cycle_months,
                           expiry, cycles_paid, planned_at, policy_version, version, renewal_date,
                           workflow_started)
  SELECT 'w' || lpad(n::text, 7, '0'), 'wide', 'PRO', 1, 1, '{}', false, false, false, 'ACTIVE',
         true, false, '2020-01-01', 12, 1, current_date + 20, 12, now(), 1, 5, current_date + 13,
         true
    FROM generate_series(1, :of_wide) n;
INSERT INTO numbers (seller, number, sku, state, hold, since, version)
  SELECT 'main', '+65' || lpad(n::text, 8, '0'), CASE WHEN n % 1000 = 0 THEN 'GOLD' ELSE 'LINE' END,
         'free', 'normal', current_date, 1
    FROM generate_series(1, :subscriptions) n;
INSERT INTO steps
  SELECT 'subscription', id, account, NULL,
         CASE WHEN status = 'EXPIRED' THEN 'end' WHEN NOT auto_renew THEN 'expire'
              WHEN renewal_failed THEN 'retry' ELSE 'renew' END,
         CASE WHEN status = 'EXPIRED' THEN 4 WHEN NOT auto_renew THEN 3 ELSE 1 END, renewal_date,
         CASE WHEN status = 'EXPIRED' THEN expiry + 29 WHEN NOT auto_renew THEN expiry + 1
              ELSE current_date + 1 + (expiry - current_date) % 24 END, '5.1', '', 5
    FROM subscriptions;
INSERT INTO messages (subscription, account, kind, expiry, due, state)
  SELECT s.id, s.account, 'notice_renewal', s.expiry - 31 * past.n,
         s.renewal_date - 7 - 31 * past.n,
         CASE WHEN past.n = 0 THEN 'planned' ELSE 'sent' END
    FROM subscriptions s CROSS JOIN generate_series(0, 4) past(n) WHERE s.status = 'ACTIVE';
CREATE TEMP TABLE made AS
  SELECT n AS id, 'a' || lpad((n % :subscriptions)::text, 7, '0') AS account,
         's' || lpad((n % :subscriptions)::text, 7, '0') AS subscription,
         n / :subscriptions AS turn,
         now() - interval '1 hour' - (:operations - n) * interval '25 seconds' AS at
    FROM generate_series(1, :operations) n;
INSERT INTO operations (id, seller, account, subscription, cycle, purpose, at, result)
  SELECT id, 'main', account, subscription, '2015-01-01'::date + turn::int * 31,
         CASE WHEN turn % 2 = 0 THEN 'top_up' ELSE 'next cycle' END, at, '{}' FROM made;
INSERT INTO postings
  SELECT id, line, CASE WHEN line % 2 = 1 THEN 'wallet'
                        WHEN turn % 2 = 0 THEN 'bank' ELSE 'revenue' END, account, 'USD',
         CASE WHEN (line + turn) % 2 = 1 THEN 10 ELSE -10 END
    FROM made CROSS JOIN generate_series(1, 2) line;
INSERT INTO history (at, account, subscription, event, amount, rule, actor, operation, facts,
                     balance)
  SELECT at, account, CASE WHEN turn % 2 = 1 THEN subscription END,
         CASE WHEN turn % 2 = 0 THEN 'topped_up' ELSE 'renewed' END,
         CASE WHEN turn % 2 = 0 THEN 10 ELSE -10 END, '5.1', 'perennial', id, '{}',
         sum(CASE WHEN turn % 2 = 0 THEN 10 ELSE -10 END) OVER (PARTITION BY account ORDER BY id)
    FROM made ORDER BY id;
CREATE TEMP TABLE of_busy AS
  SELECT :operations + n AS id, now() - (:of_busy - n) * interval '2 minutes' AS at,
         CASE WHEN n % 5000 = 0 THEN 'refunded' WHEN n % 10 = 0 THEN 'topped_up'
              WHEN n % 10 = 5 THEN 'renewed' ELSE 'usage' END AS event,
         CASE WHEN n % 5000 = 0 THEN 5 WHEN n % 10 = 0 THEN 20 WHEN n % 10 = 5 THEN -10
              ELSE -0.12345 END AS amount
    FROM generate_series(1, :of_busy) n;
INSERT INTO operations (id, seller, account, subscription, cycle, purpose, at, result)
  SELECT id, 'main', 'busy',
         CASE WHEN event = 'renewed' THEN 'w' || lpad((id % 97)::text, 7, '0') END, NULL,
         CASE event WHEN 'refunded' THEN 'terminate' WHEN 'topped_up' THEN 'top_up'
                    WHEN 'renewed' THEN 'next cycle' ELSE 'usage' END, at, '{}' FROM of_busy;
INSERT INTO postings
  SELECT id, line, CASE WHEN line = 1 THEN 'wallet'
                        ELSE CASE event WHEN 'refunded' THEN 'refunds' WHEN 'topped_up' THEN 'bank'
                                        WHEN 'renewed' THEN 'revenue' ELSE 'usage' END END,
         'busy', 'USD', CASE WHEN line = 1 THEN amount ELSE -amount END
    FROM of_busy CROSS JOIN generate_series(1, 2) line;
INSERT INTO history (at, account, subscription, event, amount, rule, actor, operation, facts,
                     balance)
  SELECT at, 'busy', CASE WHEN event = 'renewed' THEN 'w' || lpad((id % 97)::text, 7, '0') END,
         event, amount, '5.1', 'perennial', id, '{}', sum(amount) OVER (ORDER BY id)
    FROM of_busy ORDER BY id;
DROP TABLE of_busy;
INSERT INTO periods
  SELECT id, id, subscription, account, '2015-01-01'::date + turn::int * 31,
         '2015-01-31'::date + turn::int * 31, 1, '2015-01-01'::date + turn::int * 31
    FROM made WHERE turn % 2 = 1;
INSERT INTO period_charges SELECT id, id, 10 FROM made WHERE turn % 2 = 1;
INSERT INTO invoices (id, seller, account, operation, kind, date, currency, total, lines, number)
  SELECT id, 'main', account, id, 'individual', current_date, 'USD', 10,
         '[{"text": "PRO", "amount": "10.00"}]', CASE WHEN id <= :invoices - :new THEN id END
    FROM made WHERE id <= :invoices ORDER BY id;
INSERT INTO card_charges
    (key, account, subscription, card, amount, currency, asked_at, outcome, reason, booked)
  SELECT 'k' || n, 'a' || lpad(n::text, 7, '0'), 's' || lpad(n::text, 7, '0'), 'sim_ok', 10, 'USD',
         now() - interval '2 hours', CASE WHEN n % 100 < 2 THEN 'declined' ELSE 'charged' END,
         CASE WHEN n % 100 = 0 THEN 'never made' WHEN n % 100 = 1 THEN 'card declined' END,
         n % 1000 <> 500
    FROM generate_series(0, :subscriptions - 1) n;
UPDATE accounts SET balance = moved.sum
  FROM (SELECT account, sum(amount) FROM postings WHERE book = 'wallet' GROUP BY 1) moved
 WHERE moved.account = accounts.id;
INSERT INTO verified_balances
  SELECT account, sum(amount), max(seq), false,
         jsonb_object_agg(purpose, jsonb_build_array(times, amount::text, seq, last))
    FROM (SELECT h.account, o.purpose, count(*) AS times, sum(h.amount) AS amount, max(seq) AS seq,
                 max(o.id) AS last
            FROM history h JOIN operations o ON o.id = h.operation
           WHERE seq <= (SELECT max(seq) - :new FROM history) GROUP BY 1, 2) moved GROUP BY account;
INSERT INTO reconciliation_marks (name, number)
  SELECT 'history', max(seq) - :new FROM history
  UNION ALL SELECT 'invoice numbers of main', coalesce(max(number), 0) FROM invoices;
DROP TABLE made
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large the ledger is: 2 postings an operation.

    `of_busy`: more operations of one account. `of_wide`: more subscriptions of another one.
    """

    subscriptions: int
    operations: int
    invoices: int
    of_busy: int = 2_000
    of_wide: int = 1_000


FULL = Size(
    subscriptions=100_000,
    operations=2_500_000,
    invoices=1_000_000,
    of_busy=500_000,
    of_wide=10_000,
)
QUICK = Size(subscriptions=2_000, operations=20_000, invoices=10_000)
#: So many lines of history and invoices are new.
_NEW = 1000
#: So many batches of a full pass are run.
_MOST_BATCHES = 40
PRO = {"sku": "PRO", "kind": "application", "months": 1, "prices": {"USD": "10.00"}}


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that was executed: its milliseconds, its text and its parameters."""

    ms: float
    sql: str
    parameters: Any


async def measure(quick: bool, say: Say) -> list[Result]:
    """Fill a ledger, and run every background and list query on it."""
    stop = Event()
    try:
        return await asyncio.to_thread(_measure, QUICK if quick else FULL, say, stop)
    finally:
        stop.set()  # After ctrl-C the thread ends with the query that runs.


def _measure(size: Size, say: Say, stop: Event) -> list[Result]:
    with postgres.throwaway() as url:
        migrate(url)
        engine = connect(url, pool_size=4)
        say(f"filling a ledger with {2 * size.operations:,} postings")
        begin = time.perf_counter()
        fill(engine, size)
        filled = time.perf_counter() - begin
        say("queries of the background and of lists")
        figures = []
        workers = connect(as_workers(url), pool_size=4)
        for figure in run(workers, engine):
            say(f"{figure.value:.1f} ms for {figure.name}")
            figures.append(figure)
            if stop.is_set():
                break
        for pool in (workers, engine):
            pool.dispose()
    title = (
        f"Queries: {2 * size.operations:,} postings, {size.invoices:,} invoices, "
        f"{size.subscriptions:,} subscriptions"
    )
    notes = [f"Filled in {filled:.0f} s. Each line is the slowest statement of one batch or page."]
    return [Result(title, figures, notes)]


def fill(engine: Engine, size: Size) -> None:
    """Fill an empty ledger. The guards are off meanwhile."""
    values = {
        "subscriptions": size.subscriptions,
        "operations": size.operations,
        "invoices": size.invoices,
        "of_busy": size.of_busy,
        "of_wide": size.of_wide,
        "new": min(_NEW, size.invoices),
    }
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        stored_terms.add_policy(connection, "main", policy.DEFAULT)
        stored_terms.add_catalog(connection, "main", [PRO])
        connection.execute(text("SET LOCAL work_mem = '256MB'"))
        for statement in _FILL.split(";\n"):
            bare = statement
            for name, value in values.items():
                bare = bare.replace(f":{name}", str(value))
            connection.exec_driver_sql(bare.replace("%", "%%"))
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM (ANALYZE)"))


@dataclass(frozen=True, slots=True)
class _Installation:
    """What the relay needs to find notices that are due."""

    ledger: Ledger


class NoWorkflows:
    """Workflows that run and know what is committed, so that only the database is measured."""

    async def standing(self, subject: Subject) -> Standing:
        """It is busy, so it is not asked."""
        return Standing(runs=True, idle=False)

    async def known(self, subject: Subject) -> None:
        """It is not asked."""

    async def start(self, subject: Subject) -> None:
        """Nothing is started."""

    async def campaign_standing(self, campaign: str) -> Standing:
        """It is busy."""
        return Standing(runs=True, idle=False)

    async def start_campaign(self, campaign: str) -> None:
        """Nothing is started."""

    async def tell(self, snapshot: Any) -> None:
        """Nothing is told."""


def run(workers: Engine, owner: Engine) -> Iterator[Figure]:
    """A figure for each query.

    The lists see the rows of a seller, as the API does, and the background those of every seller
    (docs/decisions/0033). `owner`: who looks at the views.
    """
    ledger, background = Ledger(workers), Ledger(workers, every_seller=True)
    relay = Relay(cast(Perennial, _Installation(background)))
    engine = ledger.engine
    account, subscription = "a0000042", "s0000042"
    soon = _today() + timedelta(days=3)
    lists: dict[str, Callable[[], object]] = {
        **{
            f"list {which}, first page": partial(work_list, ledger, which, most=200)
            for which in WorkList
        },
        "list active, all, by expiry date": lambda: work_list(
            ledger, WorkList.ACTIVE, expiry_from=soon, expiry_to=soon
        ),
        "list failed of one account": lambda: work_list(ledger, WorkList.FAILED, account=account),
        **{
            f"{name} of an account with many": partial(_first, query)
            for name, query in _transactions(ledger).items()
        },
        "statement of a month of an account with many": lambda: _statement(ledger),
        "list active of an account with many": lambda: _first(
            lambda: work_rows(ledger, WorkList.ACTIVE, WorkFilter(account="wide"), after="w0000500")
        ),
        "one account with many": lambda: find_account(ledger, "wide"),
        "list of accounts": lambda: _first(lambda: account_rows(ledger, after="a0000100")),
        "list of numbers": lambda: _first(lambda: number_rows(ledger, after="+6500000100")),
        "list of free numbers of a SKU": lambda: _first(
            lambda: number_rows(ledger, state=NumberState.FREE, sku="GOLD")
        ),
        "history of an account": lambda: account_history(ledger, account),
        "history of a subscription": lambda: subscription_history(ledger, subscription),
        "invoices of an account": lambda: invoices_of(ledger, account),
        "relay: notices that are due": lambda: relay._due(()),
        "one account": lambda: find_account(ledger, account),
        "one subscription": lambda: find_subscription(ledger, subscription),
        "test clocks": lambda: list(clock_rows(ledger)),
        "view account_list, a page": lambda: _page_of(
            owner, "SELECT * FROM account_list WHERE id > 'a0000100' ORDER BY id LIMIT 100"
        ),
        "view subscription_list of an account": lambda: _page_of(
            owner, "SELECT * FROM subscription_list WHERE account = 'a0000042'"
        ),
    }
    for name, query in lists.items():
        of = {"view": owner, "relay": background.engine}
        yield _figure(of.get(name.split(" ")[0].rstrip(":"), engine), name, query)
    yield from _reports(engine, ledger)
    engine = background.engine
    yield _figure(engine, "number a batch of 100 invoices", lambda: number_invoices(background))
    while number_invoices(background):
        pass
    yield _figure(engine, "number invoices, none is new", lambda: number_invoices(background))
    yield from _reconciliation(engine, background)


def _reports(engine: Engine, ledger: Ledger) -> Iterator[Figure]:
    """Each report of last month, which is a whole one. They have no bar: they read its postings."""
    last = (_today().replace(day=1) - timedelta(days=1)).replace(day=1)
    for report in MoneyReport:
        query = partial(money_report, ledger, report, last, last)
        yield _figure(engine, f"report {report.value} of a month", query, bar=None)


def _transactions(ledger: Ledger) -> dict[str, Callable[[], Iterator[object]]]:
    """Pages of transactions of the busy account, from its middle on."""
    middle, today = _middle(ledger), _today()
    filters = {"all": Wanted(account="busy")}
    filters |= {str(kind): Wanted(account="busy", kind=kind) for kind in TransactionKind}
    filters["of a subscription"] = Wanted(account="busy", subscription="w0000042")
    filters["of some days"] = Wanted(account="busy", first_day=date(2000, 1, 1), last_day=today)
    return {
        f"transactions, {name}, {'newest' if newest_first else 'oldest'} first": partial(
            transactions, ledger, wanted, after=middle, newest_first=newest_first
        )
        for newest_first in (True, False)
        for name, wanted in filters.items()
    }


def _middle(ledger: Ledger) -> int:
    with ledger.read() as connection:
        query = "SELECT (min(seq) + max(seq)) / 2 FROM history WHERE account = 'busy'"
        return int(connection.exec_driver_sql(query).scalar_one())


def _today() -> date:
    return date.today()  # noqa: DTZ011


def _first(rows: Callable[[], Iterator[object]]) -> None:
    """Read the first page of a list, and one row more."""
    list(islice(rows(), 201))


def _statement(ledger: Ledger) -> None:
    made = statement(ledger, "busy", _today() - timedelta(days=60), _today() - timedelta(days=31))
    _first(lambda: movements(ledger, made))


def _reconciliation(engine: Engine, ledger: Ledger) -> Iterator[Figure]:
    limits = Limits(passes=24)
    parts = Reconciliation(ledger, SimulatedCards(engine), NoWorkflows(), limits)
    for full in (False, True):
        for part in Part:
            batches, begin = 0, time.perf_counter()
            slowest: Statement | None = None
            after: str | None = ""
            while after is not None and batches < (_MOST_BATCHES if full else batches + 1):
                request = ReconcileRequest(part=part, now=machine_now(), after=after, full=full)
                with statements(engine) as executed:
                    result: ReconcileResult = asyncio.run(parts.reconcile(request))
                looked = [*executed, *filter(None, [slowest])]
                slowest = max(looked, key=lambda s: s.ms, default=None)
                batches, after = batches + 1, result.after
            if slowest is None:
                continue  # The part is looked at in a full pass only.
            seconds = time.perf_counter() - begin
            which = "a full pass" if after is None else "the begin of a full pass"
            which = which if full else "an incremental pass"
            name = f"reconcile {part}, {which} ({batches} batches, {seconds:.1f} s)"
            yield _of(engine, name, slowest)


def _page_of(engine: Engine, query: str) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(query).all()


@contextmanager
def statements(engine: Engine) -> Iterator[list[Statement]]:
    """The statements that are executed in the block, with their times."""
    found: list[Statement] = []

    def before(*args: Any) -> None:
        args[4]._began = time.perf_counter()

    def after(*args: Any) -> None:
        ms = 1000 * (time.perf_counter() - args[4]._began)
        found.append(Statement(ms, args[2], args[3]))

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "after_cursor_execute", after)


_PAGE_BAR = at_most(BAR_MS)


def _figure(
    engine: Engine, name: str, query: Callable[[], object], bar: Bar | None = _PAGE_BAR
) -> Figure:
    """The slowest statement of a query. The first run warms the connection and the caches."""
    query_again = name.startswith("number")
    if not query_again:
        query()
    with statements(engine) as executed:
        query()
    return _of(engine, name, max(executed, key=lambda statement: statement.ms), bar)


def _of(engine: Engine, name: str, statement: Statement, bar: Bar | None = _PAGE_BAR) -> Figure:
    with engine.connect() as connection:
        shape = plan(connection, statement)
        connection.rollback()
    return Figure(f"{name}: {shape}", statement.ms, "ms", bar)


def plan(connection: Connection, statement: Statement) -> str:
    """The indexes that a statement uses, and the tables that it reads from end to end."""
    if not statement.sql.lstrip().upper().startswith(("SELECT", "WITH", "UPDATE", "INSERT")):
        return ""
    explained = connection.exec_driver_sql(
        f"EXPLAIN (FORMAT JSON) {statement.sql}", statement.parameters
    ).scalar_one()
    document = json.loads(explained) if isinstance(explained, str) else explained
    used: dict[str, None] = {}
    _walk(document[0]["Plan"], used)
    return ", ".join(used)


def _walk(node: dict[str, Any], used: dict[str, None]) -> None:
    if "Index Name" in node:
        used[node["Index Name"]] = None
    elif node["Node Type"] == "Seq Scan":
        used[f"all of {node['Relation Name']}"] = None
    for child in node.get("Plans", []):
        _walk(child, used)
