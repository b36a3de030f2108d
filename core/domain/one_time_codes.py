"""Codes of an authenticator app: time-based one-time passwords (RFC 6238, RFC 4226).

A code has six digits and holds for 30 seconds. The code before and the one after are right, too,
because clocks differ. Each code is used once. RFC 6238 has this example: the secret
``12345678901234567890`` has the code 287082 at 59 seconds of Unix time.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote, urlencode

SECONDS = 30
"""So long a code holds."""
DIGITS = 6
SECRET_BYTES = 20
RECOVERY_CODES = 10
"""So many codes a person gets for the day on which the telephone is lost. Each is used once."""


def step_at(now: datetime) -> int:
    """The time step of an instant, counted from 1970."""
    return int(now.timestamp()) // SECONDS


def code_of(secret: bytes, step: int) -> str:
    """The code of a time step."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(secret: bytes, code: str, now: datetime, used: int | None) -> int | None:
    """The time step whose code this is, if it may be used now. None: it is wrong, or was used.

    `used`: the last time step whose code was used. Earlier ones are wrong as well.
    """
    step, found = step_at(now), None
    for near in (step - 1, step, step + 1):
        right = hmac.compare_digest(code_of(secret, near).encode(), code.encode(errors="replace"))
        if right and (used is None or near > used):
            found = near
    return found


def text_of(secret: bytes) -> str:
    """A secret as people type it into an app: base32."""
    return base64.b32encode(secret).decode()


def address_of(secret: bytes, email: str, issuer: str) -> str:
    """The address that an app reads as a QR code.

    `issuer`: who asks for the code, shown by the app.
    """
    label = f"{quote(issuer, safe='')}:{quote(email, safe='')}"
    query = urlencode({"secret": text_of(secret), "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{label}?{query}"


def recovery_code(random: bytes) -> str:
    """A recovery code from 10 random bytes, such as ``mfrg-gzdf-mztw-q2lk``."""
    text = base64.b32encode(random).decode().lower()
    return "-".join(text[place : place + 4] for place in range(0, len(text), 4))


def recovery_digest(code: str) -> str:
    """What is kept of a recovery code. Capital letters, spaces and dashes make no difference."""
    plain = "".join(character for character in code.lower() if character.isalnum())
    return hashlib.sha256(plain.encode(errors="replace")).hexdigest()
