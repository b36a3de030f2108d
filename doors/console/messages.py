"""Messages about an account, to customers and to endpoints, and sending them again."""

import json
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BeforeValidator
from sqlalchemy import Connection
from starlette.responses import Response

from core.domain import inputs
from core.domain.inputs import LARGEST_WHOLE
from core.ledger import audit, deliveries
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.console.accounts import OPERATIONS, Part, account_page
from doors.console.errors import Trouble
from doors.console.pages import Page, Pages, see
from doors.console.parameters import ROWS, AfterPosition, PathId
from doors.console.rendering import path_of
from doors.console.visitors import Visiting, change
from doors.http.pages import Listed, page_of
from doors.queries.accounts import find_account
from doors.queries.deliveries import MessageLine, find_message, list_messages, require_messages

pages = Pages()

MessageId = Annotated[
    int,
    Path(ge=1, le=LARGEST_WHOLE),
    BeforeValidator(lambda value: inputs.read_whole_text(value, 1)),
]
Again = Annotated[bool, Query(), BeforeValidator(lambda value: value in (True, "yes"))]


@pages.get("/accounts/messages/{account:path}", OPERATIONS[Part.MESSAGES])
async def messages(visitor: Visiting, account: PathId, after: AfterPosition = None) -> Page:
    """The messages about an account, the newest first."""

    def read(ledger: Ledger) -> Listed[MessageLine]:
        found = list_messages(ledger, account=account, before=after, most=ROWS + 1)
        return page_of(iter(found), ROWS, lambda row: row.id)

    view = await visitor.read(find_account, account)
    return account_page(Part.MESSAGES, view, page=await visitor.read(read))


@pages.get("/messages/{message}", "show_message")
async def message(visitor: Visiting, message: MessageId, again: Again = False) -> Page:
    """One message: what became of it, and what it says."""
    found = await visitor.read(find_message, message)
    about = found.line.account
    view = None if about is None else await visitor.read(find_account, about)
    body = json.dumps(found.body, indent=2, ensure_ascii=False)
    shows: dict[str, Any] = {
        "it": found.line,
        "url": found.url,
        "body": body,
        "again": again,
        "view": view,
        "zone": "UTC" if view is None else view.timezone,
    }
    return Page(template="message.html", shows=shows)


@pages.post("/messages/{message}", "resend_messages")
async def resend(visitor: Visiting, message: MessageId) -> Response:
    """Send a message again. One that goes out already is tried at once."""

    def send(connection: Connection, seller: str) -> int:
        audit.add(connection, seller, "resend_messages", subject=str(message))
        return deliveries.resend(connection, [message], machine_now())

    await visitor.read(require_messages, [message])
    if not await change(visitor, "resend_messages", send):
        raise Trouble(422, "its endpoint is off or removed", "Switch the endpoint on first.")
    return see(path_of("messages", str(message)) + "?again=yes")
