"""The text of an invoice line in the customer's language.

The ledger keeps a line's text in English. The texts that Perennial makes have a few shapes, and
each shape has a message. The text of usage is shown as it is, whatever it looks like.
"""

import re
from contextlib import suppress
from datetime import date

from core.documents.languages import Words
from core.domain.documents import Line

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"

#: Shapes of texts, and what is said for them. The first one that fits counts.
SHAPES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(shape), message)
    for shape, message in (
        (r"(?P<id>.+) primary (?P<sku>.+)", "{sku} (subscription {id})"),
        (r"(?P<id>.+) add-on (?P<sku>.+)", "Add-on {sku} (subscription {id})"),
        (
            r"(?P<id>.+) number (?P<number>\+[0-9]+) (?P<sku>.+)",
            "Number {number}, {sku} (subscription {id})",
        ),
        (r"Activation fee for number (?P<number>.+)", "Activation fee for number {number}"),
        (r"Transfer to (?P<account>.+)", "Transfer to {account}"),
        (r"Adjustment: (?P<reason>.+)", "Adjustment: {reason}"),
        (r"Top-up", "Top-up"),
        (r"Top-up by card", "Top-up by card"),
        (r"Automatic top-up by card", "Automatic top-up by card"),
        (r"Balance brought forward", "Balance brought forward"),
        (r"(?P<id>.+) refund", "Refund (subscription {id})"),
        (r"(?P<id>.+) administrative fee", "Administrative fee (subscription {id})"),
    )
)
_STRETCH = re.compile(rf"(?P<what>.+) from (?P<first>{_DAY}) to (?P<last>{_DAY})")


def in_language(line: Line, words: Words) -> str:
    """The text of a line as the customer reads it."""
    if not line.own_text:
        what, days = _parts(line.text)
        for shape, message in SHAPES:
            if found := shape.fullmatch(what):
                said = words.say(message, **found.groupdict())
                if days is None:
                    return said
                return words.say("{what}, {days}", what=said, days=words.days(*days))
    return words.foreign(line.text)


def _parts(text: str) -> tuple[str, tuple[date, date] | None]:
    """What is charged, and the first and last day for which, if the text names them."""
    if stretch := _STRETCH.fullmatch(text):
        with suppress(ValueError):  # The reason of an adjustment may name a day that is none.
            days = date.fromisoformat(stretch["first"]), date.fromisoformat(stretch["last"])
            return stretch["what"], days
    return text, None
