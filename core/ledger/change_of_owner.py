"""What moves with a subscription to another account (Rule 9): its row and its planned notices.

It is assigned to the new owner then, and shared with no members.
Its step moves with the next write of its step (`core.ledger.unit_of_work`), its numbers with
`core.ledger.numbers.hand_over`. What was paid, invoiced and told stays with the account that it
happened to. A guard checks that nothing is left behind
(guards/change_of_owner.sql).
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, bindparam, or_, select, update

from core.domain.planner.notices import MessageState, PlannedNotice
from core.domain.subscription import Subscription
from core.ledger.tables import Message, SubscriptionRow

_ROW = (
    update(SubscriptionRow)
    .where(SubscriptionRow.id == bindparam("of"))
    .values(account=bindparam("to"), assigned_to=None, members=None)
)
_KINDS = select(Message.kind).where(
    Message.subscription == bindparam("of"), Message.expiry == bindparam("until")
)
_PLANNED = (
    Message.subscription == bindparam("of"),
    Message.state == MessageState.PLANNED,
    Message.account != bindparam("to"),
)
#: A notice that is due already, or of an earlier *E*, keeps its instant. It is checked again then.
_KEEP = (
    update(Message)
    .where(*_PLANNED, or_(Message.due <= bindparam("now"), Message.expiry != bindparam("until")))
    .values(account=bindparam("to"))
)
#: The others get their instants in the new time zone.
_MOVE = (
    update(Message)
    .where(*_PLANNED, Message.kind == bindparam("notice"))
    .values(account=bindparam("to"), due=bindparam("ahead"))
)
#: What is left has its instant behind it there (Rule 12).
_DROP = (
    update(Message)
    .where(*_PLANNED)
    .values(
        account=bindparam("to"),
        state=MessageState.DROPPED,
        done_at=bindparam("now"),
        why="its instant is past in the time zone of the new owner",
    )
)


def move(
    connection: Connection,
    subscription: Subscription,
    notices: Collection[PlannedNotice],
    now: datetime,
) -> list[PlannedNotice]:
    """Move a subscription and its notices. Returns the notices that are still to be added.

    `subscription`: as it is in its new account.
    `notices`: those of its *E* that lie ahead in the new time zone.
    `now`: the instant of the change (UTC).
    """
    of = {"of": subscription.id, "to": subscription.account}
    values = of | {"until": subscription.expiry, "now": now}
    connection.execute(_ROW, of)
    known = set(connection.execute(_KINDS, values).scalars())
    connection.execute(_KEEP, values)
    for notice in notices:
        connection.execute(_MOVE, of | {"notice": str(notice.kind), "ahead": notice.due})
    connection.execute(_DROP, values)
    return [notice for notice in notices if str(notice.kind) not in known]
