"""Words, numbers, dates and money in the language of a document.

Words are messages of gettext. The English text is the key, and `locales/<language>.po` holds the
translation. Babel reads these files when a process first needs them, so nothing is compiled before.
`formats.py` writes numbers, dates and money.
"""

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

from babel import Locale
from babel.messages.pofile import read_po

from core.documents.formats import Formats
from core.domain.languages import Language

#: They keep a value such as a phone number in its own direction inside a text from right to left.
_ISOLATE, _END = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"

LOCALES = Path(__file__).parent / "locales"


class Untranslated(LookupError):
    """A text has no translation. A test looks for them, so that none reaches a customer."""


@cache
def catalog_of(language: Language) -> dict[str, str]:
    """The translations of a language by English text. English has none."""
    if language is Language.ENGLISH:
        return {}
    with (LOCALES / f"{language}.po").open("rb") as file:
        messages = read_po(file, locale=str(language), abort_invalid=True)
    return {str(m.id): str(m.string) for m in messages if m.id and m.string and not m.fuzzy}


class Words(Formats):
    """What a language says and how it writes."""

    def __init__(self, language: Language) -> None:
        self.language = language
        super().__init__(Locale.parse(str(language)))
        self._catalog = catalog_of(language)

    def say(self, text: str, **values: str) -> str:
        """A text of `locales/`, with values in place of the names in braces.

        Raises `Untranslated`.
        """
        if self.language is not Language.ENGLISH:
            if text not in self._catalog:
                raise Untranslated(f"{text!r} in {self.language}")
            text = self._catalog[text]
        own = {name: self.foreign(value) for name, value in values.items()}
        return text.format(**own) if own else text

    def foreign(self, text: str) -> str:
        """A text of another language, which keeps its own direction."""
        return f"{_ISOLATE}{text}{_END}" if self.direction == "rtl" else text

    def days(self, first: date, last: date) -> str:
        """The first and the last day of a stretch of time."""
        return self.say(
            "{first} to {last}", first=self.short_date(first), last=self.short_date(last)
        )

    def percent(self, number: Decimal) -> str:
        """A percentage, such as ``19 %``."""
        return self.say("{number} %", number=self.number(number))

    def country(self, code: str) -> str:
        """The name of a country."""
        return str(self.locale.territories.get(code, code)) if code else ""


@cache
def words_of(language: Language) -> Words:
    """The words of a language, read once."""
    return Words(language)
