"""The demonstration: 200 customers of a telco, taken over onto a test clock, and three months of their lives on real workflows.

Each run has a test clock, accounts and subscriptions of its own (a prefix tells them apart), so it can be run again and again, and
whatever an interrupted run leaves behind is in nobody's way. What was running before it runs on afterwards; what it started it stops,
unless it is asked to keep it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from rich.console import Console
from rich.text import Text

from activities.number_invoices import number_invoices
from core.domain.commands import AnyCommand
from core.domain.commands.recover import Recover
from core.domain.commands.set_account import SetAccount
from core.domain.commands.set_card import SetCard
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.ledger.clocks import machine_now
from core.protocol.activity_messages import CommandResult
from doors.application import quotes
from doors.application.perennial import Perennial
from doors.commandline import setup, wording
from doors.commandline.progress import counting, passing
from doors.intake import column_mapping
from doors.intake.customer_import import import_file
from doors.queries.reading import Reading, Totals
from doors.service.workers import ROLES, running
from local import stack
from local.stack import Addresses, Source, State
from settings import PROJECT, Settings

EXAMPLES = PROJECT / "examples"
BEGIN = datetime(2024, 1, 1, 8, tzinfo=UTC)
#: When support steps in, and when the story ends: three months after it began.
INTERVENTION, END = BEGIN + timedelta(days=24), datetime(2024, 4, 1, 8, tzinfo=UTC)
CUSTOMERS = 200
_REFUND_CANDIDATES = 40


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays a part, as far as somebody was found for it."""

    recovered: str | None
    healed: str | None
    refunded: str | None


@dataclass(frozen=True, slots=True)
class Played:
    """What a run came to: its test clock, who played a part, the sums by currency, how long it took (seconds)."""

    clock: str
    cast: Cast
    totals: list[Totals]
    seconds: float


