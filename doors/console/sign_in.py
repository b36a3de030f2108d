"""Signing in and out. These are the only pages that need no session."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from doors.access.staff import SignInRefused, StaffSignIn
from doors.console.forms import Sent, checked_form
from doors.console.pages import Page, respond, see
from doors.console.visitors import COOKIE, HOME, SIGN_IN, find_visitor, form_token, set_cookie

BEFORE = "perennial_before"
"""The cookie that holds a random text until the sign-in, so that its form has a token, too."""

router = APIRouter(include_in_schema=False)


def within(path: str) -> str:
    """A path of this console, or its first page for anything else."""
    local = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if local and not path.startswith(SIGN_IN) else HOME


async def before(request: Request) -> None:
    """Know the token that the form of the sign-in must have."""
    random = request.cookies.get(BEFORE, "")
    request.state.csrf = form_token(random) if random else ""


def sign_in_page(
    request: Request,
    email: str = "",
    then: str = HOME,
    wrong: str = "",
    status: int = 200,
    *,
    sent: bool = False,
) -> Page:
    """The page of the sign-in. `wrong`: what is wrong, in words. `then`: where to go on.

    `sent`: a form was sent after the session had ended.
    """
    openid = request.app.state.openid is not None
    shows = {"email": email, "next": then, "wrong": wrong, "openid": openid, "sent": sent}
    return Page(template="sign_in.html", shows=shows, status=status)


@router.get(SIGN_IN)
async def ask(
    request: Request, then: Annotated[str, Query(alias="next")] = HOME, sent: str = ""
) -> Response:
    """The form of the sign-in. Who has signed in already goes on."""
    if await find_visitor(request) is not None:
        return see(within(then))
    random = request.cookies.get(BEFORE) or secrets.token_urlsafe(32)
    request.state.csrf = form_token(random)
    response = respond(request, sign_in_page(request, then=within(then), sent=bool(sent)))
    set_cookie(request, response, BEFORE, random)
    return response


@router.post(SIGN_IN, dependencies=[Depends(before), Depends(checked_form)])
async def sign_in(request: Request, sent: Sent) -> Response:
    """Begin a session, or say that the sign-in is refused."""
    people: StaffSignIn = request.app.state.people
    email, then = sent.get("email", "").strip(), within(sent.get("next", HOME))
    address = request.client.host if request.client else ""
    try:
        token = await people.sign_in(
            email, sent.get("password", ""), sent.get("code", ""), address=address
        )
    except SignInRefused as refused:
        return respond(request, sign_in_page(request, email[:120], then, str(refused), 401))
    await people.sign_out(request.cookies.get(COOKIE, ""))
    response = see(then)
    set_cookie(request, response, COOKIE, token)
    response.delete_cookie(BEFORE)
    return response


async def _session(request: Request) -> None:
    await find_visitor(request)
    request.state.csrf = getattr(request.state, "csrf", "")


@router.post("/sign-out", dependencies=[Depends(_session), Depends(checked_form)])
async def sign_out(request: Request) -> Response:
    """End the session, at once and for good."""
    people: StaffSignIn = request.app.state.people
    await people.sign_out(request.cookies.get(COOKIE, ""))
    response = see(SIGN_IN)
    response.headers["Clear-Site-Data"] = '"cache"'
    response.delete_cookie(COOKIE)
    return response
