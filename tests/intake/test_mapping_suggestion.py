"""A mapping is suggested from the header and the values of a file (docs/import.md)."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from core.domain.faults import Faults
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from core.ledger.tables import Clock
from doors.intake import column_mapping, mapping_suggestion
from doors.intake.customer_import import import_file
from doors.intake.mapping_suggestion import UNSURE, suggest
from settings import PROJECT
from tests.domain.made import at

FILES = Path(__file__).parent / "mappings"


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    ledger = Ledger(connect(database))
    with ledger.engine.begin() as connection:
        connection.execute(insert(Clock).values(id="c", now=at("2024-06-03T12:00")))
    yield ledger
    ledger.engine.dispose()


@pytest.fixture
def unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """No ready mapping is known, so each file is guessed."""
    monkeypatch.setattr(mapping_suggestion.ready_mappings, "names", list)


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    file = folder / "file.csv"
    file.write_text(text, encoding=encoding)
    return file


def test_formats_fields_and_doubts_are_written(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "Kunde;customer_no;Contract ID;Start date;Monthly fee;Billing period;Auto-renew;Seats\n"
        "Ann;K1;V1;31.01.2024;1.234,50;monthly;ja;2\n"
        "Bob;K2;V2;05.02.2024;29,90;yearly;nein;\n",
        "windows-1252",
    )
    lines = suggest(file).splitlines()
    assert 'delimiter: ";"' in lines
    assert "date: DD.MM.YYYY" in lines
    assert any(line.startswith('amount: "1.234,56"') for line in lines)
    assert "  id: {column: Contract ID}" in lines
    assert "  account: {column: customer_no}" in lines
    assert "  anchor: {column: Start date}" in lines
    assert "  monthly_price: {column: Monthly fee}" in lines
    assert "  cycle: {column: Billing period}" in lines
    assert "  quantity: {column: Seats}" in lines
    assert any(line.startswith(f"  currency: USD  {UNSURE}") for line in lines)
    assert any(line.startswith(f"      ja: yes  {UNSURE}") for line in lines)
    assert '# Not read: "Kunde"' in lines


def test_formats_that_fit_as_well_are_named(tmp_path: Path) -> None:
    """Both days are below 13, so month and day may be the other way round."""
    file = written(tmp_path, "id,start,price,months\n1,01/02/2024,5.00,1\n2,03/04/2024,6.00,1\n")
    date = next(line for line in suggest(file).splitlines() if line.startswith("date:"))
    assert UNSURE in date
    assert "MM/DD/YYYY" in date
    assert "DD/MM/YYYY" in date


def test_a_later_row_decides(tmp_path: Path) -> None:
    file = written(tmp_path, "id,start,price,months\n1,01/02/2024,5.00,1\n2,31/03/2024,6.00,1\n")
    assert "date: DD/MM/YYYY\n" in suggest(file).replace("date: D/M/YYYY", "date: DD/MM/YYYY")


def test_times_ask_for_their_zone(tmp_path: Path) -> None:
    file = written(tmp_path, "id,start,price,months\n1,2024-02-01 10:00:00,5.00,1\n")
    assert f"zone: UTC  {UNSURE}" in suggest(file)


def test_a_file_of_a_known_system_gets_its_ready_mapping() -> None:
    text = suggest(FILES / "stripe.csv")
    assert text.startswith("# The file has all columns of the ready mapping stripe")
    column_mapping.parse(text)


@pytest.mark.parametrize(
    "file",
    [
        *sorted(FILES.glob("*.csv")),
        PROJECT / "examples" / "telco-customers.csv",
        PROJECT / "examples" / "customers.csv",
        *sorted((Path(__file__).parent / "cases").glob("*-*.csv")),
    ],
    ids=lambda file: file.stem,
)
def test_a_suggestion_can_always_be_read(file: Path, unknown: None) -> None:
    if "quote-never-closed" in file.stem:
        with pytest.raises(Faults):
            suggest(file)
        return
    column_mapping.parse(suggest(file))


def test_the_example_is_guessed_well_enough_to_come_in(ledger: Ledger, unknown: None) -> None:
    text = suggest(PROJECT / "examples" / "telco-customers.csv")
    assert "  id: {column: customerID}" in text
    assert "      One year: 12" in text
    report = asyncio.run(
        import_file(
            ledger,
            PROJECT / "examples" / "telco-customers.csv",
            column_mapping.parse(text),
            clock="c",
            dry_run=True,
            limit=500,
        )
    )
    assert (report.rows, report.faulty) == (500, 0), report.faults


def test_odd_names_are_quoted(tmp_path: Path) -> None:
    file = written(tmp_path, 'id,"start: date","price, net",months,yes\n1,2024-01-31,5.00,1,x\n')
    text = suggest(file)
    column_mapping.parse(text)
    assert '"price, net"' in text


@pytest.mark.parametrize("content", ["", "\n", "PK\x03\x04rest"])
def test_a_file_of_nothing_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(Faults):
        suggest(written(tmp_path, content))


def test_a_header_alone_is_all_doubt(tmp_path: Path) -> None:
    text = suggest(written(tmp_path, "a,b\n"))
    column_mapping.parse(text)
    assert UNSURE in text


def test_unix_seconds_are_guessed_by_the_name_of_their_column(tmp_path: Path) -> None:
    """1798675200 is 2026-12-31."""
    file = written(tmp_path, "id,current_period_end,price\na,1798675200,10.00\nb,1798761600,9.50\n")
    lines = suggest(file).splitlines()
    assert "date: unix seconds" in lines
    assert "  next_charge: {column: current_period_end}" in lines


def test_a_column_that_is_written_in_several_ways_is_not_sure(
    ledger: Ledger, tmp_path: Path
) -> None:
    """Each value is read as what it is: 46387 is a day of a spreadsheet and no second of 1970."""
    file = written(
        tmp_path,
        "id,currency,timezone,months,price,paid_until\n"
        "a,USD,UTC,1,10.50,1798675200\nb,USD,UTC,1,10.50,46387\nc,USD,UTC,1,10.50,31.12.2026\n",
    )
    text = suggest(file)
    assert f'{UNSURE} "paid_until" is written in several ways' in text
    report = asyncio.run(
        import_file(ledger, file, column_mapping.parse(text), clock="c", dry_run=True)
    )
    assert report.outlook is not None
    assert {str(row.paid_until) for row in report.outlook.sample} == {"2026-12-31"}


def test_the_only_column_of_days_is_read_with_its_format(tmp_path: Path) -> None:
    lines = suggest(written(tmp_path, "id,Beginn\na,31.12.2023\n")).splitlines()
    assert "date: DD.MM.YYYY" in lines
    assert f"  anchor: {{column: Beginn}}  {UNSURE} is this anchor?" in lines
