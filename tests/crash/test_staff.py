"""A person, an attempt and a session are written completely or not at all."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.crash import points
from tests.crash.runs import codes_of, counted, run

SIGN_IN = """
from core.gateways.derived_secrets import DerivedSecrets
from core.ledger import bearer_tokens, clocks, database, ledger, sessions, staff, staff_codes
from doors.access.staff import Shown, _sign_in, _sign_out
import os
opened = ledger.Ledger(database.connect(os.environ["PERENNIAL_DATABASE_URL"]))
keys = DerivedSecrets([], "", "")
with opened.read() as connection:
    person = staff.find(connection, "main", "ann@example.com")
staff_codes.use(opened, person.id, None, "", clocks.machine_now())
token = _sign_in(opened, keys, Shown(person.email, "five horses eat hay", "", "::1"))
assert token
assert sessions.session_of(opened, token, clocks.machine_now() + 2 * bearer_tokens.NOTED)
_sign_out(opened, token)
"""
ADD = ["starter.py", "staff", "add", "ann@example.com", "--name", "Ann", "--role", "support"]


@pytest.mark.parametrize("point", points.STAFF)
def test_what_is_killed_around_a_commit_works_when_it_is_tried_again(
    database: str, tmp_path: Path, point: str
) -> None:
    """The first kill stops the process. The second time everything goes through."""
    codes = list[int]()

    def code(*arguments: str) -> int:
        done = run(database, tmp_path, point, *arguments, typed=b"five horses eat hay\n")
        codes.append(done.returncode)
        return done.returncode

    if code(*ADD) != 0:
        there = counted(database, "SELECT count(*) FROM staff")
        assert there == (point == "staff.after_commit")
        assert code(*ADD) == (2 if point == "staff.after_commit" else 0)
    if code("-c", SIGN_IN) != 0:
        assert code("-c", SIGN_IN) == 0
    assert codes.count(-9) == 1
    assert counted(database, "SELECT failures FROM staff") == 0


SECOND_PERSON = """
import os
from decimal import Decimal
from core.domain.roles import Role
from core.domain.second_person import ApprovalState, MoneyLimit
from core.ledger import approvals, clocks, database, ledger, money_limits
opened = ledger.Ledger(database.connect(os.environ["PERENNIAL_DATABASE_URL"]))
now = clocks.machine_now()
limit = MoneyLimit(currency="USD", per_command=Decimal(9), per_day=Decimal(9))
assert money_limits.take(opened, "ann", "r1", limit, Decimal(9), now) is None
money_limits.settle(opened, "r1", Decimal(8))
new = approvals.NewApproval(do="adjust", values={}, request_id="r2", fingerprint="f", who="ann",
    actor="Ann", role=Role.SUPPORT, amount=Decimal(9), currency="USD", why="much")
line = approvals.ask(opened, new, now)
approvals.decide(opened, line.id, approved=True, who="bob", actor="Bob", now=now)
approvals.end(opened, line.id, ApprovalState.DONE, "done", now)
"""
LIMIT = ["starter.py", "limit", "set", "support", "USD", "--per-command", "9", "--per-day", "9"]


@pytest.mark.parametrize("point", points.SECOND_PERSON)
def test_what_waits_for_a_second_person_goes_on_after_a_kill(
    database: str, tmp_path: Path, point: str
) -> None:
    """Everything is done again after the kill, and is there once."""
    runs = (LIMIT, LIMIT, ["-c", SECOND_PERSON], ["-c", SECOND_PERSON])
    codes = codes_of(database, tmp_path, point, *runs)
    assert sorted(codes) == [-9, 0, 0, 0]
    engine = create_engine(database)
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT (SELECT array_agg(state) FROM approvals),"
                " (SELECT array_agg(amount) FROM money_moved),"
                " (SELECT count(*) FROM money_limits)"
            )
        )
        assert [tuple(row) for row in rows] == [(["done"], [8], 1)]
    engine.dispose()


AUDIT = """
import os
from core.domain.commands.extend import Extend
from core.ledger import acting, audit, database, ledger
from doors.access.recorded import _record
opened = ledger.Ledger(database.connect(os.environ["PERENNIAL_DATABASE_URL"]))
command = Extend(subscription="s1", cycles=1, request_id="r1")
for outcome in (audit.Outcome.ASKED, audit.Outcome.DONE):
    _record(opened, command, acting.Acting("Ann"), outcome, None)
"""
KEY = ["starter.py", "key", "create", "shop", "--role", "platform"]


@pytest.mark.parametrize("point", points.AUDIT)
def test_a_chain_holds_after_a_kill(database: str, tmp_path: Path, point: str) -> None:
    runs = (KEY, ["-c", AUDIT], ["-c", AUDIT], ["starter.py", "audit", "verify"])
    assert codes_of(database, tmp_path, point, *runs) == [0, -9, 0, 0]
