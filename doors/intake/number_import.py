"""The import of numbers into the inventory from a CSV file (Rule 10.3).

The first line names the columns: `number`, `sku` and, if wanted, `hold` (normal or ported_in). The
file is read as a stream. A fault of the file stops the import before anything is written. A fault
of a row is listed, and the other rows are imported. Rows are written in chunks. Each chunk is one
statement. Numbers that are there already are left as they are. So an import may be interrupted
anywhere and run again.

Worked rate: 100,000 rows are 20 chunks of 5,000. Most of the time goes into the check of the
numbers, about 50 µs each.
"""

import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TypeVar

from sqlalchemy import select

from activities.import_numbers import import_numbers, numbers_there
from core.domain.catalog import Catalog, SkuKind
from core.domain.fault_places import shown
from core.domain.imported_subscription import ImportKind
from core.domain.inputs import Wrong, either, read_id
from core.domain.numbers import HoldKind, NewNumber
from core.ledger.clocks import machine_now
from core.ledger.imports import ImportFacts, open_import
from core.ledger.ledger import Ledger
from core.ledger.stored_terms import ensure_policy
from core.ledger.tables import Seller
from doors.intake.csv_rows import digest_of, header_of
from doors.intake.file_shape import shape_of
from doors.intake.fixed_columns import TOO_LONG, FixedRow, fixed_columns, fixed_rows
from doors.intake.import_report import (
    FAULT_COLUMNS,
    FaultList,
    NumberReport,
    RowFault,
)
from doors.intake.phone_numbers import read_e164

CHUNK = 5_000
"""Rows of one transaction."""
NEEDED = ("number", "sku")
COLUMNS = (*NEEDED, "hold")
"""The columns that a file may have."""
HOLDS = (HoldKind.NORMAL, HoldKind.PORTED_IN)
"""How a number of the inventory may be held. One that is brought along is none of it."""

Progress = Callable[[int, int], None]
"""Is called with the rows that are done and the rows that there are."""

T = TypeVar("T")


def import_number_file(
    ledger: Ledger,
    file: Path,
    *,
    actor: str,
    dry_run: bool = False,
    faults: Path | None = None,
    progress: Progress | None = None,
    chunk: int = CHUNK,
) -> NumberReport:
    """Import a CSV file of numbers.

    `actor`: who imports, for the history of each number.
    `dry_run`: check the file and look up what is there, but write nothing.
    `faults`: a CSV file for the faulty rows. It is replaced if it exists.
    `progress`: is called with the rows that are done and the rows that there are.
    `chunk`: rows of one transaction.

    Raises `Faults` if the file as a whole is wrong, before anything is written. Raises OSError for
    files, and OperationalError while the database is away. The caller can then run it again.
    """
    begin = time.perf_counter()
    with ledger.read() as connection:
        revision = connection.execute(
            select(Seller.catalog_revision).where(Seller.id == ledger.seller)
        ).scalar()
        catalog = ledger.references.catalog(connection, ledger.seller, revision or 0)
    shape = shape_of(file, None, COLUMNS)
    header = header_of(file, shape)
    columns = fixed_columns(header, COLUMNS, NEEDED, FAULT_COLUMNS)
    # Reads the file to its end, so that its faults come first.
    total = sum(1 for _ in fixed_rows(file, shape, columns))
    import_id = None if dry_run else _open(ledger, file, actor)
    with FaultList(faults) as listed:
        listed.begin_list(header, shape)
        reader = _Reader(catalog, listed)
        imported = there = done = 0
        rows = fixed_rows(file, shape, columns)
        while taken := list(islice(rows, chunk)):
            new = [one for row in taken if (one := reader.read(row)) is not None]
            if dry_run:
                known = len(numbers_there(ledger, new))
            else:
                came = import_numbers(ledger, new, machine_now(), actor, import_id)
                known = len(new) - len(came)
            imported, there, done = imported + len(new) - known, there + known, done + len(taken)
            if progress:
                progress(done, total)
    return NumberReport(
        rows=total,
        imported=imported,
        there=there,
        faulty=listed.count,
        read_as=shape.words,
        seconds=time.perf_counter() - begin,
        dry_run=dry_run,
        import_id=import_id,
        faults=tuple(listed.first),
    )


def _open(ledger: Ledger, file: Path, actor: str) -> int:
    facts = ImportFacts(
        kind=ImportKind.NUMBERS, file=file.name, digest=digest_of(file), actor=actor
    )
    with ledger.transaction("open_import") as connection:
        ensure_policy(connection, ledger.seller)
        return open_import(connection, ledger.seller, facts, machine_now())


class _Reader:
    """Reads rows one after the other. What is wrong with a row joins the list of faults."""

    def __init__(self, catalog: Catalog, faults: FaultList) -> None:
        self._skus = {sku.sku for sku in catalog.skus if sku.kind is SkuKind.NUMBER}
        self._faults = faults
        self._lines: dict[str, int] = {}

    def read(self, row: FixedRow) -> NewNumber | None:
        """The number in a row. None when the row is faulty."""
        named = row.cells
        if not named:
            self._faults.add(RowFault(row.line, "", TOO_LONG), row.written)
            return None
        wrong: list[str] = []

        def cell(name: str, read: Callable[[str], T]) -> T | None:
            try:
                return read(named.get(name, ""))
            except Wrong as error:
                wrong.append(f"{name} {error}")
                return None

        number = cell("number", read_e164)
        sku = cell("sku", self._sku)
        hold = cell("hold", _hold)
        if number is not None and (first := self._lines.setdefault(number, row.line)) != row.line:
            wrong.append(f"number stands in line {first} already")
        if number is None or sku is None or hold is None or wrong:
            self._faults.add(
                RowFault(row.line, named.get("number", ""), "; ".join(wrong)), row.written
            )
            return None
        return NewNumber(number=number, sku=sku, hold=hold)

    def _sku(self, value: str) -> str:
        sku = read_id(value)
        if sku not in self._skus:
            raise Wrong(f"{shown(sku)} is no number SKU of the catalogue")
        return sku


def _hold(value: str) -> HoldKind:
    if value == HoldKind.BYOI:
        raise Wrong(
            f"must not be {value}; a number that a customer brings along comes with its purchase"
        )
    if value and value not in HOLDS:
        raise Wrong(f"must be {either(HOLDS)}, not {shown(value)}")
    return HoldKind(value or HoldKind.NORMAL)
