"""One webhook: signed, sent to an allowed address, and never further (Rule 12)."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from core.gateways.allowed_addresses import is_public
from core.gateways.webhook_secrets import SecretKeys, UnknownKey
from core.gateways.webhooks import Webhooks
from tests.messages.servers import hang, platform, raw, status

KEYS = ["first-key-of-at-least-32-characters", "second-key-of-at-least-32-characters"]
CONTENT = b'{"type":"test"}'


@pytest.fixture
def sender() -> Webhooks:
    """It is patient, so a slow machine changes nothing."""
    return Webhooks(allow_private=True, seconds=300)


@pytest.fixture
def impatient() -> Webhooks:
    """It is for what never replies."""
    return Webhooks(allow_private=True, seconds=1)


async def test_a_message_arrives_as_the_convention_says(sender: Webhooks) -> None:
    keys, now = SecretKeys(KEYS), datetime.now(UTC)
    sealed = keys.new()
    headers = keys.headers([sealed], "event-7", now, CONTENT.decode())
    async with platform() as there:
        answer = await sender.post(there.url, headers, CONTENT)
    assert (answer.status, answer.error) == (204, None)
    [got] = there.got
    assert got.path == "/in?of=perennial"
    assert got.headers["Host"] == f"127.0.0.1:{there.port}"
    assert Webhook(keys.secret(sealed)).verify(got.content, got.headers) == {"type": "test"}


def test_a_rotated_secret_signs_beside_the_one_before() -> None:
    keys, now = SecretKeys(KEYS), datetime.now(UTC)
    old, new = keys.new(), keys.new()
    headers = keys.headers([new, old], "event-7", now, "{}")
    for sealed in (old, new):
        Webhook(keys.secret(sealed)).verify("{}", headers)


def test_a_secret_needs_its_key_and_its_salt() -> None:
    """docs/decisions/0025."""
    sealed = SecretKeys(KEYS).new()
    assert SecretKeys([KEYS[1], KEYS[0]]).secret(sealed) == SecretKeys(KEYS).secret(sealed)
    assert SecretKeys(KEYS).secret(sealed) != SecretKeys(KEYS).secret(SecretKeys(KEYS).new())
    with pytest.raises(UnknownKey, match="not set"):
        SecretKeys(KEYS[1:]).secret(sealed)
    with pytest.raises(UnknownKey, match="PERENNIAL_WEBHOOK_KEYS"):
        SecretKeys([]).new()


@pytest.mark.parametrize(
    ("reply", "found", "words"),
    [
        (status(500), 500, "status 500"),
        (status(410), 410, "status 410"),
        (raw(b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), 200, None),
        (raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 9), None, "interim"),
        (raw(b"SSH-2.0-OpenSSH\r\n\r\n"), None, "not HTTP/1.1"),
        (raw(b""), None, "closed the connection"),
        (raw(b"HTTP/1.1 200 OK\r\nLong: "), None, "closed the connection"),
        (raw(b"HTTP/1.1 200 OK\r\nLong: " + b"a" * 100_000 + b"\r\n\r\n"), None, "16 KiB"),
    ],
)
async def test_what_an_endpoint_can_do(
    sender: Webhooks, reply: Any, found: int | None, words: str | None
) -> None:
    async with platform(reply=reply) as there:
        answer = await sender.post(there.url, {}, CONTENT)
    assert answer.status == found
    assert answer.error is None if words is None else words in str(answer.error)


async def test_an_endpoint_that_never_replies_is_left(impatient: Webhooks) -> None:
    async with platform(reply=hang) as there:
        answer = await impatient.post(there.url, {}, CONTENT)
    assert answer.status is None
    assert "within 1 seconds" in str(answer.error)


async def test_a_redirect_is_not_followed(sender: Webhooks) -> None:
    async with platform() as other:
        async with platform(reply=status(302, f"Location: {other.url}")) as there:
            answer = await sender.post(there.url, {}, CONTENT)
        assert (answer.status, other.got) == (302, [])
        assert not answer.taken


async def test_a_port_without_a_server_is_no_connection(sender: Webhooks) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        answer = await sender.post(f"http://127.0.0.1:{taken.getsockname()[1]}", {}, CONTENT)
    assert "no connection" in str(answer.error)


async def test_a_name_that_does_not_exist_is_said(sender: Webhooks) -> None:
    answer = await sender.post("http://no-such-host.invalid", {}, CONTENT)
    assert "no-such-host.invalid cannot be resolved" in str(answer.error)


async def test_tls_to_a_server_without_tls_is_no_connection(impatient: Webhooks) -> None:
    async with platform() as there:
        answer = await impatient.post(there.url.replace("http:", "https:"), {}, CONTENT)
    assert not answer.taken
    assert there.got == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254"])
async def test_a_private_address_is_not_called(host: str) -> None:
    async with platform() as there:
        answer = await Webhooks(allow_private=False).post(
            f"https://{host}:{there.port}/", {}, CONTENT
        )
        assert "not public" in str(answer.error)
        assert there.most_open == 0


async def test_plain_http_is_not_used() -> None:
    answer = await Webhooks(allow_private=False).post("http://example.com/", {}, CONTENT)
    assert "use https" in str(answer.error)


async def test_a_name_is_resolved_once_and_the_connection_goes_to_what_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that changes to a private address after the check gains nothing."""
    asked: list[str] = []
    called: list[str] = []

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    async def connect(host: str, port: int, **options: Any) -> Any:
        called.append(host)
        assert options["server_hostname"] == "rebinding.example"
        assert options["ssl"].verify_mode is ssl.CERT_REQUIRED
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(asyncio, "open_connection", connect)
    await Webhooks(allow_private=False).post("https://rebinding.example/", {}, CONTENT)
    assert (asked, called) == (["rebinding.example"], ["93.184.216.34"])


async def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(_host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("93.184.216.34", "192.168.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    answer = await Webhooks(allow_private=False).post("https://mixed.example/", {}, CONTENT)
    assert "192.168.0.1" in str(answer.error)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
        *("255.255.255.255", "198.18.0.1", "192.0.2.1", "::", "::1", "fe80::1", "fe80::1%eth0"),
        *("fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
        *("192.0.0.192", "168.63.129.16", "192.88.99.1", "fec0::1", "4000::1", "3fff::1"),
        *("2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a00:1", "::127.0.0.1", "5f00::1"),
        *("64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:0:1:2:3:4:5:6"),
    ],
)
def test_an_address_that_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_an_address_that_is_public(address: str) -> None:
    assert is_public(address)
