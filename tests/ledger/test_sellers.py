"""One seller never sees another's rows, whatever SQL says (docs/decisions/0033).

Every table and every query is walked. A new table without a policy is a failure, and so is a new
query whose parameters are not known here.
"""

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from types import GeneratorType
from typing import Any

import pytest
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError, IntegrityError

import doors.queries
from activities.documents import invoice_document
from activities.number_invoices import number_invoices_of
from activities.registry import Activities
from core.domain import policy
from core.domain.commands.change_owner import ChangeOwner
from core.domain.commands.purchase import Purchase
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.commands.transfer import Transfer
from core.domain.documents import Format
from core.domain.refusal import Refused
from core.domain.roles import Role
from core.gateways.simulated_cards import SimulatedCards
from core.ledger import api_keys, row_security, stored_terms
from core.ledger.clocks import now_of
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from core.ledger.tables import Base
from doors.application.direct_engine import Direct
from doors.queries.campaign_selections import Selection
from doors.queries.deliveries import find_message, require_messages
from doors.queries.event_stream import lines_between
from doors.queries.invoices import find_invoice
from doors.queries.list_names import MoneyReport, WorkList
from doors.queries.newest_documents import Kind
from doors.queries.search import search
from doors.queries.snapshot import NotFound
from doors.queries.transactions import Wanted
from doors.queries.work_lists import WorkFilter
from settings import PROJECT
from tests.ledger.conftest import DAY, LONG_AGO, PRO, Shop
from tests.shared_database import of_workers

TABLES = list(Base.metadata.sorted_tables)
EVERY = "reconciliation_marks"
"""The table that holds rows of no seller. The background alone sees it."""
OURS, THEIRS = "main", "rival"

