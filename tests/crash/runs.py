"""Processes that run one after the other. One of them is killed at a point."""

import os
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import create_engine, text

from core.ledger.failpoints import DIRECTORY, FAIL_AT
from tests.crash.warm import warm


def run(
    database: str, directory: Path, point: str, *arguments: str, typed: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a program of Python, which is killed at the point unless one of this directory was.

    `typed`: what it reads from its input. Default: nothing is handed in.
    """
    environment = {
        **os.environ,
        "PERENNIAL_DATABASE_URL": database,
        DIRECTORY: str(directory),
        FAIL_AT: point,
    }
    with (
        tempfile.TemporaryFile() as read,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        read.write(typed or b"")
        read.seek(0)
        files = (read.fileno(), out.fileno(), err.fileno())
        code = warm().run(list(arguments), environment, *files)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(arguments, code, out.read(), err.read())


def codes_of(database: str, directory: Path, point: str, *runs: list[str]) -> list[int]:
    """The exit codes of processes that run one after the other. One is killed at the point."""
    return [run(database, directory, point, *arguments).returncode for arguments in runs]


def counted(database: str, query: str) -> int:
    """What a query of one number returns."""
    engine = create_engine(database)
    with engine.connect() as connection:
        found: int = connection.execute(text(query)).scalar_one()
    engine.dispose()
    return found
