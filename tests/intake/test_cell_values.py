"""Values as other systems write them, and what they mean (docs/import.md)."""

from datetime import date
from decimal import Decimal

import pytest

from core.domain.faults import Faults
from core.domain.inputs import Sign, Wrong
from doors.intake import amount_formats, cell_values, column_mapping, date_formats
from doors.intake.cell_values import PLAIN, RowContext
from doors.intake.date_formats import DateFormats, plain_dates, read_formats


def day(form: str | list[str], text: str, zone: str = "UTC", of: str | None = None) -> date:
    return DateFormats(read_formats(form), of).read(text, zone)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("YYYY-MM-DD", "2024-01-31"),
        ("DD.MM.YYYY", "31.01.2024"),
        ("D.M.YYYY", "31.1.2024"),
        ("MM/DD/YYYY", "01/31/2024"),
        ("YYYY/M/D", "2024/1/31"),
        ("YYYYMMDD", "20240131"),
        ("DD.MM.YY", "31.01.24"),
        ("MMM D, YYYY", "January 31, 2024"),
        ("D-MMM-YYYY", "31-Jan-2024"),
        ("YYYY-MM-DDThh:mm:ssZ", "2024-01-31T05:00:00Z"),
        ("YYYY-MM-DDThh:mm:ssZ", "2024-01-31T05:00:00.123+02:00"),
        ("YYYY-MM-DD hh:mm:ssZ", "2024-01-31 05:00:00 UTC"),
        ("unix seconds", "1706677200"),
        ("unix milliseconds", "1706677200000"),
        ("spreadsheet", "45322"),
        (["DD.MM.YYYY", "YYYY-MM-DD"], "2024-01-31"),
    ],
)
def test_a_date_is_read_as_the_mapping_says(form: str | list[str], text: str) -> None:
    assert day(form, text) == date(2024, 1, 31)


@pytest.mark.parametrize(
    ("form", "of", "text", "account", "found"),
    [
        ("YYYY-MM-DDThh:mm:ssZ", None, "2024-01-31T05:00:00Z", "America/Los_Angeles", 30),
        ("YYYY-MM-DDThh:mm:ssZ", None, "2024-01-30T23:30:00Z", "Europe/Berlin", 31),
        ("YYYY-MM-DD hh:mm:ss", "UTC", "2024-01-30 23:30:00", "Europe/Berlin", 31),
        ("YYYY-MM-DD hh:mm:ss", "America/New_York", "2024-01-30 23:30:00", "Europe/Berlin", 31),
        ("YYYY-MM-DD hh:mm:ss", "account", "2024-01-30 23:30:00", "Europe/Berlin", 30),
        ("MM/DD/YYYY h:mm AM", "UTC", "1/30/2024 11:30 PM", "Europe/Berlin", 31),
        ("unix seconds", None, "1706657400", "Europe/Berlin", 31),
        ("spreadsheet", "UTC", "45321.98", "Europe/Berlin", 31),
    ],
)
def test_rule_1_1_an_instant_becomes_the_local_date_of_the_account(
    form: str, of: str | None, text: str, account: str, found: int
) -> None:
    assert day(form, text, account, of) == date(2024, 1, found)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("2024-01-31 05:00:00", 'date: "YYYY-MM-DD hh:mm:ss" reads it, together with zone:'),
        ("2024-01-31T05:00:00Z", 'date: "YYYY-MM-DDThh:mm:ssZ" reads it'),
        ("2024/1/31", 'date: "YYYY/MM/DD" reads it'),
        ("31.01.2024", 'date: "DD.MM.YYYY" reads it'),
        ("01/31/2024", 'date: "MM/DD/YYYY" reads it'),
        ("01/02/2024", 'date: "MM/DD/YYYY" or date: "DD/MM/YYYY" reads it'),
        ("44957", 'date: "spreadsheet" reads it'),
        ("1706677200", 'date: "unix seconds" reads it'),
        ("1706677200000", 'date: "unix milliseconds" reads it'),
        ("20240131", 'date: "YYYYMMDD" reads it'),
    ],
)
def test_a_date_that_is_written_otherwise_names_its_shape_and_the_word(
    text: str, hint: str
) -> None:
    with pytest.raises(Wrong) as raised:
        plain_dates().read(text, "UTC")
    message = f"must be a date such as 2021-01-31, not '{text}'; in a mapping, {hint}"
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("DD.MM.YYYY", "31.02.2024"),
        ("DD.MM.YYYY", "31.13.2024"),
        ("DD.MM.YYYY", "٣1.01.2024"),
        ("MM/DD/YYYY", "31/01/2024"),
        ("YYYY-MM-DD hh:mm:ss", "2024-01-31 25:00:00"),
        ("YYYY-MM-DD hh:mm:ss", "2024-01-31 05:00:60"),
        ("MM/DD/YYYY h:mm AM", "1/30/2024 13:30 PM"),
        ("YYYY-MM-DDThh:mm:ssZ", "2024-01-31T05:00:00+99:00"),
        ("unix seconds", "999999999999999"),
        ("unix seconds", "-5"),
        ("spreadsheet", "9999999"),
        ("spreadsheet", "1e5"),
    ],
)
def test_what_is_no_date_is_wrong(form: str, text: str) -> None:
    with pytest.raises(Wrong):
        day(form, text, of="UTC")


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ("DD.MM", "'DD.MM' must have year, month and day, each once; allowed are"),
        ("DD.MM.YYYY.DD", "must have year, month and day, each once"),
        ("dd.mm.yyyy", "'dd.mm.yyyy' has 'dd', which means nothing here; allowed are"),
        ("DD.MM.YYYY mm", "has a time without its hour"),
        ("x" * 50, "is no format of dates"),
        (["MM/DD/YYYY", "DD/MM/YYYY"], "cannot be told apart"),
        ([], "names 0 formats; allowed are 1 to 5"),
    ],
)
def test_a_format_of_dates_is_checked(form: object, fault: str) -> None:
    with pytest.raises(Wrong) as raised:
        read_formats(form)
    assert fault in str(raised.value)


