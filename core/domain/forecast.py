"""What an account's subscriptions will do by themselves, if nobody commands anything: the events to come, with amounts and balance.

The planner says what is due, `core.domain.renewal_attempt` who is attempted and what it costs, `core.domain.funding` what pays, `core.domain.lifecycle` what becomes
of it: nothing about dates or money is decided here. What is overdue when the forecast begins is done then, as after an outage (Rule 13).

Worked example: usable 30.00, *renew by card* on, 50.00 due on 12-08: `card_charged` +50.00 (balance 80.00), `renewed` −50.00 (balance 30.00).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from heapq import heappop, heappush
from itertools import count

from core.domain import funding, lifecycle, planner
from core.domain import renewal_attempt as attempts
from core.domain.calendar import local_date
from core.domain.events import Event
from core.domain.fees import total
from core.domain.funding import Source
from core.domain.planner import RANK, RENEWALS, Kind, Notice, PlannedNotice, Step
from core.domain.renewal_attempt import Attempt, Terms
from core.domain.rules import Rule
from core.domain.subscription import Account, Failure, Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event to come: its instant (UTC) and local date, the subscription (none for the account's own), the signed change of the balance
    (none where there is none) and the balance after it, the rule, and why in words. `reason` is a failed renewal's."""

    at: datetime
    date: date
    event: Event
    subscription: str | None
    amount: Decimal | None
    balance: Decimal
    rule: Rule
    why: str
    reason: Failure | None = None


def forecast(
    account: Account,
    subscriptions: Iterable[Subscription],
    terms: Terms,
    now: datetime,
    until: datetime,
    *,
    card_charges: bool = True,
) -> list[Entry]:
    """Every event of all of an account's subscriptions after `now` up to and including `until` (UTC), in the order in which they happen
    (Rule 1.7). `card_charges`: whether the stored card, if there is one, will be charged or declined.

    Raises `Refused` 4.1 when a price is missing, KeyError for a policy version that is not among the terms.
    """
    run = _Run(account, terms, card_charges, now)
    for subscription in subscriptions:
        run.plan(subscription)
    run.play(until)
    return run.entries


class _Run:
    """The account on its way: how it stands, what is due next, and what was told so far."""

    def __init__(self, account: Account, terms: Terms, card_charges: bool, now: datetime) -> None:
        self.account = account
        self.terms = terms
        self.card_charges = card_charges
        self.now = now
        self.entries: list[Entry] = []
        self._subscriptions: dict[str, Subscription] = {}
        self._due: list[
            tuple[datetime, int, date, str, int, Step | PlannedNotice, Subscription]
        ] = []
        self._number = count()

    @property
    def today(self) -> date:
        """The account's local date now."""
        return local_date(self.now, self.account.timezone)

    def play(self, until: datetime) -> None:
        """Do everything that is due up to an instant, in the order of Rule 1.7."""
        while self._due and self._due[0][0] <= until:
            due, *_, what, planned_for = heappop(self._due)
            self.now = max(self.now, due)
            if isinstance(what, PlannedNotice):
                self._notify(what.kind, planned_for)
            elif self._subscriptions[planned_for.id].version == planned_for.version:
                self._take(what, planned_for)

    def plan(self, subscription: Subscription) -> None:
        """Take up a subscription as it is (now), with its next step, and the notices of an *E* that is new."""
        before = self._subscriptions.get(subscription.id)
        self._subscriptions[subscription.id] = subscription
        policy, zone = self.terms.policy_of(subscription), self.account.timezone
        if step := planner.next_step(subscription, policy, zone):
            self._push(step, subscription)
        if before is None or before.expiry != subscription.expiry:
            for notice in planner.notices(subscription, policy, zone, self.now):
                self._push(notice, subscription)

    def _push(self, what: Step | PlannedNotice, subscription: Subscription) -> None:
        by_date = (
            planner.renewal_date(subscription, self.terms.policy_of(subscription))
            if what.kind in RENEWALS
            else date.min
        )
        heappush(
            self._due,
            (
                what.due,
                RANK[what.kind],
                by_date,
                subscription.id,
                next(self._number),
                what,
                subscription,
            ),
        )

    def _take(self, step: Step, subscription: Subscription) -> None:
        match step.kind:
            case Kind.EXPIRE:
                self._tell(Event.EXPIRED, step.rule, step.why, subscription)
                self.plan(lifecycle.expire(subscription, self.today, self.account.timezone))
            case Kind.END:
                self._tell(Event.TERMINATED, step.rule, step.why, subscription)
                self.plan(lifecycle.terminate(subscription, self.today))
            case _:
                attempt = attempts.plan(
                    self.account, subscription, self._subscriptions.values(), self.terms, self.now
                )
                assert attempt is not None
                self._attempt(attempt)

    def _attempt(self, attempt: Attempt) -> None:
        if not attempt.members:
            self.plan(lifecycle.miss(attempt.leader, self.now))
            return
        source = attempt.failure or self._fund(attempt.amount)
        for member in attempt.members:
            if isinstance(source, Failure):
                failed, events = attempts.fail(
                    member, source, attempt.rule, self.account.timezone, self.now
                )
                for told in events:
                    self._tell(told.event, told.rule, attempt.why, member, reason=told.reason)
                self.plan(failed)
            else:
                renewed, _ = lifecycle.renew(member, self.now, self.terms.policy_version)
                self._tell(
                    Event.RENEWED,
                    attempt.rule,
                    attempt.why,
                    member,
                    -total(attempt.lines[member.id]),
                )
                self.plan(renewed)

    def _fund(self, amount: Decimal) -> Source | Failure:
        source = funding.fund(self.account, amount, self.today)
        if source is not Source.CARD:
            return source
        why = f"usable {self.account.usable(self.today):f} does not cover {amount:f}"
        if not self.card_charges:
            self._tell(Event.CARD_DECLINED, Rule.FUNDING, why)
            return Failure.CARD_DECLINED
        self._tell(Event.CARD_CHARGED, Rule.FUNDING, why, amount=amount)
        return source

    def _notify(self, kind: Notice, planned_for: Subscription) -> None:
        subscription = self._subscriptions[planned_for.id]
        policy, zone = self.terms.policy_of(subscription), self.account.timezone
        if (
            planner.untrue(
                kind,
                planned_for.expiry,
                subscription,
                policy,
                zone,
                self.now,
                suspended=self.account.suspended,
            )
            is None
        ):
            renews = f"renews on {planner.renewal_date(subscription, policy)}"
            why = (
                renews
                if kind is Notice.RENEWAL
                else f"auto-renewal is off; {subscription.expiry} is the last day"
            )
            self._tell(Event(kind), Rule.MESSAGES, why, subscription)

    def _tell(
        self,
        event: Event,
        rule: Rule,
        why: str,
        subscription: Subscription | None = None,
        amount: Decimal | None = None,
        *,
        reason: Failure | None = None,
    ) -> None:
        self.account = replace(self.account, balance=self.account.balance + (amount or 0))
        id_ = None if subscription is None else subscription.id
        self.entries.append(
            Entry(
                at=self.now,
                date=self.today,
                event=event,
                subscription=id_,
                amount=amount or None,
                balance=self.account.balance,
                rule=rule,
                why=why,
                reason=reason,
            )
        )
