"""A test that hangs is ended, whatever it waits for, and the tests after it still run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from settings import PROJECT

HANGS = """
import ctypes, os, subprocess, sys, threading

def test_that_waits_for_a_thread():
    thread = threading.Thread(target=threading.Event().wait)
    thread.start()
    thread.join()

def test_that_waits_for_a_program():
    subprocess.run([sys.executable, "-c", "import os; os.read(0, 1)"], stdin=os.pipe()[0])

async def test_that_waits_for_a_coroutine():
    import asyncio
    await asyncio.Event().wait()

def test_that_is_lost_in_c_and_holds_the_interpreter():
    ctypes.PyDLL(None).pause()

def test_that_works():
    pass
"""


@pytest.mark.waits
def test_each_kind_of_hang_is_ended_and_named(tmp_path: Path) -> None:
    (tmp_path / "test_hangs.py").write_text(HANGS)
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider"),
            *("-c", str(PROJECT / "pyproject.toml"), f"--rootdir={tmp_path}"),
            *("-o", "timeout=2", "-o", "faulthandler_timeout=5"),
            str(tmp_path / "test_hangs.py"),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    crashed = re.findall(r"FAILED \S+::test_that_(\w+)", run.stdout)
    assert sorted(crashed) == [
        "is_lost_in_c_and_holds_the_interpreter",
        "waits_for_a_coroutine",
        "waits_for_a_program",
        "waits_for_a_thread",
    ], run.stdout + run.stderr
    assert "4 failed, 1 passed" in run.stdout
