"""Take numbers into the inventory, many in one transaction (Rule 10.3)."""

from collections.abc import Sequence
from datetime import datetime

from core.domain.numbers import NewNumber
from core.ledger import imports, numbers
from core.ledger.imports import Came
from core.ledger.ledger import Ledger


def import_numbers(
    ledger: Ledger,
    new: Sequence[NewNumber],
    now: datetime,
    actor: str,
    import_id: int | None = None,
) -> frozenset[str]:
    """Take numbers into the inventory of the seller, free to be bought.

    `import_id`: the import by which they can be taken out again. Default: none.
    Returns those that are new. Those that are there already are left as they are.
    """
    with ledger.transaction("import_numbers") as connection:
        came = numbers.take_in(connection, ledger.seller, new, now, actor)
        if import_id is not None:
            imports.note_came(connection, import_id, (Came("", number) for number in sorted(came)))
        return came


def numbers_there(ledger: Ledger, new: Sequence[NewNumber]) -> frozenset[str]:
    """Which of these numbers an import would leave as they are."""
    with ledger.read() as connection:
        return numbers.there(connection, ledger.seller, new)
