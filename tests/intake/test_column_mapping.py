"""The mapping of an import: the examples, the values of cells, and every fault with its place.

The format is described in docs/import.md.
"""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.domain.faults import Faults
from doors.intake import column_mapping
from doors.intake.column_mapping import ColumnMapping

EXAMPLES = Path(__file__).parents[2] / "examples"
FLAGS = (
    "yes is yes, true, on, 1, y or t, and no is no, false, off, 0, n or f; "
    "yes: and no: in a mapping name other words"
)
SMALL = """id: {column: ID}
  currency: USD
  timezone: UTC
  months: 1
  price: 5.00
  anchor: {column: Since}"""


def written(*fields: str, top: str = "") -> str:
    """A small valid mapping, with more fields."""
    return f"{top}\nfields:\n  " + "\n  ".join([SMALL, *fields])


def faults_of(text: str | bytes) -> list[str]:
    with pytest.raises(Faults) as raised:
        column_mapping.parse(text)
    return [str(fault) for fault in raised.value.faults]


def row(read: ColumnMapping, **cells: str) -> tuple[dict[str, Any], list[str]]:
    return read.reader(list(cells)).values(list(cells.values()))


# --- what it reads --------------------------------------------------------------------------------


def test_the_mapping_of_the_telco_file_reads_a_row() -> None:
    values, faults = row(
        column_mapping.read(EXAMPLES / "telco-mapping.yaml"),
        customerID="5575-GNVDE",
        tenure="34",
        Contract="One year",
        PaymentMethod="Mailed check",
        MonthlyCharges="56.95",
        Churn="No",
    )
    assert faults == []
    assert values == {
        "id": "5575-GNVDE",
        "currency": "USD",
        "timezone": "America/Los_Angeles",
        "owner": "5575-GNVDE",
        "application": "telco",
        "months": 12,
        "monthly_price": Decimal("56.95"),
        "tenure_months": 34,
        "auto_renew": True,
        "renew_by_card": False,
        "credit_cycles": 1,
    }


def test_a_table_may_say_that_there_is_no_value() -> None:
    """An electronic check has no card: `card` is left out, not empty text."""
    read = column_mapping.parse(written('card: {column: Pays, values: {auto: sim_ok, check: ""}}'))
    assert row(read, ID="a", Since="2024-01-01", Pays="auto")[0]["card"] == "sim_ok"
    assert "card" not in row(read, ID="a", Since="2024-01-01", Pays="check")[0]


def test_every_value_is_text_whatever_yaml_would_make_of_it() -> None:
    read = column_mapping.parse(
        written(
            "legacy: yes",
            "owner: 0123",
            "quantity: {column: Q, values: {1: 7, 2024-01-01: 8, no: 9}}",
        )
    )
    values, _ = row(read, ID="a", Since="2024-01-01", Q="2024-01-01")
    assert (values["legacy"], values["owner"], values["quantity"]) == (True, "0123", 8)
    assert row(read, ID="a", Since="2024-01-01", Q="no")[0]["quantity"] == 9


@pytest.mark.parametrize("text", ["Yes", "TRUE", "on", "1"])
def test_yes_has_several_words(text: str) -> None:
    assert (
        row(
            column_mapping.parse(written("auto_renew: {column: R}")),
            ID="a",
            Since="2024-01-01",
            R=text,
        )[0]["auto_renew"]
        is True
    )


def test_otherwise_is_for_an_empty_cell_and_with_a_table_for_any_other() -> None:
    read = column_mapping.parse(
        written(
            "quantity: {column: Q, otherwise: 3}",
            "legacy: {column: L, values: {old: yes}, otherwise: no}",
        )
    )
    assert row(read, ID="a", Since="2024-01-01", Q="", L="new")[0] | {"id": "", "anchor": ""} == {
        "id": "",
        "anchor": "",
        "currency": "USD",
        "timezone": "UTC",
        "months": 1,
        "price": Decimal("5.00"),
        "quantity": 3,
        "legacy": False,
    }
    assert row(read, ID="a", Since="2024-01-01", Q="5", L="old")[0]["quantity"] == 5


