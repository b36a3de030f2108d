"""One database for all made-up scenarios of a test, emptied before each.

A new database for each scenario would take longer than to play it.
"""

from collections.abc import Callable, Iterator

import pytest

from core.ledger.database import connect
from core.ledger.ledger import Ledger
from tests.shared_database import EMPTY


@pytest.fixture
def new_ledger(database: str) -> Iterator[Callable[[], Ledger]]:
    """Empties the database of this test, and makes a ledger over it."""
    engine = connect(database, pool_size=2)

    def make() -> Ledger:
        with engine.begin() as connection:
            connection.exec_driver_sql(EMPTY)
        return Ledger(engine)

    yield make
    engine.dispose()
