"""Problem details (RFC 9457): what happened, where, what is allowed, and what to do next.

docs/api.md lists the types. It never shows a stack trace, an address of a server or a secret.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route

from core.domain.documents import NoSuchDocument, NotOffered
from core.domain.fault_places import shown
from core.domain.faults import MISSING, Fault, Faults
from core.domain.refusal import Refusal, Refused
from core.domain.rules import Rule
from doors.access.caller import NotAllowed
from doors.application.patience import NotAvailable
from doors.queries.snapshot import NotFound

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 1
"""Seconds after which a caller may try again, where nothing better is known."""


class Kind(StrEnum):
    """The kinds of problems."""

    BAD_INPUT = "bad-input"
    NO_KEY = "no-key"
    NOT_ALLOWED = "not-allowed"
    NOT_FOUND = "not-found"
    WRONG_METHOD = "wrong-method"
    TOO_SLOW = "too-slow"
    KEY_USED = "idempotency-key-used"
    CHANGED = "changed-meanwhile"
    NO_PRECONDITION = "no-precondition"
    IN_FLIGHT = "in-flight"
    TOO_LARGE = "too-large"
    NOT_JSON = "not-json"
    REFUSED = "refused"
    TOO_MANY = "too-many-requests"
    OWN_ERROR = "own-error"
    UNAVAILABLE = "not-available"


STATUS: Mapping[Kind, int] = {
    Kind.BAD_INPUT: 400,
    Kind.NO_KEY: 401,
    Kind.NOT_ALLOWED: 403,
    Kind.NOT_FOUND: 404,
    Kind.WRONG_METHOD: 405,
    Kind.TOO_SLOW: 408,
    Kind.KEY_USED: 409,
    Kind.IN_FLIGHT: 409,
    Kind.CHANGED: 412,
    Kind.TOO_LARGE: 413,
    Kind.NOT_JSON: 415,
    Kind.REFUSED: 422,
    Kind.NO_PRECONDITION: 428,
    Kind.TOO_MANY: 429,
    Kind.OWN_ERROR: 500,
    Kind.UNAVAILABLE: 503,
}

TITLES: Mapping[Kind, str] = {
    Kind.BAD_INPUT: "The request cannot be read",
    Kind.NO_KEY: "No key of this API that can be used",
    Kind.NOT_ALLOWED: "The key may not do this",
    Kind.NOT_FOUND: "There is no such thing",
    Kind.WRONG_METHOD: "Another method is needed",
    Kind.TOO_SLOW: "The body did not come in time",
    Kind.KEY_USED: "The idempotency key was used for something else",
    Kind.CHANGED: "Another caller has changed it",
    Kind.NO_PRECONDITION: "The change does not say what it is based on",
    Kind.IN_FLIGHT: "The same request is being carried out",
    Kind.TOO_LARGE: "The body is too large",
    Kind.NOT_JSON: "The body has another media type",
    Kind.REFUSED: "A rule refuses it",
    Kind.TOO_MANY: "Too many requests with this key",
    Kind.OWN_ERROR: "Perennial has an error of its own",
    Kind.UNAVAILABLE: "The system is not available",
}

_SAME_KEY = "with its `Idempotency-Key` if it had one"
_NEXT: Mapping[Kind, str] = {
    Kind.BAD_INPUT: "Correct what `faults` names, then send it again. It may have the same key.",
    Kind.NO_KEY: "Send `Authorization: Bearer pk_…`. `starter.py key create` makes a key.",
    Kind.NOT_ALLOWED: "Use another key. `allowed` has the roles that may, or what this key may.",
    Kind.NOT_FOUND: "Check the path and its id. Ids of other sellers do not exist for this key.",
    Kind.WRONG_METHOD: "Use one of the methods in `allowed`.",
    Kind.TOO_SLOW: f"Send the whole body within the time, {_SAME_KEY}.",
    Kind.KEY_USED: "Send a new idempotency key, or the body that this one was used with.",
    Kind.CHANGED: "Read it again, then send the change with its new `ETag` as `If-Match`.",
    Kind.NO_PRECONDITION: "Read it, then send the change with its `ETag` as `If-Match`.",
    Kind.IN_FLIGHT: "Send it again with the same key after `Retry-After` seconds.",
    Kind.TOO_LARGE: "Send a smaller body.",
    Kind.NOT_JSON: "Send the body with the `Content-Type` that `allowed` names.",
    Kind.REFUSED: "Nothing was done. Change what the rule asks for, then send it again.",
    Kind.TOO_MANY: "Send it again after `Retry-After` seconds.",
    Kind.OWN_ERROR: "Please report it with its `instance`. A command runs once with one key.",
    Kind.UNAVAILABLE: f"Send it again after `Retry-After` seconds, {_SAME_KEY}.",
}


@dataclass
class Problem(Exception):
    """What is told to the caller instead of a result.

    `detail`: what happened, for a person.
    `place`: the field or parameter. `allowed`: what is allowed there.
    `rule`: the rule that refuses.
    `faults`: all faults of an input, each with its place.
    """

    kind: Kind
    detail: str
    place: str | None = None
    allowed: Any = None
    rule: Rule | None = None
    faults: tuple[Fault, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self, instance: str) -> JSONResponse:
        """The problem as a response. `instance`: the id of the request."""
        document: dict[str, Any] = {
            "type": f"urn:perennial:problem:{self.kind}",
            "title": TITLES[self.kind],
            "status": STATUS[self.kind],
            "detail": self.detail,
            "instance": f"urn:perennial:request:{instance}",
            "next": _NEXT[self.kind],
        }
        optional = {"rule": self.rule, "place": self.place, "allowed": self.allowed}
        document |= {name: value for name, value in optional.items() if value is not None}
        if self.faults:
            document["faults"] = [
                {"place": fault.place, "reason": fault.reason} for fault in self.faults
            ]
        return JSONResponse(
            document, STATUS[self.kind], headers=dict(self.headers), media_type=MEDIA_TYPE
        )


def faulty(faults: Iterable[Fault]) -> Problem:
    """The problem of a request with faults."""
    all_of_them = tuple(faults)
    only = all_of_them[0] if len(all_of_them) == 1 else None
    return Problem(
        Kind.BAD_INPUT,
        "; ".join(map(str, all_of_them[:5])),
        place=only.place if only else None,
        allowed=only.reason if only and only.reason != MISSING else None,
        faults=all_of_them,
    )


def refused(refusal: Refusal) -> Problem:
    """The problem of a request that a rule refuses."""
    kind = Kind.KEY_USED if refusal.rule == Rule.REQUEST_ID else Kind.REFUSED
    return Problem(kind, refusal.reason, rule=refusal.rule)


def later(kind: Kind, detail: str, seconds: int = RETRY_AFTER) -> Problem:
    """A problem that passes by itself."""
    return Problem(kind, detail, headers={"Retry-After": str(seconds)})


def problem_of(error: Exception) -> Problem | None:
    """The problem that an error stands for. None for an error of Perennial's own."""
    match error:
        case Problem():
            return error
        case Faults():
            return faulty(error.faults)
        case Refused():
            return refused(error.refusal)
        case NotAllowed():
            return Problem(Kind.NOT_ALLOWED, str(error), allowed=error.allowed)
        case NotFound() | NoSuchDocument():
            return Problem(Kind.NOT_FOUND, str(error))
        case NotOffered():
            return Problem(Kind.REFUSED, str(error), rule=Rule.INVOICES)
        case NotAvailable():
            return later(Kind.UNAVAILABLE, "a server does not respond")
        case RequestValidationError():
            return faulty(_fault(found) for found in error.errors())
        case HTTPException(status_code=404):
            return Problem(Kind.NOT_FOUND, "there is no such path")
        case _:  # An error of Perennial's own.
            return None