@pytest.mark.parametrize(
    ("form", "text", "currency", "amount"),
    [
        ("1234.56", "29.99", "USD", "29.99"),
        ("1234.56", "$29.99", "USD", "29.99"),
        ("1234.56", "US$ 29.99", "USD", "29.99"),
        ("1234.56", "29.99 usd", "USD", "29.99"),
        ("1234.56", "+5", "USD", "5"),
        ("1,234.56", "12,345,678.9", "USD", "12345678.9"),
        ("1,234.56", "12,34,567.8", "INR", "1234567.8"),
        ("1.234,56", "1.234,50 €", "EUR", "1234.50"),
        ("1.234,56", "1.234", "EUR", "1234"),
        ("1234,56", "12,5", "EUR", "12.5"),
        ("1 234,56", "1\u202f234,50\u00a0€", "EUR", "1234.50"),
        ("1'234.56", "CHF 1’234.50", "CHF", "1234.50"),
        ("minor units", "2999", "USD", "29.99"),
        ("minor units", "2999", "JPY", "2999"),
        ("minor units", "2999", "KWD", "2.999"),
    ],
)
def test_rule_3_2_an_amount_is_read_as_the_mapping_says(
    form: str, text: str, currency: str, amount: str
) -> None:
    assert amount_formats.FORMATS[form].read(text, currency) == Decimal(amount)


@pytest.mark.parametrize("text", ["-5.00", "−5.00", "(5.00)", "5.00-", "$-5.00", "-$5.00"])
def test_numbers_have_signs(text: str) -> None:
    assert amount_formats.PLAIN.read(text, "USD", Sign.NOT_ZERO) == Decimal("-5.00")
    with pytest.raises(Wrong, match="must be zero or more, not"):
        amount_formats.PLAIN.read(text, "USD")


