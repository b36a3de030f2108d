"""Workflows run in the sandbox in tests and replays, and without it in production."""

import uuid

import pytest
from temporalio import workflow
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from doors.application.perennial import Perennial
from doors.service.workers import runner_of, running
from settings import Settings
from tests.conftest import SANDBOX
from tests.replay import test_replay
from tests.workflows.shop import settings_for


@workflow.defn(name="InSandbox")
class InSandbox:
    """Says whether it runs in the sandbox."""

    @workflow.run
    async def run(self) -> bool:
        return workflow.unsafe.in_sandbox()


async def in_sandbox(database: str, temporal_address: str, config: Settings) -> bool:
    """Whether the workers of some settings run workflows in the sandbox."""
    async with (
        Perennial.connect(database, temporal_address, config) as perennial,
        running(["workflows"], perennial, config, workflows=[InSandbox]),
    ):
        result: bool = await perennial.temporal.execute_workflow(
            InSandbox.run, id=f"in-sandbox/{uuid.uuid4()}", task_queue=config.task_queue
        )
        return result


async def test_the_workers_of_tests_use_the_sandbox(database: str, temporal_address: str) -> None:
    assert await in_sandbox(database, temporal_address, settings_for())


async def test_the_workers_of_an_installation_do_not(
    database: str, temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SANDBOX)
    assert not await in_sandbox(database, temporal_address, settings_for())


def test_the_settings_choose_the_runner() -> None:
    assert isinstance(runner_of(Settings(workflow_sandbox=True)), SandboxedWorkflowRunner)
    assert isinstance(runner_of(Settings(workflow_sandbox=False)), UnsandboxedWorkflowRunner)


async def test_replays_use_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[WorkflowRunner] = []
    replayer = test_replay.Replayer

    def replays(**options: object) -> object:
        used.append(options["workflow_runner"])
        return replayer(**options)

    monkeypatch.setattr(test_replay, "Replayer", replays)
    await test_replay.replay(test_replay.FILES[:1])
    assert [type(runner) for runner in used] == [SandboxedWorkflowRunner]
