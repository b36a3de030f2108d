"""The notices that are due: checked again, then put on record or dropped (Rule 12)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, any_, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from core.domain.planner.notices import MessageState, Notice, untrue
from core.domain.rules import Rule
from core.ledger.bulk_write import insert_all
from core.ledger.ledger import Ledger
from core.ledger.rows import subscription_from
from core.ledger.tables import AccountRow, History, Message, SubscriptionRow

_PLANNED = (
    select(
        SubscriptionRow.__table__,
        Message.id.label("message"),
        Message.kind,
        Message.expiry.label("of"),
        AccountRow.timezone,
        AccountRow.suspended,
        AccountRow.seller,
    )
    .join(SubscriptionRow, SubscriptionRow.id == Message.subscription)
    .join(AccountRow, AccountRow.id == SubscriptionRow.account)
    .where(
        Message.id == any_(bindparam("ids", type_=ARRAY(BigInteger))),
        Message.state == MessageState.PLANNED,
    )
    .order_by(SubscriptionRow.account, SubscriptionRow.id, Message.id)
    .with_for_update(of=Message, skip_locked=True)
)
_DONE = text(
    "UPDATE messages SET state = CASE WHEN done.why IS NULL THEN :sent ELSE :dropped END, "
    "done_at = :now, why = done.why "
    "FROM unnest(CAST(:ids AS bigint[]), CAST(:whys AS text[])) AS done(id, why) "
    "WHERE messages.id = done.id"
)

_BECAME = {"sent": str(MessageState.SENT), "dropped": str(MessageState.DROPPED)}


def notify(ledger: Ledger, now: datetime, ids: Sequence[int]) -> int:
    """Check these planned notices in one transaction, and return how many were sent.

    Notices that another worker is checking are left out.
    """
    with ledger.transaction("notify") as connection:
        done: dict[int, str | None] = {}
        lines = []
        for row in connection.execute(_PLANNED, {"ids": list(ids)}):
            subscription = subscription_from(row)
            policy = ledger.references.policy(connection, row.seller, subscription.policy_version)
            why = untrue(
                Notice(row.kind),
                row.of,
                subscription,
                policy,
                row.timezone,
                now,
                suspended=row.suspended,
            )
            done[row.message] = why
            if why is None:
                lines.append(
                    {
                        "at": now,
                        "account": subscription.account,
                        "subscription": subscription.id,
                        "event": row.kind,
                        "amount": None,
                        "rule": Rule.MESSAGES,
                        "actor": "perennial",
                        "operation": None,
                        "facts": {"expiry": str(row.of)},
                    }
                )
        if done:
            values = {"now": now, "ids": list(done), "whys": list(done.values())}
            connection.execute(_DONE, values | _BECAME)
        if lines:
            insert_all(connection, History, lines)
        return len(lines)
