"""The test clocks that a filter offers, so that a page can show the accounts on one of them."""

from itertools import islice

from core.ledger.ledger import Ledger
from doors.queries.clocks import ClockLine, clock_rows

_MOST = 50


def first_clocks(ledger: Ledger) -> list[ClockLine]:
    """The first 50 test clocks by id."""
    return list(islice(clock_rows(ledger), _MOST))
