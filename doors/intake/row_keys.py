"""Short numbers that stand for ids, so that a million of them need little memory."""

from hashlib import blake2b


def hash_of(text: str) -> int:
    """A number of 8 bytes that stands for a text. Zero stands for none."""
    return int.from_bytes(blake2b(text.encode(errors="replace"), digest_size=8).digest()) or 1
