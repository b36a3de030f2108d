"""Commands that move money, within the limits of their role, and with a second person above them.

What is asked for is judged anew when it is approved: by every rule, because the command runs then,
and it may not move more than what was asked for.
"""

from typing import Any, cast

from core.domain.commands import COMMANDS, AnyCommand
from core.domain.commands.base import NOT_VALUES, fields_of
from core.domain.faults import Fault, Faults
from core.domain.money import in_words
from core.domain.refusal import Refusal, Refused
from core.domain.roles import Role
from core.domain.rules import Rule
from core.domain.second_person import ZERO, ApprovalState, MoneyLimit, limit_in
from core.ledger import approvals, money_limits
from core.ledger.approvals import ApprovalLine, NewApproval
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.protocol.activity_messages import CommandResult
from doors.application.perennial import Perennial
from doors.application.plain_data import data
from doors.application.previews import Preview


class SecondPersonNeeded(Exception):
    """The command was not carried out. `approval`: what was asked for, and what became of it."""

    def __init__(self, approval: ApprovalLine) -> None:
        super().__init__(f"a second person has to approve: {approval.why}")
        self.approval = approval


async def carry_out(
    perennial: Perennial, command: AnyCommand, *, role: Role, who: str
) -> CommandResult:
    """Carry out a command that moves money, or ask a second person.

    `role`, `who`: of the caller. `who` is the id of the key or of the person. The command has a
    request id.

    Raises `SecondPersonNeeded` when it is above the limits of the role. With the same request id it
    is raised again until the command was approved, and then its result is returned. A request id
    that was used for another command is a refusal (Rule 4.2). Raises `Faults` when the command was
    approved, has not run yet, and would move more now than was asked for.
    """
    limits = await perennial.read(_limits, role)
    if not limits:
        return await perennial.do(command)
    request_id = str(command.request_id)
    asked = await perennial.read(_asked, request_id)
    if asked is not None:
        return await _asked_before(perennial, command, *asked)
    shown = await perennial.preview(command)
    if shown.replayed:
        return await perennial.do(command)
    if shown.refusal is not None or shown.result is None or shown.currency is None:
        return CommandResult(refusal=shown.refusal)
    moved, limit = shown.result.moved(), limit_in(shown.currency, limits)
    assert limit is not None
    try:
        why = await perennial.read(money_limits.take, who, request_id, limit, moved, machine_now())
    except Refused as refused:
        return CommandResult(refusal=refused.refusal)
    if why is not None:
        new = NewApproval(
            do=command.do,
            values=_values(command),
            request_id=request_id,
            fingerprint=command.fingerprint(),
            who=who,
            actor=command.actor,
            role=role,
            amount=moved,
            currency=shown.currency,
            why=why,
        )
        try:
            line = await perennial.read(approvals.ask, new, machine_now())
        except Refused as refused:
            return CommandResult(refusal=refused.refusal)
        raise SecondPersonNeeded(line)
    result = await perennial.do(command)
    if result.refusal is not None and result.refusal.rule is Rule.REQUEST_ID:
        return result  # Another command with the request id may have moved what was taken.
    really = ZERO if result.result is None else result.result.moved()
    if really != moved:
        await perennial.read(money_limits.settle, request_id, really)
    return result


async def approve(
    perennial: Perennial, line: ApprovalLine, *, who: str, actor: str
) -> ApprovalLine:
    """Approve what was asked for, and carry it out once, as the one who asked.

    `who`, `actor`: of the second one, whose role may approve. Approved again, it continues
    where it was interrupted. What has an outcome is not carried out again, also when a rule has
    refused it.

    Raises `Faults` when it cannot be approved, or would move more now than was asked for, and
    `OutcomeUnknown` as `Perennial.do`.
    """
    if line.state.may_run:
        await _check_amount(perennial, line)
    decided = await perennial.read(_decide, line.id, approved=True, who=who, actor=actor)
    if decided.state is not ApprovalState.APPROVED:
        return decided
    return await _ended(perennial, decided, await perennial.do(_command(decided)))


async def preview_of(perennial: Perennial, line: ApprovalLine) -> Preview:
    """What the command that was asked for would do now. A refusal is a result."""
    return await perennial.preview(_command(line))


async def refuse(perennial: Perennial, id_: str, *, who: str, actor: str) -> ApprovalLine:
    """Refuse what was asked for, or withdraw it. Raises `Faults`."""
    return await perennial.read(_decide, id_, approved=False, who=who, actor=actor)


async def _asked_before(
    perennial: Perennial, command: AnyCommand, line: ApprovalLine, fingerprint: str
) -> CommandResult:
    if fingerprint != command.fingerprint():
        reason = f"request id {line.request_id} was used for another command"
        return CommandResult(refusal=Refusal(Rule.REQUEST_ID, reason))
    if line.state not in (ApprovalState.APPROVED, ApprovalState.DONE):
        raise SecondPersonNeeded(line)
    if line.state is ApprovalState.APPROVED:
        await _check_amount(perennial, line)
    result = await perennial.do(_command(line))
    await _ended(perennial, line, result)
    return result


async def _ended(perennial: Perennial, line: ApprovalLine, result: CommandResult) -> ApprovalLine:
    if result.refusal is not None:
        state, outcome = ApprovalState.FAILED, str(result.refusal)
    else:
        state, outcome = ApprovalState.DONE, result.result.sentence() if result.result else ""
    await perennial.read(approvals.end, line.id, state, outcome, machine_now())
    return await perennial.read(find, line.id)


async def _check_amount(perennial: Perennial, line: ApprovalLine) -> None:
    """Raise `Faults` if it has not run yet, and would move more now than was asked for."""
    shown = await preview_of(perennial, line)
    if shown.replayed or shown.refusal is not None or shown.result is None:
        return
    now, currency = shown.result.moved(), str(shown.currency)
    if currency != line.currency or now > line.amount:
        asked = in_words(line.amount, line.currency)
        reason = f"would move {in_words(now, currency)} now; {asked} was asked for; ask again"
        raise Faults([Fault("approval", reason)])


def find(ledger: Ledger, id_: str) -> ApprovalLine:
    """What was asked for. Raises `Faults` when the seller has none with this id."""
    with ledger.read() as connection:
        return approvals.find(connection, ledger.seller, id_, machine_now())


def _limits(ledger: Ledger, role: Role) -> tuple[MoneyLimit, ...]:
    with ledger.read() as connection:
        return money_limits.limits_of(connection, ledger.seller, role)


def _asked(ledger: Ledger, request_id: str) -> tuple[ApprovalLine, str] | None:
    with ledger.read() as connection:
        return approvals.of_request(connection, ledger.seller, request_id, machine_now())


def _decide(ledger: Ledger, id_: str, *, approved: bool, who: str, actor: str) -> ApprovalLine:
    return approvals.decide(ledger, id_, approved=approved, who=who, actor=actor, now=machine_now())


def _values(command: AnyCommand) -> dict[str, Any]:
    names = [field.name for field in fields_of(type(command)) if field.name not in NOT_VALUES]
    values: dict[str, Any] = data({name: getattr(command, name) for name in names})
    return values


def _command(line: ApprovalLine) -> AnyCommand:
    """The command that was asked for, by the one who asked."""
    command = COMMANDS[line.do]
    values = {
        field.name: None if (value := line.values[field.name]) is None else field.kind.read(value)
        for field in fields_of(command)
        if field.name in line.values
    }
    made = command(request_id=line.request_id, actor=line.asked_by, do=line.do, **values)
    return cast(AnyCommand, made)
