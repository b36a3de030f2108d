"""The endpoints of a seller, and the messages that go to them (Rule 12)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, literal, select, true

from core.domain.deliveries import DeliveryState
from core.domain.endpoints import EndpointKind
from core.domain.event_payloads import body
from core.ledger.deliveries import happened_from
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, Delivery, Endpoint, History
from doors.queries.snapshot import NotFound

_COUNTED = 10_000
"""The most messages that are counted of an endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointLine:
    """An endpoint and how it does. Instants are in UTC.

    `events`: the events that it gets, None for all.
    `waiting`, `failed`: messages, counted up to 10,000.
    `old_secret_until`: until when the secret before signs as well.
    """

    name: str
    url: str
    events: list[str] | None
    test_clocks: bool
    added_at: datetime
    added_by: str
    waiting: int
    failed: int
    failing_since: datetime | None
    paused_until: datetime | None
    off_at: datetime | None
    off_why: str | None
    old_secret_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLine:
    """A message to an endpoint. Instants are in UTC.

    `event`: what happened, `happened_at` when. `next_at`: the next attempt, None when it is over.
    `status`, `error`: the HTTP status of the last attempt, and what went wrong.
    """

    id: int
    endpoint: str
    event: str
    account: str
    subscription: str | None
    happened_at: datetime
    state: DeliveryState
    attempts: int
    next_at: datetime | None
    done_at: datetime | None
    status: int | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """A message with its body, as it is sent.

    `url`: where a webhook goes. None for an e-mail, whose body is what it tells of.
    """

    line: MessageLine
    url: str | None
    body: dict[str, Any]


def list_endpoints(ledger: Ledger) -> list[EndpointLine]:
    """The endpoints of the seller that are not removed, by name."""

    def counted(state: DeliveryState) -> Any:
        some = (
            select(literal(1))
            .where(Delivery.endpoint == Endpoint.id, Delivery.state == literal(str(state)))
            .limit(_COUNTED)
            .correlate(Endpoint)
            .subquery()
        )
        return select(func.count()).select_from(some).scalar_subquery()

    query = (
        select(
            Endpoint.__table__,
            counted(DeliveryState.PENDING).label("waiting"),
            counted(DeliveryState.FAILED).label("failed"),
        )
        .where(
            Endpoint.seller == ledger.seller,
            Endpoint.removed_at.is_(None),
            Endpoint.kind == literal(str(EndpointKind.WEBHOOK)),
        )
        .order_by(Endpoint.name)
    )
    with ledger.read() as connection:
        return [
            EndpointLine(
                name=row.name,
                url=row.url,
                events=row.events,
                test_clocks=row.test_clocks,
                added_at=row.added_at,
                added_by=row.added_by,
                waiting=row.waiting,
                failed=row.failed,
                failing_since=row.failing_since,
                paused_until=row.paused_until,
                off_at=row.off_at,
                off_why=row.off_why,
                old_secret_until=row.old_until,
            )
            for row in connection.execute(query)
        ]


def list_messages(
    ledger: Ledger,
    *,
    endpoint: str | None = None,
    account: str | None = None,
    state: DeliveryState | None = None,
    before: int | None = None,
    most: int = 200,
) -> list[MessageLine]:
    """Messages of the seller's endpoints, the newest event first.

    `endpoint`, `account`, `state`: only those. Default all. A removed endpoint keeps its messages.
    `before`: only those before this message, which was the last of a page.
    """
    wanted = [Delivery.endpoint == Endpoint.id]
    if account is not None:
        wanted.append(Delivery.account == account)
    if state is not None:
        wanted.append(Delivery.state == literal(str(state)))
    if before is not None:
        last = select(Delivery.event).where(Delivery.id == before).scalar_subquery()
        wanted.append((Delivery.event < last) | and_(Delivery.event == last, Delivery.id < before))
    newest = (Delivery.event.desc(), Delivery.id.desc())
    of_endpoint = select(Delivery.__table__).where(*wanted).order_by(*newest).limit(most).lateral()
    query = (
        select(
            *of_endpoint.c,
            Endpoint.name,
            History.event.label("what"),
            History.at,
            History.subscription,
        )
        .select_from(Endpoint)
        .join(of_endpoint, true())
        .join(History, History.seq == of_endpoint.c.event)
        .where(Endpoint.seller == ledger.seller)
        .order_by(of_endpoint.c.event.desc(), of_endpoint.c.id.desc())
        .limit(most)
    )
    if endpoint is not None:
        query = query.where(Endpoint.name == endpoint)
    with ledger.read() as connection:
        return [_line(row) for row in connection.execute(query)]


def find_message(ledger: Ledger, id_: int) -> MessageView:
    """A message with its body. Raises NotFound."""
    query = (
        select(
            Delivery.__table__,
            Endpoint.name,
            Endpoint.url,
            History.event.label("what"),
            History.at,
            History.subscription,
        )
        .join(Endpoint, Endpoint.id == Delivery.endpoint)
        .join(History, History.seq == Delivery.event)
        .where(Delivery.id == id_, Endpoint.seller == ledger.seller)
    )
    happened = select(History.__table__, AccountRow.currency).join(
        AccountRow, AccountRow.id == History.account
    )
    with ledger.read() as connection:
        row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"there is no message {id_}")
        line = connection.execute(happened.where(History.seq == row.event)).one()
        return MessageView(line=_line(row), url=row.url, body=body(happened_from(line)))


def _line(row: Any) -> MessageLine:
    state = DeliveryState(row.state)
    return MessageLine(
        id=row.id,
        endpoint=row.name,
        event=row.what,
        account=row.account,
        subscription=row.subscription,
        happened_at=row.at,
        state=state,
        attempts=row.attempts,
        next_at=row.next_at if state is DeliveryState.PENDING else None,
        done_at=row.done_at,
        status=row.status,
        error=row.error,
    )
