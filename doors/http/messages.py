"""Messages to endpoints of webhooks, and e-mails: what has become of them, and sent again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from sqlalchemy import Connection

from core.domain import inputs
from core.domain.deliveries import DeliveryState
from core.domain.faults import Fault, Faults
from core.ledger import deliveries
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.http.callers import Calling
from doors.http.forms import Form, id_, listed
from doors.http.once import kept, once, told
from doors.http.pages import Listed, page_of
from doors.http.parameters import (
    LARGEST_NUMBER,
    USUAL_ROWS,
    AccountQuery,
    AfterPosition,
    EndpointQuery,
    IdempotencyKey,
    Limit,
    MessageId,
)
from doors.http.routes import Answer, Routes
from doors.queries.deliveries import (
    MessageLine,
    MessageView,
    find_endpoint,
    find_message,
    list_messages,
    require_messages,
)

MOST_IDS, MOST_FAILED = 100, 1000
"""So many messages are sent again by one request: named ones, and failed ones of an endpoint."""

RESEND = Form(
    "MessagesToResend",
    {
        "messages": listed(
            "Ids of messages.",
            lambda value: inputs.read_whole(value, 1, LARGEST_NUMBER),
            {"type": "integer", "minimum": 1, "maximum": LARGEST_NUMBER},
            MOST_IDS,
        ),
        "failed_of": id_(f"An endpoint, of which {MOST_FAILED} failed messages go out again."),
    },
    example={"failed_of": "crm"},
    at_least_one=("messages", "failed_of"),
)

routes = Routes("messages")


@dataclass(frozen=True, slots=True, kw_only=True)
class SentAgain:
    """How many messages go out again. `more`: the endpoint has further failed ones."""

    sent_again: int
    more: bool


@routes.get("/messages", "list_messages", Listed[MessageLine])
async def messages(
    caller: Calling,
    endpoint: EndpointQuery = None,
    account: AccountQuery = None,
    state: DeliveryState | None = None,
    after: AfterPosition = None,
    limit: Limit = USUAL_ROWS,
) -> Listed[MessageLine]:
    """Messages, the newest first. E-mails have the endpoint `e-mail`."""

    def read(ledger: Ledger) -> Listed[MessageLine]:
        rows = list_messages(
            ledger, endpoint=endpoint, account=account, state=state, before=after, most=limit + 1
        )
        return page_of(iter(rows), limit, lambda row: row.id)

    return await caller.read(read)


@routes.get("/messages/{message}", "show_message", MessageView)
async def show_message(caller: Calling, message: MessageId) -> MessageView:
    """One message with its body as it is sent."""
    return await caller.read(find_message, message)


@routes.write("POST", "/message-resends", "resend_messages", SentAgain, RESEND)
async def resend(caller: Calling, request: Request, key: IdempotencyKey) -> Answer:
    """Send messages again, with the same ids. A worker sends them within seconds.

    Messages of an endpoint that is off or removed are not sent again, and not counted.
    """
    values = await RESEND.of(request)
    if len(values) != 1:
        raise Faults([Fault("messages", "name messages or an endpoint, not both")])

    def act(ledger: Ledger, connection: Connection) -> dict[str, Any]:
        ids, more = _meant(ledger, values)
        return {
            "sent_again": deliveries.resend(connection, ids, machine_now()),
            "more": more,
        }

    done = await once(caller, key, "resend_messages", values, act)
    return told(done, kept(SentAgain, done))


def _meant(ledger: Ledger, values: Mapping[str, Any]) -> tuple[list[int], bool]:
    """The messages of the seller that are meant, and whether there are more."""
    if "messages" in values:
        require_messages(ledger, values["messages"])
        return values["messages"], False
    name = values["failed_of"]
    find_endpoint(ledger, name)
    failed = list_messages(ledger, endpoint=name, state=DeliveryState.FAILED, most=MOST_FAILED + 1)
    return [line.id for line in failed[:MOST_FAILED]], len(failed) > MOST_FAILED
