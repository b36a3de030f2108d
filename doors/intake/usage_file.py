"""A CSV file of usage, charged batch by batch, with a receipt of every row (Rules 3.2, 4.2).

The first line names the columns `request_id`, `account`, `amount` and `text`. The file is read as a
stream. A fault of the file stops it before anything is charged. A fault of a row is an outcome of
that row. The receipt has the outcome of each row, and the balance of its account right after the
batch of the row.

A file can be stopped anywhere and charged again. Rows that were charged are repeated then, which
charges nothing.
"""

import csv
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from core.domain.commands.base import fields_of
from core.domain.commands.usage import Usage
from core.domain.faults import Fault
from core.domain.inputs import read_at
from core.domain.money import plain
from core.domain.usage_batch import MOST_ROWS, BalanceAfter, ChargedBatch, ChargedRow, RowOutcome
from doors.application.safe_text import spreadsheet_cell
from doors.intake.csv_rows import header_of
from doors.intake.file_shape import shape_of
from doors.intake.fixed_columns import TOO_LONG, fixed_columns, fixed_rows

COLUMNS = ("request_id", "account", "amount", "text")
"""The columns of a file, in any order."""
RECEIPT = (
    "line",
    "request_id",
    "account",
    "amount",
    "outcome",
    "rule",
    "reason",
    "balance",
    "currency",
)
FAULTY = "faulty"
"""The outcome of a row that is no usage."""
MOST_SHOWN = 20
"""So many rows that were not charged are kept for the report."""

Row = Mapping[str, str]
"""The cells of a row by column. Empty: it has more cells than the first line."""
Charge = Callable[[Sequence[Usage]], Awaitable[ChargedBatch]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCharged:
    """A row that was not charged: its line in the file, its request id, and why."""

    line: int
    request_id: str
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """What became of a file.

    `rows`: how many there are. Each is one of the four, or faulty.
    `amounts`: what was charged now, by currency.
    `seconds`: how long it took.
    `not_charged`: the first rows that were not charged, at most `MOST_SHOWN`.
    """

    rows: int
    charged: int
    repeated: int
    refused: int
    unknown: int
    faulty: int
    amounts: dict[str, Decimal]
    seconds: float
    not_charged: tuple[NotCharged, ...]


async def charge_file(
    file: Path, receipt: Path, charge: Charge, *, actor: str, progress: Progress | None = None
) -> UsageReport:
    """Charge a file of usage, in batches of `MOST_ROWS`.

    `receipt`: a CSV file for the outcomes. It is replaced if it exists.
    `charge`: charges a batch (`Perennial.charge_usage_batch`). What it raises ends the file. The
    receipt holds the batches before it.
    `actor`: who asks, for the history.
    `progress`: is called with the rows that are done and the rows that there are.

    Raises `Faults` if the file as a whole is wrong, and OSError for files.
    """
    begin = time.perf_counter()
    shape = shape_of(file, None, COLUMNS)
    columns = fixed_columns(header_of(file, shape), COLUMNS, COLUMNS)
    # Reads the file to its end, so that its faults come first.
    total = sum(1 for _ in fixed_rows(file, shape, columns))
    rows = fixed_rows(file, shape, columns)
    with receipt.open("w", encoding="utf-8", newline="") as opened:
        written = _Receipt(opened)
        while taken := list(islice(rows, MOST_ROWS)):
            read = [(row.line, row.cells, _usage(row.cells, actor)) for row in taken]
            usage = [one for _, _, one in read if isinstance(one, Usage)]
            batch = await charge(usage) if usage else ChargedBatch(rows=(), balances=())
            written.add(read, batch)
            if progress:
                progress(sum(written.outcomes.values()), total)
    return UsageReport(
        rows=total,
        charged=written.outcomes[RowOutcome.CHARGED],
        repeated=written.outcomes[RowOutcome.REPEATED],
        refused=written.outcomes[RowOutcome.REFUSED],
        unknown=written.outcomes[RowOutcome.UNKNOWN],
        faulty=written.outcomes[FAULTY],
        amounts=dict(written.amounts),
        seconds=time.perf_counter() - begin,
        not_charged=tuple(written.not_charged),
    )


class _Receipt:
    """Writes the outcome of each row, and counts."""

    def __init__(self, opened: TextIO) -> None:
        self._opened = opened
        self._writer = csv.writer(opened, lineterminator="\n")
        self._writer.writerow(RECEIPT)
        self.outcomes: Counter[str] = Counter()
        self.amounts: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.not_charged: list[NotCharged] = []

    def add(self, read: Sequence[tuple[int, Row, Usage | str]], batch: ChargedBatch) -> None:
        """Add the rows of a batch. A text instead of usage says what is wrong with the row."""
        charged, after = iter(batch.rows), {it.account: it for it in batch.balances}
        for line, row, one in read:
            result = next(charged) if isinstance(one, Usage) else None
            self._add(line, row, result, "" if result else str(one), after)
        self._opened.flush()

    def _add(
        self,
        line: int,
        row: Row,
        result: ChargedRow | None,
        fault: str,
        after: Mapping[str, BalanceAfter],
    ) -> None:
        outcome = result.outcome.value if result else FAULTY
        reason = (result.reason or "") if result else fault
        balance = after.get(result.account) if result else None
        self.outcomes[outcome] += 1
        if result and balance and result.outcome is RowOutcome.CHARGED:
            self.amounts[balance.currency] += result.amount
        if reason and len(self.not_charged) < MOST_SHOWN:
            why = f"{reason} (rule {result.rule})" if result and result.rule else reason
            request_id = row.get("request_id", "")
            self.not_charged.append(
                NotCharged(line=line, request_id=request_id, outcome=outcome, reason=why)
            )
        cells = [
            str(line),
            *(row.get(name, "") for name in ("request_id", "account", "amount")),
            outcome,
            (result.rule or "") if result else "",
            reason,
            plain(balance.balance, balance.currency) if balance else "",
            balance.currency if balance else "",
        ]
        self._writer.writerow([spreadsheet_cell(cell) for cell in cells])


def _usage(row: Row, actor: str) -> Usage | str:
    """The usage in a row, or what is wrong with the row."""
    if not row:
        return TOO_LONG
    faults: list[Fault] = []
    values: dict[str, Any] = {
        field.name: read_at(field.name, row.get(field.name, ""), field.kind.read, faults)
        for field in fields_of(Usage)
        if field.name in COLUMNS
    }
    if faults:
        return "; ".join(f"{fault.place} {fault.reason}" for fault in faults)
    return Usage(**values, actor=actor)