#: Rows that the use cases below leave out, so that each table has one of each seller.
_MORE = """
INSERT INTO seller_credits (seller, currency, amount, at, request_id, actor)
  VALUES ('{s}', 'USD', 5, now(), '{s}-credit', '{s}');
INSERT INTO seller_wallets VALUES ('{s}', 'USD', 0, 5);
INSERT INTO seller_profiles VALUES ('{s}', 1, '{{}}', NULL, now(), '{s}');
INSERT INTO customer_profiles VALUES ('{s}-acme', 1, '{{}}', now(), '{s}');
INSERT INTO tax_rates (seller, country, since, percent, name, shown, at, actor)
  VALUES ('{s}', 'DE', '2021-01-01', 19, '{s}', 'inclusive', now(), '{s}');
INSERT INTO clocks VALUES ('{s}-clock', '{s}', '2021-03-01');
INSERT INTO trials VALUES ('{s}-acme', 'phone', '{s}-s1');
INSERT INTO tellings VALUES ('subscription', '{s}-s1', NULL, 9), ('account', '{s}-acme', NULL, 9);
INSERT INTO numbers (seller, number, sku, state, hold, since, version)
  VALUES ('{s}', '+1{n}', 'DID', 'free', 'normal', '2021-01-01', 1);
INSERT INTO number_history (seller, number, at, what, actor)
  VALUES ('{s}', '+1{n}', now(), 'imported', '{s}');
INSERT INTO monthly_amounts SELECT id, 1, account, '2021-03-01', false, '{s}', 1
  FROM operations WHERE seller = '{s}' LIMIT 1;
INSERT INTO subscription_people VALUES ('{s}-s1', '{s}@x.example', '{s}');
INSERT INTO endpoints (seller, name, kind, url, salt, key, added_at, added_by)
  VALUES ('{s}', '{s}-hook', 'webhook', 'https://{s}.example', 'x', 'y', now(), '{s}');
INSERT INTO alarms (seller, kind, key, at, facts)
  VALUES ('{s}', 'alarm_findings', '{s}', now(), '{{}}');
INSERT INTO staff (id, seller, email, name, role, created_at, created_by)
  VALUES ('{s}-ann', '{s}', '{s}@x.example', '{s}', 'admin', now(), '{s}');
INSERT INTO sessions VALUES ('{s}-session', '{s}', '{s}-ann', repeat('0', 64), 'password', '',
                             now(), now());
INSERT INTO api_requests VALUES ('{s}', '{s}-request', 'add_endpoint', '', '{{}}', now(), '{s}');
INSERT INTO background_requests (seller, request_id, "do", fingerprint, actor, asked_at, told_at,
                                 run, about)
  VALUES ('{s}', '{s}-request', 'import_customers', '', '{s}', now(), now(), '', '{{}}');
INSERT INTO recovery_codes VALUES ('{s}-ann', repeat('0', 64), '{s}');
INSERT INTO staff_rules VALUES ('{s}', true);
INSERT INTO money_limits VALUES ('{s}', 'support', 'USD', 5, 9);
INSERT INTO money_moved VALUES ('{s}', '{s}-request', 'key/1', '2021-03-01', 'USD', 5);
INSERT INTO approvals (id, seller, "do", "values", request_id, fingerprint, who, asked_by, role,
                       amount, currency, why, asked_at, state)
  VALUES ('{s}-approval', '{s}', 'adjust', '{{}}', '{s}-request', '', 'key/1', '{s}', 'support',
          5, 'USD', '', now(), 'open');
INSERT INTO term_effects (id, seller, kind, draft, asked_at, asked_by, told_at)
  VALUES ('{s}-effect', '{s}', 'policy', '{{}}', now(), '{s}', now());
INSERT INTO audit (seller, chain, position, at, actor, by, address, act, outcome, previous, hash)
  VALUES ('{s}', 0, 9, now(), '{s}', '', '', 'adjust', 'done', '', '');
INSERT INTO deliveries (endpoint, event, account, subject)
  SELECT e.id, h.seq, h.account, h.account FROM endpoints e, history h
   WHERE e.seller = '{s}' AND h.account = '{s}-acme' LIMIT 1;
INSERT INTO imports (seller, kind, file, digest, prefix, actor, at)
  VALUES ('{s}', 'customers', '{s}.csv', '{s}', '', '{s}', now());
INSERT INTO imported SELECT id, '{s}-acme', '{s}-s1' FROM imports WHERE seller = '{s}';
INSERT INTO imported SELECT id, '', '+1{n}' FROM imports WHERE seller = '{s}';
INSERT INTO card_charges (key, account, card, amount, currency, asked_at)
  VALUES ('{s}-charge', '{s}-acme', 'sim_ok', 5, 'USD', now());
INSERT INTO verified_balances VALUES ('{s}-acme', 5, 1, false, '{{}}');
INSERT INTO erasures (account, seller, asked_at, years) VALUES ('{s}-acme', '{s}', now(), 10);
INSERT INTO campaigns (id, seller, request_id, fingerprint, "do", options, actor, selection, rows,
                       rate, state, started_at)
  VALUES ('{s}-campaign', '{s}', '{s}-campaign', '', 'extend', '{{"cycles": 1}}', '{s}', '{s}', 1,
          1, 'running', now());
INSERT INTO campaign_rows (campaign, "row", line, subscription)
  VALUES ('{s}-campaign', 1, 1, '{s}-s1');
INSERT INTO reconciliation_marks (name) VALUES ('{s}');
"""


