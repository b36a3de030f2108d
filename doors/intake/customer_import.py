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
import csv
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import MAXYEAR, date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TextIO

from sqlalchemy import select

from activities.import_customers import Customer, TakenOver, take_over, what_is_there
from core.domain import policy as policies
from core.domain.calendar import last_paid_day, local_date
from core.domain.catalog import LONGEST_NAME, PRIMARY, Catalog
from core.domain.fault_places import shown
from core.domain.faults import Fault, Faults
from core.domain.imported_subscription import anchor_by_tenure, months_under_way
from core.domain.money import LARGEST, MOST_DIGITS, plain, round_half_up
from core.domain.policy import Policy
from core.domain.rules import Rule
from core.domain.subscription import ZERO
from core.ledger import stored_terms
from core.ledger.clocks import machine_now, now_of
from core.ledger.ledger import Ledger
from core.ledger.tables import Seller
from core.protocol.activity_messages import Snapshot
from doors.application.safe_text import spreadsheet_cell
from doors.intake import column_mapping
from doors.intake.column_mapping import ColumnMapping

CHUNK = 500
"""Rows of one transaction."""
AT_ONCE = 50
"""Workflows that are started at the same time."""
LONGEST_LINE = 1_000_000
"""Bytes of a line of the file."""
_SHOWN_FAULTS = 20

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
    ) -> None:
        """Start the workflows of subscriptions that were just committed."""
        ...

    async def start_these(
        self, subscriptions: Sequence[str], at_once: int, progress: Callable[[int], None] | None
    ) -> None:
        """Start the workflows of subscriptions that were there already."""
        ...


