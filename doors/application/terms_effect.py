"""The effect of new terms: who would renew differently, on a sample of the seller's accounts.

Each account of the sample is played on a copy, once as it is and once with the new terms
(`doors.application.what_if`). So nothing is changed, and no card is charged. The sample is bounded,
and says how it was drawn.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from time import monotonic
from typing import Any

from sqlalchemy import Connection, func, select

from core.domain.calendar import add_months
from core.domain.events import Event
from core.domain.faults import Faults
from core.domain.forecast import Entry
from core.domain.policy import Policy
from core.domain.refusal import Refused
from core.domain.steps import RENEWALS, StepKind, SubjectKind
from core.domain.subscription import Failure
from core.ledger.bulk_write import one_of
from core.ledger.clocks import now_of
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, StepRow
from doors.application.patience import first_line, is_passing
from doors.application.what_if import Assumptions, WhatIf, what_if

USUAL_ACCOUNTS, MOST_ACCOUNTS = 50, 500
"""So many accounts are played."""
USUAL_MONTHS, MOST_MONTHS = 2, 12
"""So far it looks. A policy shows from the second renewal on, so one month shows little."""
MOST_DRAWS = 1000
LARGEST_ACCOUNT = 200
"""An account with more subscriptions is left out of a sample."""
MOST_SUBSCRIPTIONS = 2_000
"""A sample ends when so many subscriptions were played."""
MOST_MOMENTS = 6
"""So many events of a subscription are told."""
_LOOKED_AT = 5_000
"""Accounts that are looked at to find some with a renewal that comes."""
_CHUNK = 500
_DUE = (*RENEWALS, StepKind.CONVERT_TRIAL)
_TOLD = (
    Event.RENEWED,
    Event.CONVERTED,
    Event.RENEWAL_FAILED,
    Event.EXPIRED,
    Event.TERMINATED,
)
"""The events that say whether, when and for how much a subscription renews."""

Progress = Callable[[int, int], None]
"""Is called with the accounts that are played and those of the sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTerms:
    """The terms that are looked at. `policy`: None, as it is. `entries`: added to the catalogue."""

    policy: Policy | None = None
    entries: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a sample is drawn.

    `accounts`: so many at most, 1 to `MOST_ACCOUNTS`.
    `months`: accounts with a renewal until then, and how far each is played.
    `draw`: another number draws other accounts. The same number draws the same ones again.
    `clock`: accounts on this test clock. None: those without one.
    """

    accounts: int = USUAL_ACCOUNTS
    months: int = USUAL_MONTHS
    draw: int = 1
    clock: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A sample of accounts.

    `accounts`: their ids, in the order of the draw.
    `of`: how many accounts the seller has (on the clock).
    `looked_at`: how many of them were drawn to find these, by whether a renewal comes.
    `large`: how many were left out, because they have more than `LARGEST_ACCOUNT` subscriptions.
    """

    accounts: tuple[str, ...]
    of: int
    looked_at: int
    large: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One event of a subscription: the local date, and the change of the balance, if any."""

    date: date
    event: Event
    amount: Decimal | None
    reason: Failure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """One subscription as it renews today, and under the new terms.

    `without`, `under`: the first `MOST_MOMENTS` events of each.
    `dates`, `fees`, `outcomes`: whether they differ in when, for how much, and in what happens.
    """

    account: str
    currency: str
    subscription: str
    without: tuple[Moment, ...]
    under: tuple[Moment, ...]
    dates: bool
    fees: bool
    outcomes: bool

    @property
    def differs(self) -> bool:
        """Whether it renews differently."""
        return self.dates or self.fees or self.outcomes


@dataclass(slots=True, kw_only=True)
class Sums:
    """Sums in one currency: what renewals take within the months, without and under new terms."""

    currency: str
    without: Decimal = Decimal(0)
    under: Decimal = Decimal(0)


@dataclass(slots=True, kw_only=True)
class Effect:
    """The effect of new terms on a sample.

    `rows`: one for each subscription that was played, those that differ first.
    `played`: how many accounts. `failing`: accounts that could not be played, and why.
    `failed_without`, `failed_under`: how many attempts to renew fail.
    `sums`: by currency.
    `ended`: why fewer accounts were played than drawn, or an empty text.
    """

    sampling: Sampling
    sample: Sample
    rows: list[EffectRow] = field(default_factory=list)
    played: int = 0
    failing: list[tuple[str, str]] = field(default_factory=list)
    failed_without: int = 0
    failed_under: int = 0
    sums: list[Sums] = field(default_factory=list)
    ended: str = ""

    @property
    def differing(self) -> int:
        """How many subscriptions renew differently."""
        return sum(row.differs for row in self.rows)


def draw(ledger: Ledger, sampling: Sampling) -> Sample:
    """Draw accounts with a renewal in the coming months, each with the same chance.

    They are ordered by a hash of their ids and the number of the draw. So a draw can be repeated.
    Raises LookupError for a test clock that the seller does not have.

    Worked size: of 100,000 accounts at most 5,000 are looked at, in ten statements.
    """
    of_clock = (
        AccountRow.clock.is_(None) if sampling.clock is None else AccountRow.clock == sampling.clock
    )
    mine = (AccountRow.seller == ledger.seller, of_clock)
    with ledger.read() as connection:
        now = now_of(connection, ledger.seller, sampling.clock)
        last = add_months(now.date(), sampling.months)
        until = datetime.combine(last, time(), UTC)
        count = connection.execute(
            select(func.count()).select_from(AccountRow).where(*mine)
        ).scalar_one()
        by_chance = func.md5(func.concat(AccountRow.id, "/", sampling.draw))
        ids = list(
            connection.execute(
                select(AccountRow.id).where(*mine).order_by(by_chance).limit(_LOOKED_AT)
            ).scalars()
        )
        found, looked_at, large = list[str](), 0, 0
        for first in range(0, len(ids), _CHUNK):
            chunk = ids[first : first + _CHUNK]
            due = select(StepRow.account).where(
                one_of(StepRow.account, chunk),
                StepRow.kind.in_([str(kind) for kind in _DUE]),
                StepRow.due < until,
            )
            renewing = set(connection.execute(due.distinct()).scalars())
            sizes = _sizes(connection, sorted(renewing))
            for account in chunk:
                if len(found) == sampling.accounts:
                    break
                looked_at += 1
                if account in renewing and sizes[account] > LARGEST_ACCOUNT:
                    large += 1
                elif account in renewing:
                    found.append(account)
            if len(found) == sampling.accounts:
                break
    return Sample(accounts=tuple(found), of=count, looked_at=looked_at, large=large)


def _sizes(connection: Connection, accounts: list[str]) -> dict[str, int]:
    """How many subscriptions of each account have a next step."""
    query = (
        select(StepRow.account, func.count())
        .where(one_of(StepRow.account, accounts), StepRow.subject_kind == SubjectKind.SUBSCRIPTION)
        .group_by(StepRow.account)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


class GrowingEffect:
    """An effect that grows account by account. `play` may be repeated, `add` may not.

    `seconds`: after so long no further account is played.
    """

    def __init__(self, ledger: Ledger, terms: NewTerms, sampling: Sampling, seconds: float) -> None:
        self._ledger = ledger
        self._terms = terms
        self._ends = monotonic() + seconds
        self._seconds = seconds
        self.result = Effect(sampling=sampling, sample=draw(ledger, sampling))

    @property
    def waiting(self) -> Sequence[str]:
        """The accounts that are still to be played. None are left when a limit is reached."""
        found = self.result
        left = found.sample.accounts[found.played + len(found.failing) :]
        if left and len(found.rows) >= MOST_SUBSCRIPTIONS:
            found.ended = f"{MOST_SUBSCRIPTIONS:,} subscriptions were played"
        elif left and monotonic() > self._ends:
            found.ended = f"{self._seconds:,.0f} seconds are over"
        return () if found.ended else left

    def play(self, account: str) -> WhatIf | str:
        """Play an account with the new terms. A text says why it cannot be played."""
        assumed = Assumptions(catalog=self._terms.entries, policy=self._terms.policy)
        try:
            return what_if(self._ledger, account, assumed, self.result.sampling.months)
        except (Faults, LookupError, Refused) as error:
            return first_line(error)
        except Exception as error:
            if is_passing(error):
                raise
            return f"{type(error).__name__}: {first_line(error)}"

    def add(self, account: str, played: WhatIf | str) -> None:
        """Add what was played to the result."""
        found = self.result
        if isinstance(played, str):
            found.failing.append((account, played))
            return
        found.played += 1
        without = [pair.without for pair in played.pairs if pair.without]
        under = [pair.assumed for pair in played.pairs if pair.assumed]
        found.failed_without += _failures(without)
        found.failed_under += _failures(under)
        self._sum(played.currency, without, under)
        found.rows += rows_of(account, played.currency, without, under)

    def _sum(self, currency: str, without: Sequence[Entry], under: Sequence[Entry]) -> None:
        sums = next((it for it in self.result.sums if it.currency == currency), None)
        if sums is None:
            sums = Sums(currency=currency)
            self.result.sums.append(sums)
            self.result.sums.sort(key=lambda it: it.currency)
        sums.without += _taken(without)
        sums.under += _taken(under)

    def end(self) -> Effect:
        """The result, with the rows that differ first."""
        self.result.rows.sort(key=lambda row: not row.differs)
        return self.result


def effect_of(
    ledger: Ledger,
    terms: NewTerms,
    sampling: Sampling,
    *,
    seconds: float,
    progress: Progress | None = None,
) -> Effect:
    """The effect of new terms. `seconds`: after so long no further account is played.

    Raises LookupError for a test clock that the seller does not have.
    """
    growing = GrowingEffect(ledger, terms, sampling, seconds)
    total = len(growing.result.sample.accounts)
    done = 0
    while waiting := growing.waiting:
        growing.add(waiting[0], growing.play(waiting[0]))
        done += 1
        if progress:
            progress(done, total)
    return growing.end()


def rows_of(
    account: str, currency: str, without: Sequence[Entry], under: Sequence[Entry]
) -> list[EffectRow]:
    """A row for each subscription of an account that has an event in either future."""
    both: dict[str, tuple[list[Moment], list[Moment]]] = defaultdict(lambda: ([], []))
    for side, entries in enumerate((without, under)):
        for entry in sorted(entries, key=lambda it: it.at):
            if entry.subscription is not None and entry.event in _TOLD:
                both[entry.subscription][side].append(
                    Moment(
                        date=entry.date,
                        event=entry.event,
                        amount=entry.amount,
                        reason=entry.reason,
                    )
                )
    return [
        EffectRow(
            account=account,
            currency=currency,
            subscription=subscription,
            without=tuple(before[:MOST_MOMENTS]),
            under=tuple(then[:MOST_MOMENTS]),
            dates=[it.date for it in before] != [it.date for it in then],
            fees=_differ([it.amount for it in before], [it.amount for it in then]),
            outcomes=[(it.event, it.reason) for it in before]
            != [(it.event, it.reason) for it in then],
        )
        for subscription, (before, then) in sorted(both.items())
    ]


def _differ(before: Sequence[Decimal | None], then: Sequence[Decimal | None]) -> bool:
    """Whether the amounts that are paid in both differ."""
    paid, pays = [it for it in before if it], [it for it in then if it]
    return any(one != other for one, other in zip(paid, pays, strict=False))


def _failures(entries: Sequence[Entry]) -> int:
    return sum(entry.event is Event.RENEWAL_FAILED for entry in entries)


def _taken(entries: Sequence[Entry]) -> Decimal:
    """What renewals and conversions take from the wallet."""
    paid = (entry.amount or Decimal(0) for entry in entries if entry.event in _TOLD)
    return -sum(paid, Decimal(0))
