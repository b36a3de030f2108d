"""E-mails to customers: true, once, to the right address, over a real SMTP server (Rule 12)."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activities.number_invoices import number_invoices
from core.domain import policy
from core.domain.commands.top_up import TopUp
from core.domain.commands.unsubscribe import Unsubscribe
from core.domain.languages import Language
from core.domain.mails import Mail
from core.domain.profiles import CustomerProfile
from core.gateways.mail_transports import Folder, Smtp
from core.ledger import profiles, stored_terms
from doors.commandline.webhook_run import resend_failed
from doors.queries.deliveries import list_messages
from doors.service.messages import Messages
from settings import Settings
from tests.ledger.conftest import DAY, Shop
from tests.messages.conftest import Time
from tests.messages.mail_server import Server, mail_server
from tests.messages.mailbox import deliver, happens, take_due, text_of

MAIL = Mail(
    id_="event-7-1",
    kind="renewed",
    at=datetime(2026, 3, 8, tzinfo=UTC),
    sender="billing@example.com",
    sender_name="Example, Ltd",
    to="ann@acme.example",
    subject="PRO is\r\nBcc: other@example.com",
    text="Grüße\n",
    html="<p>Grüße</p>",
)


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Server, Smtp]]:
    """A mail server, and a transport to it."""
    async with mail_server() as server:
        transport = Smtp("127.0.0.1", server.port, security="none", seconds=300)
        yield server, transport
        await transport.close()


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


async def test_a_customer_is_told_in_the_language_of_its_documents(
    shop: Shop, switch_on: Callable[..., None], tmp_path: Path
) -> None:
    shop.open(billing_email="ann@acme.example")
    with shop.ledger.engine.begin() as connection:
        german = CustomerProfile(name="Anna", language=Language.GERMAN)
        profiles.add_customer_profile(connection, "acme", german, at=DAY, actor="t")
    switch_on()
    shop.buy()
    happens(shop, "notice_renewal", {"expiry": "2021-03-31"})
    [mail] = await deliver(shop, tmp_path, DAY + timedelta(days=16))
    assert mail["Subject"] == "PRO verlängert sich am 24. März 2021"
    assert "Guten Tag Anna," in text_of(mail)
    assert "kostet der nächste Zeitraum 50,00 $." in text_of(mail)


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


async def test_a_renewal_comes_with_its_invoice_once_that_has_a_number(
    shop: Shop, switch_on: Callable[..., None], tmp_path: Path
) -> None:
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


async def test_an_invoice_whose_letters_no_font_has_comes_as_html(
    shop: Shop, switch_on: Callable[..., None], tmp_path: Path
) -> None:
    shop.open(billing_email="ann@acme.example")
    with shop.ledger.engine.begin() as connection:
        chinese = CustomerProfile(name="株式会社")
        profiles.add_customer_profile(connection, "acme", chinese, at=DAY, actor="t")
    shop.buy()
    number_invoices(shop.ledger)
    switch_on()
    shop.run(
        "INSERT INTO history (at, account, subscription, event, rule, actor, facts, operation) "
        "SELECT at, account, subscription, 'reactivated', '7', 't', facts, operation "
        "FROM history WHERE event = 'purchased'"
    )
    [mail] = await deliver(shop, tmp_path, datetime.now(UTC))
    [file] = mail.iter_attachments()
    assert file.get_filename() == "invoice-1.html"
    assert "株式会社" in file.get_content()


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
    async with connected() as (server, transport):
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
    async with connected() as (server, transport):
        server.rcpt, server.data = rcpt, data
        answer = await transport.send(MAIL)
        assert (answer.taken, answer.final) == (False, final)
        server.rcpt = server.data = "250 OK"
        assert (await transport.send(MAIL)).taken


async def test_a_mail_server_that_comes_back_is_connected_again() -> None:
    async with connected() as (_, transport):
        assert (await transport.send(MAIL)).taken
    answer = await transport.send(MAIL)
    assert "mail server" in str(answer.error)
    assert not answer.final


async def test_a_folder_keeps_one_file_of_an_e_mail(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "box")
    for _ in range(2):
        assert (await folder.send(MAIL)).taken
    assert [path.name for path in (tmp_path / "box").iterdir()] == ["event-7-1-renewed.eml"]
    assert not (await Folder(tmp_path / "box" / "event-7-1-renewed.eml").send(MAIL)).taken


async def test_a_failed_sending_is_tried_again_and_reaches_the_server(
    shop: Shop, switch_on: Callable[..., None], time: Time
) -> None:
    shop.open(billing_email="ann@acme.example")
    shop.buy()
    switch_on()
    shop.do(TopUp(account="acme", amount=shop.value("SELECT 1.00")))
    happens(shop, "terminated", {})
    async with connected() as (server, transport):
        server.data = "451 Try later"
        messages = Messages(shop.ledger, Settings(mail="smtp"), now=time)
        messages._mails = transport
        assert await messages.once() == 0
        server.data = "250 OK"
        time.pass_(seconds=6)
        assert await messages.once() == 1
    assert [mail["Subject"] for mail in server.got] == ["PRO has ended for good"]


async def test_failed_e_mails_are_sent_again_by_the_name_of_their_endpoint(
    shop: Shop, switch_on: Callable[..., None], time: Time
) -> None:
    shop.open(billing_email="ann@acme.example")
    shop.buy()
    switch_on()
    happens(shop, "terminated", {})
    async with connected() as (server, transport):
        server.rcpt = "550 No such user"
        messages = Messages(shop.ledger, Settings(mail="smtp"), now=time)
        messages._mails = transport
        assert await messages.once() == 0
        server.rcpt = "250 OK"
        assert resend_failed(shop.ledger, "e-mail") == 1
        time.pass_(seconds=60)
        assert await messages.once() == 1
