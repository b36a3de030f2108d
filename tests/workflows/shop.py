"""A small shop on real workflows, for the tests of workflows, relay, reconciliation and replay.

Each test has a database of its own. The tests of one process share a Temporal server. So each shop
has its own task queues and ids. A test never sleeps. It waits for the events of a workflow, which
the server pushes (`until`).
"""

import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy import Connection, select, text, update
from temporalio.api.enums.v1 import EventType, TimeoutType
from temporalio.client import Client, WorkflowHandle, WorkflowHistory

from activities.open_account import NewAccount, open_account
from activities.registry import Activities
from core.domain import policy
from core.domain.calendar import add_months, first_instant, local_date
from core.domain.commands import AnyCommand
from core.domain.commands.purchase import Purchase
from core.domain.commands.trial import Trial
from core.domain.steps import of_subscription
from core.gateways.simulated_cards import SimulatedCards, charges
from core.ledger import stored_terms
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.rows import SUBSCRIPTIONS
from core.ledger.tables import AccountRow, Clock, History, SubscriptionRow
from core.protocol.activity_messages import (
    CommandRequest,
    CommandResult,
    Passed,
    StepRequest,
    StepResult,
)
from core.protocol.workflow_messages import account_workflow, subscription_workflow
from doors.application.perennial import Perennial
from doors.service.workers import ROLES, running
from settings import Settings

CATALOG = [
    {
        "sku": "PRO",
        "application": "phone",
        "kind": "application",
        "months": 1,
        "prices": {"USD": "50.00"},
        "trial_days": 7,
    },
    {
        "sku": "BIZ",
        "application": "desk",
        "kind": "application",
        "months": 1,
        "prices": {"USD": "40.00"},
    },
    {
        "sku": "YEAR",
        "application": "chat",
        "kind": "application",
        "months": 12,
        "prices": {"USD": "500.00"},
    },
    {"sku": "SEAT", "kind": "addon", "months": 1, "prices": {"USD": "10.00"}},
    {
        "sku": "DID",
        "kind": "number",
        "months": 1,
        "prices": {"USD": "10.00"},
        "activation_fee": {"USD": "5.00"},
    },
]
JANUARY = datetime(2021, 1, 15, 12, tzinfo=UTC)
"""The instant at which test clocks start.

A month that is bought then renews on 2021-02-07 and expires on 2021-02-14.
"""
FEBRUARY = datetime(2021, 2, 7, tzinfo=UTC)
"""The first instant of the renewal date of a month that was bought in January."""


def settings_for(**changes: Any) -> Settings:
    """Settings with task queues of their own and without jitter."""
    queue = f"test-{uuid.uuid4().hex[:12]}"
    return Settings(
        **{
            "task_queue": queue,
            "charge_task_queue": f"{queue}-charge",
            "jitter_seconds": 0,
            "activity_threads": 8,
        }
        | changes
    )


class Rehearsal(Ledger):
    """A ledger whose transactions are never committed."""

    @contextmanager
    def transaction(self, name: str) -> Iterator[Connection]:
        """See `Ledger`."""
        with self.engine.connect() as connection, connection.begin() as transaction:
            yield connection
            transaction.rollback()


