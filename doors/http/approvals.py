"""What waits for a second person: listed, approved, refused (docs/staff.md)."""

from starlette.responses import JSONResponse, Response

from core.domain.faults import Faults
from core.domain.second_person import ApprovalState
from core.ledger import approvals as stored
from core.ledger.approvals import ApprovalLine
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.access import second_person
from doors.application.patience import OutcomeUnknown
from doors.application.plain_data import data
from doors.http.callers import Calling
from doors.http.pages import Listed, page_of
from doors.http.parameters import USUAL_ROWS, After, Limit, PathId
from doors.http.routes import Routes
from doors.queries.snapshot import NotFound

routes = Routes("approvals")


@routes.get("/approvals", "list_approvals", Listed[ApprovalLine])
async def list_approvals(
    caller: Calling,
    state: ApprovalState | None = None,
    after: After = None,
    limit: Limit = USUAL_ROWS,
) -> Listed[ApprovalLine]:
    """Commands above the limits of who has asked for them, the newest first."""

    def read(ledger: Ledger) -> Listed[ApprovalLine]:
        with ledger.read() as connection:
            now = machine_now()
            rows = stored.approvals(connection, ledger.seller, now, state=state, after=after)
            return page_of(rows, limit, lambda row: row.id)

    return await caller.read(read)


@routes.get("/approvals/{approval}", "show_approval", ApprovalLine)
async def show_approval(caller: Calling, approval: PathId) -> ApprovalLine:
    """One command that needs a second person, with all its fields."""
    return await caller.read(_find, approval)


async def approve(caller: Calling, approval: PathId) -> Response:
    """Approve what was asked for, and carry it out once. The caller is a second one.

    Approved again, it goes on where it was interrupted.
    """
    line = await caller.read(_find, approval)
    try:
        line = await second_person.approve(
            caller.perennial, line, who=caller.who, actor=caller.actor
        )
    except OutcomeUnknown:
        line = await caller.read(_find, approval)
    return JSONResponse(data(line))


async def refuse(caller: Calling, approval: PathId) -> Response:
    """Refuse what was asked for. Nothing is done. The one who has asked withdraws it so."""
    line = await caller.read(_find, approval)
    if line.asked_by != caller.actor:
        caller.require("approve_approval")
    line = await second_person.refuse(
        caller.perennial, approval, who=caller.who, actor=caller.actor
    )
    return JSONResponse(data(line))


def _find(ledger: Ledger, id_: str) -> ApprovalLine:
    try:
        return second_person.find(ledger, id_)
    except Faults:
        raise NotFound(f"there is no approval {id_}") from None


for _endpoint, _path in ((approve, "approve"), (refuse, "refuse")):
    _operation = f"{_path}_approval"
    routes.post(
        f"/approvals/{{approval}}/{_path}",
        _operation,
        _operation,
        _endpoint,
        response_model=ApprovalLine,
    )
