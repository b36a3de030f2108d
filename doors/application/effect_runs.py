"""Effects of new terms that are worked out behind the one who asked, for every door.

The process that was asked works them out, one at a time, and tells the database how far each is
(`core.ledger.term_effects`). So any process can show one, and to another person.
"""

import asyncio
from contextlib import suppress

import structlog
from pydantic import TypeAdapter

from core.ledger import term_effects
from core.ledger.clocks import machine_now
from core.ledger.term_effects import EffectLine
from doors.application.patience import NotAvailable, first_line
from doors.application.perennial import Perennial
from doors.application.terms_effect import Effect, GrowingEffect, NewTerms, Sampling

SECONDS = 120.0
"""After so long no further account is played."""
_BEAT = 2.0
"""Seconds between two tellings of how far it is."""
_EFFECT = TypeAdapter(Effect)

log = structlog.get_logger()


class Runs:
    """The effects that this process works out, one at a time."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Semaphore(1)
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, perennial: Perennial, id_: str, terms: NewTerms, sampling: Sampling) -> None:
        """Begin to work out an effect that was asked for."""
        task = asyncio.create_task(_Run(perennial, id_).run(self._one_at_a_time, terms, sampling))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finished(self) -> None:
        """Wait until everything that was begun is there."""
        await asyncio.gather(*self._tasks)


def found_in(line: EffectLine) -> Effect | None:
    """The effect that was kept. None: it is not there."""
    return None if line.found is None else _EFFECT.validate_python(line.found)


class _Run:
    """One effect that is worked out."""

    def __init__(self, perennial: Perennial, id_: str) -> None:
        self._perennial = perennial
        self._id = id_
        self._done = self._total = 0

    async def run(self, turn: asyncio.Semaphore, terms: NewTerms, sampling: Sampling) -> None:
        """Wait for its turn, work it out, and keep it."""
        beat = asyncio.create_task(self._tell())
        try:
            async with turn:
                found = await self._work(terms, sampling)
            kept = _EFFECT.dump_python(found, mode="json")
            await self._perennial.read(term_effects.end, self._id, machine_now(), found=kept)
        except Exception as error:
            log.error("effect_failed", effect=self._id, error=first_line(error))
            with suppress(NotAvailable):
                told = first_line(error)
                await self._perennial.read(term_effects.end, self._id, machine_now(), error=told)
        finally:
            beat.cancel()

    async def _work(self, terms: NewTerms, sampling: Sampling) -> Effect:
        in_thread = self._perennial.patience.in_thread
        growing = await in_thread(GrowingEffect, self._perennial.ledger, terms, sampling, SECONDS)
        self._total = len(growing.result.sample.accounts)
        while waiting := growing.waiting:
            account = waiting[0]
            growing.add(account, await in_thread(growing.play, account))
            self._done += 1
        return growing.end()

    async def _tell(self) -> None:
        """Tell how far it is until it is there."""
        while True:
            await asyncio.sleep(_BEAT)
            done, total = self._done, self._total
            with suppress(NotAvailable):
                await self._perennial.read(term_effects.tell, self._id, done, total, machine_now())
