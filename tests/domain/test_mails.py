"""E-mails as values: who gets one, and its message (Rule 12)."""

from datetime import UTC, datetime

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


def test_a_message_has_text_html_and_its_files() -> None:
    mail = Mail(
        id_="event-7-1",
        at=datetime(2026, 3, 8, tzinfo=UTC),
        sender="billing@example.com",
        sender_name="Example",
        to="ann@acme.example",
        cc="ops@example.com",
        subject="Hello\nthere",
        text="a",
        html="<p>a</p>",
        attachments=(Attachment(name="invoice-1.pdf", content=b"%PDF"),),
    )
    message = mail.message()
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
    ]


def test_a_message_without_a_copy_has_no_such_header() -> None:
    mail = Mail(
        id_="event-7-1",
        at=datetime(2026, 3, 8, tzinfo=UTC),
        sender="billing@example.com",
        sender_name="Example",
        to="ann@acme.example",
        subject="Hello",
        text="a",
        html="<p>a</p>",
    )
    assert mail.message()["Cc"] is None
    assert mail.recipients == ["ann@acme.example"]
