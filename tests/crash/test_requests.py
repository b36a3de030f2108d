"""A request, the effect of new terms, and an alarm of a seller are written whole or not at all."""

from pathlib import Path

import pytest

from tests.crash import points
from tests.crash.runs import codes_of, counted

REQUEST = """
import os
from sqlalchemy import text
from core.ledger import api_requests, database, ledger
opened = ledger.Ledger(database.connect(os.environ["PERENNIAL_DATABASE_URL"]))
asked = api_requests.Asked(
    request_id="r1", do="set_rate", values={"rate": 4}, actor="Ann"
)
def act(connection):
    connection.execute(text("UPDATE sellers SET catalog_revision = catalog_revision + 1"))
    return {"rate": 4}
assert api_requests.once(opened, asked, act).document == {"rate": 4}
"""
ALARM = """
import os
from datetime import UTC, datetime
from activities.reconciliation.alarms import raise_alarms
from core.domain.findings import Finding, FindingKind, Part, ReconcileResult
from core.ledger import database, ledger
opened = ledger.Ledger(database.connect(os.environ["PERENNIAL_DATABASE_URL"]))
found = ReconcileResult(findings=[Finding(kind=FindingKind.STUCK, subject="s1", what="stuck")])
raise_alarms(opened, datetime(2026, 1, 1, tzinfo=UTC), Part.SUBSCRIPTIONS, found)
"""
EFFECT = """
import os
from datetime import UTC, datetime
from core.ledger import database, ledger, term_effects
opened = ledger.Ledger(database.connect(os.environ["PERENNIAL_DATABASE_URL"]))
now = datetime(2026, 1, 1, tzinfo=UTC)
term_effects.ask(opened, "e1", "policy", {}, by="Ann", now=now)
term_effects.end(opened, "e1", now, found={"rows": []})
"""
BACKGROUND = """
import os
from datetime import UTC, datetime
from core.ledger import api_requests, background_requests, database, ledger
opened = ledger.Ledger(database.connect(os.environ["PERENNIAL_DATABASE_URL"]))
asked = api_requests.Asked(
    request_id="r1", do="import_customers", values={"file": 4}, actor="Ann", recorded=True
)
if api_requests.find_done(opened, asked) is None:
    now = datetime.now(UTC)
    background_requests.begin(opened, asked, "run", now)
    background_requests.tell(opened, "r1", "run", 1, 2, now)
    background_requests.stop(opened, "r1", "run")
    def end(connection):
        background_requests.end(connection, opened, "r1")
        return {"report": {}}
    api_requests.once(opened, asked, end)
"""
KEY = ["starter.py", "key", "create", "shop", "--role", "platform"]
MAIL = ["starter.py", "mail", "on", "--from", "a@example.com", "--seller", "b@example.com"]


@pytest.mark.parametrize("point", points.REQUESTS)
def test_a_request_that_is_killed_and_sent_again_is_carried_out_once(
    database: str, tmp_path: Path, point: str
) -> None:
    assert codes_of(database, tmp_path, point, *[["-c", REQUEST]] * 3) == [-9, 0, 0]
    assert counted(database, "SELECT count(*) FROM api_requests") == 1
    assert counted(database, "SELECT catalog_revision FROM sellers") == 1


@pytest.mark.parametrize("point", [*points.again(points.BACKGROUND, 1, 2, 3), *points.REQUESTS])
def test_a_request_in_the_background_that_is_killed_and_sent_again_is_done_once(
    database: str, tmp_path: Path, point: str
) -> None:
    assert codes_of(database, tmp_path, point, *[["-c", BACKGROUND]] * 3) == [-9, 0, 0]
    assert counted(database, "SELECT count(*) FROM api_requests") == 1
    assert counted(database, "SELECT count(*) FROM background_requests") == 0


@pytest.mark.parametrize("point", points.EFFECTS)
def test_an_effect_that_is_killed_and_asked_for_again_is_there_once(
    database: str, tmp_path: Path, point: str
) -> None:
    assert codes_of(database, tmp_path, point, *[["-c", EFFECT]] * 3) == [-9, 0, 0]
    assert counted(database, "SELECT count(*) FROM term_effects WHERE found IS NOT NULL") == 1


@pytest.mark.parametrize("point", points.ALARMS)
def test_rule_12_an_alarm_that_is_killed_and_raised_again_is_there_once(
    database: str, tmp_path: Path, point: str
) -> None:
    runs = (KEY, MAIL, *[["-c", ALARM]] * 3)
    assert codes_of(database, tmp_path, point, *runs) == [0, 0, -9, 0, 0]
    assert counted(database, "SELECT count(*) FROM alarms") == 1