@dataclass
class Shop:
    """A seller with a catalogue. `clock` is its test clock, or None."""

    perennial: Perennial
    config: Settings
    clock: str | None = None
    gateway: SimulatedCards = field(init=False)
    unique: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def __post_init__(self) -> None:
        self.gateway = SimulatedCards(self.perennial.ledger.engine)

    async def open(self, now: datetime | None = None, **rules: Any) -> None:
        """Load the policy and the catalogue. Create the test clock if `now` is given."""
        with self.perennial.ledger.engine.begin() as connection:
            stored_terms.add_policy(connection, self.config.seller, policy.load(rules))
            stored_terms.add_catalog(connection, self.config.seller, CATALOG)
        if now is not None:
            self.clock = f"clock-{self.unique}"
            await self.perennial.new_clock(self.clock, now)

    def id(self, name: str) -> str:
        """An id that no other shop has."""
        return f"{name}-{self.unique}"

    async def account(
        self,
        name: str = "acme",
        opening: str = "1000.00",
        card: str | None = None,
        timezone: str = "UTC",
    ) -> str:
        """Open an account with opening credits. An account with a card renews by card."""
        account = NewAccount(
            id=self.id(name),
            seller=self.config.seller,
            currency="USD",
            timezone=timezone,
            credits=Decimal(opening),
            card=card,
            renew_by_card=card is not None,
            clock=self.clock,
        )
        if self.clock is None:
            open_account(self.perennial.ledger, account, datetime(2021, 1, 1, tzinfo=UTC))
        else:
            await self.perennial.open_account(account)
        return account.id

    async def buy(self, name: str = "s", sku: str = "PRO", account: str = "acme") -> str:
        """Buy a subscription, whose workflow starts."""
        command = Purchase(
            subscription=self.id(name),
            account=self.id(account),
            sku=sku,
            request_id=self.id(f"buy-{name}"),
        )
        result = await self.perennial.do(command)
        assert result.refusal is None, result.refusal
        return command.subscription

    async def try_out(self, name: str = "t", account: str = "acme") -> str:
        """Start a trial of PRO, whose workflow starts."""
        command = Trial(subscription=self.id(name), account=self.id(account), sku="PRO")
        result = await self.perennial.do(command)
        assert result.refusal is None, result.refusal
        return command.subscription

    async def bought(
        self,
        now: datetime,
        name: str = "s",
        sku: str = "PRO",
        account: str = "acme",
        start: bool = True,
    ) -> str:
        """Buy a subscription at an instant of the past. `start`: start its workflow now."""
        command = Purchase(
            subscription=self.id(name),
            account=self.id(account),
            sku=sku,
            request_id=self.id(f"buy-{name}"),
        )
        result = self.call("purchase", command, now)
        assert result.refusal is None, result.refusal
        if start:
            await self.perennial.start(command.subscription)
        return command.subscription

    async def due_soon(self, seconds: float = 1.5, bought_as: str = "s", **account: Any) -> str:
        """Buy a subscription that has been due for an hour by the machine's clock.

        Its workflow wakes in this number of seconds, because the jitter of its account ends then.
        The shop's `jitter_seconds` must be 80,000.
        """
        assert self.config.jitter_seconds == 80_000
        now = machine_now()
        # In this zone it is between 1 and 2 o'clock. So the renewal date began between 3,600 and
        # 7,200 seconds ago.
        hours = (1 - now.hour) % 24
        zone = f"Etc/GMT-{hours}" if hours <= 12 else f"Etc/GMT+{24 - hours}"
        today = local_date(now, zone)
        spread = int((now - first_instant(today, zone)).total_seconds() + seconds) + 1
        name = next(
            f"a{n}" for n in count() if zlib.crc32(self.id(f"a{n}").encode()) % 80_000 == spread
        )
        await self.account(name, timezone=zone, **account)
        # It was bought when the present cycle began. The renewal date is a week before its end.
        expiry = today + timedelta(days=7)
        bought = first_instant(add_months(expiry + timedelta(days=1), -1), zone)
        subscription = await self.bought(bought, bought_as, account=name)
        assert self.row(subscription).renewal_date == today
        return subscription

    def call(
        self, activity: str, command: AnyCommand, now: datetime, past: tuple[str, ...] = ()
    ) -> CommandResult:
        """Run a use case without a workflow. Due steps of `past` are skipped."""
        passed = tuple(Passed(subject=of_subscription(id_)) for id_ in past)
        request = CommandRequest(command=command, now=now, past=passed)
        result: CommandResult = self._activities(now).call(activity, request)
        assert result.before is None
        return result

    def _activities(self, now: datetime) -> Activities:
        """The use cases on a machine whose clock shows an instant."""
        ledger = replace(self.perennial.ledger, machine_now=lambda: now)
        return Activities(ledger, self.gateway)

    def rehearse(self, activity: str, command: AnyCommand, now: datetime) -> CommandResult:
        """Run a use case, return its result, and roll back what it has written."""
        ledger = Rehearsal(
            self.perennial.ledger.engine, self.perennial.ledger.seller, machine_now=lambda: now
        )
        result: CommandResult = Activities(ledger, self.gateway).call(
            activity, CommandRequest(command=command, now=now)
        )
        return result

    def step(self, activity: str, request: StepRequest) -> StepResult:
        """Run a step without a workflow."""
        result: StepResult = self._activities(request.now).call(activity, request)
        return result

    def working(self, *roles: str) -> AbstractAsyncContextManager[None]:
        """Workers that run inside a `with` block."""
        return running(roles or ROLES, self.perennial, self.config)

    async def advance(self, *instant: int) -> None:
        """Advance the test clock to the first instant of a day, or to a time of it (UTC)."""
        assert self.clock is not None
        until = datetime(*instant, tzinfo=UTC)  # type: ignore[arg-type]
        await self.perennial.advance(self.clock, until)

    # what is in the database

    def row(self, subscription: str) -> Any:
        """The row of a subscription."""
        with self.perennial.ledger.engine.connect() as connection:
            return connection.execute(SUBSCRIPTIONS.where(SubscriptionRow.id == subscription)).one()

    def balance(self, name: str = "acme") -> str:
        """The balance of an account."""
        with self.perennial.ledger.engine.connect() as connection:
            query = select(AccountRow.balance).where(AccountRow.id == self.id(name))
            return f"{connection.execute(query).scalar_one():.2f}"

    def events(self, subscription: str | None = None, account: str = "acme") -> list[str]:
        """The events of a subscription, or of an account with all its subscriptions, in order."""
        which = (
            History.subscription == subscription
            if subscription
            else History.account == self.id(account)
        )
        with self.perennial.ledger.engine.connect() as connection:
            return list(
                connection.execute(
                    select(History.event).where(which).order_by(History.seq)
                ).scalars()
            )

    def charges(self) -> list[tuple[int, bool | None]]:
        """For each key at the card gateway, how often it was called and whether it charged."""
        with self.perennial.ledger.engine.connect() as connection:
            return [
                (row.calls, row.charged)
                for row in connection.execute(select(charges).order_by(charges.c.key))
            ]

    def sql(self, statement: str, **values: Any) -> Any:
        """Execute and commit a statement with the guards of the database off."""
        with self.perennial.ledger.engine.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            return connection.execute(text(statement), values)

    def set_clock(self, now: datetime) -> None:
        """Set the test clock. No step runs."""
        with self.perennial.ledger.engine.begin() as connection:
            connection.execute(update(Clock).where(Clock.id == self.clock).values(now=now))

    # what is on the server

    def workflow(self, subscription: str) -> WorkflowHandle[Any, Any]:
        """The newest run of the workflow of a subscription."""
        return self.perennial.temporal.get_workflow_handle(subscription_workflow(subscription))

    def account_workflow(self, name: str = "acme") -> WorkflowHandle[Any, Any]:
        """An account's workflow."""
        return self.perennial.temporal.get_workflow_handle(account_workflow(self.id(name)))

    async def history(self, subscription: str) -> list[str]:
        """The kinds of events of the newest run."""
        return kinds(await self.workflow(subscription).fetch_history())

    async def faulty_tasks(self, subscription: str) -> list[str]:
        """The workflow tasks of the newest run that failed, or that no worker took in time.

        Without those of a slow machine: the SDK fails a task that takes two seconds, and the server
        gives up one that takes ten.
        """
        history = await self.workflow(subscription).fetch_history()
        faults = []
        for event in history.events:
            failed = event.workflow_task_failed_event_attributes.failure.message
            late = event.workflow_task_timed_out_event_attributes.timeout_type
            if failed and "TMPRL1101" not in failed:
                faults.append(failed)
            elif late == TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START:
                faults.append("no worker took it")
        return faults

    async def settled(self, subscription: str) -> list[str]:
        """The same, after the workflow has processed all that has arrived.

        A query waits for that.
        """
        await self.perennial.state(subscription)
        return await self.history(subscription)

    async def until_event(self, subscription: str, kind: str) -> None:
        """Wait for an event of this kind in the newest run."""
        async for event in self.workflow(subscription).fetch_history_events(wait_new_event=True):
            if kind_of(event.event_type) == kind:
                return

    async def until(self, subscription: str, happened: Callable[[], bool]) -> None:
        """Wait until `happened` returns True. It is called after each event of a workflow.

        Runs that continue the present one count too.
        """
        await until(self.perennial.temporal, subscription_workflow(subscription), happened)


async def until(temporal: Client, workflow: str, happened: Callable[[], bool]) -> None:
    """See `Shop.until`."""
    run: str | None = (await temporal.get_workflow_handle(workflow).describe()).run_id
    while run is not None:
        handle, run = temporal.get_workflow_handle(workflow, run_id=run), None
        async for event in handle.fetch_history_events(wait_new_event=True):
            if happened():
                return
            if event.HasField("workflow_execution_continued_as_new_event_attributes"):
                run = (
                    event.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
                )
    assert happened(), f"{workflow} ended before it happened"


def kinds(history: WorkflowHistory) -> list[str]:
    """The kinds of a history's events, in words such as `TimerFired`."""
    return [kind_of(event.event_type) for event in history.events]


def kind_of(number: "EventType.ValueType") -> str:
    """A kind of event, such as `TimerFired`."""
    return "".join(
        word.capitalize() for word in EventType.Name(number).removeprefix("EVENT_TYPE_").split("_")
    )
