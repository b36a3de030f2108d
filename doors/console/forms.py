"""How a form that was sent is read: bounded, each field once, and only from an own page.

A browser sends the token of the session with each form, and says from which page it comes. A form
of another site has neither.
"""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, Request

from core.domain.faults import Fault, Faults
from doors.console.errors import Trouble

MOST_BYTES = 64_000
MOST_FIELDS = 200
SECONDS = 15.0
"""So long a browser may take to send a form."""
TOKEN = "csrf"  # noqa: S105 - the name of a field
"""The name of the field that holds the token of the session."""

_TYPE = "application/x-www-form-urlencoded"

_FOREIGN = Trouble(
    403,
    "This form does not come from a page of your session",
    "Nothing was done. Load the page again, and send the form from there.",
)


async def checked_form(request: Request) -> None:
    """Read the form of a request, and refuse one of another site or session.

    Raises `Trouble` and `Faults`.
    """
    if not _same_site(request):
        raise _FOREIGN
    form = await read_form(request)
    expected = request.state.csrf
    if not expected or not secrets.compare_digest(form.pop(TOKEN, "").encode(), expected.encode()):
        raise _FOREIGN
    request.state.form = form


def _same_site(request: Request) -> bool:
    """Whether a browser says that the form comes from this console. A program says nothing."""
    fetched = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin")
    if fetched not in ("same-origin", "none"):
        return False
    if origin is None:
        return True
    address = request.app.state.config.console_address
    if address is not None:
        return origin.lower() == str(address)
    return urlsplit(origin).netloc.lower() == request.headers.get("Host", "").lower()


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form. Raises `Trouble` for what is no form, and `Faults`."""
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != _TYPE:
        raise Trouble(415, "This is no form", "Send it from a page of the console.")
    try:
        async with asyncio.timeout(SECONDS):
            content = await _read(request)
    except TimeoutError:
        raise Trouble(408, "The form did not come in time", "Send it again.") from None
    try:
        pairs = parse_qsl(
            content.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=MOST_FIELDS,
            encoding="utf-8",
            errors="strict",
        )
    except ValueError:
        raise Faults(
            [Fault("form", "cannot be read; send it from a page of the console")]
        ) from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise Faults([Fault("form", "has a field twice; send it from a page of the console")])
    return form


async def _read(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BYTES:
            raise Trouble(
                413, "The form is too large", f"At most {MOST_BYTES:,} bytes are allowed."
            )
    return bytes(content)


def _form(request: Request) -> Mapping[str, str]:
    form: Mapping[str, str] = request.state.form
    return form


Sent = Annotated[Mapping[str, str], Depends(_form)]
"""The parameter of a page that holds the form that was sent."""
