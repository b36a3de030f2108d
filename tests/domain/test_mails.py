"""E-mails as values: who gets one, and its message (Rule 12)."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from core.domain.mails import Attachment, Mail, NoMail, recipients
from core.domain.policy import Notify


@pytest.mark.parametrize(
    ("notify", "customer", "seller", "found"),
    [
        (Notify.CUSTOMER, "a@b.example", "s@b.example", ("a@b.example", None)),
        (Notify.SELLER, "a@b.example", "s@b.example", ("s@b.example", None)),
        (Notify.CUSTOMER_CC_SELLER, "a@b.example", "s@b.example", ("a@b.example", "s@b.example")),
        (Notify.CUSTOMER_CC_SELLER, "a@b.example", None, ("a@b.example", None)),
    ],
)
def test_who_gets_it(
    notify: Notify, customer: str, seller: str | None, found: tuple[str, str | None]
) -> None:
    assert recipients(notify, customer, seller) == found
    assert isinstance(recipients(Notify.CUSTOMER, None, "s@b.example"), NoMail)
    assert isinstance(recipients(Notify.SELLER, "a@b.example", None), NoMail)


def read(mail: Mail) -> EmailMessage:
    """The message as a mail program reads it."""
    message = message_from_bytes(mail.content(), policy=default)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    return message


def test_a_message_has_text_html_and_its_files() -> None:
    mail = Mail(
        id_="event-7-1",
        kind="renewed",
        at=datetime(2026, 3, 8, tzinfo=UTC),
        sender="billing@example.com",
        sender_name="Example",
        to="ann@acme.example",
        cc="ops@example.com",
        subject="Hello\nthere",
        text="a",
        html="<p>a</p>",
        attachments=(
            Attachment(name="invoice-1.pdf", type_="application/pdf", content=b"%PDF"),
            Attachment(name="invoice-1.html", type_="text/html", content="Grüße".encode()),
        ),
    )
    message = read(mail)
    assert message["Subject"] == "Hello there"
    assert message["Message-ID"] == "<event-7-1@example.com>"
    assert (message["Cc"], mail.recipients) == (
        "ops@example.com",
        ["ann@acme.example", "ops@example.com"],
    )
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "application/pdf",
        "text/html",
    ]
    assert [file.get_content() for file in message.iter_attachments()] == [b"%PDF", "Grüße"]


def test_a_message_without_a_copy_has_no_such_header() -> None:
    mail = Mail(
        id_="event-7-1",
        kind="renewed",
        at=datetime(2026, 3, 8, tzinfo=UTC),
        sender="billing@example.com",
        sender_name="Example",
        to="ann@acme.example",
        subject="Hello",
        text="a",
        html="<p>a</p>",
    )
    assert read(mail)["Cc"] is None
    assert mail.recipients == ["ann@acme.example"]


@pytest.mark.parametrize(
    "name", ["Example, Ltd", "Nörd\r\nBcc: other@example.com", "شركة", "a" * 200]
)
def test_a_name_and_a_subject_stay_in_their_headers(name: str) -> None:
    mail = Mail(
        id_="event-7-1",
        kind="renewed",
        at=datetime(2026, 3, 8, tzinfo=UTC),
        sender="billing@example.com",
        sender_name=name,
        to="jörg@acme.example",
        subject=f"{name} × 3\r\n\r\nends " * 3,
        text="Grüße\n.\nend\n",
        html="<p>Grüße</p>",
    )
    message = read(mail)
    assert not mail.ascii
    assert message["From"].addresses[0].display_name == " ".join(name.split())
    assert message["From"].addresses[0].addr_spec == "billing@example.com"
    assert message["Subject"] == " ".join(f"{name} × 3 ends ".split() * 3)
    assert message["To"] == "jörg@acme.example"
    assert message["Bcc"] is None
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().splitlines() == ["Grüße", ".", "end"]
    assert all(len(line) < 998 for line in mail.content().splitlines())
