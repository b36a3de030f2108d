"""Secrets that are derived from a key of the environment and from a salt in the database.

Neither of them tells the secret without the other. Several keys can be set. The first one makes new
secrets, and the others still serve the secrets that were made with them.
"""

import hmac
import secrets
from collections.abc import Sequence
from hashlib import sha256

from core.domain.endpoints import Sealed


class UnknownKey(LookupError):
    """The key that made a secret is not set. The message says how to set it."""


class DerivedSecrets:
    """The keys of one setting, the newest first. None of them is ever shown.

    `purpose`: secrets of another purpose are others, even by the same key.
    `setting`: the name of the setting, for messages.
    """

    def __init__(self, keys: Sequence[str], purpose: str, setting: str) -> None:
        self._purpose, self._setting = purpose, setting
        self._keys = {self._fingerprint(key): key.encode() for key in keys}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def new(self) -> Sealed:
        """A new secret. Raises UnknownKey when no key is set."""
        if not self._keys:
            raise UnknownKey(
                f"no key for the {self._purpose}s is set; set {self._setting} "
                "to at least 32 random characters"
            )
        return Sealed(next(iter(self._keys)), secrets.token_hex(16))

    def derived(self, sealed: Sealed) -> bytes:
        """The secret: 32 bytes. Raises UnknownKey when its key is not set."""
        key = self._keys.get(sealed.key)
        if key is None:
            raise UnknownKey(
                f"the secret was made with the key {sealed.key}, which is not set; "
                f"add that key to {self._setting}, or make a new secret"
            )
        return hmac.digest(key, f"perennial {self._purpose}{sealed.salt}".encode(), sha256)

    def _fingerprint(self, key: str) -> str:
        return sha256(f"perennial {self._purpose.split()[0]} key{key}".encode()).hexdigest()[:12]
