"""Every renewal of a subscription since its purchase that failed, was late or did not happen."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select

from core.domain.calendar import local_date, local_time
from core.domain.events import Event
from core.domain.explain_cycles import Late, Told, late, unusual
from core.domain.policy import restore
from core.domain.reasons import Reason
from core.domain.rules import Rule
from core.domain.steps import Step
from core.ledger.ledger import Ledger
from core.ledger.rows import step_from
from core.ledger.tables import History, PolicyVersion
from doors.queries.reasons import Reasons, at_most
from doors.queries.snapshot import FoundSubscription, Snapshot, open_snapshot

_BY_ITSELF = "perennial"
_LINES = 20_000
"""So many lines of history are read, the oldest."""
_NEWEST = 400
"""So many of the newest lines are read for a time line."""
_OVERDUE = timedelta(hours=1)


def renewals_since_purchase(ledger: Ledger, id_: str) -> Reasons:
    """What was unusual about the renewals of a subscription, oldest first. Raises NotFound."""
    with open_snapshot(ledger) as snapshot:
        found = snapshot.subscription(id_)
        row, subscription = found.row, found.subscription
        zone = row.timezone
        mine = select(History.__table__).where(History.subscription == id_)
        lines = _told(snapshot, mine.order_by(History.seq).limit(_LINES), zone)
        lead = _fewest_lead_days(snapshot, legacy=subscription.legacy)
        quiet = {it.line.seq: it.line for it in _late(snapshot, row, lines, lead)}
        reasons = list(unusual((quiet.get(line.seq, line) for line in lines), lead, zone))
        reasons += _overdue(step_from(row), zone, found.now, subscription.policy_version)
    if not reasons:
        answer = "Every renewal since the purchase was made in time."
    else:
        answer = f"{len(reasons)} things were unusual about its renewals since the purchase."
        answer = answer.replace("1 things were", "1 thing was") if len(reasons) == 1 else answer
    return at_most(f"subscription {id_}", answer, zone, reasons)


def newest_late(snapshot: Snapshot, found: FoundSubscription) -> list[Late]:
    """What was done late of a subscription, oldest first. Its newest lines are looked at."""
    row = found.row
    mine = select(History.__table__).where(History.subscription == found.subscription.id)
    lines = _told(snapshot, mine.order_by(History.seq.desc()).limit(_NEWEST), row.timezone)[::-1]
    lead = _fewest_lead_days(snapshot, legacy=found.subscription.legacy)
    return _late(snapshot, row, lines, lead)


def overdue_since(step: Step | None, now: datetime) -> datetime | None:
    """When the next step was due, if it should be done by now. All instants are in UTC."""
    return None if step is None or now - step.due < _OVERDUE else step.due


def _told(snapshot: Snapshot, query: Select[Any], zone: str) -> list[Told]:
    return [
        Told(
            seq=row.seq,
            at=row.at,
            date=local_date(row.at, zone),
            event=Event(row.event),
            rule=Rule(row.rule),
            by=row.actor,
            automatic=row.actor == _BY_ITSELF,
            operation=row.operation,
            facts=row.facts,
        )
        for row in snapshot.connection.execute(query)
    ]


def _late(snapshot: Snapshot, row: Any, lines: list[Told], lead: int) -> list[Late]:
    """What was done late, each with the instant at which something else was done before it."""
    found = list(late(lines, lead, row.timezone))
    return [replace(it, line=_with_quiet(snapshot, it.line, row.account)) for it in found]


def _with_quiet(snapshot: Snapshot, line: Told, account: str) -> Told:
    """A line with the instant at which something of its account was done by itself before it."""
    query = (
        select(History.at)
        .where(
            History.account == account,
            History.seq < line.seq,
            History.at < line.at,
            History.actor == _BY_ITSELF,
        )
        .order_by(History.seq.desc())
        .limit(1)
    )
    return replace(line, quiet_since=snapshot.connection.execute(query).scalar())


def _fewest_lead_days(snapshot: Snapshot, *, legacy: bool) -> int:
    """The fewest days between the renewal date and *E* of all versions of the policy.

    The history does not say which version a past cycle followed. So no renewal is called late that
    was in time by one of them.
    """
    query = select(PolicyVersion.document).where(PolicyVersion.seller == snapshot.seller)
    policies = [restore(document) for document in snapshot.connection.execute(query).scalars()]
    return min((policy.lead(legacy) for policy in policies), default=0)


def _overdue(step: Step | None, zone: str, now: datetime, policy_version: int) -> list[Reason]:
    """The next step, if it should be done by now."""
    if step is None or overdue_since(step, now) is None:
        return []
    due = f"{local_time(step.due, zone):%Y-%m-%d %H:%M}"
    text = (
        f"Its next step ({step.kind.words}) was due on {due} and is not done yet: "
        "the system has been away since."
    )
    rows = (f"step due {due}", f"policy version {policy_version}")
    return [Reason(at=step.due, text=text, rule=step.rule, rows=rows)]
