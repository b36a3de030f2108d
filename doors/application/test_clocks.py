"""Test clocks: a virtual now for the accounts attached to one, advanced step by step.

Advancing to *T* takes everything due up to *T* in the order of Rule 1.7, each at its exact instant,
and stops at *T*. The caller hands in what takes a step: the workflows of the subscriptions, or the
plain calls of the direct engine.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, ParamSpec, Protocol, TypeVar

from activities.send_notices import notify
from core.domain.steps import Step
from core.ledger import clocks as ledger_clocks
from core.ledger import due_steps
from core.ledger.due_steps import Due
from core.ledger.ledger import Ledger
from doors.application.batches import past_failing_rows
from doors.application.patience import first_line, is_passing

P = ParamSpec("P")
R = TypeVar("R")


class Unfinished(Exception):
    """A clock was advanced, but the steps of some accounts raised. `errors`: why, by account.

    They are overdue now. They are tried again when the clock is advanced again.
    """

    def __init__(self, errors: dict[str, Exception]) -> None:
        reasons = "; ".join(
            f"{account}: {type(error).__name__}: {first_line(error)}"
            for account, error in errors.items()
        )
        super().__init__(f"advanced, but for the accounts with errors: {reasons}")
        self.errors = errors


class _Stopped(Exception):
    """An advance is ended on request."""


def never() -> bool:
    """An advance that nothing ends before its instant."""
    return False


class Taker(Protocol):
    """Takes the next step of a subject at a business instant."""

    async def take(self, item: Due, now: datetime) -> Step | None:
        """Take it, and return the step that is next."""
        ...


async def advance(
    ledger: Ledger,
    taker: Taker,
    clock: str,
    until: datetime,
    *,
    zones: Collection[str] | None = None,
    outage: bool = False,
    at_once: int = 1,
    progress: Callable[[datetime], None] | None = None,
    stop: Callable[[], bool] = never,
    in_threads: bool = False,
) -> bool:
    """Advance a clock to an instant (UTC). May be interrupted and called again.

    Returns whether it is there. It is not when `stop` has ended it.

    `ledger`, `taker`: the ledger, and what takes the steps.
    `clock`, `until`: which clock, and to which instant (UTC).
    `zones`: only accounts in these time zones, default all.
    `outage`: nothing has run since the clock's now. Everything overdue is taken in the order of the
    instants it was due at, and dated `until` (Rule 13). Default False.
    `at_once`: accounts are processed one after the other, or so many in parallel. In parallel the
    order of their invoices is undefined. Default 1.
    `progress`: is called with the instant after each batch.
    `stop`: is asked before each step but the first one. True ends it there. Default: never.
    `in_threads`: SQL of its own runs in threads, off the event loop. Default False.

    An account of which a step or a notice raises is left behind. The others go on. At the end
    `Unfinished` is raised. A server that is away ends the advance at once, with its error.
    """
    left: dict[str, Exception] = {}
    # What an earlier advance has left behind runs now. So does what a new owner's zone makes late.
    earliest = stands_at = await _sql(in_threads, now_of, ledger, clock)
    begun = stopped = False

    async def move(to: datetime) -> None:
        nonlocal stands_at
        if to > stands_at:
            await _sql(in_threads, _set, ledger, clock, to)
            stands_at = to

    if outage:
        await move(until)
    while batch := await _sql(in_threads, _earliest, ledger, clock, until, zones, left):
        if stopped := begun and stop():
            break
        instant = batch[0].due
        now = until if outage else max(instant, earliest)
        if not outage:
            await move(now)
        accounts = [
            (account, list(items))
            for account, items in groupby(batch, key=lambda item: item.account)
        ]
        places = asyncio.Semaphore(at_once)

        async def take(
            account: str,
            items: list[Due],
            now: datetime = now,
            instant: datetime = instant,
            places: asyncio.Semaphore = places,
        ) -> None:
            async def step(item: Due) -> bool:
                nonlocal begun
                if begun and stop():
                    raise _Stopped
                begun = True
                return await _take(taker, item, now, instant)

            async with places:
                try:
                    while any([await step(item) for item in items if item.kind is not None]):
                        items = await _sql(in_threads, _of_account, ledger, clock, instant, account)
                except Exception as error:
                    if is_passing(error) or isinstance(error, _Stopped):
                        raise
                    left[account] = error

        try:
            if at_once == 1:
                for account, items in accounts:
                    await take(account, items)
            else:
                await _all([take(account, items) for account, items in accounts])
        except _Stopped:
            stopped = True
            break
        await _sql(in_threads, _notify, ledger, now, batch, left)
        begun = True
        if progress:
            progress(now)
    if zones is None and not outage and not stopped:
        await move(until)
    if left:
        raise Unfinished(left) from next(iter(left.values()))
    return not stopped


async def _sql(in_threads: bool, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    if in_threads:
        return await asyncio.to_thread(function, *args, **kwargs)
    return function(*args, **kwargs)


async def _all(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run all of it. When one raises, the others are cancelled first."""
    tasks = [asyncio.create_task(part) for part in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _notify(ledger: Ledger, now: datetime, batch: list[Due], left: dict[str, Exception]) -> None:
    """Handle the notices of a batch. The account of one that raises joins `left`."""
    accounts = {
        item.message: item.account
        for item in batch
        if item.message is not None and item.account not in left
    }

    def send(ids: Sequence[int]) -> int:
        return notify(ledger, now, ids)

    def failed(message: int, error: Exception) -> None:
        left[accounts[message]] = error

    for _ in past_failing_rows(list(accounts), send, failed):
        pass


async def _take(taker: Taker, item: Due, now: datetime, instant: datetime) -> bool:
    """Take a step. Returns whether that made another one due at the same instant."""
    step = await taker.take(item, now)
    return step is not None and step.due <= instant


def _earliest(
    ledger: Ledger,
    clock: str,
    until: datetime,
    zones: Collection[str] | None,
    past: Collection[str],
) -> list[Due]:
    with ledger.read() as connection:
        return due_steps.earliest(connection, clock, until, zones, past=past)


def _of_account(ledger: Ledger, clock: str, instant: datetime, account: str) -> list[Due]:
    with ledger.read() as connection:
        return [
            item
            for item in due_steps.due_at(connection, clock, instant, account=account)
            if item.kind is not None
        ]


def _set(ledger: Ledger, clock: str, now: datetime) -> None:
    with ledger.transaction("clock") as connection:
        ledger_clocks.set_now(connection, clock, now)


def now_of(ledger: Ledger, clock: str) -> datetime:
    """A clock's virtual now (UTC). Raises LookupError for an unknown clock."""
    with ledger.read() as connection:
        return ledger_clocks.now_of(connection, ledger.seller, clock)
