"""Take numbers into the inventory, many in one transaction (Rule 10.3)."""

from collections.abc import Sequence
from datetime import datetime

from core.domain.numbers import NewNumber
from core.ledger import numbers
from core.ledger.ledger import Ledger


def import_numbers(
    ledger: Ledger, new: Sequence[NewNumber], now: datetime, actor: str
) -> frozenset[str]:
    """Take numbers into the inventory of the seller, free to be bought.

    Returns those that are new. Those that are there already are left as they are.
    """
    with ledger.transaction("import_numbers") as connection:
        return numbers.take_in(connection, ledger.seller, new, now, actor)


def numbers_there(ledger: Ledger, new: Sequence[NewNumber]) -> frozenset[str]:
    """Which of these numbers an import would leave as they are."""
    with ledger.read() as connection:
        return numbers.there(connection, ledger.seller, new)