class Demo:
    """One run."""

    def __init__(self, perennial: Perennial, config: Settings, console: Console) -> None:
        self._perennial = perennial
        self._config = config
        self._console = console
        self._reading = Reading(perennial.ledger)
        self._began = time.monotonic()
        stamp = f"{machine_now():%y%m%d-%H%M%S}"
        self._clock = f"demo-{stamp}"
        self._prefix = f"{stamp}-"

    async def play(self, customers: int) -> Played:
        """The whole of it."""
        await self._perennial.new_clock(self._clock, BEGIN)
        await self._import(customers)
        await self._pass(BEGIN, INTERVENTION)
        cast = await self._intervene()
        await self._pass(INTERVENTION, END)
        number_invoices(self._perennial.ledger)
        totals = self._reading.totals(self._clock)
        self._tables(totals)
        await self._life(cast.recovered or self._anybody())
        self._farewell(cast)
        return Played(self._clock, cast, totals, round(time.monotonic() - self._began, 1))

    async def _import(self, customers: int) -> None:
        by = column_mapping.read(EXAMPLES / "telco-mapping.yaml")
        file = EXAMPLES / "telco-customers.csv"
        with counting("taking customers over", self._console) as progress:
            report = await import_file(
                self._perennial,
                file,
                by,
                clock=self._clock,
                prefix=self._prefix,
                limit=customers,
                progress=progress,
            )
        rate = f"{report.imported / report.seconds:,.0f}/s" if report.seconds else ""
        self._say(
            f"{report.imported} customers of {file.name} taken over, each with a workflow of its own ({rate}).",
            timed=True,
        )

    async def _pass(self, begin: datetime, end: datetime) -> None:
        with passing(begin, end, self._console) as progress:
            await self._perennial.advance(self._clock, end, at_once=4, progress=progress)
        self._say(
            f"It is {wording.day(end.date())}: everything due until then was done by the workflows, each step at its instant.",
            timed=True,
        )

    # support steps in

    async def _intervene(self) -> Cast:
        failed = self._reading.work_list("failed", clock=self._clock)
        willing = [row.subscription for row in failed if row.auto_renew]
        self._say(f"Support looks at its list: {len(failed)} renewals have failed.", timed=True)
        recovered = await self._recover(willing[0]) if willing else None
        healed = await self._heal(willing[1]) if len(willing) > 1 else None
        return Cast(recovered, healed, await self._refund(recovered, healed))

    async def _recover(self, subscription: str) -> str:
        account = self._reading.subscription(subscription).account
        await self._do(
            SetCard(account=account, card="sim_ok", request_id=self._request("card")), "set"
        )
        await self._do(
            SetAccount(account=account, renew_by_card=True, request_id=self._request("switch")),
            None,
        )
        await self._do(
            Recover(
                subscription=subscription, request_id=self._request("recover"), actor="support"
            ),
            "recover",
        )
        return subscription

    async def _heal(self, subscription: str) -> str:
        view = self._reading.subscription(subscription)
        fee = view.fee or Decimal(100)
        await self._do(
            TopUp(
                account=view.account,
                amount=fee,
                request_id=self._request("top-up"),
                actor="customer",
            ),
            "top_up",
        )
        after = self._reading.subscription(subscription)
        self._say(
            f"  {subscription}, whose renewal had failed, is renewed with it at once: paid up to {wording.day(after.expiry)} (rule 5.4)."
        )
        return subscription

    async def _refund(self, *others: str | None) -> str | None:
        """Terminate the first subscription that is owed something and has no other part."""
        rows = [
            row
            for row in self._reading.work_list("active", clock=self._clock)
            if row.subscription not in others
        ]
        for row in rows[:_REFUND_CANDIDATES]:
            command = Terminate(
                subscription=row.subscription,
                reason="moved abroad",
                request_id=self._request("terminate"),
                actor="support",
            )
            quote = quotes.refund_of(self._perennial.ledger, command)
            if quote is not None and quote.refund:
                await self._do(command, "terminate")
                return row.subscription
        return None

    async def _do(self, command: AnyCommand, say: str | None) -> CommandResult:
        result = await self._perennial.do(command)
        if result.refusal:
            self._say(f"  {command.do} is refused: {result.refusal}")
        elif say:
            self._say(f"  {wording.result(result)}")
        return result

    def _request(self, what: str) -> str:
        return f"{self._clock}/{what}"

    # what became of it

    def _tables(self, totals: list[Totals]) -> None:
        for of_currency in totals:
            self._console.print()
            for part in wording.totals(of_currency):
                self._console.print(part)

    async def _life(self, subscription: str | None) -> None:
        if subscription is None:
            return
        account = self._reading.subscription(subscription).account
        self._console.print(
            wording.history(f"The life of {subscription}", self._reading.account_history(account))
        )
        perennial, zone = self._perennial, self._reading.subscription(subscription).timezone
        step = await perennial.next_step(subscription)
        self._say("What its workflow answers:")
        self._say(f"  next step: {wording.next_step(step, zone)}.")
        self._say(f"  why it has not renewed yet: {await perennial.why_not_renewed(subscription)}")
        planned = await perennial.schedule(subscription, 4)
        coming = "; ".join(
            f"{wording.step_words(item.kind)} on {wording.day(item.due.date())}" for item in planned
        )
        self._say(f"  its schedule: {coming}.")

    def _anybody(self) -> str | None:
        rows = self._reading.work_list("active", clock=self._clock)
        return rows[0].subscription if rows else None

    def _farewell(self, cast: Cast) -> None:
        self._say("")
        self._say(
            f"Done in {time.monotonic() - self._began:.0f} s. It is all still there, on the test clock {self._clock}:"
        )
        for id_ in filter(None, (cast.recovered, cast.healed, cast.refunded)):
            self._say(f"  starter.py explain {id_}")

    def _say(self, text: str, *, timed: bool = False) -> None:
        self._console.print(
            Text(f"[{time.monotonic() - self._began:3.0f} s] {text}" if timed else text)
        )


async def demo(
    config: Settings, console: Console, *, customers: int = CUSTOMERS, keep: bool = False
) -> Played:
    """Run the demonstration on the stack that is configured, or on the embedded one."""
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
    """The stack; what had to be started for it is stopped again."""
    ran = all(
        part.source is Source.CONFIGURED or part.state is State.RUNNING
        for part in stack.status(config)
    )
    addresses = stack.up(config, lambda said: console.print(Text(said)))
    try:
        console.print(
            Text(
                f"The stack runs.{f' Web UI: {addresses.temporal_ui}' if addresses.temporal_ui else ''}"
            )
        )
        yield addresses
    finally:
        if not ran and not keep:
            stack.down(config)
            console.print(
                Text(
                    "What was started for this is stopped; its data is kept (`starter.py stack up` starts it again)."
                )
            )
