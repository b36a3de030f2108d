"""`catalog import`: SKUs and prices from a table (rule 3.5)."""

from pathlib import Path

import pytest

from tests.commandline.conftest import call

TABLE = """\
sku,kind,application,months,currency,price,from
PRO,application,phone,1,USD,50.00,
PRO,application,phone,1,EUR,45.00,
PRO,application,phone,1,USD,55.00,2027-01-01
FAX,addon,,1,USD,3.00,
"""


@pytest.fixture
def table(installation: str, tmp_path: Path) -> Path:
    file = tmp_path / "prices.csv"
    file.write_text(TABLE)
    return file


def skus() -> set[str]:
    """The SKUs that the catalogue has."""
    return {row["sku"] for row in call("catalog", "show", "--json").json}


def test_prices_are_imported_once(table: Path) -> None:
    dry = call("catalog", "import", str(table), "--dry-run")
    assert (dry.code, skus()) == (0, set())
    first = call("catalog", "import", str(table), "--json").json
    assert (first["rows"], first["faulty"], skus()) == (4, 0, {"PRO", "FAX"})
    again = call("catalog", "import", str(table), "--json").json
    assert (again["there"], again["faulty"]) == (4, 0)


def test_a_faulty_row_is_listed_and_the_others_are_imported(table: Path, tmp_path: Path) -> None:
    table.write_text(TABLE + "BAD,addon,,1,USD,minus three,\n")
    faults = tmp_path / "faults.csv"
    told = call("catalog", "import", str(table), "--faults", str(faults))
    assert (told.code, skus()) == (2, {"PRO", "FAX"})
    assert "faults.csv" in told.err
    assert "price: " in faults.read_text()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "prices.csv"),
        ("", "line 1: is empty"),
        ("sku,price\nPRO,1\n", "currency"),
        ("sku,currency,price,colour\nPRO,USD,1,red\n", "colour"),
        ("\x00\x01\x02", "line 1: has a zero byte"),
    ],
)
def test_a_file_that_is_no_such_table_is_told(table: Path, content: str | None, words: str) -> None:
    table.unlink()
    if content is not None:
        table.write_text(content)
    told = call("catalog", "import", str(table))
    assert (told.code, words in told.err, skus()) == (2, True, set()), told.err
