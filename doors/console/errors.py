"""Errors as pages: what happened, and what to do next, in sentences.

No page shows a stack trace, an address of a server or a secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from core.domain.documents import NoSuchDocument, NotOffered
from core.domain.faults import Faults
from core.domain.refusal import Refused
from doors.access.caller import NotAllowed
from doors.application.patience import NotAvailable, OutcomeUnknown
from doors.console.rendering import rendered, text_of
from doors.http.problems import RETRY_AFTER, reason_of
from doors.queries.snapshot import NotFound


@dataclass
class Trouble(Exception):
    """An error that a visitor can do something about.

    `status`: the HTTP status. `what`: what happened. `then`: what to do next.
    """

    status: int
    what: str
    then: str
    headers: Mapping[str, str] = field(default_factory=dict)


_LOOK = "Check the id, or look for it in the box above."
_AWAY = Trouble(
    503,
    "A server does not respond",
    "Nothing is lost. Load the page again in a moment.",
    {"Retry-After": str(RETRY_AFTER)},
)


def trouble_of(error: Exception) -> Trouble | None:
    """What an error says to a visitor. None for an error of Perennial's own."""
    match error:
        case Trouble():
            return error
        case NotFound():
            return Trouble(404, str(error), _LOOK)
        case NoSuchDocument():
            return Trouble(404, "there is no such document", _LOOK)
        case NotOffered():
            return Trouble(422, str(error), "Another format can be had.")
        case NotAllowed():
            roles = " or ".join(error.allowed)
            return Trouble(403, str(error).replace("_", " "), f"Ask someone with the role {roles}.")
        case Refused():
            return Trouble(422, str(error.refusal), "Nothing was done.")
        case Faults():
            return Trouble(400, "; ".join(map(str, error.faults[:5])), "Go back and correct it.")
        case RequestValidationError():
            return Trouble(400, _first_fault(error), "Correct the address of the page.")
        case OutcomeUnknown() | NotAvailable():
            return _AWAY
        case HTTPException(status_code=404):
            return Trouble(404, "there is no such page", "Start from the box above.")
        case HTTPException(status_code=405):
            return Trouble(405, "this page cannot be used that way", "Start from the box above.")
        case _:  # An error of Perennial's own.
            return None


def _first_fault(error: RequestValidationError) -> str:
    found: Any = error.errors()[0]
    return f"{found['loc'][-1]} {reason_of(found)}"


def add_handlers(app: FastAPI) -> None:
    """Let the application show every error that a visitor can do something about."""

    async def handle(request: Request, error: Exception) -> Response:
        trouble = trouble_of(error)
        if trouble is None:
            raise error
        response = rendered(request, "error.html", {"trouble": trouble}, trouble.status)
        response.headers.update(trouble.headers)
        return response

    told = (
        Trouble,
        NotFound,
        NoSuchDocument,
        NotOffered,
        NotAllowed,
        Refused,
        Faults,
        RequestValidationError,
        NotAvailable,
        HTTPException,
    )
    for kind in told:
        app.add_exception_handler(kind, handle)


def own_error(request_id: str) -> Response:
    """The page of an error of Perennial's own."""
    trouble = Trouble(
        500,
        "Perennial has an error of its own",
        f"It is in the log as request {request_id}. Please report it. "
        "A command that you sent runs once at most.",
    )
    return HTMLResponse(text_of("error.html", {"trouble": trouble}), 500)
