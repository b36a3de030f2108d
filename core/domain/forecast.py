"""What an account's subscriptions will do by themselves, if no command arrives.

The forecast holds the events to come, with amounts and balance. It decides nothing about dates or
money. The planner says what is due, and `renewal_attempt` what is attempted and what it costs.
`funding` says what pays, and `lifecycle` how a subscription changes. Overdue steps run when the
forecast begins, as after an outage (Rule 13).

Worked example: usable 30.00, *renew by card* on, 50.00 due on 12-08: `card_charged` +50.00 (balance
80.00), `renewed` −50.00 (balance 30.00).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from heapq import heappop, heappush
from itertools import count

from core.domain import alignment, auto_top_up, funding, number_changes, trial
from core.domain import numbers as numbers_
from core.domain import renewal_attempt as attempts
from core.domain.activation_fees import ActivationFee
from core.domain.calendar import local_date
from core.domain.events import Event
from core.domain.failed_groups import retried_after_top_up
from core.domain.fees import cost_of, payable, period_lines
from core.domain.funding import Source
from core.domain.monthly_invoice import month_of, wait_for_invoice
from core.domain.numbers import Cause, Number, NumberState
from core.domain.planner import outage
from core.domain.planner.account_steps import ACCOUNT_STEPS, next_account_step
from core.domain.planner.next_step import next_step
from core.domain.planner.notices import Notice, PlannedNotice, planned_notices, untrue
from core.domain.planner.renewals import renewal_date
from core.domain.planner.same_instant_order import place
from core.domain.planner.subscription_steps import SUBSCRIPTION_STEPS
from core.domain.priced_group import PricedGroup
from core.domain.renewal_attempt import Attempt
from core.domain.rules import Rule
from core.domain.steps import RENEWALS, Step, StepKind
from core.domain.subscription import ZERO, Account, Failure, Mode, Status, Subscription
from core.domain.terms import Terms

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event to come.

    `at`, `date`: its instant (UTC) and the account's local date.
    `event`: what happens.
    `subscription`: the id of the subscription, None for an event of the account itself.
    `amount`: the signed change of the balance, None where nothing changes it.
    `balance`: the balance after the event.
    `rule`, `why`: the rule behind it, and the reason in words.
    `reason`: why a renewal or the conversion of a trial failed, default None.
    `number`: the number that it is about, default None.
    """

    at: datetime
    date: date
    event: Event
    subscription: str | None
    amount: Decimal | None
    balance: Decimal
    rule: Rule
    why: str
    reason: Failure | None = None
    number: str | None = None


def forecast(
    account: Account,
    subscriptions: Iterable[Subscription],
    terms: Terms,
    now: datetime,
    until: datetime,
    *,
    numbers: Iterable[tuple[Number, Step | None]] = (),
    card_charges: bool = True,
    seller_wallet: Decimal = ZERO,
) -> list[Entry]:
    """Every event of the subscriptions after `now`, up to and including `until`, in order.

    `account`, `subscriptions`: the account and all of its subscriptions, as they are now.
    `terms`: the catalogue and the policies. A policy version that is missing raises KeyError.
    `now`, `until`: instants (UTC).
    `numbers`: the numbers that are in use, held or reserved for the account, each with its next
    step. Default none.
    `card_charges`: whether the stored card will be charged (or declined), default True.
    `seller_wallet`: what the seller's own wallet holds in the account's currency, default nothing.
    It is looked at under the policy `seller_wallet` only. What other accounts take from it is not
    forecast (Rule 11.5).
    """
    run = _Run(account, terms, card_charges, seller_wallet, now)
    for subscription in subscriptions:
        run.plan(subscription)
    for number, step in numbers:
        run.keep(number, step)
    run.plan_account(account)
    run.run_until(until)
    return run.entries


#: Its instant, its place at that instant, the order of planning, and what it is.
_Due = tuple[
    datetime,
    tuple[int, date, str],
    int,
    Step | PlannedNotice,
    Subscription | Account | Number,
]


