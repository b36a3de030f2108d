"""SKUs and prices from a table (docs/import.md, Rules 3.1, 3.5)."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.faults import Faults
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from doors.intake.catalog_import import import_catalog_file
from doors.intake.import_report import CatalogReport
from doors.queries.terms_in_force import catalog_in_force

HEADER = "sku,kind,application,months,currency,price,cost,from\n"


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    ledger = Ledger(connect(database))
    yield ledger
    ledger.engine.dispose()


def take(ledger: Ledger, folder: Path, *rows: str, dry_run: bool = False) -> CatalogReport:
    file = folder / "prices.csv"
    file.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return import_catalog_file(ledger, file, dry_run=dry_run)


ROWS = (
    "PRO,application,desk,1,USD,50,20,",
    "PRO,,,,JPY,5000,,",
    "PRO,,,,USD,60,,2030-01-01",
    "SEAT,addon,,1,USD,10,,",
)


def test_rows_of_a_sku_are_one_entry_for_each_day(ledger: Ledger, tmp_path: Path) -> None:
    report = take(ledger, tmp_path, *ROWS)
    assert (report.rows, report.imported, report.there, report.faulty) == (4, 4, 0, 0)
    catalog = catalog_in_force(ledger)
    assert catalog.price("PRO", "USD", date(2029, 12, 31)) == Decimal(50)
    assert catalog.price("PRO", "USD", date(2030, 1, 1)) == Decimal(60)
    assert catalog.price("PRO", "JPY", date(2030, 1, 1)) == Decimal(5000)
    assert catalog.cost("PRO", "USD", date(2029, 1, 1)) == Decimal(20)
    assert catalog.application("PRO") == "desk"
    assert catalog.months("SEAT") == 1


def test_a_second_time_nothing_is_new_and_a_dry_run_writes_nothing(
    ledger: Ledger, tmp_path: Path
) -> None:
    looked = take(ledger, tmp_path, *ROWS, dry_run=True)
    assert (looked.imported, looked.dry_run) == (4, True)
    assert catalog_in_force(ledger).skus == ()
    take(ledger, tmp_path, *ROWS)
    again = take(ledger, tmp_path, *ROWS, "NEW,addon,,1,USD,5,,")
    assert (again.imported, again.there) == (1, 4)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("BAD,application,,1,USD,much,,", "price: "),
        ("BAD,application,,1,XXQ,5,,", "currency: "),
        ("BAD,thing,,1,USD,5,,", "kind: "),
        ("BAD,application,,0,USD,5,,", "months: "),
        ("BAD,application,,1,USD,,,", "price: missing"),
        ("BAD,,,,USD,5,,", "kind"),
        ("BAD,application,,1,USD,5,,soon", "from: "),
        ("BAD,application,,1,USD,5,,,,,x", "has more cells"),
        ("PRO,application,desk,12,USD,50,20,", "months is 1 in an earlier row"),
        ("PRO,,,,USD,51,,", "price in USD is 50.00 in an earlier row"),
    ],
)
def test_a_faulty_row_is_listed_with_its_reason_and_other_skus_come_in(
    ledger: Ledger, tmp_path: Path, row: str, reason: str
) -> None:
    report = take(ledger, tmp_path, *ROWS, row)
    assert report.faulty >= 1
    assert any(reason in fault.reason for fault in report.faults), report.faults
    assert "SEAT" in catalog_in_force(ledger)
    assert "BAD" not in catalog_in_force(ledger)


def test_a_sku_that_the_catalogue_has_is_not_changed(ledger: Ledger, tmp_path: Path) -> None:
    take(ledger, tmp_path, *ROWS)
    report = take(ledger, tmp_path, "SEAT,addon,,1,USD,11,,")
    assert report.faulty == 1
    assert "from" in report.faults[0].reason
    later = take(ledger, tmp_path, "SEAT,,,,USD,11,,2031-01-01")
    assert later.imported == 1


@pytest.mark.parametrize("header", ["sku,price\n", "sku,currency,price,colour\n", "sku,sku\n", ""])
def test_a_file_with_other_columns_is_refused(ledger: Ledger, tmp_path: Path, header: str) -> None:
    file = tmp_path / "prices.csv"
    file.write_text(header)
    with pytest.raises(Faults, match="line 1"):
        import_catalog_file(ledger, file)
