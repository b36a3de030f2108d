"""An import from the command line: its files, its progress bar, its errors.

`doors.intake.customer_import` and `doors.intake.number_import` do the work.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console

from core.domain.acts import Act
from core.domain.counted import counted
from core.domain.fault_places import shown
from core.domain.imported_subscription import ImportKind
from core.ledger.clocks import machine_now
from core.ledger.imports import ImportLine
from core.ledger.ledger import Ledger
from doors.application.perennial import Perennial
from doors.commandline import connection, embedded_stack, import_tables
from doors.commandline.async_run import run
from doors.commandline.exit_codes import Code, Ended
from doors.commandline.inputs import wrong
from doors.commandline.issue_commands import confirm
from doors.commandline.output import print_parts
from doors.commandline.progress_bars import counting, passing
from doors.commandline.recording import recorded_work
from doors.intake import column_mapping, ready_mappings
from doors.intake.catalog_import import import_catalog_file
from doors.intake.csv_rows import digest_of
from doors.intake.customer_import import Progress, import_file
from doors.intake.import_outlook import SHOWN, ExpectedRow
from doors.intake.import_report import ImportReport, NumberReport
from doors.intake.import_undo import UndoReport, imports_named, undo_imports
from doors.intake.mapping_suggestion import suggest
from doors.intake.number_import import import_number_file
from doors.intake.takeover_table import came_in, write_table
from doors.queries.snapshot import NotFound
from doors.simulation.import_rehearsal import MOST_MONTHS, RehearsalReport, end_of, rehearse

_AGAIN = "What was imported stays. Run the same command again: it imports the other rows."
"""What a person is told whose ctrl-C ends an import."""


@dataclass(frozen=True, slots=True)
class Import:
    """What to import.

    `file`: CSV file of customers.
    `mapping`: YAML file that says what its columns mean, or the name of a ready one. None: their
    names say it.
    `constants`: fields that have this text in every row.
    `dry_run`: whether everything is only checked.
    `clock`: test clock for the accounts, or None.
    `prefix`: text before every id of the file.
    `as_of`: the day on which Perennial takes over, or None for today.
    `limit`: the number of rows to import, or None for all.
    `actor`: who asks for it.
    `report`: CSV file with each subscription as it will be, for a dry run or a rehearsal, or None.
    `left_out`: CSV file with the rows that the mapping leaves out and the reasons, or None.
    `months`: how long the rehearsal lasts, or None for no rehearsal.
    `decline_cards`: whether every card is declined in the rehearsal.
    """

    file: Path
    mapping: Path | None
    dry_run: bool
    clock: str | None
    prefix: str
    as_of: date | None
    limit: int | None
    actor: str
    report: Path | None = None
    left_out: Path | None = None
    months: int | None = None
    decline_cards: bool = False
    constants: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Undo:
    """Which import to take back.

    `which`: the id of an import, or a prefix.
    `dry_run`: whether it is only shown what would be taken back.
    `kept`: CSV file for what stays, or None.
    `actor`: who asks for it.
    `yes`: whether it was confirmed.
    `json`: whether the outcome is printed as JSON.
    """

    which: str
    dry_run: bool
    kept: Path | None
    actor: str
    yes: bool
    json: bool


async def import_with_fault_file(
    wanted: Import, faults: Path | None
) -> ImportReport | RehearsalReport:
    """Import or rehearse. Faulty rows are listed in `faults`, or in `fault_file_of` if any."""
    _refuse_to_overwrite((wanted.file, wanted.mapping), faults)
    _refuse_to_overwrite((wanted.file, wanted.mapping, faults), wanted.report, "--report")
    others = (wanted.file, wanted.mapping, faults, wanted.report)
    _refuse_to_overwrite(others, wanted.left_out, "--left-out")
    if wanted.report is not None and not (wanted.dry_run or wanted.months):
        wrong("--report", "needs --dry-run or --rehearse; `import report` writes what has come in")
    with tempfile.TemporaryDirectory(prefix="perennial-") as scratch:
        written = faults or Path(scratch) / "faults.csv"
        report = await _import(wanted, written)
        done = report.imported if isinstance(report, RehearsalReport) else report
        if done.faulty and faults is None:
            shutil.copyfile(written, fault_file_of(wanted.file))
    return report


def import_numbers_with_fault_file(
    file: Path, faults: Path | None, actor: str, *, dry_run: bool
) -> NumberReport:
    """Import numbers, and list faulty rows as `import_with_fault_file` does."""

    def work(ledger: Ledger, written: Path, progress: Progress) -> NumberReport:
        with _recorded(ledger, "import_numbers", file, dry_run=dry_run) as done:
            report = import_number_file(
                ledger, file, actor=actor, dry_run=dry_run, faults=written, progress=progress
            )
            done.update({"import": report.import_id, "new": report.imported})
        return report

    return _with_fault_file(file, faults, work, dry_run=dry_run)


def import_catalog_with_fault_file(
    file: Path, faults: Path | None, *, dry_run: bool
) -> NumberReport:
    """Import SKUs and prices, and list faulty rows as `import_with_fault_file` does."""

    def work(ledger: Ledger, written: Path, progress: Progress) -> NumberReport:
        with _recorded(ledger, "add_catalog_entries", file, dry_run=dry_run) as done:
            report = import_catalog_file(
                ledger, file, dry_run=dry_run, faults=written, progress=progress
            )
            done["new"] = report.imported
        return report

    return _with_fault_file(file, faults, work, dry_run=dry_run)


def _recorded(
    ledger: Ledger, act: Act, file: Path, *, dry_run: bool
) -> AbstractContextManager[dict[str, Any]]:
    """Record an import in the audit, by the digest of its file. A dry run is no act."""
    if dry_run:
        return nullcontext({})
    return recorded_work(ledger, act, digest=digest_of(file))


def _with_fault_file(
    file: Path,
    faults: Path | None,
    work: Callable[[Ledger, Path, Progress], NumberReport],
    *,
    dry_run: bool,
) -> NumberReport:
    _refuse_to_overwrite((file,), faults)
    again = "" if dry_run else _AGAIN
    with tempfile.TemporaryDirectory(prefix="perennial-") as scratch:
        written = faults or Path(scratch) / "faults.csv"
        try:
            with connection.ledger() as ledger, counting(file.name, again=again) as progress:
                report = work(ledger, written, progress)
        except OSError as error:
            place = str(error.filename or file)
            wrong(place, f"cannot be read or written: {error.strerror or error}")
        if report.faulty and faults is None:
            shutil.copyfile(written, fault_file_of(file))
    return report


def suggestion(file: Path) -> str:
    """Return a mapping for a file, as YAML with comments. Raises `Faults`."""
    try:
        return suggest(file)
    except OSError as error:
        wrong(str(error.filename or file), f"cannot be read: {error.strerror or error}")


def faulty_rows(report: ImportReport | RehearsalReport) -> int:
    """Return how many rows were faulty."""
    return (report.imported if isinstance(report, RehearsalReport) else report).faulty


def end_if_faulty(faulty: int, file: Path, faults: Path | None, others: str = "rows") -> None:
    """End the command if rows were faulty, and say what to do about them.

    `faults`: the file that lists them, None for `fault_file_of`. `others`: what comes in without
    them. Raises `Ended`.
    """
    if faulty:
        listed = faults or fault_file_of(file)
        raise Ended(_faults_told(faulty, listed, others), Code.BAD_INPUT)


def _faults_told(faulty: int, listed: Path, others: str) -> str:
    them = "it" if faulty == 1 else "them"
    return (
        f"{counted(faulty, 'row is', 'rows are')} faulty. {listed} lists {them}. "
        f"Mend {them} there, and import that file by itself with the same options. "
        f"The other {others} are not affected."
    )


def months_of(place: str, span: tuple[int, str] | None) -> int | None:
    """Return the months of a span such as ``3 months``. Raises `Faults`."""
    if span is None:
        return None
    number, unit = span
    if unit not in ("month", "months") or not 1 <= number <= MOST_MONTHS:
        written = shown(f"{number} {unit}")
        wrong(place, f"{written} is not 1 to {MOST_MONTHS} months, such as --rehearse 3 months")
    return number


def refuse_together(options: Sequence[tuple[str, object]]) -> None:
    """Raise `Faults` if more than one of these options is given."""
    given = [name for name, value in options if value]
    if len(given) > 1:
        wrong(given[0], f"does not go together with {' and '.join(given[1:])}; name one of them")


def fault_file_of(file: Path) -> Path:
    """Return the default file for faulty rows, in the current directory."""
    return Path(f"{file.stem}-faults.csv")


def _refuse_to_overwrite(
    files: Sequence[Path | None], written: Path | None, option: str = "--faults"
) -> None:
    if written is None or not written.exists():
        return
    for read in files:
        if read is not None and read.exists() and written.samefile(read):
            wrong(
                option,
                f"{written} is read by this import and would be overwritten; name another file",
            )


async def _import(wanted: Import, faults: Path) -> ImportReport | RehearsalReport:
    try:
        mapping = None
        if wanted.mapping is not None:
            mapping = ready_mappings.read(wanted.mapping, wanted.constants)
        elif wanted.constants:
            wrong("--set", "needs --mapping; without one, add a column to the file")
        if wanted.months is not None:
            return await _rehearse(wanted, wanted.months, mapping, faults)
        return await _import_rows(wanted, mapping, faults)
    except OSError as error:
        place = str(error.filename or wanted.file)
        wrong(place, f"cannot be read or written: {error.strerror or error}")
    except LookupError as error:
        raise NotFound(str(error)) from None


async def _import_rows(
    wanted: Import, mapping: column_mapping.ColumnMapping | None, faults: Path
) -> ImportReport:
    """Import. A dry run starts no workflow, so only the database is needed."""
    async with AsyncExitStack() as opened:
        again = "" if wanted.dry_run else _AGAIN
        progress = opened.enter_context(counting(wanted.file.name, again=again))
        starter: Perennial | None = None
        if wanted.dry_run:
            ledger = opened.enter_context(connection.ledger())
        else:
            starter = await opened.enter_async_context(connection.perennial())
            ledger = starter.ledger
        done = opened.enter_context(
            _recorded(ledger, "import_customers", wanted.file, dry_run=wanted.dry_run)
        )
        report = await import_file(
            ledger,
            wanted.file,
            mapping,
            starter=starter,
            dry_run=wanted.dry_run,
            clock=wanted.clock,
            faults=faults,
            left_out=wanted.left_out,
            table=wanted.report,
            prefix=wanted.prefix,
            as_of=wanted.as_of,
            limit=wanted.limit,
            progress=progress,
            actor=wanted.actor,
        )
        done.update({"import": report.import_id, "new": report.imported})
        return report


async def _rehearse(
    wanted: Import, months: int, mapping: column_mapping.ColumnMapping | None, faults: Path
) -> RehearsalReport:
    """Play the months in a temporary database, with the real policy and catalogue."""
    config, servers = connection.configured(), embedded_stack.required(temporary=True)
    begin = machine_now()
    with (
        connection.ledger(config) as ledger,
        counting(wanted.file.name) as counted,
        passing(begin, end_of(begin, wanted.as_of, months)) as passed,
    ):
        return await rehearse(
            ledger,
            config,
            servers,
            wanted.file,
            mapping,
            months=months,
            as_of=wanted.as_of,
            limit=wanted.limit,
            decline_cards=wanted.decline_cards,
            faults=faults,
            table=wanted.report,
            counted=counted,
            passed=passed,
        )


def takeover_table(which: str, file: Path | None) -> tuple[ImportLine, list[ExpectedRow], int]:
    """Write the subscriptions of an import to a file, as they are now.

    Returns the import, the first few rows, and the number of all.
    """
    with connection.ledger() as ledger:
        lines = [line for line in imports_named(ledger, which) if line.kind is ImportKind.CUSTOMERS]
        if len(lines) != 1:
            many = counted(len(lines), "import of customers", "imports of customers")
            wrong("IMPORT", f"{shown(which)} names {many}; name one by its id, as in `import list`")
        try:
            if file is not None:
                with file.open("w", encoding="utf-8", newline="") as opened:
                    count = write_table(came_in(ledger, lines[0]), opened)
            else:
                count = lines[0].rows - lines[0].undone
        except OSError as error:
            wrong("--csv", f"{file} cannot be written: {error.strerror or error}")
        return lines[0], list(islice(came_in(ledger, lines[0]), SHOWN)), count


def undo(wanted: Undo) -> UndoReport:
    """Take imports back. Unless it is confirmed, it is shown first what that does, and asked."""
    with connection.ledger() as ledger:
        lines = imports_named(ledger, wanted.which)
        if not lines:
            raise NotFound(f"there is no import {shown(wanted.which)}; `import list` shows all")
        if wanted.dry_run or not wanted.yes:
            report = run(undo_imports(ledger, lines, dry_run=True, kept=wanted.kept))
            if wanted.dry_run or not report.undone:
                return report
            print_parts(import_tables.undo_report(report), Console(stderr=True))
            confirm(json=wanted.json)
    return run(_undo(wanted, lines))


async def _undo(wanted: Undo, lines: Sequence[ImportLine]) -> UndoReport:
    with counting("taking back") as progress:
        async with connection.perennial() as perennial:
            ids = [line.id for line in lines]
            with recorded_work(perennial.ledger, "undo_imports", imports=ids) as done:
                report = await undo_imports(
                    perennial.ledger,
                    lines,
                    ender=perennial,
                    actor=wanted.actor,
                    kept=wanted.kept,
                    progress=progress,
                )
                done.update({"undone": report.undone, "kept": report.kept})
            return report
