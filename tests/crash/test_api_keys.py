"""A key of the API is made completely or not at all."""

import os
import subprocess
import sys
from pathlib import Path

from sqlalchemy import create_engine, text

from core.ledger.failpoints import DIRECTORY, FAIL_AT
from settings import PROJECT
from tests.crash import points


def test_a_key_that_is_made_around_a_kill_is_there_or_not(database: str, tmp_path: Path) -> None:
    engine = create_engine(database)
    command = [sys.executable, "starter.py", "key", "create", "shop", "--role", "platform"]
    for made, point in enumerate(points.KEYS):
        directory = tmp_path / point
        directory.mkdir()
        environment = {
            **os.environ,
            "PERENNIAL_DATABASE_URL": database,
            DIRECTORY: str(directory),
            FAIL_AT: point,
        }
        killed = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True)
        assert killed.returncode == -9
        with engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM api_keys")).scalar_one() == made
    again = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True)
    assert again.returncode == 0
    assert b"pk_" in again.stdout
    engine.dispose()
