"""Lists in one cell: phone numbers, and add-ons with their quantities.

Commas, semicolons, bars and line ends separate the items. Worked cells: ``+65 6123 4567; +65 6123
4568``, and ``SUPPORT:2, BACKUP``, which is twice SUPPORT and once BACKUP.
"""

import re

from core.domain.catalog import LONGEST_NAME
from core.domain.commands.purchase import MOST_NUMBERS
from core.domain.fault_places import shown
from core.domain.inputs import Wrong, read_choice, read_id, read_whole_text, wrong
from core.domain.numbers import HoldKind
from doors.intake.cell_values import Formats, RowContext
from doors.intake.phone_numbers import read_e164

MOST_ADDONS = 100
"""Add-ons in one cell."""
MOST_OF_ONE = 1_000_000
_BETWEEN = re.compile(r"[,;|\r\n]+")
_QUANTITY = re.compile(r"(?P<sku>.*\S)\s*(?::|\sx|\s?×)\s*(?P<quantity>[0-9]{1,10})")


def phone_numbers(text: str, _formats: Formats, _row: RowContext) -> tuple[str, ...]:
    """Phone numbers in the form of E.164. Each stands once."""
    found = tuple(read_e164(one) for one in _items(text))
    if len(found) > MOST_NUMBERS:
        wrong(f"has {len(found)} numbers; at most {MOST_NUMBERS} are allowed")
    return found


def addons(text: str, _formats: Formats, _row: RowContext) -> tuple[tuple[str, int], ...]:
    """Add-on SKUs, each with its quantity. Without one it is 1."""
    items = _items(text)
    if len(items) > MOST_ADDONS:
        wrong(f"has {len(items)} add-ons; at most {MOST_ADDONS} are allowed")
    found = []
    for one in items:
        match = _QUANTITY.fullmatch(one)
        sku, quantity = (match["sku"], match["quantity"]) if match else (one, "1")
        found.append((read_id(sku, LONGEST_NAME), read_whole_text(quantity, 1, MOST_OF_ONE)))
    return tuple(found)


def hold(text: str, _formats: Formats, _row: RowContext) -> HoldKind:
    """How a number came to its customer. Capitals, blanks and dashes do not matter."""
    word = re.sub(r"[ -]+", "_", text.casefold())
    try:
        return HoldKind(read_choice(word, HoldKind))
    except Wrong:
        kinds = ", ".join(HoldKind)
        return wrong(f"{shown(text)} is not how a number came; allowed are {kinds}")


def _items(text: str) -> list[str]:
    return [item for part in _BETWEEN.split(text) if (item := part.strip())]
