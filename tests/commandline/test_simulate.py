"""`simulate` prints the documented result and nothing else, by both engines, without a stack."""

import json
from pathlib import Path

import pytest

from settings import PROJECT
from tests.commandline.conftest import call

EXAMPLES = PROJECT / "tests" / "simulation" / "examples"
STORY = EXAMPLES / "card-declined-then-recover.yaml"


@pytest.mark.parametrize("engine", ["direct", "temporal"])
def test_the_result_is_that_of_the_example(
    engine: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    told = call("simulate", str(STORY), "--engine", engine, "--json")
    expected = json.loads(STORY.with_suffix(".json").read_text())
    assert (told.code, told.err) == (0, "")
    for key in ("subscriptions", "accounts", "timeline", "ledger_sum"):
        assert told.json[key] == expected[key]


def test_a_person_reads_a_story() -> None:
    told = call("simulate", str(STORY))
    assert told.code == 0
    assert "renewal failed: the card was declined" in told.out
    assert "ledger sum 0.00" in told.out


def test_faults_are_a_line_each_on_stderr() -> None:
    told = call("simulate", str(EXAMPLES / "fault-unknown-key.yaml"), "--json")
    assert (told.code, told.out) == (2, "")
    assert all(": " in line for line in told.err.splitlines())
