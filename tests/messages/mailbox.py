"""What tests of e-mails share: something happens, time passes, and a folder is read."""

import email
from datetime import datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from sqlalchemy import insert

from core.ledger.due_steps import due_at
from core.ledger.tables import History
from doors.service.messages import Messages
from settings import Settings
from tests.ledger.conftest import DAY, Shop


def happens(shop: Shop, event: str, facts: dict[str, str], id_: str = "s1") -> None:
    """Something is in the history, as a step would write it."""
    line = {"at": DAY, "account": "acme", "subscription": id_, "event": event, "facts": facts}
    with shop.ledger.engine.begin() as connection:
        connection.execute(
            insert(History).values(**line, rule="12", actor="perennial", amount=None)
        )


async def deliver(shop: Shop, folder: Path, now: datetime) -> list[EmailMessage]:
    """Run the role once at an instant. Returns all e-mails in the folder."""
    shop.run("UPDATE deliveries SET next_at = '2000-01-01', first_at = now()")
    config = Settings(mail="file", mail_folder=folder)
    await Messages(shop.ledger, config, now=lambda: now).once()
    found = []
    for path in sorted(folder.glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=default)
        assert isinstance(message, EmailMessage)
        found.append(message)
    return found


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


async def take_due(shop: Shop, at: datetime) -> None:
    """Take the step of s1 that is due at an instant of the test clock."""
    with shop.ledger.engine.connect() as connection:
        due = due_at(connection, "c", at)
    for item in due:
        if item.kind is not None:
            await shop.engine.take(item, item.due)
