"""Imports of customers: a file of any size is received, then imported while its caller looks.

The file is streamed to a temporary file of this process, within bounds of size and time. The
import is that of `starter.py import` (docs/import.md). It goes on after the response
(`background.py`). One that is interrupted is sent again. Then rows that are there are skipped.
"""

import asyncio
import functools
import hashlib
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Query, Request
from pydantic import BeforeValidator
from starlette.responses import Response

from core.domain import inputs
from core.domain.faults import Fault, Faults
from core.domain.inputs import LONGEST_ID
from core.ledger.api_requests import Asked
from core.ledger.imports import ImportLine
from core.ledger.ledger import Ledger
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
from doors.http.clocks import now_at
from doors.http.pages import Listed, page_of
from doors.http.parameters import (
    USUAL_ROWS,
    AfterPosition,
    ClockQuery,
    Day,
    IdempotencyKey,
    Limit,
    PathId,
)
from doors.http.problems import Kind, Problem
from doors.http.routes import Routes
from doors.intake import column_mapping, ready_mappings
from doors.intake.column_mapping import ColumnMapping
from doors.intake.customer_import import import_file
from doors.intake.import_undo import import_rows

IMPORT: Final = "import_customers"
MEDIA_TYPE = "text/csv"
MOST_BYTES = 500_000_000
"""So large a file may be."""
SILENT_SECONDS, RECEIVE_SECONDS = 15.0, 900.0
"""So long a caller may send nothing of a file, and so long it may take in all."""
MOST_AT_ONCE = 2
"""So many files a process receives and imports at once."""
LONGEST_MAPPING = 8_000
_FOLDERS = "perennial-import-"
"""How the names of folders begin that hold a file while it is imported."""
_LEFT_OVER_SECONDS = 86_400.0
"""A folder that is older than this is of a process that was killed."""

_AGAIN = (
    "Send the same file again with the same parameters and Idempotency-Key. "
    "Rows that are there are skipped."
)

routes = Routes("imports")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportNow:
    """How an import stands.

    `rows_done`, `rows`: how many rows of how many are done. None unless they are counted.
    `report`: what became of the rows, as `starter.py import --json` tells it.
    `faults`: what is wrong with the file, each with its place and a reason.
    `next`: what to do, if it was interrupted.
    """

    request_id: str
    state: Progress
    rows_done: int | None = None
    rows: int | None = None
    report: dict[str, Any] | None = None
    faults: list[dict[str, Any]] | None = None
    next: str | None = None


def _mapping(value: object) -> object:
    return value if value is None else inputs.read_text(value, LONGEST_MAPPING)


def _flag(value: object) -> bool:
    return inputs.read_flag_text(value)


MappingText = Annotated[
    str | None,
    Query(
        max_length=LONGEST_MAPPING,
        description="What the columns mean: the name of a ready mapping, such as stripe, or a "
        "mapping as JSON (docs/import.md) without second files. Default: by their names.",
    ),
    BeforeValidator(_mapping),
]
Prefix = Annotated[
    str,
    Query(max_length=LONGEST_ID, description="Text before every id of the file."),
    BeforeValidator(lambda value: value if value == "" else inputs.read_id(value)),
]
DryRun = Annotated[
    bool,
    Query(description="Whether the file is only checked, and nothing is written."),
    BeforeValidator(_flag),
]
AsOf = Annotated[
    Day | None,
    Query(description="The day on which Perennial takes over. Nothing is charged before it."),
]
FirstRows = Annotated[
    int | None,
    Query(ge=1, le=inputs.LARGEST_WHOLE, description="Import the first rows only."),
    BeforeValidator(lambda value: value if value is None else inputs.read_whole_text(value, 1)),
]


async def import_customers(
    caller: Calling,
    request: Request,
    key: IdempotencyKey,
    mapping: MappingText = None,
    dry_run: DryRun = False,
    clock: ClockQuery = None,
    prefix: Prefix = "",
    as_of: AsOf = None,
    first_rows: FirstRows = None,
) -> Response:
    """Import customers of another system from a CSV file (docs/import.md).

    The body is the file. The response comes when it is received, and `poll` tells how the import
    goes. The same file with the same key is imported once.
    """
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise Problem(
            Kind.NOT_JSON,
            "the body has another media type, or none",
            place="Content-Type",
            allowed=MEDIA_TYPE,
        )
    read_as = _read_mapping(mapping)
    if clock is not None:
        await caller.read(_require_clock, clock)
    background: Background = request.app.state.background
    with background.entered(caller, key, MOST_AT_ONCE) as running:
        await asyncio.to_thread(remove_left_over)
        folder = Path(tempfile.mkdtemp(prefix=_FOLDERS))
        running.tidy = functools.partial(shutil.rmtree, folder, ignore_errors=True)
        file = folder / "import.csv"
        digest = await _receive(request, file)
        options: dict[str, Any] = {
            "dry_run": dry_run,
            "clock": clock,
            "prefix": prefix,
            "limit": first_rows,
        }
        values = {**options, "as_of": as_of, "mapping": mapping, "digest": digest}
        asked = Asked(
            request_id=key,
            do=IMPORT,
            values=values,
            actor=caller.actor,
            recorded=True,
        )

        async def work(_: Mapping[str, Any]) -> Ended:
            return await _import(caller, running, file, read_as, as_of=as_of, **options)

        about = {"digest": digest}
        before = await background.start(caller, asked, running, work, about, audited=not dry_run)
    if before is not None:
        return replayed(_import_now(key, kept(before.document)))
    return accepted("imports", key, ImportNow(request_id=key, state=Progress.RUNNING))


