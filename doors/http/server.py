"""The HTTP server of the API: uvicorn on one address, until it is stopped."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Generator

import structlog
import uvicorn

from doors.application.perennial import Perennial
from doors.http.application import application
from settings import Settings

#: So many connections and requests at once. More are told to come back (503).
_AT_ONCE = 1000
#: Seconds that an idle connection is kept.
_IDLE = 30

log = structlog.get_logger()


class AddressInUse(Exception):
    """The address of the API cannot be used. The message says why and what to do."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """The process has signal handlers of its own."""
        yield


@contextlib.asynccontextmanager
async def serving(perennial: Perennial, config: Settings) -> AsyncIterator[str]:
    """Serve the API while the body runs. The value is its address.

    At the end requests that run are finished, for the seconds of the setting
    `PERENNIAL_SHUTDOWN_SECONDS`. Raises `AddressInUse`.
    """
    listening = _listen(config.api_host, config.api_port)
    host, port = listening.getsockname()[:2]
    server = _Server(
        uvicorn.Config(
            application(perennial),
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            date_header=True,
            lifespan="off",
            ws="none",
            limit_concurrency=_AT_ONCE,
            timeout_keep_alive=_IDLE,
            timeout_graceful_shutdown=config.shutdown_seconds,
            proxy_headers=False,
        )
    )
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    task = asyncio.create_task(server.serve(sockets=[listening]))
    log.info("api_ready", address=address)
    try:
        yield address
    finally:
        server.should_exit = True
        await task


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise AddressInUse(
            f"The API cannot listen on {host}, port {port}: {error.strerror or error}.\n"
            "PERENNIAL_API_HOST and PERENNIAL_API_PORT set the address."
        ) from None
    listening.set_inheritable(True)
    return listening
