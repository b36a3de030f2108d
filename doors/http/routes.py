"""How endpoints are made: each has an operation of the table of access, and one form of result."""

import functools
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from core.domain.faults import Fault, Faults
from doors.application.plain_data import data
from doors.http.callers import checked

VERSION = "/v1"
"""What stands before every path of this version of the API."""

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


class Routes:
    """The endpoints of one part of the API. `part`: its name in the description of the API."""

    def __init__(self, part: str) -> None:
        self.router = APIRouter(prefix=VERSION, tags=[part])

    def get(self, path: str, operation: str, result: Any) -> Callable[[Endpoint], Endpoint]:
        """Register an endpoint that reads. What it returns is sent as JSON.

        `operation`: its row in the table of access. `result`: the type that it returns.
        """

        def register(endpoint: Endpoint) -> Endpoint:
            @functools.wraps(endpoint)
            async def entry(**values: Any) -> Response:
                return JSONResponse(data(await endpoint(**values)))

            self._add("GET", path, operation, operation, entry, response_model=result)
            return endpoint

        return register

    def post(self, path: str, operation: str, name: str, endpoint: Endpoint, **about: Any) -> None:
        """Register an endpoint that returns a response itself.

        `operation`: its row in the table of access. `name`: its unique name. `about`: what FastAPI
        is told beside.
        """
        self._add("POST", path, operation, name, endpoint, **{"response_model": None, **about})

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


def _known_parameters(request: Request) -> None:
    """Refuse a parameter of the query that the endpoint does not have, or that stands twice."""
    known = [
        parameter.alias
        for dependant in (request.scope["route"].dependant,)
        for parameter in dependant.query_params
    ]
    faults, seen = [], set[str]()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            allowed = f"allowed are {', '.join(known)}" if known else "none is allowed"
            faults.append(Fault(name[:100], f"is no parameter of this path; {allowed}"))
        elif name in seen:
            faults.append(Fault(name, "stands twice; once is allowed"))
        seen.add(name)
    if faults:
        raise Faults(faults)