def test_blanks_around_cells_do_not_count() -> None:
    values, _ = row(column_mapping.parse(written()), ID="  a ", Since=" 2024-02-29")
    assert (values["id"], values["anchor"]) == ("a", date(2024, 2, 29))


@pytest.mark.parametrize(
    ("name", "delimiter"), [("','", ","), ("';'", ";"), ("'|'", "|"), ("tab", "\t")]
)
def test_the_delimiter_is_one_of_four(name: str, delimiter: str) -> None:
    assert column_mapping.parse(written(top=f"delimiter: {name}")).declared.delimiter == name.strip(
        "'"
    )


def test_without_a_mapping_columns_are_named_like_fields() -> None:
    header = (EXAMPLES / "customers.csv").read_text().splitlines()[0].split(",")
    assert column_mapping.by_field_names(header).columns == tuple(header)


def test_with_a_sku_price_and_months_may_be_left_to_the_catalogue() -> None:
    assert column_mapping.parse(
        "fields: {id: {column: I}, currency: USD, timezone: UTC, sku: PRO, tenure_months: 0}"
    ).columns == ("I",)


# --- what is wrong with a cell --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "cell", "fault"),
    [
        (
            "anchor",
            "2024-02-30",
            "anchor: 2024-02-30 is not in the calendar; allowed are days such as 2021-01-31",
        ),
        (
            "anchor",
            "1899-12-31",
            "anchor: 1899-12-31 is out of range; the years 1900 to 9999 are allowed",
        ),
        (
            "anchor",
            "01.02.2024",
            "anchor: must be a date such as 2021-01-31, not '01.02.2024'; "
            'in a mapping, date: "DD.MM.YYYY" reads it',
        ),
        ("tenure_months", "-1", "tenure_months: must be a whole number from 0 to 1200, not -1"),
        ("tenure_months", "1.5", "tenure_months: must be a whole number from 0 to 1200, not '1.5'"),
        ("tenure_months", "٣", "tenure_months: must be a whole number from 0 to 1200, not '٣'"),
        ("months", "0", "months: must be a whole number from 1 to 1200, not 0"),
        (
            "months",
            "9" * 40,
            f"months: must be a whole number from 1 to 1200, not '{'9' * 12}...{'9' * 13}'",
        ),
        ("price", "-5", "price: must be zero or more, not '-5'"),
        (
            "price",
            "NaN",
            "price: 'NaN' is not an amount: "
            'allowed are digits with at most 5 decimals, such as "50.00"',
        ),
        (
            "price",
            "1e3",
            "price: '1e3' is not an amount: "
            'allowed are digits with at most 5 decimals, such as "50.00"',
        ),
        ("price", "1.234567", "price: '1.234567' has 6 decimals; at most 5 are allowed"),
        (
            "monthly_price",
            "9" * 13,
            "monthly_price: '9999999999999' is too large; an amount is below 10^12",
        ),
        ("credits", "-0.01", "credits: must be zero or more, not '-0.01'"),
        ("credit_cycles", "121", "credit_cycles: must be a whole number from 0 to 120, not 121"),
        ("quantity", "0", "quantity: must be a whole number from 1 to 1000000, not 0"),
        (
            "currency",
            "UDS",
            "currency: 'UDS' is not a currency in use; allowed are ISO 4217 codes such as USD; "
            "did you mean USD?",
        ),
        (
            "timezone",
            "../etc",
            "timezone: '../etc' is not an IANA time zone; "
            "allowed are names such as Asia/Singapore or UTC",
        ),
        (
            "timezone",
            "+02:00",
            "timezone: '+02:00' is not an IANA time zone; "
            "allowed are names such as Asia/Singapore or UTC",
        ),
        ("auto_renew", "maybe", f"auto_renew: must be yes or no, not 'maybe'; {FLAGS}"),
        ("renew_by_card", "2", f"renew_by_card: must be yes or no, not '2'; {FLAGS}"),
        ("legacy", "?", f"legacy: must be yes or no, not '?'; {FLAGS}"),
        (
            "billing_email",
            "a b@c",
            "billing_email: must be an e-mail address such as ann@example.com, not 'a b@c'",
        ),
        (
            "billing_email",
            "nobody",
            "billing_email: must be an e-mail address such as ann@example.com, not 'nobody'",
        ),
        (
            "id",
            "x" * 201,
            "id: has 201 characters; at most 200 are allowed",
        ),
        (
            "account",
            "a\x07b",
            r"account: 'a\x07b' has control characters or is not UTF-8; "
            "text on one line is allowed",
        ),
        (
            "owner",
            "two\nlines",
            r"owner: 'two\nlines' has control characters or is not UTF-8; "
            "text on one line is allowed",
        ),
        (
            "card",
            "\u202egnp",
            r"card: '\u202egnp' turns the direction of writing; "
            "text without such marks is allowed",
        ),
        (
            "sku",
            "s" * 101,
            "sku: has 101 characters; at most 100 are allowed",
        ),
        (
            "application",
            "\x1b[31m",
            r"application: '\x1b[31m' has control characters or is not UTF-8; "
            "text on one line is allowed",
        ),
        ("id", "", "id: missing; column F is empty"),
        ("currency", "", "currency: missing; column F is empty"),
        ("anchor", "", "anchor: missing; column F is empty"),
        ("tenure_months", " ", "tenure_months: missing; column F is empty"),
    ],
)
def test_a_cell_that_cannot_be_read_is_a_fault_of_its_row(
    field: str, cell: str, fault: str
) -> None:
    source = {field: column_mapping.FieldSource(("F",))}
    assert ColumnMapping(source).reader(["F"]).values([cell]) == ({}, [fault])


