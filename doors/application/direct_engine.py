"""The direct engine: the real activities against a real database, driven by plain calls."""

from collections.abc import Coroutine, Generator
from datetime import datetime
from typing import Any, TypeVar

from activities.registry import Activities
from core.domain.commands import AnyCommand
from core.domain.steps import Step
from core.ledger.due_steps import Due
from core.protocol.activity_messages import CommandRequest, CommandResult, DueStep
from core.protocol.call_sequences import Call, carry_out, catch_up, run_step

T = TypeVar("T")


class Direct:
    """Runs steps and commands in this process."""

    def __init__(self, activities: Activities) -> None:
        self._activities = activities

    async def take(self, item: Due, now: datetime) -> Step | None:
        """Run the step that is due, if its subject is still as it was read."""
        assert item.kind is not None
        assert item.version is not None
        result = self._drive(run_step(item.kind, item.subject, item.version, now))
        return result.snapshot.next_step if result.snapshot else None

    def catch_up(self, account: str, now: datetime) -> None:
        """Run everything of an account that is due at a business instant (UTC)."""
        self._drive(catch_up(account, now))

    def step(self, step: DueStep, now: datetime) -> None:
        """Run one step that is due, by itself."""
        self._drive(run_step(step.kind, step.subject, step.version, now))

    async def command(self, command: AnyCommand, now: datetime) -> CommandResult:
        """Run a command."""
        return self._drive(carry_out(CommandRequest(command=command, now=now)))

    def _drive(self, protocol: Generator[Call, Any, T]) -> T:
        try:
            call = next(protocol)
            while True:
                call = protocol.send(self._activities.call(call.activity, call.request))
        except StopIteration as stop:
            result: T = stop.value
            return result


def finished(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that waits for nothing but plain calls, without an event loop.

    So ctrl-C interrupts it in the middle of a call.
    """
    try:
        work.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    work.close()
    raise RuntimeError("a plain call has waited for something")
