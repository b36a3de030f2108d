"""E-mails to customers: which events they tell of, to whom they go, and what they say (Rule 12).

The texts are with `core.documents.mails`. `activities.mails` finds out if one is still true.
"""

from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from core.domain.events import Event
from core.domain.policy import Notify

TOLD = (
    Event.NOTICE_RENEWAL,
    Event.RENEWED,
    Event.RENEWAL_FAILED,
    Event.NOTICE_EXPIRING,
    Event.NOTICE_TRIAL_ENDING,
    Event.EXPIRED,
    Event.REACTIVATED,
    Event.TERMINATED,
    Event.NUMBER_HOLD_ENDING,
)
"""The events that customers are told of (Rule 12)."""


@dataclass(frozen=True, slots=True)
class NoMail:
    """There is nothing to send: why, in words."""

    why: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """The e-mail cannot be written yet, because its invoice has no number yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file of an e-mail, in PDF."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """An e-mail that is ready to go out.

    `id_`: the same at each attempt. `at`: when what it tells of happened (UTC).
    `sender`, `to`, `cc`: e-mail addresses. `sender_name`: the seller's name.
    """

    id_: str
    at: datetime
    sender: str
    sender_name: str
    to: str
    cc: str | None = None
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = field(default=())

    @property
    def recipients(self) -> list[str]:
        """The addresses that get it."""
        return [self.to] if self.cc is None else [self.to, self.cc]

    def message(self) -> EmailMessage:
        """The message by RFC 5322: text and HTML, with attachments.

        The boundary of its parts differs each time. Its Message-ID does not.
        """
        made = EmailMessage(policy=SMTP)
        made["Subject"] = " ".join(self.subject.split())
        made["From"] = Address(self.sender_name, addr_spec=self.sender)
        made["To"] = self.to
        if self.cc is not None:
            made["Cc"] = self.cc
        made["Date"] = format_datetime(self.at)
        made["Message-ID"] = f"<{self.id_}@{self.sender.rpartition('@')[2]}>"
        made["Auto-Submitted"] = "auto-generated"
        made.set_content(self.text)
        made.add_alternative(self.html, subtype="html")
        for file in self.attachments:
            made.add_attachment(
                file.content, maintype="application", subtype="pdf", filename=file.name
            )
        return made


def recipients(
    notify: Notify, customer: str | None, seller: str | None
) -> tuple[str, str | None] | NoMail:
    """Who gets an e-mail, and who gets a copy (policy `notify`, Rule 12).

    `customer`, `seller`: their addresses, None if not known. A copy for a seller without an address
    is left out.
    """
    if notify is Notify.SELLER:
        return NoMail("the seller has no address for notices") if seller is None else (seller, None)
    if customer is None:
        return NoMail("the account has no billing e-mail address")
    return customer, (seller if notify is Notify.CUSTOMER_CC_SELLER else None)
