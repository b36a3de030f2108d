"""Bad input gets a clear message and code 1 or 2, and it changes nothing."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from core.ledger.database import connect
from tests.commandline.conftest import Answer, Shop, call

SQL = "x'; DROP TABLE accounts; --"
MEGABYTE = "x" * 1_000_000
TABLES = (
    "accounts",
    "subscriptions",
    "operations",
    "postings",
    "history",
    "periods",
    "invoices",
    "catalog_entries",
    "policies",
    "clocks",
    "trials",
    "numbers",
    "monthly_amounts",
)


def counts(url: str) -> list[int]:
    """How many rows each table has."""
    engine = connect(url, pool_size=1)
    with engine.connect() as connection:
        found = [
            connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in TABLES
        ]
    engine.dispose()
    return found


COMMANDS = [
    *(
        ["top-up", "{acme}", amount]
        for amount in (
            "0",
            "-5",
            "NaN",
            "Infinity",
            "1e9",
            "9" * 40,
            "1000000000000",
            "5,00",
            "0x10",
            "",
            "٣",
            "1.123456",
        )
    ),
    ["top-up", "{acme}", "5.00", "--currency", "EUR"],
    ["top-up", "{acme}", "5.00", "--currency", "dollars"],
    ["top-up", "nobody", "5.00"],
    ["top-up", SQL, "5.00"],
    *(
        ["purchase", "{acme}", "PRO", "--id", "{s2}", "--quantity", n]
        for n in ("501", "0", "-1", "99999999999999999999", "NaN", "1.5")
    ),
    *(
        ["purchase", "{acme}", "PRO", "--id", "{s2}", "--multiplier", n]
        for n in ("0", "-1", "99999999999999999999", "1000000")
    ),
    *(
        ["purchase", "{acme}", "PRO", "--id", "{s2}", "--addon", a]
        for a in ("SEAT=501", "SEAT=0", "SEAT=-1", "SEAT=NaN", "SEAT=", "PRO=1", "NONE=1", SQL)
    ),
    *(
        ["purchase", "{acme}", "PRO", "--id", "{s2}", "--number", number]
        for number in (
            "+65",
            "+65=",
            "=DID",
            "65=DID",
            "+1234567890123456=DID",
            "+65x=DID",
            "+65=DID:rented",
            "+65=PRO",
            "+65=NONE",
            "+٣=DID",
            "\x1b[31m+65=DID",
            f"+65={MEGABYTE}",
            f"+65={SQL}",
            "+" + "9" * 30 + "=DID",
        )
    ),
    ["purchase", "{acme}", "PRO", "--id", "{s2}", "--number", "+65=DID", "--number", "+65=DID"],
    *(
        ["purchase", "{acme}", "PRO", "--id", "{s2}", "--pick", pick]
        for pick in ("DID=1", "DID=0", "DID=-1", "DID=501", "DID=NaN", "NONE=1", "PRO=1", "9" * 30)
    ),
    *(
        ["add-number", "{s1}", number, "DID"]
        for number in ("65", "+", "+6 5", "+1234567890123456", "", "NaN", "\x00", SQL, MEGABYTE)
    ),
    ["add-number", "{s1}", "+651", "NONE"],
    ["add-number", "{s1}", "+651", "PRO"],
    ["add-number", "{s1}", "+651", "DID", "--hold", "rented"],
    ["add-number", "{s1}", "+651", "DID", "--when", "yesterday"],
    ["add-number", "{s1}", "+651", "DID", "--invoice-number", ""],
    ["add-number", "nobody", "+651", "DID"],
    *(["remove-number", "{s1}", number] for number in ("+651", "651", "", "9" * 30, SQL, MEGABYTE)),
    ["remove-number", "nobody", "+651"],
    ["remove-number", "{s1}", "+651", "--when", "never"],
    *(
        ["swap-number", "{s1}", *numbers]
        for numbers in (["+651", "+652"], ["+651", "x"], ["1", SQL], ["+651", MEGABYTE])
    ),
    ["swap-number", "nobody", "+651", "+652"],
    ["purchase", "{acme}", "NONE", "--id", "{s2}"],
    ["purchase", "{acme}", "SEAT", "--id", "{s2}"],
    ["purchase", "{acme}", SQL, "--id", "{s2}"],
    ["purchase", "nobody", "PRO", "--id", "{s2}"],
    ["purchase", "{acme}", "PRO", "--id", "{s1}"],
    ["purchase", "{acme}", "PRO", "--id", ""],
    ["purchase", "{acme}", "PRO", "--id", MEGABYTE],
    ["purchase", "{acme}", "PRO", "--id", "a\nb"],
    ["purchase", "{acme}", "PRO", "--id", "a\udcffb"],
    ["purchase", "{acme}", "PRO", "--id", "{s2}", "--pay", "external_invoice"],
    ["purchase", "{acme}", "PRO", "--id", "{s2}", "--pay", "cash"],
    ["trial", "{acme}", "YEAR", "--id", "{s2}"],
    ["trial", "{acme}", "SEAT", "--id", "{s2}"],
    *(["trial", "{acme}", sku, "--id", "{s2}"] for sku in ("NONE", "", SQL, MEGABYTE, "a\nb")),
    *(["trial", "{acme}", "PRO", "--id", id_] for id_ in ("{s1}", "", MEGABYTE, "a\udcffb")),
    *(["trial", account, "PRO", "--id", "{s2}"] for account in ("nobody", "", SQL, "\x1b[31m")),
    ["trial", "{acme}", "PRO", "--quantity", "2"],
    ["trial", "{acme}"],
    ["convert", "{s1}"],
    ["convert", "{s1}", "--invoice-number", " "],
    ["convert", "{s1}", "--invoice-number", MEGABYTE],
    ["convert"],
    ["account", "new", "b", "--currency", "XXX", "--timezone", "UTC"],
    ["account", "new", "b", "--currency", "usd", "--timezone", "UTC"],
    *(
        ["account", "new", "b", "--currency", "USD", "--timezone", zone]
        for zone in ("Mars/Olympus", "+08:00", "../../etc/passwd", "", SQL)
    ),
    ["account", "new", "b", "--currency", "USD", "--timezone", "UTC", "--credits", "-1"],
    ["account", "new", "b", "--currency", "USD", "--timezone", "UTC", "--credits", "NaN"],
    ["account", "new", "b", "--currency", "USD", "--timezone", "UTC", "--clock", "nowhere"],
    ["account", "set", "{acme}"],
    ["account", "set", "{acme}", "--credit-limit", "-1"],
    ["account", "set", "{acme}", "--credit-limit", "1", "--until", "2021-02-30"],
    ["account", "set", "{acme}", "--until", "2021-02-28"],
    *(
        ["extend", "{s1}", "--to", day, "--yes"]
        for day in (
            "2021-02-30",
            "2021-02-29",
            "yesterday",
            "20210301",
            "9999-12-31",
            "0000-01-01",
            SQL,
        )
    ),
    ["extend", "{s1}", "--cycles", "10000000000", "--yes"],
    ["clock", "advance", "{clock}", "--to", "2021-02-30"],
    ["clock", "advance", "{clock}", "--to", "2021-02-03T10:00:00"],
    ["clock", "advance", "{clock}", "--to", "2021-02-03T25:00:00Z"],
    ["clock", "advance", "nowhere", "--to", "2021-02-03"],
    ["clock", "new", "b", "--at", "30 February"],
    ["list", "failed", "--account", SQL],
    ["list", "failed", "--expiry-from", "2021-02-30"],
    ["list", "failed", "--csv", "-", "--json"],
    ["list", "failed", "--bom"],
    ["list", "failed", "--csv", "/"],
    ["list", "failed", "--limit", "100001"],
    ["transactions", "{acme}", "--after", "-1"],
    ["transactions", "{acme}", "--after", "9" * 30],
    ["transactions", "{acme}", "--kind", "lost"],
    ["transactions", "{acme}", "--from", "2021-03-01", "--to", "2021-02-01"],
    ["statement", "{acme}", "--from", "2021-02-30", "--to", "2021-03-01"],
    ["statement", "{acme}", "--from", "2021-03-01"],
    ["list", "failed", "--expiry-from", "2021-03-01", "--expiry-to", "2021-02-01"],
    *(
        [command, SQL]
        for command in (
            "show",
            "history",
            "explain",
            "forecast",
            "suspend",
            "reactivate",
            "recover",
            "convert",
        )
    ),
    ["forecast", "{s1}", "--months", "0"],
    ["forecast", "{s1}", "--months", "100000"],
    *(["change-plan", "{s1}", sku] for sku in ("PRO", "NONE", "SEAT", "YEAR", "", SQL, MEGABYTE)),
    ["change-plan", "{s1}", "YEAR", "--when", "later"],
    ["change-plan", "{s1}", "PRO", "--when", "renewal"],
    ["change-plan", "{s1}", "a\nb"],
    ["change-plan", "{s1}"],
    ["change-plan", "{s1}", "YEAR", "--when", "renewal", "--invoice-number", " "],
    *(
        ["set-addon", "{s1}", "SEAT", "--", n]
        for n in ("-1", "0", "501", "99999999999999999999", "1" + "0" * 30, "NaN", "1.5", "", "٣x")
    ),
    *(["set-addon", "{s1}", sku, "1"] for sku in ("PRO", "NONE", "", SQL, "\x1b[31m")),
    ["change-cycle", "{s1}"],
    ["change-cycle", "{s1}", "--multiplier", "2", "--months", "2"],
    *(
        ["change-cycle", "{s1}", f"--{option}={n}"]
        for option in ("multiplier", "months")
        for n in ("0", "-1", "1", "1000000", "1" + "0" * 30, "NaN", "1.5", "")
    ),
    ["withdraw-changes", "{s1}"],
    *(
        [command, id_, *more]
        for id_ in ("nobody", "", SQL, MEGABYTE)
        for command, *more in (
            ("change-plan", "PRO"),
            ("set-addon", "SEAT", "1"),
            ("change-cycle", "--months", "2"),
            ("withdraw-changes",),
        )
    ),
    ["terminate", "{s1}", "--reason", "", "--yes"],
    ["terminate", "{s1}", "--yes"],
    ["recover"],
    ["unsubscribe", "{s1}", "--request-id", ""],
    *(["change-owner", "{s1}", account] for account in ("{acme}", "nobody", "", "a\nb", SQL)),
    ["change-owner", "{s2}", "{acme}"],
    ["change-owner", "{s1}", MEGABYTE],
    *(
        [command, "{s1}", address]
        for command in ("assign", "share", "unshare")
        for address in (
            "nobody",
            "a b@example.com",
            "ann@example.com\x00",
            "NaN",
            "-1",
            "<script>@example.com",
            SQL,
            MEGABYTE,
        )
    ),
    ["assign", "{s1}"],
    ["assign", "{s1}", "ann@example.com", "--to-owner"],
    ["assign", "{s1}", "--to-owner"],
    ["unshare", "{s1}", "ann@example.com"],
    ["share", "{s2}", "ann@example.com"],
    ["unsubscribe", "{s1}", "--by", "\x1b[31m"],
]


@pytest.fixture
def bought(shop: Shop) -> Shop:
    shop.buy()
    return shop


#: A refusal says why, and by which rule. A fault says where, and what is wrong or allowed there.
BY_RULE = re.compile(r"[Rr]efused: .{8,} \(rule [0-9]+(\.[0-9]+)?\)", re.DOTALL)
BY_PLACE = re.compile(r"(--[a-z-]+|[A-Z]+|[a-z_ -]+|/): .{8,}", re.DOTALL)
BY_USAGE = re.compile(r"Usage: starter\.py .+\n\nError: .{8,}", re.DOTALL)


def is_clear(told: Answer) -> bool:
    """Whether a refusal has a sentence with its rule, or with its place, and is short."""
    said = (told.out + told.err).strip()
    clear = BY_RULE.search(said) if told.code == 1 else BY_USAGE.match(said) or BY_PLACE.match(said)
    return clear is not None and len(said) < 2_000 and "\x1b" not in said


def test_nonsense_is_refused_and_changes_nothing(bought: Shop, database: str) -> None:
    before, balance = counts(database), bought.balance()
    names = {name: getattr(bought, name) for name in ("acme", "clock", "s1", "s2")}
    wrong = []
    for command in COMMANDS:
        told = bought.run(*(part.format(**names) if part[:1] == "{" else part for part in command))
        # A refused purchase is explained by the id that it named.
        explained = command[0] == "explain" and "refusals of" in told.out
        if not explained and (told.code not in (1, 2) or not is_clear(told)):
            wrong.append(([part[:80] for part in command], told))
    assert not wrong
    assert counts(database) == before
    assert bought.balance() == balance


def test_a_wide_name_is_a_name(shop: Shop) -> None:
    name = f"{shop.acme} {SQL} 日本 [bold]"
    assert (
        shop.run(
            "account",
            "new",
            name,
            "--currency",
            "USD",
            "--timezone",
            "UTC",
            "--credits",
            "60",
            "--owner",
            "=cmd()",
        ).code
        == 0
    )
    assert shop.run("purchase", name, "PRO", "--id", f"{name}/1").code == 0
    assert "[bold]" in shop.run("account", "show", name).out
    rows = shop.run("list", "active", "--account", name, "--csv", "-").out
    assert "'=cmd()" in rows
    assert shop.run("unsubscribe", f"{name}/1").code == 0


FILES = {
    "binary": bytes(range(256)) * 40,
    "zeros": b"\0" * 100,
    "large": b"a: b\n" * 2_000_001,
    "open": b"{[",
    "text": b"hello",
    "empty": b"",
    "list": b"[1, 2]",
    "deep": b"[" * 100_000,
    "nan": b"catalog: [{sku: A, kind: application, application: x, months: 1, "
    b"prices: {USD: .nan}}]",
    "bomb": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(
        b"%c: &%c [%s]\n" % (name, name, b",".join([b"*%c" % (name - 1)] * 9)) for name in b"bcdef"
    )
    + b"g: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n",
}


@pytest.mark.parametrize(
    "command",
    [
        ["catalog", "load"],
        ["catalog", "effect"],
        ["policy", "load"],
        ["policy", "effect"],
        ["simulate"],
        ["import"],
        ["import", "telco-customers.csv", "--mapping"],
    ],
    ids=" ".join,
)
def test_a_file_that_is_no_such_file_is_a_fault(
    installation: str, database: str, tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "telco-customers.csv").write_text("id\n1\n")
    before = counts(database)
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
        if command[0] == "policy" and name == "empty":
            continue  # no differences from the defaults
        told = call(*command, str(tmp_path / name))
        assert told.code == 2, (name, told)
        assert len(told.err) < 20_000
    assert call(*command, str(tmp_path / "missing")).code == 2
    assert call(*command, str(tmp_path)).code == 2
    assert counts(database) == before


def test_a_setting_that_cannot_be_used_is_named(
    installation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERENNIAL_JITTER_SECONDS", "soon")
    told = call("show", "s1")
    assert (told.code, "PERENNIAL_JITTER_SECONDS" in told.err) == (2, True)


def away(told: Answer) -> bool:
    return told.code == 3 and "\n" in told.err.strip()


def test_what_is_away_is_named_with_what_to_do(
    installation: str, database: str, monkeypatch: pytest.MonkeyPatch, unique: str
) -> None:
    assert call("account", "new", f"{unique}a", "--currency", "USD", "--timezone", "UTC").code == 0
    nobody = call("top-up", f"{unique}a", "5.00")
    assert away(nobody)
    assert "nothing was done" in nobody.err
    assert call("worker", "status").code == 3
    monkeypatch.setenv("PERENNIAL_TEMPORAL_ADDRESS", "127.0.0.1:1")
    assert away(call("top-up", f"{unique}a", "5.00"))
    assert call("stack", "status").code == 3
    assert call("account", "show", f"{unique}a", "--json").json["balance"] == "0.00"
    monkeypatch.setenv("PERENNIAL_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/none")
    gone = call("show", "s1")
    assert away(gone)
    assert "secret" not in gone.err
    monkeypatch.delenv("PERENNIAL_DATABASE_URL")
    monkeypatch.delenv("PERENNIAL_TEMPORAL_ADDRESS")
    stopped = call("show", "s1")
    assert away(stopped)
    assert "stack up" in stopped.err


def test_a_database_without_tables_says_how_to_make_them(
    installation: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERENNIAL_DATABASE_URL", postgres_url)
    told = call("list", "failed")
    assert (told.code, "starter.py migrate" in told.err) == (3, True)


def test_nobody_who_answers_in_time_leaves_the_outcome_open(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def workers_are_there(*_: object) -> None:
        """Asking for them would need patience too."""

    async def without_a_record(*given: Any) -> Any:
        """The records of the audit would need patience too."""
        return await given[-1]()

    monkeypatch.setenv("PERENNIAL_PATIENCE_SECONDS", "0")
    monkeypatch.setattr("doors.commandline.connection.require_workers", workers_are_there)
    monkeypatch.setattr("doors.commandline.connection.recorded", without_a_record)
    told = shop.run("top-up", shop.acme, "5.00", "--request-id", f"{shop.acme}-r")
    assert told.code == 3
    assert f"--request-id {shop.acme}-r" in told.err
    assert "Traceback" not in told.err
    monkeypatch.undo()


def test_the_list_of_faulty_rows_never_replaces_what_is_imported(
    installation: str, tmp_path: Path
) -> None:
    (tmp_path / "customers.csv").write_text("id\n1\n")
    (tmp_path / "mapping.yaml").write_text("fields: {}\n")
    files = [
        str(tmp_path / "customers.csv"),
        "--mapping",
        str(tmp_path / "mapping.yaml"),
        "--dry-run",
    ]
    for name in ("customers.csv", "mapping.yaml"):
        before = (tmp_path / name).read_text()
        told = call("import", *files, "--faults", f"{tmp_path}/../{tmp_path.name}/{name}")
        assert (told.code, "--faults" in told.err) == (2, True)
        assert (tmp_path / name).read_text() == before
