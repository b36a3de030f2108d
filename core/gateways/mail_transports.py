"""Send e-mails: by SMTP, or into a folder to look at, for development.

Both return an `Answer`. A refusal of one recipient for good (5xx) ends that message. Everything
else is tried again.
"""

import asyncio
import os
from pathlib import Path
from time import monotonic
from typing import Literal, Protocol

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
)

from core.domain.deliveries import Answer
from core.domain.mails import Mail

SECONDS = 30.0
"""The timeout of one e-mail."""

_SURE = 2.0
"""For so many seconds after it was used, a connection is not asked if it still works."""

Security = Literal["none", "starttls", "tls"]


class MailTransport(Protocol):
    """What sends an e-mail."""

    async def send(self, mail: Mail) -> Answer:
        """Send it once. Every failure is a result."""

    async def close(self) -> None:
        """Close what is open."""


class Smtp:
    """Sends over SMTP. Connections are kept for the e-mails that follow, each for one at a time.

    `host`, `port`, `security`: the server, and how the connection is secured.
    `user`, `password`: None for a server that asks for none.
    `seconds`: the timeout of one e-mail.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        security: Security = "starttls",
        user: str | None = None,
        password: str | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._host, self._port, self._security = host, port, security
        self._user, self._password, self._seconds = user, password, seconds
        self._idle: list[tuple[SMTP, float]] = []

    async def send(self, mail: Mail) -> Answer:
        """See `MailTransport`. A connection that the server has closed is opened once more."""
        client: SMTP | None = None
        try:
            async with asyncio.timeout(self._seconds):
                client = await self._client()
                options = () if mail.ascii else ("SMTPUTF8",)
                await client.sendmail(
                    mail.sender, mail.recipients, mail.content(), mail_options=options
                )
        except TimeoutError:
            self._drop(client)
            return Answer(error=f"no response of the mail server within {self._seconds:g} seconds")
        except SMTPRecipientsRefused as error:
            await self._keep(client)
            codes = [refused.code for refused in error.recipients]
            told = error.recipients[0]
            return _refused(max(codes), told.message, final=all(code >= 500 for code in codes))
        except (SMTPSenderRefused, SMTPDataError) as error:
            await self._keep(client)
            return _refused(error.code, error.message, final=isinstance(error, SMTPDataError))
        except (SMTPException, OSError, EOFError, ValueError) as error:
            self._drop(client)
            return Answer(
                error=f"the mail server failed: {str(error)[:200] or type(error).__name__}"
            )
        except asyncio.CancelledError:
            self._drop(client)
            raise
        self._idle.append((client, monotonic()))
        return Answer(250)

    async def _client(self) -> SMTP:
        while self._idle:
            client, since = self._idle.pop()
            if client.is_connected and monotonic() - since < _SURE:
                return client
            try:
                await client.noop()
            except (SMTPException, OSError):
                self._drop(client)
            else:
                return client
        client = SMTP(
            hostname=self._host,
            port=self._port,
            use_tls=self._security == "tls",
            start_tls=self._security == "starttls",
            username=self._user,
            password=self._password,
            timeout=self._seconds,
        )
        await client.connect()
        return client

    async def _keep(self, client: SMTP | None) -> None:
        if client is None:
            return
        try:
            await client.rset()
        except (SMTPException, OSError):
            self._drop(client)
        else:
            self._idle.append((client, monotonic()))

    def _drop(self, client: SMTP | None) -> None:
        if client is not None:
            client.close()

    async def close(self) -> None:
        """Close the connections that are open."""
        while self._idle:
            self._drop(self._idle.pop()[0])


class Folder:
    """Writes each e-mail into a file `ID-KIND.eml` of a folder. The same one is written once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, mail: Mail) -> Answer:
        """See `MailTransport`."""
        try:
            await asyncio.to_thread(self._write, mail)
        except OSError as error:
            return Answer(error=f"{self._folder} cannot be written: {error.strerror}")
        return Answer(250)

    def _write(self, mail: Mail) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        place = self._folder / f"{mail.id_}-{mail.kind}.eml"
        beside = place.with_suffix(".part")
        beside.write_bytes(mail.content())
        os.replace(beside, place)

    async def close(self) -> None:
        """There is nothing to close."""


def _refused(code: int, message: str, *, final: bool) -> Answer:
    words = " ".join(message.split())[:200]
    return Answer(
        code,
        f"the mail server refused it with {code}: {words}",
        final=final and 500 <= code < 600,
    )
