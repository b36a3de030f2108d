"""The endpoints of a seller, and the messages that go to them (Rule 12)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, literal, select, true

from core.domain.deliveries import DeliveryState
from core.domain.endpoints import EndpointKind
from core.domain.event_payloads import body
from core.ledger.bulk_write import one_of_ids
from core.ledger.deliveries import happened_from
from core.ledger.endpoints import ALARMS, MAIL
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, AlarmRow, Delivery, Endpoint, History
from doors.queries.pages import stream
from doors.queries.snapshot import NotFound

_COUNTED = 10_000
"""The most messages that are counted of an endpoint."""


_TOLD = (
    func.coalesce(History.event, AlarmRow.kind).label("what"),
    func.coalesce(History.at, AlarmRow.at).label("at"),
    History.subscription,
    AlarmRow.facts.label("alarm_facts"),
)


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

    `event`: what happened or the kind of the alarm, `happened_at` when.
    `account`: None for an alarm about the whole business.
    `next_at`: the next attempt, None when it is over.
    `status`, `error`: the HTTP status of the last attempt, and what went wrong.
    """

    id: int
    endpoint: str
    event: str
    account: str | None
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

    `url`: where a webhook goes. None for an e-mail, whose body is what it tells of. That of an
    alarm is its facts.
    """

    line: MessageLine
    url: str | None
    body: dict[str, Any]


#: The messages of one query.
_PAGE = 500


def find_endpoint(ledger: Ledger, name: str) -> EndpointLine:
    """An endpoint of the seller that is not removed. Raises NotFound."""
    found = list_endpoints(ledger, name)
    if not found:
        raise NotFound(f"there is no endpoint {name}")
    return found[0]


def list_endpoints(ledger: Ledger, name: str | None = None) -> list[EndpointLine]:
    """The endpoints of the seller that are not removed, by name. `name`: only this one."""

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
    if name is not None:
        query = query.where(Endpoint.name == name)
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

    Raises NotFound for an account that is not the seller's, and for an endpoint that it never had.
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
            *_TOLD,
        )
        .select_from(Endpoint)
        .join(of_endpoint, true())
        .outerjoin(History, History.seq == of_endpoint.c.event)
        .outerjoin(AlarmRow, AlarmRow.seq == of_endpoint.c.event)
        .where(Endpoint.seller == ledger.seller)
        .order_by(of_endpoint.c.event.desc(), of_endpoint.c.id.desc())
        .limit(most)
    )
    if endpoint is not None:
        query = query.where(Endpoint.name == endpoint)
    with ledger.read() as connection:
        lines = [_line(row) for row in connection.execute(query)]
        if not lines:
            _require_there(connection, ledger.seller, endpoint, account)
        return lines


def _require_there(
    connection: Connection, seller: str, endpoint: str | None, account: str | None
) -> None:
    """Raise NotFound unless the seller has the account, and has or had the endpoint."""
    named = select(Endpoint.id).where(Endpoint.seller == seller, Endpoint.name == endpoint).limit(1)
    if endpoint not in (None, MAIL, ALARMS) and connection.execute(named).first() is None:
        raise NotFound(f"there is no endpoint {endpoint}")
    owned = select(AccountRow.id).where(AccountRow.seller == seller, AccountRow.id == account)
    if account is not None and connection.execute(owned).first() is None:
        raise NotFound(f"there is no account {account}")


def message_rows(
    ledger: Ledger,
    *,
    endpoint: str | None = None,
    account: str | None = None,
    state: DeliveryState | None = None,
    after: int | None = None,
) -> Iterator[MessageLine]:
    """The messages of `list_messages`, read page by page. `after`: what follows this message."""

    def read(last: int | None) -> tuple[list[MessageLine], int | None]:
        lines = list_messages(
            ledger, endpoint=endpoint, account=account, state=state, before=last, most=_PAGE
        )
        return lines, lines[-1].id if len(lines) == _PAGE else None

    yield from stream(read, after)


def require_messages(ledger: Ledger, ids: Sequence[int]) -> None:
    """Raise NotFound unless all these messages are the seller's. The first that is not is named."""
    query = (
        select(Delivery.id)
        .join(Endpoint, Endpoint.id == Delivery.endpoint)
        .where(one_of_ids(Delivery.id, ids), Endpoint.seller == ledger.seller)
    )
    with ledger.read() as connection:
        there = set(connection.execute(query).scalars())
    for id_ in ids:
        if id_ not in there:
            raise NotFound(f"there is no message {id_}")


def find_message(ledger: Ledger, id_: int) -> MessageView:
    """A message with its body. Raises NotFound."""
    query = (
        select(
            Delivery.__table__,
            Endpoint.name,
            Endpoint.url,
            *_TOLD,
        )
        .join(Endpoint, Endpoint.id == Delivery.endpoint)
        .outerjoin(History, History.seq == Delivery.event)
        .outerjoin(AlarmRow, AlarmRow.seq == Delivery.event)
        .where(Delivery.id == id_, Endpoint.seller == ledger.seller)
    )
    happened = select(History.__table__, AccountRow.currency).join(
        AccountRow, AccountRow.id == History.account
    )
    with ledger.read() as connection:
        row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"there is no message {id_}")
        line = connection.execute(happened.where(History.seq == row.event)).one_or_none()
        told = row.alarm_facts if line is None else body(happened_from(line))
        return MessageView(line=_line(row), url=row.url, body=told)


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
