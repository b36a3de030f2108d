"""A real SMTP server on this machine, which can refuse, hang, be late, and close half-way."""

import asyncio
import email
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP as SMTPProtocol  # noqa: N811 - it is a protocol of asyncio

from core.gateways.mail_transports import Security

CERTIFICATES = Path(__file__).parent / "certificates"


class Server:
    """What a mail server got, and how it replies to each recipient and e-mail.

    `rcpt`, `data`: its replies. The data ``hang`` never replies, ``late`` sets `waits` and replies
    when `goes_on` is set, and ``close`` closes the connection when it has got all of the e-mail.
    `connections`: how often it was connected to.
    """

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        self.rcpt = self.data = "250 OK"
        self.waits, self.goes_on = asyncio.Event(), asyncio.Event()
        self.connections = 0
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self.rcpt.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        reply = self.data
        if reply == "hang":
            await asyncio.Event().wait()
        if reply == "late":
            self.waits.set()
            await self.goes_on.wait()
            reply = "250 OK"
        if reply == "close" or reply.startswith("2"):
            message = email.message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            message["X-Rcpt"] = ",".join(envelope.rcpt_tos)
            self.got.append(message)
        if reply == "close":
            server.transport.abort()
        return reply

    @property
    def ids(self) -> list[str]:
        """The Message-ID of each e-mail that it got."""
        return [str(message["Message-ID"]) for message in self.got]


@asynccontextmanager
async def mail_server(
    server: Server | None = None,
    *,
    port: int = 0,
    security: Security = "none",
    certificate: str = "here",
) -> AsyncIterator[Server]:
    """Run a mail server while the context is open. It starts again on the same port, if asked."""
    made = server or Server()
    context = None
    if security != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(CERTIFICATES / f"{certificate}.pem", CERTIFICATES / "key.pem")
    open_now: list[SMTPProtocol] = []

    def protocol() -> SMTPProtocol:
        made.connections += 1
        starttls = context if security == "starttls" else None
        one = SMTPProtocol(
            made, enable_SMTPUTF8=True, tls_context=starttls, require_starttls=starttls is not None
        )
        open_now.append(one)
        return one

    listening = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", port, ssl=context if security == "tls" else None
    )
    made.port = listening.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        listening.close()
        for one in open_now:
            if one.transport is not None:
                one.transport.abort()
