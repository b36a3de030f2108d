"""As a library, Perennial logs to the logging of the program and prints nothing."""

import logging
import subprocess
import sys
from types import SimpleNamespace

from structlog.testing import capture_logs

from doors.application import logs
from settings import PROJECT

PROGRAM = """
import asyncio, logging, sys
from doors.application.perennial import Perennial
from doors.commandline.process_exit import run_and_exit

{before}
async def main():
    async with Perennial.connect("postgresql://no-one@127.0.0.1:1/none", sys.argv[1]) as perennial:
        import structlog
        log = structlog.get_logger("activities")
        log.info("command_done", operation="suspend", url="postgresql://me:hunter2@host/db")
        log.warning("something", account="acme")

run_and_exit(lambda: asyncio.run(main()))
"""


def told(address: str, before: str = "") -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", PROGRAM.format(before=before), address]
    return subprocess.run(
        program, cwd=PROJECT, capture_output=True, text=True, check=True, timeout=300
    )


def test_by_default_only_warnings_are_seen_and_nothing_is_printed(temporal_address: str) -> None:
    done = told(temporal_address)
    assert (done.stdout, done.stderr) == ("", "event='something' account='acme'\n")


def test_the_program_decides_what_is_seen_and_passwords_are_not(temporal_address: str) -> None:
    done = told(
        temporal_address,
        "logging.basicConfig(level='INFO', format='%(levelname)s %(message)s', stream=sys.stderr)",
    )
    assert (
        "INFO event='command_done' operation='suspend' url='postgresql://me:***@host/db'\n"
        in done.stderr
    )
    assert done.stdout == ""


def test_a_program_that_has_set_up_structlog_keeps_it(temporal_address: str) -> None:
    done = told(
        temporal_address,
        "import structlog; structlog.configure(processors=[structlog.processors.JSONRenderer()])",
    )
    assert '"event": "something"' in done.stdout


def test_complaints_about_a_server_that_is_away_become_one_event_a_minute() -> None:
    def complaint(target: str = "temporalio_client::retry") -> logging.LogRecord:
        error = 'Status { code: Unavailable, message: "tcp connect error", source: None }'
        line = SimpleNamespace(target=target, fields={"error": error})
        record = logging.LogRecord("temporalio.core", 30, "", 0, "poll retried", None, None)
        record.temporal_log = line
        return record

    seconds = 0.0
    away = logs.TemporalIsAway(lambda: seconds)
    with capture_logs() as events:
        assert [away.filter(complaint()) for _ in range(100)] == [False] * 100
        assert [event["error"] for event in events] == ["Unavailable: tcp connect error"]
        assert events[0]["check"] == "starter.py stack status"
        seconds = 59.9
        away.filter(complaint())
        assert len(events) == 1
        seconds = 60.0
        away.filter(complaint())
        assert len(events) == 2
    assert away.filter(complaint("temporalio_sdk_core::worker"))
