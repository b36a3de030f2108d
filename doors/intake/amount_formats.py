"""Amounts as other systems write them (Rule 3.2).

A mapping shows how amounts are written by an example, such as ``1.234,56``, or says that they are
whole minor units. A currency's sign or code may stand beside the digits. It must be that of the
row.

Worked examples: ``1.234,50 €`` is 1234.50 EUR. 2999 in minor units is 29.99 USD, 2999 JPY or
2.999 KWD.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from core.domain.fault_places import shown
from core.domain.inputs import Sign, Wrong, read_amount, wrong
from core.domain.money import is_currency, minor_units

MINOR_UNITS = "minor units"
LONGEST_AMOUNT = 60

_BLANKS = "\u00a0\u202f\u2009 "
_ALLOWED = 'allowed are digits with at most 5 decimals, such as "50.00"'
_WRITTEN = re.compile(
    r"(?P<open>\()?(?P<sign>[+\-\u2212])?[ \u00a0\u202f]?"
    r"(?P<before>[^\W\d_]{0,4}[$\u00a3\u00a5\u20a0-\u20cf\u0e3f]?)[ \u00a0\u202f]?"
    r"(?P<second>[+\-\u2212])?"
    r"(?P<digits>[0-9](?:[0-9.,'\u2019 \u00a0\u202f\u2009]*[0-9])?)"
    r"[ \u00a0\u202f]?(?P<after>[^\W\d_]{0,4}[$\u00a3\u00a5\u20a0-\u20cf\u0e3f]?)"
    r"(?P<behind>[+\-\u2212])?(?P<close>\))?"
)
_SHARED = "$£¥"
"""Signs that several currencies use."""


@dataclass(frozen=True, slots=True)
class AmountFormat:
    """One way in which amounts are written.

    `written`: as the mapping writes it: an example, or `MINOR_UNITS`.
    `grouping`: what separates thousands: empty, or one of ``, . ' space``.
    `decimal`: what separates the decimals.
    """

    written: str
    grouping: str = ""
    decimal: str = "."

    def read(self, text: str, currency: str | None, sign: Sign = Sign.NOT_NEGATIVE) -> Decimal:
        """The amount of a text in the row's currency. Raises `Wrong`.

        `currency`: None when the currency of the row could not be read.
        """
        match = None if len(text) > LONGEST_AMOUNT else _WRITTEN.fullmatch(text)
        if match is None or bool(match["open"]) != bool(match["close"]):
            return self._otherwise(text, sign)
        marks = [match[name] for name in ("sign", "second", "behind") if match[name]]
        digits = self._plain(match["digits"])
        if digits is None or len(marks) + bool(match["open"]) > 1:
            return self._otherwise(text, sign)
        _check_sign((match["before"] + match["after"]).strip(), text, currency)
        minus = "-" if match["open"] or (marks and marks[0] != "+") else ""
        amount = self._value(digits, text, currency)
        if not _zero_or_signed(amount, minus, sign):
            wrong(f"must be {sign.value}, not {shown(text)}")
        return -amount if minus and amount else amount

    def _value(self, digits: str, text: str, currency: str | None) -> Decimal:
        if self.written != MINOR_UNITS:
            return read_amount(digits)
        if not digits.isdigit():
            wrong(f"{shown(text)} is not an amount in minor units; allowed are whole numbers")
        return read_amount(f"{Decimal(digits).scaleb(-minor_units(currency or 'USD')):f}")

    def _plain(self, digits: str) -> str | None:
        """The digits with a point and without groups. None if they are written otherwise."""
        for blank in _BLANKS:
            digits = digits.replace(blank, " ")
        digits = digits.replace("\u2019", "'")
        whole, point, decimals = digits.partition(self.decimal)
        if point and not decimals.isdigit():
            return None
        if self.grouping and self.grouping in whole:
            first, *groups = whole.split(self.grouping)
            sizes = {len(group) for group in groups[:-1]}
            if not 1 <= len(first) <= 3 or len(groups[-1]) != 3 or sizes - {2, 3}:
                return None
            whole = first + "".join(groups)
        if not whole.isdigit() or not whole.isascii():
            return None
        return f"{whole}.{decimals}" if decimals else whole

    def _otherwise(self, text: str, sign: Sign) -> Decimal:
        """Raise `Wrong` for what is written in another way, with the word that would help."""
        if self.written == PLAIN.written:
            try:
                return read_amount(text, sign)
            except Wrong as error:
                raise Wrong(f"{error}{hint_of(text, self)}") from None
        allowed = f"allowed are amounts such as {self.written}"
        if self.written == MINOR_UNITS:
            allowed = "allowed are whole minor units, such as 2999 for 29.99"
        return wrong(f"{shown(text)} is not an amount: {allowed}{hint_of(text, self)}")


PLAIN = AmountFormat("1234.56")
FORMATS = {
    form.written: form
    for form in (
        PLAIN,
        AmountFormat("1,234.56", ","),
        AmountFormat("1234,56", "", ","),
        AmountFormat("1.234,56", ".", ","),
        AmountFormat("1 234,56", " ", ","),
        AmountFormat("1 234.56", " "),
        AmountFormat("1'234.56", "'"),
        AmountFormat(MINOR_UNITS),
    )
}
"""Every way in which a mapping may say that amounts are written."""


def read_amount_format(written: object) -> AmountFormat:
    """The format that a mapping names. Raises `Wrong`."""
    if not isinstance(written, str) or written not in FORMATS:
        wrong(f"{shown(written)} is no format of amounts; allowed are {', '.join(FORMATS)}")
    return FORMATS[written]


def shapes_of(text: str) -> list[str]:
    """The formats, as a mapping writes them, in which a text may be an amount."""
    return [name for name, form in FORMATS.items() if name != MINOR_UNITS and _fits(form, text)]


def hint_of(text: str, but: AmountFormat) -> str:
    """What a message says about an amount that is written in another way. Empty if unknown."""
    shapes = [shape for shape in shapes_of(text) if shape not in (but.written, PLAIN.written)]
    return f'; in a mapping, amount: "{shapes[0]}" reads it' if shapes else ""


def _fits(form: AmountFormat, text: str) -> bool:
    match = None if len(text) > LONGEST_AMOUNT else _WRITTEN.fullmatch(text)
    return match is not None and form._plain(match["digits"]) is not None


def _zero_or_signed(amount: Decimal, minus: str, sign: Sign) -> bool:
    if sign is Sign.NOT_NEGATIVE:
        return not minus or not amount
    if sign is Sign.POSITIVE:
        return bool(amount) and not minus
    return bool(amount)


def _check_sign(sign: str, text: str, currency: str | None) -> None:
    """Refuse the sign or the code of another currency."""
    if not sign or currency is None or sign.upper() == currency:
        return
    other = sign.upper() if is_currency(sign.upper()) else _owner(sign)
    if other not in (None, currency):
        wrong(f"{shown(text)} is in {other}, but the currency of the row is {currency}")


@lru_cache(maxsize=256)
def _owner(sign: str) -> str | None:
    """The one currency that a sign stands for. None for signs of several, and for other words."""
    from babel import Locale  # It loads large tables.

    if sign in _SHARED:
        return None
    symbols = Locale("en").currency_symbols
    return next((code for code, own in symbols.items() if own == sign), None)
