"""A process ends at once with the code of its program, even if its threads still run."""

import asyncio
import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from doors.commandline.exit_codes import Code, Ended
from doors.commandline.issue_commands import confirm
from doors.commandline.progress_bars import counting
from settings import PROJECT
from starter import app


def left(program: str, out: int | None = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """Run `program` as the body of a `main` and return how the process ended."""
    source = (
        "import sys, threading\nfrom doors.commandline.process_exit import run_and_exit\n"
        f"def main():\n    print('said')\n    {program}\nrun_and_exit(main)\n"
    )
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(
        [sys.executable, "-c", source],
        cwd=PROJECT,
        env=buffered,
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize(
    ("program", "code", "error"),
    [
        ("return None", 0, ""),
        ("return 3", 3, ""),
        ("raise SystemExit", 0, ""),
        ("raise SystemExit(2)", 2, ""),
        ("sys.exit('no such file')", 1, "no such file\n"),
    ],
)
def test_the_code_is_the_program_s_and_what_it_printed_is_written(
    program: str, code: int, error: str
) -> None:
    done = left(program)
    assert (done.returncode, done.stdout, done.stderr) == (code, "said\n", error)


def test_an_uncaught_error_is_printed_and_is_1() -> None:
    done = left("1 / 0")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_a_thread_that_does_not_end_is_not_waited_for() -> None:
    assert left("threading.Thread(target=threading.Event().wait).start()").returncode == 0


def test_output_that_cannot_be_written_is_told_and_is_3() -> None:
    with open("/dev/full", "w") as full:
        done = left("return 0", out=full.fileno())
    assert done.returncode == 3
    assert done.stderr == "The output cannot be written: No space left on device.\n"


def test_a_process_without_an_output_ends_all_the_same() -> None:
    assert left("sys.stdout.close(); sys.stdout = None").returncode == 0


def test_a_reader_who_has_seen_enough_is_no_error() -> None:
    with subprocess.Popen(["true"], stdin=subprocess.PIPE) as reader:
        reader.wait()
        assert reader.stdin is not None
        done = left("return 0", out=reader.stdin.fileno())
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError])
def test_ctrl_c_is_code_130(error: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise error

    monkeypatch.setattr("doors.commandline.connection.configured", interrupted)
    done = CliRunner().invoke(app, ["catalog", "show"])
    assert (done.exit_code, done.stderr) == (130, "Interrupted.\n")


def test_ctrl_c_at_a_question_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(question: str) -> bool:
        raise typer.Abort

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(typer, "confirm", interrupted)
    with pytest.raises(Ended, match="Nothing was done") as ended:
        confirm(json=False)
    assert ended.value.code is Code.INTERRUPTED


@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError])
def test_ctrl_c_in_work_that_can_go_on_says_how(
    error: type[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(error), counting("rows", again="Run it again."):
        raise error
    assert capsys.readouterr().err == "Run it again.\n"
