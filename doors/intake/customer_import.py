"""The import of existing customers from a CSV file (docs/import.md).

Owns the order of an import. First the file is read as a stream and checked to its end, before
anything is written. A fault of the file stops the import. A fault of a row is listed, and the other
rows are imported. Then the new SKUs are written, and then the rows in chunks. Each chunk is one
transaction. While one chunk is written, the workflows of the chunk before it are started. Rows that
exist already are skipped. So an import may be interrupted anywhere and run again.

Worked rate: 7,043 rows are 15 chunks of 500 with about ten statements each. The remaining time
goes into the starts of workflows.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TextIO

import structlog
from sqlalchemy import select

from activities.import_customers import Customer, TakenOver, take_over, together, what_is_there
from core.domain import policy as policies
from core.domain.catalog import Catalog
from core.domain.imported_subscription import ImportKind
from core.domain.refusal import Refused
from core.ledger import stored_terms
from core.ledger.clocks import now_of
from core.ledger.imports import ImportFacts, open_import
from core.ledger.ledger import Ledger
from core.ledger.tables import Seller
from core.protocol.activity_messages import Snapshot
from doors.application.batches import RowFailed, past_failing_rows
from doors.application.patience import first_line
from doors.intake.accounts_of_file import AccountsOfFile
from doors.intake.csv_rows import digest_of
from doors.intake.customer_rows import customer_of
from doors.intake.import_outlook import Outlook
from doors.intake.import_report import FaultList, ImportReport, RowFault, fault_file
from doors.intake.imported_skus import ImportedSkus
from doors.intake.row_keys import hash_of
from doors.intake.row_reader import ColumnMapping
from doors.intake.source_rows import SourceFile, SourceRow

log = structlog.get_logger()

CHUNK = 500
"""Rows of one transaction."""
AT_ONCE = 50
"""Workflows that are started at the same time."""

Progress = Callable[[int, int], None]
"""Is called with the rows that are done and the rows that there are."""


class Starter(Protocol):
    """Starts workflows, as `doors.application.perennial.Perennial` does."""

    async def start_all(
        self,
        snapshots: Sequence[Snapshot],
        *,
        on_clock: bool,
        at_once: int,
        progress: Callable[[int], None] | None,
        failed: RowFailed[str],
    ) -> None:
        """Start the workflows of subscriptions that were just committed."""
        ...

    async def start_these(
        self,
        subscriptions: Sequence[str],
        at_once: int,
        progress: Callable[[int], None] | None,
        failed: RowFailed[str],
    ) -> None:
        """Start the workflows of subscriptions that were there already."""
        ...


async def import_file(
    ledger: Ledger,
    file: Path,
    mapping: ColumnMapping | None = None,
    *,
    starter: Starter | None = None,
    dry_run: bool = False,
    clock: str | None = None,
    prefix: str = "",
    as_of: date | None = None,
    limit: int | None = None,
    faults: Path | None = None,
    left_out: Path | None = None,
    table: Path | None = None,
    progress: Progress | None = None,
    actor: str = "perennial",
    at_once: int = AT_ONCE,
    chunk: int = CHUNK,
) -> ImportReport:
    """Import a CSV file into a ledger.

    `mapping`: which column is which field. Default: the columns are named like the fields.
    `starter`: starts the workflows. None starts no workflow, as the direct engine needs it. The
    relay starts those that are missing.
    `dry_run`: check the file and look up what is there, but write nothing.
    `clock`: a test clock, whose day is then "today". Default: the machine's clock.
    `prefix`: is put before every id.
    `as_of`: the day on which Perennial takes over, in the account's zone. Rows are judged as of
    this day, and nothing is due before it. Default: today.
    `limit`: the number of rows that are read. Default: all.
    `faults`: a CSV file for the faulty rows. It is replaced if it exists.
    `left_out`: a CSV file for the rows that the mapping leaves out, with the reasons. It is
    replaced if it exists.
    `table`: a CSV file with each subscription as it will be, for a dry run. It is replaced if it
    exists.
    `progress`: is called with the rows that are done and the rows that there are.
    `actor`: who imports, for the list of imports.
    `at_once`: workflows that are started at the same time.
    `chunk`: rows of one transaction.

    A row that the database refuses is a faulty row. The other rows of its chunk are imported.

    Raises `Faults` if the file as a whole is wrong, before anything is written. Raises OSError for
    files, and LookupError for an unknown clock. Raises `NotAvailable` or OperationalError while
    Temporal or the database is away. The caller can then run the same import again.
    """
    begin = time.perf_counter()
    with (
        FaultList(faults) as faulty,
        FaultList(left_out) as out,
        fault_file(table) as listed,
    ):
        run = _Run(ledger, file, mapping, clock, prefix, as_of, limit, faulty, out)
        await asyncio.to_thread(run.check)
        if dry_run:
            run.look_ahead(listed)
        if not dry_run:
            await asyncio.to_thread(run.prepare, actor)
        imported, there, started, unstarted = await _rows(
            run, starter, dry_run, at_once, chunk, progress
        )
    return ImportReport(
        rows=run.rows,
        imported=imported,
        there=there,
        faulty=run.faults.count,
        skipped=run.skipped,
        left_out=run.left_out.count,
        read_as=run.read_as,
        started=started,
        unstarted=unstarted,
        seconds=time.perf_counter() - begin,
        dry_run=dry_run,
        import_id=run.import_id,
        outlook=run.outlook.report() if run.outlook else None,
        faults=tuple(run.faults.first),
        not_brought_in=tuple(run.left_out.first),
    )


async def _rows(
    run: "_Run",
    starter: Starter | None,
    dry_run: bool,
    at_once: int,
    size: int,
    progress: Progress | None,
) -> tuple[int, int, int, int]:
    """Write the rows in chunks. The workflows of a chunk start while the next one is written.

    Returns the numbers of rows that were imported, of rows that were there, of workflows that were
    started, and of those that could not be started.
    """
    chunks = run.chunks(size)
    total = run.rows - run.faults.count
    imported = there = started = done = 0
    starting: asyncio.Task[None] | None = None
    unstarted: list[str] = []

    def failed(subscription: str, error: Exception) -> None:
        unstarted.append(subscription)
        log.error("import_start_failed", subscription=subscription, error=first_line(error))
        count(1)

    def count(rows: int) -> None:
        nonlocal done
        done += rows
        if progress:
            progress(done, total)

    try:
        while (taken := await asyncio.to_thread(run.take_next, chunks, dry_run)) is not None:
            rows, result = taken
            imported += rows - len(result.there) - len(result.refused)
            there += len(result.there)
            if starting is not None:
                await starting
                starting = None
            if starter is None or dry_run:
                count(rows)
                continue
            started += len(result.new) + len(result.unstarted)
            starting = asyncio.create_task(
                _start(starter, result, run.clock is not None, at_once, count, failed)
            )
            count(rows - len(result.new) - len(result.unstarted))
        if starting is not None:
            await starting
    except BaseException:
        if starting is not None:
            starting.cancel()
            # No start may be running when the caller closes the connection.
            await asyncio.gather(starting, return_exceptions=True)
        raise
    return imported, there, started - len(unstarted), len(unstarted)


async def _start(
    starter: Starter,
    result: TakenOver,
    on_clock: bool,
    at_once: int,
    count: Callable[[int], None],
    failed: RowFailed[str],
) -> None:
    if result.new:
        await starter.start_all(
            result.new, on_clock=on_clock, at_once=at_once, progress=count, failed=failed
        )
    if result.unstarted:
        await starter.start_these(result.unstarted, at_once, count, failed)


class _Run:
    """One import: the file, the clock, the catalogue and the policy together."""

    def __init__(
        self,
        ledger: Ledger,
        file: Path,
        mapping: ColumnMapping | None,
        clock: str | None,
        prefix: str,
        as_of: date | None,
        limit: int | None,
        faults: FaultList,
        left_out: FaultList,
    ) -> None:
        self._ledger = ledger
        self._file = file
        self._mapping = mapping
        self._prefix = prefix
        self._as_of = as_of
        self._limit = limit
        self._lines: dict[int, int] = {}
        self._accounts = AccountsOfFile()
        self._faulty: set[int] = set()
        self._numbers: dict[str, int] = {}
        self._actor = "perennial"
        self.clock = clock
        self.faults, self.left_out = faults, left_out
        self.rows = 0
        self.import_id: int | None = None
        self.outlook: Outlook | None = None
        self.skipped = 0
        self.read_as = ""

    def check(self) -> None:
        """Read the file to its end: count the rows, list the faulty ones, find the new SKUs.

        Raises as `import_file`.
        """
        with self._ledger.engine.connect() as connection:
            self._now = now_of(connection, self._ledger.seller, self.clock)
            seller = connection.execute(
                select(Seller.policy_version, Seller.catalog_revision).where(
                    Seller.id == self._ledger.seller
                )
            ).one_or_none()
            self._skus = ImportedSkus(Catalog(()), policies.DEFAULT)
            if seller is not None and seller.policy_version > 0:
                catalog = self._ledger.references.catalog(
                    connection, self._ledger.seller, seller.catalog_revision
                )
                self._skus = ImportedSkus(
                    catalog,
                    self._ledger.references.policy(
                        connection, self._ledger.seller, seller.policy_version
                    ),
                )
        self._source = SourceFile(self._file, self._mapping, self._limit)
        self.read_as = self._source.shape.words
        for listed in (self.faults, self.left_out):
            listed.begin_list(self._source.header, self._source.shape)
        for row in self._source.rows(self.left_out.add):
            self.rows += 1
            reasons = row.reasons
            first = self._lines.setdefault(hash_of(row.id), row.line)
            if row.id and first != row.line:
                reasons.append(
                    f"id: stands in line {first} already; in a mapping, latest_by takes the "
                    "newest of several versions, and add_up the lines of one subscription"
                )
            if not reasons:
                try:
                    customer = self._customer(row.values)
                    self._one_number_each(customer, row.line)
                    self._accounts.add(customer, row.line)
                    continue
                except ValueError as error:
                    reasons.append(str(error))
            self._faulty.add(row.line)
            self.faults.add(RowFault(row.line, row.id, "; ".join(reasons)), *row.rows)
        self.skipped = self._source.skipped
        self._lines.clear()
        self._numbers.clear()

    def _one_number_each(self, customer: Customer, line: int) -> None:
        """Check that no number is in two rows. Raises ValueError."""
        for one in customer.numbers:
            if one.number in self._numbers:
                first = self._numbers[one.number]
                raise ValueError(f"numbers: {one.number} is in line {first} already")
        self._numbers |= dict.fromkeys((one.number for one in customer.numbers), line)

    def _customer(self, values: dict[str, Any], *, checked: bool = False) -> Customer:
        skus, now = self._skus, self._now
        return customer_of(values, skus, now, self._prefix, self._as_of, checked=checked)

    def look_ahead(self, table: TextIO | None) -> None:
        """Note from now on what will become of each row. `table`: a CSV file for all of them."""
        skus, unread = self._skus, self._source.named_like_fields
        self.outlook = Outlook(skus.whole(), skus.policy, self._now, self._as_of, unread, table)

    def prepare(self, actor: str) -> None:
        """Write the seller and the new SKUs, which the rows need, and the import itself."""
        self._actor = actor
        facts = ImportFacts(
            kind=ImportKind.CUSTOMERS,
            file=self._file.name,
            digest=digest_of(self._file),
            prefix=self._prefix,
            clock=self.clock,
            as_of=self._as_of,
            actor=actor,
        )
        with self._ledger.transaction("catalog") as connection:
            stored_terms.ensure_policy(connection, self._ledger.seller)
            if entries := self._skus.entries():
                stored_terms.add_catalog(connection, self._ledger.seller, entries)
            seller = self._ledger.seller
            self.import_id = open_import(connection, seller, facts, self._now)

    def chunks(self, size: int) -> Iterator[list[tuple[Customer, SourceRow]]]:
        """Read the file again. Returns the rows without faults, each as a customer."""
        customers = (
            (self._customer(row.values, checked=True), row)
            for row in self._source.rows()
            if row.line not in self._faulty
        )
        while chunk := list(islice(customers, size)):
            yield chunk

    def take_next(
        self, chunks: Iterator[list[tuple[Customer, SourceRow]]], dry_run: bool
    ) -> tuple[int, TakenOver] | None:
        """Take over the next chunk. A dry run only looks up what is there.

        Returns the number of rows and what became of them. Returns None after the last chunk.
        """
        if (chunk := next(chunks, None)) is None:
            return None
        rows = {customer.id: row for customer, row in chunk}
        ledger, clock, refused = self._ledger, self.clock, {}

        def failed(customer: Customer, error: Exception) -> None:
            is_rule = isinstance(error, Refused)
            reason = first_line(error)
            refused[customer.id] = reason if is_rule else f"the database refuses it: {reason}"

        def take(some: Sequence[Customer]) -> TakenOver:
            if dry_run:
                return what_is_there(ledger, some, clock)
            return take_over(
                ledger,
                some,
                self._now,
                clock,
                as_of=self._as_of,
                import_id=self.import_id,
                actor=self._actor,
            )

        customers = [customer for customer, _ in chunk]
        result = together(past_failing_rows(customers, take, failed), refused)
        if self.outlook:
            for customer in customers:
                if customer.id not in result.there and customer.id not in result.refused:
                    self.outlook.add(customer)
        for id_, reason in result.refused.items():
            row = rows[id_]
            self.faults.add(RowFault(row.line, row.id, reason), *row.rows)
        return len(customers), result
