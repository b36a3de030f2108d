"""What is due, in the order of Rule 1.7: by instant, accounts by id, then renewals by renewal date, expiries, terminations, notices, each by id."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, literal, null, select, true, union_all

from domain.planner import RANK, RENEWALS, Kind
from ledger.tables import AccountRow, Message, SubscriptionRow


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
    connection: Connection, clock: str, until: datetime, zones: Collection[str] | None = None, account: str | None = None
) -> list[Due]:
    """Everything on a test clock that is due at the earliest instant up to `until`, in order; of accounts in these time zones, or of one account."""
    steps = select(SubscriptionRow.next_due).where(*_which(SubscriptionRow, SubscriptionRow.next_due, clock, until, zones, account))
    notices = select(Message.due).where(Message.state == "planned", *_which(Message, Message.due, clock, until, zones, account))
    first = connection.execute(
        select(
            func.least(
                select(func.min(steps.subquery().c.next_due)).scalar_subquery(),
                select(func.min(notices.subquery().c.due)).scalar_subquery(),
            )
        )
    ).scalar()
    return [] if first is None else due_at(connection, clock, first, zones, account)


def due_at(
    connection: Connection, clock: str, instant: datetime, zones: Collection[str] | None = None, account: str | None = None
) -> list[Due]:
    """Everything on a test clock that is due at this instant or before, in the order within one instant."""
    rank = case(RANK, value=SubscriptionRow.next_kind)
    by_date = case((SubscriptionRow.next_kind.in_([str(kind) for kind in RENEWALS]), SubscriptionRow.renewal_date))
    steps = select(
        SubscriptionRow.next_due.label("due"), SubscriptionRow.account, SubscriptionRow.id.label("subscription"), SubscriptionRow.next_kind.label("kind"),
        SubscriptionRow.version, null().label("message"), rank.label("rank"), by_date.label("by_date"),
    ).where(*_which(SubscriptionRow, SubscriptionRow.next_due, clock, instant, zones, account))  # fmt: skip
    notices = select(
        Message.due, Message.account, Message.subscription, null(), null(), Message.id, literal(9), null()
    ).where(Message.state == "planned", *_which(Message, Message.due, clock, instant, zones, account))  # fmt: skip
    both: Any = union_all(steps, notices).subquery()
    query: Select[Any] = select(both).order_by(both.c.due, both.c.account, both.c.rank, both.c.by_date, both.c.subscription, both.c.message)
    return [
        Due(row.due, row.account, row.subscription, row.kind and Kind(row.kind), row.version, row.message)
        for row in connection.execute(query)
    ]


def _which(
    table: Any, due: Any, clock: str, until: datetime, zones: Collection[str] | None, account: str | None
) -> tuple[ColumnElement[bool], ...]:
    of_zones = select(AccountRow.id).where(AccountRow.clock == clock, AccountRow.timezone.in_(zones or ()))
    return (
        table.clock == clock,
        due <= until,
        table.account.in_(of_zones) if zones is not None else true(),
        table.account == account if account is not None else true(),
    )
