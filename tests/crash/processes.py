"""What the processes under test do: a worker, a client, an import, a reconciliation.

Each process can be killed at any point. The client keeps a journal of the steps that it has
finished. After a restart it begins with the first unfinished step. It keeps what exists, advances
the clock again, and repeats the command with its request id. Every caller does that after a crash.
"""

import asyncio
import csv
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

import worker
from activities.documents import invoice_document
from activities.import_numbers import import_numbers
from activities.number_invoices import number_invoices
from activities.open_account import NewAccount, open_account
from activities.registry import Activities
from core.domain.campaigns import EACH
from core.domain.commands import AnyCommand
from core.domain.commands.assign import Assign
from core.domain.commands.base import SubscriptionCommand
from core.domain.commands.close_account import CloseAccount
from core.domain.commands.erase_account import EraseAccount
from core.domain.commands.extend import Extend
from core.domain.commands.purchase import Purchase
from core.domain.commands.recover import Recover
from core.domain.commands.reopen_account import ReopenAccount
from core.domain.commands.reserve_number import ReserveNumber
from core.domain.commands.set_billing import SetBilling
from core.domain.commands.share import Share
from core.domain.commands.terminate import Terminate
from core.domain.commands.unreserve_number import UnreserveNumber
from core.domain.commands.unshare import Unshare
from core.domain.commands.withdraw_changes import WithdrawChanges
from core.domain.deliveries import Answer
from core.domain.documents import Format, NoSuchDocument
from core.domain.faults import Faults
from core.domain.numbers import NewNumber
from core.domain.refusal import Refusal
from core.domain.refusal import Refused as RefusedByRule
from core.domain.subscription import Mode
from core.domain.taxes import TaxRate
from core.gateways.cards import GatewayUnavailable
from core.gateways.simulated_cards import SimulatedCards
from core.ledger import deliveries
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from core.ledger.rows import SUBSCRIPTIONS, step_from
from core.ledger.tables import AccountRow, SubscriptionRow
from core.protocol.activity_messages import (
    ChargeRequest,
    ChargeResult,
    CommandRequest,
    CommandResult,
    StepRequest,
    StepResult,
)
from core.protocol.campaign_messages import campaign_workflow
from core.protocol.workflow_messages import (
    AccountInput,
    AccountMessage,
    SubscriptionInput,
    SubscriptionMessage,
    account_workflow,
    subscription_workflow,
)
from doors.application import payload_converter, test_clocks
from doors.application.direct_engine import Direct
from doors.application.perennial import Perennial
from doors.commandline.app import load_app
from doors.commandline.setup import (
    add_tax_rate,
    load_catalog,
    load_policy,
    new_clock,
    set_seller_profile,
    top_up_seller,
)
from doors.commandline.webhook_run import resend
from doors.intake import customer_import
from doors.intake.import_undo import all_imports, undo_imports
from doors.intake.number_import import import_number_file
from doors.intake.usage_file import charge_file
from doors.queries.deliveries import list_messages
from doors.scenarios.scenario import Scenario, parse
from doors.scenarios.step_shapes import CARDS
from doors.service import relay
from doors.service.messages import Messages
from doors.service.reconciliation import reconcile
from doors.simulation.player import CLOCK, Engine
from doors.simulation.report import Refused
from settings import Settings, read_settings
from workflows import activity_driver, campaign, reconciliation

SCENARIO, JOURNAL, CUSTOMERS = "scenario.yaml", "journal", "customers.csv"
NUMBERS = "numbers.csv"
USAGE, RECEIPT = "usage.csv", "receipt.csv"

