"""Sign-in by OpenID Connect: the authorization code flow with PKCE, a state and a nonce.

The provider's own discovery says where its endpoints are. A verified e-mail address of the provider
signs in the person of the staff with this address. No person is made by it.

    provider = OpenId(config)
    begun = await provider.start(back)      # redirect to begun.url, keep begun.kept in a cookie
    email = await provider.email_of(kept, query["state"], query["code"], back)
    token = await people.sign_in_by_openid(email, address="203.0.113.7")
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.domain.inputs import Wrong
from core.domain.sign_in import read_staff_email
from doors.access.staff import SignInRefused
from settings import Settings

_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
"""How an ID token may be signed. `none` and shared keys are not among them."""
_SECONDS = 10.0
_LEEWAY = 60
"""Seconds by which the clocks of the provider and of this machine may differ."""
_LARGEST = 1_000_000


class ProviderFailed(Exception):
    """The provider does not respond, or not as it should. The message is for the log."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that has begun. `url`: where the browser goes.

    `kept`: what comes back with the browser, in a cookie that no script can read, for ten minutes.
    """

    url: str
    kept: str


class OpenId:
    """The provider of the settings. `transport`: for tests. Default: the network."""

    def __init__(self, config: Settings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        if config.openid_issuer is None or config.openid_client_id is None:
            raise ValueError("PERENNIAL_OPENID_ISSUER and PERENNIAL_OPENID_CLIENT_ID are not set")
        self._issuer, self._client_id = config.openid_issuer, config.openid_client_id
        secret = config.openid_client_secret
        self._secret = None if secret is None else secret.get_secret_value()
        self._transport = transport

    async def start(self, back: str) -> Begun:
        """Begin a sign-in. `back`: the address to which the provider sends the browser back.

        Raises `ProviderFailed`.
        """
        async with self._client() as client:
            provider = await self._discovered(client)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._client_id,
                "redirect_uri": back,
                "scope": "openid email",
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge.decode().rstrip("="),
                "code_challenge_method": "S256",
            }
        )
        place = str(provider["authorization_endpoint"])
        return Begun(f"{place}{'&' if '?' in place else '?'}{query}", f"{state}.{nonce}.{verifier}")

    async def email_of(self, kept: str, state: str, code: str, back: str) -> str:
        """The verified address of the person who comes back, in small letters.

        `kept`: of `start`. `state`, `code`: of the query. `back`: the same as for `start`.

        Raises `SignInRefused` when the browser comes back from another sign-in, or the provider has
        verified no address, and `ProviderFailed`.
        """
        parts = kept.split(".")
        if len(parts) != 3 or not code or not hmac.compare_digest(parts[0], state):
            raise SignInRefused
        _, nonce, verifier = parts
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": self._client_id,
            "code_verifier": verifier,
        }
        if self._secret is not None:
            form["client_secret"] = self._secret
        async with self._client() as client:
            provider = await self._discovered(client)
            answer = await self._json(client, "POST", str(provider["token_endpoint"]), data=form)
            keys = await self._json(client, "GET", str(provider["jwks_uri"]))
        claims = self._claims(str(answer.get("id_token")), keys, nonce)
        if claims.get("email_verified") is not True:
            raise SignInRefused
        try:
            return read_staff_email(claims.get("email"))
        except Wrong:
            raise SignInRefused from None

    def _claims(self, token: str, keys: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        rules = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._client_id},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            key_set: Any = KeySet.import_key_set(dict(keys))  # type: ignore[arg-type]
            decoded = jwt.decode(token, key_set, algorithms=_ALGORITHMS)
            rules.validate(decoded.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise ProviderFailed(f"the ID token is not valid: {type(error).__name__}") from None
        return decoded.claims

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=_SECONDS, transport=self._transport)

    async def _discovered(self, client: httpx.AsyncClient) -> Mapping[str, Any]:
        place = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await self._json(client, "GET", place)
        if found.get("issuer") != self._issuer:
            raise ProviderFailed("the provider names another issuer")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not str(found.get(name, "")).startswith(("https://", "http://127.0.0.1")):
                raise ProviderFailed(f"{name} of the provider is not https")
        return found

    async def _json(
        self, client: httpx.AsyncClient, method: str, place: str, **form: Any
    ) -> Mapping[str, Any]:
        try:
            answer = await client.request(method, place, **form)
            answer.raise_for_status()
            document = answer.json() if len(answer.content) <= _LARGEST else None
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderFailed(f"{place}: {type(error).__name__}") from None
        if not isinstance(document, dict):
            raise ProviderFailed(f"{place}: no JSON object")
        return document
