"""Runs the calls of a command in a rehearsal. No card is charged: it is taken as charged."""

from collections.abc import Generator
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import update

from activities.registry import Activities
from core.domain.commands import AnyCommand
from core.gateways.cards import Answer, GatewayUnavailable
from core.ledger.rehearsal import Rehearsal
from core.ledger.tables import CardCharge
from core.protocol.activity_messages import (
    ChargeOutcome,
    ChargeRequest,
    ChargeResult,
    CommandRequest,
    CommandResult,
)
from core.protocol.call_sequences import Call, carry_out

T = TypeVar("T")


class Rehearsing:
    """The calls of one rehearsal, at one business instant (UTC).

    `by_commands`, `by_steps`: what was charged to cards for commands and for steps. None: nothing.
    `charged`: the keys of all charges of the rehearsal. A charge that the rehearsal asked for will
    have another key when it is made.
    """

    def __init__(self, on: Rehearsal, now: datetime) -> None:
        self.now = now
        self.by_commands: Decimal | None = None
        self.by_steps: Decimal | None = None
        self.charged: set[str] = set()
        self._connection = on.connection
        self._activities = Activities(on, _NoGateway())

    def forget_charges(self) -> None:
        """Count what is charged from here on."""
        self.by_commands = self.by_steps = None

    def command(self, command: AnyCommand) -> CommandResult:
        """Carry out a command, after what is due in its account (Rule 1.6)."""
        result: CommandResult = self.drive(carry_out(CommandRequest(command=command, now=self.now)))
        return result

    def drive(self, sequence: Generator[Call, Any, T]) -> T:
        """Run a sequence of calls to its end, and return its result."""
        try:
            call = next(sequence)
            while True:
                call = sequence.send(self._answer(call))
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _answer(self, call: Call) -> Any:
        if isinstance(call.request, ChargeRequest):
            return self._charged(call.request)
        return self._activities.call(call.activity, call.request)

    def _charged(self, request: ChargeRequest) -> ChargeResult:
        """Take it that the card is charged, and ask no gateway."""
        amount = self._connection.execute(
            update(CardCharge)
            .where(CardCharge.key == request.key)
            .values(outcome=ChargeOutcome.CHARGED, calls=CardCharge.calls + 1)
            .returning(CardCharge.amount)
        ).scalar_one()
        self.charged.add(request.key)
        if isinstance(request.asked_by, CommandRequest):
            self.by_commands = (self.by_commands or Decimal(0)) + amount
        else:
            self.by_steps = (self.by_steps or Decimal(0)) + amount
        return ChargeResult(key=request.key, outcome=ChargeOutcome.CHARGED, amount=amount)


class _NoGateway:
    """Stands where a gateway is needed. A rehearsal asks it for nothing."""

    def charge(self, key: str, card: str, amount: Decimal, currency: str) -> Answer:
        """Raises GatewayUnavailable."""
        raise GatewayUnavailable("a rehearsal charges no card")

    def look_up(self, key: str) -> Answer | None:
        """Raises GatewayUnavailable."""
        raise GatewayUnavailable("a rehearsal looks up no charge")

    def refund(self, key: str, amount: Decimal) -> None:
        """Raises GatewayUnavailable."""
        raise GatewayUnavailable("a rehearsal refunds no charge")
