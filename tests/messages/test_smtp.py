"""E-mails over real mail servers that refuse, hang, are late, close half-way and start again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from core.gateways.mail_transports import Security, Smtp
from doors.queries.deliveries import list_messages
from doors.service.messages import Messages
from settings import Settings
from tests.ledger.conftest import Shop
from tests.messages.conftest import Time
from tests.messages.mail_server import CERTIFICATES, Server, mail_server
from tests.messages.mailbox import happens
from tests.messages.test_mails import MAIL

PATIENT, IMPATIENT = 300.0, 0.5
"""Seconds for a server that replies, however slow the machine is, and for one that never does."""


@asynccontextmanager
async def transport(
    server: Server, security: Security = "none", seconds: float = PATIENT
) -> AsyncIterator[Smtp]:
    """A transport to a server."""
    made = Smtp("127.0.0.1", server.port, security=security, seconds=seconds)
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority of the tests is trusted, as docs/emails.md says."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "here.pem"))


async def test_a_server_that_hangs_is_left_after_the_timeout_and_the_next_one_goes_out() -> None:
    async with mail_server() as server, transport(server, seconds=IMPATIENT) as smtp:
        server.data = "hang"
        answer = await smtp.send(MAIL)
        assert answer.error == "no response of the mail server within 0.5 seconds"
        assert not answer.final
        smtp._seconds, server.data = PATIENT, "250 OK"
        assert (await smtp.send(MAIL)).taken


async def test_a_server_that_never_greets_is_left_after_the_timeout() -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await closing.wait()
        writer.close()

    closing = asyncio.Event()
    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    server = Server()
    server.port = listening.sockets[0].getsockname()[1]
    async with transport(server, seconds=IMPATIENT) as smtp:
        answer = await smtp.send(MAIL)
    closing.set()
    listening.close()
    assert "no response" in str(answer.error)


async def test_a_server_that_is_late_has_taken_it() -> None:
    async with mail_server() as server, transport(server) as smtp:
        server.data = "late"
        sending = asyncio.create_task(smtp.send(MAIL))
        await server.waits.wait()
        assert not sending.done()
        server.goes_on.set()
        assert (await sending).taken
        assert len(server.got) == 1


async def test_a_server_that_closes_half_way_gets_it_again_with_the_same_id() -> None:
    """It may have taken the e-mail. So the id is what tells."""
    async with mail_server() as server, transport(server) as smtp:
        server.data = "close"
        answer = await smtp.send(MAIL)
        assert "the mail server failed" in str(answer.error)
        assert not answer.final
        server.data = "250 OK"
        assert (await smtp.send(MAIL)).taken
        assert server.ids == ["<event-7-1@example.com>"] * 2


async def test_a_server_that_starts_again_is_connected_to_anew() -> None:
    async with mail_server() as server:
        smtp = Smtp("127.0.0.1", server.port, security="none", seconds=PATIENT)
        assert (await smtp.send(MAIL)).taken
    assert "the mail server failed" in str((await smtp.send(MAIL)).error)
    async with mail_server(server, port=server.port):
        assert (await smtp.send(MAIL)).taken
        assert (await smtp.send(MAIL)).taken
        await smtp.close()
    assert server.connections == 2


async def test_many_go_out_at_once_over_kept_connections() -> None:
    async with mail_server() as server, transport(server) as smtp:
        for _ in range(3):
            mails = [replace(MAIL, id_=f"m{number}") for number in range(8)]
            assert all(a.taken for a in await asyncio.gather(*(smtp.send(m) for m in mails)))
    assert len(server.got) == 24
    assert server.connections == 8


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_with_a_good_certificate_gets_it(security: Security, trusted: None) -> None:
    async with mail_server(security=security) as server, transport(server, security) as smtp:
        assert (await smtp.send(MAIL)).taken
        assert (await smtp.send(MAIL)).taken
    assert server.connections == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("certificate", ["here", "elsewhere"])
async def test_a_bad_certificate_is_refused_and_nothing_is_sent(
    security: Security, certificate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`here` is not trusted. `elsewhere` is, but is that of another host."""
    if certificate == "elsewhere":
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATES / "elsewhere.pem"))
    server = mail_server(security=security, certificate=certificate)
    async with server as there, transport(there, security) as smtp:
        answer = await smtp.send(MAIL)
    assert "certificate verify failed" in str(answer.error)
    assert not answer.final
    assert there.got == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_without_encryption_gets_nothing_where_it_is_asked_for(
    security: Security,
) -> None:
    """An attacker in between can hide STARTTLS. So the e-mail waits."""
    async with mail_server() as server, transport(server, security, seconds=1.0) as smtp:
        assert not (await smtp.send(MAIL)).taken
    assert server.got == []


async def test_through_all_of_it_a_customer_gets_one_id(
    shop: Shop, switch_on: Callable[..., None], time: Time
) -> None:
    """The server refuses, is away, hangs, closes half-way and works, in the three days."""
    shop.open(billing_email="ann@acme.example")
    shop.buy()
    switch_on()
    happens(shop, "terminated", {})
    server = Server()
    async with mail_server(server):
        port = server.port

    async def attempt() -> int:
        role = Messages(shop.ledger, Settings(mail="smtp"), now=time)
        seconds = IMPATIENT if server.data == "hang" else PATIENT
        async with transport(server, seconds=seconds) as role._mails:
            done = await role.once()
        time.pass_(hours=2)
        return done

    assert await attempt() == 0
    for data in ("451 Try later", "hang", "close"):
        server.data = data
        async with mail_server(server, port=port):
            assert await attempt() == 0
    server.data = "250 OK"
    async with mail_server(server, port=port):
        assert await attempt() == 1
    assert len(server.ids) == 2
    assert len(set(server.ids)) == 1
    [line] = list_messages(shop.ledger)
    assert (str(line.state), line.attempts) == ("delivered", 5)
