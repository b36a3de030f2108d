"""Who visits: the person of a session, and the one check of every page.

A visitor reaches the system through a connection within the seller of the person. The token of the
session is in a cookie that no script can read. The token of forms is derived from it.
"""

import hashlib
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, unquote, urlencode, urlsplit
from uuid import uuid4

from fastapi import Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response
from starlette.routing import Match

from core.domain.acts import Act
from core.ledger import api_requests
from core.ledger.api_requests import Asked
from core.ledger.ledger import Ledger
from doors.access import operations
from doors.access.staff import StaffCaller, StaffSignIn

R = TypeVar("R")

COOKIE = "perennial_session"
"""The cookie that holds the token of a session."""
FOLLOWS = "perennial-follows"
"""The header of a page that looks by itself how something goes on (assets/console.js)."""
HOME = "/"
SIGN_IN = "/sign-in"


class SignInNeeded(Exception):
    """There is no session that can be used.

    `path`: where to go on after the sign-in. `sent`: whether a form was sent, which is not taken.
    """

    def __init__(self, path: str, *, sent: bool) -> None:
        super().__init__("no session")
        self.path = path
        self.sent = sent


async def find_visitor(request: Request) -> StaffCaller | None:
    """The person of the session, or None without a session that can be used.

    A page that follows by itself what runs does not keep the session of an absent person alive.
    """
    people: StaffSignIn = request.app.state.people
    token = request.cookies.get(COOKIE, "")
    found = await people.session_of(token, used=FOLLOWS not in request.headers)
    if found is not None:
        request.state.staff = found.session.staff
        request.state.csrf = form_token(token)
    return found


def form_token(cookie: str) -> str:
    """The token of the forms of a session. It tells nothing of the session's own token."""
    return hashlib.sha256(f"forms of {cookie}".encode()).hexdigest()


def set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    """Set a cookie that ends with the browser, and that only this console gets."""
    address = request.app.state.config.console_address or str(request.base_url)
    response.set_cookie(
        name, value, secure=address.startswith("https://"), httponly=True, samesite="lax"
    )


def sign_in_path(path: str, *, sent: bool = False) -> str:
    """Where to sign in, to go on at a path of the console.

    `sent`: a form was sent, so the page says that it is not taken.
    """
    asked = ({} if path == HOME else {"next": path}) | ({"sent": "yes"} if sent else {})
    return f"{SIGN_IN}?{urlencode(asked, quote_via=quote, safe='')}" if asked else SIGN_IN


def checked(operation: str) -> Callable[[Request], Coroutine[Any, Any, None]]:
    """The check of a page: it runs before everything else of the page.

    Raises KeyError for an operation that `doors/access/operations.py` does not have.
    """
    if operation not in operations.ROLES:
        raise KeyError(f"{operation} has no roles; doors/access/operations.py names those that may")

    async def check(request: Request) -> None:
        request.state.operation = operation
        visitor = await find_visitor(request)
        if visitor is None:
            raise SignInNeeded(_place(request), sent=request.method != "GET")
        request.state.visitor = visitor
        visitor.require(operation)

    return check


def _place(request: Request) -> str:
    """The page to go on at. What was sent is not sent again, so a form starts anew.

    A form may be sent to where there is no page. Then it is the page on which the form has stood,
    if that can be read anew.
    """
    if request.method == "GET":
        return f"{request.url.path}{_query(request.url.query)}"
    stood = urlsplit(request.headers.get("Referer", ""))
    if _is_page(request, request.url.path):
        return request.url.path
    own = stood.netloc == request.headers.get("Host") and _is_page(request, unquote(stood.path))
    return f"{stood.path}{_query(stood.query)}" if own else HOME


def _query(query: str) -> str:
    return f"?{query}" if query else ""


def _is_page(request: Request, path: str) -> bool:
    """Whether a page of the console is read at a path."""
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


def _visitor(request: Request) -> StaffCaller:
    visitor: StaffCaller = request.state.visitor
    return visitor


Visiting = Annotated[StaffCaller, Depends(_visitor)]
"""The parameter of a page that holds its visitor."""


async def change(visitor: StaffCaller, kind: Act, work: Callable[[Connection, str], R]) -> R:
    """What `work` returns, given a transaction and the seller of the visitor. `kind`: what it does.

    It is done once, also when the database goes away and the outcome is in doubt: the transaction
    writes a row, which a second attempt finds. So a secret that was made is shown, and no other one
    is made. `work` writes its records of the audit itself.
    """
    asked = Asked(
        request_id=f"console/{uuid4()}", do=kind, values={}, actor=visitor.actor, recorded=True
    )
    made = list[R]()

    def run(ledger: Ledger) -> R:
        def act(connection: Connection) -> dict[str, Any]:
            made[:] = [work(connection, ledger.seller)]
            return {}

        api_requests.once(ledger, asked, act)
        return made[0]

    return await visitor.read(run)