RESERVING = "reserving"
"""The account of a scenario for which numbers are reserved before its first step."""
RESERVED = ("+491", "+492")
TAX = TaxRate(country="SG", since=date(2020, 1, 1), percent=Decimal(9), name="GST")
CLOSING, ERASING = "closing", "erasing"
"""The account of a scenario that is closed, opened again, and closed."""
SHARED = "b1"
"""The subscription of that scenario that is assigned and shared."""
CHANGED = "m1"
"""The subscription of that scenario whose pending changes are withdrawn."""
#: For an import: the day on the test clock, and the number of customers in a transaction.
TODAY = datetime(2023, 3, 10, tzinfo=UTC)
CHUNK = 4
UNDO_BATCH = 4
RECEIVED = "received"
"""The file of the ids of messages that a platform has got."""
WEBHOOK_KEY = "a-key-of-the-tests-with-32-characters"
ENDPOINT_ACCOUNTS = ("e1", "e2", "e3")
SOLD = {
    "sku": "APP",
    "kind": "application",
    "application": "desk",
    "months": 1,
    "prices": {"EUR": "3.00"},
}
NUMBER_SKU = {"sku": "DID", "kind": "number", "months": 1, "prices": {"EUR": "3.00"}}
RETRIES = {
    activity_driver: ("_AGAIN", "_UNLESS_SENSELESS", "_UNLESS_BUSY"),
    campaign: ("_AGAIN",),
    reconciliation: ("_AGAIN",),
}
"""The retries of activities, by the module of the workflow that asks for them."""
READ = (
    *(StepRequest, StepResult, CommandRequest, CommandResult, ChargeRequest, ChargeResult),
    *(AccountInput, AccountMessage, SubscriptionInput, SubscriptionMessage),
)
"""The messages of workflows and activities."""
SOON, SOON_AGAIN = timedelta(milliseconds=50), timedelta(seconds=1)
RATE = 4
"""Rows of a campaign in a wave, and in a second."""
EXTENDING = Extend(subscription=EACH, cycles=1, request_id="extend all", actor="ann")
RECOVERING = Recover(subscription=EACH, request_id="recover all", actor="ann")
TERMINATING = Terminate(
    subscription=EACH, reason="the service ends", request_id="terminate all", actor="ann"
)


@asynccontextmanager
async def connected(config: Settings) -> AsyncIterator[Perennial]:
    """A client of the servers that the settings name."""
    assert config.database_url
    assert config.temporal_address
    async with Perennial.connect(config.database_url, config.temporal_address, config) as perennial:
        yield perennial


def retry_soon() -> None:
    """Let this process retry activities sooner, however often they were tried already.

    Otherwise the retries begin after a second, and each waits twice as long as the one before.
    """
    for module, names in RETRIES.items():
        for name in names:
            soon = replace(
                getattr(module, name), initial_interval=SOON, maximum_interval=SOON_AGAIN
            )
            setattr(module, name, soon)


def read_messages_soon() -> None:
    """Make what reads messages. A child that is forked afterwards has it already.

    A process makes it when the first message of a kind comes in, a quarter of a second in all.
    """
    for hint in READ:
        payload_converter._adapter(hint)


def run_worker(_: Path) -> int:
    """Run a worker as in production, without the relay."""
    retry_soon()
    return worker.main(["workflows", "activities", "charge"])


def run_relay(_: Path) -> int:
    """Run a worker with the relay."""
    retry_soon()
    return worker.main(["all"])


def run_player(home: Path) -> int:
    """Run the client. It plays the rest of the scenario."""

    async def play(perennial: Perennial) -> None:
        scenario = scenario_of(home)
        await play_on(scenario, perennial.ledger, perennial, home)
        # A purchase asks for this when a charge of the account comes before it.
        await perennial.catch_up(scenario.accounts[0].id, scenario.until_for("UTC"))
        await perennial.tell()
        await every_workflow_knows_its_next_step(perennial)

    return _connected(play)


def run_import(home: Path, clock: str | None = CLOCK) -> int:
    """Import a few customers. `clock`: the test clock that they live by. None: the machine's."""

    async def run(perennial: Perennial) -> None:
        if clock is not None:
            with suppress(RefusedByRule):
                new_clock(perennial.ledger, clock, TODAY)
        await customer_import.import_file(
            perennial.ledger, home / CUSTOMERS, starter=perennial, clock=clock, chunk=CHUNK
        )

    return _connected(run)


