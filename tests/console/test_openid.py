"""Sign-in by OpenID Connect, against a small provider of the test's own."""

import base64
import hashlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from core.domain.roles import Role
from doors.access.openid import OpenId
from doors.console.visitors import COOKIE
from tests.console.conftest import Desk, OpenConsole

ISSUER = "https://id.example.com"
CLIENT = "desk"
EMAIL = "support@main.example.com"
KEY = RSAKey.generate_key(2048, {"kid": "1"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "1"})


@dataclass
class Provider:
    """A provider. `claims` and `key` are what an attack changes."""

    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: KEY)
    down: bool = False
    asked: dict[str, str] = field(default_factory=dict)
    tokens: int = 0

    def transport(self) -> httpx.MockTransport:
        """Its endpoints."""
        return httpx.MockTransport(self._answer)

    def signed_in(self, url: str) -> dict[str, str]:
        """A person signs in at the address. Returns the query with which the browser comes back."""
        self.asked = {name: value[0] for name, value in parse_qs(urlsplit(url).query).items()}
        return {"code": "c1", "state": self.asked["state"]}

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            raise httpx.ConnectError("down")
        match request.url.path:
            case "/.well-known/openid-configuration":
                names = {"authorization_endpoint": "auth", "token_endpoint": "token"}
                document = {name: f"{ISSUER}/{path}" for name, path in names.items()}
                return httpx.Response(
                    200, json=document | {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
                )
            case "/keys":
                return httpx.Response(200, json={"keys": [KEY.as_dict(private=False)]})
            case "/token":
                return self._token(parse_qs(request.content.decode()))
            case _:
                return httpx.Response(404)

    def _token(self, form: dict[str, list[str]]) -> httpx.Response:
        digest = hashlib.sha256(form["code_verifier"][0].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        proved = challenge == self.asked["code_challenge"]
        if form["code"] != ["c1"] or form["client_secret"] != ["s" * 20] or not proved:
            return httpx.Response(400, json={"error": "invalid_grant"})
        self.tokens += 1
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": CLIENT,
            "sub": "1",
            "iat": now,
            "exp": now + 60,
            "nonce": self.asked["nonce"],
            "email": EMAIL.upper(),
            "email_verified": True,
        }
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims | self.claims, self.key)
        return httpx.Response(200, json={"id_token": token, "access_token": "x"})


@pytest.fixture
async def at_provider(open_console: OpenConsole) -> AsyncIterator[tuple[Desk, Provider]]:
    """A console with a provider, and a person of support."""
    provider = Provider()
    async with open_console(
        workers=(),
        openid_issuer=ISSUER,
        openid_client_id=CLIENT,
        openid_client_secret="s" * 20,
    ) as desk:
        desk.token(Role.SUPPORT)
        app = desk.client._transport.app  # type: ignore[attr-defined]
        app.state.openid = OpenId(desk.shop.perennial.config, provider.transport())
        yield desk, provider


async def come_back(desk: Desk, provider: Provider, **changes: str) -> httpx.Response:
    """Begin, sign in at the provider, and come back."""
    begun = await desk.client.get("/sign-in/openid")
    assert begun.status_code == 303, begun.text
    query = provider.signed_in(begun.headers["location"]) | changes
    return await desk.client.get("/sign-in/openid/back", params=query)


async def test_a_verified_address_signs_the_person_in(at_provider: tuple[Desk, Provider]) -> None:
    desk, provider = at_provider
    assert "company's account" in (await desk.client.get("/sign-in")).text
    response = await come_back(desk, provider)
    assert (response.status_code, response.headers["location"]) == (303, "/")
    asked = provider.asked
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["redirect_uri"] == "http://desk/sign-in/openid/back"
    assert response.cookies[COOKIE].startswith("ps_")
    assert (await desk.client.get("/")).status_code == 200


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"email": "stranger@example.com"}, 401),
        ({"email_verified": False}, 401),
        ({"email_verified": "true"}, 401),
        ({"email": None}, 401),
        ({"iss": "https://evil.example.com"}, 502),
        ({"aud": "another"}, 502),
        ({"exp": 1}, 502),
        ({"nonce": "another"}, 502),
    ],
)
async def test_other_claims_sign_nobody_in(
    at_provider: tuple[Desk, Provider], claims: dict[str, Any], status: int
) -> None:
    """A stranger is not made staff. A token for others, of before, or replayed is refused."""
    desk, provider = at_provider
    provider.claims = claims
    response = await come_back(desk, provider)
    assert response.status_code == status
    assert COOKIE not in response.cookies


async def test_a_token_by_another_key_and_a_provider_that_is_away_sign_nobody_in(
    at_provider: tuple[Desk, Provider],
) -> None:
    desk, provider = at_provider
    provider.key = OTHER_KEY
    assert (await come_back(desk, provider)).status_code == 502
    provider.down = True
    assert (await desk.client.get("/sign-in/openid")).status_code == 502


async def test_a_browser_that_did_not_begin_is_refused(at_provider: tuple[Desk, Provider]) -> None:
    """Login CSRF: the state of another browser, none, or a code that was put in."""
    desk, provider = at_provider
    for changes in ({"state": "x" * 43}, {"state": ""}, {"code": ""}):
        assert (await come_back(desk, provider, **changes)).status_code == 401
    desk.client.cookies.clear()
    query = provider.signed_in("https://x?state=s&nonce=n&code_challenge=c")
    response = await desk.client.get("/sign-in/openid/back", params=query)
    assert response.status_code == 401
    assert provider.tokens == 0
    assert (await come_back(desk, provider, code="stolen")).status_code == 502
