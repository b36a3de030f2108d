"""Imports that are taken back, as far as nothing has happened to what came in (docs/import.md).

It is that of `starter.py import undo`. It goes on after the response (`background.py`), because an
import may have any number of rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

from core.domain.fault_places import shown
from core.ledger.api_requests import Asked
from core.ledger.imports import ImportLine
from doors.application.plain_data import data
from doors.http.background import (
    Background,
    Ended,
    Progress,
    Running,
    Stands,
    accepted,
    kept,
    replayed,
    stands,
)
from doors.http.callers import Caller, Calling
from doors.http.forms import Form, flag, id_
from doors.http.parameters import IdempotencyKey, PathId
from doors.http.routes import Routes
from doors.intake import import_undo
from doors.intake.import_undo import imports_named, imports_with
from doors.queries.snapshot import NotFound

UNDO: Final = "undo_imports"
MOST_AT_ONCE = 2
"""So many imports a process takes back at once."""
_AGAIN = "Send the same request again with the same Idempotency-Key. It goes on."

TAKE_BACK = Form(
    "ImportToUndo",
    {
        "which": id_(
            "The id of an import, as the list of imports has it, or a prefix.", required=True
        ),
        "dry_run": flag("Whether it is only looked at what would be taken back. Default false."),
    },
    example={"which": "trial-", "dry_run": True},
)

routes = Routes("imports")


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoNow:
    """How the undoing of imports stands.

    `rows_done`, `rows`: how many rows of how many were looked at. None unless they are counted.
    `report`: what was taken back and what stays, as `starter.py import undo --json` tells it.
    `next`: what to do, if it was interrupted.
    """

    request_id: str
    state: Progress
    rows_done: int | None = None
    rows: int | None = None
    report: dict[str, Any] | None = None
    next: str | None = None


@routes.get("/import-undos/{request_id:path}", "show_import_undo", UndoNow)
async def show_import_undo(caller: Calling, request_id: PathId) -> UndoNow:
    """How the undoing of imports stands, by its idempotency key."""
    return _undo_now(request_id, await caller.read(stands, request_id, UNDO))


@routes.write(
    "POST",
    "/import-undos",
    UNDO,
    UndoNow,
    TAKE_BACK,
    unfinished="It has begun. `poll` tells how it goes.",
)
async def undo_imports(caller: Calling, request: Request, key: IdempotencyKey) -> Response:
    """Take an import back, as far as nothing has happened to what came in (docs/import.md).

    `poll` tells how it goes. With `dry_run` it is only looked at what would be taken back. The
    report names the first 20 accounts and numbers that stay, each with the reason.
    """
    values = await TAKE_BACK.of(request)
    which, dry_run = values["which"], values.get("dry_run", False)
    background: Background = request.app.state.background
    with background.entered(caller, key, MOST_AT_ONCE) as running:
        lines = await caller.read(imports_named, which)
        if not lines:
            raise NotFound(f"there is no import {shown(which)}; `GET /v1/imports` lists them")
        asked = Asked(
            request_id=key,
            do=UNDO,
            values={"which": which, "dry_run": dry_run},
            actor=caller.actor,
            recorded=True,
        )

        async def work(settled: Mapping[str, Any]) -> Ended:
            first = await caller.read(imports_with, settled["imports"])
            return await _undo(caller, running, first, dry_run=dry_run)

        about = {"imports": [line.id for line in lines]}
        before = await background.start(caller, asked, running, work, about, audited=not dry_run)
    if before is not None:
        return replayed(_undo_now(key, kept(before.document)))
    return accepted("import-undos", key, UndoNow(request_id=key, state=Progress.RUNNING))


async def _undo(
    caller: Caller, running: Running, lines: Sequence[ImportLine], *, dry_run: bool
) -> Ended:
    """Take imports back, or only look."""
    perennial = caller.perennial
    report = await import_undo.undo_imports(
        perennial.ledger,
        lines,
        ender=perennial,
        actor=caller.actor,
        dry_run=dry_run,
        progress=running.count,
    )
    done = {"undone": report.undone, "kept": report.kept}
    return Ended({"report": data(report)}, None if dry_run else done)


def _undo_now(key: str, found: Stands) -> UndoNow:
    return UndoNow(
        request_id=key,
        state=found.state,
        rows_done=found.rows_done,
        rows=found.rows,
        report=found.document.get("report"),
        next=_AGAIN if found.state is Progress.INTERRUPTED else None,
    )
