"""The passes over payloads that are left out do nothing, and those that do something are made."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import pytest
import temporalio.bridge.worker as bridge
from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import DataConverter

from doors.application.payload_codec import EncryptedPayloads
from doors.application.payload_converter import data_converter
from doors.application.perennial import Perennial
from doors.service import payload_passes
from doors.service.workers import runner_of, worker_of
from settings import Settings
from tests.replay.test_replay import FILES, replay
from tests.workflows.shop import settings_for

ENCRYPTED = replace(data_converter, payload_codec=EncryptedPayloads(["k" * 43]))


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The test processes go on with the passes that they had."""
    chosen = bridge.decode_activation, bridge.encode_completion
    yield
    bridge.decode_activation, bridge.encode_completion = chosen


def is_of_the_sdk() -> bool:
    """Whether the SDK makes its passes as by itself."""
    functions = bridge.decode_activation, bridge.encode_completion
    return {function.__module__ for function in functions} == {bridge.__name__}


async def encoded(converter: DataConverter) -> Payload:
    """A result of a workflow after the passes on its way out."""
    completion = WorkflowActivationCompletion()
    command = completion.successful.commands.add().complete_workflow_execution
    command.result.CopyFrom(Payload(data=b"1"))
    await bridge.encode_completion(
        completion, converter, encode_headers=True, storage_concurrency_limit=1
    )
    return command.result


async def decoded(payload: Payload, converter: DataConverter) -> Payload:
    """The argument of a workflow after the passes on its way in."""
    activation = WorkflowActivation()
    job = activation.jobs.add().initialize_workflow
    job.arguments.append(payload)
    await bridge.decode_activation(
        activation, converter, decode_headers=True, storage_concurrency_limit=1
    )
    return job.arguments[0]


def test_it_is_made_for_the_version_that_is_installed() -> None:
    """With another version: compare `temporalio.bridge.worker`, and measure again."""
    assert version("temporalio") == payload_passes.SDK


def test_it_does_nothing_on_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload_passes, "SDK", "1.34.0")
    payload_passes.use(always=False)
    assert is_of_the_sdk()


def test_it_can_be_switched_off() -> None:
    payload_passes.use(always=False)
    assert not is_of_the_sdk()
    payload_passes.use(always=True)
    assert is_of_the_sdk()


@pytest.mark.parametrize("always", [False, True])
async def test_the_settings_of_a_worker_choose(
    database: str, temporal_address: str, always: bool
) -> None:
    config = settings_for(payload_passes=always)
    async with Perennial.connect(database, temporal_address, config) as perennial:
        with ThreadPoolExecutor(1) as threads:
            worker_of("workflows", perennial, config, threads)
    assert is_of_the_sdk() is always


async def test_with_an_external_storage_the_passes_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[object] = []

    async def passes(message: object, *_: object, **__: object) -> None:
        made.append(message)

    monkeypatch.setattr(payload_passes, "_OF_THE_SDK", (passes, passes))
    payload_passes.use(always=False)
    for storage in (None, object()):
        converter: Any = SimpleNamespace(payload_codec=None, external_storage=storage)
        replaced: tuple[Any, Any] = (bridge.decode_activation, bridge.encode_completion)
        for run in replaced:
            await run(storage, converter, True, storage_concurrency_limit=1)
    assert None not in made
    assert len(made) == 2


@pytest.mark.parametrize("always", [False, True])
async def test_a_codec_encrypts_and_decrypts(always: bool) -> None:
    payload_passes.use(always=always)
    secret = await encoded(ENCRYPTED)
    assert secret.data != b"1"
    assert await decoded(secret, ENCRYPTED) == Payload(data=b"1")


@pytest.mark.parametrize("always", [False, True])
async def test_without_a_codec_a_payload_stays_as_it_is(always: bool) -> None:
    payload_passes.use(always=always)
    assert await encoded(data_converter) == Payload(data=b"1")
    assert await decoded(Payload(data=b"1"), data_converter) == Payload(data=b"1")


@pytest.mark.parametrize("always", [False, True])
async def test_recorded_histories_are_replayed_with_and_without(always: bool) -> None:
    payload_passes.use(always=always)
    await replay(FILES, runner_of(Settings(workflow_sandbox=False)))


async def test_what_is_left_out_changes_no_message_of_any_recorded_history(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payload_passes.use(always=True)
    seen = 0
    for name in ("decode_activation", "encode_completion"):
        passes = getattr(bridge, name)

        async def watched(message: Any, *args: Any, passes: Any = passes, **options: Any) -> Any:
            nonlocal seen
            before, seen = message.SerializeToString(deterministic=True), seen + 1
            metrics = await passes(message, *args, **options)
            assert message.SerializeToString(deterministic=True) == before
            assert metrics.payload_count == 0
            return metrics

        monkeypatch.setattr(bridge, name, watched)
    await replay(FILES, runner_of(Settings(workflow_sandbox=False)))
    assert seen > len(FILES)
