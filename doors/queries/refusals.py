"""Commands that a rule has refused: who asked for what and when, and what is allowed instead."""

from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from core.domain.explain_refusal import what_is_allowed
from core.domain.reasons import Reason
from core.domain.rules import Rule
from core.domain.steps import SubjectKind
from core.ledger.ledger import Ledger
from core.ledger.tables import RefusalRow
from doors.queries.reasons import MOST_REASONS, Reasons, at_most
from doors.queries.snapshot import NotFound, Snapshot, open_snapshot

NEWEST = 5
"""So many refusals stand beside another explanation."""


def of_subscription(id_: str) -> ColumnElement[bool]:
    """The refusals of commands on a subscription."""
    return and_(RefusalRow.subject == id_, RefusalRow.subject_kind == SubjectKind.SUBSCRIPTION)


def of_account(id_: str) -> ColumnElement[bool]:
    """The refusals of commands on an account and its subscriptions."""
    return RefusalRow.account == id_


def refusals_about(ledger: Ledger, id_: str) -> Reasons:
    """The refusals of a subscription, an account or a request id, newest first.

    The subscription need not exist, because its purchase may have been refused. Raises NotFound
    for an id of which nothing is known.
    """
    with open_snapshot(ledger) as snapshot:
        kind = snapshot.kind_of(id_)
        if kind == "account":
            condition = of_account(id_)
        elif kind == "subscription":
            condition = of_subscription(id_)
        else:
            condition = _of_unknown(id_)
        zone = "UTC" if kind is None else snapshot.account_row(snapshot.account_of(id_)).timezone
        reasons, left_out = newest_refusals(snapshot, condition, MOST_REASONS)
    count = len(reasons) + left_out
    if kind is None and not count:
        raise NotFound(f"there is no subscription, no account and no refused request {id_}")
    answer = {0: "No command was refused.", 1: "1 command was refused."}.get(
        count, f"{count:,} commands were refused."
    )
    about = f"refusals of {kind} {id_}" if kind else f"refusals of {id_}"
    return at_most(about, answer, zone, reasons, left_out)


def is_refused(snapshot: Snapshot, id_: str) -> bool:
    """Whether a command on this subject, or with this request id, was refused."""
    return bool(newest_refusals(snapshot, _of_unknown(id_), 1)[0])


def _of_unknown(id_: str) -> ColumnElement[bool]:
    return or_(RefusalRow.subject == id_, RefusalRow.request_id == id_)


def newest_refusals(
    snapshot: Snapshot, condition: ColumnElement[bool], limit: int = NEWEST
) -> tuple[list[Reason], int]:
    """The newest refusals that fulfil a condition, and how many more there are."""
    query = (
        select(RefusalRow.__table__)
        .where(RefusalRow.seller == snapshot.seller, condition)
        .order_by(RefusalRow.id.desc())
        .limit(_READ)
    )
    rows = list(snapshot.connection.execute(query))
    return [_reason(row) for row in rows[:limit]], max(0, len(rows) - limit)


_READ = 1_000
"""So many refusals are read. Only those of several owners can be more."""


def _reason(row: Any) -> Reason:
    asked = f"{row.actor} asked for {row.do} of {row.subject}"
    request = f" (request {row.request_id})" if row.request_id else ""
    rule = Rule(row.rule)
    allowed = what_is_allowed(row.do, rule)
    text = f"{asked}{request}. Refused: {row.sentence}. {allowed}"
    return Reason(at=row.at, text=text, rule=rule, rows=(f"refusal {row.id}",))
