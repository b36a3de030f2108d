"""A command in the queue of a subscription's or an account's workflow, until its outcome."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Generic, TypeVar

from temporalio import workflow
from temporalio.common import Priority
from temporalio.exceptions import ApplicationError, FailureError

from core.protocol.activity_messages import CommandRequest, CommandResult
from core.protocol.call_sequences import carry_out
from core.protocol.workflow_messages import AccountMessage, Options, SubscriptionMessage
from workflows.activity_driver import HERD, PERSON, drive

M = TypeVar("M", SubscriptionMessage, AccountMessage)


class QueuedCommand(Generic[M]):
    """A command in the queue.

    `carry_out` never raises. The sender of a command that can never work gets the fault.
    """

    def __init__(self, message: M) -> None:
        command = message.command
        if command.request_id is None:
            # An activity that is repeated after a crash must find the command done.
            command = replace(command, request_id=f"workflow/{workflow.uuid4()}")
        self.message: M = replace(message, command=command)
        self._answered = False
        self._result: CommandResult | None = None
        self._fault: FailureError | None = None

    async def carry_out(
        self, now: datetime, options: Options, hurry: Callable[[], bool]
    ) -> CommandResult:
        """Carry the command out at a business instant.

        `hurry`: whether another command waits behind this one.

        Returns an empty result if the command can never work. The sender gets the outcome only
        after `answer`.
        """
        try:
            sequence = carry_out(CommandRequest(command=self.message.command, now=now))
            self._result = await drive(sequence, options, self._priority(), hurry)
        except FailureError as error:
            self._fault = error.cause if isinstance(error.cause, FailureError) else error
            workflow.logger.warning(
                "a command can never work: %s",
                self._fault,
                extra={"operation": self.message.command.do},
            )
        return self._result or CommandResult()

    def _priority(self) -> Priority:
        """That of what a person waits for, unless the command is one of a campaign."""
        many = isinstance(self.message, SubscriptionMessage) and self.message.herd
        return HERD if many else PERSON

    def answer(self) -> None:
        """Give the outcome to the sender."""
        self._answered = True

    async def outcome(self) -> CommandResult:
        """Wait for `answer`. Raises `ApplicationError` Impossible if the command can never work."""
        await workflow.wait_condition(lambda: self._answered)
        if self._result is None:
            raise ApplicationError(
                f"{self.message.command.do} can never work: {self._fault}",
                type="Impossible",
                non_retryable=True,
            )
        return self._result
