"""The relay does what must follow a commit, and retries it until it is done.

A pass starts workflows that a crash after the commit has left behind, also those of campaigns. It
makes the monthly invoices that are due, so that a month end needs no run of workflows.
It tells workflows what another transaction has made of their subjects. It sends the notices of real
accounts that are due, and takes the steps of numbers that are due. Those of test clocks are taken
when their clock advances. It also numbers invoices.

What is to be erased of accounts is erased beside the passes, because a large account takes minutes.

Concurrent relays do not disturb each other. If the database or Temporal is away, the parts that
need it are logged and retried, each on its own, at growing intervals. A row that fails is logged as
`relay_row_failed` and tried again at growing intervals of its own. The other rows are not affected.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import BigInteger, Connection, all_, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from temporalio.runtime import Runtime

from activities.month_end import ACCOUNTS_AT_ONCE, Billed, bill_month
from activities.number_invoices import number_invoices_of, sellers
from activities.send_notices import notify
from core.domain.planner.notices import MessageState
from core.ledger import due_steps, tellings
from core.ledger.clocks import machine_now
from core.ledger.due_steps import Due
from core.ledger.erasures import unfinished
from core.ledger.tables import Message
from core.protocol.activity_messages import Outcome, Passed, StepRequest, StepResult
from doors.application.batches import past_failing_rows
from doors.application.erasing import finish
from doors.application.patience import first_line, is_passing, without_patience
from doors.application.perennial import Perennial
from doors.service.failing_rows import FailingRows
from doors.service.reconciliation import ensure_schedule

log = structlog.get_logger()

_BATCH = 500
_LONGEST_PAUSE = 60.0
_LONGEST_WAIT = timedelta(hours=1)
"""So long the step of a number waits for another step of its account that cannot be taken along."""

Pause = Callable[[float], Awaitable[None]]
DueOf = Callable[[Connection, datetime, int, Sequence[str]], list[Due]]
Take = Callable[[Due], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What a pass has done, and how many of its parts have failed."""

    started: int = 0
    billed: int = 0
    campaigns: int = 0
    told: int = 0
    notices: int = 0
    numbers: int = 0
    numbered: int = 0
    erased: int = 0
    failed: int = 0


async def repeated(once: Callable[[], Awaitable[Pass]], interval: float, pause: Pause) -> None:
    """Run passes until the task is cancelled, at growing intervals while a part of them fails.

    `interval`: seconds from the end of a pass to the next one. `pause` waits for that long.
    """
    wait = interval
    while True:
        done = await once()
        wait = min(max(wait * 2, 1.0), max(interval, _LONGEST_PAUSE)) if done.failed else interval
        await pause(wait)


async def _part(name: str, work: Callable[[], Awaitable[int]], failed: list[str]) -> int:
    """Do a part of a pass. Returns how much it has done. `failed` gets its name if it fails."""
    try:
        with without_patience():  # The next pass comes back by itself.
            done = await work()
    except Exception as error:  # the relay goes on after any error, and logs it
        failed.append(name)
        log.error("relay_failed", part=name, error=f"{type(error).__name__}: {first_line(error)}")
        return 0
    if done:
        log.info("relay_did", part=name, count=done)
        meter = Runtime.default().metric_meter
        counter = meter.create_counter("perennial_relayed", "What the relay has done")
        counter.add(done, {"part": name})
    return done


