"""E-mails to customers: which events they tell of, to whom they go, and what they say (Rule 12).

The texts are with `core.documents.mails`. `activities.mails` finds out if one is still true.
"""

from dataclasses import dataclass, field
from datetime import datetime
from email.charset import QP, Charset
from email.encoders import encode_base64
from email.header import Header
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import compat32
from email.utils import format_datetime, formataddr

from core.domain.events import Event
from core.domain.policy import Notify

_POLICY = compat32.clone(linesep="\r\n")
_QUOTED = Charset("utf-8")
_QUOTED.body_encoding = QP

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
    """A file of an e-mail.

    `type_`: its kind by MIME, such as ``application/pdf``. A text is in UTF-8.
    """

    name: str
    type_: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """An e-mail that is ready to go out.

    `id_`: the same at each attempt. `kind`: what it tells of, such as ``renewed``.
    `at`: when what it tells of happened (UTC).
    `sender`, `to`, `cc`: e-mail addresses. `sender_name`: the seller's name.
    """

    id_: str
    kind: str
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

    @property
    def ascii(self) -> bool:
        """Whether all addresses are ASCII. A mail server needs SMTPUTF8 for others."""
        return all(address.isascii() for address in (self.sender, *self.recipients))

    def content(self) -> bytes:
        """The message by RFC 5322: text and HTML, with attachments.

        The boundary of its parts differs each time. Its Message-ID does not. The headers are
        written one by one, which takes a third of the time of `email.message.EmailMessage`.
        """
        subject = Header(" ".join(self.subject.split()), "utf-8", header_name="Subject")
        headers = {
            "Subject": subject.encode(linesep="\r\n"),
            "From": formataddr((" ".join(self.sender_name.split()), self.sender)),
            "To": self.to,
            **({} if self.cc is None else {"Cc": self.cc}),
            "Date": format_datetime(self.at),
            "Message-ID": f"<{self.id_}@{self.sender.rpartition('@')[2]}>",
            "Auto-Submitted": "auto-generated",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return lines.encode() + self._parts().as_bytes()

    def _parts(self) -> MIMEMultipart:
        """What follows the headers."""
        texts = MIMEMultipart("alternative", policy=_POLICY)
        for subtype, text in (("plain", self.text), ("html", self.html)):
            one = MIMENonMultipart("text", subtype, charset="utf-8", policy=_POLICY)
            one.set_payload(text, _QUOTED)
            texts.attach(one)
        if not self.attachments:
            return texts
        made = MIMEMultipart("mixed", policy=_POLICY)
        made.attach(texts)
        for file in self.attachments:
            charset = {"charset": "utf-8"} if file.type_.startswith("text/") else {}
            part = MIMEBase(*file.type_.split("/"), policy=_POLICY, **charset)
            part.set_payload(file.content)
            encode_base64(part)
            part.add_header("Content-Disposition", "attachment", filename=file.name)
            made.attach(part)
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