class Two:
    """An installation with two sellers, seen by the role of the workers."""

    def __init__(self, shop: Shop, url: str) -> None:
        self.owner = shop
        self._pool = connect(of_workers(url), pool_size=3)
        for seller, digit in ((OURS, 1), (THEIRS, 2)):
            self._fill(seller, digit)

    def ledger(self, seller: str = OURS, *, every: bool = False) -> Ledger:
        """What a process of the seller sees."""
        return Ledger(self._pool, seller, lambda: LONG_AGO, every_seller=every)

    def shop(self, seller: str = OURS, *, every: bool = False) -> Shop:
        """What a process of the seller does."""
        ledger = self.ledger(seller, every=every)
        cards = SimulatedCards(ledger.engine)
        return replace(self.owner, ledger=ledger, engine=Direct(Activities(ledger, cards)))

    def close(self) -> None:
        """Close the connections."""
        self._pool.dispose()

    def _fill(self, seller: str, digit: int) -> None:
        shop = self.shop(seller)
        with shop.ledger.engine.begin() as connection:
            if seller != OURS:
                connection.exec_driver_sql(f"INSERT INTO sellers (id) VALUES ('{seller}')")
                stored_terms.add_policy(connection, seller, policy.DEFAULT)
                stored_terms.add_catalog(connection, seller, [PRO])
            api_keys.create(connection, seller, seller, Role.ADMIN, now=DAY, actor=seller)
        shop.open(
            f"{seller}-acme", seller=seller, owner=seller, billing_email=f"{seller}@x.example"
        )
        assert (
            shop.buy(f"{seller}-s1", f"{seller}-acme", request_id=f"{seller}-buy").refusal is None
        )
        assert shop.buy(f"{seller}-s2", f"{seller}-acme").refusal is None
        top_up = TopUp(account=f"{seller}-acme", amount=Decimal(5), request_id=f"{seller}-top-up")
        assert shop.do(top_up).refusal is None
        ended = Terminate(subscription=f"{seller}-s2", reason=seller)
        assert shop.do(ended, DAY + timedelta(days=1)).refusal is None
        assert shop.buy(f"{seller}-s1", f"{seller}-acme", quantity=2).refusal is not None
        while number_invoices_of(shop.ledger, seller):
            pass
        invoice_document(shop.ledger, 1, Format.HTML)
        more = _MORE.format(s=seller, n=str(digit) * 10)
        with self.owner.ledger.engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            for statement in more.split(";\n"):
                if statement.strip():
                    connection.exec_driver_sql(statement)


@pytest.fixture
def two(shop: Shop, database: str) -> Iterator[Two]:
    opened = Two(shop, database)
    yield opened
    opened.close()


def keys(connection: Connection, table: Table) -> set[tuple[Any, ...]]:
    """The primary keys of the rows that are seen."""
    names = ", ".join(f'"{column.name}"' for column in table.primary_key)
    return {tuple(row) for row in connection.exec_driver_sql(f"SELECT {names} FROM {table.name}")}


def seen_by(ledger: Ledger, table: Table) -> set[tuple[Any, ...]]:
    """The primary keys of the rows that a ledger sees."""
    with ledger.read() as connection:
        return keys(connection, table)


def test_each_row_of_each_table_is_seen_by_its_seller_alone(two: Two) -> None:
    for table in TABLES:
        ours, theirs = (seen_by(two.ledger(seller), table) for seller in (OURS, THEIRS))
        there = seen_by(two.owner.ledger, table)
        assert seen_by(two.ledger(every=True), table) == there, table.name
        if table.name == EVERY:
            assert not ours | theirs
            assert there
            continue
        assert ours, f"{table.name} needs a row of each seller in this test"
        assert theirs, f"{table.name} needs a row of each seller in this test"
        assert not ours & theirs, table.name
        assert ours | theirs == there, table.name


def test_a_connection_without_a_seller_sees_nothing(two: Two) -> None:
    for table in TABLES:
        with two._pool.connect() as connection:
            assert keys(connection, table) == set(), table.name
    with row_security.seeing(two._pool, "nobody").connect() as connection:
        for report in MoneyReport:
            view = f"report_{report.value.replace('-', '_')}"
            assert connection.exec_driver_sql(f"SELECT 1 FROM {view}").first() is None


def attacked(ledger: Ledger, sql: str, values: dict[str, Any]) -> int:
    """How many rows a statement reaches, without the mercy of missing rights."""
    with ledger.engine.connect() as connection:
        count: int = connection.exec_driver_sql(sql, values).rowcount
        connection.rollback()
        return count


