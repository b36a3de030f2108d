"""Sends one webhook: one POST over HTTP/1.1 to an address that is allowed, and reads the status.

* The host is resolved once, and the connection goes to the address that was checked.
* The TLS certificate must be that of the host.
* No redirect is followed, and no proxy of the environment is used.
* The whole attempt has one timeout. At most 16 KiB of the response are read.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

from core.domain.deliveries import Answer
from core.gateways.allowed_addresses import is_public

SECONDS = 10.0
"""The timeout of one attempt, from the look-up of the name to the status of the response."""
LARGEST_BODY = 64 * 1024
"""Bytes of a message. Bodies of events are below 4 KiB."""

_LARGEST_HEAD = 16 * 1024
_MOST_ADDRESSES = 3
_RESOLVING = 16


class NotSent(Exception):
    """The attempt was not made. The message says why."""


class Webhooks:
    """Sends webhooks from one process.

    `allow_private`: whether private and loopback addresses, and plain http, are allowed.
    `seconds`: the timeout of one attempt.
    """

    def __init__(self, *, allow_private: bool, seconds: float = SECONDS) -> None:
        self._allow_private = allow_private
        self._seconds = seconds
        self._tls = ssl.create_default_context()
        # A name server that hangs holds threads of this pool only.
        self._resolvers = ThreadPoolExecutor(_RESOLVING, thread_name_prefix="resolve")

    def close(self) -> None:
        """Give the threads back. Look-ups that hang are not waited for."""
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    async def post(self, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """Send a message. A status from 200 to 299 means that the endpoint has taken it.

        Every failure is a result. Only a cancellation is raised.
        """
        assert len(content) <= LARGEST_BODY
        try:
            async with asyncio.timeout(self._seconds):
                status = await self._post(urlsplit(url), headers, content)
        except TimeoutError:
            return Answer(error=f"no response within {self._seconds:g} seconds")
        except NotSent as not_sent:
            return Answer(error=str(not_sent))
        except ssl.SSLCertVerificationError as error:
            return Answer(error=f"the certificate is not valid: {error.verify_message}")
        except (OSError, EOFError, ValueError) as error:
            return Answer(error=f"no connection: {_words(error)}")
        if 200 <= status < 300:
            return Answer(status)
        return Answer(status, f"the endpoint responded with the status {status}")

    async def _post(self, url: SplitResult, headers: Mapping[str, str], content: bytes) -> int:
        secure = url.scheme == "https"
        host = url.hostname or ""
        if not secure and not self._allow_private:
            raise NotSent("http is not allowed; use https, or set PERENNIAL_WEBHOOK_PRIVATE")
        port = url.port or (443 if secure else 80)
        addresses = await self._resolve(host, port)
        reader, writer = await self._connect(addresses, port, host if secure else None)
        try:
            writer.write(_request(url, headers, content))
            await writer.drain()
            return await _status(reader)
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def _resolve(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self._resolvers, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
        except (OSError, UnicodeError):
            raise NotSent(f"the name {host} cannot be resolved") from None
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        if not self._allow_private:
            for address in addresses:
                if not is_public(address):
                    raise NotSent(
                        f"{host} has the address {address}, which is not public; "
                        "PERENNIAL_WEBHOOK_PRIVATE allows it"
                    )
        return addresses[:_MOST_ADDRESSES]

    async def _connect(
        self, addresses: list[str], port: int, secure_host: str | None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        *others, last = addresses
        tls = None if secure_host is None else self._tls
        for address in others:
            with suppress(ConnectionError):
                return await asyncio.open_connection(
                    address, port, ssl=tls, server_hostname=secure_host, limit=_LARGEST_HEAD
                )
        return await asyncio.open_connection(
            last, port, ssl=tls, server_hostname=secure_host, limit=_LARGEST_HEAD
        )


def _request(url: SplitResult, headers: Mapping[str, str], content: bytes) -> bytes:
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    host = url.netloc.rpartition("@")[2]
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        "User-Agent: Perennial-Webhooks/1",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + content


async def _status(reader: asyncio.StreamReader) -> int:
    """The status of the response. Interim responses (100 to 199) are skipped."""
    for _ in range(5):
        head = await _head(reader)
        version, _, rest = head.split("\r\n", 1)[0].partition(" ")
        code = rest[:3]
        if not version.startswith("HTTP/1.") or not (code.isascii() and code.isdigit()):
            raise NotSent("the response is not HTTP/1.1")
        if not 100 <= int(code) < 200:
            return int(code)
    raise NotSent("the response has too many interim responses")


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError:
        raise NotSent("the head of the response is longer than 16 KiB") from None
    except asyncio.IncompleteReadError:
        raise NotSent("the endpoint closed the connection before it responded") from None


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)[:200]
