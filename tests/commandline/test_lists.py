"""Every list has pages, JSON and CSV, and leaves test clocks out (Rules 6.3, 11.7)."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import insert

from activities.open_account import NewAccount, open_account
from core.domain.commands.adjust import Adjust
from core.domain.commands.usage import Usage
from core.ledger.clocks import machine_now
from core.ledger.tables import Clock
from doors.commandline import output
from doors.queries import pages
from tests.commandline.conftest import Answer, call
from tests.ledger.conftest import Shop
from tests.ledger.conftest import shop as of_ledger

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


#: Each list, the keys of its rows in its JSON, and how many rows it has beside test clocks.
LISTS = {
    ("list", "active"): ("subscription", 6),
    ("account", "list"): ("account", 2),
    ("history", "acme", "--account"): ("seq", 9),
    ("transactions", "acme"): ("position", 10),
    ("clock", "show"): ("clock", 1),
}


def keys(told: Answer, key: str) -> list[str]:
    return [str(row[key]) for row in told.json]


@pytest.mark.parametrize(("command", "key", "rows"), [(c, *of) for c, of in LISTS.items()])
def test_a_list_has_pages_that_fit_together(
    office: Shop, command: tuple[str, ...], key: str, rows: int
) -> None:
    everything = keys(call(*command, "--all", "--json"), key)
    assert (len(everything), len(set(everything))) == (rows, rows)
    assert keys(call(*command, "--json"), key) == everything
    newest_first = command[0] in ("history", "transactions")
    found: list[str] = []
    after: list[str] = []
    while True:
        told = call(*command, "--limit", "4", *after, "--json")
        page = keys(told, key)
        found = [*page, *found] if newest_first else [*found, *page]
        if "… and" not in told.err:
            break
        left = rows - len(found)
        last = page[0] if newest_first else page[-1]
        assert told.err == f"… and {left} more (the next page: --after {last}, everything: --all)\n"
        after = ["--after", last]
    assert found == everything


@pytest.mark.parametrize("command", LISTS)
def test_the_last_line_of_a_page_says_what_is_left_out(
    office: Shop, command: tuple[str, ...]
) -> None:
    rows = LISTS[command][1]
    last = call(*command, "--limit", "1").out.splitlines()[-1]
    assert last.startswith(f"… and {rows - 1} more (") == (rows > 1)
    assert "… and" not in call(*command).out
    assert "… and" not in call(*command, "--all").out


def test_many_more_rows_are_not_counted_to_the_end(
    office: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST_COUNTED", 3)
    monkeypatch.setattr("doors.commandline.lists.MOST_COUNTED", 3)
    assert "… and 3 or more (" in call("list", "active", "--limit", "2").out


@pytest.mark.parametrize("command", LISTS)
def test_the_csv_of_a_list_has_all_its_rows(
    office: Shop, command: tuple[str, ...], tmp_path: Path
) -> None:
    rows = LISTS[command][1]
    told = call(*command, "--csv", "-", "--limit", "1").out
    assert len(list(csv.DictReader(StringIO(told)))) == rows
    said = call(*command, "--csv", str(tmp_path / "rows.csv"), "--bom")
    assert said.out == f"{rows:,} rows are in {tmp_path / 'rows.csv'}.\n"
    assert (tmp_path / "rows.csv").read_bytes() == b"\xef\xbb\xbf" + told.encode()


def test_accounts_on_test_clocks_are_left_out_unless_asked_for_and_then_marked(
    office: Shop,
) -> None:
    for command, key in ((("list", "active"), "t1"), (("account", "list"), "test")):
        assert key not in call(*command).out.split()
        told = call(*command, "--test-clocks").out
        assert key in told.split()
        assert told.count("test clock spring") == 1
    named = call("list", "active", "--account", "test").out
    assert "t1" in named
    assert "test clock spring" in named


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


@pytest.mark.parametrize("width", [80, 100, 140])
@pytest.mark.parametrize("command", LISTS)
def test_no_id_is_broken_at_80_columns_or_more(
    office: Shop, command: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "console", lambda: Console(width=width))
    monkeypatch.setattr(
        "doors.commandline.transaction_tables.console", lambda: Console(width=width)
    )
    told = call(*command).out
    if command[0] != "clock" and command[:2] != ("account", "list"):
        assert LONG in told
    assert max(map(len, told.splitlines())) <= width


def test_a_csv_that_is_interrupted_leaves_no_file(
    office: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> Iterator[str]:
        raise KeyboardInterrupt

    (tmp_path / "old.csv").write_text("old")
    monkeypatch.setattr("doors.commandline.transaction_tables.cells", interrupted)
    from typer.testing import CliRunner

    from starter import app

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
