"""The import of SKUs and prices from a CSV file (Rules 3.1, 3.5).

The first line names the columns. A row is a price of a SKU in a currency, perhaps from a day on.
Rows of the same SKU and day belong together. The file is checked to its end. A fault of the file
stops the import. The rows of a SKU with a fault are listed, and the other SKUs are added in one
transaction. Entries that are there already are left as they are. So a file may be imported again.

An entry of the catalogue is a version that others refer to, so it is never taken back. A later
version replaces it (docs/decisions/0021).
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.domain import catalog as catalogs
from core.domain.catalog import SkuKind
from core.domain.faults import Fault, Faults
from core.domain.inputs import (
    Wrong,
    read_amount,
    read_choice,
    read_currency,
    read_day,
    read_flag_text,
    read_id,
    read_whole_text,
)
from core.domain.money import plain
from core.ledger import stored_terms
from core.ledger.ledger import Ledger
from doors.intake.csv_rows import header_of
from doors.intake.file_shape import FileShape, shape_of
from doors.intake.fixed_columns import TOO_LONG, FixedRow, fixed_columns, fixed_rows
from doors.intake.import_report import (
    FAULT_COLUMNS,
    CatalogReport,
    FaultList,
    RowFault,
)

MOST_ROWS = 100_000
"""Rows of a file. The catalogue is held in memory."""

_FIRST_YEAR, _LAST_YEAR = 1900, 2999
#: How a cell is read, by its column. Amounts are read with the currency of the row.
_READERS: Mapping[str, Callable[[str], Any]] = {
    "sku": read_id,
    "kind": lambda text: str(read_choice(text, SkuKind)),
    "application": read_id,
    "months": lambda text: read_whole_text(text, 1),
    "trial_days": lambda text: read_whole_text(text, 1),
    "refundable": read_flag_text,
    "from": lambda text: str(read_day(text, (_FIRST_YEAR, _LAST_YEAR))),
    "currency": read_currency,
    "price": read_amount,
    "cost": read_amount,
    "activation_fee": read_amount,
}
COLUMNS = tuple(_READERS)
"""The columns that a file may have."""
NEEDED = ("sku", "currency", "price")
_AMOUNTS = {"price": "prices", "cost": "costs", "activation_fee": "activation_fee"}

Progress = Callable[[int, int], None]
"""Is called with the rows that are done and the rows that there are."""


def import_catalog_file(
    ledger: Ledger,
    file: Path,
    *,
    dry_run: bool = False,
    faults: Path | None = None,
    progress: Progress | None = None,
) -> CatalogReport:
    """Import a CSV file of SKUs and prices.

    `dry_run`: check the file and look up what is there, but write nothing.
    `faults`: a CSV file for the faulty rows. It is replaced if it exists.
    `progress`: is called with the rows that are done and the rows that there are.

    Raises `Faults` if the file as a whole is wrong, before anything is written. Raises OSError for
    files, and OperationalError while the database is away.
    """
    begin = time.perf_counter()
    shape = shape_of(file, None, COLUMNS)
    header = header_of(file, shape)
    with FaultList(faults) as listed:
        listed.begin_list(header, shape)
        rows = _Rows(listed)
        for row in _read(file, shape, fixed_columns(header, COLUMNS, NEEDED, FAULT_COLUMNS)):
            rows.add(row)
        with ledger.read() as connection:
            stored = stored_terms.stored_entries(connection, ledger.seller)
        there, new = rows.entries(stored, progress)
        if new and not dry_run:
            with ledger.transaction("catalog") as connection:
                stored_terms.ensure_policy(connection, ledger.seller)
                stored_terms.add_catalog(connection, ledger.seller, new)
    return CatalogReport(
        rows=rows.count,
        imported=rows.count - listed.count - there,
        there=there,
        faulty=listed.count,
        read_as=shape.words,
        seconds=time.perf_counter() - begin,
        dry_run=dry_run,
        import_id=None,
        faults=tuple(listed.first),
    )


def _read(file: Path, shape: FileShape, columns: Sequence[str]) -> Iterator[FixedRow]:
    """The rows below the first line. Raises `Faults` for one more than `MOST_ROWS`."""
    for number, row in enumerate(fixed_rows(file, shape, columns), start=1):
        if number > MOST_ROWS:
            raise Faults([Fault(f"line {row.line}", f"is one more than {MOST_ROWS:,} rows")])
        yield row


class _Rows:
    """The rows of a file, grouped by SKU."""

    def __init__(self, listed: FaultList) -> None:
        self._listed = listed
        self._entries: dict[str, dict[str, dict[str, Any]]] = {}
        self._rows: dict[str, list[FixedRow]] = {}
        self._wrong: dict[str, list[str]] = {}
        self.count = 0

    def add(self, row: FixedRow) -> None:
        """Read a row, and add it to the entry of its SKU and day."""
        self.count += 1
        line = row.line
        cells = {name: cell for name, cell in row.cells.items() if cell and name in COLUMNS}
        sku = cells.get("sku", "")
        values: dict[str, Any] = {}
        wrong = [] if row.cells else [TOO_LONG]
        for name, text in cells.items():
            try:
                values[name] = _READERS[name](text)
            except Wrong as error:
                wrong.append(f"{name}: {error}")
        if not wrong:
            wrong = [f"{name}: missing" for name in NEEDED if name not in values]
        if wrong:
            self._listed.add(RowFault(line, sku, "; ".join(wrong)), row.written)
            return
        self._rows.setdefault(sku, []).append(row)
        entry = self._entries.setdefault(sku, {}).setdefault(values.get("from", ""), {"sku": sku})
        for name, value in values.items():
            if name == "currency":
                continue
            if name in _AMOUNTS:
                of = entry.setdefault(_AMOUNTS[name], {})
                amount, currency = plain(value, values["currency"]), values["currency"]
                if of.setdefault(currency, amount) != amount:
                    self._differs(sku, line, f"{name} in {currency}", of[currency], amount)
            elif entry.setdefault(name, value) != value:
                self._differs(sku, line, name, entry[name], value)

    def _differs(self, sku: str, line: int, what: str, there: object, here: object) -> None:
        reason = f"{what} is {there} in an earlier row of the SKU, but {here} in line {line}"
        self._wrong.setdefault(sku, []).append(reason)

    def entries(
        self, stored: list[dict[str, Any]], progress: Progress | None
    ) -> tuple[int, list[dict[str, Any]]]:
        """The number of rows that are there already, and the new entries without faults."""
        known: dict[str, list[dict[str, Any]]] = {}
        for document in stored:
            known.setdefault(document["sku"], []).append(document)
        there, done, new = 0, 0, list[dict[str, Any]]()
        for sku, by_day in self._entries.items():
            rows, own = self._rows[sku], known.get(sku, [])
            missing = [by_day[day] for day in sorted(by_day) if by_day[day] not in own]
            wrong = list(self._wrong.get(sku, ()))
            if missing and not wrong:
                try:
                    catalogs.load(missing, place=sku, stored=own)
                except Faults as faults:
                    wrong = [str(fault) for fault in faults.faults]
            if wrong:
                for row in rows:
                    self._listed.add(RowFault(row.line, sku, "; ".join(wrong)), row.written)
            elif missing:
                new += missing
            else:
                there += len(rows)
            done += len(rows)
            if progress:
                progress(done, self.count)
        return there, new
