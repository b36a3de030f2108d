"""Test clocks: made, read, and advanced in parts that no caller waits for too long."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from fastapi import Request
from sqlalchemy import Connection

from core.domain.faults import Fault, Faults
from core.ledger import audit
from core.ledger import clocks as ledger_clocks
from core.ledger.ledger import Ledger
from doors.application.patience import is_passing
from doors.application.test_clocks import Unfinished
from doors.http.callers import Calling
from doors.http.forms import Form, id_, instant
from doors.http.once import kept, once, told
from doors.http.pages import Listed, page_of
from doors.http.parameters import USUAL_ROWS, After, IdempotencyKey, Limit, PathId
from doors.http.problems import Kind, Problem, later
from doors.http.routes import Answer, Routes, place_of
from doors.queries.clocks import ClockLine, clock_rows, find_clock

SECONDS = 10.0
"""A request advances a clock for so long. Then it ends between two steps."""
#: So many accounts that are left behind are named.
_MOST_NAMED = 10

CREATE = Form(
    "NewClock",
    {
        "clock": id_("The id of the clock.", required=True),
        "now": instant("Where it starts."),
    },
    example={"clock": "spring", "now": "2021-03-01T00:00:00Z"},
)
ADVANCE = Form(
    "ClockAdvance",
    {"to": instant("Where it stops. A clock never goes back.")},
    example={"to": "2021-04-01T00:00:00Z"},
)

routes = Routes("clocks")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvancedClock:
    """How far a test clock has come.

    `now`, `to`: its virtual now, and where it was asked to stop (UTC).
    `reached`: whether everything due up to `to` is done. If not, the same request goes on.
    """

    clock: str
    now: datetime
    to: datetime
    reached: bool


@routes.get("/clocks", "list_clocks", Listed[ClockLine])
async def list_clocks(
    caller: Calling, after: After = None, limit: Limit = USUAL_ROWS
) -> Listed[ClockLine]:
    """Test clocks by id."""

    def read(ledger: Ledger) -> Listed[ClockLine]:
        return page_of(clock_rows(ledger, after=after), limit, lambda row: row.clock)

    return await caller.read(read)


@routes.write("POST", "/clocks", "create_clock", ClockLine, CREATE, 201)
async def create_clock(caller: Calling, request: Request, key: IdempotencyKey) -> Answer:
    """Make a test clock. Accounts are attached to it when they are opened."""
    values = await CREATE.of(request)
    name, now = values["clock"], values["now"]

    def act(ledger: Ledger, connection: Connection) -> dict[str, Any]:
        ledger_clocks.create(connection, ledger.seller, name, now)
        return {"clock": name, "now": now.isoformat(), "accounts": 0}

    asked = {"id": name, "now": now}
    done = await once(caller, key, "create_clock", asked, act, taken=f"test clock {name} exists")
    return told(done, kept(ClockLine, done), 201, Location=place_of("clocks", name))


@routes.get("/clocks/{clock:path}", "show_clock", ClockLine)
async def show_clock(caller: Calling, clock: PathId) -> ClockLine:
    """One test clock: its virtual now, and how many accounts are attached."""
    return await caller.read(find_clock, clock)


@routes.write(
    "PATCH",
    "/clocks/{clock:path}",
    "advance_clock",
    AdvancedClock,
    ADVANCE,
    unfinished="The time of one request is over before the clock is there. Send it again.",
)
async def advance_clock(caller: Calling, request: Request, clock: PathId) -> Answer:
    """Let time pass on a test clock. Every due step runs at its instant, in order (Rule 1.7).

    After 10 seconds it stops between two steps, and responds with 202 and `reached: false`. The
    same request again goes on from there. It may be repeated at any time.
    """
    to = (await ADVANCE.of(request))["to"]
    now = (await caller.read(find_clock, clock)).now
    if to < now:
        reason = f"is before the clock's now, {now.isoformat()}; a clock never goes back"
        raise Faults([Fault("to", reason)])
    perennial, patience = caller.perennial, caller.perennial.patience
    asked = {"to": to.isoformat()}
    await caller.read(audit.record, "advance_clock", subject=clock, after=asked)
    ends = patience.now() + SECONDS
    try:
        reached = await perennial.advance(clock, to, stop=lambda: patience.now() >= ends)
    except Unfinished as error:
        raise _left_behind(clock, error) from None
    except Exception as error:
        if not is_passing(error):
            raise
        raise later(Kind.UNAVAILABLE, "a server or a worker does not respond") from None
    now = (await caller.read(find_clock, clock)).now
    return Answer(
        AdvancedClock(clock=clock, now=now, to=to, reached=reached), 200 if reached else 202
    )


def _left_behind(clock: str, error: Unfinished) -> Problem:
    for account, reason in error.errors.items():
        log.error("clock_left_behind", clock=clock, account=account, error=type(reason).__name__)
    names = [*error.errors][:_MOST_NAMED]
    more = len(error.errors) - len(names)
    words = ", ".join(names) + (f" and {more} others" if more else "")
    return Problem(
        Kind.OWN_ERROR,
        f"steps of these accounts have failed: {words}; they are tried again when the clock is "
        "advanced again",
    )


def now_at(connection: Connection, seller: str, clock: str | None) -> datetime:
    """The now (UTC) of what lives on a test clock. None: the machine's. Raises `Faults`."""
    try:
        return ledger_clocks.now_of(connection, seller, clock)
    except LookupError as error:
        raise Faults([Fault("clock", str(error))]) from None
