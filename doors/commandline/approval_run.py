"""Decides about what waits for a second person, as a person of the staff."""

from core.domain.faults import Fault, Faults
from core.domain.second_person import ApprovalState
from core.ledger import staff
from core.ledger.approvals import ApprovalLine
from core.ledger.ledger import Ledger
from core.ledger.staff import StaffLine
from doors.access import operations, second_person
from doors.application.patience import OutcomeUnknown
from doors.commandline import connection, staff_run
from doors.commandline.async_run import run
from doors.commandline.errors import named_as_written
from doors.commandline.exit_codes import Code, Ended, Unavailable
from doors.commandline.output import show


def approve(id_: str, by: str, *, json: bool) -> None:
    """Approve and carry out. Raises `Ended` when a rule refuses the command, and `Faults`."""

    async def work() -> ApprovalLine:
        config = connection.configured()
        async with connection.perennial(config) as perennial:
            line = second_person.find(perennial.ledger, id_)
            person = _person(perennial.ledger, by, "approve_approval")
            await connection.require_workers(perennial, config)
            try:
                return await second_person.approve(
                    perennial, line, who=f"staff/{person.id}", actor=person.actor
                )
            except OutcomeUnknown as error:
                raise Unavailable(
                    f"The outcome is unknown: {error.reason}.\n"
                    "Approve it again: it does not run twice."
                ) from None

    line = run(work())
    show(line, f"{line.do} is approved by {line.decided_by}: {line.outcome}", json=json)
    if line.state is ApprovalState.FAILED:
        raise Ended(f"Refused: {line.outcome}", Code.REFUSED)


def refuse(id_: str, by: str, *, json: bool) -> None:
    """Refuse, or withdraw. Raises `Faults`."""

    async def work() -> ApprovalLine:
        async with connection.perennial() as perennial:
            line = second_person.find(perennial.ledger, id_)
            person = _person(perennial.ledger, by)
            if person.actor != line.asked_by:
                _person(perennial.ledger, by, "refuse_approval")
            return await second_person.refuse(
                perennial, id_, who=f"staff/{person.id}", actor=person.actor
            )

    line = run(work())
    show(line, f"{line.do} is refused by {line.decided_by}. Nothing was done.", json=json)


def _person(ledger: Ledger, by: str, *needed: str) -> StaffLine:
    """A person who can sign in and may do these operations. Raises `Faults`."""
    with ledger.read() as on, named_as_written({"email": "--by"}):
        person = staff.find(on, ledger.seller, staff_run.email(by, "--by"))
    if person.off_at is not None:
        raise Faults([Fault("--by", f"{person.email} can no longer sign in")])
    for operation in needed:
        if not operations.may(person.role, operation):
            allowed = ", ".join(sorted(operations.ROLES[operation]))
            reason = f"the role {person.role} may not {operation}; allowed are {allowed}"
            raise Faults([Fault("--by", reason)])
    return person
