"""The HTTP server: uvicorn on one address, until it is stopped."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Generator
from dataclasses import dataclass

import structlog
import uvicorn
from starlette.types import ASGIApp

from doors.http.connections import IDLE_SECONDS, Room, connections_of, most_waiting

#: So many connections wait to be taken.
_WAITING = 2048

log = structlog.get_logger()


class AddressInUse(Exception):
    """The address cannot be used. The message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """An address that is held: who connects waits until something is served there.

    `what`: what will be served, `api` or `console`.
    `shutdown_seconds`: so long requests that run may take at the end.
    """

    what: str
    socket: socket.socket
    shutdown_seconds: int


def listen(what: str, host: str, port: int, shutdown_seconds: int) -> Listening:
    """Hold an address. The settings `PERENNIAL_<what>_HOST` and `_PORT` say which.

    Raises `AddressInUse`.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    held = socket.socket(family, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind((host, port))
        held.listen(_WAITING)
    except OSError as error:
        held.close()
        setting = f"PERENNIAL_{what.upper()}"
        raise AddressInUse(
            f"{what} cannot listen on {host}, port {port}: {error.strerror or error}.\n"
            f"Another program may use it. {setting}_HOST and {setting}_PORT set the address, for "
            f"example {setting}_PORT={port + 1}."
        ) from None
    held.set_inheritable(True)
    return Listening(what=what, socket=held, shutdown_seconds=shutdown_seconds)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """The process has signal handlers of its own."""
        yield


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, at: Listening, ending: Callable[[], None] | None = None
) -> AsyncIterator[str]:
    """Serve an application while the body runs. The value is its address.

    `ending`: is called at the end, so that streams end by themselves.
    """
    host, port = at.socket.getsockname()[:2]
    server = _Server(
        uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            date_header=True,
            lifespan="off",
            ws="none",
            http=connections_of(Room(most_waiting())),
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=at.shutdown_seconds,
            proxy_headers=False,
        )
    )
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    task = asyncio.create_task(server.serve(sockets=[at.socket]))
    log.info(f"{at.what}_ready", address=address)
    try:
        yield address
    finally:
        if ending is not None:
            ending()
        server.should_exit = True
        await task
