"""worker.py as a process: it reports that it is ready, drains on SIGTERM, and explains failures."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import worker
from doors.application import logs
from doors.commandline.worker_process import ALL_ROLES
from local import process, temporal
from settings import PREFIX, PROJECT, Settings

LOGGER = "doors.commandline.worker_process"


pytestmark = pytest.mark.waits


def environment(**settings: object) -> dict[str, str]:
    """The environment of a worker process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return kept | {f"{PREFIX}{name.upper()}": str(value) for name, value in settings.items()}


def run(*arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run a worker that ends by itself."""
    return subprocess.run(
        [sys.executable, "worker.py", *arguments],
        cwd=PROJECT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=300,
    )


@contextmanager
def started(*arguments: str, **settings: object) -> Iterator[subprocess.Popen[str]]:
    """Run a worker during a `with` block."""
    with subprocess.Popen(
        [sys.executable, "worker.py", *arguments],
        cwd=PROJECT,
        env=environment(**settings),
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def lines(running: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """The lines of its log, as they arrive."""
    assert running.stderr is not None
    for line in running.stderr:
        yield json.loads(line)


@pytest.fixture
def stack(database: str, temporal_address: str) -> dict[str, object]:
    """Settings that name the servers of the tests."""
    return {
        "database_url": database,
        "temporal_address": temporal_address,
        "log_json": "true",
        "task_queue": f"worker-{os.getpid()}",
    }


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_is_ready_serves_metrics_and_drains_on_a_signal(
    stack: dict[str, object], number: int
) -> None:
    [port] = process.free_ports(1)
    with started("all", metrics_port=port, **stack) as running:
        log = lines(running)
        ready = next(line for line in log if line["event"] == "ready")
        assert ready["roles"] == ["workflows", "activities", "charge", "relay", "messages"]
        assert ready["metrics_port"] == port
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=300) as answer:
            assert b"temporal_" in answer.read()
        running.send_signal(number)
        assert [line["event"] for line in log if line["logger"] == LOGGER] == [
            "draining",
            "stopped",
        ]
        assert running.wait(300) == 0


def test_a_temporal_server_that_goes_away_is_one_event_and_no_lines_of_the_sdk(
    stack: dict[str, object], stack_home: Path
) -> None:
    config = Settings(home=stack_home)
    try:
        address = temporal.up(config).address
        with started("workflows", "charge", **stack | {"temporal_address": address}) as running:
            log = lines(running)
            next(line for line in log if line["event"] == "ready")
            temporal.down(config)
            line = next(log)
            assert line["event"] == "temporal_does_not_respond"
            assert line["error"].startswith("Unavailable")
            assert "goes on by itself" in line["effect"]
            running.terminate()
            rest = [(line["logger"], line["event"]) for line in log]
        assert [event for logger, event in rest if logger == LOGGER] == ["draining", "stopped"]
        assert "temporalio.core" not in dict(rest)
    finally:
        temporal.down(config)


def test_roles_can_be_named_in_any_order_and_twice(stack: dict[str, object]) -> None:
    with started("relay", "charge", "relay", **stack) as running:
        ready = next(line for line in lines(running) if line["event"] == "ready")
        assert ready["roles"] == ["charge", "relay"]
        running.terminate()
        assert running.wait(300) == 0


def test_without_temporal_it_ends_with_3_and_says_what_to_do(stack: dict[str, object]) -> None:
    [port] = process.free_ports(1)
    done = run("workflows", **stack | {"temporal_address": f"127.0.0.1:{port}"})
    assert done.returncode == 3
    assert f"Temporal at 127.0.0.1:{port} does not respond" in done.stderr
    assert "starter.py stack status" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_postgresql_it_ends_with_3_and_says_what_to_do(stack: dict[str, object]) -> None:
    [port] = process.free_ports(1)
    done = run(
        "activities",
        **stack | {"database_url": f"postgresql://me:hunter2@127.0.0.1:{port}/perennial"},
    )
    assert done.returncode == 3
    assert "PostgreSQL does not respond" in done.stderr
    assert "starter.py stack status" in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr


def test_without_tables_it_ends_with_3_and_names_the_command_that_makes_them(
    stack: dict[str, object], postgres_url: str
) -> None:
    done = run("activities", **stack | {"database_url": postgres_url})
    assert done.returncode == 3
    assert "starter.py migrate" in done.stderr


def test_a_metrics_port_that_is_taken_is_named(stack: dict[str, object]) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        done = run("relay", **stack | {"metrics_port": taken.getsockname()[1]})
    assert done.returncode == 3
    assert "PERENNIAL_METRICS_PORT" in done.stderr


def test_a_setting_that_cannot_be_used_ends_it_with_2(stack: dict[str, object]) -> None:
    done = run("relay", **stack | {"cycles_per_run": 0})
    assert done.returncode == 2
    assert "PERENNIAL_CYCLES_PER_RUN" in done.stderr


def test_help_lists_the_roles_and_an_unknown_role_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        worker.main(["--help"])
    assert ended.value.code == 0
    help_ = capsys.readouterr().out
    assert all(f"\n  {role} " in help_ for role in (*ALL_ROLES, "all"))
    with pytest.raises(SystemExit) as ended:
        worker.main(["cook"])
    assert ended.value.code == 2
    assert "invalid choice: 'cook'" in capsys.readouterr().err


def test_passwords_in_urls_are_not_logged() -> None:
    event: MutableMapping[str, Any] = {
        "event": "x",
        "url": "postgresql+psycopg://me:hunter2@db:5432/p",
        "n": 1,
    }
    assert (
        logs.without_passwords(None, "info", event)["url"]
        == "postgresql+psycopg://me:***@db:5432/p"
    )


def test_log_lines_are_json_or_text_as_the_settings_say() -> None:
    program = (
        "import sys, logging, structlog;"
        "from doors.application import logs; from settings import Settings;"
        "logs.configure(Settings(log_json=sys.argv[1] == 'json', log_level='INFO'));"
        "structlog.get_logger().info('renewed', subscription='s1');"
        "structlog.get_logger().debug('quiet');"
        "log = logging.getLogger('temporalio');"
        "log.warning('a %s at %s', 'fault', 'postgresql://a:secret@h/d')"
    )
    json_, text = (
        subprocess.run(
            [sys.executable, "-c", program, kind],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=True,
            env=environment(),
        )
        for kind in ("json", "text")
    )
    first, second = map(json.loads, json_.stderr.splitlines())
    assert (first["event"], first["subscription"], first["level"]) == ("renewed", "s1", "info")
    assert (second["event"], second["level"], second["logger"]) == (
        "a fault at postgresql://a:***@h/d",
        "warning",
        "temporalio",
    )
    assert "renewed" in text.stderr
    assert "secret" not in text.stderr
