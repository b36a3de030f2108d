"""The Python client of the platform, the command line and other programs.

    where = stack.addresses()  # of local/: configured, or the embedded stack
    async with Perennial.connect(where.database_url, where.temporal_address) as perennial:
        result = await perennial.do(
            Purchase(subscription="s1", account="acme", sku="PRO-M", request_id="order-7731")
        )
        if result.refusal:
            print(result.refusal)  # usable 0.00 USD does not cover 50.00 (rule 4.1)
        state = await perennial.state("s1")

Every command takes the caller's request id. After a timeout or a crash the caller repeats the same
request id, and gets the first result (Rule 4.2).
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any, Concatenate, ParamSpec, TypeVar, assert_never, cast
from uuid import uuid4
from weakref import WeakValueDictionary

import structlog
from sqlalchemy import or_, select
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.command_checks import refused_by, replay
from activities.documents import Document, invoice_document, receipt_document
from activities.open_account import NewAccount, open_account
from activities.registry import Activities
from activities.usage_batch import Results
from core.domain import inputs
from core.domain.commands import AnyAccountCommand, AnyCommand, AnySubscriptionCommand
from core.domain.commands.base import NewSubscriptionCommand, SubscriptionCommand
from core.domain.commands.usage import Usage
from core.domain.documents import Format
from core.domain.refusal import Refusal, Refused
from core.domain.rules import Rule
from core.domain.steps import Step, Subject, SubjectKind, of_subscription
from core.domain.subscription import Status
from core.domain.usage_batch import ChargedBatch, check_batch
from core.gateways.choose_gateway import choose_gateway
from core.ledger import clocks, tellings
from core.ledger.bulk_write import one_of
from core.ledger.clocks import machine_now, virtual_now
from core.ledger.database import connect
from core.ledger.due_steps import Due
from core.ledger.erasures import unfinished
from core.ledger.ledger import Committed, Ledger
from core.ledger.tables import AccountRow, SubscriptionRow
from core.protocol.activity_messages import (
    CommandRequest,
    CommandResult,
    Snapshot,
    StepRequest,
    StepResult,
)
from core.protocol.workflow_messages import (
    AccountInput,
    AccountMessage,
    Options,
    SubscriptionInput,
    SubscriptionMessage,
    Tick,
    account_workflow,
    memo_of,
    subscription_workflow,
)
from doors.application import logs, test_clocks, usage_batches
from doors.application.batches import RowFailed, past_failing_rows
from doors.application.campaigns import Campaigns
from doors.application.erasing import finish
from doors.application.patience import NotAvailable, Patience, outcome_of, without_patience
from doors.application.payload_converter import converter_of
from doors.application.previews import Preview, preview
from doors.application.sellers import refuse_foreign, refuse_foreign_subscription
from doors.application.telling import tell_all, tell_one, tell_some
from doors.application.what_if import Assumptions, WhatIf, what_if
from settings import Settings, keys_of, settings

#: The row of a subscription that its workflow starts from, and what its senders have seen.
_SEEN = select(
    SubscriptionRow.version,
    SubscriptionRow.account,
    or_(AccountRow.suspended, AccountRow.closed_on.is_not(None)).label("halted"),
    AccountRow.clock,
).join(AccountRow, AccountRow.id == SubscriptionRow.account)

#: How many workflows are started at once.
AT_ONCE = 50
#: Concurrent commands of one process at one workflow. The server takes ten from all processes.
_UNDER_WAY = 4
_READ_AT_ONCE = 500

log = structlog.get_logger()

P = ParamSpec("P")
R = TypeVar("R")


async def connect_temporal(config: Settings, address: str) -> Client:
    """The one place that connects to Temporal."""
    api_key = config.temporal_api_key.get_secret_value() if config.temporal_api_key else None
    return await Client.connect(
        address,
        namespace=config.temporal_namespace,
        api_key=api_key,
        tls=config.tls or False,
        data_converter=converter_of(keys_of(config.payload_keys)),
    )


def _with_request_id(command: AnyCommand) -> tuple[AnyCommand, str]:
    request_id = command.request_id or f"client/{uuid4()}"
    return replace(command, request_id=request_id), request_id


def _hear(operation: WithStartWorkflowOperation[Any, Any]) -> None:
    """Read the error of an operation when there is one.

    The client of Temporal raises the error, and keeps it with the operation as well. asyncio logs
    an error that is kept and never read.
    """

    def read(future: "asyncio.Future[Any]") -> None:
        if not future.cancelled():
            future.exception()

    operation._workflow_handle.add_done_callback(read)


class Perennial:
    """A connection to Perennial: its database and its workflows.

    `activities` are the use cases over them. This is the one place that chooses the card gateway.
    `patience`: how long its calls wait for servers that are away.
    `herd`: its commands are those of a campaign. They wait for workflows only where a card is
    charged. Commands that a person waits for go first.
    """

    def __init__(
        self,
        ledger: Ledger,
        temporal: Client,
        config: Settings,
        patience: Patience | None = None,
        *,
        herd: bool = False,
    ) -> None:
        self.ledger = ledger
        self.temporal = temporal
        self.patience = patience or Patience(config.patience_seconds)
        self.campaigns = Campaigns(ledger, temporal, self.patience, config)
        self._herd = herd
        self._config = config
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self.activities = Activities(ledger, choose_gateway(config.card_gateway, ledger.engine))
        self._task_timeout = timedelta(seconds=config.workflow_task_seconds)
        self._options = Options(
            cycles_per_run=config.cycles_per_run,
            jitter_seconds=config.jitter_seconds,
            renew_locally=config.renew_locally,
            charge_queue=config.charge_task_queue,
            activity_seconds=config.activity_seconds,
        )

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        database_url: str,
        temporal_address: str,
        config: Settings | None = None,
        *,
        patience_seconds: float | None = None,
    ) -> AsyncIterator["Perennial"]:
        """Connect to the addresses of `local.stack.addresses`.

        `patience_seconds`: how long a command or a query waits for servers that are away. Default:
        the setting `PERENNIAL_PATIENCE_SECONDS`.

        Connections are made when they are needed. There are at most as many as a worker of each
        role has threads. Raises RuntimeError when Temporal cannot be reached.
        """
        logs.leave_to_program()
        config = config or settings()
        ledger = Ledger(
            connect(database_url, pool_size=max(10, 2 * config.activity_threads)), config.seller
        )
        try:
            patience = None if patience_seconds is None else Patience(patience_seconds)
            temporal = await connect_temporal(config, temporal_address)
            yield cls(ledger, temporal, config, patience)
        finally:
            ledger.engine.dispose()

    def of_seller(
        self, seller: str, patience: Patience | None = None, *, herd: bool = False
    ) -> "Perennial":
        """The same system for another seller, by the same servers. The parameters are as above."""
        ledger = self.ledger
        if seller != ledger.seller or ledger.every_seller:
            ledger = Ledger(ledger.engine, seller, ledger.machine_now)
        return Perennial(ledger, self.temporal, self._config, patience, herd=herd)

    @property
    def config(self) -> Settings:
        """The settings of the connection."""
        return self._config

    # commands

    async def do(self, command: AnyCommand) -> CommandResult:
        """Carry out a command. A refusal is a result.

        On a test clock, what the command sets off at once is finished too.

        Raises `OutcomeUnknown` when servers are away, or do not respond, for longer than the
        patience. The command may or may not have run then. The same request id tells.
        """
        command, request_id = _with_request_id(command)
        with outcome_of(request_id):
            result = await self.command(command, await self._sql(self._now_of, command))
            clock = await self._sql(self._clock_of, command)
            if clock is not None and not result.refusal:
                now = await self._sql(test_clocks.now_of, self.ledger, clock)
                try:
                    await self.advance(clock, now)
                except test_clocks.Unfinished as error:  # The command itself is done.
                    log.error("clock_unfinished", clock=clock, error=str(error))
        return result

    async def command(self, command: AnyCommand, now: datetime | None) -> CommandResult:
        """Carry out a command.

        `now`: the virtual now of a test clock. None otherwise.

        A command without a request id gets one here, so that no repetition below runs it twice.
        Raises `OutcomeUnknown` as `do`.
        """
        command, request_id = _with_request_id(command)
        if now is not None:
            inputs.required("now", now, inputs.check_instant)
        with outcome_of(request_id), self.patience.one_limit():
            try:
                await self._sql(refuse_foreign, self.ledger, command)
            except Refused as refused:
                return await self._refuse(command, now, refused.refusal)
            if isinstance(command, NewSubscriptionCommand):
                return await self._create(command, now)
            if isinstance(command, SubscriptionCommand):
                return await self._on_subscription(command, now)
            if not command.through_workflow:
                return await self._at_once(command, now)
            return await self._on_account(command, now)

    async def preview(self, command: AnyCommand) -> Preview:
        """What a command would do now, without doing it. A refusal is a result.

        Raises `NotAvailable` when the database is away for longer than the patience.
        """
        return await self._sql(preview, self.ledger, command)

    async def charge_usage_batch(self, rows: Sequence[Usage]) -> ChargedBatch:
        """Charge up to 1,000 rows of usage, of any accounts, each with its own request id.

        A row that is refused does not stop the others (Rule 11.1). The rows of an account are
        charged in their order. What is due of the account before a row, and an automatic top-up
        that a row sets off, is done before the next row (Rules 1.6, 11.2). The outcome is that of
        sending the rows one by one.

        Raises `Faults` for a batch that is empty, too long, or has a row without a request id.
        Raises `OutcomeUnknown` when servers are away for longer than the patience. The batch can be
        repeated then, and no row is charged twice (Rule 4.2).
        """

        async def in_bulk(waiting: usage_batches.Waiting) -> Results:
            return await self._sql(usage_batches.charge_in_bulk, self.ledger, waiting)

        check_batch(rows)
        with outcome_of(str(rows[0].request_id)):
            charged = await usage_batches.charge_batch(rows, in_bulk, self.do)
            accounts = sorted({row.account for row in rows})
            balances = await self._sql(usage_batches.balances_of, self.ledger, accounts)
        return ChargedBatch(rows=tuple(charged), balances=tuple(balances))

    async def what_if(
        self, account: str, assumptions: Assumptions, months: int = 12, *, card_charges: bool = True
    ) -> WhatIf:
        """What an account does in the coming months if assumptions come true, and if not.

        Nothing of the account is touched (see `doors.application.what_if`). Raises LookupError for
        an unknown account, `Faults` for assumptions that cannot be played, and `NotAvailable` when
        the database is away for longer than the patience.
        """
        inputs.required("account", account, inputs.read_id)
        return await self._sql(
            what_if, self.ledger, account, assumptions, months, card_charges=card_charges
        )

    async def send(self, command: SubscriptionCommand) -> None:
        """Send a command by signal, without waiting for the outcome.

        It is accepted while no worker is up. It needs a request id. The outcome is in the history.
        Raises `Refused` 4.1 for a subscription of another seller, and `OutcomeUnknown` as `do`.
        """
        if command.request_id is None:
            raise ValueError("a command whose caller does not wait needs a request id")
        with outcome_of(command.request_id), self.patience.one_limit():
            now = await self._sql(self._now_of, command)
            try:
                await self._sql(refuse_foreign, self.ledger, command)
            except Refused as refused:
                await self._refuse(command, now, refused.refusal)
                raise
            message = await self._sql(self._message, command, now)
            handle = self.temporal.get_workflow_handle(subscription_workflow(command.subscription))
            await self.patience.call(lambda: handle.signal(command.do, message))

    async def _at_once(self, command: AnyAccountCommand, now: datetime | None) -> CommandResult:
        """Carry out a command that is one transaction, without a workflow.

        What is due of the account is taken before it (Rule 1.6). If that needs a card charge, the
        account's workflow runs it.
        """
        request = CommandRequest(command=command, now=now or machine_now(), past=())
        result: CommandResult = await self._sql(self.activities.call, command.do, request)
        while result.before is not None:
            if result.before.first is not None:
                await self.catch_up(command.account, now)
                request = replace(request, past=None)
            result = await self._sql(self.activities.call, command.do, request)
        return result

    async def catch_up(self, account: str, now: datetime | None) -> None:
        """Let the account's workflow run what is due of the account, with its card charges.

        `now`: the virtual now of a test clock. None otherwise.
        """
        await self._update_account(account, "catch_up", now, None)

    async def at_once(self, command: AnySubscriptionCommand) -> CommandResult | None:
        """Carry out one of many commands in one transaction. The workflow is told later.

        The subscription is known to be one of the seller that lives by the machine's clock.

        Returns None where only `do` can go on, by the workflow: something needs a card charge, or
        more steps of the account are due before the command than one transaction takes (Rule 1.6).
        Raises `NotAvailable` as `do`.
        """
        request = CommandRequest(command=command, now=machine_now(), past=(), by_workflow=False)
        result: CommandResult = await self._sql(self.activities.call, command.do, request)
        return None if result.before or result.needs_charge else result

    async def _create(self, command: NewSubscriptionCommand, now: datetime | None) -> CommandResult:
        """Commit first, then start the workflow.

        After a crash in between, and while Temporal is away, the relay starts the workflow
        (`start_missing`).
        """
        result = await self._at_once(command, now)
        if not result.refusal:
            with suppress(NotAvailable), without_patience():
                await self.start(command.subscription)
        return result

    async def _on_subscription(
        self, command: AnySubscriptionCommand, now: datetime | None
    ) -> CommandResult:
        try:
            if replayed := await self._sql(self._replay, command):
                return replayed
            message = await self._sql(self._message, command, now)
            if not await self._has_workflow(command.subscription):
                return await self._directly(command, now)
            return cast(
                CommandResult,
                await self._update(command.subscription, command.do, message, CommandResult),
            )
        except Refused as refused:
            return await self._refuse(command, now, refused.refusal)
        except WorkflowUpdateFailedError as failed:
            return await self._refused(failed, command, now)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            result = await self._directly(command, now)
            if result.before or result.needs_charge:
                raise  # The subscription lives, and only its workflow can do this.
            return result

    async def _on_account(self, command: AnyAccountCommand, now: datetime | None) -> CommandResult:
        try:
            if replayed := await self._sql(self._replay, command):
                return replayed
            message = AccountMessage(command=command, now=now)
            result = await self._update_account(command.account, command.do, message, CommandResult)
            if result is None:
                return await self._directly(command, now)
            return cast(CommandResult, result)
        except Refused as refused:
            return await self._refuse(command, now, refused.refusal)
        except WorkflowUpdateFailedError as failed:
            return await self._refused(failed, command, now)

    async def _refuse(
        self, command: AnyCommand, now: datetime | None, refusal: Refusal
    ) -> CommandResult:
        """The refusal of a command that no activity has judged."""
        request = CommandRequest(command=command, now=now or machine_now())
        return await self._sql(refused_by, self.ledger, request, refusal)

    async def _refused(
        self, failed: WorkflowUpdateFailedError, command: AnyCommand, now: datetime | None
    ) -> CommandResult:
        """The refusal of a workflow, unless the same request has just been carried out."""
        cause = failed.cause
        if not isinstance(cause, ApplicationError) or cause.type != "Refused":
            raise failed
        if replayed := await self._sql(self._replay, command):
            return replayed
        rule, reason = cause.details
        return await self._refuse(command, now, Refusal(Rule(rule), reason))

    async def _directly(self, command: AnyCommand, now: datetime | None) -> CommandResult:
        """A command for which there is no workflow: unknown, or TERMINATED.

        The use case refuses it, or returns the first result of a repetition.
        """
        request = CommandRequest(command=command, now=now or machine_now(), past=())
        result: CommandResult = await self._sql(self.activities.call, command.do, request)
        return result

    async def _update(
        self, subscription: str, name: str, message: SubscriptionMessage | Tick, result: Any
    ) -> Any:
        """Send an update to a subscription's workflow.

        If the workflow is gone although the subscription lives, it is started again. That happens
        after Temporal was restored from an older backup. Raises RPCError NOT_FOUND when the
        workflow has ended with its subscription.
        """
        handle = self.temporal.get_workflow_handle(subscription_workflow(subscription))
        id_ = str(uuid4())

        async def update() -> Any:
            async with self._turn(handle.id):
                return await handle.execute_update(name, message, id=id_, result_type=result)

        try:
            return await self.patience.call(update)
        except RPCError as error:
            row = await self._sql(self._row, subscription)
            if (
                error.status is not RPCStatusCode.NOT_FOUND
                or row is None
                or row.status == Status.TERMINATED
            ):
                raise
        await self.start(subscription)
        return await self.patience.call(update)

    async def _update_account(
        self, account: str, name: str, message: AccountMessage | Tick | datetime | None, result: Any
    ) -> Any:
        """Send an update to an account's workflow, which is started if it does not run.

        Returns None when there is no such account.
        """
        found = await self._sql(self._account_input, account)
        if found is None:
            return None
        start, memo = found
        id_ = str(uuid4())

        async def update() -> Any:
            operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
                "Account", start, **self._unless_it_runs(account_workflow(account), memo)
            )
            _hear(operation)
            async with self._turn(account_workflow(account)):
                return await self.temporal.execute_update_with_start_workflow(
                    name,
                    message,
                    id=id_,
                    start_workflow_operation=operation,
                    result_type=result,
                )

        return await self.patience.call(update)

    def _account_input(self, account: str) -> tuple[AccountInput, dict[str, str]] | None:
        """The input of an account's workflow, and its memo. None: there is no such account."""
        found = self.ledger.account_snapshot(account, machine_now())
        if found is None:
            return None
        start = AccountInput(
            snapshot=found.snapshot, on_clock=found.clock is not None, options=self._options
        )
        return start, memo_of(found.seller)

    @asynccontextmanager
    async def _turn(self, workflow: str) -> AsyncIterator[None]:
        """Wait while too many commands of this process are at a workflow."""
        turns = self._turns.setdefault(workflow, asyncio.Semaphore(_UNDER_WAY))
        async with turns:
            yield

    async def _has_workflow(self, subscription: str) -> bool:
        """Make sure that a living subscription has its workflow. Returns False for one without."""
        row = await self._sql(self._row, subscription)
        if row is None or row.status == Status.TERMINATED:
            return False
        if not row.workflow_started:
            await self.start(subscription)
        return True

    # workflows

    async def start(self, subscription: str) -> None:
        """Start a subscription's workflow from what is committed, unless it runs, and record it."""
        await self.start_these([subscription])

    async def start_all(
        self,
        snapshots: Sequence[Snapshot],
        *,
        on_clock: bool = False,
        seller: str | None = None,
        at_once: int = AT_ONCE,
        progress: Callable[[int], None] | None = None,
        failed: RowFailed[str] | None = None,
    ) -> None:
        """Start the workflows of subscriptions just committed, unless they run, and record it.

        `seller`: whose they are. Default: that of the connection.
        `at_once`: how many are started concurrently.
        `failed`: is called for each subscription whose workflow cannot be started. The others are
        started. Without it, the first error is raised after that.

        Raises `NotAvailable` while Temporal is away.
        """
        queue, started = asyncio.Semaphore(at_once), list[Snapshot]()
        away, errors = list[NotAvailable](), list[Exception]()
        memo = memo_of(self.ledger.seller if seller is None else seller)

        async def start(snapshot: Snapshot) -> None:
            told = SubscriptionInput(snapshot=snapshot, on_clock=on_clock, options=self._options)
            workflow = subscription_workflow(snapshot.subscription.id)
            async with queue:
                if away:
                    return
                try:
                    await self._start("Subscription", told, workflow, memo)
                except NotAvailable as error:
                    away.append(error)
                    return
                except Exception as error:
                    errors.append(error)
                    if failed:
                        failed(snapshot.subscription.id, error)
                    return
            started.append(snapshot)
            if progress:
                progress(1)

        await asyncio.gather(*map(start, snapshots))
        if started:
            gone = await self._sql(self._started, started)
            if gone:
                await self.end_all(sorted(gone), "its import was undone while it was started")
        for error in (*away, *([] if failed else errors)):
            raise error

    async def start_these(
        self,
        subscriptions: Sequence[str],
        at_once: int = AT_ONCE,
        progress: Callable[[int], None] | None = None,
        failed: RowFailed[str] | None = None,
    ) -> None:
        """Start the workflows of subscriptions from what is committed, unless they run.

        It records that they are started. The parameters and errors are those of `start_all`.
        """
        errors: list[Exception] = []

        def unreadable(subscription: str, error: Exception) -> None:
            errors.append(error)
            if failed:
                failed(subscription, error)

        def read(some: Sequence[str]) -> list[Committed[Snapshot]]:
            parts = past_failing_rows(
                some, lambda ids: self.ledger.snapshots(ids, machine_now()), unreadable
            )
            return list(chain.from_iterable(parts))

        for first in range(0, len(subscriptions), _READ_AT_ONCE):
            found = await self._sql(read, subscriptions[first : first + _READ_AT_ONCE])
            alike = defaultdict[tuple[bool, str], list[Snapshot]](list)
            for one in found:
                alike[one.clock is not None, one.seller].append(one.snapshot)
            for (on_clock, seller), some in alike.items():
                await self.start_all(
                    some,
                    on_clock=on_clock,
                    seller=seller,
                    at_once=at_once,
                    progress=progress,
                    failed=failed,
                )
        if errors and not failed:
            raise errors[0]

    async def start_missing(
        self,
        limit: int = 1000,
        at_once: int = AT_ONCE,
        progress: Callable[[int], None] | None = None,
        past: Sequence[str] = (),
        failed: RowFailed[str] | None = None,
    ) -> int:
        """Start the workflows that a crash after a commit left behind.

        `past`: subscriptions that are skipped.
        `at_once`, `failed`: as in `start_all`.

        Returns how many it tried to start.
        """
        missing = await self._sql(self._missing, limit, past)
        await self.start_these(missing, at_once, progress, failed)
        return len(missing)

    async def end_all(
        self, subscriptions: Sequence[str], reason: str, at_once: int = AT_ONCE
    ) -> None:
        """End the workflows of subscriptions that no longer exist, those that run.

        `reason`: is shown with the workflow. `at_once`: how many are ended concurrently.
        Raises `NotAvailable` while Temporal is away.
        """
        queue = asyncio.Semaphore(at_once)

        async def end(subscription: str) -> None:
            handle = self.temporal.get_workflow_handle(subscription_workflow(subscription))
            async with queue:
                try:
                    await self.patience.call(lambda: handle.terminate(reason=reason))
                except RPCError as error:
                    if error.status is not RPCStatusCode.NOT_FOUND:
                        raise

        await asyncio.gather(*map(end, subscriptions))

    async def _start(
        self,
        name: str,
        start: SubscriptionInput | AccountInput,
        workflow: str,
        memo: dict[str, str],
    ) -> None:
        options = self._unless_it_runs(workflow, memo)
        await self.patience.call(lambda: self.temporal.start_workflow(name, start, **options))

    def _unless_it_runs(self, workflow: str, memo: dict[str, str]) -> dict[str, Any]:
        """The options with which a workflow is started. One that runs stays as it is."""
        return {
            "id": workflow,
            "task_queue": self._config.task_queue,
            "id_conflict_policy": WorkflowIDConflictPolicy.USE_EXISTING,
            "task_timeout": self._task_timeout,
            "memo": memo,
        }

    async def take(self, item: Due, now: datetime) -> Step | None:
        """Let a workflow run its next step (see `doors.application.test_clocks`)."""
        assert item.version is not None
        tick = Tick(now=now, version=item.version)
        result: Step | None = None
        match item.subject.kind:
            case SubjectKind.SUBSCRIPTION:
                if await self._has_workflow(item.subject.id):
                    result = await self._update(item.subject.id, "tick", tick, Step | None)
            case SubjectKind.ACCOUNT:
                result = await self._update_account(item.subject.id, "tick", tick, Step | None)
            case SubjectKind.NUMBER:
                await self.take_step_of_number(item, now)
            case unreachable:
                assert_never(unreachable)
        return result

    async def take_step_of_number(self, item: Due, now: datetime | None) -> None:
        """Run the step of a number in this process. A number has no workflow.

        `now`: the virtual now of a test clock. None otherwise.

        What is due of the account before it is taken first (Rule 1.7). If that needs a card charge,
        the account's workflow runs it.
        """
        assert item.kind is not None
        assert item.version is not None
        request = StepRequest(
            subject=item.subject, version=item.version, now=now or machine_now(), past=()
        )
        result: StepResult = await self._sql(self.activities.call, str(item.kind), request)
        while result.before is not None:
            if result.before.first is not None:
                await self.catch_up(item.account, now)
                request = replace(request, past=None)
            result = await self._sql(self.activities.call, str(item.kind), request)

    async def start_account(self, account: str) -> None:
        """Start the workflow of an account that has a next step, unless it runs."""
        found = await self._sql(self._account_input, account)
        if found is not None and found[0].snapshot.next_step is not None:
            start, memo = found
            await self._start("Account", start, account_workflow(account), memo)

    # queries of a workflow

    async def state(self, subscription: str) -> Snapshot:
        """What the workflow knows of its subscription.

        Raises RPCError NOT_FOUND, and `NotAvailable` when servers are away, or no worker runs, for
        longer than the patience. So do the other queries.
        """
        state: Snapshot = await self._query(subscription, "state", Snapshot)
        return state

    async def next_step(self, subscription: str) -> Step | None:
        """What it does next by itself."""
        step: Step | None = await self._query(subscription, "next_step", Step | None)
        return step

    async def why_not_renewed(self, subscription: str) -> str:
        """Why the coming cycle is not paid (yet), in words."""
        inputs.required("subscription", subscription, inputs.read_id)
        suspended = await self._sql(self._is_suspended, subscription)
        why: str = await self._query(subscription, "why_not_renewed", str, suspended)
        return why

    async def _query(self, subscription: str, name: str, result: Any, *args: Any) -> Any:
        """Raises `Faults`, `NotAvailable`, and `Refused` 4.1 for another seller's subscription."""
        inputs.required("subscription", subscription, inputs.read_id)
        with self.patience.one_limit():
            if await self._sql(self._is_untold, subscription):
                subject = of_subscription(subscription)
                await self.patience.call(
                    lambda: tell_one(self.ledger, self.temporal, self.start_account, subject)
                )
            handle = self.temporal.get_workflow_handle(subscription_workflow(subscription))
            return await self.patience.call(
                lambda: handle.query(name, args=args, result_type=result)
            )

    # what is committed

    async def read(
        self, query: Callable[Concatenate[Ledger, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """What a query of `doors.queries` returns: ``await perennial.read(find_account, "acme")``.

        Raises `NotAvailable` when the database is away for longer than the patience.
        """
        return await self._sql(query, self.ledger, *args, **kwargs)

    async def rows(
        self,
        query: Callable[Concatenate[Ledger, P], Iterator[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> AsyncIterator[R]:
        """The rows of a list of `doors.queries`, read page by page, such as `transactions`.

        It is not repeated while the database is away. The caller continues after the last row.
        """
        found = query(self.ledger, *args, **kwargs)
        while page := await asyncio.to_thread(lambda: list(islice(found, _READ_AT_ONCE))):
            for row in page:
                yield row

    async def finish_erasing(
        self, account: str, progress: Callable[[int], None] | None = None
    ) -> None:
        """Erase at once what the relay would erase of an account soon.

        `progress`: is told how many rows each page has looked at. Raises `NotAvailable` as a query.
        """
        for erasing in await self._sql(unfinished, self.ledger, account):
            await finish(self.ledger, self.temporal, self.patience, erasing, progress)

    # documents

    async def invoice_document(self, number: int, format_: Format) -> Document:
        """An invoice or credit note as a file, always the same (see `activities.documents`).

        Raises `NoSuchDocument`, `NotOffered`, and `NotAvailable` as a query.
        """
        own = self.config.document_templates
        return await self._sql(invoice_document, self.ledger, number, format_, own)

    async def receipt_document(self, operation: int, format_: Format) -> Document:
        """A receipt of money that came in as a file. It raises what `invoice_document` raises."""
        own = self.config.document_templates
        return await self._sql(receipt_document, self.ledger, operation, format_, own)

    # accounts and clocks

    async def open_account(self, account: NewAccount) -> None:
        """Open an account (see `activities.open_account`)."""
        now = (
            await self._sql(test_clocks.now_of, self.ledger, account.clock)
            if account.clock
            else machine_now()
        )
        await asyncio.to_thread(open_account, self.ledger, account, now)

    async def new_clock(self, clock: str, now: datetime) -> None:
        """Make a test clock that stands at an instant (UTC).

        Raises `Faults` for a wrong id or instant, and `sqlalchemy.exc.IntegrityError` where the
        clock exists.
        """
        inputs.required("clock", clock, inputs.read_id)
        inputs.required("now", now, inputs.check_instant)

        def create() -> None:
            with self.ledger.transaction("new_clock") as connection:
                clocks.create(connection, self.ledger.seller, clock, now)

        await asyncio.to_thread(create)

    async def advance(
        self,
        clock: str,
        until: datetime,
        *,
        outage: bool = False,
        at_once: int = 1,
        progress: Callable[[datetime], None] | None = None,
        stop: Callable[[], bool] = test_clocks.never,
    ) -> bool:
        """Advance a test clock (see `doors.application.test_clocks.advance`).

        Returns whether it is there, or `stop` has ended it before.
        Raises `NotAvailable` while a server is away for longer than the patience. The clock can be
        advanced again then. Raises `Faults` for a wrong id or instant.
        """
        inputs.required("clock", clock, inputs.read_id)
        inputs.required("until", until, inputs.check_instant)
        unfinished: test_clocks.Unfinished | None = None
        there = True
        try:
            there = await test_clocks.advance(
                self.ledger,
                self,
                clock,
                until,
                outage=outage,
                at_once=at_once,
                progress=progress,
                stop=stop,
                in_threads=True,
            )
        except test_clocks.Unfinished as error:
            unfinished = error
        await self.tell(clock)
        if unfinished is not None:
            raise unfinished
        return there

    async def tell(self, clock: str | None = None) -> int:
        """Tell the workflows whose subject was changed by another one's transaction.

        `clock`: only those of a test clock. Default: all. Returns how many were told.
        """
        return await tell_all(self.ledger, self.temporal, self.start_account, clock)

    async def tell_some(self, after: Subject) -> tuple[int, Subject]:
        """Tell the workflows that would act too late, and some others (see `telling.tell_some`)."""
        return await tell_some(self.ledger, self.temporal, self.start_account, after)

    # the database, off the event loop

    async def _sql(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function that may run twice: one that reads, or does nothing the second time."""
        return await self.patience.in_thread(function, *args, **kwargs)

    def _now_of(self, command: AnyCommand) -> datetime | None:
        with self.ledger.read() as connection:
            if isinstance(command, SubscriptionCommand):
                return virtual_now(connection, subscription=command.subscription)
            return virtual_now(connection, account=command.account)

    def _clock_of(self, command: AnyCommand) -> str | None:
        with self.ledger.read() as connection:
            if isinstance(command, SubscriptionCommand):
                return connection.execute(
                    select(SubscriptionRow.clock).where(SubscriptionRow.id == command.subscription)
                ).scalar()
            return connection.execute(
                select(AccountRow.clock).where(AccountRow.id == command.account)
            ).scalar()

    def _replay(self, command: AnyCommand) -> CommandResult | None:
        with self.ledger.read() as connection:
            return replay(connection, self.ledger.seller, command)

    def _message(
        self, command: AnySubscriptionCommand, now: datetime | None
    ) -> SubscriptionMessage:
        with self.ledger.read() as connection:
            row = connection.execute(
                _SEEN.where(SubscriptionRow.id == command.subscription)
            ).one_or_none()
        if row is None:
            return SubscriptionMessage(command=command, now=now)
        seen = None if row.halted else row.version
        return SubscriptionMessage(command=command, now=now, seen_version=seen, herd=self._herd)

    def _row(self, subscription: str) -> Any:
        with self.ledger.read() as connection:
            query = select(SubscriptionRow.status, SubscriptionRow.workflow_started).where(
                SubscriptionRow.id == subscription
            )
            return connection.execute(query).one_or_none()

    def _is_untold(self, subscription: str) -> bool:
        """Whether the workflow is still to be told. Raises `Refused` for another seller's."""
        refuse_foreign_subscription(self.ledger, subscription)
        with self.ledger.read() as connection:
            return tellings.is_waiting(connection, of_subscription(subscription))

    def _is_suspended(self, subscription: str) -> bool:
        with self.ledger.read() as connection:
            query = (
                select(AccountRow.suspended)
                .join(SubscriptionRow, SubscriptionRow.account == AccountRow.id)
                .where(SubscriptionRow.id == subscription)
            )
            return bool(connection.execute(query).scalar())

    def _started(self, snapshots: Sequence[Snapshot]) -> set[str]:
        with self.ledger.transaction("started") as connection:
            return tellings.note_started(
                connection, {snapshot.subject.id: snapshot.version for snapshot in snapshots}
            )

    def _missing(self, limit: int, past: Sequence[str]) -> list[str]:
        with self.ledger.read() as connection:
            query = (
                select(SubscriptionRow.id)
                .where(~SubscriptionRow.workflow_started, ~one_of(SubscriptionRow.id, [*past]))
                .order_by(SubscriptionRow.id)
                .limit(limit)
            )
            return list(connection.execute(query).scalars())
