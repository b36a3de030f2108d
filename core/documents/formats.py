"""Numbers, dates and money as they are written somewhere. Digits are European ones everywhere.

So amounts and numbers compare with other systems.
"""

import re
from copy import copy
from datetime import date
from decimal import Decimal

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from core.domain.money import MOST_DECIMALS, minor_units

#: Where a currency's code meets a digit, as in KWD3.125.
_CODE_AND_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")

#: A symbol such as US$ at the end. Its sign keeps its place in a text from right to left.
_LATIN_SYMBOL = re.compile(r"(?<=[A-Za-z])[^\w\s.]$")
_LEFT_TO_RIGHT = "\N{LEFT-TO-RIGHT MARK}"


class Formats:
    """How a language, or a country, writes. `locale`: such as ``de`` or ``de_CH``."""

    def __init__(self, locale: Locale) -> None:
        self.locale = locale

    @property
    def direction(self) -> str:
        """``ltr``, or ``rtl`` for a language that is written from right to left."""
        return self.locale.text_direction

    def money(self, amount: Decimal, currency: str) -> str:
        """An amount with its currency: the minor unit's decimals, and more if they are not zero."""
        pattern = copy(self.locale.currency_formats["standard"])
        pattern.frac_prec = (minor_units(currency), MOST_DECIMALS)
        written: str = pattern.apply(
            amount if amount else abs(amount),
            self.locale,
            currency=currency,
            currency_digits=False,
        )
        written = _CODE_AND_DIGIT.sub("\N{NO-BREAK SPACE}", written)
        ends_in_sign = self.direction == "rtl" and _LATIN_SYMBOL.search(written)
        return written + _LEFT_TO_RIGHT if ends_in_sign else written

    def number(self, value: int | Decimal) -> str:
        """A number, such as ``1,234`` or ``19.5``."""
        return format_decimal(value, format="#,##0.#####", locale=self.locale)

    def long_date(self, day: date) -> str:
        """A date in words."""
        return format_date(day, format="long", locale=self.locale)

    def short_date(self, day: date) -> str:
        """A date that takes little room."""
        return format_date(day, format="medium", locale=self.locale)
