"""What if: assumptions about the future of one account, played on a copy of it.

The copy is made, and everything is played, in one transaction that is never committed
(`core.ledger.account_copy`, docs/decisions/0022). The very use cases run, by plain calls, on a test
clock. So what is forecast is what would happen, and the account is not touched.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select

from activities.registry import Activities
from core.domain import inputs
from core.domain.calendar import add_months, first_instant, local_date
from core.domain.commands import AnyCommand
from core.domain.commands.base import SubscriptionCommand
from core.domain.events import Event
from core.domain.faults import Fault, Faults
from core.domain.forecast import Entry, forecast
from core.domain.forecast_difference import Pair, side_by_side
from core.domain.policy import Policy
from core.domain.refusal import Refusal
from core.domain.rules import Rule
from core.domain.subscription import Failure, Status, Subscription
from core.gateways.assumed_cards import AssumedCards
from core.ledger import seller_wallets, stored_terms
from core.ledger.account_copy import Copied, copy_of_account
from core.ledger.ledger import Ledger
from core.ledger.rows import NUMBERS, SUBSCRIPTIONS, account_from, number_from, step_from
from core.ledger.tables import AccountRow, Clock, History, NumberRow, SubscriptionRow
from doors.application import test_clocks
from doors.application.direct_engine import Direct, finished
from doors.application.taken_together import TakenTogether

ASSUMABLE = (
    *("purchase", "trial", "recover", "reactivate", "convert", "extend", "unsubscribe"),
    *("resubscribe", "terminate", "change_plan", "set_addon", "change_cycle", "remove_number"),
    *("top_up", "set_card", "set_account", "usage", "adjust", "pay_invoice", "suspend", "resume"),
)
"""The commands that can be assumed. The others touch other accounts, or numbers of others."""

MOST_STEPS = 100
"""So many assumptions are played."""

LONGEST_ID = inputs.LONGEST_ID - 20
"""An id of the copy is longer than the original."""

MOST_CYCLES = 240_000
"""So many subscriptions times months are forecast: 10,000 subscriptions for two years."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """Something that is assumed to happen: a command at an instant (UTC), or an outage.

    `command`: one of `ASSUMABLE`, None for an outage. It needs no request id.
    `outage_until`: the end of an outage (UTC), None for a command.
    """

    at: datetime
    command: AnyCommand | None = None
    outage_until: datetime | None = None

    @property
    def do(self) -> str:
        """The word for it."""
        return "outage" if self.command is None else self.command.do


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What is assumed: new terms, and steps in their order.

    `catalog`: entries as a person writes them (`core.domain.catalog`).
    `policy`: a policy that is put in force now (Rule 14). None: it stays as it is.
    `steps`: at most `MOST_STEPS`. Their instants do not decrease, and none is inside an outage.
    """

    catalog: tuple[dict[str, Any], ...] = ()
    policy: Policy | None = None
    steps: tuple[Assumption, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedAssumption:
    """An assumed command that would be refused, and by which rule.

    `number`: its place among the assumptions, from 1.
    """

    number: int
    do: str
    at: datetime
    refusal: Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How an account stands at the end of a forecast.

    `balance`: Rule 11.1. `events`: how often each event happens until then.
    """

    balance: Decimal
    events: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """The forecast of an account without assumptions and with them.

    `now`, `until`: the instants (UTC) between which it looks.
    `balance`: what it is now.
    `without`, `assumed`: how the account stands at the end.
    `pairs`: the events of both, side by side.
    `refused`: the assumed commands that would be refused.
    """

    account: str
    currency: str
    timezone: str
    now: datetime
    until: datetime
    balance: Decimal
    without: Outlook
    assumed: Outlook
    pairs: list[Pair]
    refused: list[RefusedAssumption]


def end_of(now: datetime, months: int, zone: str) -> datetime:
    """The last instant (UTC) of a forecast: the first one of the same day, months later."""
    return first_instant(add_months(local_date(now, zone), months), zone)


def what_if(
    ledger: Ledger,
    account: str,
    assumptions: Assumptions,
    months: int,
    *,
    card_charges: bool = True,
    progress: Callable[[datetime], None] | None = None,
) -> WhatIf:
    """Play assumptions on a copy of an account. Nothing of the account is touched or locked.

    `months`: how far it looks.
    `card_charges`: whether the card that is stored now would be charged, default True.
    `progress`: is called with the instant that the play has come to. Default none.

    Raises LookupError for an account that the seller does not have. Raises `Faults` when it has too
    many subscriptions for so many months, and for assumptions that cannot be played.
    """
    now, zone = _now(ledger, account, months)
    _check(account, assumptions, now, end_of(now, months, zone))
    named = {
        step.command.subscription
        for step in assumptions.steps
        if isinstance(step.command, SubscriptionCommand)
    }
    with copy_of_account(ledger, account, now, named) as copied:
        return _Play(copied, now, assumptions, months, card_charges, progress).result()


def _check(account: str, assumptions: Assumptions, now: datetime, until: datetime) -> None:
    """Raise `Faults` for assumptions that cannot be played between two instants (UTC)."""
    faults, last = [], now
    if len(assumptions.steps) > MOST_STEPS:
        reason = f"has {len(assumptions.steps)} steps; at most {MOST_STEPS} are allowed"
        raise Faults([Fault("steps", reason)])
    for number, step in enumerate(assumptions.steps, start=1):
        place, ends = f"step {number}", step.outage_until or step.at
        if (step.command is None) == (step.outage_until is None):
            faults.append(Fault(place, "must be a command or an outage"))
        elif step.command is not None and step.command.do not in ASSUMABLE:
            allowed = ", ".join(ASSUMABLE)
            faults.append(Fault(place, f"{step.do} cannot be assumed; allowed are {allowed}"))
        elif step.command is not None:
            faults += _ids_fit(place, account, step.command)
        if step.at < now:
            reason = f"{_utc(step.at)} is past; the account's now, {_utc(now)}, or later is allowed"
            faults.append(Fault(f"{place}, at", reason))
        elif step.at < last:
            reason = f"{_utc(step.at)} is before {_utc(last)}, where the step before it ends"
            faults.append(Fault(f"{place}, at", reason))
        if ends > until or ends < step.at:
            reason = f"{_utc(ends)} is not between its begin and {_utc(until)}, the last instant"
            faults.append(Fault(place, reason))
        last = max(last, ends)
    if faults:
        raise Faults(faults)


def _ids_fit(place: str, account: str, command: AnyCommand) -> Iterator[Fault]:
    """The faults of ids that are of another account, or too long for a copy."""
    named = getattr(command, "account", account)
    if named != account:
        yield Fault(f"{place}, account", f"{named} is another account; {account} is allowed")
    if getattr(command, "numbers", None):
        yield Fault(f"{place}, numbers", "a purchase of numbers cannot be assumed")
    for id_ in (account, getattr(command, "subscription", "")):
        if len(id_) > LONGEST_ID:
            yield Fault(place, f"{id_} has more than {LONGEST_ID} characters")


def _utc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _now(ledger: Ledger, account: str, months: int) -> tuple[datetime, str]:
    """The now and the zone of an account that is not too large. Raises LookupError, `Faults`."""
    lives = (
        select(func.count())
        .where(SubscriptionRow.account == account, SubscriptionRow.status != Status.TERMINATED)
        .scalar_subquery()
    )
    query = (
        select(Clock.now, AccountRow.timezone, lives.label("lives"))
        .select_from(AccountRow)
        .outerjoin(Clock, Clock.id == AccountRow.clock)
        .where(AccountRow.id == account, AccountRow.seller == ledger.seller)
    )
    with ledger.read() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise LookupError(f"there is no account {account}")
    if row.lives * months > MOST_CYCLES:
        most = max(1, MOST_CYCLES // row.lives)
        reason = (
            f"account {account} has {row.lives:,} subscriptions; "
            f"at most {most} months are allowed with assumptions, not {months}"
        )
        raise Faults([Fault("months", reason)])
    return row.now or ledger.machine_now(), row.timezone


class _Play:
    """One play on one copy."""

    def __init__(
        self,
        copied: Copied,
        now: datetime,
        assumptions: Assumptions,
        months: int,
        card_charges: bool,
        progress: Callable[[datetime], None] | None,
    ) -> None:
        self._copied = copied
        self._ledger = copied.ledger
        self._now = now
        self._assumptions = assumptions
        self._card_charges = card_charges
        self._progress = progress
        query = select(AccountRow.__table__).where(AccountRow.id == copied.account)
        self._row = self._ledger.connection.execute(query).one()
        self._until = end_of(now, months, self._row.timezone)
        declined = () if card_charges or self._row.card is None else (self._row.card,)
        self._engine = Direct(Activities(self._ledger, AssumedCards(declined)))

    def result(self) -> WhatIf:
        """The forecast without the assumptions, then the play with them."""
        without = self._forecast()
        refused = self._play()
        assumed = self._happened()
        return WhatIf(
            account=self._copied.original(self._copied.account),
            currency=self._row.currency,
            timezone=self._row.timezone,
            now=self._now,
            until=self._until,
            balance=self._row.balance,
            without=self._outlook(without),
            assumed=self._outlook(assumed),
            pairs=side_by_side(without, assumed),
            refused=refused,
        )

    def _outlook(self, entries: list[Entry]) -> Outlook:
        counted = Counter(str(entry.event) for entry in entries)
        balance = entries[-1].balance if entries else self._row.balance
        return Outlook(balance=balance, events=dict(sorted(counted.items())))

    def _forecast(self) -> list[Entry]:
        connection = self._ledger.connection
        of_account = SUBSCRIPTIONS.where(SubscriptionRow.account == self._copied.account)
        work = self._ledger.works(connection, self._now, [self._copied.account])
        reading = work[self._copied.account]
        rows = connection.execute(of_account.order_by(SubscriptionRow.id))
        subscriptions: list[Subscription] = [reading.add(row) for row in rows]
        mine = connection.execute(NUMBERS.where(NumberRow.account == self._copied.account))
        account = account_from(self._row)
        entries = forecast(
            account,
            subscriptions,
            reading.terms(subscriptions),
            self._now,
            self._until,
            numbers=[(number_from(row), step_from(row)) for row in mine],
            card_charges=self._card_charges,
            seller_wallet=seller_wallets.balance(connection, account.seller, account.currency),
        )
        return [self._as_original(entry) for entry in entries]

    def _as_original(self, entry: Entry) -> Entry:
        if entry.subscription is None:
            return entry
        return replace(entry, subscription=self._copied.original(entry.subscription))

    def _play(self) -> list[RefusedAssumption]:
        """Play the assumptions, and let time pass. Returns those that were refused."""
        if self._assumptions.catalog:
            connection = self._ledger.connection
            entries = self._assumptions.catalog
            stored_terms.add_catalog(connection, self._copied.clock, entries)
        refused = []
        self._pass(self._now)
        if self._assumptions.policy is not None:
            # What is due at this instant is done before (Rule 1.6).
            policy = self._assumptions.policy
            stored_terms.add_policy(self._ledger.connection, self._copied.clock, policy)
        for number, step in enumerate(self._assumptions.steps, start=1):
            self._pass(step.at)
            if step.outage_until is not None:
                self._pass(step.outage_until, outage=True)
            if step.command is not None:
                command = self._on_copy(step.command)
                outcome = finished(self._engine.command(command, step.at))
                if outcome.refusal:
                    reason = self._copied.original(outcome.refusal.reason)
                    told = Refusal(outcome.refusal.rule, reason)
                    refused.append(
                        RefusedAssumption(number=number, do=step.do, at=step.at, refusal=told)
                    )
                self._pass(step.at)
        self._pass(self._until)
        self._ledger.check()
        return refused

    def _pass(self, to: datetime, *, outage: bool = False) -> None:
        finished(
            test_clocks.advance(
                self._ledger,
                TakenTogether(self._ledger, self._engine, self._copied.account),
                self._copied.clock,
                to,
                outage=outage,
                progress=self._progress,
            )
        )

    def _on_copy(self, command: AnyCommand) -> AnyCommand:
        """The command with the ids of the copy."""
        request = command.request_id or uuid4().hex
        changes: dict[str, Any] = {"actor": "assumption", "request_id": request}
        if hasattr(command, "account"):
            changes["account"] = self._copied.account
        if hasattr(command, "subscription"):
            changes["subscription"] = self._copied.id_of(command.subscription)
        if isinstance(command, SubscriptionCommand):
            changes["account_hint"] = self._copied.account
        return replace(command, **changes)

    def _happened(self) -> list[Entry]:
        """What the history of the copy holds, as the entries of a forecast."""
        query = (
            select(
                *(History.at, History.event, History.subscription, History.amount, History.rule),
                History.actor,
                History.facts["reason"].astext.label("reason"),
                History.facts["number"].astext.label("number"),
            )
            .where(History.account == self._copied.account)
            .order_by(History.seq)
        )
        balance, entries = self._row.balance, []
        for row in self._ledger.connection.execute(query):
            balance += row.amount or 0
            reason = row.reason
            failed = row.subscription is not None and reason in list(Failure)
            entries.append(
                Entry(
                    at=row.at,
                    date=local_date(row.at, self._row.timezone),
                    event=Event(row.event),
                    subscription=row.subscription and self._copied.original(row.subscription),
                    amount=row.amount or None,
                    balance=balance,
                    rule=Rule(row.rule),
                    why="it is assumed" if row.actor == "assumption" else "",
                    reason=Failure(reason) if failed else None,
                    number=row.number,
                )
            )
        return entries