def remove_left_over() -> None:
    """Remove files of processes that were killed. They hold personal data."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDERS}*"):
        with suppress(OSError):  # It is of another user, or gone.
            if folder.stat().st_mtime < time.time() - _LEFT_OVER_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


async def _receive(request: Request, to: Path) -> str:
    """Write the body of a request to a file. Returns its SHA-256. Raises `Problem`."""
    digest, size = hashlib.sha256(), 0
    chunks = request.stream()
    try:
        with to.open("wb") as file:
            async with asyncio.timeout(RECEIVE_SECONDS):
                while True:
                    async with asyncio.timeout(SILENT_SECONDS):
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        return digest.hexdigest()
                    size += len(chunk)
                    if size > MOST_BYTES:
                        raise Problem(
                            Kind.TOO_LARGE,
                            f"the file has more than {MOST_BYTES} bytes",
                            allowed=MOST_BYTES,
                            headers={"Connection": "close"},
                        )
                    digest.update(chunk)
                    await asyncio.to_thread(file.write, chunk)
    except TimeoutError:
        limits = f"{SILENT_SECONDS:g} seconds, or not all in {RECEIVE_SECONDS:g}"
        reason = f"nothing came for {limits}"
        raise Problem(Kind.TOO_SLOW, reason, headers={"Connection": "close"}) from None


async def _import(
    caller: Caller,
    running: Running,
    file: Path,
    mapping: ColumnMapping | None,
    *,
    dry_run: bool,
    **options: Any,
) -> Ended:
    """Import the file."""
    perennial = caller.perennial
    try:
        report = await import_file(
            perennial.ledger,
            file,
            mapping,
            starter=perennial,
            progress=running.count,
            actor=caller.actor,
            dry_run=dry_run,
            **options,
        )
    except Faults as error:
        faults = [{"place": one.place, "reason": one.reason} for one in error.faults[:100]]
        return Ended({"faults": faults}, None if dry_run else {"faults": len(error.faults)})
    done = {"import": report.import_id, "new": report.imported}
    return Ended({"report": data(report)}, None if dry_run else done)


def _read_mapping(text: str | None) -> ColumnMapping | None:
    """The mapping that is named, or written as JSON. Raises `Faults`."""
    if text is None:
        return None
    if not text.lstrip().startswith("{"):
        if text not in ready_mappings.names():
            names = ", ".join(ready_mappings.names())
            raise Faults([Fault("mapping", f"is no ready mapping; ready ones are {names}")])
        return ready_mappings.read(Path(text), {})
    found = column_mapping.parse(text)
    if found.lookups:  # Their paths would be those of the server.
        raise Faults(
            [Fault("mapping.lookups", "second files are read by `starter.py import` only")]
        )
    return found


def _require_clock(ledger: Ledger, clock: str) -> None:
    with ledger.read() as connection:
        now_at(connection, ledger.seller, clock)


def _import_now(key: str, found: Stands) -> ImportNow:
    return ImportNow(
        request_id=key,
        state=found.state,
        rows_done=found.rows_done,
        rows=found.rows,
        report=found.document.get("report"),
        faults=found.document.get("faults"),
        next=_AGAIN if found.state is Progress.INTERRUPTED else None,
    )


@routes.get("/imports", "list_imports", Listed[ImportLine])
async def list_imports(
    caller: Calling, after: AfterPosition = None, limit: Limit = USUAL_ROWS
) -> Listed[ImportLine]:
    """The imports of files, the newest first, and what is left of each. Dry runs are left out."""

    def read(ledger: Ledger) -> Listed[ImportLine]:
        return page_of(import_rows(ledger, after), limit, lambda row: row.id)

    return await caller.read(read)


@routes.get("/imports/{request_id:path}", "show_import", ImportNow)
async def show_import(caller: Calling, request_id: PathId) -> ImportNow:
    """How an import stands, by its idempotency key."""
    return _import_now(request_id, await caller.read(stands, request_id, IMPORT))


_BODY = {
    "requestBody": {
        "required": True,
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "description": "The file."}}},
    }
}
_NOW = {"schema": {"$ref": "#/components/schemas/ImportNow"}}
routes.post(
    "/imports",
    IMPORT,
    IMPORT,
    import_customers,
    status_code=202,
    openapi_extra=_BODY,
    responses={
        200: {
            "description": "It was imported before with this key.",
            "content": {"application/json": _NOW},
        },
        202: {
            "description": "The file is received. `poll` tells how the import goes.",
            "content": {"application/json": _NOW},
        },
    },
)