def test_no_row_of_another_seller_is_changed_deleted_or_added(two: Two) -> None:
    """The role has every right here, and triggers do not help: the policies alone hold."""
    two.owner.run("GRANT ALL ON ALL TABLES IN SCHEMA public TO perennial_app")
    for table in TABLES:
        name, key = table.name, [column.name for column in table.primary_key]
        two.owner.run(f"ALTER TABLE {name} DISABLE TRIGGER USER")
        of_key = " AND ".join(f'"{column}" = %({column})s' for column in key)
        theirs = sorted(seen_by(two.ledger(THEIRS), table)) or sorted(
            seen_by(two.owner.ledger, table)
        )
        values = dict(zip(key, theirs[0], strict=True))
        change = f'UPDATE {name} SET "{key[0]}" = "{key[0]}" WHERE {of_key}'
        assert attacked(two.ledger(), change, values) == 0, name
        assert attacked(two.ledger(), f"DELETE FROM {name} WHERE {of_key}", values) == 0, name
        if name in ("period_charges", "refunds"):
            continue  # Their guards look at who adds them: see the next test.
        with two.owner.ledger.read() as connection:
            query = f"SELECT row_to_json({name}) FROM {name} WHERE {of_key}"
            row = connection.exec_driver_sql(query, values).scalar_one()
        add = (
            f"INSERT INTO {name} OVERRIDING SYSTEM VALUE "
            f"SELECT * FROM json_populate_record(NULL::{name}, %(row)s)"
        )
        with pytest.raises(DBAPIError, match="row-level security"):
            attacked(two.ledger(), add, {"row": json.dumps(row)})


def test_charges_and_refunds_of_another_sellers_periods_cannot_be_added(two: Two) -> None:
    """Rules 8.2, 8.4: the guards do not find what another seller has."""

    def ids(seller: str, table: str) -> list[int]:
        with two.ledger(seller).read() as connection:
            query = f"SELECT id FROM {table} ORDER BY id"
            return list(connection.exec_driver_sql(query).scalars())

    period, operation = ids(THEIRS, "periods")[0], ids(THEIRS, "operations")[-1]
    mine, by = ids(OURS, "periods")[0], ids(OURS, "operations")[-1]
    for table in ("period_charges", "refunds"):
        for values in ((period, by), (mine, operation), (period, operation)):
            add = f"INSERT INTO {table} VALUES ({values[0]}, {values[1]}, 0.01)"
            with pytest.raises(DBAPIError), two.ledger().engine.begin() as connection:
                connection.exec_driver_sql(add)


def test_a_unit_of_work_of_the_background_sees_the_seller_of_its_account_only(two: Two) -> None:
    count = "SELECT count(*) FROM accounts"
    ledger = two.ledger(every=True)
    with ledger.read() as connection:
        assert connection.exec_driver_sql(count).scalar_one() == 2
    for seller in (OURS, THEIRS):
        with ledger.work(DAY, subscription=f"{seller}-s1") as work:
            seen = work.connection.exec_driver_sql("SELECT id FROM accounts").scalars().all()
            assert seen == [f"{seller}-acme"]
    # The setting ends with the transaction, though the connection stays in the pool.
    with ledger.read() as connection:
        assert connection.exec_driver_sql(count).scalar_one() == 2


def test_commands_about_two_sellers_are_refused_in_the_background_too(two: Two) -> None:
    """Rules 9, 11.2: an account of another seller is as one that does not exist."""
    for every in (False, True):
        shop = two.shop(every=every)
        for to in ("rival-acme", "nobody"):
            given = shop.do(ChangeOwner(subscription="main-s1", account=to))
            assert str(given.refusal).replace(to, "it") == str(
                shop.do(ChangeOwner(subscription="main-s1", account="it")).refusal
            )
            moved = shop.do(Transfer(account="main-acme", to=to, amount=Decimal(1)))
            assert str(moved.refusal).replace(to, "it") == str(
                shop.do(Transfer(account="main-acme", to="it", amount=Decimal(1))).refusal
            )


