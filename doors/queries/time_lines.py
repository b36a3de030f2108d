"""The time line of a subscription: paid, unpaid and coming periods, and what happened when.

Pauses of the account, failed renewals and outages have their days. An outage is seen by what was
due and was done on a later day (Rule 13). Days of an outage on which nothing was due are not seen.

The time line covers the last six periods and two coming ones. Coming periods are those that the
planner gives if every charge is funded and no command arrives.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import islice, pairwise
from typing import Any

from sqlalchemy import select

from core.domain import alignment
from core.domain.calendar import local_date
from core.domain.events import Event
from core.domain.money import in_words
from core.domain.planner.schedule import schedule
from core.domain.subscription import Status, Subscription
from core.ledger.ledger import Ledger
from core.ledger.period_amounts import PAID
from core.ledger.rows import step_from
from core.ledger.tables import History, PeriodRow
from doors.queries.cycle_reasons import newest_late, overdue_since
from doors.queries.histories import HistoryLine, history_lines
from doors.queries.sentences import event as event_in_words
from doors.queries.snapshot import FoundSubscription, Snapshot, open_snapshot

_PERIODS, _COMING, _EVENTS, _AHEAD = 6, 2, 40, 6
#: So many of the newest lines of the account are looked at for pauses.
_LOOKED_AT = 2000
_DAY = timedelta(days=1)


class SpanKind(StrEnum):
    """The kinds of spans."""

    PAID = "paid"
    TRIAL = "trial"
    COMING = "coming"
    UNPAID = "unpaid"
    FAILED = "failed"
    LATE = "late"
    PAUSE = "pause"


class Tone(StrEnum):
    """How a mark is shown."""

    GOOD = "good"
    BAD = "bad"
    CALM = "calm"
    COMING = "coming"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Days of a subscription, both inclusive, and what they are, in words."""

    kind: SpanKind
    first: date
    last: date
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened or comes at an instant (UTC). `day`: the local date.

    `rule`: its rule, None for a notice to come.
    `line`: its line of the history, None when it comes.
    """

    at: datetime
    day: date
    tone: Tone
    words: str
    rule: str | None
    line: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLine:
    """The time line of a subscription. `first`, `last`: the local dates that it covers.

    `spans`: by kind and day. `marks`: by instant. `earlier`: whether there are earlier periods.
    """

    today: date
    first: date
    last: date
    spans: list[Span]
    marks: list[Mark]
    earlier: bool


def time_line(ledger: Ledger, id_: str) -> TimeLine:
    """The time line of a subscription. Raises NotFound."""
    with open_snapshot(ledger) as snapshot:
        found = snapshot.subscription(id_)
        periods = _periods(snapshot, id_)
        lines = history_lines(snapshot, History.subscription == id_, _EVENTS)
        others = [*_pauses(snapshot, found), *_late(snapshot, found)]
    shown = periods[-_PERIODS:]
    spans = [_paid(row, found) for row in shown]
    spans += _unpaid(shown, found)
    spans += _coming(found)
    first = min((span.first for span in spans), default=found.today) - 3 * _DAY
    coming = list(_ahead(found))
    ends = [*(span.last for span in spans), found.today, *(mark.day for mark in coming)]
    last = max(ends) + 3 * _DAY
    others += _failed(lines, found)
    spans += [span for span in others if span.last >= first]
    past = [_mark(line) for line in lines if line.date >= first]
    return TimeLine(
        today=found.today,
        first=first,
        last=last,
        spans=spans,
        marks=[*past, *coming],
        earlier=len(periods) > _PERIODS,
    )


def _periods(snapshot: Snapshot, id_: str) -> list[Any]:
    query = (
        select(PeriodRow.start, PeriodRow.expiry, PeriodRow.months, PAID.label("amount"))
        .where(PeriodRow.subscription == id_)
        .order_by(PeriodRow.expiry.desc())
        .limit(_PERIODS + 1)
    )
    return list(reversed(snapshot.connection.execute(query).all()))


def _paid(row: Any, found: FoundSubscription) -> Span:
    trial = row.months == 0  # Also after the trial was converted.
    amount = f"{in_words(row.amount, found.row.currency)} " if row.amount else ""
    return Span(
        kind=SpanKind.TRIAL if trial else SpanKind.PAID,
        first=row.start,
        last=row.expiry,
        words="trial" if trial else f"{amount}paid",
    )


def _unpaid(periods: Sequence[Any], found: FoundSubscription) -> Iterator[Span]:
    """Days between periods, and days since the last one, that nothing has paid."""
    for before, after in pairwise(periods):
        if after.start > before.expiry + _DAY:
            yield _gap(before.expiry + _DAY, after.start - _DAY)
    subscription = found.subscription
    until = subscription.terminated_on or found.today
    if subscription.expiry < until and subscription.status is not Status.ACTIVE:
        yield _gap(subscription.expiry + _DAY, until)


def _gap(first: date, last: date) -> Span:
    return Span(kind=SpanKind.UNPAID, first=first, last=last, words="not paid")


def _coming(found: FoundSubscription) -> Iterator[Span]:
    """The periods that renewals will pay."""
    own = found.subscription
    if own.status is not Status.ACTIVE or not own.auto_renew or own.trial:
        return
    for _ in range(_COMING):
        try:
            own, period = _renewed(own, found)
        except OverflowError:
            return
        yield Span(kind=SpanKind.COMING, first=period.start, last=period.expiry, words="to come")


def _renewed(own: Subscription, found: FoundSubscription) -> tuple[Subscription, Any]:
    return alignment.renew(own, min(own.expiry, found.today), found.now, own.policy_version)


def _ahead(found: FoundSubscription) -> Iterator[Mark]:
    """The steps and notices to come, the soonest first."""
    zone = found.row.timezone
    for item in islice(schedule(found.subscription, found.policy, zone, found.now), _AHEAD):
        yield Mark(
            at=item.due,
            day=local_date(item.due, zone),
            tone=Tone.COMING,
            words=item.kind.words,
            rule=getattr(item, "rule", None),
            line=None,
        )


def _mark(line: HistoryLine) -> Mark:
    happened = Event(line.event)
    tone = Tone.GOOD if happened.pays_cycle else Tone.BAD if happened.bad_news else Tone.CALM
    return Mark(
        at=line.at,
        day=line.date,
        tone=tone,
        words=event_in_words(line),
        rule=line.rule,
        line=line.seq,
    )


def _failed(lines: Sequence[HistoryLine], found: FoundSubscription) -> Iterator[Span]:
    """From a renewal that failed until it was made, or the subscription ended."""
    since: date | None = None
    for line in lines:
        happened = Event(line.event)
        if happened is Event.RENEWAL_FAILED:
            since = since or line.date
        elif since and (happened.pays_cycle or happened in (Event.EXPIRED, Event.TERMINATED)):
            yield _failing(since, line.date)
            since = None
    if since and found.subscription.renewal_failed:
        yield _failing(since, found.today)


def _failing(first: date, last: date) -> Span:
    return Span(kind=SpanKind.FAILED, first=first, last=last, words="renewal failed")


def _late(snapshot: Snapshot, found: FoundSubscription) -> Iterator[Span]:
    """Days on which something was due and was not done (Rule 13)."""
    zone = found.row.timezone
    for it in newest_late(snapshot, found):
        words = "outage" if it.is_outage(zone) else "done late"
        yield Span(kind=SpanKind.LATE, first=it.due, last=it.line.date, words=words)
    due = overdue_since(step_from(found.row), found.now)
    if due is not None:
        first, words = local_date(due, zone), "overdue"
        yield Span(kind=SpanKind.LATE, first=first, last=found.today, words=words)


def _pauses(snapshot: Snapshot, found: FoundSubscription) -> list[Span]:
    """When the account was suspended, so that nothing renewed (Rule 11.8)."""
    mine = History.account == found.row.account
    newest = select(History.seq).where(mine).order_by(History.seq.desc()).limit(_LOOKED_AT)
    recent = newest.subquery()
    wanted = [str(Event.ACCOUNT_SUSPENDED), str(Event.ACCOUNT_RESUMED)]
    query = (
        select(History.at, History.event)
        .join(recent, recent.c.seq == History.seq)
        .where(History.event.in_(wanted))
        .order_by(History.seq)
    )
    pauses, since = list[Span](), None
    for row in snapshot.connection.execute(query):
        day = local_date(row.at, found.row.timezone)
        if row.event == Event.ACCOUNT_SUSPENDED:
            since = day
        elif since is not None:
            pauses.append(_pause(since, day))
            since = None
    if since is not None and found.row.suspended:
        pauses.append(_pause(since, found.today))
    return pauses


def _pause(first: date, last: date) -> Span:
    return Span(kind=SpanKind.PAUSE, first=first, last=last, words="account suspended")
