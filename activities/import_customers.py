"""Take over customers of another system: accounts, opening credits, subscriptions in mid-cycle.

One transaction takes over many customers with a handful of statements. It skips subscriptions that
exist. So an import that was killed runs again and takes over what is missing (Rule 11.3).
Workflows are started after the commit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError, OperationalError

from core.domain.calendar import local_date
from core.domain.events import Event
from core.domain.imported_subscription import Takeover, TakeoverState, judged_at, taken_over
from core.domain.money import plain
from core.domain.numbers import Wanted
from core.domain.policy import Policy
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Period, Status, Subscription
from core.ledger import double_entry, imports, numbers, taken_ids
from core.ledger.bulk_write import insert_all, one_of
from core.ledger.double_entry import Purpose
from core.ledger.imports import Came
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, SubscriptionRow
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import Snapshot

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One customer with one subscription.

    `id`, `account`: of the subscription and its account. The first customer of an account opens it.
    `currency`, `timezone`: of the account.
    `sku`, `months`: what is subscribed to. They are in the catalogue.
    `anchor`: where its schedule began. None: it is not known.
    `quantity`, `legacy`, `auto_renew`: of the subscription. Defaults 1, False, True.
    `state`, `anchor_day`, `paid_until`, `discount`, `discount_cycles`: as in `Takeover`.
    `addons`: quantities by add-on SKU. Default none.
    `numbers`: its numbers, with their SKUs and how they came (Rule 10). Default none.
    `had_trial`: whether the account has had its one trial of this (Rule 4.3). Default False.
    `external_id`: its id in the other system, for the history. Default None.
    `credits`: opening credits, which are no top-up (Rule 11.2). Default zero.
    `debt`: what the account owes. It lowers the opening credits. Default zero.
    `credit_limit`: of the account (Rule 11.1). Default zero.
    `card`, `renew_by_card`, `owner`, `billing_email`: of the account.
    `charged_there_on`: the day of the next charge as the other system knows it. A dry run compares.
    """

    id: str
    account: str
    currency: str
    timezone: str
    sku: str
    months: int
    anchor: date | None
    quantity: int = 1
    legacy: bool = False
    auto_renew: bool = True
    state: TakeoverState = TakeoverState.ACTIVE
    anchor_day: int | None = None
    paid_until: date | None = None
    discount: Decimal = ZERO
    discount_cycles: int = 0
    addons: Mapping[str, int] = field(default_factory=dict)
    numbers: tuple[Wanted, ...] = ()
    had_trial: bool = False
    external_id: str | None = None
    credits: Decimal = ZERO
    debt: Decimal = ZERO
    credit_limit: Decimal = ZERO
    card: str | None = None
    renew_by_card: bool = False
    owner: str | None = None
    billing_email: str | None = None
    charged_there_on: date | None = None


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What became of customers.

    `new`: the subscriptions that are new and need a workflow.
    `there`: the ids of those that existed.
    `unstarted`: of these, the ids whose workflow was never started.
    `refused`: why others cannot be taken over, by id.
    """

    new: tuple[Snapshot, ...]
    there: frozenset[str]
    unstarted: tuple[str, ...]
    refused: dict[str, str]


def together(parts: Iterable[TakenOver], refused: Mapping[str, str]) -> TakenOver:
    """What became of several parts of a chunk. `refused`: why further customers cannot be."""
    new: list[Snapshot] = []
    there: set[str] = set()
    unstarted: list[str] = []
    why: dict[str, str] = {}
    for part in parts:
        new += part.new
        there |= part.there
        unstarted += part.unstarted
        why |= part.refused
    return TakenOver(tuple(new), frozenset(there), tuple(unstarted), why | dict(refused))


def take_over(
    ledger: Ledger,
    customers: Sequence[Customer],
    now: datetime,
    clock: str | None = None,
    *,
    as_of: date | None = None,
    import_id: int | None = None,
    actor: str = "perennial",
) -> TakenOver:
    """Take over customers at a business instant (UTC), in one transaction.

    `customers`: their ids are distinct, and their seller and SKUs exist.
    `clock`: their test clock. Default: the machine's clock.
    `as_of`: the day on which Perennial takes over. They are judged as of this day, and nothing is
    due before it. Default: the day of `now`.
    `import_id`: the import that they come in with, by which they can be taken back. Default: none.
    `actor`: who imports, for the history of numbers. Default: the system.
    When another transaction creates the same rows at the same time, this one starts again.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _take_over(ledger, customers, now, clock, as_of, import_id, actor)
        except (IntegrityError, OperationalError):
            if attempt + 1 == _ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def what_is_there(
    ledger: Ledger, customers: Sequence[Customer], clock: str | None = None
) -> TakenOver:
    """What `take_over` would find, without writing. Nothing is new."""
    with ledger.engine.connect() as connection:
        ids = _Taken.of(connection, customers)
        there, unstarted = _there(connection, [customer.id for customer in customers])
        accounts = _accounts(connection, {customer.account for customer in customers})
        running = imports.not_ended(connection, [customer.id for customer in customers])
        missing = [customer for customer in customers if customer.id not in there]
        taken = ids.refused(missing, accounts)
        taken |= _without_numbers(connection, ledger.seller, missing)
    refused = _refused(customers, there, accounts, ledger.seller, clock)
    refused |= taken | _still_running(running)
    return TakenOver((), frozenset(there), unstarted, refused)


