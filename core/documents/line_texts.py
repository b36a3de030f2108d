"""The text of an invoice line in the customer's language.

The ledger keeps a line's text in English. The texts that Perennial makes have a few shapes, and
each shape has a message. Text that a person wrote, such as that of usage, is shown as it is.
"""

import re
from datetime import date

from core.documents.languages import Words

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


def in_language(text: str, words: Words) -> str:
    """The text of a line as the customer reads it."""
    stretch = _STRETCH.fullmatch(text)
    what = stretch["what"] if stretch else text
    for shape, message in SHAPES:
        if found := shape.fullmatch(what):
            said = words.say(message, **found.groupdict())
            if stretch is None:
                return said
            days = words.days(
                date.fromisoformat(stretch["first"]), date.fromisoformat(stretch["last"])
            )
            return words.say("{what}, {days}", what=said, days=days)
    return words.foreign(text)
