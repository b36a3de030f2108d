"""An erasing that is killed goes on where it was (docs/decisions/0038)."""

from pathlib import Path

import pytest

from tests.crash import points
from tests.crash.runs import codes_of, counted

ERASE = """
import os
from datetime import UTC, datetime
from activities.registry import Activities
from core.domain.commands.close_account import CloseAccount
from core.domain.commands.erase_account import EraseAccount
from core.gateways.simulated_cards import SimulatedCards
from core.ledger import database, erasures, ledger
from core.protocol.activity_messages import CommandRequest
opened = ledger.Ledger(database.connect(os.environ["PERENNIAL_DATABASE_URL"]))
activities = Activities(opened, SimulatedCards(opened.engine))
now = datetime(2026, 1, 1, tzinfo=UTC)
close = CloseAccount(account="acme", request_id="close")
erase = EraseAccount(account="acme", request_id="erase")
done = activities.call("close_account", CommandRequest(command=close, now=now, past=()))
assert done.refusal is None or "erased" in done.refusal.reason, done.refusal
done = activities.call("erase_account", CommandRequest(command=erase, now=now, past=()))
assert done.refusal is None, done.refusal
for erasing in erasures.unfinished(opened, "acme"):
    for part in erasures.PARTS:
        erasures.erase_page(opened, erasing, part, None)
    erasures.end(opened, erasing)
"""
NEW = [
    *("starter.py", "account", "new", "acme", "--currency", "USD", "--timezone", "UTC"),
    *("--owner", "Zebulon Quux"),
]


@pytest.mark.parametrize("point", points.ERASING)
def test_an_erasing_that_is_killed_and_tried_again_is_finished(
    database: str, tmp_path: Path, point: str
) -> None:
    assert codes_of(database, tmp_path, point, NEW, *[["-c", ERASE]] * 3) == [0, -9, 0, 0]
    assert counted(database, "SELECT count(*) FROM accounts WHERE owner = 'erased'") == 1
    assert counted(database, "SELECT count(*) FROM erasures WHERE erased_at IS NOT NULL") == 1
    assert counted(database, "SELECT count(*) FROM history WHERE event = 'account_erased'") == 1
