"""Sign-in by OpenID Connect, where a provider is set. These pages need no session."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from doors.access.openid import OpenId, ProviderFailed
from doors.access.staff import REFUSED, SignInRefused, StaffSignIn
from doors.console.pages import respond, see
from doors.console.sign_in import before, sign_in_page
from doors.console.visitors import COOKIE, HOME, SIGN_IN, set_cookie

BEGIN = f"{SIGN_IN}/openid"
BACK = f"{BEGIN}/back"
KEPT = "perennial_openid"
"""The cookie that holds what comes back with the browser."""
AWAY = "The provider does not respond as it should. Try again, or sign in with your password."

router = APIRouter(include_in_schema=False)
log = structlog.get_logger()

Answered = Annotated[str, Query(max_length=4000)]


def _back(request: Request) -> str:
    address = request.app.state.config.console_address or str(request.base_url).rstrip("/")
    return f"{address}{BACK}"


def _failed(request: Request, error: ProviderFailed) -> Response:
    log.error("openid_failed", error=str(error))
    return respond(request, sign_in_page(request, wrong=AWAY, status=502))


@router.get(BEGIN, dependencies=[Depends(before)])
async def begin(request: Request) -> Response:
    """Go to the provider."""
    provider: OpenId | None = request.app.state.openid
    if provider is None:
        return see(SIGN_IN)
    try:
        begun = await provider.start(_back(request))
    except ProviderFailed as error:
        return _failed(request, error)
    response = RedirectResponse(begun.url, 303)
    set_cookie(request, response, KEPT, begun.kept)
    return response


@router.get(BACK, dependencies=[Depends(before)])
async def back(request: Request, code: Answered = "", state: Answered = "") -> Response:
    """Begin the session of the person whose address the provider has verified."""
    provider: OpenId | None = request.app.state.openid
    if provider is None:
        return see(SIGN_IN)
    people: StaffSignIn = request.app.state.people
    address = request.client.host if request.client else ""
    try:
        kept = request.cookies.get(KEPT, "")
        email = await provider.email_of(kept, state, code, _back(request))
        token = await people.sign_in_by_openid(email, address=address)
    except ProviderFailed as error:
        return _failed(request, error)
    except SignInRefused:
        return respond(request, sign_in_page(request, wrong=REFUSED, status=401))
    await people.sign_out(request.cookies.get(COOKIE, ""))
    response = see(HOME)
    set_cookie(request, response, COOKIE, token)
    response.delete_cookie(KEPT)
    return response