class Connected(Starter, Protocol):
    """The parts of `doors.application.perennial.Perennial` that an import uses."""

    ledger: Ledger


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
    `seconds`: how long the import lasted.
    `dry_run`: whether nothing was written.
    `faults`: the first few faults.
    """

    rows: int
    imported: int
    there: int
    faulty: int
    started: int
    seconds: float
    dry_run: bool
    faults: tuple[RowFault, ...]


async def import_file(
    perennial: Connected,
    file: Path,
    mapping: ColumnMapping | None = None,
    *,
    dry_run: bool = False,
    clock: str | None = None,
    prefix: str = "",
    limit: int | None = None,
    faults: Path | None = None,
    progress: Progress | None = None,
    start_workflows: bool = True,
    at_once: int = AT_ONCE,
) -> ImportReport:
    """Import a CSV file.

    `mapping`: which column is which field. Default: the columns are named like the fields.
    `dry_run`: check the file and look up what is there, but write nothing.
    `clock`: a test clock, whose day is then "today". Default: the machine's clock.
    `prefix`: is put before every id.
    `limit`: the number of rows that are read. Default: all.
    `faults`: a CSV file for the faulty rows. It is replaced if it exists.
    `progress`: is called with the rows that are done and the rows that there are.
    `start_workflows`: whether to start workflows. The relay starts those that are missing.
    `at_once`: workflows that are started at the same time.

    Raises `Faults` if the file as a whole is wrong, before anything is written. Raises OSError for
    files, and LookupError for an unknown clock. Raises RPCError or OperationalError while Temporal
    or the database is away. The caller can then run the same import again.
    """
    return await import_into(
        perennial.ledger,
        file,
        mapping,
        starter=perennial if start_workflows else None,
        dry_run=dry_run,
        clock=clock,
        prefix=prefix,
        limit=limit,
        faults=faults,
        progress=progress,
        at_once=at_once,
    )


async def import_into(
    ledger: Ledger,
    file: Path,
    mapping: ColumnMapping | None = None,
    *,
    starter: Starter | None = None,
    dry_run: bool = False,
    clock: str | None = None,
    prefix: str = "",
    limit: int | None = None,
    faults: Path | None = None,
    progress: Progress | None = None,
    at_once: int = AT_ONCE,
    chunk: int = CHUNK,
) -> ImportReport:
    """Import a CSV file into a ledger, with the parameters of `import_file`.

    `starter`: starts the workflows. None starts no workflow, as the direct engine needs it.
    `chunk`: rows of one transaction.
    """
    begin = time.perf_counter()
    with _fault_file(faults) as written:
        run = _Run(ledger, file, mapping, clock, prefix, limit, _FaultList(written))
        await asyncio.to_thread(run.check)
        if not dry_run:
            await asyncio.to_thread(run.prepare)
        imported, there, started = await _rows(run, starter, dry_run, at_once, chunk, progress)
    return ImportReport(
        rows=run.rows,
        imported=imported,
        there=there,
        faulty=run.faults.count,
        started=started,
        seconds=time.perf_counter() - begin,
        dry_run=dry_run,
        faults=tuple(run.faults.first),
    )


async def _rows(
    run: "_Run",
    starter: Starter | None,
    dry_run: bool,
    at_once: int,
    size: int,
    progress: Progress | None,
) -> tuple[int, int, int]:
    """Write the rows in chunks. The workflows of a chunk start while the next one is written.

    Returns the numbers of rows that were imported, of rows that were there, and of started
    workflows.
    """
    chunks = run.chunks(size)
    total = run.rows - run.faults.count
    imported = there = started = done = 0
    starting: asyncio.Task[None] | None = None

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
                _start(starter, result, run.clock is not None, at_once, count)
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
    return imported, there, started


async def _start(
    starter: Starter, result: TakenOver, on_clock: bool, at_once: int, count: Callable[[int], None]
) -> None:
    if result.new:
        await starter.start_all(result.new, on_clock=on_clock, at_once=at_once, progress=count)
    if result.unstarted:
        await starter.start_these(result.unstarted, at_once, count)


class _FaultList:
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


def _fault_file(file: Path | None) -> AbstractContextManager[TextIO | None]:
    return (
        nullcontext()
        if file is None
        else file.open("w", encoding="utf-8", errors="replace", newline="")
    )


class _Run:
    """One import: the file, the clock, the catalogue and the policy together."""

    def __init__(
        self,
        ledger: Ledger,
        file: Path,
        mapping: ColumnMapping | None,
        clock: str | None,
        prefix: str,
        limit: int | None,
        faults: _FaultList,
    ) -> None:
        self._ledger = ledger
        self._file = file
        self._mapping = mapping
        self._prefix = prefix
        self._limit = limit
        self._lines: dict[str, int] = {}
        self._accounts: dict[str, tuple[str, str, int]] = {}
        self._faulty: set[int] = set()
        self.clock = clock
        self.faults = faults
        self.rows = 0

    def check(self) -> None:
        """Read the file to its end: count the rows, list the faulty ones, find the new SKUs.

        Raises as `import_file`.
        """
        with self._ledger.engine.connect() as connection:
            self._now = machine_now() if self.clock is None else now_of(connection, self.clock)
            seller = connection.execute(
                select(Seller.policy_version, Seller.catalog_revision).where(
                    Seller.id == self._ledger.seller
                )
            ).one_or_none()
            self._shop = _Shop(Catalog(()), policies.DEFAULT)
            self._has_policy = seller is not None and seller.policy_version > 0
            if seller is not None and self._has_policy:
                catalog = self._ledger.references.catalog(
                    connection, self._ledger.seller, seller.catalog_revision
                )
                self._shop = _Shop(
                    catalog,
                    self._ledger.references.policy(
                        connection, self._ledger.seller, seller.policy_version
                    ),
                )
        for line, values, reasons in self._read():
            self.rows += 1
            id_ = str(values.get("id", ""))
            if id_ in self._lines:
                reasons.append(f"id: stands in line {self._lines[id_]} already")
            elif id_:
                self._lines[id_] = line
            if not reasons:
                try:
                    self._same_account(self._customer(values), line)
                    continue
                except ValueError as error:
                    reasons.append(str(error))
            self._faulty.add(line)
            self.faults.add(RowFault(line, id_, "; ".join(reasons)))

    def _same_account(self, customer: Customer, line: int) -> None:
        """Check that rows of one account agree about it. Raises ValueError."""
        currency, zone, first = self._accounts.setdefault(
            customer.account, (customer.currency, customer.timezone, line)
        )
        for name, there, here in (
            ("currency", currency, customer.currency),
            ("timezone", zone, customer.timezone),
        ):
            if there != here:
                raise ValueError(
                    f"{name}: account {customer.account} has {there} in line {first}, not {here}"
                )

    def prepare(self) -> None:
        """Write the seller and the new SKUs, which the rows need."""
        with self._ledger.transaction("catalog") as connection:
            if not self._has_policy:
                stored_terms.add_policy(connection, self._ledger.seller, policies.DEFAULT)
            if entries := self._shop.entries():
                stored_terms.add_catalog(connection, self._ledger.seller, entries)

    def chunks(self, size: int) -> Iterator[list[Customer]]:
        """Read the file again. Returns the rows without faults, as customers."""
        customers = (
            self._customer(values) for line, values, _ in self._read() if line not in self._faulty
        )
        while chunk := list(islice(customers, size)):
            yield chunk

    def take_next(
        self, chunks: Iterator[list[Customer]], dry_run: bool
    ) -> tuple[int, TakenOver] | None:
        """Take over the next chunk. A dry run only looks up what is there.

        Returns the number of rows and what became of them. Returns None after the last chunk.
        """
        if (customers := next(chunks, None)) is None:
            return None
        ledger, clock = self._ledger, self.clock
        result = (
            what_is_there(ledger, customers, clock)
            if dry_run
            else take_over(ledger, customers, self._now, clock)
        )
        for id_, reason in result.refused.items():
            raw = id_.removeprefix(self._prefix)
            self.faults.add(RowFault(self._lines[raw], raw, reason))
        return len(customers), result

    def _read(self) -> Iterator[tuple[int, dict[str, Any], list[str]]]:
        """The rows as the mapping reads them: line, values, what is wrong."""
        with self._file.open("rb") as opened:
            rows = _csv(opened, self._mapping.delimiter if self._mapping else ",")
            _, header = next(rows, (1, []))
            if not header:
                raise Faults([Fault("line 1", "is empty; it has the names of the columns")])
            header = [name.strip() for name in header]
            if odd := next((name for name in header if not name.isprintable()), None):
                reason = f"the column {shown(odd)} has characters that cannot be printed"
                raise Faults([Fault("line 1", f"{reason}: is this a CSV file?")])
            reader = (self._mapping or column_mapping.by_field_names(header)).reader(header)
            for line, row in islice(rows, self._limit):
                values, reasons = reader.values(row)
                yield line, values, reasons

    def _customer(self, values: dict[str, Any]) -> Customer:
        """A row as a customer. Raises ValueError with what is wrong with it."""
        id_, currency, zone = values["id"], values["currency"], values["timezone"]
        quantity = values.get("quantity", 1)
        if quantity > self._shop.policy.max_licences:
            most = f"at most {self._shop.policy.max_licences} licences are allowed"
            raise ValueError(f"quantity: {most}, not {quantity} (rule {Rule.LICENCES})")
        today = local_date(self._now, zone)
        anchor = _anchor(values, today)
        offer = self._shop.offer(values, today)
        _check_end(anchor, offer.months, today)
        return Customer(
            id=self._prefix + id_,
            account=self._prefix + values.get("account", id_),
            currency=currency,
            timezone=zone,
            sku=offer.sku,
            months=offer.months,
            anchor=anchor,
            quantity=quantity,
            legacy=values.get("legacy", False),
            auto_renew=values.get("auto_renew", True),
            credits=_credits(values, offer.price * quantity, currency),
            card=values.get("card"),
            renew_by_card=values.get("renew_by_card", False),
            owner=values.get("owner"),
            billing_email=values.get("billing_email"),
        )


def _anchor(values: dict[str, Any], today: date) -> date:
    if "anchor" not in values:
        return anchor_by_tenure(values["id"], values["tenure_months"], today)
    anchor: date = values["anchor"]
    if anchor > today:
        raise ValueError(f"anchor: {anchor} is after today, {today}")
    return anchor


def _check_end(anchor: date, months: int, today: date) -> None:
    """Raises ValueError if the cycle under way ends after the last year of the calendar."""
    try:
        last_paid_day(anchor, months_under_way(anchor, months, today))
    except OverflowError:
        cycle = f"the cycle under way, of {months} months since {anchor}"
        raise ValueError(f"months: {cycle}, ends after the year {MAXYEAR}") from None


def _credits(values: dict[str, Any], price: Decimal, currency: str) -> Decimal:
    brought: Decimal = values.get("credits", ZERO)
    if cycles := values.get("credit_cycles", 0):
        brought = round_half_up(price, currency) * cycles
    if brought >= LARGEST:
        raise ValueError(
            f"credits: {brought:f} are too many; allowed is less than 10^{MOST_DIGITS}"
        )
    return brought


@dataclass(frozen=True, slots=True)
class _Offer:
    """What a row buys: a SKU, its months, and the price of one unit for a cycle."""

    sku: str
    months: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class _NewSku:
    """A SKU that the catalogue does not have yet."""

    months: int
    application: str | None
    prices: dict[str, Decimal]


@dataclass(slots=True)
class _Shop:
    """The catalogue and the policy in force, and the SKUs that the file adds.

    A row that does not name its SKU has one for its application, length, price and currency.
    """

    catalog: Catalog
    policy: Policy
    new: dict[str, _NewSku] = field(default_factory=dict)

    def offer(self, values: dict[str, Any], today: date) -> _Offer:
        """What a row buys. Raises ValueError if it contradicts the catalogue or an earlier row."""
        sku, months, price, currency = (
            values.get("sku"),
            values.get("months"),
            values.get("price"),
            values["currency"],
        )
        if months is None and sku is not None and sku in self.catalog:
            months = self.catalog.months(sku)
        if price is None and months is not None and "monthly_price" in values:
            price = values["monthly_price"] * months
        if price is not None and price >= LARGEST:
            raise ValueError(f"price: {price:f} is too large; a price is below 10^{MOST_DIGITS}")
        if sku is None and months is not None and price is not None:
            sku = _name_of_sku(values.get("application"), months, price, currency)
        if sku is not None and months is not None:
            if sku in self.catalog:
                return self._known(sku, months, price, values.get("application"), currency, today)
            if price is not None:
                return self._add(_Offer(sku, months, price), values.get("application"), currency)
        raise ValueError(
            f"sku: {shown(sku)} is not in the catalogue, so months and price are needed"
            if sku
            else "months or price: missing"
        )

    def entries(self) -> list[dict[str, Any]]:
        """The new SKUs as entries of a catalogue."""
        return [
            {
                "sku": sku,
                "kind": "application",
                "months": new.months,
                "prices": {c: plain(p, c) for c, p in new.prices.items()},
                **({"application": new.application} if new.application else {}),
            }
            for sku, new in self.new.items()
        ]

    def _known(
        self,
        sku: str,
        months: int,
        price: Decimal | None,
        application: str | None,
        currency: str,
        today: date,
    ) -> _Offer:
        costs = self.catalog.price(sku, currency, today)
        if self.catalog.kind(sku) not in PRIMARY:
            raise ValueError(f"sku: {sku} is of kind {self.catalog.kind(sku)}")
        if costs is None:
            raise ValueError(f"sku: {sku} has no price in {currency}")
        there = _NewSku(self.catalog.months(sku), self.catalog.application(sku), {currency: costs})
        _check_same(sku, there, months, price, application, currency, "in the catalogue")
        return _Offer(sku, months, costs)

    def _add(self, offer: _Offer, application: str | None, currency: str) -> _Offer:
        there = self.new.get(offer.sku)
        if there is None:
            self.new[offer.sku] = _NewSku(offer.months, application, {currency: offer.price})
            return offer
        _check_same(
            offer.sku, there, offer.months, offer.price, application, currency, "in an earlier row"
        )
        there.prices.setdefault(currency, offer.price)
        return offer


def _check_same(
    sku: str,
    there: _NewSku,
    months: int,
    price: Decimal | None,
    application: str | None,
    currency: str,
    where: str,
) -> None:
    if months != there.months:
        raise ValueError(f"months: {sku} has {there.months} {where}, not {months}")
    if application is not None and application != there.application:
        belongs = f"{sku} belongs to {shown(there.application)} {where}"
        raise ValueError(f"application: {belongs}, not {shown(application)}")
    if price is not None and there.prices.get(currency, price) != price:
        known = plain(there.prices[currency], currency)
        costs = f"{sku} costs {known} {currency} {where}"
        raise ValueError(f"price: {costs}, not {plain(price, currency)}")


def _name_of_sku(application: str | None, months: int, price: Decimal, currency: str) -> str:
    name = f"{application or 'sku'}-{months}m-{plain(price, currency)}-{currency}"
    if len(name) > LONGEST_NAME:
        reason = "is too long for the name of a SKU; name it in a column sku"
        raise ValueError(f"application: {shown(application)} {reason}")
    return name


def _csv(opened: Any, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file, each with the line in which it begins, without empty lines.

    Raises `Faults` for a file that is not CSV in UTF-8.
    """
    reader = csv.reader(_lines(opened), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise Faults([Fault(f"line {reader.line_num}", f"is not CSV: {error}")]) from None


def _lines(opened: Any) -> Iterator[str]:
    number = 0
    while raw := opened.readline(LONGEST_LINE + 1):
        number += 1
        if len(raw) > LONGEST_LINE:
            raise Faults([Fault(f"line {number}", f"has more than {LONGEST_LINE} bytes")])
        if b"\0" in raw:
            raise Faults([Fault(f"line {number}", "has a zero byte: this is not text")])
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise Faults([Fault(f"line {number}", "is not UTF-8 text")]) from None
