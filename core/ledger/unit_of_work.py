"""A unit of work: what a use case writes in one transaction on one account.

The rows are collected and written in one statement before the commit. `Ledger.work` opens a unit of
work, with the account's row locked.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, update

from core.domain import auto_top_up
from core.domain.commands.base import Command
from core.domain.events import Event
from core.domain.fees import Line
from core.domain.monthly_invoice import month_of, wait_for_invoice
from core.domain.numbers import Happened, Number, next_step_of
from core.domain.planner.account_steps import next_account_step
from core.domain.planner.next_step import next_step
from core.domain.planner.notices import PlannedNotice, planned_notices
from core.domain.planner.renewals import renewal_date
from core.domain.planner.same_instant_order import by_date
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.steps import Step, Subject, of_account, of_number, of_subscription
from core.domain.subscription import ZERO, Account, Mode, Period, Status, Subscription
from core.ledger import change_of_owner, double_entry, seller_wallets
from core.ledger.account_reading import AccountReading, Moved
from core.ledger.bulk_write import Writes
from core.ledger.double_entry import Book, InvoiceKind, Postings, Purpose
from core.ledger.rows import (
    account_changes,
    number_values,
    subscription_changes,
    subscription_values,
)
from core.ledger.tables import (
    AccountRow,
    Base,
    History,
    Invoice,
    Message,
    MonthlyAmount,
    NumberHistory,
    Operation,
    PeriodCharge,
    PeriodRow,
    Posting,
    RefundRow,
    SubscriptionRow,
    TrialRow,
)
from core.protocol.activity_messages import AccountSnapshot, Snapshot

if TYPE_CHECKING:
    from core.ledger.ledger import Ledger

#: The tables that a unit of work adds to, in the order of the references between them.
_ADDED: tuple[type[Base], ...] = (
    SubscriptionRow,
    TrialRow,
    Operation,
    Posting,
    PeriodRow,
    PeriodCharge,
    RefundRow,
    MonthlyAmount,
    Invoice,
    Message,
    History,
    NumberHistory,
)


#: The line of the first posting that stands beside others of its operation.
_BESIDE = 11


class AskedBy(Enum):
    """Who has asked for a unit of work on a subject.

    `ITS_COMMAND`: the workflow of the subject, for a command.
    `ITS_TIME`: the workflow of the subject, because its time has come.
    `ANOTHER`: the workflow of another subject, which waits for it, or a program without a workflow.
    """

    ITS_COMMAND = auto()
    ITS_TIME = auto()
    ANOTHER = auto()


class Work(AccountReading):
    """What a use case sees of its account, and what it may write.

    `others`: units of work on the other accounts that the transaction has locked, by id. Usually
    there are none.
    `of_many`: it is one of many. Changes of its account are written with those of the others.
    Default: they are written at once.
    `numbers`: the numbers that were read or saved (`core.ledger.numbers`), as they are now.
    """

    def __init__(
        self,
        ledger: "Ledger",
        connection: Connection,
        row: Row[Any],
        now: datetime,
        subject: Subject | None = None,
        asked_by: AskedBy = AskedBy.ITS_COMMAND,
        *,
        of_many: bool = False,
    ) -> None:
        super().__init__(ledger, connection, row, now)
        self.others: Mapping[str, Work] = {}
        self._leader: Work | None = None
        self._subject = subject
        self._asked_by = asked_by
        self._of_many = of_many
        self._account_changes: dict[str, Any] = {}
        self._rows: dict[type[Base], list[dict[str, Any]]] = {}
        self._changed: set[str] = set()
        self.numbers: dict[str, Number] = {}
        self._changed_numbers: set[str] = set()
        self._next: dict[Subject, dict[str, Any] | None] = {}
        self._told: dict[Subject, tuple[int, bool]] = {}
        self._planned_step: tuple[Step | None] | None = None
        self._moved = ZERO
        self._cost_taken = ZERO
        self._on_record = (self.account.balance, self.account.unbilled)

    def lead(self, others: Mapping[str, "Work"]) -> None:
        """Take units of work on other accounts along. They are written with this one, in order."""
        self.others = others
        for other in others.values():
            other._leader = self

    def of(self, account: str) -> "Work":
        """The unit of work on this account or on one of the others. Raises `Moved` for no such."""
        if account == self.account.id:
            return self
        if account not in self.others:
            raise Moved(account)
        return self.others[account]

    def new_id(self) -> int:
        """An id for a row, unique among all tables."""
        return self._ledger.ids.take(self.connection)

    # money

    def operation(
        self,
        purpose: Purpose,
        result: Mapping[str, Any],
        *,
        subscription: str | None = None,
        cycle: date | None = None,
        command: Command | None = None,
        external_invoice: str | None = None,
        charge: str | None = None,
    ) -> int:
        """Add an operation and return its id (Rules 4.2, 11.3).

        `purpose`: what it is for.
        `result`: what a repetition of its request returns. It is kept with a request id only.
        `subscription`, `cycle`: what it concerns. With the purpose they make it unique.
        `command`: the command behind it. Its request id and fingerprint are kept.
        `external_invoice`: the number of an external invoice that pays it (Rule 11.4).
        `charge`: the key of the card charge that it credits (Rule 5.3).
        """
        id_ = self.new_id()
        repeatable = command is not None and command.request_id is not None
        # The policy that was in force when E was set decides about its cycle (Rule 14).
        read = self._read.get(subscription or "") if cycle else None
        self._add(
            Operation,
            id=id_,
            seller=self.account.seller,
            account=self.account.id,
            subscription=subscription,
            cycle=cycle,
            purpose=str(purpose),
            request_id=command and command.request_id,
            fingerprint=command.fingerprint() if command and repeatable else None,
            external_invoice=external_invoice,
            charge=charge,
            at=self.now,
            result=dict(result) if repeatable else {},
            policy_version=read.policy_version if read else self.policy_version,
            catalog_revision=self.catalog_revision,
        )
        return id_

    def post(self, operation: int, postings: Postings, *, beside: bool = False) -> None:
        """Add the postings of an operation, made by a template of `double_entry`.

        `beside`: the operation has postings already, default False.
        """
        first = _BESIDE if beside else 1
        for line, (book, amount) in enumerate(postings.items(), start=first):
            if amount:
                self._add(
                    Posting,
                    operation=operation,
                    line=line,
                    book=str(book),
                    account=self.account.id,
                    currency=self.account.currency,
                    amount=amount,
                )
        moved = postings.get(Book.WALLET, ZERO)
        self._moved += moved
        self.account = replace(self.account, balance=self.account.balance + moved)

    def take_cost(self, cost: Decimal) -> bool:
        """Take a cost from the seller's own wallet, for operations that follow (Rule 11.5).

        Returns whether the wallet covers it. Without the policy `seller_wallet` it always does.
        """
        if not cost or not self.policy.seller_wallet:
            return True
        seller, currency = self.account.seller, self.account.currency
        took = seller_wallets.take(self.connection, seller, currency, self.account.id, cost)
        self._cost_taken += cost if took else ZERO
        return took

    def seller_covers(self, cost: Decimal) -> bool:
        """Whether the seller's own wallet covers a cost now. Nothing is taken or locked."""
        if not cost or not self.policy.seller_wallet:
            return True
        seller, currency = self.account.seller, self.account.currency
        return seller_wallets.balance(self.connection, seller, currency) >= cost

    def post_cost(self, operation: int, cost: Decimal, rule: Rule) -> None:
        """Post the seller's cost of an operation. What was not taken before is taken now.

        Raises `Refused` by the rule when the seller's own wallet does not cover it (Rule 11.5).
        """
        if not cost or not self.policy.seller_wallet:
            return
        missing = max(ZERO, cost - self._cost_taken)
        if not self.take_cost(missing):
            raise Refused(rule, "the seller's own wallet does not cover the cost (rule 11.5)")
        self._cost_taken -= cost
        self.post(operation, double_entry.cost(cost), beside=True)

    def period(
        self, operation: int, subscription: Subscription, period: Period, charged: Decimal
    ) -> int:
        """Add a period and what the wallet was charged for it. Returns the period's id."""
        id_ = self.new_id()
        self._add(
            PeriodRow,
            id=id_,
            operation=operation,
            subscription=subscription.id,
            account=self.account.id,
            start=period.start,
            expiry=period.expiry,
            months=period.months,
            scheduled_start=period.scheduled_start,
            left_over=period.left_over or None,
            left_over_of=period.left_over_of if period.left_over else None,
            discount=period.discount or None,
        )
        self.charge_period(operation, id_, charged)
        return id_

    def charge_period(self, operation: int, period: int, amount: Decimal) -> None:
        """Add a charge to a period, which may have others already. Zero adds no row."""
        if amount:
            self._add(PeriodCharge, operation=operation, period=period, amount=amount)

    def refund(self, operation: int, periods: Mapping[int, Decimal]) -> None:
        """Add what is given back, by period."""
        for period, amount in periods.items():
            self._add(RefundRow, operation=operation, period=period, amount=amount)

    def invoice(
        self,
        operation: int,
        kind: InvoiceKind,
        lines: Iterable[Line],
        total: Decimal,
        on: date | None = None,
    ) -> int | None:
        """Add an invoice or credit note, none for a total of zero (Rule 11.4).

        `on`: its date, default today. Its number follows after the commit. Returns its id.

        A postpaid account has no individual invoices. The lines wait for the consolidated one, and
        no id is returned (Rule 11.6). An overpayment pays the consolidated one, and the rest of it
        is due.
        """
        if not total:
            return None
        if kind is InvoiceKind.INDIVIDUAL and self.account.mode is Mode.POSTPAID:
            self.wait_for_monthly_invoice(operation, *lines)
            return None
        id_ = self.new_id()
        owed = kind is InvoiceKind.CONSOLIDATED
        self._add(
            Invoice,
            id=id_,
            seller=self.account.seller,
            account=self.account.id,
            operation=operation,
            kind=str(kind),
            date=on or self.today,
            currency=self.account.currency,
            total=total,
            lines=[{"text": line.text, "amount": str(line.amount)} for line in lines],
            due=max(ZERO, total - self.account.overpayment) if owed else ZERO,
        )
        return id_

    def wait_for_monthly_invoice(self, operation: int, *lines: Line) -> None:
        """Add amounts that wait for the monthly invoice (Rules 10.1, 11.4). Plan that invoice.

        `operation`: what has charged them. A line of zero is left out.

        Of a postpaid account they are unbilled, and wait for the consolidated one (Rule 11.6).
        """
        month = month_of(self.now, self.zone)
        consolidated = self.account.mode is Mode.POSTPAID
        for number, line in enumerate(lines, start=1):
            if not line.amount:
                continue
            self._add(
                MonthlyAmount,
                operation=operation,
                line=number,
                account=self.account.id,
                month=month,
                consolidated=consolidated,
                description=line.text,
                amount=line.amount,
            )
            if consolidated:
                unbilled = self.account.unbilled + line.amount
                self.account = replace(self.account, unbilled=unbilled)
        if month not in self.account.uninvoiced:
            self.save_account(wait_for_invoice(self.account, month))

    def bill(self, amount: Decimal) -> None:
        """Note that an amount is on a consolidated invoice. A guard has moved the account's row."""
        self.account = replace(self.account, unbilled=self.account.unbilled - amount)

    def event(
        self,
        event: Event,
        rule: Rule,
        *,
        subscription: str | None = None,
        amount: Decimal = ZERO,
        actor: str = "perennial",
        operation: int | None = None,
        **facts: object,
    ) -> None:
        """Add a line of the history.

        `event`, `rule`: what happened, and the rule behind it.
        `subscription`: the subscription it happened to, default None for the account itself.
        `amount`: the signed change of the balance, default zero.
        `actor`: who asked for it, default the system itself.
        `operation`: the operation behind it, default None.
        `facts`: more to tell. A fact that is None is left out.

        The line is a transaction if money has moved since the line before, if it pays a cycle, or
        if an external invoice pays (Rules 11.4, 11.7). It keeps what the account has then.
        """
        has = (self.account.balance, self.account.unbilled)
        paid = event.pays_cycle or facts.get("external_invoice") is not None
        transaction = paid or has != self._on_record
        self._on_record = has
        postpaid = self.account.mode is Mode.POSTPAID
        self._add(
            History,
            at=self.now,
            account=self.account.id,
            subscription=subscription,
            event=str(event),
            amount=amount or None,
            rule=str(rule),
            actor=actor,
            operation=operation,
            facts={key: str(value) for key, value in facts.items() if value is not None},
            balance=self.account.balance if transaction else None,
            unbilled=self.account.unbilled if transaction and postpaid else None,
        )

    def settings(self, **values: Any) -> None:
        """Change settings of the account at once: a limit, a card, a switch, suspended.

        Raises `CannotChange` for a field that can never change.
        """
        before, self.account = self.account, replace(self.account, **values)
        self._change_account(before)

    def save_account(self, account: Account) -> AccountSnapshot:
        """Change the account at once, and plan its next step anew."""
        before = self.account
        self._tell(of_account(before.id), self.account_step, account.version, soon=True)
        self.account = account
        self._change_account(before)
        step = next_account_step(account, self.policy)
        self._planned_step = (step,)
        self.set_step(of_account(account.id), step, account.version)
        return self.account_snapshot()

    def _change_account(self, before: Account) -> None:
        changes = account_changes(before, self.account)
        if self._of_many:
            self._account_changes |= changes
        elif changes:
            mine = AccountRow.id == self.account.id
            self.connection.execute(update(AccountRow).where(mine).values(**changes))

    def account_step(self) -> Step | None:
        """The next step of the account: the one that this unit has planned, or the stored one."""
        return self._planned_step[0] if self._planned_step else super().account_step()

    # subscriptions and steps

    def create(self, subscription: Subscription) -> Snapshot:
        """Add a subscription, its next step and its notices."""
        self._current[subscription.id] = subscription
        self._add(SubscriptionRow, **subscription_values(subscription), **self._known(subscription))
        self._plan(subscription)
        self._plan_notices(subscription)
        return self.snapshot(subscription)

    def record_trial(self, subscription: Subscription, tried: str) -> None:
        """Put on record that the account has had its one trial of this (Rule 4.3)."""
        self._add(TrialRow, account=self.account.id, tried=tried, subscription=subscription.id)

    def save(self, subscription: Subscription) -> Snapshot:
        """Change a subscription. Its next step, and the notices of a new *E*, are planned anew."""
        id_ = subscription.id
        before, known = self._current[id_], self._steps[id_]
        self._current[id_] = subscription
        self._changed.add(id_)
        self._plan(subscription)
        if id_ in self._started:
            soon = self.clock is not None or _is_earlier(self._steps[id_], known)
            self._tell(of_subscription(id_), lambda: known, subscription.version, soon=soon)
        if subscription.expiry != before.expiry:
            self._plan_notices(subscription)
        return self.snapshot(subscription)

    def give(self, subscription: Subscription, to: "Work") -> Snapshot:
        """Give a subscription to another account of this transaction, with its step (Rule 9).

        `subscription`: as it is in the new account.
        `to`: the unit of work on that account.
        """
        id_ = subscription.id
        policy = to.policy_of(subscription)
        ahead = planned_notices(subscription, policy, to.zone, to.now)
        to._add_notices(
            subscription, change_of_owner.move(self.connection, subscription, ahead, self.now)
        )
        self._current.pop(id_)
        to._read[id_] = replace(self._read.pop(id_), account=to.account.id)
        to._current[id_] = subscription
        to._steps[id_] = self._steps.pop(id_)
        to._started |= self._started & {id_}
        return to.save(subscription)

    def save_number(
        self,
        number: Number,
        happened: Happened,
        actor: str = "perennial",
        since: datetime | None = None,
    ) -> None:
        """Change a number that was read with its lock, and plan its next step anew.

        `happened`: what happened to it, for its history.
        `actor`: who asked for it, default the system itself.
        `since`: a reminder after this instant (UTC) is still to come, default now.

        Several changes in one transaction are one version.
        """
        before = self.numbers[number.number]
        if number.number in self._changed_numbers:
            number = replace(number, version=before.version)
        self.numbers[number.number] = number
        self._changed_numbers.add(number.number)
        self._add(
            NumberHistory,
            seller=number.seller,
            number=number.number,
            at=self.now,
            what=str(happened),
            account=number.account or before.account,
            subscription=number.subscription or before.subscription,
            until=number.until,
            cause=number.cause and str(number.cause),
            remark=number.remark,
            actor=actor,
        )
        if number.until is not None or before.until is not None:
            self.plan_number(number, since)

    def plan_number(self, number: Number, since: datetime | None = None) -> None:
        """Set the step of a number that is next from now on. `since` as in `save_number`."""
        step = next_step_of(number, self.zone, since or self.now)
        self.set_step(of_number(number.seller, number.number), step, number.version)

    def set_step(
        self, subject: Subject, step: Step | None, version: int, on: date | None = None
    ) -> None:
        """Set the next step of a subject of this account, in place of the one that it has.

        `subject`: the account, one of its subscriptions, or a number that it has.
        `step`: the step, or None when the subject has no next step.
        `version`: the version of the subject that the step belongs to.
        `on`: the date that orders steps of one rank (Rule 1.7), default None.
        """
        self._next[subject] = (
            None
            if step is None
            else {
                "subject_kind": str(subject.kind),
                "subject": subject.id,
                "account": self.account.id,
                "clock": self.clock,
                "kind": str(step.kind),
                "rank": step.kind.rank,
                "by_date": on,
                "due": step.due,
                "rule": str(step.rule),
                "why": step.why,
                "version": version,
            }
        )

    def _tell(
        self, subject: Subject, known: Callable[[], Step | None], version: int, *, soon: bool
    ) -> None:
        """Note that a workflow is told of this version, if it does not find out by itself.

        The workflow that has asked for this transaction gets the result. When its time has woken
        it, it has woken all others of the account whose steps are due. On a test clock none wakes
        up by itself. `soon`: by what it knows, it would act too late.
        """
        gets_result = subject == self._subject and self._asked_by is not AskedBy.ANOTHER
        if gets_result:
            return
        if self._asked_by is AskedBy.ITS_TIME and self.clock is None:
            step = known()
            if step and step.due <= self.now:
                return
        self._told[subject] = version, soon or self._told.get(subject, (0, False))[1]

    def _plan(self, subscription: Subscription) -> None:
        """Ask the planner for the next step: once for each change of a subscription."""
        policy = self.policy_of(subscription)
        step = self._steps[subscription.id] = next_step(subscription, policy, self.zone)
        on = None if step is None else by_date(step.kind, subscription, policy)
        self.set_step(of_subscription(subscription.id), step, subscription.version, on)

    def _plan_notices(self, subscription: Subscription) -> None:
        policy, since = self.policy_of(subscription), max(self.now, subscription.planned_at)
        ahead = planned_notices(subscription, policy, self.zone, since)
        self._add_notices(subscription, ahead)

    def _add_notices(self, subscription: Subscription, notices: Iterable[PlannedNotice]) -> None:
        for notice in notices:
            self._add(
                Message,
                subscription=subscription.id,
                account=self.account.id,
                clock=self.clock,
                kind=str(notice.kind),
                expiry=subscription.expiry,
                due=notice.due,
            )

    # writing

    def flush(self) -> None:
        """Write what was collected. More may be collected and written afterwards."""
        if self._leader is not None:
            self._leader.flush()
            return
        works = [self, *self.others.values()]
        for work in works:
            work._look_at_top_up()
        self._ledger.flush(self.connection, works)
        for work in works:
            work._written()

    def sets_off_top_up(self) -> bool:
        """Whether what was posted since the last write sets off an automatic top-up (Rule 11.2)."""
        if self._moved >= 0 or not self.account.auto_top_up:
            return False
        after = auto_top_up.look(self.account, self.policy, self.today, self.now)
        return after is not self.account

    def _look_at_top_up(self) -> None:
        """Plan an automatic top-up if what is written has lowered the balance far (Rule 11.2)."""
        moved, self._moved = self._moved, ZERO
        if moved < 0 and self.account.auto_top_up:
            first = self.first_due(())  # It comes before what is overdue, too.
            at = min(self.now, first.due) if first else self.now
            after = auto_top_up.look(self.account, self.policy, self.today, at)
            if after is not self.account:
                self.save_account(after)

    def _written(self) -> None:
        self._read.update((id_, self._current[id_]) for id_ in self._changed)
        for collected in (
            self._rows,
            self._changed,
            self._changed_numbers,
            self._account_changes,
            self._next,
            self._told,
            self._first_due,
        ):
            collected.clear()

    def writes_into(self, writes: Writes) -> None:
        """Add what was collected to the writes of a transaction."""
        for table, rows in self._rows.items():
            writes.new.setdefault(table, []).extend(rows)
        for id_ in self._changed:
            after = self._current[id_]
            changes = subscription_changes(self._read[id_], after)
            writes.subscriptions.append(changes | {"renewal_date": self._renewal_date(after)})
        if self._account_changes:
            writes.accounts[self.account.id] = dict(self._account_changes)
        for changed in sorted(self._changed_numbers):
            writes.numbers.append(number_values(self.numbers[changed]))
        for subject, row in self._next.items():
            if row is None:
                key = {"subject_kind": str(subject.kind), "subject": subject.id}
                writes.ended.append(key)
            else:
                writes.steps.append(row)
        for subject, (version, soon) in self._told.items():
            writes.told.append(
                {
                    "subject_kind": str(subject.kind),
                    "subject": subject.id,
                    "clock": self.clock,
                    "version": version,
                    "soon": soon,
                }
            )

    def _add(self, table: type[Base], **values: object) -> None:
        of = self._leader or self
        of._rows.setdefault(table, []).append(values)

    def _known(self, subscription: Subscription) -> dict[str, Any]:
        """The columns of a subscription that do not come from its fields."""
        return {
            "clock": self.clock,
            "renewal_date": self._renewal_date(subscription),
            # What has ended elsewhere needs no workflow.
            "workflow_started": subscription.status is Status.TERMINATED,
        }

    def _renewal_date(self, subscription: Subscription) -> date:
        return renewal_date(subscription, self.policy_of(subscription))


def _is_earlier(step: Step | None, known: Step | None) -> bool:
    """Whether a step is due before the one that a workflow knows."""
    return step is not None and (known is None or step.due < known.due)


def in_order(writes: Writes) -> Writes:
    """The writes with their tables in the order of the references between them."""
    return replace(
        writes, new={table: writes.new[table] for table in _ADDED if table in writes.new}
    )
