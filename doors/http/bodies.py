"""Bodies of requests: one JSON object of at most 1 MB, read within a time."""

import asyncio
import json
from typing import Any, NoReturn

from fastapi import Request

from core.domain.faults import Fault
from doors.http.problems import Kind, Problem, faulty

MOST_BYTES = 1_000_000
SECONDS = 15.0
"""So long a caller may take to send a body."""


async def read_object(request: Request) -> dict[str, Any]:
    """The JSON object that a request has as its body.

    Raises `Problem` for a body that is none, too large, or too slow.
    """
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(
            Kind.NOT_JSON,
            "the body has another media type, or none",
            place="Content-Type",
            allowed="application/json",
        )
    try:
        async with asyncio.timeout(SECONDS):
            content = await _read(request)
    except TimeoutError:
        raise Problem(
            Kind.TOO_SLOW,
            f"it took more than {SECONDS:g} seconds",
            headers={"Connection": "close"},
        ) from None
    return _object(content)


async def _read(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BYTES:
            raise Problem(
                Kind.TOO_LARGE,
                f"the body has more than {MOST_BYTES} bytes",
                allowed=MOST_BYTES,
                headers={"Connection": "close"},
            )
    return bytes(content)


def _object(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(
            content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number
        )
    except (ValueError, RecursionError) as error:
        reason = "is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise faulty([Fault("body", f"is not JSON that can be read: {reason}")]) from None
    if not isinstance(document, dict):
        raise faulty([Fault("body", "must be one JSON object")])
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return document


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")