_TOLD = (
    *(Problem, Faults, Refused, NotAllowed, NotFound, NoSuchDocument),
    *(NotOffered, NotAvailable, RequestValidationError, HTTPException),
)


def add_handlers(app: FastAPI) -> None:
    """Let the application tell every error that a caller can do something about as a problem."""

    async def handle(request: Request, error: Exception) -> JSONResponse:
        problem = problem_of(error)
        if problem is None:
            raise error
        return problem.response(request.state.id)

    async def wrong_method(request: Request, _: Exception) -> JSONResponse:
        methods = _methods_of(app, request)
        allowed = ", ".join(methods)
        problem = Problem(
            Kind.WRONG_METHOD,
            f"this path takes {allowed}",
            allowed=methods,
            headers={"Allow": allowed},
        )
        return problem.response(request.state.id)

    for kind in _TOLD:
        app.add_exception_handler(kind, handle)
    app.add_exception_handler(STATUS[Kind.WRONG_METHOD], wrong_method)


def _methods_of(app: FastAPI, request: Request) -> list[str]:
    """The methods that the path of a request takes. Several endpoints may share a path."""
    return sorted(
        method
        for route in app.routes
        if isinstance(route, Route) and route.path_regex.match(request.scope["path"])
        for method in route.methods or ()
    )


def _fault(found: Mapping[str, Any]) -> Fault:
    place = ".".join(str(part) for part in found["loc"][1:]) or str(found["loc"][0])
    return Fault(place, reason_of(found))


def reason_of(found: Mapping[str, Any]) -> str:
    """What is wrong with a parameter, by one of the errors that pydantic has found."""
    match found["type"]:
        case "missing":
            return MISSING
        case "enum":
            return f"must be {found['ctx']['expected']}, not {shown(found['input'])}"
        case _:  # Our own validators, whose words stand in the message, and bounds.
            return str(found["msg"]).removeprefix("Value error, ")