def run_undo(home: Path) -> int:
    """Import a few numbers, and take back all imports, those of customers too."""

    async def run(perennial: Perennial) -> None:
        ledger = perennial.ledger
        load_catalog(ledger, [NUMBER_SKU])
        if (report := import_number_file(ledger, home / NUMBERS, actor="platform")).faulty:
            raise AssertionError(report.faults)
        await undo_imports(ledger, all_imports(ledger), ender=perennial, batch=UNDO_BATCH)

    return _connected(run)


class Received:
    """A platform that takes every message, and writes down its id."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def post(self, url: str, headers: Any, content: bytes) -> Answer:
        """Take a message. Its id is written before the reply."""
        with self._file.open("a") as file:
            file.write(f"{headers['webhook-id']}\n")
        return Answer(status=200)


def each_start_later(home: Path) -> Callable[[], datetime]:
    """A clock on which what a killed process has taken is free again at the next start."""
    with (home / "starts").open("a") as file:
        file.write(".")
    ahead = 2 * deliveries.TAKEN_FOR * (home / "starts").stat().st_size
    return lambda: machine_now() + ahead


def credited(account: str) -> NewAccount:
    """An account that brings credits along."""
    return NewAccount(
        id=account, seller="main", currency="EUR", timezone="UTC", credits=Decimal(10)
    )


def run_messages(home: Path) -> int:
    """Add endpoints as a person does, deliver what happens, send it again, remove them.

    A command that was carried out before the kill is refused, or does nothing.
    """
    os.environ |= {"PERENNIAL_WEBHOOK_KEYS": WEBHOOK_KEY, "PERENNIAL_WEBHOOK_PRIVATE": "true"}
    config = Settings()

    def typed(*words: str) -> None:
        CliRunner().invoke(load_app(), words)

    async def run(perennial: Perennial) -> None:
        ledger = perennial.ledger
        load_catalog(ledger, [SOLD])
        if not (home / RECEIVED).exists():
            await asyncio.to_thread(typed, "webhook", "add", "crm", "http://127.0.0.1:9/in")
            await asyncio.to_thread(typed, "webhook", "rotate", "crm")
            await asyncio.to_thread(typed, "webhook", "on", "crm")
            await asyncio.to_thread(typed, "mail", "on", "--from", "billing@example.com")
            for account in ENDPOINT_ACCOUNTS:
                with suppress(IntegrityError):
                    open_account(ledger, credited(account), machine_now())
                order = Purchase(
                    subscription=account, account=account, sku="APP", request_id=account
                )
                assert (await perennial.do(order)).refusal is None
        role = Messages(ledger, config, Received(home / RECEIVED), each_start_later(home))
        await role.once()
        for message in list_messages(ledger, endpoint="crm", most=1):
            resend(ledger, [message.id])
        await role.once()
        await asyncio.to_thread(typed, "mail", "off")
        await asyncio.to_thread(typed, "webhook", "remove", "crm", "--yes")

    return _connected(run)


def run_usage(home: Path) -> int:
    """Charge a file of usage."""

    async def run(perennial: Perennial) -> None:
        await charge_file(
            home / USAGE, home / RECEIPT, perennial.charge_usage_batch, actor="platform"
        )

    return _connected(run)


def run_month_end(_: Path) -> int:
    """Let the accounts that have something to bill make their invoices, and number these."""

    async def run(perennial: Perennial) -> None:
        await perennial.tell()
        with perennial.ledger.read() as connection:
            accounts = list(connection.execute(select(AccountRow.id)).scalars())
        for account in accounts:
            await perennial.temporal.get_workflow_handle(account_workflow(account)).result()
        while number_invoices(perennial.ledger, batch=5):
            pass

    return _connected(run)


def run_billing(_: Path) -> int:
    """Run passes of the relay until one has nothing to do. A transaction bills five accounts."""
    relay.ACCOUNTS_AT_ONCE = 5  # type: ignore[attr-defined]

    async def run(perennial: Perennial) -> None:
        passes = relay.Relay(perennial)
        while (await passes.month_ends()) + (await passes.number()):
            pass

    return _connected(run)


def run_reconciliation(_: Path) -> int:
    """Reconcile once."""

    async def run(perennial: Perennial) -> None:
        await reconcile(perennial)

    return _connected(run)


def run_campaign(home: Path, pattern: SubscriptionCommand = EXTENDING) -> int:
    """Give a command to all customers of the import, as a campaign. It is paused and resumed."""

    async def run(perennial: Perennial) -> None:
        with (home / CUSTOMERS).open() as file:
            ids = [row["id"] for row in csv.DictReader(file)]
        started = await perennial.campaigns.start(pattern, ids, rate=RATE)
        with suppress(Faults):  # It is over.
            await perennial.campaigns.pause(started.campaign)
            await perennial.campaigns.resume(started.campaign)
        handle = perennial.temporal.get_workflow_handle(campaign_workflow(started.campaign))
        await perennial.patience.call(handle.result)

    return _connected(run)


def run_look(_: Path) -> int:
    """Wait for the workflows that have to end, and look at what the others know."""

    async def run(perennial: Perennial) -> None:
        with perennial.ledger.read() as connection:
            over = SUBSCRIPTIONS.where(SubscriptionRow.status == "TERMINATED")
            ended = [row.id for row in connection.execute(over)]
        for id_ in ended:
            await perennial.temporal.get_workflow_handle(subscription_workflow(id_)).result()
        await every_workflow_knows_its_next_step(perennial)

    return _connected(run)


def _connected(work: Callable[[Perennial], Awaitable[None]]) -> int:
    async def run() -> None:
        async with connected(read_settings()) as perennial:
            await work(perennial)

    asyncio.run(run())
    return 0


async def every_workflow_knows_its_next_step(perennial: Perennial) -> None:
    """Each subscription that is not TERMINATED sleeps until its committed step.

    This is invariant 6 of docs/architecture.md.
    """
    with perennial.ledger.engine.connect() as connection:
        rows = connection.execute(SUBSCRIPTIONS.where(SubscriptionRow.status != "TERMINATED")).all()
    for row in rows:
        known, committed = await perennial.next_step(row.id), step_from(row)
        assert known == committed is not None, (
            f"{row.id}: its workflow knows {known}, committed is {committed}"
        )


# Playing a scenario -------------------------------------------------------------------------------


def scenario_of(home: Path) -> Scenario:
    """The scenario of a home."""
    return parse((home / SCENARIO).read_text())


async def play_on(scenario: Scenario, ledger: Ledger, engine: Engine, home: Path) -> None:
    """Play the steps that the journal does not have yet."""
    _open(scenario, ledger)
    with (home / JOURNAL).open("a+", buffering=1) as journal:
        journal.seek(0)
        done = len(journal.readlines())
        for number, (at, outage_until, command) in list(enumerate(_steps(scenario)))[done:]:
            await test_clocks.advance(ledger, engine, CLOCK, at)
            refusal = None
            if outage_until is not None:
                await test_clocks.advance(ledger, engine, CLOCK, outage_until, outage=True)
            if command is not None:
                result = await engine.command(replace(command, request_id=f"step {number}"), at)
                refusal = result.refusal
                await test_clocks.advance(ledger, engine, CLOCK, at)
            journal.write(json.dumps(refusal and [refusal.rule, refusal.reason]) + "\n")
    await test_clocks.advance(ledger, engine, CLOCK, scenario.until_for("UTC"))
    number_invoices(ledger)
    with suppress(NoSuchDocument):
        invoice_document(ledger, 1, Format.HTML)


def _steps(scenario: Scenario) -> list[tuple[datetime, datetime | None, AnyCommand | None]]:
    """The steps of the scenario, between those that no scenario can name.

    Each has its instant, the end of an outage, and a command.
    """
    steps = [
        *((scenario.steps[0].at, None, command) for command in _reserving(scenario)),
        *((step.at, step.outage_until, step.command) for step in scenario.steps),
    ]
    if any(account.id == CLOSING for account in scenario.accounts):
        close, reopen = CloseAccount(account=CLOSING), ReopenAccount(account=CLOSING)
        billing = SetBilling(account=CLOSING, name="Closing Ltd")
        people = (
            Assign(subscription=SHARED, assignee="ann@example.com"),
            Share(subscription=SHARED, member="ben@example.com"),
            Unshare(subscription=SHARED, member="ben@example.com"),
        )
        withdraw = WithdrawChanges(subscription=CHANGED)
        erase = CloseAccount(account=ERASING), EraseAccount(account=ERASING)
        commands = (*people, withdraw, billing, close, reopen, close, *erase)
        steps += [(steps[-1][0], None, command) for command in commands]
    return steps


def _reserving(scenario: Scenario) -> list[AnyCommand]:
    """The commands before the first step: one number stays reserved until it is released."""
    if all(account.id != RESERVING for account in scenario.accounts):
        return []
    first, second = RESERVED
    return [
        ReserveNumber(account=RESERVING, number=first),
        ReserveNumber(account=RESERVING, number=second),
        UnreserveNumber(account=RESERVING, number=second),
    ]


def _open(scenario: Scenario, ledger: Ledger) -> None:
    """Create the terms, the catalogue, the clock and the accounts, unless they exist.

    A scenario cannot name all cards of the simulated gateway. An account that is named after such a
    card has that card.
    """
    load_policy(ledger, scenario.policy_document)
    load_catalog(ledger, scenario.catalog_entries)
    for currency, amount in scenario.seller_credits.items():
        top_up_seller(ledger, currency, amount, request_id="opening", actor="import")
    set_seller_profile(ledger, {"name": "Northwind", "country": "SG"}, "import")
    add_tax_rate(ledger, TAX, "import")
    with suppress(RefusedByRule):
        new_clock(ledger, CLOCK, scenario.steps[0].at)
    for account in scenario.accounts:
        card = f"sim_{account.id}" if account.id.startswith("timeout_") else CARDS[account.card]
        opened = NewAccount(
            id=account.id,
            seller=ledger.seller,
            currency=account.currency,
            timezone=account.timezone,
            credits=account.credits,
            credit_limit=account.credit_limit,
            card=card,
            renew_by_card=account.renew_by_card,
            auto_top_up=account.auto_top_up,
            mode=Mode(account.mode),
            clock=CLOCK,
        )
        with suppress(IntegrityError):
            open_account(ledger, opened, scenario.steps[0].at)
    if _reserving(scenario):
        new = [NewNumber(number=number, sku="DID") for number in RESERVED]
        import_numbers(ledger, new, scenario.steps[0].at, "import")


def refused(scenario: Scenario, home: Path) -> Iterator[Refused]:
    """The refused steps, from the journal."""
    lines = (home / JOURNAL).read_text().splitlines()
    assert len(lines) == len(_steps(scenario))
    of_scenario = lines[len(_reserving(scenario)) :]
    for step, line in zip(scenario.steps, of_scenario, strict=False):
        if refusal := json.loads(line):
            yield Refused(step, Refusal(*refusal))


def direct(ledger: Ledger) -> Direct:
    """The engine of plain calls."""
    return Direct(_Patient(ledger, SimulatedCards(ledger.engine)))


class _Patient(Activities):
    """Calls an activity once more if the gateway did not respond, as Temporal does."""

    def call(self, name: str, request: Any) -> Any:
        try:
            return super().call(name, request)
        except GatewayUnavailable:
            return super().call(name, request)
