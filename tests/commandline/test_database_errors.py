"""What a person reads when PostgreSQL responds, but cannot do what it was asked for."""

from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from doors.commandline.errors import explained
from doors.commandline.exit_codes import Code, Ended


def message(error: psycopg.Error) -> str:
    """The message for an error of the database driver. Its exit code is 3."""
    with pytest.raises(Ended) as ended, explained():
        raise OperationalError("INSERT", {}, error)
    assert ended.value.code is Code.UNAVAILABLE
    return str(ended.value)


def test_a_full_disk() -> None:
    said = message(psycopg.errors.DiskFull("could not extend file: No space left on device"))
    assert said.startswith("PostgreSQL cannot write to its disk: could not extend file")
    assert "Free some space" in said
    assert "repeat the command" in said


@pytest.mark.parametrize("kind", [psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected])
def test_a_lock_that_another_transaction_holds(kind: Callable[[str], psycopg.Error]) -> None:
    said = message(kind("canceling statement due to lock timeout"))
    assert said.startswith("Another transaction is in the way: canceling statement")
    assert said.endswith("Repeat the command.")


def test_a_server_that_does_not_respond() -> None:
    assert message(psycopg.OperationalError("connection refused")).startswith(
        "PostgreSQL does not respond: connection refused"
    )
