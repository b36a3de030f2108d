"""The connection of what runs in the background: it sees the rows of every seller.

Here alone such a connection is made (docs/decisions/0033).
"""

from core.ledger.ledger import Ledger
from doors.application.perennial import Perennial


def every_seller(perennial: Perennial) -> Perennial:
    """The same system, by the same servers, for the work of every seller.

    Each unit of work on an account sees the rows of that account's seller only. `of_seller` of the
    result sees those of one seller again.
    """
    if perennial.ledger.every_seller:
        return perennial
    of = perennial.ledger
    ledger = Ledger(of.engine, of.seller, of.machine_now, every_seller=True)
    return Perennial(ledger, perennial.temporal, perennial.config, perennial.patience)
