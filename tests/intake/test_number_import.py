"""Numbers come into the inventory from a CSV file (Rule 10.3)."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.domain import policy
from core.domain.faults import Faults
from core.domain.inputs import Wrong
from core.ledger import stored_terms
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from doors.intake.import_report import NumberReport
from doors.intake.number_import import import_number_file
from doors.intake.phone_numbers import read_e164
from settings import PROJECT

CATALOG = [
    {"sku": "PRO", "application": "a", "kind": "application", "months": 1, "prices": {"USD": "5"}},
    {"sku": "DID", "kind": "number", "months": 1, "prices": {"USD": "1.00"}},
    {"sku": "GOLD", "kind": "number", "months": 1, "prices": {"USD": "9.00"}},
]


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    opened = Ledger(connect(database))
    with opened.engine.begin() as connection:
        stored_terms.add_policy(connection, "main", policy.DEFAULT)
        stored_terms.add_catalog(connection, "main", CATALOG)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "numbers.csv"


def rows(ledger: Ledger, sql: str) -> list[tuple[object, ...]]:
    with ledger.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def load(ledger: Ledger, file: Path, text: str, **more: object) -> NumberReport:
    file.write_text(text)
    return import_number_file(ledger, file, actor="ann", **more)  # type: ignore[arg-type]


def counts(report: NumberReport) -> tuple[int, int, int, int]:
    return report.rows, report.imported, report.there, report.faulty


def test_numbers_are_free_and_their_history_says_who_imported_them(
    ledger: Ledger, file: Path
) -> None:
    report = load(
        ledger,
        file,
        "number,sku,hold\n"
        "+65 6123-4567,DID,\n"
        "+6561234568,GOLD,ported_in\n"
        "\n"
        "+6561234569,DID,normal\n",
    )
    assert counts(report) == (3, 3, 0, 0)
    assert rows(ledger, "SELECT number, sku, state, hold FROM numbers ORDER BY number") == [
        ("+6561234567", "DID", "free", "normal"),
        ("+6561234568", "GOLD", "free", "ported_in"),
        ("+6561234569", "DID", "free", "normal"),
    ]
    history = rows(ledger, "SELECT number, what, actor FROM number_history ORDER BY seq")
    assert history == [(f"+656123456{n}", "imported", "ann") for n in (7, 8, 9)]


def test_a_second_import_changes_nothing_but_what_was_gone(ledger: Ledger, file: Path) -> None:
    text = "sku,number\nDID,+6561234567\nDID,+6561234568\n"
    load(ledger, file, text)
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE numbers SET state = 'gone', version = 2 WHERE number = '+6561234568'"
        )
    before = rows(ledger, "SELECT * FROM numbers WHERE state = 'free'")
    assert counts(load(ledger, file, text, dry_run=True)) == (2, 1, 1, 0)
    assert counts(load(ledger, file, text.replace("DID,+6561234568", "GOLD,+6561234568"))) == (
        *(2, 1, 1),
        0,
    )
    assert before[0] in rows(ledger, "SELECT * FROM numbers")
    assert rows(ledger, "SELECT sku, state, version FROM numbers WHERE sku = 'GOLD'") == [
        ("GOLD", "free", 3)
    ]
    assert counts(load(ledger, file, text)) == (2, 0, 2, 0)
    assert rows(ledger, "SELECT count(*) FROM number_history") == [(3,)]


def test_faulty_rows_are_listed_and_the_others_imported(
    ledger: Ledger, file: Path, tmp_path: Path
) -> None:
    listed = tmp_path / "faults.csv"
    report = load(
        ledger,
        file,
        "number,sku,hold\n"
        "+6561234567,DID,\n"
        "6561234568,DID,\n"
        "+6561234567,DID,\n"
        "+6561234569,PRO,\n"
        "+6561234570,NONE,byoi\n"
        "+6561234571,DID,x\n"
        "+6561234572,DID,,more\n"
        "+6561234573\n"
        ",DID\n"
        "+999123456,DID\n"
        "+6561234574,DID\n",
        faults=listed,
    )
    assert counts(report) == (11, 2, 0, 9)
    with listed.open(encoding="utf-8-sig", newline="") as opened:
        found = [tuple(row) for row in csv.reader(opened)]
    allowed = "allowed is the form of E.164, such as +6561234567"
    assert [row[:2] for row in found] == [
        ("fault_line", "fault_reason"),
        ("3", f"number '6561234568' is no phone number; {allowed}"),
        ("4", "number stands in line 2 already"),
        ("5", "sku 'PRO' is no number SKU of the catalogue"),
        (
            "6",
            "sku 'NONE' is no number SKU of the catalogue; hold must not be byoi; "
            "a number that a customer brings along comes with its purchase",
        ),
        ("7", "hold must be normal or ported_in, not 'x'"),
        ("8", "has more cells than the first line"),
        ("9", "sku must not be empty"),
        ("10", "number must not be empty"),
        ("11", f"number '+999123456' is no phone number of any country; {allowed}"),
    ]
    assert [fault.line for fault in report.faults] == list(range(3, 12))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty; it has the names of the columns"),
        ("number\n+6561234567\n", "lacks the column sku"),
        ("number,sku,price\n", "'price' is no column; allowed are number, sku or hold"),
        ("number,sku,sku\n", "sku stands here twice"),
        ("number,sku\n+6561234567,DID\n\x00,DID\n", "has a zero byte"),
        ('number,sku\n+6561234567,DID\n"open\n', 'line 3: the " that opens cell 1 is never closed'),
    ],
)
def test_a_fault_of_the_file_stops_it_before_anything_is_written(
    ledger: Ledger, file: Path, text: str, reason: str
) -> None:
    with pytest.raises(Faults, match=reason):
        load(ledger, file, text)
    assert rows(ledger, "SELECT count(*) FROM numbers") == [(0,)]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (bytes(range(1, 256)) * 40, "line 2: is not WINDOWS-1252 text; save it in UTF-8"),
        (b'number,sku\n"open\n', 'line 2: the " that opens cell 1 is never closed; close it'),
    ],
)
def test_a_fault_of_the_file_does_not_name_a_mapping_which_numbers_do_not_have(
    ledger: Ledger, file: Path, content: bytes, fault: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(Faults) as found:
        import_number_file(ledger, file, actor="ann")
    assert str(found.value) == fault


def test_100_000_numbers_are_imported_in_less_than_a_minute(ledger: Ledger, file: Path) -> None:
    done: list[tuple[int, int]] = []
    begin = time.process_time()
    report = load(
        ledger,
        file,
        "number,sku\n" + "".join(f"+658{n:07},DID\n" for n in range(100_000)),
        progress=lambda *now: done.append(now),
    )
    assert time.process_time() - begin < 60
    assert counts(report) == (100_000, 100_000, 0, 0)
    assert done[0] == (5_000, 100_000)
    assert done[-1] == (100_000, 100_000)


KILLED = """
import sys
from pathlib import Path
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from doors.intake.number_import import import_number_file
ledger = Ledger(connect(sys.argv[1]))
import_number_file(ledger, Path(sys.argv[2]), actor="ann", chunk=10)
"""


@pytest.mark.parametrize(
    ("point", "committed"),
    [("import_numbers.before_commit:3", 20), ("import_numbers.after_commit:3", 30)],
)
def test_killed_in_the_middle_and_run_again_imports_each_number_once(
    ledger: Ledger, file: Path, tmp_path: Path, point: str, committed: int
) -> None:
    text = "number,sku\n" + "".join(f"+658{n:07},DID\n" for n in range(50))
    file.write_text(text)
    url = ledger.engine.url.render_as_string(hide_password=False)
    died = subprocess.run(
        [sys.executable, "-c", KILLED, url, str(file)],
        cwd=PROJECT,
        env={**os.environ, "PERENNIAL_FAILPOINTS": str(tmp_path), "PERENNIAL_FAIL_AT": point},
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert rows(ledger, "SELECT count(*) FROM numbers") == [(committed,)]
    assert counts(load(ledger, file, text)) == (50, 50 - committed, committed, 0)
    assert rows(ledger, "SELECT count(*), count(DISTINCT number) FROM number_history") == [(50, 50)]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("+6561234567", "+6561234567"),
        ("+65 6123 4567", "+6561234567"),
        ("+44 (0)20 7946-0000", "+442079460000"),
        ("+1.202.555.0100", "+12025550100"),
    ],
)
def test_a_number_is_kept_in_the_form_of_e_164(written: str, read: str) -> None:
    assert read_e164(written) == read


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("6561234567", "is no phone number"),
        ("+1-800-FLOWERS", "is no phone number"),
        ("+6561234567 ext 5", "is no phone number"),
        ("+６５６１２３４５６７", "is no phone number"),
        ("+491", "is no phone number of any country"),
        ("+999123456", "is no phone number of any country"),
        ("+1 555", "has too few digits for its country"),
        ("+1 555 5555", "lacks its area code"),
        ("+65612345678", "has a length that its country does not use"),
        ("+6561234567890123", "has too many digits for its country"),
        ("+" + "1" * 300, "characters; at most 200 are allowed"),
        ("", "must not be empty"),
        (5, "must be text"),
    ],
)
def test_what_no_number_of_its_country_can_be_is_refused(written: object, reason: str) -> None:
    with pytest.raises(Wrong, match=reason):
        read_e164(written)
