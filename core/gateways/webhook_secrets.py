"""The secrets that sign webhooks (docs/decisions/0025).

A secret is derived from a key of the environment and from a salt in the database. Neither of them
tells the secret without the other. Several keys can be set. The first one makes new secrets, and
the others still serve the secrets that were made with them.
"""

import base64
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from standardwebhooks import Webhook

from core.domain.endpoints import Sealed

_PURPOSE = b"perennial webhook secret"


class UnknownKey(LookupError):
    """The key that made a secret is not set. The message says how to set it."""


class SecretKeys:
    """The keys of the environment, the newest first. None of them is ever shown."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = {_fingerprint(key): key.encode() for key in keys}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def new(self) -> Sealed:
        """A new secret. Raises UnknownKey when no key is set."""
        if not self._keys:
            raise UnknownKey(
                "no key for the secrets of webhooks is set; set PERENNIAL_WEBHOOK_KEYS "
                "to at least 32 random characters"
            )
        return Sealed(next(iter(self._keys)), secrets.token_hex(16))

    def secret(self, sealed: Sealed) -> str:
        """The secret, as its receiver needs it: `whsec_` and 32 bytes in base64.

        Raises UnknownKey when its key is not set.
        """
        key = self._keys.get(sealed.key)
        if key is None:
            raise UnknownKey(
                f"the secret was made with the key {sealed.key}, which is not set; "
                "add that key to PERENNIAL_WEBHOOK_KEYS, or rotate the secret"
            )
        derived = hmac.digest(key, _PURPOSE + sealed.salt.encode(), sha256)
        return f"whsec_{base64.b64encode(derived).decode()}"

    def headers(
        self, sealed: Sequence[Sealed], id_: str, at: datetime, content: str
    ) -> dict[str, str]:
        """The headers that sign a message by the Standard Webhooks convention.

        `sealed`: the secrets that sign it. A receiver accepts any one of the signatures.
        `id_`: the id of the message, the same at each attempt.
        `at`: the instant of the attempt (UTC).

        Raises UnknownKey.
        """
        signed = [Webhook(self.secret(one)).sign(id_, at, content) for one in sealed]
        return {
            "webhook-id": id_,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signed),
        }


def _fingerprint(key: str) -> str:
    return sha256(b"perennial webhook key" + key.encode()).hexdigest()[:12]
