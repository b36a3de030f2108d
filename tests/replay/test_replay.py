"""Recorded histories are replayed with the present code.

These tests fail if a workflow changes in a way that sleeping workflows cannot follow.
"""

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, WorkflowRunner

from activities import registry
from core.domain.commands import COMMANDS
from core.domain.steps import StepKind, SubjectKind
from core.protocol.call_sequences import Call
from core.protocol.campaign_messages import BATCH
from doors.application.payload_converter import data_converter
from doors.service.workers import WORKFLOWS, runner_of, sandbox
from settings import Settings
from tests.replay.record import HISTORIES, PATHS
from workflows.account import AccountWorkflow
from workflows.lenient_signals import Tolerant
from workflows.subscription import SubscriptionWorkflow

FILES = sorted(HISTORIES.glob("*.json"))


def history_of(file: Path) -> WorkflowHistory:
    """A recorded history."""
    text = file.read_text()
    started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], text)


async def replay(files: Iterable[Path], runner: WorkflowRunner | None = None) -> None:
    """Replay histories as a worker would. `runner`: default the sandbox."""
    replayer = Replayer(
        workflows=WORKFLOWS,
        interceptors=[Tolerant()],
        data_converter=data_converter,
        workflow_runner=runner or sandbox(),
    )
    for file in files:
        await replayer.replay_workflow(history_of(file))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_recorded_history_is_replayed(file: Path) -> None:
    await replay([file])


async def test_recorded_histories_are_replayed_without_the_sandbox_as_in_production() -> None:
    await replay(FILES, runner_of(Settings(workflow_sandbox=False)))


def attributes(kind: str) -> list[dict[str, Any]]:
    """The attributes of all recorded events of a kind."""
    events = [event for file in FILES for event in json.loads(file.read_text())["events"]]
    return [event[kind] for event in events if kind in event]


def test_every_path_is_recorded() -> None:
    assert {file.name.partition(".")[0] for file in FILES} == set(PATHS)


def test_every_activity_update_and_signal_is_recorded() -> None:
    activities = {
        item["activityType"]["name"] for item in attributes("activityTaskScheduledEventAttributes")
    }
    commands = {do for do, command in COMMANDS.items() if command.through_workflow}
    # Numbers have no workflow. Their steps are taken along, or run by the relay.
    numbers = {kind.value for kind in StepKind if kind.subject is SubjectKind.NUMBER}
    steps = set(registry.STEPS) - numbers
    assert activities == {*steps, *commands, "charge", "reconcile", BATCH}
    updates = {
        item["acceptedRequest"]["input"]["name"]
        for item in attributes("workflowExecutionUpdateAcceptedEventAttributes")
    }
    defined = {
        update.name
        for workflow_ in (SubscriptionWorkflow, AccountWorkflow)
        for update in workflow._Definition.must_from_class(workflow_).updates.values()
    }
    assert updates == defined
    signals = {
        item["signalName"] for item in attributes("workflowExecutionSignaledEventAttributes")
    }
    assert signals == {"recover", "terminate", "moved", "changed"}
    for kind in (
        "timerFiredEventAttributes",
        "markerRecordedEventAttributes",
        "workflowExecutionContinuedAsNewEventAttributes",
        "workflowExecutionCompletedEventAttributes",
        "activityTaskCancelRequestedEventAttributes",
        "activityTaskFailedEventAttributes",
    ):
        assert attributes(kind), kind


def test_histories_are_small_and_say_nothing_of_the_machine_that_recorded_them() -> None:
    for file in FILES:
        text = file.read_text()
        assert len(text) < 200_000, file.name
        assert str(HISTORIES.parents[2]) not in text, file.name
        assert "site-packages" not in text, file.name


# changes of the code that sleeping workflows could not follow are noticed


@pytest.fixture
def renewals() -> list[Path]:
    """A recorded path that is cut by the changes below."""
    return [file for file in FILES if file.name.startswith("renewals_regular")]


async def test_a_timer_before_each_step_is_noticed(
    renewals: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    take = SubscriptionWorkflow._run_step

    async def changed(self: SubscriptionWorkflow) -> None:
        await workflow.sleep(timedelta(seconds=1))
        await take(self)

    monkeypatch.setattr(SubscriptionWorkflow, "_run_step", changed)
    with pytest.raises(workflow.NondeterminismError):
        await replay(renewals)


async def test_another_activity_is_noticed(
    renewals: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.activity_driver._Driver._activity", _with_another_name)
    with pytest.raises(workflow.NondeterminismError):
        await replay(renewals)


async def _with_another_name(_self: object, call: Call, result: type, *_: Any) -> Any:
    return await workflow.execute_activity(
        f"{call.activity}_2",
        call.request,
        result_type=result,
        start_to_close_timeout=timedelta(minutes=1),
    )


async def test_more_cycles_a_run_are_noticed(
    renewals: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SubscriptionWorkflow, "_time_to_continue", lambda _: False)
    with pytest.raises(workflow.NondeterminismError):
        await replay(renewals)
