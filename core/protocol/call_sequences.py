"""Which activities a step and a command run, one after the other.

The sequences are generators: they yield calls and are sent the results. The workflow runs the
calls as Temporal activities, the simulator's direct engine as plain calls. So the way of a renewal
is written once. So is the order within an account. The transaction of a step or a command first
takes what is due before it (`activities.steps_before`). What it cannot take along, such as a
renewal by card, is run here, and then the step or the command is tried again (Rules 1.6, 1.7).
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.domain.steps import RENEWALS, StepKind, Subject, of_account
from core.protocol.activity_messages import (
    Before,
    ChargeOutcome,
    ChargeRequest,
    ChargeResult,
    CommandRequest,
    CommandResult,
    DueStep,
    Outcome,
    Passed,
    StepRequest,
    StepResult,
)

Past = tuple[Passed, ...] | None


@dataclass(frozen=True, slots=True)
class Call:
    """An activity by name, and its request.

    The driver retries it until it works. A call with `briefly` has a timeout; its result may be
    None. So may that of a card charge, when something else must not wait for it.
    """

    activity: str
    request: StepRequest | CommandRequest | ChargeRequest
    briefly: bool = False


_RENEW = StepKind.RENEW.value
"""The activity of every attempt to renew."""
MOST_BEFORE = 5_000
"""A step or command waits for so many steps of others. It skips what is due beyond them."""
MOST_PASSED = 20
"""So many steps may fail to end before a step or command skips all that is due."""


def run_step(
    kind: StepKind, subject: Subject, version: int, now: datetime
) -> Generator[Call, Any, StepResult]:
    """Run the next step of a subject in this version, after what comes first in its account.

    `now`: the business instant (UTC). The result has no snapshot when the step needs a card charge
    that was not waited for. The step is then to be run again.
    """
    request, turn = StepRequest(subject=subject, version=version, now=now, past=()), _Turn(now)
    while True:
        result = yield from _step(kind, request)
        assert result is not None
        if result.before is None:
            return result
        request = replace(request, past=(yield from turn.wait(result.before)))


def carry_out(request: CommandRequest) -> Generator[Call, Any, CommandResult]:
    """Carry out a command, after what is due in its account.

    It makes a card charge if the command needs one. The activity has the command's name.
    """
    turn = _Turn(request.now, request.past or ())
    request = replace(request, past=turn.past)
    while True:
        result: CommandResult = yield Call(request.command.do, request)
        if result.before is not None:
            request = replace(request, past=(yield from turn.wait(result.before)))
        elif result.needs_charge is not None and request.charge is None:
            charged = yield Call("charge", ChargeRequest(key=result.needs_charge, asked_by=request))
            if not _is_withdrawn(charged):
                request = replace(request, charge=result.needs_charge)
        else:
            return result


def catch_up(account: str, now: datetime) -> Generator[Call, Any, None]:
    """Run everything of an account that is due.

    `now`: the business instant (UTC).
    """
    subject, turn = of_account(account), _Turn(now)
    request = StepRequest(subject=subject, version=0, now=now, past=())
    while True:
        result: StepResult = yield Call("catch_up", request)
        if result.before is None:
            return
        request = replace(request, past=(yield from turn.wait(result.before)))


class _Turn:
    """What a step or a command still waits for. `past` is what it does not wait for."""

    def __init__(self, now: datetime, past: tuple[Passed, ...] = ()) -> None:
        self.past: Past = past
        self._now = now
        self._taken = 0

    def wait(self, before: Before) -> Generator[Call, Any, Past]:
        """Run what comes before and was not taken along. Returns what to skip from now on.

        A step that does not end is left to its own workflow, with all that wait for the same
        charge. That happens when the card gateway does not reply.
        """
        self._taken += before.taken
        if before.first is not None:
            self._taken += 1
            if not (yield from self._run(before.first)):
                first = before.first
                passed = Passed(subject=first.subject, by_date=first.by_date, account=first.account)
                self.past = (*(self.past or ()), passed)
        if self._taken >= MOST_BEFORE or len(self.past or ()) > MOST_PASSED:
            self.past = None
        return self.past

    def _run(self, step: DueStep) -> Generator[Call, Any, bool]:
        # Another worker runs it, whose clock may be behind the one that has found it due.
        request = StepRequest(
            subject=step.subject,
            version=step.version,
            now=max(self._now, step.due),
            past=self.past,
            briefly=True,
        )
        result = yield from _step(step.kind, request)
        if result is None:
            return False
        if result.before is not None:
            return result.before.taken > 0
        if result.snapshot is None:
            return result.outcome is Outcome.DONE  # A number has no snapshot.
        return result.snapshot.version != step.version


def _step(kind: StepKind, request: StepRequest) -> Generator[Call, Any, StepResult | None]:
    """A step by itself: from the wallet, or by the card after it was charged.

    The activity has the name of the kind. All attempts to renew have the same.
    A brief one may end early: without a result, or with a charge that was not made.
    """
    activity = _RENEW if kind in RENEWALS else str(kind)
    while True:
        result: StepResult | None = yield Call(activity, request, request.briefly)
        if result is None or result.outcome is not Outcome.NEEDS_CARD or request.charge:
            return result
        assert result.charge is not None
        asked = ChargeRequest(key=result.charge, asked_by=request)
        charged = yield Call("charge", asked, request.briefly)
        if charged is None:
            return result
        if not _is_withdrawn(charged):
            request = replace(request, charge=result.charge)


def _is_withdrawn(charged: ChargeResult | None) -> bool:
    return charged is not None and charged.outcome is ChargeOutcome.WITHDRAWN