def test_an_id_that_another_seller_has_is_taken(two: Two) -> None:
    """Rule 4.1."""
    purchase = Purchase(subscription="rival-s1", account="main-acme", sku="PRO")
    assert str(two.shop().do(purchase).refusal) == "rival-s1 exists (rule 4.1)"
    unknown = Purchase(subscription="s9", account="rival-acme", sku="PRO")
    assert str(two.shop().do(unknown).refusal) == "there is no account rival-acme (rule 4.1)"


def test_the_test_clock_of_another_seller_is_used_by_nothing(two: Two) -> None:
    """The owner of the tables sees it, as in an embedded stack. A query and the database refuse."""
    clock = f"{THEIRS}-clock"
    with two.owner.ledger.read() as connection, pytest.raises(LookupError, match="no test clock"):
        now_of(connection, OURS, clock)
    accounts = (
        "INSERT INTO accounts (id, seller, currency, timezone, clock)"
        f" VALUES ('new', '{OURS}', 'USD', 'UTC', '{clock}')"
    )
    imports = (
        "INSERT INTO imports (seller, kind, file, digest, prefix, clock, actor, at)"
        f" VALUES ('{OURS}', 'customers', 'f', 'd', '', '{clock}', 'ann', now())"
    )
    for statement in (accounts, imports):
        with pytest.raises(IntegrityError, match="own_clock"):
            two.owner.run(statement)


def test_the_undoing_of_an_import_stops_at_the_seller(two: Two) -> None:
    undo = "SELECT undo_import(ARRAY[1, 2]::bigint[], ARRAY['rival-acme'], now())"
    with pytest.raises(DBAPIError, match="more than its import"):
        attacked(two.ledger(), undo, {})


QUERIES: dict[str, Any] = {
    "id_": ("rival-s1", "rival-acme"),
    "account": ("rival-acme",),
    "asked": ("rival-acme",),
    "subscriptions": (["rival-s1", "rival-s2"],),
    "campaign": ("rival-campaign",),
    "clock": ("rival-clock",),
    "endpoint": (None, "rival-hook"),
    "number": ("+12222222222", "1"),
    "request_id": ("rival-buy",),
    "seller": (None, "rival"),
    "which": tuple(WorkList),
    "report": tuple(MoneyReport),
    "of": (WorkFilter(), WorkFilter(account="rival-acme")),
    "wanted": (Wanted(account="rival-acme"),),
    "selection": (Selection(which=WorkList.ACTIVE, account="rival-acme"),),
    "name": ("rival-hook",),
    "version": (1,),
    "place": ("selection",),
    "document": tuple(Kind),
    "subscription": ("rival-s1",),
    "months": (2,),
    "most": (5,),
    "first": (date(2021, 1, 1),),
    "last": (date(2021, 12, 1),),
    "first_day": (date(2021, 1, 1),),
    "last_day": (date(2021, 12, 31),),
}
"""What a query is asked for, by the name of its parameter."""
SPECIAL: dict[Callable[..., Any], Any] = {
    find_message: (1, 2),
    require_messages: ([1], [2]),
    find_invoice: (1, 2),
    lines_between: (0, 10_000),
    search: ("rival-acme", "rival", "rival@x.example", "rival-s", "+12222222222", "1"),
}
"""What these are asked for, whatever their required parameters are called."""
GIVEN_BY_ANOTHER = {"open_snapshot", "movements", "statement_facts", "lines_of"}
"""Functions that get what another query has found."""


def queries() -> Iterator[Callable[..., Any]]:
    """Every public function of doors/queries that reads a ledger."""
    for found in pkgutil.iter_modules(doors.queries.__path__):
        module = importlib.import_module(f"doors.queries.{found.name}")
        for name, function in vars(module).items():
            if not inspect.isfunction(function) or function.__module__ != module.__name__:
                continue
            parameters = list(inspect.signature(function).parameters.values())
            if not name.startswith("_") and parameters and parameters[0].name == "ledger":
                yield function


