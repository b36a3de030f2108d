"""What is due, in the order of Rule 1.7: by instant, accounts by id, then renewals by renewal date, expiries, terminations, notices, each by id."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    all_,
    any_,
    bindparam,
    case,
    func,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from core.domain.planner import RANK, RENEWALS, Kind
from core.ledger.tables import AccountRow, Message, SubscriptionRow
from core.protocol.activity_messages import DueStep


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that is due: the next step of a subscription (`kind` and `version`), or a notice (`message`)."""

    due: datetime
    account: str
    subscription: str
    kind: Kind | None
    version: int | None
    message: int | None


def earliest(
    connection: Connection,
    clock: str,
    until: datetime,
    zones: Collection[str] | None = None,
    account: str | None = None,
) -> list[Due]:
    """Everything on a test clock that is due at the earliest instant up to `until`, in order; of accounts in these time zones, or of one account."""
    return _read(connection, True, clock, until, zones, account)


def due_at(
    connection: Connection,
    clock: str,
    instant: datetime,
    zones: Collection[str] | None = None,
    account: str | None = None,
) -> list[Due]:
    """Everything on a test clock that is due at this instant or before, in the order within one instant."""
    return _read(connection, False, clock, instant, zones, account)


def first_of(
    connection: Connection, account: str, until: datetime, but: Collection[str]
) -> DueStep | None:
    """The first step of an account that is due at an instant, those of some subscriptions left out."""
    row = connection.execute(
        _FIRST, {"of": account, "until": until, "but": list(but)}
    ).one_or_none()
    return row and DueStep(subscription=row.id, version=row.version, kind=Kind(row.next_kind))


#: Of steps at one instant in one account: by kind, then renewals by their date.
_RANK = case(RANK, value=SubscriptionRow.next_kind)
_BY_DATE = case(
    {str(kind): SubscriptionRow.renewal_date for kind in RENEWALS}, value=SubscriptionRow.next_kind
)

_FIRST = (
    select(SubscriptionRow.id, SubscriptionRow.version, SubscriptionRow.next_kind)
    .where(
        SubscriptionRow.account == bindparam("of"),
        SubscriptionRow.next_due <= bindparam("until"),
        SubscriptionRow.id != all_(bindparam("but", type_=ARRAY(Text))),
    )
    .order_by(SubscriptionRow.next_due, _RANK, _BY_DATE, SubscriptionRow.id)
    .limit(1)
)


def _read(
    connection: Connection,
    first: bool,
    clock: str,
    until: datetime,
    zones: Collection[str] | None,
    account: str | None,
) -> list[Due]:
    query = _query(first, zones is not None, account is not None)
    values: dict[str, Any] = {"clock": clock, "until": until}
    if zones is not None:
        values["zones"] = list(zones)
    if account is not None:
        values["account"] = account
    return [
        Due(due, of, subscription, kind and Kind(kind), version, message)
        for due, of, subscription, kind, version, message in connection.execute(query, values)
    ]


@lru_cache
def _query(first: bool, of_zones: bool, of_account: bool) -> Select[Any]:
    """What is due until an instant, or at the first one until then: built once, for building takes longer than asking."""
    which_steps = _which(SubscriptionRow, SubscriptionRow.next_due, of_zones, of_account)
    planned = Message.state == literal_column(
        "'planned'"
    )  # a constant: with a parameter, a prepared plan could not use the index
    which_notices = (planned, *_which(Message, Message.due, of_zones, of_account))
    if first:
        step = select(func.min(SubscriptionRow.next_due)).where(*which_steps).scalar_subquery()
        notice = select(func.min(Message.due)).where(*which_notices).scalar_subquery()
        instant = select(
            select(func.least(step, notice).label("instant")).cte("first").c.instant
        ).scalar_subquery()
        which_steps, which_notices = (
            (*which_steps, SubscriptionRow.next_due == instant),
            (*which_notices, Message.due == instant),
        )
    steps = select(
        SubscriptionRow.next_due.label("due"),
        SubscriptionRow.account,
        SubscriptionRow.id.label("subscription"),
        SubscriptionRow.next_kind.label("kind"),
        SubscriptionRow.version,
        null().label("message"),
        _RANK.label("rank"),
        _BY_DATE.label("by_date"),
    ).where(*which_steps)
    notices: Any = select(
        Message.due,
        Message.account,
        Message.subscription,
        null(),
        null(),
        Message.id,
        literal_column("9"),
        null(),
    ).where(*which_notices)
    both: Any = union_all(steps, notices).subquery()
    c = both.c
    return select(c.due, c.account, c.subscription, c.kind, c.version, c.message).order_by(
        c.due, c.account, c.rank, c.by_date, c.subscription, c.message
    )


def _which(
    table: Any, due: Any, of_zones: bool, of_account: bool
) -> tuple[ColumnElement[bool], ...]:
    conditions: list[ColumnElement[bool]] = [
        table.clock == bindparam("clock"),
        due <= bindparam("until"),
    ]
    if of_zones:
        zone = AccountRow.timezone == any_(bindparam("zones", type_=ARRAY(Text)))
        conditions.append(
            table.account.in_(
                select(AccountRow.id).where(AccountRow.clock == bindparam("clock"), zone)
            )
        )
    if of_account:
        conditions.append(table.account == bindparam("account"))
    return tuple(conditions)