def _take_over(
    ledger: Ledger,
    customers: Sequence[Customer],
    now: datetime,
    clock: str | None,
    as_of: date | None,
    import_id: int | None,
    actor: str,
) -> TakenOver:
    with ledger.transaction("take_over") as connection:
        ids = _Taken.of(connection, customers)
        there, unstarted = _there(connection, [customer.id for customer in customers])
        running = _still_running(
            imports.not_ended(connection, [customer.id for customer in customers])
        )
        missing = [c for c in customers if c.id not in there and c.id not in running]
        accounts = _accounts(connection, {customer.account for customer in missing})
        cannot = ids.refused(missing, accounts)
        cannot |= _without_numbers(connection, ledger.seller, missing)
        missing = [customer for customer in missing if customer.id not in cannot]
        opened = {c.account: c for c in reversed(missing) if c.account not in accounts}
        if opened:
            insert_all(
                connection,
                AccountRow,
                [_account(opened[id_], ledger.seller, clock) for id_ in sorted(opened)],
            )
            accounts |= {
                id_: _Account(ledger.seller, c.currency, c.timezone, clock)
                for id_, c in opened.items()
            }
        refused = _refused(missing, there, accounts, ledger.seller, clock)
        taken = [customer for customer in missing if customer.id not in refused]
        works = ledger.works(connection, now, {customer.account for customer in taken})
        tried: set[tuple[str, str]] = set()
        written = [_customer(works[one.account], one, as_of, tried) for one in taken]
        came_in = {it.subscription.id: it.subscription for it in written}
        bring = {
            one.id: (came_in[one.id], one.numbers)
            for one in taken
            if one.numbers and came_in[one.id].status is not Status.TERMINATED
        }
        numbers.take_with_imports(works, bring, actor)
        # What has ended elsewhere needs no workflow.
        new = tuple(it for it in written if it.subscription.status is not Status.TERMINATED)
        ledger.flush(connection, works.values())
        if import_id is not None:
            came = (Came(customer.account, customer.id) for customer in taken)
            imports.note_came(connection, import_id, came)
    return TakenOver(new, frozenset(there), unstarted, refused | running | cannot)


@dataclass(frozen=True, slots=True)
class _Taken:
    """The ids of a file that are taken by any seller. It is read before what this seller has.

    So an id that is taken and that this seller does not have is another seller's.
    """

    subscriptions: set[str]
    accounts: set[str]

    @classmethod
    def of(cls, connection: Connection, customers: Iterable[Customer]) -> "_Taken":
        """Those of the file."""
        there = list(customers)
        return cls(
            taken_ids.subscriptions(connection, {it.id for it in there}),
            taken_ids.accounts(connection, {it.account for it in there}),
        )

    def refused(self, missing: Iterable[Customer], seen: Mapping[str, object]) -> dict[str, str]:
        """Why customers cannot come in, by id.

        `missing`: those whose subscriptions this seller does not have. `seen`: its accounts.
        """
        refused = {}
        for it in missing:
            if it.account in self.accounts and it.account not in seen:
                refused[it.id] = f"the id of account {it.account} is taken"
            if it.id in self.subscriptions:
                refused[it.id] = f"the id {it.id} is taken"
        return refused


def _without_numbers(
    connection: Connection, seller: str, customers: Sequence[Customer]
) -> dict[str, str]:
    """Why customers cannot have their numbers, by id (Rule 10.2)."""
    accounts = {one.number: it.account for it in customers for one in it.numbers}
    if not accounts:
        return {}
    refused = numbers.refused(connection, seller, accounts)
    return {
        it.id: "; ".join(
            f"numbers: {refused[one.number]} (rule {Rule.NUMBER_HOLD})"
            for one in it.numbers
            if one.number in refused
        )
        for it in customers
        if any(one.number in refused for one in it.numbers)
    }


def _still_running(undone: Mapping[str, int]) -> dict[str, str]:
    """Why subscriptions cannot come in that were taken back a moment ago, by id."""
    return {
        id_: f"its workflow of import {import_id} has not ended; "
        f"run `starter.py import undo {import_id}` again first"
        for id_, import_id in undone.items()
    }


@dataclass(frozen=True, slots=True)
class _Account:
    """What an existing account must have in common with a customer that joins it."""

    seller: str
    currency: str
    timezone: str
    clock: str | None
    closed: bool = False


def _there(connection: Connection, ids: list[str]) -> tuple[set[str], tuple[str, ...]]:
    query = select(
        SubscriptionRow.id, SubscriptionRow.workflow_started, SubscriptionRow.status
    ).where(one_of(SubscriptionRow.id, ids))
    rows = connection.execute(query).all()
    unstarted = (
        row.id for row in rows if not row.workflow_started and row.status != Status.TERMINATED
    )
    return {row.id for row in rows}, tuple(unstarted)


