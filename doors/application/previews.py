"""What a command would do: events, invoices, new dates, and what would be usable.

A preview runs the very use case in a rehearsal (`core.ledger.rehearsal`), with what the command
sets off at once (Rule 1.6). So it cannot differ from the command, unless something happens in
between. No card is charged: the preview takes it that the card would be.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from core.domain.calendar import local_date
from core.domain.commands import AnyCommand, AnyResult
from core.domain.commands.base import NewSubscriptionCommand, SubscriptionCommand
from core.domain.events import Event
from core.domain.fees import total
from core.domain.planner.renewals import renewal_date
from core.domain.price_in_force import next_fee_lines
from core.domain.refusal import Refusal, Refused
from core.domain.subscription import Status, Subscription
from core.ledger.bulk_write import one_of
from core.ledger.clocks import virtual_now
from core.ledger.ledger import Ledger
from core.ledger.rehearsal import Rehearsal, rehearsal
from core.ledger.rows import ACCOUNT, account_from, subscription_from
from core.ledger.tables import (
    AccountRow,
    History,
    Invoice,
    Operation,
    Seller,
    SubscriptionRow,
)
from core.protocol.call_sequences import catch_up
from doors.application.rehearsing import Rehearsing
from doors.application.sellers import refuse_foreign

MOST_SHOWN = 100
"""So many events and invoices are listed. The others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedEvent:
    """One event: what would happen, in which account, to which subscription, by which rule.

    `amount`: the signed change of the balance, None where there is none.
    `facts`: more to tell, as in the history, but for the key of a charge that is yet to be made.
    """

    event: Event
    account: str
    subscription: str | None
    amount: Decimal | None
    rule: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedInvoice:
    """An invoice or credit note that would be issued, with its lines of text and amount."""

    account: str
    kind: str
    lines: list[tuple[str, Decimal]]
    total: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an account and a subscription stand, before or after the command.

    `usable`: Rule 11.1. `trial`: it is a trial. `expiry`: the last paid day, or that of the trial.
    `renewal_date`: None when it does not renew.
    `fee`: what the next cycle costs at today's prices, with pending changes. None when it has ended
    or has no price.
    The fields of a subscription are None for a command on an account.
    """

    usable: Decimal
    status: Status | None = None
    trial: bool = False
    sku: str | None = None
    expiry: date | None = None
    renewal_date: date | None = None
    fee: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a command would do, or the rule that refuses it.

    `do`: the command.
    `replayed`: its request was carried out before, and nothing would be done.
    `result`: what the command would answer.
    `account`, `currency`, `timezone`: of the account that it is about. None when there is none.
    `before`, `after`: how things stand without and with the command. None when it is refused.
    `events`, `invoices`: in their order, at most 100 of each. `left_out` counts the others.
    `card`: what would be charged to the stored card, None when nothing is.
    """

    do: str
    refusal: Refusal | None = None
    replayed: bool = False
    result: AnyResult | None = None
    account: str | None = None
    currency: str | None = None
    timezone: str | None = None
    before: Standing | None = None
    after: Standing | None = None
    events: tuple[PreviewedEvent, ...] = ()
    invoices: tuple[PreviewedInvoice, ...] = ()
    left_out: int = 0
    card: Decimal | None = None


def preview(ledger: Ledger, command: AnyCommand, now: datetime | None = None) -> Preview:
    """What a command would do now. A refusal is a result, as for the command itself.

    `now`: the business instant (UTC) of an account on a test clock. Default: that of its clock.

    What is due of the account already is rehearsed before, and is not part of the preview.
    """
    try:
        refuse_foreign(ledger, command)
    except Refused as refused:
        return Preview(do=command.do, refusal=refused.refusal)
    with rehearsal(ledger) as on:
        return _Rehearsed(on, command, now).preview()


