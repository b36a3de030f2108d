"""Every list has pages, JSON and CSV, and leaves test clocks out (Rules 6.3, 11.7)."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import insert

from activities.open_account import NewAccount, open_account
from core.domain.campaigns import EACH, NewCampaign, Row
from core.domain.commands.adjust import Adjust
from core.domain.commands.extend import Extend
from core.domain.commands.reserve_number import ReserveNumber
from core.domain.commands.top_up import TopUp
from core.domain.commands.unreserve_number import UnreserveNumber
from core.domain.commands.usage import Usage
from core.domain.imported_subscription import ImportKind
from core.ledger import campaigns, sessions, staff
from core.ledger.clocks import machine_now
from core.ledger.sessions import How
from core.ledger.stored_terms import add_catalog
from core.ledger.tables import Clock, ImportRow
from doors.commandline import output
from doors.queries import pages
from starter import app
from tests.commandline.conftest import Answer, call, top
from tests.ledger.conftest import Shop
from tests.ledger.conftest import shop as of_ledger
from tests.ledger.test_approvals import asked

DID = {"sku": "DID", "kind": "number", "months": 1, "prices": {"USD": "3.00"}}
SPRING = datetime(2021, 3, 1, tzinfo=UTC)
LONG = "customer-4711-line-00000000001"
shop = of_ledger


@pytest.fixture
def office(installation: str, shop: Shop) -> Shop:
    """Two accounts of customers with three subscriptions each, and one on a test clock."""
    now = machine_now()
    shop.ledger.machine_now = machine_now
    with shop.ledger.engine.begin() as connection:
        connection.execute(insert(Clock).values(id="spring", now=SPRING))
    for id_, clock, at in (("acme", None, now), ("best", None, now), ("test", "spring", SPRING)):
        new = NewAccount(
            id=id_,
            seller="main",
            currency="USD",
            timezone="UTC",
            credits=Decimal(1000),
            clock=clock,
        )
        open_account(shop.ledger, new, at)
    for account, ids in (("acme", ["s1", "s2", LONG]), ("best", ["s4", "s5", "s6"])):
        for id_ in ids:
            assert shop.do(bought(id_, account), now=now).refusal is None
    assert shop.do(bought("t1", "test"), now=SPRING).refusal is None
    for n in range(5):
        shop.do(Usage(account="acme", amount=Decimal(n + 1), text="=cmd()"), now=now)
    shop.do(Adjust(account="acme", amount=Decimal("-0.5"), reason="@home"), now=now)
    return shop


def bought(id_: str, account: str) -> Any:
    from core.domain.commands.purchase import Purchase

    return Purchase(subscription=id_, account=account, sku="PRO")


@pytest.fixture
def full(office: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shop:
    """The office, with two rows or more in every list."""
    monkeypatch.setenv("PERENNIAL_WEBHOOK_KEYS", "k" * 40)
    now = machine_now()
    numbers = tmp_path / "numbers.csv"
    numbers.write_text("number,sku\n+6561234567,DID\n+6561234568,DID\n")
    with office.ledger.engine.begin() as connection:
        add_catalog(connection, "main", [DID])
    for words in (
        ("webhook", "add", "crm", "https://example.com/in"),
        ("webhook", "add", "erp", "https://example.com/in", "--event", "expired"),
        ("number", "import", str(numbers)),
        ("seller", "tax", "DE", "19", "--since", "2026-01-01"),
        ("seller", "tax", "SG", "9", "--since", "2026-01-01"),
        ("key", "create", "shop", "--role", "platform"),
        ("key", "create", "ann", "--role", "support"),
        ("staff", "add", "ann@example.com", "--name", "Ann", "--role", "support", "--generate"),
        ("limit", "set", "support", "USD", "--per-command", "5", "--per-day", "9"),
        ("limit", "set", "support", "JPY", "--per-command", "500", "--per-day", "900"),
        ("staff", "add", "ben@example.com", "--name", "Ben", "--role", "support", "--generate"),
    ):
        told = call(*words)
        assert told.code == 0, (words, told.err)
    for command in (
        TopUp(account="best", amount=Decimal(50)),
        TopUp(account="best", amount=Decimal(60)),
        Extend(subscription="s4", cycles=1),
        Extend(subscription="s4", cycles=1),
        ReserveNumber(account="acme", number="+6561234567"),
        UnreserveNumber(account="acme", number="+6561234567"),
    ):
        assert office.do(command, now=now).refusal is None
    pattern = Extend(subscription=EACH, cycles=1, actor="ann")
    with office.ledger.transaction("campaign") as connection:
        for id_ in ("june", "july", "may"):
            new = NewCampaign(pattern=replace(pattern, request_id=id_), rows=(Row(1, "s1"),))
            campaigns.create(connection, "main", new, now)
        for file in ("a.csv", "b.csv"):
            row = {"kind": ImportKind.NUMBERS, "file": file, "digest": file, "prefix": ""}
            connection.execute(insert(ImportRow).values(seller="main", actor="ann", at=now, **row))
        people = list(staff.staff(connection, "main"))
    for id_ in ("r1", "r2"):
        asked(office, id_)
    for person in people:
        sessions.start(office.ledger, person.id, how=How.PASSWORD, address="::1", now=now)
    return office


#: Each list, and what its rows are told apart by in its JSON. None: the rows are counted.
LISTS = {
    ("list", "active"): "subscription",
    ("account", "list"): "account",
    ("history", "acme", "--account"): "seq",
    ("transactions", "acme"): "position",
    ("clock", "show"): "clock",
    ("show", "s4"): "expiry",
    ("number", "list"): "number",
    ("number", "show", "+6561234567"): "seq",
    ("forecast", LONG, "--months", "3"): None,
    ("report", "books"): None,
    ("catalog", "show"): None,
    ("seller", "taxes"): None,
    ("invoice", "list", "acme"): "position",
    ("receipt", "list", "best"): "receipt",
    ("import", "list"): "id",
    ("campaign", "list"): "campaign",
    ("message", "list"): "id",
    ("webhook", "list"): "name",
    ("webhook", "deliveries", "crm"): "id",
    ("key", "list"): "id",
    ("staff", "list"): "email",
    ("staff", "sessions"): "id",
    ("approval", "list", "--state", "all"): "id",
    ("limit", "list"): None,
    ("audit", "list"): "id",
}
#: Lists whose pages begin with the newest rows, and are printed in the order of time.
NEWEST_FIRST = ("history", "transactions", "show", "number show", "invoice list", "receipt list")
ALONE = "clock"
"""The one list that has a single row here."""


def rows_of(told: Answer) -> list[Any]:
    """The rows of a list, which may be a part of one thing."""
    found = told.json
    return found if isinstance(found, list) else found.get("periods") or found["history"]


def keys(told: Answer, key: str | None) -> list[str]:
    return [str(row if key is None else row[key]) for row in rows_of(told)]


def named(command: tuple[str, ...]) -> str:
    return " ".join(command[: 2 if len(COMMANDS[command[0]]) else 1])


COMMANDS: dict[str, dict[str, Any]] = {
    name: getattr(found, "commands", {}) for name, found in top().commands.items()
}


def test_every_command_that_prints_a_list_has_the_options_of_a_list_and_is_tested_here() -> None:
    """docs/decisions/0026.

    `statement` has a list between its balances, and an effect has one above its totals. They have
    tests of their own.
    """
    listed, paged = {"statement", "policy effect", "catalog effect"}, set()
    for command in LISTS:
        listed.add(named(command))
    for name, inner in COMMANDS.items():
        for word, found in inner.items() or [("", top().commands[name])]:
            options = {option for parameter in found.params for option in parameter.opts}
            path = f"{name} {word}".strip()
            if "--after" in options:
                paged.add(path)
                assert {"--limit", "--all", "--csv", "--bom", "--json"} <= options, path
            assert "--before" not in options, path
            assert path in listed or not path.endswith(" list"), path
    assert paged == listed


def test_a_list_has_pages_that_fit_together(full: Shop) -> None:
    for command, key in LISTS.items():
        everything = keys(call(*command, "--all", "--json"), key)
        rows = len(everything)
        assert rows > 1 or command[0] == ALONE, command
        assert len(set(everything)) == rows, command
        assert keys(call(*command, "--json"), key) == everything, command
        newest_first = named(command) in NEWEST_FIRST
        found: list[str] = []
        after: list[str] = []
        size = 4 if rows > 4 else 1
        while True:
            told = call(*command, "--limit", str(size), *after, "--json")
            page = keys(told, key)
            found = [*page, *found] if newest_first else [*found, *page]
            if "… and" not in told.err:
                break
            left = rows - len(found)
            last = page[0] if newest_first else page[-1]
            last = str(len(found)) if key is None else last
            assert (
                f"… and {left} more (the next page: --after {last}, everything: --all)\n"
                in told.err
            ), command
            after = ["--after", last]
        assert found == everything, command


def test_the_last_line_of_a_page_says_what_is_left_out(full: Shop) -> None:
    for command in LISTS:
        rows = len(rows_of(call(*command, "--json")))
        told = call(*command, "--limit", "1").out
        assert (f"… and {rows - 1} more (" in told) == (rows > 1), command
        assert "… and" not in call(*command).out
        assert "… and" not in call(*command, "--all").out


def test_many_more_rows_are_not_counted_to_the_end(
    office: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST_COUNTED", 3)
    assert "… and 3 or more (" in call("list", "active", "--limit", "2").out


def test_the_csv_of_a_list_has_all_its_rows(full: Shop, tmp_path: Path) -> None:
    for number, command in enumerate(LISTS):
        rows = len(rows_of(call(*command, "--json")))
        told = call(*command, "--csv", "-", "--limit", "1").out
        assert len(list(csv.DictReader(StringIO(told)))) == rows, command
        file = tmp_path / f"{number}.csv"
        written = "1 row is" if rows == 1 else f"{rows:,} rows are"
        assert call(*command, "--csv", str(file), "--bom").out == f"{written} in {file}.\n"
        assert file.read_bytes() == b"\xef\xbb\xbf" + told.encode(), command


def test_accounts_on_test_clocks_are_left_out_unless_asked_for_and_then_marked(
    office: Shop,
) -> None:
    for command, key in ((("list", "active"), "t1"), (("account", "list"), "test")):
        assert key not in call(*command).out.split()
        told = call(*command, "--test-clocks").out
        assert key in told.split()
        assert told.count("test clock spring") == 1
    told = call("list", "active", "--account", "test").out
    assert "t1" in told
    assert "test clock spring" in told


def test_amounts_stay_numbers_and_text_is_no_formula_in_the_csv_of_transactions(
    office: Shop,
) -> None:
    told = call("transactions", "acme", "--csv", "-").out
    rows = list(csv.DictReader(StringIO(told)))
    assert [row["amount"] for row in rows[-2:]] == ["-5.00", "-0.50"]
    assert [row["what"] for row in rows[-2:]] == ["used, =cmd()", "adjusted, @home"]
    assert [row["kind"] for row in rows[:2]] == ["opening", "activation"]
    assert rows[-1]["balance"] == "834.50"
    assert rows[1]["fee"] == "purchase"


def test_filters_of_transactions_by_kind_days_and_subscription(office: Shop) -> None:
    today = machine_now().date().isoformat()
    for options, rows in (
        (["--kind", "usage"], 5),
        (["--kind", "refund"], 0),
        (["--subscription", "s1"], 1),
        (["--from", today], 10),
        (["--to", "2021-01-01"], 0),
    ):
        assert len(call("transactions", "acme", *options, "--json").json) == rows
    assert "there are none" in call("transactions", "acme", "--kind", "refund").out


def test_a_statement_adds_up_in_every_form(office: Shop) -> None:
    days = ["--from", "2021-01-01", "--to", "2999-12-31"]
    made = call("statement", "acme", *days, "--limit", "1", "--json").json
    moved = sum(Decimal(line["amount"]) for line in made["lines"])
    assert Decimal(made["opening"]["balance"]) + moved == Decimal(made["closing"]["balance"])
    assert (len(made["lines"]), made["closing"]["balance"]) == (10, "834.50")
    rows = list(csv.DictReader(StringIO(call("statement", "acme", *days, "--csv", "-").out)))
    assert (rows[0]["what"], rows[0]["balance"]) == ("opening balance", "0.00")
    assert (rows[-1]["what"], rows[-1]["balance"]) == ("closing balance", "834.50")
    assert sum(Decimal(row["amount"] or 0) for row in rows) == moved
    shown = call("statement", "acme", *days, "--limit", "2").out
    assert "Opening balance" in shown
    assert "… and 8 more (" in shown
    assert "$834.50" in shown.splitlines()[-1]
    empty = call("statement", "acme", "--from", "2021-01-01", "--to", "2021-01-02", "--json").json
    assert (empty["lines"], empty["closing"]) == ([], empty["opening"])


def test_no_id_is_broken_at_80_columns_or_more(full: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list whose ids do not fit has longer lines than the terminal, and no id on two of them."""
    for command, key in LISTS.items():
        ids = keys(call(*command, "--json"), key) if key in IDS else []
        for width in (80, 140):
            monkeypatch.setattr(output, "console", lambda width=width: Console(width=width))
            monkeypatch.setattr(
                "doors.commandline.transaction_tables.console",
                lambda width=width: Console(width=width),
            )
            told = call(*command).out
            assert set(ids) <= set(told.split()), (command, width)
            if named(command) in WITH_SUBSCRIPTIONS:
                assert LONG in told, (command, width)
            if command[0] not in WIDE:
                assert max(map(len, told.splitlines())) <= width, (command, width)


