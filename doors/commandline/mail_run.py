"""What the commands of e-mails share: the texts, a preview, how e-mails do."""

from pathlib import Path
from typing import Any

from core.documents.mails import MailTexts, sample
from core.documents.own_templates import BadTemplates
from core.domain.alarms import Alarm
from core.domain.events import Event
from core.domain.fault_places import shown
from core.domain.languages import Language
from core.domain.mails import TOLD, Mail
from core.ledger import endpoints
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.commandline import inputs
from doors.commandline.exit_codes import Code, Ended
from settings import Settings


def check_texts(config: Settings) -> MailTexts:
    """The texts of an installation. Raises `Ended` with the faults of a seller's own."""
    texts = MailTexts(config.mail_templates)
    try:
        texts.check()
    except BadTemplates as error:
        raise Ended(
            f"The texts of PERENNIAL_MAIL_TEMPLATES cannot be used:\n{error}", Code.BAD_INPUT
        ) from None
    return texts


def preview(config: Settings, kind: str, language: Language) -> Mail:
    """An e-mail with made-up facts. Raises `Faults` for an unknown kind, and `Ended`."""
    facts = sample(language)
    kinds = [str(kind) for kind in (*TOLD, *Alarm)]
    if kind not in kinds:
        inputs.wrong("KIND", f"{shown(kind)} is no e-mail; allowed are {', '.join(kinds)}")
    texts = check_texts(config)
    written = texts.sample(Alarm(kind) if kind in set(Alarm) else Event(kind), language)
    return Mail(
        id_=f"preview-{kind}",
        kind=kind,
        at=machine_now(),
        sender=facts.seller_email,
        sender_name=facts.seller,
        to="customer@example.com",
        subject=written.subject,
        text=written.text,
        html=written.html,
    )


def write(to: Path, mail: Mail) -> None:
    """Write an e-mail into a file. Raises `Ended` when that is not possible."""
    try:
        to.write_bytes(mail.content())
    except OSError as error:
        raise Ended(f"{to} cannot be written: {error.strerror}.", Code.BAD_INPUT) from None


def state(opened: Ledger, config: Settings) -> dict[str, Any]:
    """Whether e-mails are on, who they are from, how they go out and how that does."""
    with opened.read() as connection:
        row = endpoints.mail_of(connection, opened.seller)
    if row is None:
        return {"mail": False, "transport": config.mail}
    return {
        "mail": True,
        "transport": config.mail,
        "sender": row.sender,
        "seller": row.seller_address,
        "test_clocks": row.test_clocks,
        "failing_since": row.failing_since,
        "off_why": row.off_why,
    }


def told(found: dict[str, Any]) -> str:
    """The state of e-mails, in words."""
    if not found["mail"]:
        return "Customers get no e-mails. `starter.py mail on` switches them on."
    how = {"off": "They wait: PERENNIAL_MAIL is off.", "file": "They are written into a folder."}
    words = [f"Customers get e-mails from {found['sender']}."]
    address = found["seller"]
    words.append(
        f"Alarms go to {address}."
        if address
        else "You get no alarms; `starter.py mail on --seller ADDRESS` sends them."
    )
    words.append(how.get(found["transport"], "They go out by SMTP."))
    if found["off_why"]:
        words.append(f"They were switched off: {found['off_why']}. `starter.py mail on` mends it.")
    elif found["failing_since"]:
        words.append(f"They fail since {found['failing_since']:%Y-%m-%d %H:%M} UTC.")
    return " ".join(words)
