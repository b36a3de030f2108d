"""The edge: what every request and response has, whatever becomes of it.

Each request gets an id. Each response gets the headers of security. Each access is an event of the
log, without bodies, queries or keys. An error of Perennial's own is told without its inside.
"""

import time
import traceback
from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Any

import structlog
from starlette.datastructures import State
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from doors.http.connections import MOST_UNDER_WAY
from doors.http.problems import Kind, Problem, later

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Strict-Transport-Security": "max-age=31536000",
}
"""The headers of every response. A browser heeds the last one on an encrypted connection only."""

log = structlog.get_logger()

_BUSY = later(Kind.UNAVAILABLE, "this server works on as many requests as it can")


def _problem(id_: str) -> Response:
    return Problem(Kind.OWN_ERROR, "it is in the log under this request").response(id_)


class Edge:
    """Stands around an application.

    `headers`: what every response has, unless it has its own.
    `own_error`: the response when the application has an error of its own, by the request's id.
    """

    def __init__(
        self,
        app: ASGIApp,
        headers: Mapping[str, str] = HEADERS,
        own_error: Callable[[str], Response] = _problem,
    ) -> None:
        self._app = app
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._own_error = own_error
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        id_, began, status = token_hex(8), time.perf_counter(), 0
        state = scope.setdefault("state", {})
        state["id"] = id_

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])  # Not the word of an enumeration.
                told = list(message.get("headers", ()))
                own = {name for name, _ in told}
                told += [header for header in self._headers if header[0] not in own]
                message["headers"] = [*told, (b"request-id", id_.encode())]
            await send(message)

        self._under_way += 1
        try:
            busy = self._under_way > MOST_UNDER_WAY
            app = _BUSY.response(id_) if busy else self._app
            await app(scope, receive, send_with_headers)
        except Exception as error:
            log.error("http_error", request=id_, error=type(error).__name__, where=_where(error))
            if status:
                raise
            await self._own_error(id_)(scope, receive, send_with_headers)
        finally:
            self._under_way -= 1
            self._tell(scope, State(state), status, began)

    def _tell(self, scope: Scope, state: State, status: int, began: float) -> None:
        key = getattr(state, "key", None)
        client = scope.get("client")
        log.info(
            "http_request",
            request=getattr(state, "id", None),
            method=scope["method"],
            operation=getattr(state, "operation", None),
            status=status,
            key=key and key.id,
            staff=getattr(state, "staff", None),
            seller=key and key.seller,
            address=client and client[0],
            milliseconds=round((time.perf_counter() - began) * 1000, 1),
        )


def _where(error: BaseException) -> list[str]:
    """The places of an error, innermost last, without any values."""
    frames: list[Any] = traceback.extract_tb(error.__traceback__)[-5:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