class _Run:
    """The account as it changes: how it stands, what is due next, and the events so far."""

    def __init__(
        self,
        account: Account,
        terms: Terms,
        card_charges: bool,
        seller_wallet: Decimal,
        now: datetime,
    ) -> None:
        self.account = account
        self.terms = terms
        self.card_charges = card_charges
        self.seller_wallet = seller_wallet
        self.now = now
        self.entries: list[Entry] = []
        self._subscriptions: dict[str, Subscription] = {}
        self._numbers: dict[str, Number] = {}
        self._instant = now
        self._steps: dict[str, Step | None] = {}
        self._due: list[_Due] = []
        self._number = count()

    @property
    def today(self) -> date:
        """The account's local date now."""
        return local_date(self.now, self.account.timezone)

    def run_until(self, until: datetime) -> None:
        """Do everything that is due up to an instant, in the order of Rule 1.7."""
        while self._due and self._due[0][0] <= until:
            due, *_, what, planned_for = heappop(self._due)
            self.now, self._instant = max(self.now, due), due
            balance = self.account.balance
            if isinstance(planned_for, Account):
                assert isinstance(what, Step)
                if self.account.version == planned_for.version:
                    self._take_account_step(what)
            elif isinstance(planned_for, Number):
                assert isinstance(what, Step)
                if self._numbers[planned_for.number] == planned_for:
                    self._take_step_of_number(what, planned_for)
            elif isinstance(what, PlannedNotice):
                self._notify(what.kind, planned_for)
            elif self._subscriptions[planned_for.id].version == planned_for.version:
                self._take(what, planned_for)
            if self.account.balance < balance:
                self._look_at_top_up()

    def plan(self, subscription: Subscription) -> None:
        """Plan a subscription's next step, and the notices of an *E* that is new."""
        before = self._subscriptions.get(subscription.id)
        self._subscriptions[subscription.id] = subscription
        if before is not None and before.status is not subscription.status:
            self._give_back(subscription)
        policy, zone = self.terms.policy_of(subscription), self.account.timezone
        step = self._steps[subscription.id] = next_step(subscription, policy, zone)
        if step is not None:
            self._push(step, subscription)
        if before is None or before.expiry != subscription.expiry:
            for notice in planned_notices(subscription, policy, zone, self.now):
                self._push(notice, subscription)

    def plan_account(self, account: Account) -> None:
        """Plan the next step of the account itself, as it is now."""
        self.account = account
        if step := next_account_step(account, self.terms.policy):
            order = (step.kind.rank, date.min, account.id)
            heappush(self._due, (step.due, order, next(self._number), step, account))

    def plan_number(self, number: Number, since: datetime | None = None) -> None:
        """Plan the next step of a number. A reminder after `since` (default now) is to come."""
        self.keep(number, numbers_.next_step_of(number, self.account.timezone, since or self.now))

    def keep(self, number: Number, step: Step | None) -> None:
        """Keep a number as it is, and its next step."""
        self._numbers[number.number] = number
        if step is not None:
            order = (step.kind.rank, date.min, number.number)
            heappush(self._due, (step.due, order, next(self._number), step, number))

    def _take_step_of_number(self, step: Step, number: Number) -> None:
        policy, of = self.terms.policy, number.subscription
        if step.kind is StepKind.LEAVE:
            first_day = local_date(step.due, self.account.timezone)
            given = numbers_.give_back(number, Cause.REMOVED, policy, first_day, step.due)
            assert given is not None
            self.plan_number(given[0])
        elif step.kind is StepKind.REMIND:
            if numbers_.reminder_is_true(number, self.account.timezone, self.now):
                self._tell(Event.NUMBER_HOLD_ENDING, step.rule, step.why, of, number=number.number)
            self.plan_number(number)
        else:
            self._tell(Event.NUMBER_RELEASED, step.rule, step.why, of, number=number.number)
            self.plan_number(numbers_.release(number, self.today))

    def _give_back(self, subscription: Subscription) -> None:
        """Numbers are held when their subscription has expired, or has ended (Rule 10.2)."""
        cause, on = Cause.TERMINATED, subscription.terminated_on
        if subscription.status is Status.EXPIRED:
            cause, on = Cause.EXPIRED, subscription.expired_on
        assert on is not None
        ended = subscription.status is Status.TERMINATED
        since = self._instant - timedelta.resolution if ended else None
        for number in self._numbers_of(subscription):
            if given := numbers_.give_back(number, cause, self.terms.policy, on, self.now):
                self.plan_number(given[0], since)

    def _leave(self, before: Subscription) -> None:
        """Numbers that were removed at renewal leave with the cycle that was paid (Rule 10.1)."""
        going = number_changes.leaving(before)
        for number in self._numbers_of(before):
            if number.number in going:
                self.plan_number(numbers_.leave_on(number, before.expiry + _DAY))

    def _numbers_of(self, subscription: Subscription) -> list[Number]:
        """The numbers that a subscription has in use, or that are held since it has expired."""
        return [
            number
            for number in self._numbers.values()
            if number.subscription == subscription.id
            and (number.state is NumberState.IN_USE or number.cause is Cause.EXPIRED)
        ]

    def _look_at_top_up(self) -> None:
        """Plan an automatic top-up if the balance was lowered far enough (Rule 11.2)."""
        after = auto_top_up.look(self.account, self.terms.policy, self.today, self.now)
        if after is not self.account:
            self.plan_account(after)

    def _top_up(self, step: Step) -> None:
        """The automatic top-up, and the renewals that it heals (Rules 5.4, 11.2)."""
        amount = self.account.last_top_up
        assert amount is not None
        if not auto_top_up.is_possible(self.account):
            self.account = auto_top_up.not_made(self.account)
        elif not self.card_charges:
            self._tell(Event.CARD_DECLINED, step.rule, step.why)
            self.account = auto_top_up.not_made(self.account)
        else:
            self._tell(Event.AUTO_TOPPED_UP, step.rule, step.why, amount=amount)
            self.account = auto_top_up.made(self.account, amount, self.today)
            self._heal()
        self.plan_account(self.account)

    def _heal(self) -> None:
        """Renew each failed group that the wallet covers, oldest first (Rule 5.4)."""
        of_account = self._subscriptions.values()
        for group in retried_after_top_up(self.account, of_account, self.terms, self.now):
            if group.covered_by(self.account, self.today) and self._take_cost(group.cost):
                self._renew_all(group, Rule.RETRY, "a top-up covers it")

    def _renew_all(self, group: PricedGroup, rule: Rule, why: str) -> None:
        for member in group.members:
            renewed, _ = alignment.renew(member, self.today, self.now, self.terms.policy_version)
            words = "; with ".join([why, *(it.words for it in member.pending)])
            fee = payable(member, group.lines[member.id])
            self._tell(Event.RENEWED, rule, words, member, -fee)
            self._activate(member, group.activation.get(member.id, ()))
            self._leave(member)
            self.plan(renewed)

    def _take_account_step(self, step: Step) -> None:
        if step.kind is StepKind.AUTO_TOP_UP:
            self._top_up(step)
            return
        if step.kind is StepKind.MONTHLY_INVOICE:
            # Nothing of the new month is charged before its first instant.
            self.account = replace(self.account, unbilled=ZERO)
        row = ACCOUNT_STEPS[step.kind]
        self._tell(row.event, step.rule, step.why)
        self.plan_account(row.change(self.account))

    def _bill_later(self, amount: Decimal) -> None:
        """A postpaid account is charged: the amount waits for the invoice of the month."""
        self.account = replace(self.account, unbilled=self.account.unbilled + amount)
        self._wait_for_invoice()

    def _wait_for_invoice(self) -> None:
        """Plan the monthly invoice on which an amount of now stands, unless it is planned."""
        month = month_of(self.now, self.account.timezone)
        waiting = wait_for_invoice(self.account, month)
        if waiting is not self.account:
            self.plan_account(waiting)

    def _push(self, what: Step | PlannedNotice, subscription: Subscription) -> None:
        order = place(what, subscription, self.terms.policy_of(subscription))
        heappush(self._due, (what.due, order, next(self._number), what, subscription))

    def _take(self, step: Step, subscription: Subscription) -> None:
        if step.kind in RENEWALS:
            siblings = self._subscriptions.values()
            attempt = attempts.plan(
                self.account, subscription, siblings, self._steps, self.terms, self.now
            )
            assert attempt is not None
            self._attempt(attempt)
            return
        if step.kind is StepKind.CONVERT_TRIAL:
            self._convert(step, subscription)
            return
        row = SUBSCRIPTION_STEPS[step.kind]
        self._tell(row.event, step.rule, step.why, subscription)
        self.plan(row.change(subscription, self.today, self.account.timezone))

    def _attempt(self, attempt: Attempt) -> None:
        if not attempt.members:
            self.plan(outage.miss(attempt.leader, self.now))
            return
        failure = attempt.failure or self._fund(attempt.group.amount, attempt.group.cost)
        if failure is None:
            self._renew_all(attempt.group, attempt.rule, attempt.why)
            return
        for member in attempt.members:
            failed, events = attempts.fail(
                member, failure, attempt.rule, self.account.timezone, self.now
            )
            for told in events:
                self._tell(told.event, told.rule, attempt.why, member, reason=told.reason)
            self.plan(failed)

    def _convert(self, step: Step, tried: Subscription) -> None:
        """Charge the first cycle of a trial, or let it expire (Rule 4.3)."""
        version = self.terms.policy_version
        converted, period = trial.convert(tried, self.today, self.now, version)
        catalog, currency = self.terms.catalog, self.account.currency
        lines = period_lines(converted, period, catalog, currency, self.today)
        fee = payable(converted, lines)
        failure = self._fund(fee, cost_of(lines))
        if failure is None:
            self._tell(Event.CONVERTED, step.rule, step.why, tried, -fee)
            self.plan(converted)
        else:
            self._tell(Event.EXPIRED, step.rule, step.why, tried, reason=failure)
            self.plan(trial.fail(tried, failure, self.account.timezone, self.now))

    def _activate(self, member: Subscription, fees: Iterable[ActivationFee]) -> None:
        """Charge activation fees, and plan the monthly invoice on which they stand (Rule 10.1)."""
        for fee in fees:
            why = f"the number {fee.number} was added"
            self._tell(
                Event.ACTIVATION_FEE,
                Rule.ACTIVATION_FEE,
                why,
                member,
                -fee.amount,
                number=fee.number,
            )
            self._wait_for_invoice()

    def _fund(self, amount: Decimal, cost: Decimal) -> Failure | None:
        """Let the wallet, or the card, cover an amount. Returns why neither does (Rule 5.3).

        `cost`: what the seller pays. If its own wallet does not cover that, no card is tried
        (Rule 11.5).
        """
        source = funding.fund(self.account, amount, self.today)
        if isinstance(source, Failure):
            return source
        if not self._seller_covers(cost):
            return Failure.NO_CREDITS
        if source is Source.CARD:
            why = f"usable {self.account.usable(self.today):f} does not cover {amount:f}"
            if not self.card_charges:
                self._tell(Event.CARD_DECLINED, Rule.FUNDING, why)
                return Failure.CARD_DECLINED
            self._tell(Event.CARD_CHARGED, Rule.FUNDING, why, amount=amount)
        self._take_cost(cost)
        return None

    def _seller_covers(self, cost: Decimal) -> bool:
        return not self.terms.policy.seller_wallet or self.seller_wallet >= cost

    def _take_cost(self, cost: Decimal) -> bool:
        """Take a cost from the seller's own wallet. Returns whether it covers it (Rule 11.5)."""
        covers = self._seller_covers(cost)
        if covers and self.terms.policy.seller_wallet:
            self.seller_wallet -= cost
        return covers

    def _notify(self, kind: Notice, planned_for: Subscription) -> None:
        subscription = self._subscriptions[planned_for.id]
        policy, zone = self.terms.policy_of(subscription), self.account.timezone
        if (
            untrue(
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
            why = {
                Notice.RENEWAL: f"renews on {renewal_date(subscription, policy)}",
                Notice.EXPIRING: f"auto-renewal is off; {subscription.expiry} is the last day",
                Notice.TRIAL_ENDING: f"{subscription.expiry} is the last day of the trial",
            }
            self._tell(Event(kind), Rule.MESSAGES, why[kind], subscription)

    def _tell(
        self,
        event: Event,
        rule: Rule,
        why: str,
        subscription: Subscription | str | None = None,
        amount: Decimal | None = None,
        *,
        reason: Failure | None = None,
        number: str | None = None,
    ) -> None:
        self.account = replace(self.account, balance=self.account.balance + (amount or 0))
        if amount and amount < 0 and self.account.mode is Mode.POSTPAID:
            self._bill_later(-amount)
        id_ = subscription.id if isinstance(subscription, Subscription) else subscription
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
                number=number,
            )
        )
