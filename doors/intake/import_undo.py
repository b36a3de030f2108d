"""The undoing of imports: which are meant, batch after batch, and the ends of their workflows.

A batch is one transaction. Its workflows are ended after its commit. An undoing that was killed
runs again: it first ends workflows that are left over, and then goes on (docs/decisions/0021).
"""

import asyncio
import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from activities.undo_import import FIRST, Kept, UndoneBatch, undo_some, undo_some_numbers
from core.domain.imported_subscription import ImportKind
from core.ledger import imports
from core.ledger.clocks import machine_now, now_of
from core.ledger.imports import ImportLine
from core.ledger.ledger import Ledger
from doors.application.safe_text import spreadsheet_cell
from doors.intake.import_report import fault_file

BATCH = 500
"""Rows of one transaction."""
SHOWN = 20
"""Subjects that are left alone and named in the report. The file has all."""
REASON = "import undone"

Progress = Callable[[int, int], None]


class Ender(Protocol):
    """Ends workflows, as `doors.application.perennial.Perennial` does."""

    async def end_all(self, subscriptions: Sequence[str], reason: str) -> None:
        """End the workflows of subscriptions that no longer exist."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoReport:
    """What an undoing did.

    `imports`: the ids of the imports.
    `undone`: subscriptions or numbers that were taken back. In a dry run, those that would be.
    `kept`: accounts or numbers that were left alone. `first_kept`: the first few of them.
    `dry_run`: whether nothing was changed.
    """

    imports: tuple[int, ...]
    undone: int
    kept: int
    first_kept: tuple[Kept, ...]
    dry_run: bool


def imports_named(ledger: Ledger, name: str) -> list[ImportLine]:
    """The imports that an id or a prefix means. Perhaps none."""
    with ledger.read() as connection:
        ids = imports.named(connection, ledger.seller, name)
    return imports_with(ledger, ids)


def imports_with(ledger: Ledger, ids: Sequence[int]) -> list[ImportLine]:
    """The imports with these ids."""
    with ledger.read() as connection:
        return imports.list_imports(connection, ledger.seller, ids) if ids else []


def all_imports(ledger: Ledger) -> list[ImportLine]:
    """The imports of the seller, the newest first."""
    with ledger.read() as connection:
        return imports.list_imports(connection, ledger.seller)


def import_rows(ledger: Ledger, after: int | None = None) -> Iterator[ImportLine]:
    """The imports of the seller, the newest first, read page by page. `after`: past this one."""
    while True:
        with ledger.read() as connection:
            lines = imports.list_imports(connection, ledger.seller, before=after)
        yield from lines
        if len(lines) < imports.MOST_IMPORTS:
            return
        after = lines[-1].id


async def undo_imports(
    ledger: Ledger,
    lines: Sequence[ImportLine],
    *,
    ender: Ender | None = None,
    actor: str = "perennial",
    dry_run: bool = False,
    kept: Path | None = None,
    progress: Progress | None = None,
    batch: int = BATCH,
) -> UndoReport:
    """Take imports back, as far as nothing has happened to what came in.

    `lines`: the imports, of one kind or of both.
    `ender`: ends the workflows. None: the caller knows that there are none.
    `actor`: who asks for it, for the history.
    `dry_run`: only look.
    `kept`: a CSV file for what is left alone, with the reason. It is replaced if it exists.
    `progress`: is called with the rows that were looked at and the rows that there are.
    `batch`: rows of one transaction.
    """
    total = sum(line.rows - line.undone for line in lines)
    undone = left = done = 0
    first: list[Kept] = []
    with fault_file(kept) as written:
        writer = csv.writer(written, lineterminator="\n") if written else None
        if writer:
            writer.writerow(("subject", "reason"))
        last: Kept | None = None
        if not dry_run:
            await _end(ledger, lines, ender)
        batches = _batches(ledger, lines, actor, dry_run, batch)
        while (part := await asyncio.to_thread(next, batches, None)) is not None:
            undone, done = undone + len(part.undone), min(total, done + batch)
            for one in part.kept:
                if one == last:  # Its rows stand in two batches.
                    continue
                last, left = one, left + 1
                if len(first) < SHOWN:
                    first.append(one)
                if writer:
                    writer.writerow((spreadsheet_cell(one.subject), spreadsheet_cell(one.why)))
            if part.undone and not dry_run:
                await _end(ledger, lines, ender)
            if progress:
                progress(done, total)
    return UndoReport(
        imports=tuple(line.id for line in lines),
        undone=undone,
        kept=left,
        first_kept=tuple(first),
        dry_run=dry_run,
    )


def _batches(
    ledger: Ledger, lines: Sequence[ImportLine], actor: str, dry_run: bool, most: int
) -> Iterator[UndoneBatch]:
    of = [line.id for line in lines]
    for line in lines:
        after = FIRST
        while True:
            if line.kind is ImportKind.NUMBERS:
                part = undo_some_numbers(
                    ledger, line.id, after, machine_now(), actor, most=most, dry_run=dry_run
                )
            else:
                with ledger.read() as connection:
                    now = now_of(connection, ledger.seller, line.clock)
                part = undo_some(ledger, line.id, of, after, now, actor, most=most, dry_run=dry_run)
            yield part
            if part.after is None:
                break
            after = part.after


async def _end(ledger: Ledger, lines: Sequence[ImportLine], ender: Ender | None) -> None:
    """End the workflows of everything that was taken back, and note that."""
    for line in lines:
        while came := await asyncio.to_thread(_left_over, ledger, line.id):
            if ender is not None:
                await ender.end_all([one.subject for one in came], REASON)
            await asyncio.to_thread(_note_ended, ledger, line.id, came)


def _left_over(ledger: Ledger, import_id: int) -> list[imports.Came]:
    with ledger.read() as connection:
        return imports.page(connection, import_id, FIRST, BATCH, undone=True)


def _note_ended(ledger: Ledger, import_id: int, came: list[imports.Came]) -> None:
    with ledger.transaction("undo_ended") as connection:
        imports.note_ended(connection, import_id, came)