@pytest.mark.parametrize(
    ("form", "text", "currency", "fault"),
    [
        ("1234.56", "12,50", "EUR", 'in a mapping, amount: "1234,56" reads it'),
        ("1234.56", "1.234,50", "EUR", 'in a mapping, amount: "1.234,56" reads it'),
        ("1234.56", "1,234.50", "USD", 'in a mapping, amount: "1,234.56" reads it'),
        ("1,234.56", "1,23", "EUR", 'amounts such as 1,234.56; in a mapping, amount: "1234,56"'),
        ("1234.56", "€5.00", "USD", "'€5.00' is in EUR, but the currency of the row is USD"),
        ("1234.56", "5.00 EUR", "USD", "is in EUR, but the currency of the row is USD"),
        ("1234.56", "(5.00", "USD", "is not an amount"),
        ("1234.56", "--5.00", "USD", "is not an amount"),
        ("1234.56", "1.", "USD", "is not an amount"),
        ("minor units", "29.99", "USD", "allowed are whole"),
        ("1234.56", "9" * 100, "USD", "is too large"),
    ],
)
def test_an_amount_that_is_written_otherwise_names_the_word_that_helps(
    form: str, text: str, currency: str, fault: str
) -> None:
    with pytest.raises(Wrong) as raised:
        amount_formats.FORMATS[form].read(text, currency)
    assert fault in str(raised.value)


def test_currencies_and_zones_are_read_in_any_case() -> None:
    assert cell_values.currency("usd", PLAIN, RowContext()) == "USD"
    assert cell_values.zone("europe/berlin", PLAIN, RowContext()) == "Europe/Berlin"
    assert cell_values.zone("America/New York", PLAIN, RowContext()) == "America/New_York"
    with pytest.raises(Wrong, match=r"did you mean USD\?"):
        cell_values.currency("US", PLAIN, RowContext())
    with pytest.raises(Wrong, match=r"did you mean Europe/Berlin\?"):
        cell_values.zone("Europe/Berln", PLAIN, RowContext())


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("monthly", 1),
        ("1 month", 1),
        ("3 months", 3),
        ("every 2 years", 24),
        ("year", 12),
        ("ANNUAL", 12),
        ("QUARTERLY", 3),
        ("P6M", 6),
        ("p1y", 12),
    ],
)
def test_a_cycle_may_be_written_in_words(text: str, months: int) -> None:
    assert cell_values.cycle(text, PLAIN, RowContext()) == months


@pytest.mark.parametrize("text", ["2 weeks", "weekly", "30 days", "THIRTY_DAYS", "P2W", "day"])
def test_rule_1_3_a_cycle_in_weeks_or_days_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(Wrong, match=r"cycles are counted in months \(rule 1.3\); leave such rows"):
        cell_values.cycle(text, PLAIN, RowContext())


def test_words_for_yes_and_no_may_be_any_and_are_listed_when_refused() -> None:
    mapping = column_mapping.parse(
        "yes: [ja, j]\nno: nein\nfields:\n  id: {column: I}\n  currency: EUR\n"
        "  timezone: UTC\n  sku: PRO\n  anchor: 2024-01-31\n"
        "  auto_renew: {column: R}\n  legacy: {column: L, yes: alt}"
    )
    reader = mapping.reader(["I", "R", "L"])
    assert reader.values(["a", "Ja", "ALT"])[0] | {"anchor": 0, "timezone": 0} == {
        "id": "a",
        "currency": "EUR",
        "timezone": 0,
        "sku": "PRO",
        "anchor": 0,
        "auto_renew": True,
        "legacy": True,
    }
    assert reader.values(["a", "yes", "no"])[1] == [
        "auto_renew: must be yes or no, not 'yes'; yes is ja or j, and no is nein; "
        "yes: and no: in a mapping name other words"
    ]


def test_a_time_without_an_offset_needs_its_zone() -> None:
    written = "fields: {id: {column: I}, currency: EUR, timezone: UTC, sku: P, anchor: {}}"
    source = '{column: A, date: "YYYY-MM-DD hh:mm:ss"}'
    with pytest.raises(Faults) as raised:
        column_mapping.parse(written.replace("{}", source))
    assert str(raised.value) == (
        "mapping.fields.anchor.date: YYYY-MM-DD hh:mm:ss has a time without an offset; add zone: "
        "with the zone in which such times were written, such as UTC, or account for the "
        "account's own"
    )
    column_mapping.parse("zone: UTC\n" + written.replace("{}", source))


def test_every_format_that_is_offered_reads_what_it_shows() -> None:
    for name, form in amount_formats.FORMATS.items():
        if name != amount_formats.MINOR_UNITS:
            assert form.read(name, None) == Decimal("1234.56")
    for name in date_formats.EXAMPLES:
        assert date_formats.read_format(name).written == name
