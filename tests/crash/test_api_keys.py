"""A key of the API is made completely or not at all."""

from pathlib import Path

from tests.crash import points
from tests.crash.runs import counted, run

CREATE = ("starter.py", "key", "create", "shop", "--role", "platform")


def test_a_key_that_is_made_around_a_kill_is_there_or_not(database: str, tmp_path: Path) -> None:
    for made, point in enumerate(points.KEYS):
        directory = tmp_path / point
        directory.mkdir()
        assert run(database, directory, point, *CREATE).returncode == -9
        assert counted(database, "SELECT count(*) FROM api_keys") == made
    again = run(database, directory, point, *CREATE)
    assert again.returncode == 0
    assert b"pk_" in again.stdout
