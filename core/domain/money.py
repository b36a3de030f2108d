"""Amounts of money: minor units, rounding, and how an amount is written and read (Rule 3.2).

Owns no prices. An amount is a `Decimal` with its currency's ISO 4217 code beside it. A float is
never an amount.

Worked example: 10.00 pays for 30 days, and 20 of them are left. 10 × 20 / 30 = 6.666…, which is
6.67 USD, 7 JPY or 6.667 KWD.
"""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache

from core.domain.fault_places import shown

MOST_DECIMALS = 5
MOST_DIGITS = 12

_AMOUNT = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")

# Babel's data (CLDR) says how people write prices today. An invoice needs the minor unit of
# ISO 4217. These are the currencies where the two differ.
_ISO_4217_MINOR_UNITS = {
    **dict.fromkeys(
        ("AFN", "ALL", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD", "SOS", "SYP", "YER"), 2
    ),
    "IQD": 3,
}


class UnknownCurrency(ValueError):
    """The text is not the code of a currency in use."""


@lru_cache(maxsize=1)
def _currencies() -> Mapping[str, int]:
    """Every currency in use with its minor units.

    Babel is slow to import, so the first amount imports it.
    """
    from babel.core import get_global
    from babel.numbers import get_currency_precision

    in_use = {
        code
        for used in get_global("territory_currencies").values()
        for code, _start, end, tender in used
        # ISO 4217 has units of account (CLF, CHE) beside legal tender, but not CNH. Metals and
        # test codes (XAU, XTS) are not money.
        if end is None and (tender or not (code.startswith("X") or code == "CNH"))
    }
    return {
        code: _ISO_4217_MINOR_UNITS.get(code, get_currency_precision(code))
        for code in sorted(in_use)
    }


def is_currency(code: object) -> bool:
    """Whether the value is the ISO 4217 code of a currency in use, in upper case."""
    return isinstance(code, str) and code in _currencies()


def minor_units(currency: str) -> int:
    """How many decimals the currency's minor unit has: USD 2, JPY 0, KWD 3 (Rule 3.2).

    Raises UnknownCurrency.
    """
    if not is_currency(currency):
        raise UnknownCurrency(
            f"{shown(currency)} is not a currency in use; allowed are ISO 4217 codes such as USD"
        )
    return _currencies()[currency]


def round_half_up(amount: Decimal | Fraction, currency: str) -> Decimal:
    """The amount rounded once, half up, to the currency's minor unit (Rule 3.2).

    A negative half is rounded away from zero. A `Fraction` is rounded exactly, so three thirds are
    one. The result has the minor unit's decimals and is never a negative zero. Raises
    UnknownCurrency, and ValueError for an amount that is not finite.
    """
    units = minor_units(currency)
    if isinstance(amount, Fraction):
        halves = int(abs(amount) * 10**units * 2)
        whole = (halves + 1) // 2
        return Decimal(whole if amount >= 0 else -whole).scaleb(-units)
    if not amount.is_finite():
        raise ValueError(f"{amount} cannot be rounded: an amount is finite")
    rounded = amount.quantize(Decimal(1).scaleb(-units), rounding=ROUND_HALF_UP)
    return rounded if rounded else abs(rounded)


def plain(amount: Decimal, currency: str) -> str:
    """The amount as files and the interface write it: ``50.00`` USD, ``3.125`` KWD, ``1200`` JPY.

    It has the minor unit's decimals, and more only if they are not zero: ``5.12345`` USD. It never
    has an exponent and is never ``-0.00``. Raises UnknownCurrency.
    """
    whole, _, decimals = format(amount if amount else abs(amount), "f").partition(".")
    decimals = decimals.rstrip("0").ljust(minor_units(currency), "0")
    return f"{whole}.{decimals}" if decimals else whole


def without_currency(number: Decimal) -> str:
    """A number that is no amount, such as a percentage: ``19``, ``7.7``, without zeros at its end.

    It never has an exponent.
    """
    return format(number.normalize(), "f")


def in_words(amount: Decimal, currency: str) -> str:
    """The amount as a customer reads it, in American English: ``$1,200.00``, ``¥1,200``.

    A code such as ``KWD`` is followed by a no-break space. The decimals are those of `plain`.
    Raises UnknownCurrency.
    """
    from babel.numbers import format_currency

    pattern = _pattern(currency, minor_units(currency))
    return format_currency(
        amount if amount else abs(amount),
        currency,
        format=pattern,
        locale="en_US",
        currency_digits=False,
    )


@lru_cache(maxsize=256)
def _pattern(currency: str, units: int) -> str:
    from babel.numbers import get_currency_symbol

    space = (
        "\N{NO-BREAK SPACE}" if get_currency_symbol(currency, locale="en_US")[-1].isalpha() else ""
    )
    return f"¤{space}#,##0." + "0" * units + "#" * (MOST_DECIMALS - units)


LARGEST = Decimal(10) ** MOST_DIGITS


def is_amount(amount: Decimal) -> bool:
    """Whether the ledger can keep the amount to its last decimal (Rule 3.2).

    It is finite, has at most 5 decimals, and lies between -10^12 and 10^12.
    """
    return amount.is_finite() and abs(amount) < LARGEST and amount == round(amount, MOST_DECIMALS)


def parse_amount(text: object) -> Decimal:
    """The amount of a text: digits with an optional sign, at most 5 decimals, below 10^12.

    Raises ValueError with what is allowed for everything else: numbers that are not text,
    exponents, NaN, separators of thousands. `core.domain.inputs.read_amount` is the reader.
    """
    if not isinstance(text, str):
        raise ValueError(f'{shown(text)} is not an amount: an amount is text, such as "50.00"')
    if not _AMOUNT.fullmatch(text):
        raise ValueError(
            f"{shown(text)} is not an amount: allowed are digits with at most {MOST_DECIMALS} "
            'decimals, such as "50.00"'
        )
    whole, _, decimals = text.lstrip("+-").partition(".")
    if len(decimals) > MOST_DECIMALS:
        raise ValueError(
            f"{shown(text)} has {len(decimals)} decimals; at most {MOST_DECIMALS} are allowed"
        )
    if len(whole.lstrip("0")) > MOST_DIGITS:
        raise ValueError(f"{shown(text)} is too large; an amount is below 10^{MOST_DIGITS}")
    amount = Decimal(text)
    return amount if amount else abs(amount)
