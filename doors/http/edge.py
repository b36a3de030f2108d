"""The edge: what every request and response has, whatever becomes of it.

Each request gets an id. Each response gets the headers of security. Each access is an event of the
log, without bodies, queries or keys. An error of Perennial's own is told without its inside.
"""

import time
import traceback
from secrets import token_hex
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders, State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from doors.http.problems import Kind, Problem

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


class Edge:
    """Stands around the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

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
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.update({**HEADERS, "Request-Id": id_})
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            log.error("http_error", request=id_, error=type(error).__name__, where=_where(error))
            if status:
                raise
            problem = Problem(Kind.OWN_ERROR, "it is in the log under this request")
            await problem.response(id_)(scope, receive, send_with_headers)
        finally:
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
            seller=key and key.seller,
            address=client and client[0],
            milliseconds=round((time.perf_counter() - began) * 1000, 1),
        )


def _where(error: BaseException) -> list[str]:
    """The places of an error, innermost last, without any values."""
    frames: list[Any] = traceback.extract_tb(error.__traceback__)[-5:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