class Relay:
    """Runs passes over one installation."""

    def __init__(self, perennial: Perennial) -> None:
        self._perennial = perennial
        self._scheduled = False
        self._last_told = tellings.BEGIN
        self._unstartable = FailingRows("start_missing")
        self._untold = FailingRows("campaigns")
        self._unsendable = FailingRows("notices")
        self._untakeable = FailingRows("numbers")
        self._unbillable = FailingRows("month_ends")
        self._unnumbered = FailingRows("invoices")
        self._unerased = FailingRows("erasures")

    async def run(self, pause: Pause) -> None:
        """Run passes until the task is cancelled. `pause` waits for a number of seconds."""
        interval = self._perennial.config.relay_seconds
        await asyncio.gather(
            repeated(self.once, interval, pause), repeated(self.erase, interval, pause)
        )

    async def once(self) -> Pass:
        """Run one pass. A part that fails does not stop the others."""
        failed: list[str] = []
        done = Pass(
            started=await _part("start_missing", self.start_missing, failed),
            billed=await _part("month_ends", self.month_ends, failed),
            numbered=await _part("invoices", self.number, failed),
            campaigns=await _part("campaigns", self.campaigns, failed),
            told=await _part("tell", self.tell, failed),
            notices=await _part("notices", self.notices, failed),
            numbers=await _part("numbers", self.numbers, failed),
        )
        if not self._scheduled:
            await _part("schedule", self.schedule, failed)
        return replace(done, failed=len(failed))

    async def erase(self) -> Pass:
        """Run one pass over what is to be erased. It may take minutes."""
        failed: list[str] = []
        erased = await _part("erasures", self.erasures, failed)
        return Pass(erased=erased, failed=len(failed))

    async def start_missing(self) -> int:
        """Start the workflows that were not started yet. Returns how many."""
        total, failing = 0, self._unstartable

        def failed(subscription: str, error: Exception) -> None:
            nonlocal total
            total -= 1
            failing.failed(subscription, error)

        while tried := await self._perennial.start_missing(
            _BATCH, past=failing.waiting(), failed=failed
        ):
            total += tried
        return total

    async def campaigns(self) -> int:
        """Start or tell the workflows of campaigns that a crash left behind. Returns how many."""
        total, failing = 0, self._untold

        def failed(campaign: str, error: Exception) -> None:
            nonlocal total
            total -= 1
            failing.failed(campaign, error)

        while tried := await self._perennial.campaigns.tell_missing(
            _BATCH, failing.waiting(), failed
        ):
            total += tried
        return total

    async def tell(self) -> int:
        """Tell workflows what their subjects have become. Returns how many were told.

        Those that would find out in time by themselves are told by and by.
        """
        told, self._last_told = await self._perennial.tell_some(self._last_told)
        return told

    async def notices(self) -> int:
        """Handle the notices that are due. Returns how many were sent."""
        sent, seen, failing = 0, [0], self._unsendable

        def send(ids: Sequence[int]) -> int:
            return notify(self._perennial.ledger, machine_now(), ids)

        def send_all(ids: Sequence[int]) -> int:
            return sum(past_failing_rows(ids, send, lambda id_, e: failing.failed(str(id_), e)))

        while due := await asyncio.to_thread(self._due, failing.waiting()):
            if due == seen:
                break  # another relay handles these
            sent, seen = sent + await asyncio.to_thread(send_all, due), due
        return sent

    async def numbers(self) -> int:
        """Take the steps of numbers that are due (docs/decisions/0016). Returns how many."""
        return await self._take_due(due_steps.of_numbers, self._untakeable, self._take)

    async def month_ends(self) -> int:
        """Make the monthly invoices that are due (Rule 11.4). Returns how many.

        The workflow of the account is told. If it comes first, it makes the invoice itself.
        """
        made = await self._bill_in_bulk()
        return made + await self._take_due(due_steps.monthly_invoices, self._unbillable, self._bill)

    async def _bill_in_bulk(self) -> int:
        """Make the invoices of many accounts in each transaction (`activities.month_end`).

        Accounts that are busy, and those of which something else comes first, are left.
        """
        total, left, failing = 0, set[str](), self._unbillable

        def failed(account: str, error: Exception) -> None:
            left.add(account)
            log.warning("month_not_in_bulk", account=account, error=first_line(error))

        def bill(accounts: Sequence[str]) -> Billed:
            return bill_month(self._perennial.ledger, machine_now(), accounts)

        def bill_all(accounts: Sequence[str]) -> list[Billed]:
            return list(past_failing_rows(accounts, bill, failed))

        while due := await asyncio.to_thread(
            self._read, due_steps.monthly_invoices, [*failing.waiting(), *left]
        ):
            before, busy = total, set[str]()
            accounts = sorted({item.subject.id for item in due})
            for first in range(0, len(accounts), ACCOUNTS_AT_ONCE):
                some = accounts[first : first + ACCOUNTS_AT_ONCE]
                for part in await asyncio.to_thread(bill_all, some):
                    total += part.done
                    left.update(part.left)
                    busy.update(part.busy)
            if total == before:
                left.update(busy)
        return total

    async def _take_due(self, due_of: DueOf, failing: FailingRows, take: Take) -> int:
        taken, left = 0, set[str]()
        while due := await asyncio.to_thread(self._read, due_of, [*failing.waiting(), *left]):
            for item in due:
                try:
                    done = await asyncio.to_thread(take, item)
                except Exception as error:
                    if is_passing(error):
                        raise
                    failing.failed(item.subject.id, error)
                    done = False
                taken += done
                if not done:
                    left.add(item.subject.id)
        return taken

    def _bill(self, item: Due) -> bool:
        """Make a monthly invoice. Returns whether it was made.

        It is left to the workflow of the account if a step that asks for a card charge comes first.
        """
        return self._run(item, machine_now(), (), briefly=True)

    def _take(self, item: Due) -> bool:
        """Take a step of a number. Returns whether it was taken.

        It is not when another step of the account comes first and cannot be taken along. The next
        pass comes back, and after an hour it no longer waits (Rule 1.7).
        """
        now = machine_now()
        return self._run(item, now, None if now - item.due > _LONGEST_WAIT else ())

    def _run(
        self, item: Due, now: datetime, past: tuple[Passed, ...] | None, *, briefly: bool = False
    ) -> bool:
        assert item.kind is not None
        assert item.version is not None
        request = StepRequest(
            subject=item.subject, version=item.version, now=now, past=past, briefly=briefly
        )
        while True:
            result: StepResult = self._perennial.activities.call(str(item.kind), request)
            if result.before is None or result.before.first is not None:
                return result.outcome is Outcome.DONE

    def _read(self, due_of: DueOf, past: Sequence[str]) -> list[Due]:
        with self._perennial.ledger.read() as connection:
            return due_of(connection, machine_now(), _BATCH, past)

    async def number(self) -> int:
        """Number invoices. Returns how many."""
        ledger, total, failing = self._perennial.ledger, 0, self._unnumbered
        for seller in await asyncio.to_thread(sellers, ledger):
            if seller in failing.waiting():
                continue
            try:
                while numbered := await asyncio.to_thread(number_invoices_of, ledger, seller):
                    total += numbered
            except Exception as error:
                if is_passing(error):
                    raise
                failing.failed(seller, error)
        return total

    async def erasures(self) -> int:
        """Erase what is to be erased (docs/decisions/0038). Returns how many accounts."""
        perennial, done, failing, seen = self._perennial, 0, self._unerased, set[str]()
        while found := await asyncio.to_thread(
            unfinished, perennial.ledger, past=[*failing.waiting(), *seen]
        ):
            for erasing in found:
                seen.add(erasing.account)
                try:
                    await finish(perennial.ledger, perennial.temporal, perennial.patience, erasing)
                except Exception as error:
                    if is_passing(error):
                        raise
                    failing.failed(erasing.account, error)
                else:
                    done += 1
        return done

    async def schedule(self) -> int:
        """Make sure that the schedule of the reconciliation exists."""
        await ensure_schedule(self._perennial)
        self._scheduled = True
        return 0

    def _due(self, past: Sequence[str]) -> list[int]:
        query = select(Message.id).where(
            Message.clock.is_(None),
            Message.due <= machine_now(),
            Message.state == MessageState.PLANNED,
            Message.id != all_(literal([int(id_) for id_ in past], ARRAY(BigInteger))),
        )
        with self._perennial.ledger.engine.connect() as connection:
            return list(
                connection.execute(query.order_by(Message.due, Message.id).limit(_BATCH)).scalars()
            )