def test_a_cell_that_a_table_does_not_have_is_a_fault_that_lists_what_it_has() -> None:
    read = column_mapping.read(EXAMPLES / "telco-mapping.yaml")
    cells = {
        "customerID": "a",
        "tenure": "x",
        "Contract": "Three year",
        "PaymentMethod": "Mailed check",
        "MonthlyCharges": "",
        "Churn": "No",
    }
    values, faults = row(read, **cells)
    assert faults == [
        "months: 'Three year' is not in the table of column Contract; "
        "it has 'Month-to-month', 'One year', 'Two year'",
        "tenure_months: must be a whole number from 0 to 1200, not 'x'",
    ]
    assert values["id"] == "a"


@pytest.mark.parametrize("cells", [["a"], ["a", "2024-01-01", "more"]])
def test_a_row_has_as_many_cells_as_the_header(cells: list[str]) -> None:
    reader = column_mapping.parse(written()).reader(["ID", "Since"])
    assert reader.values(cells) == ({}, [f"has {len(cells)} cells, but the header has 2"])


# --- what is wrong with the header ----------------------------------------------------------------


def test_missing_columns_and_columns_that_are_read_and_stand_twice_are_faults() -> None:
    with pytest.raises(Faults) as raised:
        column_mapping.parse(written()).reader(["ID", "Other", "ID", "Other"])
    assert str(raised.value).splitlines() == [
        "header: there is no column 'Since'; there are 'ID', 'Other', 'ID', 'Other'",
        "header: column 'ID' stands twice, and the mapping reads it",
    ]


def test_a_plain_file_names_its_columns_like_the_fields() -> None:
    with pytest.raises(Faults) as raised:
        column_mapping.by_field_names(["id", "currncy", "timezone", "anchor"])
    assert str(raised.value).splitlines() == [
        "header.currncy: unknown key; did you mean currency?",
        "header.currency: missing",
        "header: price or monthly_price is missing; only with a sku of the catalogue it is known",
        "header.months: missing; only with a sku of the catalogue it is known",
    ]


