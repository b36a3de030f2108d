"""The demonstration: three months of 200 telco customers on a test clock, with real workflows.

Each run has its own test clock, accounts and subscriptions, told apart by a prefix. It can be
repeated, and an interrupted run does not disturb the next one. The demonstration stops the servers
that it has started. They stay with the option to keep them, or if another command asks for them
meanwhile.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.text import Text

from activities.documents import invoice_document
from core.domain.calendar import local_date
from core.domain.commands import AnyCommand
from core.domain.commands.recover import Recover
from core.domain.commands.set_account import SetAccount
from core.domain.commands.set_card import SetCard
from core.domain.commands.terminate import Terminate, TerminateResult
from core.domain.commands.top_up import TopUp
from core.domain.documents import Format
from core.ledger.clocks import machine_now
from core.protocol.activity_messages import CommandResult
from doors.application.dates_and_money import day, days_in_words
from doors.application.perennial import Perennial
from doors.commandline import embedded_stack, outcome, setup, tables
from doors.commandline.demonstration_mailbox import CUSTOMER, Mailbox, mailbox
from doors.commandline.embedded_stack import Addresses
from doors.commandline.output import print_part, print_parts
from doors.commandline.progress_bars import counting, passing
from doors.intake import column_mapping
from doors.intake.customer_import import import_file
from doors.queries import sentences
from doors.queries.explanations import explain_subscription
from doors.queries.histories import account_history
from doors.queries.invoices import invoices_of
from doors.queries.list_names import WorkList
from doors.queries.subscriptions import find_subscription
from doors.queries.totals import Totals, totals_of
from doors.queries.work_lists import work_list
from doors.service.workers import ROLES, running
from settings import PROJECT, Settings

EXAMPLES = PROJECT / "examples"
BEGIN = datetime(2024, 1, 1, 8, tzinfo=UTC)
#: When support steps in, and when the story ends, three months after its beginning.
INTERVENTION, END = BEGIN + timedelta(days=24), datetime(2024, 4, 1, 8, tzinfo=UTC)
CUSTOMERS = 200
_REFUND_CANDIDATES = 40


@dataclass(frozen=True, slots=True)
class Cast:
    """The subscriptions that play a part. None: no subscription fits."""

    recovered: str | None
    healed: str | None
    refunded: str | None


@dataclass(frozen=True, slots=True)
class Played:
    """The result of a run.

    `clock`: its test clock.
    `cast`: the subscriptions that played a part.
    `totals`: sums for each currency.
    `seconds`: how long the run took.
    `invoice`: the PDF of an invoice or a credit note to look at. None without one.
    `mailbox`: the folder with the e-mails. None without one.
    """

    clock: str
    cast: Cast
    totals: list[Totals]
    seconds: float
    invoice: Path | None
    mailbox: Path | None


class Demo:
    """One run."""

    def __init__(self, perennial: Perennial, config: Settings, console: Console) -> None:
        self._perennial = perennial
        self._config = config
        self._console = console
        self._ledger = perennial.ledger
        self._began = time.monotonic()
        stamp = f"{machine_now():%y%m%d-%H%M%S}"
        self._clock = f"demo-{stamp}"
        self._prefix = f"{stamp}-"

    async def play(self, customers: int) -> Played:
        """Run the whole demonstration."""
        await self._perennial.new_clock(self._clock, BEGIN)
        await self._import(customers)
        async with mailbox(self._ledger, self._config, self._clock) as mails:
            await self._pass(BEGIN, INTERVENTION)
            cast = await self._intervene()
            await self._pass(INTERVENTION, END)
        totals = totals_of(self._ledger, self._clock)
        self._tables(totals)
        await self._life(cast.recovered or self._any_active())
        invoice = self._invoice(cast.refunded or cast.recovered or self._any_active())
        self._farewell(cast, invoice, mails)
        seconds = round(time.monotonic() - self._began, 1)
        return Played(self._clock, cast, totals, seconds, invoice, mails.folder)

    async def _import(self, customers: int) -> None:
        by = column_mapping.read(EXAMPLES / "telco-mapping.yaml", {"billing_email": CUSTOMER})
        file = EXAMPLES / "telco-customers.csv"
        with counting("importing customers", self._console) as progress:
            report = await import_file(
                self._ledger,
                file,
                by,
                starter=self._perennial,
                clock=self._clock,
                prefix=self._prefix,
                limit=customers,
                progress=progress,
            )
        rate = f"{report.imported / report.seconds:,.0f}/s" if report.seconds else ""
        self._say(
            f"{report.imported} customers of {file.name} are imported. "
            f"Each has a workflow of its own ({rate}).",
            timed=True,
        )

    async def _pass(self, begin: datetime, end: datetime) -> None:
        with passing(begin, end, self._console) as progress:
            await self._perennial.advance(self._clock, end, at_once=4, progress=progress)
        self._say(
            f"It is {day(end.date())}. The workflows ran every due step at its instant.",
            timed=True,
        )

    # support steps in

    async def _intervene(self) -> Cast:
        failed = work_list(self._ledger, WorkList.FAILED, clock=self._clock)
        willing = [row.subscription for row in failed if row.auto_renew]
        self._say(f"Failed renewals on the list of support: {len(failed)}.", timed=True)
        recovered = await self._recover(willing[0]) if willing else None
        healed = await self._heal(willing[1]) if len(willing) > 1 else None
        return Cast(recovered, healed, await self._refund(recovered, healed))

    async def _recover(self, subscription: str) -> str:
        account = find_subscription(self._ledger, subscription).account
        await self._do(SetCard(account=account, card="sim_ok", request_id=self._request("card")))
        await self._do(
            SetAccount(account=account, renew_by_card=True, request_id=self._request("switch")),
            say=False,
        )
        await self._do(
            Recover(
                subscription=subscription, request_id=self._request("recover"), actor="support"
            ),
        )
        return subscription

    async def _heal(self, subscription: str) -> str:
        view = find_subscription(self._ledger, subscription)
        fee = view.fee or Decimal(100)
        await self._do(
            TopUp(
                account=view.account,
                amount=fee,
                request_id=self._request("top-up"),
                actor="customer",
            ),
        )
        after = find_subscription(self._ledger, subscription)
        self._say(
            f"  This renews {subscription} at once, whose renewal had failed. "
            f"It is paid up to {day(after.expiry)} (rule 5.4)."
        )
        return subscription

    async def _refund(self, *others: str | None) -> str | None:
        """Terminate the first subscription with a refund that plays no other part."""
        rows = [
            row
            for row in work_list(self._ledger, WorkList.ACTIVE, clock=self._clock)
            if row.subscription not in others
        ]
        for row in rows[:_REFUND_CANDIDATES]:
            command = Terminate(
                subscription=row.subscription,
                reason="moved abroad",
                request_id=self._request("terminate"),
                actor="support",
            )
            result = (await self._perennial.preview(command)).result
            if isinstance(result, TerminateResult) and result.refund:
                await self._do(command)
                return row.subscription
        return None

    async def _do(self, command: AnyCommand, *, say: bool = True) -> CommandResult:
        result = await self._perennial.do(command)
        if result.refusal:
            self._say(f"  {command.do} is refused: {result.refusal}")
        elif say:
            self._say(f"  {outcome.sentence(result)}")
        return result

    def _request(self, what: str) -> str:
        return f"{self._clock}/{what}"

    # what became of it

    def _tables(self, totals: list[Totals]) -> None:
        for of_currency in totals:
            self._console.print()
            print_parts(tables.totals(of_currency), self._console)

    async def _life(self, subscription: str | None) -> None:
        if subscription is None:
            return
        account = find_subscription(self._ledger, subscription).account
        lines = account_history(self._ledger, account)
        self._console.print()
        print_part(tables.history(f"The history of {subscription}", lines), self._console)
        self._console.print()
        perennial, zone = self._perennial, find_subscription(self._ledger, subscription).timezone
        step = await perennial.next_step(subscription)
        self._say("What its workflow says:")
        next_step = days_in_words(sentences.next_step(step, zone))
        why = days_in_words(await perennial.why_not_renewed(subscription))
        self._say(f"  next step: {next_step}.")
        self._say(f"  why it has not renewed yet: {why}")
        coming = "; ".join(
            f"{sentences.step(item.kind)} on {day(local_date(item.due, zone))}"
            for item in explain_subscription(self._ledger, subscription).coming
        )
        self._say(f"  its schedule: {coming}.")

    def _any_active(self) -> str | None:
        rows = work_list(self._ledger, WorkList.ACTIVE, clock=self._clock)
        return rows[0].subscription if rows else None

    def _invoice(self, subscription: str | None) -> Path | None:
        """Write the newest invoice or credit note of an account as PDF."""
        if subscription is None:
            return None
        account = find_subscription(self._ledger, subscription).account
        numbered = [each.number for each in invoices_of(self._ledger, account, 1) if each.number]
        if not numbered:
            return None
        number = int(numbered[0])
        folder = self._config.home / "documents"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"invoice-{numbered[0]}.pdf"
        file.write_bytes(invoice_document(self._ledger, number, Format.PDF).content)
        return file

    def _farewell(self, cast: Cast, invoice: Path | None, mails: Mailbox) -> None:
        self._say("")
        self._say(
            f"Done in {time.monotonic() - self._began:.0f} s. "
            f"Everything is kept on the test clock {self._clock}:"
        )
        for id_ in filter(None, (cast.recovered, cast.healed, cast.refunded)):
            self._say(f"  starter.py explain {id_}")
        if invoice:
            self._say(f"A document to look at: {invoice}")
        self._mails(mails)

    def _mails(self, mails: Mailbox) -> None:
        """Say where the e-mails are, and which there are."""
        if mails.folder is None:
            self._say(f"There is no mailbox. {mails.why}")
            return
        kinds = mails.kinds()
        total = sum(count for _, count, _ in kinds)
        self._say(f"{total} e-mails to look at: {mails.folder}")
        for kind, count, file in kinds:
            self._say(f"  {count} × {kind}, such as {file.name}")

    def _say(self, text: str, *, timed: bool = False) -> None:
        began = f"[{time.monotonic() - self._began:3.0f} s] " if timed else ""
        print_part(f"{began}{text}", self._console)


async def demo(
    config: Settings, console: Console, *, customers: int = CUSTOMERS, keep: bool = False
) -> Played:
    """Run the demonstration on the configured servers, or on embedded ones."""
    with _stack(config, console, keep=keep) as addresses:
        setup.prepare(addresses.database_url, config.seller)
        own = config.model_copy(update={"jitter_seconds": 0})
        async with (
            Perennial.connect(addresses.database_url, addresses.temporal_address, own) as perennial,
            running(ROLES, perennial, own),
        ):
            return await Demo(perennial, own, console).play(customers)


@contextmanager
def _stack(config: Settings, console: Console, *, keep: bool) -> Iterator[Addresses]:
    """Open the servers. Those that had to be started are stopped again.

    They stay if another command has asked for them meanwhile.
    """
    stack = embedded_stack.installed()
    if stack is None:
        yield embedded_stack.addresses(config)
        return
    borrower = None if keep else f"demonstration {os.getpid()}"
    addresses = stack.up(config, lambda text: console.print(Text(text)), borrower=borrower)
    try:
        ui = f" Web UI: {addresses.temporal_ui}" if addresses.temporal_ui else ""
        console.print(Text(f"The stack runs.{ui}"))
        yield addresses
    finally:
        if borrower is not None and stack.down(config, borrower=borrower):
            console.print(
                Text(
                    "The servers of the demonstration are stopped. Their data is kept, and "
                    "`starter.py stack up` starts them again."
                )
            )
