"""What waits for a second person: listed, shown with its preview, approved, refused."""

from contextlib import suppress
from typing import Annotated

from fastapi import Query
from pydantic import BeforeValidator
from starlette.responses import Response
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError

from core.domain.faults import Faults
from core.domain.second_person import ApprovalState
from core.ledger import approvals as stored
from core.ledger.approvals import ApprovalLine
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.access import operations, second_person
from doors.access.staff import StaffCaller
from doors.application.patience import OutcomeUnknown
from doors.console.pages import Page, Pages, see
from doors.console.parameters import ROWS, After, PathId
from doors.console.rendering import path_of
from doors.console.visitors import Visiting
from doors.http.pages import Listed, page_of
from doors.queries.snapshot import NotFound

pages = Pages()

SomeState = Annotated[
    ApprovalState | None, Query(), BeforeValidator(lambda value: None if value == "all" else value)
]


@pages.get("/approvals", "list_approvals")
async def approvals(
    visitor: Visiting, state: SomeState = ApprovalState.OPEN, after: After = None
) -> Page:
    """Commands above the limits of who has asked for them, the newest first."""

    def read(ledger: Ledger) -> Listed[ApprovalLine]:
        with ledger.read() as connection:
            now = machine_now()
            rows = stored.approvals(connection, ledger.seller, now, state=state, after=after)
            return page_of(rows, ROWS, lambda row: row.id)

    shows = {"page": await visitor.read(read), "state": state, "states": list(ApprovalState)}
    return Page(template="approvals.html", shows=shows)


@pages.get("/approvals/{approval:path}", "show_approval")
async def approval(visitor: Visiting, approval: PathId) -> Page:
    """One that was asked for, and what its command would do now."""
    line = await visitor.read(_find, approval)
    waits = line.state is ApprovalState.OPEN
    own = line.asked_by == visitor.actor
    shows = {
        "it": line,
        "own": own,
        "preview": await second_person.preview_of(visitor.perennial, line) if waits else None,
        "may_approve": line.state.may_run
        and not own
        and operations.may(visitor.role, "approve_approval"),
        "may_refuse": waits and _may_refuse(visitor, line),
        "deciders": sorted(operations.ROLES["approve_approval"]),
    }
    return Page(template="approval.html", shows=shows)


@pages.post("/approval-decisions/approve/{approval:path}", "approve_approval")
async def approve(visitor: Visiting, approval: PathId) -> Response:
    """Approve what another one has asked for, and carry it out once."""
    line = await visitor.read(_find, approval)
    # Without an outcome its page says so, and offers to approve it again.
    with suppress(OutcomeUnknown, RPCError, WorkflowUpdateFailedError):
        await second_person.approve(visitor.perennial, line, who=visitor.who, actor=visitor.actor)
    return see(path_of("approvals", approval))


@pages.post("/approval-decisions/refuse/{approval:path}", "refuse_approval")
async def refuse(visitor: Visiting, approval: PathId) -> Response:
    """Refuse what was asked for. The one who has asked withdraws it so."""
    line = await visitor.read(_find, approval)
    if not _may_refuse(visitor, line):
        visitor.require("approve_approval")
    await second_person.refuse(visitor.perennial, approval, who=visitor.who, actor=visitor.actor)
    return see(path_of("approvals", approval))


def _may_refuse(visitor: StaffCaller, line: ApprovalLine) -> bool:
    own = line.asked_by == visitor.actor
    return operations.may(visitor.role, "refuse_approval" if own else "approve_approval")


def _find(ledger: Ledger, id_: str) -> ApprovalLine:
    try:
        return second_person.find(ledger, id_)
    except Faults:
        raise NotFound(f"there is no approval {id_}") from None
