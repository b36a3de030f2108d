"""Small files of other systems that an import has to read, or to refuse with the right place."""

from datetime import date
from pathlib import Path

import pytest

from core.domain.faults import Faults
from doors.intake import column_mapping
from doors.intake.source_rows import SourceFile, SourceRow

CASES = Path(__file__).parent / "cases"


def rows(name: str, mapping: str | None = None) -> list[SourceRow]:
    """The rows of a case. `mapping`: the text of a mapping, or the name of its file."""
    by = None
    if mapping is not None:
        is_file = mapping.endswith(".yaml")
        by = column_mapping.read(CASES / mapping) if is_file else column_mapping.parse(mapping)
    return list(SourceFile(CASES / name, by).rows())


DATES = """
fields:
  id: {column: id}
  currency: {column: currency}
  timezone: {column: timezone}
  application: {column: application}
  months: {column: months}
  price: {column: price}
  anchor: {column: anchor, date: "FORMAT", zone: account}
"""


@pytest.mark.parametrize(
    ("id_", "form", "day"),
    [
        ("d1", "YYYY-MM-DD hh:mm:ss", date(2024, 1, 31)),
        ("d2", "YYYY-MM-DDThh:mm:ssZ", date(2024, 1, 31)),
        ("d3", "YYYY/M/D", date(2024, 1, 31)),
        ("d4", "DD.MM.YYYY", date(2024, 1, 31)),
        ("d5", "MM/DD/YYYY", date(2024, 1, 31)),
        ("d6", "spreadsheet", date(2023, 1, 31)),
    ],
)
def test_i1_each_shape_of_a_date_can_be_declared(id_: str, form: str, day: date) -> None:
    found = rows("i1-date-shapes.csv", DATES.replace("FORMAT", form))
    assert {row.id: row.values["anchor"] for row in found if not row.reasons} == {id_: day}


def test_i1_without_a_declaration_a_message_names_the_shape_and_the_word() -> None:
    found = rows("i1-date-shapes.csv")
    hints = [row.reasons[0].split("in a mapping, ")[1] for row in found]
    assert [len(row.reasons) for row in found] == [1] * 6
    assert hints == [
        'date: "YYYY-MM-DD hh:mm:ss" reads it, together with zone:',
        'date: "YYYY-MM-DDThh:mm:ssZ" reads it',
        'date: "YYYY/MM/DD" reads it',
        'date: "DD.MM.YYYY" reads it',
        'date: "MM/DD/YYYY" reads it',
        'date: "spreadsheet" reads it',
    ]


def test_i2_a_column_that_is_not_read_may_stand_twice() -> None:
    found = rows("i2-unread-column-twice.csv", "i2-mapping.yaml")
    assert [(row.id, row.reasons) for row in found] == [("u1", [])]


def test_i3_columns_without_a_name_and_rows_of_nothing_are_nothing() -> None:
    found = rows("i3-excel-empty-columns-and-row.csv")
    assert [(row.id, row.reasons) for row in found] == [("e1", [])]


def test_i4_a_quote_that_is_never_closed_is_reported_where_it_opens() -> None:
    with pytest.raises(Faults) as raised:
        rows("i4-quote-never-closed.csv")
    assert str(raised.value) == (
        'line 3: the " that opens cell 5 is never closed; '
        "close it, or write quote: none in a mapping"
    )