class _Rehearsed:
    """One command in one rehearsal."""

    def __init__(self, ledger: Rehearsal, command: AnyCommand, now: datetime | None) -> None:
        self._ledger = ledger
        self._command = command
        self._account = self._account_of(command)
        clock = virtual_now(ledger.connection, account=self._account) if self._account else None
        self._now = now or clock or ledger.machine_now()
        self._calls = Rehearsing(ledger, self._now)

    def preview(self) -> Preview:
        """Rehearse the command and say what it did."""
        self._catch_up()
        self._calls.forget_charges()
        before, seen = self._standing(), self._seen()
        result = self._calls.command(self._command)
        row = self._account_row()
        about = {
            "do": self._command.do,
            "account": self._account,
            "currency": row and row.currency,
            "timezone": row and row.timezone,
        }
        if result.refusal or result.replayed or self._account is None:
            return Preview(
                **about, refusal=result.refusal, replayed=result.replayed, result=result.result
            )
        self._catch_up()
        self._ledger.check()
        events, more_events = self._events(seen[0])
        invoices, more_invoices = self._invoices(seen[1])
        return Preview(
            **about,
            result=result.result,
            before=before,
            after=self._standing(),
            events=events,
            invoices=invoices,
            left_out=more_events + more_invoices,
            card=self._charged(),
        )

    # running

    def _catch_up(self) -> None:
        """Run what is due of the account, and of the others that the command names."""
        others = (
            self._command.other_accounts() if isinstance(self._command, SubscriptionCommand) else ()
        )
        mine = aliased(AccountRow)
        companions = (
            select(AccountRow.id)
            .join(mine, AccountRow.clock.is_not_distinct_from(mine.clock))
            .where(
                mine.id == self._account,
                AccountRow.seller == mine.seller,
                one_of(AccountRow.id, [*filter(None, (self._account, *others))]),
            )
            .order_by(AccountRow.id)
        )
        for account in self._ledger.connection.execute(companions).scalars().all():
            self._calls.drive(catch_up(account, self._now))

    def _charged(self) -> Decimal | None:
        """What would be charged to the card, for the command and for what it sets off."""
        both = (self._calls.by_commands, self._calls.by_steps)
        return sum(filter(None, both), Decimal(0)) if any(both) else None

    # reading

    def _account_of(self, command: AnyCommand) -> str | None:
        if not isinstance(command, SubscriptionCommand):
            mine = select(AccountRow.id).where(AccountRow.id == command.account)
        else:
            mine = select(SubscriptionRow.account).where(SubscriptionRow.id == command.subscription)
        found: str | None = self._ledger.connection.execute(mine).scalar()
        return found

    @property
    def _subscription(self) -> str | None:
        named = isinstance(self._command, SubscriptionCommand | NewSubscriptionCommand)
        return self._command.subscription if named else None  # type: ignore[union-attr]

    def _account_row(self) -> Any:
        query = select(*ACCOUNT).where(AccountRow.id == self._account)
        return self._ledger.connection.execute(query).one_or_none()

    def _standing(self) -> Standing | None:
        row = self._account_row()
        if row is None:
            return None
        today = local_date(self._now, row.timezone)
        usable = account_from(row).usable(today)
        query = select(SubscriptionRow.__table__).where(SubscriptionRow.id == self._subscription)
        found = self._ledger.connection.execute(query).one_or_none()
        if found is None:
            return Standing(usable=usable)
        subscription = subscription_from(found).settled(today)
        policy = self._ledger.references.policy(
            self._ledger.connection, row.seller, subscription.policy_version
        )
        renews = subscription.status is Status.ACTIVE and subscription.auto_renew
        return Standing(
            usable=usable,
            status=subscription.status,
            trial=subscription.trial,
            sku=subscription.sku,
            expiry=subscription.expiry,
            renewal_date=renewal_date(subscription, policy)
            if renews and not subscription.trial
            else None,
            fee=self._fee(row, subscription, today),
        )

    def _fee(self, account: Any, subscription: Subscription, today: date) -> Decimal | None:
        if subscription.status is Status.TERMINATED:
            return None
        connection, seller = self._ledger.connection, account.seller
        newest = select(Seller.catalog_revision).where(Seller.id == seller)
        revision = connection.execute(newest).scalar_one()
        catalog = self._ledger.references.catalog(connection, seller, revision)
        try:
            return total(next_fee_lines(subscription, catalog, account.currency, today))
        except Refused:
            return None

    def _seen(self) -> tuple[int, int]:
        """The last event and the last invoice before the command. The account's row is locked."""
        events = select(func.coalesce(func.max(History.seq), 0)).where(self._mine)
        invoices = select(func.coalesce(func.max(Invoice.seq), 0)).where(self._my_invoices)
        run = self._ledger.connection.execute
        return run(events).scalar_one(), run(invoices).scalar_one()

    @property
    def _mine(self) -> Any:
        """The events of the account, and those of the subscription in any account."""
        return or_(History.account == self._account, History.subscription == self._subscription)

    @property
    def _my_invoices(self) -> Any:
        """The invoices of the account, and those about the subscription in any account."""
        about = select(Operation.id).where(Operation.subscription == self._subscription)
        return or_(Invoice.account == self._account, Invoice.operation.in_(about))

    def _events(self, after: int) -> tuple[tuple[PreviewedEvent, ...], int]:
        query = select(History.__table__).where(self._mine, History.seq > after)
        rows = self._ledger.connection.execute(query.order_by(History.seq)).all()
        shown = tuple(
            PreviewedEvent(
                event=Event(row.event),
                account=row.account,
                subscription=row.subscription,
                amount=row.amount,
                rule=row.rule,
                facts=self._known(row.facts),
            )
            for row in rows[:MOST_SHOWN]
        )
        return shown, len(rows[MOST_SHOWN:])

    def _known(self, facts: dict[str, Any]) -> dict[str, Any]:
        """The facts without the key of a charge of the rehearsal."""
        charged = self._calls.charged
        return {name: it for name, it in facts.items() if not (name == "charge" and it in charged)}

    def _invoices(self, after: int) -> tuple[tuple[PreviewedInvoice, ...], int]:
        query = select(Invoice.__table__).where(self._my_invoices, Invoice.seq > after)
        rows = self._ledger.connection.execute(query.order_by(Invoice.seq)).all()
        shown = tuple(
            PreviewedInvoice(
                account=row.account,
                kind=row.kind,
                lines=[(line["text"], Decimal(line["amount"])) for line in row.lines],
                total=row.total,
            )
            for row in rows[:MOST_SHOWN]
        )
        return shown, len(rows[MOST_SHOWN:])
