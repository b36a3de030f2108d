"""The remote codec of Temporal's web UI: it decrypts payloads for people who have signed in here.

The browser of a person calls it from the page of the UI, with the session of the console. It is
switched on by `PERENNIAL_TEMPORAL_UI`, the address of the UI. Payloads are those of every seller,
so only admins of the seller that runs the installation may read them (docs/decisions/0036).

    POST /payloads/decode
    {"payloads": [{"metadata": {"encoding": "YmluYXJ5…"}, "data": "…"}]}
"""

import asyncio

from fastapi import APIRouter, Request
from google.protobuf.json_format import MessageToDict, Parse, ParseError
from starlette.responses import JSONResponse, Response
from temporalio.api.common.v1 import Payloads

from doors.access import operations
from doors.application.payload_codec import CannotDecrypt, EncryptedPayloads
from doors.console.visitors import find_visitor
from settings import Settings, keys_of

OPERATION = "decode_payloads"
MOST_BYTES = 8_000_000
"""So large a body may be. A payload of Temporal has at most 2 MB."""
MOST_PAYLOADS = 1000
SECONDS = 15.0
"""So long a browser may take to send a body."""

router = APIRouter(include_in_schema=False)


class Refused(Exception):
    """The request is refused. `status`: of HTTP. The message says why and what to do."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@router.options("/payloads/decode")
async def ask_first(request: Request) -> Response:
    """What a browser asks before it sends payloads from the page of the UI."""
    return Response(status_code=204 if _allowed(request) else 403, headers=_headers(request))


@router.post("/payloads/decode")
async def decode(request: Request) -> Response:
    """The payloads in the same order, decrypted. Those that are not encrypted stay as they are."""
    request.state.operation = OPERATION
    try:
        await _check(request)
        payloads = _read(await _body(request))
        codec = _codec(request.app.state.config)
        if codec is not None:
            try:
                decoded = await codec.decode(list(payloads.payloads))
            except CannotDecrypt as error:
                raise Refused(400, str(error)) from None
            payloads = Payloads(payloads=decoded)
    except Refused as refused:
        return _refused(request, refused)
    return JSONResponse(MessageToDict(payloads), headers=_headers(request))


def _allowed(request: Request) -> bool:
    """Whether the page that calls is that of the UI. A program names no page."""
    ui: str | None = request.app.state.config.temporal_ui
    return ui is not None and request.headers.get("Origin", ui) == ui


async def _check(request: Request) -> None:
    config: Settings = request.app.state.config
    if config.temporal_ui is None:
        raise Refused(404, "set PERENNIAL_TEMPORAL_UI to the address of Temporal's web UI first")
    if not _allowed(request):
        raise Refused(403, "this page may not read payloads; PERENNIAL_TEMPORAL_UI names the one")
    visitor = await find_visitor(request)
    if visitor is None:
        raise Refused(401, "sign in at the console in this browser first")
    if visitor.seller != config.seller or not operations.may(visitor.role, OPERATION):
        raise Refused(403, f"only admins of the seller {config.seller} may read payloads")


async def _body(request: Request) -> bytes:
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refused(415, "the body must be application/json")
    content = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in request.stream():
                content += chunk
                if len(content) > MOST_BYTES:
                    raise Refused(413, f"the body has more than {MOST_BYTES} bytes")
    except TimeoutError:
        raise Refused(408, f"the body took more than {SECONDS:g} seconds") from None
    return bytes(content)


def _read(content: bytes) -> Payloads:
    try:
        if not content.lstrip().startswith(b"{"):
            raise ValueError("no JSON object")
        payloads = Parse(content, Payloads())
    except (ParseError, ValueError, RecursionError):
        raise Refused(400, 'the body must be JSON: {"payloads": [{"metadata", "data"}]}') from None
    if len(payloads.payloads) > MOST_PAYLOADS:
        raise Refused(400, f"at most {MOST_PAYLOADS} payloads at once")
    return payloads


def _codec(config: Settings) -> EncryptedPayloads | None:
    keys = keys_of(config.payload_keys)
    return EncryptedPayloads(keys) if keys else None


def _refused(request: Request, refused: Refused) -> Response:
    return JSONResponse({"message": str(refused)}, refused.status, _headers(request))


def _headers(request: Request) -> dict[str, str]:
    """What lets the page of the UI read the response, and no other page."""
    if not _allowed(request):
        return {}
    return {
        "Access-Control-Allow-Origin": request.app.state.config.temporal_ui,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Namespace",
        "Vary": "Origin",
    }