#: The keys that a person names a row by.
IDS = ("subscription", "account", "clock", "number", "id", "campaign", "name", "email")
WITH_SUBSCRIPTIONS = ("list", "history", "transactions", "forecast")
#: The lists whose ids and instants need more than 80 columns.
WIDE: tuple[str, ...] = (
    *("message", "webhook", "campaign", "staff", "key", "number", "import", "audit"),
)


def test_a_csv_that_is_interrupted_leaves_no_file(
    office: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> Iterator[str]:
        raise KeyboardInterrupt

    (tmp_path / "old.csv").write_text("old")
    monkeypatch.setattr("doors.queries.transaction_csv.cells", interrupted)
    from typer.testing import CliRunner

    told = CliRunner().invoke(app, ["transactions", "acme", "--csv", str(tmp_path / "old.csv")])
    assert told.exit_code == 130
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ""] == ["old.csv"]
    assert (tmp_path / "old.csv").read_text() == "old"


def test_a_device_is_never_replaced(office: Shop) -> None:
    assert call("account", "list", "--csv", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


async def test_a_program_reads_lists_through_the_client(
    office: Shop, database: str, temporal_address: str
) -> None:
    from doors.application.perennial import Perennial
    from doors.queries.statements import movements, statement
    from doors.queries.transactions import Wanted, transactions

    async with Perennial.connect(database, temporal_address) as perennial:
        today = machine_now().date()
        made = await perennial.read(statement, "acme", today, today)
        found = [line async for line in perennial.rows(movements, made)]
        assert made.opening.balance + sum(line.amount for line in found) == made.closing.balance
        newest = perennial.rows(transactions, Wanted(account="acme"))
        assert [line async for line in newest] == found[::-1]