def asked(query: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """The arguments of a query that ask for the other seller's, in all combinations."""
    found: list[dict[str, Any]] = [{}]
    for parameter in list(inspect.signature(query).parameters.values())[1:]:
        required = parameter.default is inspect.Parameter.empty
        if not required and parameter.name not in QUERIES:
            continue
        usual = QUERIES.get(parameter.name, ())
        values = SPECIAL.get(query, usual) if required else usual
        assert values, f"{query.__name__}: say here what its {parameter.name} may be"
        values = values if required else (parameter.default, *values)
        found = [{**one, parameter.name: value} for one in found for value in values]
    yield from found


def told(query: Callable[..., Any], ledger: Ledger, arguments: dict[str, Any]) -> str:
    """Everything that a query tells, beside that it repeats what it was asked for."""
    try:
        result = query(ledger, **arguments)
        text = repr(list(result) if isinstance(result, GeneratorType) else result)
    except (NotFound, LookupError, Refused, ValueError) as error:
        text = str(error)
    return text


def test_no_query_tells_what_another_seller_has(two: Two) -> None:
    walked = [query for query in queries() if query.__name__ not in GIVEN_BY_ANOTHER]
    assert len(walked) > 30
    for query in walked:
        for arguments in asked(query):
            text = told(query, two.ledger(), arguments)
            for value in (
                "rival-s1",
                "rival-s2",
                "rival-acme",
                "rival-campaign",
                "rival-clock",
                "rival-hook",
                "rival-buy",
            ):
                if value in repr(arguments):
                    text = text.replace(value, "it")
            assert "rival" not in text, (query.__name__, arguments, text)


def test_policies_stand_on_every_table(two: Two) -> None:
    query = "SELECT relname FROM pg_class WHERE relrowsecurity"
    assert {row[0] for row in two.owner.rows(query)} == {table.name for table in TABLES}
    role = (
        "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = 'perennial_app'"
    )
    assert two.owner.rows(role) == [(False, False, False)]
    owned = "SELECT count(*) FROM pg_class WHERE relowner = 'perennial_app'::regrole"
    assert two.owner.value(owned) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE accounts DISABLE ROW LEVEL SECURITY",
        "DROP POLICY of_seller ON accounts",
        "ALTER TABLE accounts NO FORCE ROW LEVEL SECURITY",
        "SET LOCAL row_security = off; SELECT * FROM accounts",
        "SET ROLE postgres",
        "SELECT * FROM subscription_list",
        "SELECT * FROM account_list",
        "SELECT * FROM money_by_day",
    ],
)
def test_the_role_of_the_workers_cannot_get_round_the_policies(two: Two, statement: str) -> None:
    with pytest.raises(DBAPIError):
        attacked(two.ledger(), statement, {})


def test_one_place_asks_for_every_seller() -> None:
    asks = [
        str(path.relative_to(PROJECT))
        for room in ("activities", "core", "doors", "workflows")
        for path in (PROJECT / room).rglob("*.py")
        if "every_seller=True" in path.read_text()
    ]
    assert asks == ["doors/service/every_seller.py"]


def test_postgresql_does_not_believe_that_few_accounts_are_seen(two: Two) -> None:
    """Otherwise it sorts all accounts for a page, where it could follow an index."""
    with two.owner.ledger.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql(
            "INSERT INTO accounts (id, seller, currency, timezone, balance) "
            "SELECT 'a' || n, 'main', 'USD', 'UTC', 0 FROM generate_series(1, 300) n"
        )
        connection.exec_driver_sql("ANALYZE accounts")
    with two.ledger(every=True).engine.connect() as connection:
        explain = "EXPLAIN (FORMAT JSON) SELECT id FROM accounts"
        explained = connection.exec_driver_sql(explain).scalar_one()
    assert explained[0]["Plan"]["Plan Rows"] >= 100
