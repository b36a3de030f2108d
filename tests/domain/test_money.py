"""Rule 3.2: minor units, rounding, and amounts as they are written and read."""

import subprocess
import sys
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.money import (
    UnknownCurrency,
    in_words,
    is_amount,
    is_currency,
    minor_units,
    parse_amount,
    plain,
    round_half_up,
)

NOT_CURRENCIES: list[object] = [
    "usd",
    "US",
    "USDD",
    "",
    "DEM",
    "XXX",
    "XTS",
    "XAU",
    "XDR",
    "CNH",
    "$",
    "US$",
    None,
    840,
    b"USD",
    [],
    {},
]

NO_DIGITS = [
    "",
    " ",
    "1.",
    ".5",
    "1,000",
    "1_000",
    "1e3",
    "1E-2",
    "NaN",
    "inf",
    "-Infinity",
    "--1",
    "1 ",
    " 1",
    "1\n",
    "+",
    "1\x00",
]
NO_DIGITS += ["٣", "½", "0x10", "1.2.3", "$5"]
NO_TEXT: list[object] = [50, 50.0, True, None, Decimal("50"), b"50", [], {}]

currencies = st.sampled_from(["USD", "JPY", "KWD"])
amounts = st.decimals(-(10**11), 10**11, places=5, allow_nan=False, allow_infinity=False)


# --- currencies -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("currency", "units"),
    [
        *[
            ("USD", 2),
            ("EUR", 2),
            ("SGD", 2),
            ("JPY", 0),
            ("KRW", 0),
            ("CLP", 0),
            ("KWD", 3),
            ("BHD", 3),
            ("CLF", 4),
        ],
        *[
            ("RSD", 2),
            ("IQD", 3),
            ("ALL", 2),
            ("MGA", 2),
        ],  # ISO 4217, where people leave the small coins away
    ],
)
def test_rule_3_2_a_currency_has_the_minor_units_of_iso_4217(currency: str, units: int) -> None:
    assert minor_units(currency) == units
    assert is_currency(currency)


@pytest.mark.parametrize("code", NOT_CURRENCIES, ids=repr)
def test_what_is_no_currency_in_use_is_unknown(code: object) -> None:
    assert not is_currency(code)
    for ask in (
        minor_units,
        lambda it: round_half_up(Decimal(1), it),
        lambda it: plain(Decimal(1), it),
        lambda it: in_words(Decimal(1), it),
    ):
        with pytest.raises(UnknownCurrency, match="not a currency in use"):
            ask(code)  # type: ignore[arg-type]


def test_the_currency_data_is_loaded_with_the_first_amount_not_with_the_module() -> None:
    modules = "core.domain.money, core.domain.policy, core.domain.catalog"
    script = f"import sys, {modules}; sys.exit('babel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


# --- rounding -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("7.004999", "USD", "7.00"),
        ("7.005", "USD", "7.01"),  # half up
        ("7.015", "USD", "7.02"),  # not half even: 7.025 would stay 7.02
        ("7.025", "USD", "7.03"),
        ("-7.005", "USD", "-7.01"),  # a negative half goes away from zero
        ("-7.004", "USD", "-7.00"),
        ("-0.004", "USD", "0.00"),  # never a negative zero
        ("0", "USD", "0.00"),
        ("1200.5", "JPY", "1201"),
        ("1200.49999", "JPY", "1200"),
        ("3.1255", "KWD", "3.126"),
        ("1E+2", "USD", "100.00"),
        ("0.0149", "USD", "0.01"),  # rounded once: over 0.015 it would become 0.02
    ],
)
def test_rule_3_2_an_amount_is_rounded_once_half_up_to_the_minor_unit(
    amount: str, currency: str, rounded: str
) -> None:
    assert str(round_half_up(Decimal(amount), currency)) == rounded


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        (Fraction(10) / 30 * 21, "USD", "7.00"),
        (Fraction(10) / 30 * 26, "USD", "8.67"),  # 8.666…
        (Fraction(20) / 61 * 52, "USD", "17.05"),  # 17.049…
        (Fraction(370) / 365 * 153, "USD", "155.10"),  # 155.095…
        (Fraction(50) * 16 / 31 + 50, "USD", "75.81"),  # 75.806…
        (Fraction(370) / 12 * 16 / 31 + 370, "USD", "385.91"),  # 385.913…
        (Fraction(201, 200), "USD", "1.01"),  # exactly a half
        (Fraction(-201, 200), "USD", "-1.01"),
        (Fraction(-1, 201), "USD", "0.00"),
        (Fraction(5, 2), "JPY", "3"),
        (Fraction(10, 3), "KWD", "3.333"),
    ],
)
def test_rule_3_4_a_fraction_is_rounded_exactly(
    amount: Fraction, currency: str, rounded: str
) -> None:
    assert str(round_half_up(amount, currency)) == rounded


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_an_amount_that_is_not_finite_cannot_be_rounded(amount: str) -> None:
    with pytest.raises(ValueError, match="an amount is finite"):
        round_half_up(Decimal(amount), "USD")


