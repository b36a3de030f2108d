"""Commands that wait for a second person: asked for, approved or refused, and their outcome."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn

from sqlalchemy import ColumnElement, Connection, Row, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.domain.faults import Fault, Faults
from core.domain.refusal import Refused
from core.domain.roles import Role
from core.domain.rules import Rule
from core.domain.second_person import ApprovalState, expires, state_at
from core.ledger import audit
from core.ledger.ledger import Ledger
from core.ledger.row_pages import row_pages
from core.ledger.tables import Approval

_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApproval:
    """A command that needs a second person.

    `values`: its fields as JSON. `who`: the id of the key or of the person. `actor`: the same for
    the history. `amount`: what it would move. `why`: in words.
    """

    do: str
    values: Mapping[str, Any]
    request_id: str
    fingerprint: str
    who: str
    actor: str
    role: Role
    amount: Decimal
    currency: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalLine:
    """A command that needs or needed a second person. Instants are in UTC.

    `decided_by`: who has approved or refused it. `outcome`: what it did, or which rule refused it.
    """

    id: str
    do: str
    values: Mapping[str, Any]
    request_id: str
    asked_by: str
    role: Role
    amount: Decimal
    currency: str
    why: str
    asked_at: datetime
    expires_at: datetime
    state: ApprovalState
    decided_by: str | None
    decided_at: datetime | None
    outcome: str | None


def ask(ledger: Ledger, new: NewApproval, now: datetime) -> ApprovalLine:
    """Ask for a second person. The same request asks once, and gets what became of it.

    Raises `Refused` 4.2 when another command was asked for with this request id.
    """
    seller = ledger.seller
    with ledger.transaction("approval_asked") as connection:
        connection.execute(
            upsert(Approval)
            .values(
                id=secrets.token_hex(6),
                seller=seller,
                do=new.do,
                values=dict(new.values),
                request_id=new.request_id,
                fingerprint=new.fingerprint,
                who=new.who,
                asked_by=new.actor,
                role=new.role,
                amount=new.amount,
                currency=new.currency,
                why=new.why,
                asked_at=now,
                state=ApprovalState.OPEN,
            )
            .on_conflict_do_nothing()
        )
        found = of_request(connection, seller, new.request_id, now)
        assert found is not None
        line, fingerprint = found
        if fingerprint != new.fingerprint:
            raise Refused(
                Rule.REQUEST_ID, f"request id {new.request_id} was used for another command"
            )
    return line


def of_request(
    connection: Connection, seller: str, request_id: str, now: datetime
) -> tuple[ApprovalLine, str] | None:
    """What was asked for with a request id, and the fingerprint of the command. None: nothing."""
    query = select(Approval.__table__).where(
        Approval.seller == seller, Approval.request_id == request_id
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (_line(row, now), row.fingerprint)


def find(connection: Connection, seller: str, id_: str, now: datetime) -> ApprovalLine:
    """One that was asked for. Raises `Faults` when the seller has none with this id."""
    return _line(_row(connection, seller, id_), now)


def approvals(
    connection: Connection,
    seller: str,
    now: datetime,
    *,
    state: ApprovalState | None = None,
    after: str | None = None,
) -> Iterator[ApprovalLine]:
    """What was asked for, the newest first.

    `state`: only these. `after`: the id of the last one of the page before. Raises `Faults`.
    """
    place = (Approval.asked_at, Approval.id)
    query = select(Approval.__table__).where(Approval.seller == seller)
    if state is not None:
        stored = ApprovalState.OPEN if state is ApprovalState.EXPIRED else state
        query = query.where(Approval.state == stored)
    query = query.order_by(*(column.desc() for column in place))
    last: Any = None if after is None else find(connection, seller, after, now)

    def follows(last: Any) -> ColumnElement[bool]:
        return tuple_(*place) < (last.asked_at, last.id)

    rows = row_pages(connection, query, follows, _PAGE, last)
    lines = (_line(row, now) for row in rows)
    yield from (line for line in lines if state in (None, line.state))


def decide(
    ledger: Ledger, id_: str, *, approved: bool, who: str, actor: str, now: datetime
) -> ApprovalLine:
    """Approve or refuse what was asked for. The one who asked may only withdraw it.

    `who`: the id of the key or of the person who decides. A repetition changes nothing. Raises
    `Faults` when there is none, it was decided otherwise, has expired, or is one's own.
    """
    with ledger.transaction("approval_decided") as connection:
        row = _row(connection, ledger.seller, id_, lock=True)
        wanted = ApprovalState.APPROVED if approved else ApprovalState.REFUSED
        if approved and row.who == who:
            _wrong("approval", f"{id_} was asked for by the same one; a second one is needed")
        line = _line(row, now)
        after = (ApprovalState.APPROVED, ApprovalState.DONE, ApprovalState.FAILED)
        if line.state is wanted or (approved and line.state in after):
            return line
        if line.state is not ApprovalState.OPEN:
            _wrong("approval", f"{id_} is {line.state}; only what is open can be decided")
        decision = {"state": wanted, "decided_by": actor, "decided_who": who, "decided_at": now}
        connection.execute(update(Approval).where(Approval.id == id_).values(**decision))
        about = {"do": row.do, "asked_by": row.asked_by, "state": str(wanted)}
        audit.add(
            connection,
            ledger.seller,
            "decide_approval",
            subject=f"approval/{id_}",
            request_id=row.request_id,
            before={"state": row.state},
            after=about,
        )
        return find(connection, ledger.seller, id_, now)


def end(ledger: Ledger, id_: str, state: ApprovalState, outcome: str, now: datetime) -> None:
    """Record the outcome of what was approved: done, or failed. The first outcome stays.

    But what was done is done. When two approve at the same moment, a rule may refuse the first of
    them and not the second.
    """
    before = [ApprovalState.APPROVED]
    if state is ApprovalState.DONE:
        before.append(ApprovalState.FAILED)
    with ledger.transaction("approval_ended") as connection:
        mine = (Approval.id == id_, Approval.state.in_(before))
        values = {"state": state, "outcome": outcome}
        ended = connection.execute(update(Approval).where(*mine).values(**values)).rowcount > 0
        if ended:
            subject, about = f"approval/{id_}", {"state": str(state)}
            audit.add(connection, ledger.seller, "end_approval", subject=subject, after=about)


def _row(connection: Connection, seller: str, id_: str, *, lock: bool = False) -> Row[Any]:
    query = select(Approval.__table__).where(Approval.seller == seller, Approval.id == id_)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        _wrong("approval", f"there is no {id_}; `starter.py approval list` shows all")
    return row


def _wrong(place: str, reason: str) -> NoReturn:
    raise Faults([Fault(place, reason)])


def _line(row: Any, now: datetime) -> ApprovalLine:
    made: dict[str, Any] = {
        "role": Role(row.role),
        "state": state_at(ApprovalState(row.state), row.asked_at, now),
        "expires_at": expires(row.asked_at),
    }
    names = ApprovalLine.__dataclass_fields__.keys() - made.keys()
    return ApprovalLine(**{name: getattr(row, name) for name in names}, **made)
