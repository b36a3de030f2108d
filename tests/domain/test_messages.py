"""Messages between workflows, activities and clients that older code recorded can be decoded."""

import dataclasses
import inspect
from datetime import UTC, datetime

import pytest

from core.domain.steps import of_subscription
from core.protocol import activity_messages
from core.protocol.activity_messages import CommandResult, Snapshot, StepRequest

MESSAGES = [
    m
    for _, m in inspect.getmembers(activity_messages, dataclasses.is_dataclass)
    if m.__module__ == activity_messages.__name__
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)
def test_a_message_is_frozen_and_its_fields_are_named(message: type) -> None:
    assert message.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert all(field.kw_only for field in dataclasses.fields(message))


def test_what_is_not_said_is_the_default() -> None:
    assert CommandResult() == CommandResult(
        refusal=None, result=None, replayed=False, snapshot=None, needs_charge=None
    )
    assert (
        StepRequest(
            subject=of_subscription("s1"), version=1, now=datetime(2020, 12, 8, tzinfo=UTC)
        ).charge
        is None
    )
    assert {f.name for f in dataclasses.fields(Snapshot) if f.default is f.default_factory} == {
        "subscription",
        "timezone",
    }
