"""The mailbox of the demonstration: its e-mails, as files to look at.

The role `messages` writes them, as it does for an installation. There is none where the seller has
switched e-mails on by itself, or where the installation sends by SMTP.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from activities.number_invoices import number_invoices
from core.domain.mails import TOLD
from core.ledger import endpoints
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.service.messages import Messages
from settings import Settings

CUSTOMER = "customer@example.com"
"""The billing address of each customer of the demonstration."""
_SENDER, _SELLER = "billing@example.com", "seller@example.com"
_ACTOR = "demonstration"
_LAST_E_MAILS = 6.0
"""Seconds for e-mails that wait for the number of their invoice."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A folder of e-mails. `folder`: None when there is none, and `why` says why."""

    folder: Path | None
    why: str = ""

    def kinds(self) -> list[tuple[str, int, Path]]:
        """The kinds of e-mails: how many there are and one of each, the most frequent first."""
        if self.folder is None:
            return []
        files = sorted(self.folder.glob("*.eml"))
        counted = Counter(_kind(file) for file in files)
        first = {_kind(file): file for file in reversed(files)}
        return [(kind, count, first[kind]) for kind, count in counted.most_common()]


def _kind(file: Path) -> str:
    return file.stem.rpartition("-")[2]


@asynccontextmanager
async def mailbox(ledger: Ledger, config: Settings, name: str) -> AsyncIterator[Mailbox]:
    """Switch e-mails on while the context is open, and write them into a folder of this name.

    At the end, what is due is written, and e-mails are switched off again.
    """
    if config.mail == "smtp":
        yield Mailbox(None, "PERENNIAL_MAIL sends e-mails by SMTP here.")
        return
    if not await asyncio.to_thread(_switch_on, ledger):
        yield Mailbox(None, "This seller has e-mails of its own.")
        return
    folder = config.home / "mailbox" / name
    own = config.model_copy(update={"mail": "file", "mail_folder": folder, "mail_templates": None})
    working = [
        asyncio.create_task(_number_invoices(ledger)),
        asyncio.create_task(Messages(ledger, own).run(asyncio.sleep)),
    ]
    try:
        yield Mailbox(folder)
        await asyncio.sleep(_LAST_E_MAILS)
    finally:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        await Messages(ledger, own).once()
        await asyncio.to_thread(_switch_off, ledger)


async def _number_invoices(ledger: Ledger) -> None:
    """Give invoices their numbers, as the relay of an installation does. E-mails wait for them."""
    while True:
        await asyncio.to_thread(number_invoices, ledger)
        await asyncio.sleep(1.0)


def _switch_on(ledger: Ledger) -> bool:
    """Whether e-mails could be switched on. Those of an interrupted demonstration go on."""
    with ledger.transaction("mail_on") as connection:
        row = endpoints.mail_of(connection, ledger.seller)
        if row is not None and row.added_by != _ACTOR:
            return False
        endpoints.set_mail(
            connection,
            ledger.seller,
            sender=_SENDER,
            seller_address=_SELLER,
            events=[str(event) for event in TOLD],
            test_clocks=True,
            now=machine_now(),
            actor=_ACTOR,
        )
    return True


def _switch_off(ledger: Ledger) -> None:
    with ledger.transaction("mail_off") as connection:
        endpoints.mail_off(connection, ledger.seller, machine_now())
