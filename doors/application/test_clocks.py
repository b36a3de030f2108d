"""Test clocks: a virtual now for the accounts attached to one, advanced step by step.

Advancing to *T* takes everything due up to *T* in the order of Rule 1.7, each at its exact instant,
and stops at *T*. The caller hands in what takes a step: the workflows of the subscriptions, or the
plain calls of the direct engine.
"""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime
from itertools import groupby
from typing import Protocol

from activities.send_notices import notify
from core.domain.steps import Step
from core.ledger import clocks as ledger_clocks
from core.ledger import due_steps
from core.ledger.due_steps import Due
from core.ledger.ledger import Ledger


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
) -> None:
    """Advance a clock to an instant (UTC). May be interrupted and called again.

    `ledger`, `taker`: the ledger, and what takes the steps.
    `clock`, `until`: which clock, and to which instant (UTC).
    `zones`: only accounts in these time zones, default all.
    `outage`: nothing has run since the clock's now. Everything overdue is taken in the order of the
    instants it was due at, and dated `until` (Rule 13). Default False.
    `at_once`: accounts are processed one after the other, or so many in parallel. In parallel the
    order of their invoices is undefined. Default 1.
    `progress`: is called with the instant after each batch.
    """
    if outage:
        _set(ledger, clock, until)
    while batch := _earliest(ledger, clock, until, zones):
        instant = batch[0].due
        now = until if outage else instant
        if not outage:
            _set(ledger, clock, now)
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
            async with places:
                while any(
                    [
                        await _take(taker, item, now, instant)
                        for item in items
                        if item.kind is not None
                    ]
                ):
                    items = _of_account(ledger, clock, instant, account)

        if at_once == 1:
            for account, items in accounts:
                await take(account, items)
        else:
            await asyncio.gather(*(take(account, items) for account, items in accounts))
        if notices := [item.message for item in batch if item.message is not None]:
            notify(ledger, now, notices)
        if progress:
            progress(now)
    if zones is None and not outage:
        _set(ledger, clock, until)


async def _take(taker: Taker, item: Due, now: datetime, instant: datetime) -> bool:
    """Take a step. Returns whether that made another one due at the same instant."""
    step = await taker.take(item, now)
    return step is not None and step.due <= instant


def _earliest(
    ledger: Ledger, clock: str, until: datetime, zones: Collection[str] | None
) -> list[Due]:
    with ledger.read() as connection:
        return due_steps.earliest(connection, clock, until, zones)


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
        return ledger_clocks.now_of(connection, clock)
