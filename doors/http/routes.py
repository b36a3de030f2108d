"""How endpoints are made: each has an operation of the table of access, and one form of result."""

import functools
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response

from core.domain.faults import Fault, Faults
from doors.application.plain_data import data
from doors.http.callers import checked
from doors.http.forms import Form

VERSION = "/v1"
"""What stands before every path of this version of the API."""


def place_of(resource: str, id_: str) -> str:
    """The path of a resource, such as that of an account. Its id is percent-encoded."""
    return f"{VERSION}/{resource}/{quote(id_, safe='')}"


_STREAM = "text/event-stream"
_TWICE = "stands twice; once is allowed"
Endpoint = Callable[..., Coroutine[Any, Any, Any]]

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": "What is wrong, and what to do next (RFC 9457).",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    for status in ("4XX", "5XX")
}

_WITH_ETAG: dict[str, Any] = {
    "headers": {
        "ETag": {
            "description": "What it is now. A change sends it as `If-Match`.",
            "schema": {"type": "string"},
        }
    }
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint returns, where that is more than a value: its status and its headers."""

    value: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Routes:
    """The endpoints of one part of the API. `part`: its name in the description of the API."""

    def __init__(self, part: str) -> None:
        self.router = APIRouter(prefix=VERSION, tags=[part])

    def endpoints(self) -> list[APIRoute]:
        """The endpoints that were registered, in their order."""
        return [route for route in self.router.routes if isinstance(route, APIRoute)]

    def get(
        self, path: str, operation: str, result: Any, *, etag: bool = False
    ) -> Callable[[Endpoint], Endpoint]:
        """Register an endpoint that reads. What it returns is sent as JSON.

        `operation`: its row in the table of access. `result`: the type that it returns.
        `etag`: whether it has an ETag.
        """
        responses = {200: _WITH_ETAG} if etag else {}
        return self._as_json("GET", path, operation, response_model=result, responses=responses)

    def stream(self, path: str, operation: str) -> Callable[..., Endpoint]:
        """Register an endpoint that returns a stream of server-sent events."""
        return self.file(path, operation, [_STREAM])

    def file(self, path: str, operation: str, media_types: list[str]) -> Callable[..., Endpoint]:
        """Register an endpoint that reads, and returns a file or a stream as its response."""

        def register(endpoint: Endpoint) -> Endpoint:
            binary = {"schema": {"type": "string"}}
            content = dict.fromkeys(media_types, binary)
            self._add(
                "GET",
                path,
                operation,
                operation,
                endpoint,
                response_model=None,
                response_class=Response,
                responses={200: {"description": "The file.", "content": content}},
            )
            return endpoint

        return register

    def write(
        self,
        method: str,
        path: str,
        operation: str,
        result: Any,
        form: Form | None = None,
        status: int = 200,
        *,
        unfinished: str | None = None,
        etag: bool = False,
    ) -> Callable[[Endpoint], Endpoint]:
        """Register an endpoint that changes something. What it returns is sent as JSON.

        `operation`: its row in the table of access, and its name. `result`: the type that it
        returns. `form`: its body, which the endpoint itself reads. None: it has no body.
        `status`: that of success. `unfinished`: when the status is 202 instead. None: never.
        `etag`: whether its response has the new ETag.
        """
        extra: dict[str, Any] = {} if form is None else {"openapi_extra": body_of(form)}
        extra["status_code"] = status
        extra["responses"] = {status: _WITH_ETAG} if etag else {}
        if unfinished is not None:
            extra["responses"][202] = {"model": result, "description": unfinished}
        return self._as_json(method, path, operation, response_model=result, **extra)

    def post(self, path: str, operation: str, name: str, endpoint: Endpoint, **about: Any) -> None:
        """Register an endpoint that returns a response itself.

        `operation`: its row in the table of access. `name`: its unique name. `about`: what FastAPI
        is told beside.
        """
        self._add("POST", path, operation, name, endpoint, **{"response_model": None, **about})

    def _as_json(
        self, method: str, path: str, operation: str, **about: Any
    ) -> Callable[[Endpoint], Endpoint]:
        def register(endpoint: Endpoint) -> Endpoint:
            @functools.wraps(endpoint)
            async def entry(**values: Any) -> Response:
                found = await endpoint(**values)
                if isinstance(found, Response):
                    return found
                answer = found if isinstance(found, Answer) else Answer(found)
                return JSONResponse(data(answer.value), answer.status, dict(answer.headers))

            self._add(method, path, operation, operation, entry, **about)
            return endpoint

        return register

    def _add(
        self, method: str, path: str, operation: str, name: str, endpoint: Endpoint, **about: Any
    ) -> None:
        responses = {**about.pop("responses", {}), **_ERRORS}
        self.router.add_api_route(
            path,
            endpoint,
            methods=[method],
            operation_id=name,
            dependencies=[Depends(checked(operation)), Depends(_known_parameters)],
            responses=responses,
            openapi_extra={"x-operation": operation, **about.pop("openapi_extra", {})},
            **about,
        )


def body_of(form: Form) -> dict[str, Any]:
    """The body of an endpoint in the description of the API, with its example."""
    content = {
        "schema": form.json_schema(),
        "examples": {"usual": {"value": dict(form.example)}},
    }
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


async def _known_parameters(request: Request) -> None:
    """Refuse a parameter of the query that the endpoint does not have, or that stands twice.

    A header that the endpoint reads may not stand twice either, because a proxy may read the other
    one. A body is refused where none is read.

    It is asynchronous because FastAPI would run it in a thread otherwise.
    """
    route: APIRoute = request.scope["route"]
    dependant = route.dependant
    known = [parameter.alias for parameter in query_of(dependant)]
    faults, seen = [], set[str]()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            allowed = f"allowed are {', '.join(known)}" if known else "none is allowed"
            faults.append(Fault(name[:100], f"is no parameter of this path; {allowed}"))
        elif name in seen:
            faults.append(Fault(name, _TWICE))
        seen.add(name)
    faults += [
        Fault(header.alias, _TWICE)
        for header in dependant.header_params
        if len(request.headers.getlist(header.alias)) > 1
    ]
    if "requestBody" not in (route.openapi_extra or {}) and _has_body(request):
        faults.append(Fault("body", "is not read here; none is allowed"))
    if faults:
        raise Faults(faults)


def _has_body(request: Request) -> bool:
    length = request.headers.get("Content-Length", "0")
    return length != "0" or "Transfer-Encoding" in request.headers


def query_of(dependant: Dependant) -> list[Any]:
    """The parameters of the query of an endpoint, with those that it shares with others."""
    shared = (one for needed in dependant.dependencies for one in query_of(needed))
    return [*shared, *dependant.query_params]


def is_file(route: APIRoute) -> bool:
    """Whether an endpoint reads a file. A stream of events has no end, so it is none."""
    content = route.responses.get(200, {}).get("content", {})
    reads = "GET" in (route.methods or ())
    return reads and route.response_model is None and bool(content) and _STREAM not in content


def has_etag(route: APIRoute) -> bool:
    """Whether the response of an endpoint has an ETag."""
    return any("ETag" in told.get("headers", {}) for told in route.responses.values())
