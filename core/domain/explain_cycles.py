"""Every renewal that failed, was late or did not happen, from the history of a subscription.

Worked example: paid up to 15 January, so the renewal was due on the 8th. It failed on the 8th, and
a top-up on the 9th renewed it. These are two reasons. A renewal on the 8th is none.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from core.domain.calendar import first_instant, local_time
from core.domain.events import Event
from core.domain.reasons import Reason
from core.domain.rules import Rule
from core.domain.subscription import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A line of the history of a subscription.

    `seq`, `operation`: its rows. The operation is None where no money could move.
    `at`, `date`: its instant (UTC) and the account's local date.
    `by`: who asked. `automatic`: it happened by itself.
    `quiet_since`: when something automatic of the account was done before (UTC), default never.
    """

    seq: int
    at: datetime
    date: date
    event: Event
    rule: Rule
    by: str
    automatic: bool
    operation: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    quiet_since: datetime | None = None

    @property
    def rows(self) -> tuple[str, ...]:
        """The rows of the database behind it."""
        own = f"history {self.seq}"
        return (own,) if self.operation is None else (f"operation {self.operation}", own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A step that was done by itself, and on a later day than it was due on (Rule 13).

    `line`: the line of the history that did it. `due`: the day on which it was due (local date).
    """

    line: Told
    due: date

    def is_outage(self, zone: str) -> bool:
        """Whether nothing of the account was done by itself from the day until the line."""
        quiet = self.line.quiet_since
        return quiet is None or quiet <= first_instant(self.due, zone)


def unusual(lines: Iterable[Told], lead_days: int, zone: str) -> Iterator[Reason]:
    """The reasons, oldest first. None for a subscription that has always renewed in time.

    `lines`: the whole history of the subscription, oldest first.
    `lead_days`: days between the renewal date and *E*, the fewest of all policies it has followed.
    `zone`: the time zone of its account.
    """
    cycle = _Cycle(lead_days, zone)
    for line in lines:
        yield from cycle.reasons(line)
        cycle.after(line)


def late(lines: Iterable[Told], lead_days: int, zone: str) -> Iterator[Late]:
    """What was done late, oldest first. The parameters are those of `unusual`.

    Retries are not looked at: those that an outage has missed become one attempt (Rule 13).
    """
    cycle, at = _Cycle(lead_days, zone), None
    for line in lines:
        due = cycle.late_since(line)
        if due is not None and line.at != at:
            yield Late(line=line, due=due)
            at = line.at
        cycle.after(line)


class _Cycle:
    """The cycle under way, as the lines so far tell it."""

    def __init__(self, lead_days: int, zone: str) -> None:
        self._lead = timedelta(days=lead_days)
        self._zone = zone
        self._expiry: date | None = None
        self._failure: Failure | None = None
        self._off_since: date | None = None
        self._trial = False

    def reasons(self, line: Told) -> Iterator[Reason]:
        """What is unusual about a line."""
        text = None
        if line.event is Event.RENEWAL_FAILED:
            text = f"The renewal of the cycle after {self._expiry} failed: {_past(line)}."
        elif line.event in (Event.RENEWED, Event.RECOVERED) and self._failure is not None:
            how = "by command" if line.event is Event.RECOVERED else "by itself"
            text = f"The renewal that had failed was made on {line.date} {how}."
        elif line.event is Event.RENEWED and line.rule is Rule.ATTEMPT_AT_ONCE:
            text = f"It was renewed on {line.date}, right after a command. Its day was past."
        elif line.event is Event.RENEWED and (due := self.late_since(line)) is not None:
            text = self._late(line, due)
        elif line.event is Event.EXPIRED:
            text = f"It was not renewed, and expired after {self._expiry}: {self._absent(line)}."
        elif line.event is Event.TERMINATED:
            asked = "by itself" if line.automatic else f"by {line.by}"
            text = f"It was terminated on {line.date} {asked}, so it does not renew."
        if text is not None:
            yield Reason(at=line.at, text=text, rule=line.rule, rows=line.rows)

    def after(self, line: Told) -> None:
        """Remember what a line changes."""
        if "expiry" in line.facts and (line.event.pays_cycle or line.event is Event.TRIAL_STARTED):
            self._expiry = date.fromisoformat(line.facts["expiry"])
            self._failure = None
            self._trial = line.event is Event.TRIAL_STARTED
        if line.event is Event.RENEWAL_FAILED:
            self._failure = Failure(line.facts["reason"])
        elif line.event is Event.UNSUBSCRIBED:
            self._off_since = line.date
        elif line.event is Event.RESUBSCRIBED:
            self._off_since = None

    def late_since(self, line: Told) -> date | None:
        """The day on which the step behind a line was due, if the line was written later."""
        if self._expiry is None or not line.automatic:
            return None
        due, end = self._expiry - self._lead, self._expiry + timedelta(days=1)
        if line.event in (Event.RENEWED, Event.RENEWAL_FAILED):
            first = self._failure is None and line.rule not in (Rule.RETRY, Rule.ATTEMPT_AT_ONCE)
            return due if first and line.date > due else None
        if line.event is Event.EXPIRED and self._is_missed:
            return due
        ended = line.event in (Event.EXPIRED, Event.CONVERTED)
        return end if ended and line.date > end else None

    @property
    def _is_missed(self) -> bool:
        """Whether no attempt to renew was made, although auto-renewal was on."""
        return not self._trial and self._failure is None and self._off_since is None

    def _late(self, line: Told, due: date) -> str:
        begin = first_instant(due, self._zone)
        told = f"The renewal that was due on {due} was made late, on {line.date}"
        if line.quiet_since is not None and not Late(line=line, due=due).is_outage(self._zone):
            other = self._moment(line.quiet_since)
            return f"{told}. Another step of the account was done meanwhile, on {other}."
        away = f"from {self._moment(begin)} to {self._moment(line.at)}"
        return f"{told}, because the system was away {away}."

    def _moment(self, at: datetime) -> str:
        return f"{local_time(at, self._zone):%Y-%m-%d %H:%M}"

    def _absent(self, line: Told) -> str:
        if self._trial:
            failed = line.facts.get("reason")
            return (
                f"its first cycle could not be charged, {Failure(failed).past}"
                if failed
                else "the trial was not converted"
            )
        if self._failure is not None:
            return f"the last attempt failed, {self._failure.past}"
        if self._off_since is not None:
            return f"auto-renewal was off since {self._off_since}"
        return "the system was away on its renewal date, and no attempt could be made in time"


def _past(line: Told) -> str:
    return Failure(line.facts["reason"]).past