@settings(deadline=None)
@given(amounts, currencies)
def test_rule_3_2_rounding_moves_an_amount_by_half_a_unit_at_most_and_only_once(
    amount: Decimal, currency: str
) -> None:
    rounded = round_half_up(amount, currency)
    assert abs(rounded - amount) * 2 <= Decimal(10) ** -minor_units(currency)
    assert round_half_up(rounded, currency) == rounded
    assert round_half_up(-amount, currency) == -rounded
    assert round_half_up(Fraction(amount), currency) == rounded


@settings(deadline=None)
@given(st.fractions(-(10**9), 10**9), currencies)
def test_rule_3_2_a_fraction_rounds_like_its_decimal(amount: Fraction, currency: str) -> None:
    # 60 digits of the fraction, cut off below: a half stays a half, nothing below one becomes one
    digits = abs(amount.numerator) * 10**60 // amount.denominator
    exact = Decimal(digits).scaleb(-60)
    unit = Decimal(1).scaleb(-minor_units(currency))
    with_many_digits = exact.quantize(unit, rounding=ROUND_HALF_UP)
    assert abs(round_half_up(amount, currency)) == with_many_digits


# --- written --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("50", "USD", "50.00"),
        ("5.5", "USD", "5.50"),
        ("5.12345", "USD", "5.12345"),
        ("5.12300", "USD", "5.123"),
        ("3.125", "KWD", "3.125"),
        ("3.1", "KWD", "3.100"),
        ("1200", "JPY", "1200"),
        ("1200.00", "JPY", "1200"),
        ("1200.5", "JPY", "1200.5"),
        ("1.2E+3", "USD", "1200.00"),
        ("1E-5", "USD", "0.00001"),
        ("-0.00", "USD", "0.00"),
        ("-0", "JPY", "0"),
        ("-0.5", "USD", "-0.50"),
        ("999999999999.99999", "USD", "999999999999.99999"),
    ],
)
def test_rule_3_2_an_amount_is_written_with_its_minor_units_and_more_only_when_not_zero(
    amount: str, currency: str, text: str
) -> None:
    assert plain(Decimal(amount), currency) == text


@settings(deadline=None)
@given(amounts, currencies)
def test_what_is_written_is_read_back(amount: Decimal, currency: str) -> None:
    assert parse_amount(plain(amount, currency)) == amount


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1200", "USD", "$1,200.00"),
        ("-5.5", "USD", "-$5.50"),
        ("-0.00", "USD", "$0.00"),
        ("5.12345", "USD", "$5.12345"),
        ("1200", "JPY", "¥1,200"),
        ("3.125", "KWD", "KWD\N{NO-BREAK SPACE}3.125"),
        ("50", "RSD", "RSD\N{NO-BREAK SPACE}50.00"),
        ("7", "SGD", "SGD\N{NO-BREAK SPACE}7.00"),
        ("7", "CAD", "CA$7.00"),
    ],
)
def test_a_customer_reads_an_amount_with_its_currency(
    amount: str, currency: str, text: str
) -> None:
    assert in_words(Decimal(amount), currency) == text


# --- read -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("50.00", "50.00"),
        ("0", "0"),
        ("+5.5", "5.5"),
        ("-5.12345", "-5.12345"),
        ("-0.00", "0.00"),
        ("000000000000000007", "7"),
        ("999999999999.99999", "999999999999.99999"),
    ],
)
def test_an_amount_is_read_from_plain_text(text: str, amount: str) -> None:
    assert str(parse_amount(text)) == amount


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *((text, "not an amount: allowed are digits") for text in NO_DIGITS),
        *((value, "an amount is text") for value in NO_TEXT),
        ("1.000000", "has 6 decimals; at most 5"),
        ("1000000000000", r"below 10\^12"),
        ("-1000000000000", r"below 10\^12"),
        ("9" * 10**6, "too large"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_amount_is_refused_with_what_is_allowed(text: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as error:
        parse_amount(text)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    ("amount", "kept"),
    [
        ("0", True),
        ("-12.5", True),
        ("0.00001", True),
        ("0.000001", False),
        ("999999999999.99999", True),
        ("1E12", False),
        ("NaN", False),
        ("-Infinity", False),
    ],
)
def test_rule_3_2_the_ledger_keeps_at_most_five_decimals_below_a_million_millions(
    amount: str, kept: bool
) -> None:
    assert is_amount(Decimal(amount)) is kept
