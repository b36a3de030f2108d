"""The activities by name: methods of one object that owns the ledger and the gateway.

The activity of a command or a step has its name. It is the function of that name in the file of
that name in activities/commands/ or activities/steps/. This module finds the files of commands, and
fails when one is missing.
"""

import pkgutil
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from temporalio import activity

from activities import charge, commands, steps
from activities.asked_step import Asked
from activities.command_checks import card_charge_of, on_account, on_subscription
from activities.run_step import catch_up, run_step
from core.domain.commands import COMMANDS, SUBSCRIPTION_COMMANDS
from core.gateways.cards import CardGateway
from core.ledger import failpoints
from core.ledger.account_reading import Moved
from core.ledger.ledger import Ledger
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import (
    ChargeRequest,
    ChargeResult,
    CommandRequest,
    CommandResult,
    StepRequest,
    StepResult,
)

StepActivity = Callable[[Ledger, StepRequest], StepResult]


def _find_commands() -> dict[str, Callable[..., CommandResult]]:
    """The function of each command. Raises ImportError when one is missing."""
    names = {file.name for file in pkgutil.iter_modules(commands.__path__)}
    if names != COMMANDS.keys():
        differing = ", ".join(sorted(names ^ COMMANDS.keys()))
        raise ImportError(
            f"a command needs a description and an activity; one is missing of {differing}"
        )
    return {name: getattr(import_module(f"{commands.__name__}.{name}"), name) for name in COMMANDS}


_DO = _find_commands()
_COMMANDS = {
    name: partial(on_subscription if name in SUBSCRIPTION_COMMANDS else on_account, do)
    for name, do in _DO.items()
}
_STEPS: dict[str, StepActivity] = {
    **{name: partial(run_step, take) for name, take in steps.STEPS.items()},
    "catch_up": catch_up,
}
STEPS = tuple(_STEPS)
"""The activities of steps, by name. Those of commands are in `core.domain.commands`."""


def _charge_needed(work: Work, asked_by: StepRequest | CommandRequest) -> str | None:
    """The key of the card charge that a step or a command needs. None when it needs none.

    A subscription that was given to another account needs none of this one.
    """
    try:
        match asked_by:
            case StepRequest():
                asked = Asked(subject=asked_by.subject, version=asked_by.version)
                return steps.card_charge_of(work, asked)
            case CommandRequest():
                return card_charge_of(work, _DO[asked_by.command.do], asked_by.command)
    except Moved:
        return None


class Activities:
    """All activities over one ledger and one gateway."""

    def __init__(self, ledger: Ledger, gateway: CardGateway) -> None:
        self.ledger = ledger
        self.gateway = gateway

    def call(self, name: str, request: Any) -> Any:
        """Run an activity by name. The direct engine calls it."""
        with failpoints.inside(name):
            if name == "charge":
                result: Any = charge.charge(self.ledger, self.gateway, request, _charge_needed)
            else:
                result = (_STEPS.get(name) or _COMMANDS[name])(self.ledger, request)
        failpoints.reach(f"{name}.end")
        return result

    def registered(self) -> list[Callable[..., Any]]:
        """The activities for a Temporal worker. The card charge has a queue of its own."""
        return [_step(self, name) for name in _STEPS] + [_command(self, name) for name in _COMMANDS]

    def charging(self) -> list[Callable[..., Any]]:
        """The card charge, for the worker of its queue."""

        @activity.defn(name="charge", no_thread_cancel_exception=True)
        def run(request: ChargeRequest) -> ChargeResult:
            result: ChargeResult = self.call("charge", request)
            return result

        return [run]


def _step(activities: Activities, name: str) -> Callable[..., Any]:
    # An exception in the middle of a query would cost the connection. The transaction goes on.
    @activity.defn(name=name, no_thread_cancel_exception=True)
    def run(request: StepRequest) -> StepResult:
        result: StepResult = activities.call(name, request)
        return result

    return run


def _command(activities: Activities, name: str) -> Callable[..., Any]:
    @activity.defn(name=name, no_thread_cancel_exception=True)
    def run(request: CommandRequest) -> CommandResult:
        result: CommandResult = activities.call(name, request)
        return result

    return run