# --- what is wrong with a mapping -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ["mapping: None is not a mapping with fields"]),
        ("- a", ["mapping: ['a'] is not a mapping with fields"]),
        ("{}", ["mapping.fields: missing; it says where each field comes from"]),
        ("fields: []", ["mapping.fields: missing; it says where each field comes from"]),
        (written(top="feilds: x"), ["mapping.feilds: unknown key; did you mean fields?"]),
        (
            written(top="delimiter: ':'"),
            ["mapping.delimiter: ':' is not allowed; allowed are ',', ';', '|', 'tab'"],
        ),
        (
            written(top="delimiter: [a]"),
            ["mapping.delimiter: ['a'] is not allowed; allowed are ',', ';', '|', 'tab'"],
        ),
        (written("moths: 1"), ["mapping.fields.moths: unknown key; did you mean months?"]),
        (
            written("quantity: 0"),
            ["mapping.fields.quantity: must be a whole number from 1 to 1000000, not 0"],
        ),
        (written("owner: ''"), ["mapping.fields.owner: is empty"]),
        (
            written("owner: [x]"),
            [
                "mapping.fields.owner: ['x'] is neither a constant nor a mapping with "
                "column, values, otherwise"
            ],
        ),
        (
            written("owner: {values: {a: b}}"),
            ["mapping.fields.owner.column: missing; it names a column of the file"],
        ),
        (
            written("owner: {column: [x]}"),
            ["mapping.fields.owner.column: missing; it names a column of the file"],
        ),
        (
            written("owner: {colum: x, column: y}"),
            ["mapping.fields.owner.colum: unknown key; did you mean column?"],
        ),
        (
            written("owner: {column: x, values: y}"),
            ["mapping.fields.owner.values: 'y' is not a table from cell to value"],
        ),
        (
            written("owner: {column: x, values: {}}"),
            ["mapping.fields.owner.values: {} is not a table from cell to value"],
        ),
        (
            written("legacy: {column: x, values: {a: b}}"),
            [f"mapping.fields.legacy.values.a: must be yes or no, not 'b'; {FLAGS}"],
        ),
        (
            written("legacy: {column: x, values: {a: [b]}}"),
            ["mapping.fields.legacy.values.a: ['b'] is not a value"],
        ),
        (
            written("legacy: {column: x, otherwise: b}"),
            [f"mapping.fields.legacy.otherwise: must be yes or no, not 'b'; {FLAGS}"],
        ),
        (
            written("monthly_price: 1"),
            ["mapping.fields: price and monthly_price exclude one another"],
        ),
        (
            written("tenure_months: 1"),
            ["mapping.fields: anchor and tenure_months exclude one another"],
        ),
        (
            written("credits: 1", "credit_cycles: 1"),
            ["mapping.fields: credits and credit_cycles exclude one another"],
        ),
        (
            "fields: {id: x, currency: USD, timezone: UTC, sku: S, anchor: 2024-01-01}",
            ["mapping.fields.id: is the same for all; it comes from a column"],
        ),
        (
            "fields: {owner: x}",
            [
                "mapping.fields.id: missing",
                "mapping.fields.currency: missing",
                "mapping.fields.timezone: missing",
                "mapping.fields: anchor, tenure_months, paid_until, next_charge or trial_until "
                "is missing",
                "mapping.fields: price or monthly_price is missing; "
                "only with a sku of the catalogue it is known",
                "mapping.fields.months: missing; only with a sku of the catalogue it is known",
            ],
        ),
        (written("owner: a", "owner: b"), ["line 10: is not YAML: 'owner' stands twice"]),
        ("fields: {a", ["line 1: is not YAML: expected ',' or '}', but got '<stream end>'"]),
        ("a: b\n---\nc: d", ["line 2: is not YAML: but found another document"]),
        (b"\xff\xfe", ["file: is not UTF-8 text; text in UTF-8 is allowed"]),
        (
            b"a: \x00",
            [
                "file: is not YAML: unacceptable character #x0000: special characters "
                'are not allowed in "<unicode string>", position 3'
            ],
        ),
        ("[" * 5000, ["file: is not YAML: nested too deep"]),
        ("x" * 100_001, ["file: has more than 100000 bytes; smaller files are allowed"]),
        ("&a [*a]", ["line 1: is not YAML: found unconstructable recursive node"]),
        ("? [a]\n: b", ["line 1: is not YAML: found unhashable key"]),
    ],
)
def test_a_mapping_is_refused_with_every_fault_and_its_place(
    text: str | bytes, faults: list[str]
) -> None:
    assert faults_of(text) == faults


def test_a_byte_order_mark_is_no_fault() -> None:
    assert column_mapping.parse(b"\xef\xbb\xbf" + written().encode()).columns == ("ID", "Since")
