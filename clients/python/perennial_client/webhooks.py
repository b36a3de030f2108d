"""Webhooks: whether a message comes from Perennial, and what it tells.

Messages are signed by the Standard Webhooks convention (symmetric, HMAC-SHA256). This module needs
the standard library only. A test compares it with the library `standardwebhooks`.
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping

from perennial_client.errors import PerennialError
from perennial_client.messages import Message, message_of

TOLERANCE = 300
"""So many seconds a message may be older or newer than the clock of this machine."""

_PREFIX = "whsec_"


class NotGenuine(PerennialError):
    """A message is not signed with the secret, was changed, or is too old. Respond with 400."""


def verify(
    secret: str | Iterable[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float | None = None,
) -> Message:
    """The message of a request, after its signature was checked. Raises `NotGenuine`.

    `secret`: that of the endpoint, whsec_…, or several of them.
    `headers`: of the request. Their case does not matter.
    `body`: the bytes of the request, as they came.
    `now`: seconds since 1970. Default: those of this machine.
    """
    found = {name.lower(): value for name, value in headers.items()}
    try:
        id_, at, signatures = (
            found[f"webhook-{name}"] for name in ("id", "timestamp", "signature")
        )
    except KeyError as missing:
        raise NotGenuine(f"The header {missing} is missing.") from None
    if not (at.isascii() and at.isdigit() and len(at) <= 12):
        raise NotGenuine("The header webhook-timestamp is no number of seconds.")
    if abs((time.time() if now is None else now) - int(at)) > TOLERANCE:
        raise NotGenuine(
            f"The message was sent more than {TOLERANCE} seconds ago, or ahead of this clock."
        )
    signed = b".".join([id_.encode(), at.encode(), body])
    secrets = [secret] if isinstance(secret, str) else list(secret)
    expected = [_signature(one, signed) for one in secrets]
    shown = [
        signature.encode()
        for version, _, signature in (part.partition(",") for part in signatures.split())
        if version == "v1"
    ]
    if not any(hmac.compare_digest(one, other) for one in expected for other in shown):
        raise NotGenuine("No signature fits. Is this the secret of the endpoint, and the raw body?")
    return _message(body)


def _signature(secret: str, signed: bytes) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError("the secret is no secret of an endpoint; one begins with whsec_")
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256))


def _message(body: bytes) -> Message:
    try:
        return message_of(json.loads(body))
    except (KeyError, TypeError, ValueError) as error:
        raise NotGenuine("The body is no message of Perennial.") from error
