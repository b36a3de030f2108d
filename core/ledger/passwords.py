"""Passwords as argon2id hashes, with the least cost that OWASP names (19 MiB, two passes).

A check takes about 30 ms of one processor. The parameters stand in the hash. So higher ones can be
chosen later, and the hashes of before stay valid.
"""

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)
#: What the password of an unknown person is compared with. No password has this hash.
_NO_HASH = _HASHER.hash("of an unknown person")


def hashed(password: str) -> str:
    """The hash of a password, with a salt of its own."""
    return _HASHER.hash(password)


def is_right(hash_: str | None, password: str) -> bool:
    """Whether a password has this hash. None has the same cost, and is never right."""
    try:
        _HASHER.verify(hash_ or _NO_HASH, password)
    except (VerificationError, InvalidHashError):
        return False
    return hash_ is not None
