"""E-mails to customers: true, once, to the right address, over a real SMTP server (Rule 12)."""

import asyncio
import email
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP as SMTPProtocol  # noqa: N811 - it is a protocol of asyncio
from sqlalchemy import insert

from core.domain import policy
from core.domain.commands.top_up import TopUp
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.mails import TOLD, Mail
from core.gateways.mail_transports import Folder, Smtp
from core.ledger import endpoints, stored_terms
from core.ledger.tables import History
from doors.queries.deliveries import list_messages
from doors.service.messages import Messages
from settings import Settings
from tests.ledger.conftest import DAY, Shop
from tests.messages.conftest import Time

MAIL = Mail(
    id_="event-7-1",
    at=datetime(2026, 3, 8, tzinfo=UTC),
    sender="billing@example.com",
    sender_name="Example, Ltd",
    to="ann@acme.example",
    subject="PRO is\r\nBcc: other@example.com",
    text="Grüße\n",
    html="<p>Grüße</p>",
)


class Server:
    """What a mail server got, and how it replies to each recipient and e-mail."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        self.rcpt = self.data = "250 OK"

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self.rcpt.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.data.startswith("2"):
            message = email.message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            message["X-Rcpt"] = ",".join(envelope.rcpt_tos)
            self.got.append(message)
        return self.data


@asynccontextmanager
async def mail_server() -> AsyncIterator[tuple[Server, Smtp]]:
    """A real SMTP server on this machine, and a transport to it."""
    server = Server()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: SMTPProtocol(server, enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    port = listening.sockets[0].getsockname()[1]
    transport = Smtp("127.0.0.1", port, security="none", seconds=5)
    try:
        yield server, transport
        await transport.close()
    finally:
        listening.close()


@pytest.fixture
def switch_on(shop: Shop) -> Callable[..., None]:
    """Returns a function that switches the e-mails of the seller on."""

    def on(**values: Any) -> None:
        given = {"sender": "billing@example.com", "seller_address": None, "test_clocks": False}
        with shop.ledger.engine.begin() as connection:
            endpoints.set_mail(
                connection,
                "main",
                events=[str(event) for event in TOLD],
                now=datetime.now(UTC),
                actor="t",
                **(given | values),
            )

    return on


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


async def test_a_notice_is_written_with_what_is_true_now(
    shop: Shop, switch_on: Callable[..., None], tmp_path: Path
) -> None:
    """Bought 2021-03-01, paid until 03-31, renews on 03-24 for 50.00."""
    shop.open(billing_email="ann@acme.example")
    switch_on()
    shop.buy(quantity=3)
    happens(shop, "notice_renewal", {"expiry": "2021-03-31"})
    [mail] = await deliver(shop, tmp_path, DAY + timedelta(days=16))
    assert (mail["To"], mail["Cc"]) == ("ann@acme.example", None)
    assert mail["From"] == "main <billing@example.com>"
    assert mail["Subject"] == "3 × PRO renews on March 24, 2021"
    assert "the next cycle costs $150.00" in text_of(mail)
    assert "paid until March 31, 2021" in text_of(mail)
    html = mail.get_body(("html",))
    assert html is not None
    assert "$150.00" in html.get_content()


async def test_a_notice_that_is_no_longer_true_is_dropped(
    shop: Shop, switch_on: Callable[..., None], tmp_path: Path
) -> None:
    shop.open(billing_email="ann@acme.example")
    switch_on()
    shop.buy()
    happens(shop, "notice_renewal", {"expiry": "2021-03-31"})
    shop.do(Unsubscribe(subscription="s1"))
    assert await deliver(shop, tmp_path, DAY + timedelta(days=16)) == []
    [line] = list_messages(shop.ledger)
    assert (str(line.state), line.error) == ("dropped", "auto-renewal is off")


async def test_a_failed_renewal_is_told_once_with_the_next_try_and_what_to_do(
    shop: Shop, switch_on: Callable[..., None], tmp_path: Path
) -> None:
    """Renewal date 03-24, retries on 03-26, 03-28, 03-30. It is told once for each E."""
    shop.open(credits_="50.00", billing_email="ann@acme.example")
    shop.buy()
    shop.put_on_clock()
    switch_on(test_clocks=True)
    for day in (23, 25):
        await take_due(shop, DAY + timedelta(days=day))
        shop.run(f"UPDATE clocks SET now = '2021-03-{day + 1}'")
        mails = await deliver(shop, tmp_path, datetime.now(UTC))
    [mail] = mails
    assert mail["Subject"] == "PRO could not be renewed"
    assert "Your credits do not cover the price." in text_of(mail)
    assert "We try again on March 26, 2021." in text_of(mail)
    assert "It still works until March 31, 2021" in text_of(mail)
    assert "top up your credits" in text_of(mail)
    assert [str(line.state) for line in list_messages(shop.ledger)] == ["dropped", "delivered"]


async def take_due(shop: Shop, at: datetime) -> None:
    """Take the step of s1 that is due at an instant of the test clock."""
    from core.ledger.due_steps import due_at

    with shop.ledger.engine.connect() as connection:
        due = due_at(connection, "c", at)
    for item in due:
        if item.kind is not None:
            await shop.engine.take(item, item.due)


async def test_a_renewal_comes_with_its_invoice_once_that_has_a_number(
    shop: Shop, switch_on: Callable[..., None], tmp_path: Path
) -> None:
    from activities.number_invoices import number_invoices

    shop.open(billing_email="ann@acme.example")
    shop.buy()
    shop.put_on_clock()
    switch_on(test_clocks=True)
    await take_due(shop, DAY + timedelta(days=23))
    shop.run("UPDATE clocks SET now = '2021-03-24'")
    assert await deliver(shop, tmp_path, datetime.now(UTC)) == []
    assert number_invoices(shop.ledger) == 2
    [mail] = await deliver(shop, tmp_path, datetime.now(UTC) + timedelta(minutes=5))
    assert mail["Subject"] == "PRO is renewed until April 30, 2021"
    assert "The price was $50.00." in text_of(mail)
    [file] = mail.iter_attachments()
    assert file.get_filename() == "invoice-2.pdf"
    assert file.get_content().startswith(b"%PDF")
    assert "invoice 2" in text_of(mail)


async def test_without_an_address_nothing_is_sent_and_it_is_said(
    shop: Shop, switch_on: Callable[..., None], tmp_path: Path
) -> None:
    shop.open()
    switch_on()
    shop.buy()
    happens(shop, "notice_renewal", {"expiry": "2021-03-31"})
    assert await deliver(shop, tmp_path, DAY + timedelta(days=16)) == []
    assert "no billing e-mail address" in str(list_messages(shop.ledger)[0].error)


async def test_by_the_policy_the_seller_gets_a_copy(
    shop: Shop, switch_on: Callable[..., None], tmp_path: Path
) -> None:
    """Rule 12: notify."""
    with shop.ledger.engine.begin() as connection:
        terms = policy.load({"notify": "customer_cc_seller"})
        stored_terms.add_policy(connection, "main", terms)
    shop.open(billing_email="ann@acme.example")
    switch_on(seller_address="ops@example.com")
    shop.buy()
    happens(shop, "notice_renewal", {"expiry": "2021-03-31"})
    [mail] = await deliver(shop, tmp_path, DAY + timedelta(days=16))
    assert (mail["To"], mail["Cc"]) == ("ann@acme.example", "ops@example.com")


async def test_a_mail_server_gets_it_with_a_stable_id_and_no_header_of_a_text() -> None:
    async with mail_server() as (server, transport):
        for _ in range(2):
            assert (await transport.send(replace(MAIL, cc="ops@example.com"))).taken
    first, second = server.got
    assert first["Message-ID"] == second["Message-ID"] == "<event-7-1@example.com>"
    assert first["Subject"] == "PRO is Bcc: other@example.com"
    assert first["Bcc"] is None
    assert first["X-Rcpt"] == "ann@acme.example,ops@example.com"
    assert first["From"] == '"Example, Ltd" <billing@example.com>'
    assert "Grüße" in text_of(first)


@pytest.mark.parametrize(
    ("rcpt", "data", "final"),
    [
        ("550 No such user", "250 OK", True),
        ("450 Try later", "250 OK", False),
        ("250 OK", "554 Not wanted", True),
        ("250 OK", "451 Try later", False),
    ],
)
async def test_a_refusal_for_good_ends_it_and_the_next_one_goes_out(
    rcpt: str, data: str, final: bool
) -> None:
    async with mail_server() as (server, transport):
        server.rcpt, server.data = rcpt, data
        answer = await transport.send(MAIL)
        assert (answer.taken, answer.final) == (False, final)
        server.rcpt = server.data = "250 OK"
        assert (await transport.send(MAIL)).taken


async def test_a_mail_server_that_comes_back_is_connected_again() -> None:
    async with mail_server() as (_, transport):
        assert (await transport.send(MAIL)).taken
    answer = await transport.send(MAIL)
    assert "mail server" in str(answer.error)
    assert not answer.final


async def test_a_folder_keeps_one_file_of_an_e_mail(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "box")
    for _ in range(2):
        assert (await folder.send(MAIL)).taken
    assert [path.name for path in (tmp_path / "box").iterdir()] == ["event-7-1.eml"]
    assert not (await Folder(tmp_path / "box" / "event-7-1.eml").send(MAIL)).taken


async def test_a_failed_sending_is_tried_again_and_reaches_the_server(
    shop: Shop, switch_on: Callable[..., None], time: Time
) -> None:
    shop.open(billing_email="ann@acme.example")
    shop.buy()
    switch_on()
    shop.do(TopUp(account="acme", amount=shop.value("SELECT 1.00")))
    happens(shop, "terminated", {})
    async with mail_server() as (server, transport):
        server.data = "451 Try later"
        messages = Messages(shop.ledger, Settings(mail="smtp"), now=time)
        messages._mails = transport
        assert await messages.once() == 0
        server.data = "250 OK"
        time.pass_(seconds=6)
        assert await messages.once() == 1
    assert [mail["Subject"] for mail in server.got] == ["PRO has ended for good"]
