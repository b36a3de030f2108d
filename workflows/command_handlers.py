"""The handlers of commands, made from the commands: an update for each, and a signal if wanted.

Each handler has the command's name, so a history shows which command came. An update is answered
when the command is done. A signal is for a sender that does not wait. It needs a request id, which
keeps the command from running twice (Rule 4.2).

    @workflow.defn
    @handles_commands(SUBSCRIPTION_COMMANDS, SubscriptionMessage, signals=True)
    class SubscriptionWorkflow: ...
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from core.domain.commands.base import Command
from core.domain.refusal import Refusal
from core.protocol.activity_messages import CommandResult


class HandlesCommands(Protocol):
    """What a workflow brings along for the handlers that are made."""

    async def execute(self, message: Any) -> CommandResult:
        """Put the command in the queue, and wait for its outcome."""

    def validate(self, message: Any) -> None:
        """Raise ApplicationError for a command of another workflow, or one to refuse at once."""

    def enqueue(self, message: Any) -> None:
        """Put the command in the queue, unless it is misaddressed or waits there already."""


W = TypeVar("W", bound=type)


def handles_commands(
    commands: Mapping[str, type[Command]], message: type, *, signals: bool = False
) -> Callable[[W], W]:
    """A decorator for a workflow class, below `workflow.defn`.

    `commands`: the commands that the workflow carries out, by name.
    `message`: the type of the message that carries a command.
    `signals`: whether each command is a signal too.
    """

    def decorate(workflow_class: W) -> W:
        for name, command in commands.items():
            setattr(workflow_class, name, _update(workflow_class, name, command, message))
            if signals:
                setattr(workflow_class, f"{name}_signal", _signal(workflow_class, name, message))
        return workflow_class

    return decorate


def refused(refusal: Refusal) -> ApplicationError:
    """The error by which a validator refuses a command at once."""
    return ApplicationError(
        str(refusal), refusal.rule, refusal.reason, type="Refused", non_retryable=True
    )


def misaddressed(command: Command, target: str) -> ApplicationError:
    """The error by which a validator turns away a command of another workflow."""
    return ApplicationError(
        f"{command.do} of {target} does not belong here", type="Misaddressed", non_retryable=True
    )


def _update(owner: type, name: str, command: type[Command], message: type) -> Any:
    async def handle(self: HandlesCommands, message: Any) -> CommandResult:
        return await self.execute(message)

    def validate(self: HandlesCommands, message: Any) -> None:
        if message.command.do != name:
            raise misaddressed(message.command, f"a message named {name}")
        self.validate(message)

    doc = f"{command.__doc__} Rule {command.rule}."
    update: Any = workflow.update(name=name)(_named(handle, owner, name, message, doc))
    update.validator(_named(validate, owner, f"validate_{name}", message))
    return update


def _signal(owner: type, name: str, message: type) -> Any:
    def receive(self: HandlesCommands, message: Any) -> None:
        if message.command.do == name and message.command.request_id:
            self.enqueue(message)
        else:
            workflow.logger.warning(
                "a signal %s was dropped: it carries another command, or has no request id", name
            )

    return workflow.signal(name=name)(_named(receive, owner, f"{name}_signal", message))


def _named(function: Any, owner: type, name: str, message: type, doc: str | None = None) -> Any:
    """A function as if it were written in the class: the SDK reads its name and its types.

    `self` has no type there, so it is taken away.
    """
    function.__name__ = name
    function.__qualname__ = f"{owner.__qualname__}.{name}"
    function.__module__ = owner.__module__
    function.__doc__ = doc
    types = {**function.__annotations__, "message": message}
    function.__annotations__ = {name: type_ for name, type_ in types.items() if name != "self"}
    return function
