"""Carries out the rows of campaigns, batch by batch: the activity of their workflow.

A batch takes waves of rows for some seconds. Each row is the command that a person would give, by
the client. The accounts of a wave run side by side, the rows of one account in their order, so that
they come out as the preview says. The outcomes of a wave are recorded in one
transaction. Before each wave the row of the campaign is read anew, so a pause, a stop or another
rate takes effect within a wave.

A process that dies in a wave leaves rows without an outcome. They run again with the same request
ids, and find what was done (Rule 4.2).
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import structlog
from temporalio import activity
from temporalio.client import WorkflowUpdateFailedError

from core.domain.campaigns import CampaignState, RowOutcome, command_of_row
from core.ledger import campaigns
from core.ledger.campaigns import Settled, ToDo
from core.ledger.clocks import machine_now
from core.protocol.activity_messages import CommandResult
from core.protocol.campaign_messages import BATCH, BatchRequest, BatchResult, Place
from doors.application.patience import NotAvailable, Patience, first_line
from doors.application.perennial import Perennial

log = structlog.get_logger()

AT_ONCE = 32
"""The most rows of a wave."""
_BATCH_SECONDS = 20.0
#: So long a row waits for its outcome. Then it is unknown, and is tried once more at the end.
_ROW_SECONDS = 60.0
#: So long after its start a wave begins no further row. The rows that are left are unknown, too.
#: Otherwise rows of one account that all have no outcome would outlive their batch, for ever.
_WAVE_SECONDS = 180.0
#: Signs of life within the time after which the server gives a batch up.
_BEATS = 5
#: A wave without any outcome is tried so often before its rows are recorded as unknown.
_TRIES = 3

Pause = Callable[[float], Awaitable[None]]


class NoOutcome(Exception):
    """No row of a wave had an outcome in time: something that all of them need is away."""


def campaigning(perennial: Perennial, pause: Pause = asyncio.sleep) -> Callable[..., Any]:
    """The activity of the workflow of a campaign. `pause` waits for a number of seconds."""

    @activity.defn(name=BATCH)
    async def run(request: BatchRequest) -> BatchResult:
        async with _heartbeats():
            return await _Batch(perennial, request, pause).run()

    return run


@asynccontextmanager
async def _heartbeats() -> AsyncIterator[None]:
    """Tell the server that the process lives, as long as the context is open."""

    limit = activity.info().heartbeat_timeout
    assert limit is not None

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(limit.total_seconds() / _BEATS)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class _Batch:
    """One batch of one campaign."""

    def __init__(self, perennial: Perennial, request: BatchRequest, pause: Pause) -> None:
        self._campaign = request.campaign
        self._place = request.place
        self._pause = pause
        self._ledger = perennial.ledger
        self._patience = perennial.patience
        self._perennial = perennial

    async def run(self) -> BatchResult:
        """Carry out rows until the time is over, or the campaign does not run."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + _BATCH_SECONDS
        while True:
            begin = loop.time()
            row, wave = await self._sql(self._next)
            state = CampaignState(row.state)
            if state is not CampaignState.RUNNING:
                return self._result(state)
            if not wave:
                if self._place.again:
                    return self._result(await self._sql(self._finish))
                self._place = Place(again=True)
                continue
            outcomes = await self._wave(row, wave)
            await self._sql(self._record, outcomes)
            if self._place.again:
                self._place = replace(self._place, after=wave[-1].row)
            await self._pause(max(0.0, begin + len(wave) / row.rate - loop.time()))
            if loop.time() >= ends or activity.is_worker_shutdown():
                return self._result(CampaignState.RUNNING)

    def _result(self, state: CampaignState) -> BatchResult:
        """The result. A finished campaign that is resumed begins with its first unknown row."""
        place = Place(again=True) if state is CampaignState.FINISHED else self._place
        return BatchResult(state=state, place=place)

    async def _wave(self, row: Any, wave: Sequence[ToDo]) -> list[Settled]:
        """Carry out the rows of a wave, the lanes side by side.

        Raises `NoOutcome` for the first tries of a wave in which no row has an outcome.
        """
        client = self._perennial.of_seller(row.seller, Patience(_ROW_SECONDS), herd=True)
        lanes: dict[tuple[str, str], list[ToDo]] = defaultdict(list)
        for todo in wave:
            lanes[todo.lane].append(todo)

        loop = asyncio.get_running_loop()
        ends = loop.time() + _WAVE_SECONDS

        async def run(lane: Sequence[ToDo]) -> list[Settled]:
            return [
                await self._carry_out(client, row, todo) if loop.time() < ends else _not_begun(todo)
                for todo in lane
            ]

        parts = await asyncio.gather(*map(run, lanes.values()))
        outcomes = [one for part in parts for one in part]
        none = all(one.outcome is RowOutcome.UNKNOWN for one in outcomes)
        if none and not self._place.again and activity.info().attempt < _TRIES:
            raise NoOutcome(f"campaign {self._campaign}: {outcomes[0].sentence}")
        return outcomes

    async def _carry_out(self, client: Perennial, row: Any, todo: ToDo) -> Settled:
        """Carry out a row."""
        command = command_of_row(
            row.do,
            row.options,
            todo.subscription,
            campaign=self._campaign,
            row=todo.row,
            actor=row.actor,
        )
        try:
            with client.patience.one_limit():
                done = await client.at_once(command) if todo.at_once else None
                return settled(todo.row, done or await client.do(command))
        except NotAvailable as error:
            told = f"no outcome in {_ROW_SECONDS:g} seconds: {error.reason}"
        except WorkflowUpdateFailedError as error:
            told = f"it cannot be carried out: {first_line(error.cause or error)}"
        except Exception as error:
            told = f"it cannot be carried out: {type(error).__name__}: {first_line(error)}"
        log.warning(
            "campaign_row_unknown",
            campaign=self._campaign,
            row=todo.row,
            subscription=todo.subscription,
            error=told,
        )
        return Settled(row=todo.row, outcome=RowOutcome.UNKNOWN, sentence=told)

    def _next(self) -> tuple[Any, list[ToDo]]:
        with self._ledger.read() as connection:
            row = campaigns.find(connection, self._campaign)
            most = min(AT_ONCE, row.rate)
            return row, campaigns.next_rows(connection, self._campaign, self._place, most)

    def _record(self, outcomes: Sequence[Settled]) -> None:
        with self._ledger.transaction("campaign_rows") as connection:
            campaigns.record(connection, self._campaign, outcomes, machine_now())

    def _finish(self) -> CampaignState:
        with self._ledger.transaction("campaign_state") as connection:
            return campaigns.finish(connection, self._campaign, machine_now())

    async def _sql(self, function: Callable[..., Any], *args: Any) -> Any:
        return await self._patience.in_thread(function, *args)


def settled(row: int, result: CommandResult) -> Settled:
    """The outcome of a row, from that of its command."""
    if result.refusal is not None:
        return Settled(
            row=row,
            outcome=RowOutcome.REFUSED,
            sentence=result.refusal.reason,
            rule=result.refusal.rule,
        )
    assert result.result is not None
    paid = result.result.paid()
    return Settled(
        row=row,
        outcome=RowOutcome.REPEATED if result.replayed else RowOutcome.DONE,
        sentence=result.result.sentence(),
        amount=paid,
        currency=None if paid is None else result.result.currency,  # type: ignore[attr-defined]
    )


def _not_begun(todo: ToDo) -> Settled:
    """A row that was not begun, because those before it of the same account took too long."""
    told = f"not begun: rows of the same account before it took {_WAVE_SECONDS:g} seconds"
    return Settled(row=todo.row, outcome=RowOutcome.UNKNOWN, sentence=told)
