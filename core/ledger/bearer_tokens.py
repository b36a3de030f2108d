"""Bearer tokens: the keys of the API and the sessions of staff.

A token reads ``<kind>_<id>_<secret>``. The id is public. The secret has 256 random bits, so one
SHA-256 of it is enough. Only this digest is stored. A token is shown once, when it is made.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

NOTED = timedelta(minutes=1)
"""That a token is in use is noted once in this time at most."""
_TOKEN = re.compile(r"([a-z]{2})_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
#: What a token without a row is compared with, so that it takes as long as one with a row.
_NO_DIGEST = "0" * 64


@dataclass(frozen=True, slots=True)
class Token:
    """A token. `kind`: two letters, such as ``pk``. `id`: 12 hexadecimal digits."""

    kind: str
    id: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls, kind: str, id_: str | None = None) -> Self:
        """A new token. `id_`: 12 hexadecimal digits, default random."""
        return cls(kind, id_ or secrets.token_hex(6), secrets.token_urlsafe(32))

    @classmethod
    def read(cls, kind: str, shown: str) -> Self | None:
        """The token that a caller shows. None for what is no token of this kind."""
        match = _TOKEN.fullmatch(shown)
        return cls(*match.groups()) if match is not None and match[1] == kind else None

    @property
    def digest(self) -> str:
        """What is stored of the secret."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    def has(self, digest: str | None) -> bool:
        """Whether this is the digest, compared in constant time. None: there is no row."""
        known = _NO_DIGEST if digest is None else digest
        return hmac.compare_digest(known, self.digest) and digest is not None

    def __str__(self) -> str:
        return f"{self.kind}_{self.id}_{self.secret}"
