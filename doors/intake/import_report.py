"""What became of an import: its report, and the list of its faulty rows."""

import csv
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from doors.application.safe_text import spreadsheet_cell
from doors.intake.import_outlook import OutlookReport

_SHOWN_FAULTS = 20


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with a row.

    `line`: the line in which the row begins, counted from one.
    `id`: the id of the row as it is in the file, perhaps empty.
    `reason`: all that is wrong, separated by semicolons.
    """

    line: int
    id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """The result of an import. Every row is imported, there already, or faulty.

    `rows`: rows of the file.
    `imported`: rows that became subscriptions. In a dry run, rows that would.
    `there`: rows whose subscription existed already.
    `faulty`: rows that were left out because of a fault.
    `started`: workflows that were started, also of subscriptions that existed without one.
    `unstarted`: workflows that could not be started. The relay tries again.
    `seconds`: how long the import lasted.
    `dry_run`: whether nothing was written.
    `import_id`: by which it can be undone. None in a dry run.
    `outlook`: what will become of the rows, in a dry run.
    `faults`: the first few faults.
    """

    rows: int
    imported: int
    there: int
    faulty: int
    started: int
    unstarted: int
    seconds: float
    dry_run: bool
    import_id: int | None
    outlook: OutlookReport | None
    faults: tuple[RowFault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberReport:
    """The result of an import of numbers. Every row is imported, there already, or faulty.

    `rows`: rows of the file.
    `imported`: numbers that came into the inventory. In a dry run, numbers that would.
    `there`: numbers that the inventory had already. They are left as they are.
    `faulty`: rows that were left out because of a fault.
    `seconds`: how long the import lasted.
    `dry_run`: whether nothing was written.
    `import_id`: by which it can be undone. None in a dry run.
    `faults`: the first few faults.
    """

    rows: int
    imported: int
    there: int
    faulty: int
    seconds: float
    dry_run: bool
    import_id: int | None
    faults: tuple[RowFault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogReport(NumberReport):
    """The result of an import of SKUs and prices. Its fields are those of `NumberReport`.

    A row is there already if all entries of its SKU in the file are.
    """


class FaultList:
    """Counts the faulty rows, keeps the first few, and writes all of them to a file."""

    def __init__(self, file: TextIO | None) -> None:
        self.count = 0
        self.first: list[RowFault] = []
        self._writer = csv.writer(file, lineterminator="\n") if file else None
        if self._writer:
            self._writer.writerow(("line", "id", "reason"))

    def add(self, fault: RowFault) -> None:
        """Add a faulty row."""
        self.count += 1
        if len(self.first) < _SHOWN_FAULTS:
            self.first.append(fault)
        if self._writer:
            cells = (spreadsheet_cell(fault.id), spreadsheet_cell(fault.reason))
            self._writer.writerow((fault.line, *cells))


def fault_file(file: Path | None) -> AbstractContextManager[TextIO | None]:
    """Open the file for the faulty rows. Without one, the value is None."""
    return (
        nullcontext()
        if file is None
        else file.open("w", encoding="utf-8", errors="replace", newline="")
    )
