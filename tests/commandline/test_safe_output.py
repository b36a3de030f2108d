"""Text of people cannot control a terminal or a spreadsheet, and no password is printed."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from doors.application.safe_text import printable, spreadsheet_cell, without_passwords
from doors.commandline import plain_data, tables
from doors.commandline.errors import end_with_exit_code
from doors.commandline.exit_codes import Code, Ended
from doors.commandline.output import WIDTH_WITHOUT_TERMINAL, print_part
from doors.intake.file_shape import FileShape
from doors.intake.import_report import FaultList, RowFault, unguarded
from doors.queries.work_lists import ListRow
from settings import PROJECT, SettingsError, read_settings
from tests.commandline.conftest import call

ATTACK = "\x1b]0;title\x07\x1b[31mred\x9b2J\u202eevil\r"


def on_terminal(width: int) -> Console:
    return Console(width=width, record=True, file=open("/dev/null", "w"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("日本 é 😀", "日本 é 😀"),
        ("two\nlines", "two\nlines"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b2J", "\\x9b2J"),
        ("a\tb\r", "a\\tb\\r"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("\udcff", "\\udcff"),
        ("a\u2028b", "a\\u2028b"),
    ],
)
def test_what_a_terminal_obeys_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd()", "'=cmd()"),
        ("+1-2", "'+1-2"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\\t=1"),
        ("\r=1", "'\\r=1"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\n=1", "'\n=1"),
        ("\uff1dcmd()", "'\uff1dcmd()"),
        ("-5.00", "-5.00"),
        ("+65", "+65"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_what_a_spreadsheet_runs_is_made_text(text: str, cell: str) -> None:
    assert spreadsheet_cell(text) == cell


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@db:5432/p",
        "postgresql+psycopg://me:hun:hunter2@db/p",
        "postgresql://me:hunter2/x@db/p",
        "postgresql://me:hunter2@hunter2@db:port/p",
        "postgresql://db/p?user=me&password=hunter2&sslmode=require",
        "postgresql://db/p?PASSWORD=hunter2",
        "host=db password=hunter2 user=me",
        "host=db password='hunter2 hunter2' user=me",
        "postgresql://db/p?password=hunter2;hunter2,hunter2)",
        "PGPASSWORD=hunter2 psql -h db",
        "postgresql://db/p?user=me&sslpassword%3Dhunter2",
        "postgresql://:hunter2@db",
    ],
)
def test_a_password_is_replaced_wherever_it_stands(url: str) -> None:
    told = without_passwords(f'connection to "{url}" failed')
    assert "hunter2" not in told
    assert "***" in told
    assert "db" in told or "host" in told


@pytest.mark.parametrize("text", ["rule 4.1: a@b.example", "see https://x.example/a?b=c", ""])
def test_text_without_a_password_stays(text: str) -> None:
    assert without_passwords(text) == text


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@x@db/p",
        "postgresql://me:hunter2/x@db/p",
        "postgresql://me:p@db:hunter2/p",
        "postgresql://me:p@db:99999/p",
        "mysql://me:hunter2@db/p",
        "postgresql://me:hunter2 hunter2@db/p",
        "postgresql:/me:hunter2@db/p",
        "postgresql://me:hun\x1bhunter2@db/p",
    ],
)
def test_a_malformed_url_is_refused_without_its_password(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERENNIAL_DATABASE_URL", url)
    with pytest.raises(SettingsError, match="PERENNIAL_DATABASE_URL") as raised:
        read_settings()
    assert "hunter2" not in str(raised.value)
    for command in (["stack", "status"], ["show", "s1"], ["migrate"]):
        told = call(*command)
        assert told.code == 2
        assert "hunter2" not in told.out + told.err


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_stack_status_shows_no_password(form: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://me:hunter2@127.0.0.1:1/p?password=hunter2"
    monkeypatch.setenv("PERENNIAL_DATABASE_URL", url)
    monkeypatch.setenv("PERENNIAL_TEMPORAL_ADDRESS", "127.0.0.1:1")
    told = call("stack", "status", *form)
    assert told.code == 3
    assert "127.0.0.1:1" in told.out
    assert "hunter2" not in told.out + told.err


def test_tables_and_titles_show_escapes() -> None:
    made = tables.table(ATTACK, "Subscription", "What")
    tables.add_row(made, ATTACK, f"[bold]{ATTACK}")
    console = on_terminal(200)
    print_part(made, console)
    print_part(f"The owner is {ATTACK}.", console)
    text = console.export_text()
    assert not set("\x1b\x07\x9b\u202e\r") & set(text)
    assert "\\x1b[31mred" in text
    assert "[bold]" in text


def test_json_is_safe_and_still_the_same_value() -> None:
    told = plain_data.as_json({"owner": ATTACK, "city": "東京"})
    assert not set("\x1b\x07\x9b\u202e\r") & set(told)
    assert "東京" in told
    assert json.loads(told) == {"owner": ATTACK, "city": "東京"}


def test_faulty_rows_of_an_import_are_safe_for_a_spreadsheet(
    installation: str, tmp_path: Path
) -> None:
    (tmp_path / "c.csv").write_text(
        "id,account,currency,timezone,sku,anchor\n=cmd(),acme,USD,UTC,PRO,2021-02-30\n"
    )
    told = call("import", str(tmp_path / "c.csv"), "--dry-run", "--faults", str(tmp_path / "f.csv"))
    assert told.code == 2
    assert ",'=cmd()," in (tmp_path / "f.csv").read_text()


def test_errors_show_escapes_and_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exception) as raised, end_with_exit_code():  # noqa: PT011
        raise Ended(f"{ATTACK} at postgresql://me:hunter2@db/p", Code.BAD_INPUT)
    assert raised.value.exit_code == Code.BAD_INPUT  # type: ignore[attr-defined]
    told = capsys.readouterr().err
    assert not set("\x1b\x07\x9b\u202e\r") & set(told)
    assert "hunter2" not in told


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_of_a_list_or_of_a_fault_file_is_a_formula(start: str, tmp_path: Path) -> None:
    attack = f"{start}cmd()"
    row = ListRow(**dict.fromkeys(ListRow.__dataclass_fields__, attack))
    line = plain_data.csv_line(plain_data.data(row).values())
    [cells] = csv.reader(io.StringIO(line))
    safe = f"'{printable(attack)}"
    assert safe in cells
    assert not [cell for cell in cells if cell.startswith(start)]
    with FaultList(tmp_path / "faults.csv") as faults:
        faults.begin_list([attack], FileShape())
        faults.add(RowFault(2, attack, attack), [attack])
    with (tmp_path / "faults.csv").open(newline="", encoding="utf-8-sig") as file:
        header, row = csv.reader(file)
    assert header == ["fault_line", "fault_reason", f"'{attack}"]
    assert row == ["2", f"'{attack}", f"'{attack}"]
    assert unguarded(row[2]) == attack


@pytest.mark.parametrize("log_json", [False, True])
def test_logs_show_no_password_wherever_it_stands(log_json: bool) -> None:
    url = "postgresql://me:hunter2@db/p?password=hunter2"
    program = (
        "import logging, structlog; from doors.application import logs;"
        f"from settings import Settings; logs.configure(Settings(log_json={log_json}));"
        f"url = {url!r}; log = structlog.get_logger();"
        "log.info('told', a=url, b=[url], c={'d': (url,)}, e=ValueError(url), f=b'x');"
        "logging.getLogger('x').warning('by %s', url);"
        "log.info(url)\n"
        "try: raise ValueError(url)\n"
        "except ValueError: log.exception('failed')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert "hunter2" not in done.stderr
    assert done.stderr.count("***") >= 7


def test_text_logs_show_escapes() -> None:
    program = (
        "import logging, structlog; from doors.application import logs;"
        "from settings import Settings; logs.configure(Settings(log_json=False));"
        "structlog.get_logger().info('told', owner='\\x1b[31m\\u202ered');"
        "logging.getLogger('x').warning('by %s', '\\x1b[31mred')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert not set("\x1b\u202e") & set(done.stderr)
    assert "\\x1b[31m" in done.stderr


@pytest.mark.parametrize("width", [80, 140])
def test_an_id_is_never_broken_into_lines(width: int) -> None:
    ids = [f"customer-4711-line-{'0' * n}1" for n in (5, 60, 160)]
    for id_ in ids:
        made = tables.table("History", "When", "Subscription", "What", "Amount", right=("Amount",))
        tables.add_row(made, "11 February 2021, 00:00", id_, "renewal failed: " * 5, "-$50.00")
        console = on_terminal(width)
        print_part(made, console)
        print_part(f"Subscription {id_} is paid up to 14 February 2021, and it renews.", console)
        assert console.export_text().count(id_) == 2
        assert console.width == width
    assert max(map(len, ids)) < WIDTH_WITHOUT_TERMINAL


@pytest.mark.parametrize("command", ["--help", "list --help"])
def test_help_fits_a_terminal_of_80_columns(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from starter import app

    monkeypatch.setenv("COLUMNS", "80")
    told = CliRunner().invoke(app, command.split())
    assert all(len(line) <= 80 for line in told.stdout.splitlines())
