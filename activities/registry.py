"""The activities by name: methods of one object that owns the ledger and the gateway.

The activity of a command or a step has its name. It is the function of that name in the file of
that name in activities/commands/ or activities/steps/. This module finds the files, and fails when
one is missing.
"""

import pkgutil
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from temporalio import activity

from activities import charge, commands, steps
from activities.command_checks import on_account, on_subscription
from core.domain.commands import COMMANDS, SUBSCRIPTION_COMMANDS
from core.domain.steps import RENEWALS, StepKind
from core.gateways.cards import CardGateway
from core.ledger import failpoints
from core.ledger.ledger import Ledger
from core.protocol.activity_messages import (
    ChargeRequest,
    ChargeResult,
    CommandRequest,
    CommandResult,
    StepRequest,
    StepResult,
)

StepActivity = Callable[[Ledger, StepRequest], StepResult]
CommandActivity = Callable[[Ledger, CommandRequest], CommandResult]


def _find_commands() -> dict[str, CommandActivity]:
    """The activity of each command, with the checks around its function. Raises ImportError."""
    names = {file.name for file in pkgutil.iter_modules(commands.__path__)}
    if names != COMMANDS.keys():
        differing = ", ".join(sorted(names ^ COMMANDS.keys()))
        raise ImportError(
            f"a command needs a description and an activity; one is missing of {differing}"
        )
    found: dict[str, CommandActivity] = {}
    for name in COMMANDS:
        do = getattr(import_module(f"{commands.__name__}.{name}"), name)
        checked = on_subscription if name in SUBSCRIPTION_COMMANDS else on_account
        found[name] = partial(checked, do)
    return found


def _find_steps() -> dict[str, StepActivity]:
    """The activities of automatic steps. Raises ImportError when one is missing.

    An attempt to renew runs `renew` and `mark_failed`. Every other kind of step runs the activity
    of its name (`core.protocol.call_sequences`).
    """
    names = ["renew", "mark_failed", *(kind.value for kind in StepKind if kind not in RENEWALS)]
    return {name: getattr(import_module(f"{steps.__name__}.{name}"), name) for name in names}


_STEPS = _find_steps()
_COMMANDS = _find_commands()
STEPS = tuple(_STEPS)
"""The activities of automatic steps, by name. Those of commands are in `core.domain.commands`."""


class Activities:
    """All activities over one ledger and one gateway."""

    def __init__(self, ledger: Ledger, gateway: CardGateway) -> None:
        self.ledger = ledger
        self.gateway = gateway

    def call(self, name: str, request: Any) -> Any:
        """Run an activity by name. The direct engine calls it."""
        with failpoints.inside(name):
            if name == "charge":
                result: Any = charge.charge(self.ledger, self.gateway, request)
            else:
                result = (_STEPS.get(name) or _COMMANDS[name])(self.ledger, request)
        failpoints.reach(f"{name}.end")
        return result

    def registered(self) -> list[Callable[..., Any]]:
        """The activities for a Temporal worker. The card charge has a queue of its own."""
        return [_step(self, name) for name in _STEPS] + [_command(self, name) for name in _COMMANDS]

    def charging(self) -> list[Callable[..., Any]]:
        """The card charge, for the worker of its queue."""

        @activity.defn(name="charge")
        def run(request: ChargeRequest) -> ChargeResult:
            result: ChargeResult = self.call("charge", request)
            return result

        return [run]


def _step(activities: Activities, name: str) -> Callable[..., Any]:
    @activity.defn(name=name)
    def run(request: StepRequest) -> StepResult:
        result: StepResult = activities.call(name, request)
        return result

    return run


def _command(activities: Activities, name: str) -> Callable[..., Any]:
    @activity.defn(name=name)
    def run(request: CommandRequest) -> CommandResult:
        result: CommandResult = activities.call(name, request)
        return result

    return run