def _accounts(connection: Connection, ids: set[str]) -> dict[str, _Account]:
    query = select(
        AccountRow.id,
        AccountRow.seller,
        AccountRow.currency,
        AccountRow.timezone,
        AccountRow.clock,
        AccountRow.closed_on.is_not(None).label("closed"),
    ).where(one_of(AccountRow.id, sorted(ids)))
    return {
        row.id: _Account(row.seller, row.currency, row.timezone, row.clock, row.closed)
        for row in connection.execute(query)
    }


def _refused(
    customers: Iterable[Customer],
    there: set[str],
    accounts: dict[str, _Account],
    seller: str,
    clock: str | None,
) -> dict[str, str]:
    """Why customers cannot join the account that they name, by id.

    The account has another currency, zone or clock, belongs to another seller, or is closed.
    """
    refused: dict[str, str] = {}
    for customer in customers:
        account = accounts.get(customer.account)
        if customer.id in there or account is None:
            continue
        if account.closed:
            refused[customer.id] = f"account {customer.account} is closed (rule 11.8)"
            continue
        wanted = _Account(seller, customer.currency, customer.timezone, clock)
        for name in ("seller", "currency", "timezone", "clock"):
            if getattr(account, name) != getattr(wanted, name):
                has, wants = getattr(account, name), getattr(wanted, name)
                refused[customer.id] = f"account {customer.account} has {name} {has}, not {wants}"
    return refused


def _account(customer: Customer, seller: str, clock: str | None) -> dict[str, object]:
    return {
        "id": customer.account,
        "seller": seller,
        "currency": customer.currency,
        "timezone": customer.timezone,
        "clock": clock,
        "owner": customer.owner,
        "billing_email": customer.billing_email,
        "card": customer.card,
        "renew_by_card": customer.renew_by_card,
        "credit_limit": customer.credit_limit,
    }


def subscription_of(
    customer: Customer, now: datetime, as_of: date | None, policy: Policy, policy_version: int
) -> tuple[Subscription, Period]:
    """A customer's subscription as it comes in, and its period under way.

    `now`: the instant of the import (UTC).
    `as_of`: the day on which Perennial takes over, None for today.
    `policy`, `policy_version`: the policy in force.

    Raises ValueError when what is known of the customer contradicts itself.
    """
    judged = judged_at(now, as_of, customer.timezone)
    takeover = Takeover(
        id=customer.id,
        account=customer.account,
        sku=customer.sku,
        months=customer.months,
        quantity=customer.quantity,
        legacy=customer.legacy,
        auto_renew=customer.auto_renew,
        state=customer.state,
        anchor=customer.anchor,
        anchor_day=customer.anchor_day,
        paid_until=customer.paid_until,
        discount=customer.discount,
        discount_cycles=customer.discount_cycles,
        addons=customer.addons,
        numbers={one.number: one.sku for one in customer.numbers},
    )
    today = local_date(judged, customer.timezone)
    return taken_over(takeover, today, judged, policy, policy_version)


def _customer(
    work: Work, customer: Customer, as_of: date | None, tried: set[tuple[str, str]]
) -> Snapshot:
    """One operation for each subscription: its period, without a charge, and its credits.

    `tried`: the accounts whose trials this transaction has recorded, with what they tried.
    """
    subscription, period = subscription_of(
        customer, work.now, as_of, work.policy, work.policy_version
    )
    facts = {
        "subscription": subscription.id,
        "expiry": str(subscription.expiry),
        "credits": str(customer.credits),
    }
    operation = work.operation(
        Purpose.IMPORT, facts, subscription=subscription.id, cycle=subscription.expiry
    )
    brought = customer.credits - customer.debt
    if customer.debt and work.account.usable(work.today) + brought < ZERO:
        short = plain(-brought - work.account.usable(work.today), customer.currency)
        reason = f"debt: the account would have {short} {customer.currency} less than it may use"
        raise Refused(Rule.USABLE, reason)
    work.post(operation, double_entry.opening_credits(brought))
    work.period(operation, subscription, period, ZERO)
    work.event(
        Event.IMPORTED,
        Rule.ANCHOR,
        subscription=subscription.id,
        amount=brought,
        operation=operation,
        expiry=subscription.expiry,
        external_id=customer.external_id,
        was=customer.state if customer.state is TakeoverState.PAUSED else None,
    )
    if subscription.trial or customer.had_trial:
        _record_trial(work, subscription, tried)
    return work.create(subscription)


def _record_trial(work: Work, subscription: Subscription, tried: set[tuple[str, str]]) -> None:
    """Record the account's one trial. Raises `Refused` for a second one that runs (Rule 4.3)."""
    what = work.catalog.trial_of(subscription.sku)
    key = (work.account.id, what)
    if key not in tried and work.trial_of(what) is None:
        tried.add(key)
        work.record_trial(subscription, what)
    elif subscription.trial:
        raise Refused(Rule.TRIAL, f"{work.account.id} has had its one trial of {what}")
