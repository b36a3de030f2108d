"""Encrypts what Temporal keeps: inputs, results, signals, memos and failures (docs/decisions/0036).

A payload is encrypted by AES-256-GCM with the newest key of the environment, and names its key.
Each key that is set decrypts what it has encrypted. What was written before a key was set is read
as it is.
Ids of workflows and search attributes are not encrypted. They hold no personal data.
"""

import os
from collections.abc import Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

ENCODING = b"binary/encrypted-aes256gcm"
_NONCE = 12


class CannotDecrypt(Exception):
    """A payload cannot be decrypted. The message says why and what to do."""


class EncryptedPayloads(PayloadCodec):
    """The codec of this process.

    `keys`: texts of at least 32 random characters, the newest first. At least one.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = {key_id(key): AESGCM(_derived(key)) for key in keys}
        self._newest = key_id(keys[0]).encode()

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt payloads, each as a whole, with its metadata."""
        return [self._encrypt(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt payloads. Those that are not encrypted stay. Raises `CannotDecrypt`."""
        return [self._decrypt(payload) for payload in payloads]

    def _encrypt(self, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE)
        cipher = self._keys[self._newest.decode()]
        data = nonce + cipher.encrypt(nonce, payload.SerializeToString(), self._newest)
        return Payload(metadata={"encoding": ENCODING, "key": self._newest}, data=data)

    def _decrypt(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        id_ = payload.metadata.get("key", b"")
        cipher = self._keys.get(id_.decode(errors="replace"))
        if cipher is None:
            known = ", ".join(self._keys)
            raise CannotDecrypt(
                f"a payload was encrypted with the key {id_.decode(errors='replace')}, which is "
                f"not set (set are {known}); add that key to PERENNIAL_PAYLOAD_KEYS"
            )
        try:
            plain = cipher.decrypt(payload.data[:_NONCE], payload.data[_NONCE:], id_)
        except (InvalidTag, ValueError):  # ValueError: it is shorter than its nonce.
            raise CannotDecrypt("a payload was changed after it was encrypted") from None
        return Payload.FromString(plain)


def key_id(key: str) -> str:
    """The id of a key: twelve hexadecimal digits that do not tell the key."""
    return sha256(b"perennial payload key id" + key.encode()).hexdigest()[:12]


def _derived(key: str) -> bytes:
    """The 256 bits of the cipher. The key is random, so one hash is enough."""
    return sha256(b"perennial payload key" + key.encode()).digest()
