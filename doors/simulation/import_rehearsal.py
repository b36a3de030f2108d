"""The rehearsal of an import: the customers of a file live some months on a test clock.

They live in a temporary database, which has the seller's real policy and catalogue and is gone
afterwards. Nothing real is read beside these two, and nothing real is changed. The steps are run by
the direct engine, so a rehearsal does what the workflows would do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from sqlalchemy import func, insert, select, text

from activities.registry import Activities
from core.domain import policy as policies
from core.domain.calendar import add_months, first_instant
from core.domain.events import Event
from core.domain.subscription import ZERO
from core.gateways.cards import Answer
from core.ledger import stored_terms
from core.ledger.bulk_write import one_of
from core.ledger.clocks import machine_now
from core.ledger.database import connect, migrate
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, Clock, Seller
from doors.application import test_clocks
from doors.application.direct_engine import Direct
from doors.intake.column_mapping import ColumnMapping
from doors.intake.customer_import import import_file
from doors.intake.import_report import ImportReport
from doors.intake.import_undo import all_imports
from doors.intake.takeover_table import came_in, write_table
from doors.simulation.throwaway_run import TemporaryServers
from settings import Settings

CLOCK = "rehearsal"
MOST_MONTHS = 24
"""Months of the longest rehearsal."""

_PAGE = 1_000
_BY_DAY = text(
    """
SELECT CAST(h.at AT TIME ZONE a.timezone AS date) AS day, a.currency, h.event, count(*) AS n,
       coalesce(sum(h.amount), 0) AS amount
  FROM history h JOIN accounts a ON a.id = h.account
 WHERE h.event = ANY (:events) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPlayed:
    """What happened on a local day, to accounts of a currency.

    `renewed`, `amount`: renewals, and what they cost.
    `failed`: attempts to renew that failed. A group counts each of its members.
    `by_card`: what was charged to cards.
    `expired`, `ended`: subscriptions that expired, and that were terminated.
    """

    day: date
    currency: str
    renewed: int = 0
    amount: Decimal = ZERO
    failed: int = 0
    by_card: Decimal = ZERO
    expired: int = 0
    ended: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalReport:
    """What happened in a rehearsal.

    `begin`, `until`: the first instant, and the last one (UTC).
    `imported`: what became of the file.
    `days`: the days on which something happened.
    `left`: why steps of accounts could not be run, by account. At most 20.
    `there`: accounts of the file that exist already. They were played as the file has them.
    """

    begin: datetime
    until: datetime
    imported: ImportReport
    days: tuple[DayPlayed, ...]
    left: dict[str, str]
    there: int


class RehearsalCards:
    """A card gateway that charges every card, or declines every card. No money moves."""

    def __init__(self, *, decline: bool) -> None:
        self._answer = Answer(not decline, "declined in the rehearsal" if decline else None)
        self._known: set[str] = set()

    def charge(self, key: str, card: str, amount: Decimal, currency: str) -> Answer:
        """The same answer for every charge."""
        self._known.add(key)
        return self._answer

    def look_up(self, key: str) -> Answer | None:
        """The answer of a key that was charged."""
        return self._answer if key in self._known else None

    def refund(self, key: str, amount: Decimal) -> None:
        """Give nothing back, because nothing was charged."""


async def rehearse(
    real: Ledger,
    config: Settings,
    servers: TemporaryServers,
    file: Path,
    mapping: ColumnMapping | None,
    *,
    months: int,
    as_of: date | None = None,
    limit: int | None = None,
    decline_cards: bool = False,
    faults: Path | None = None,
    table: Path | None = None,
    counted: Callable[[int, int], None] | None = None,
    passed: Callable[[datetime], None] | None = None,
) -> RehearsalReport:
    """Play the next months of the customers of a file.

    `real`: the ledger whose policy and catalogue are used.
    `file`, `mapping`, `limit`, `faults`: as in `import_file`.
    `months`: how long, counted from today, or from the day on which Perennial takes over.
    `as_of`: the day on which Perennial takes over. Default: today.
    `decline_cards`: whether every card is declined. Default: every card is charged.
    `table`: a CSV file for all subscriptions as they are at the end.
    `counted`: is called with the rows that are imported and the rows that there are.
    `passed`: is called with the instant that the test clock has reached.

    Raises as `import_file`, and as the temporary servers.
    """
    policy, entries = _terms(real)
    with servers.throwaway_database(config) as url:
        migrate(url)
        ledger = Ledger(connect(url, pool_size=2), real.seller)
        try:
            begin = machine_now()
            with ledger.transaction("rehearsal") as connection:
                stored_terms.add_policy(connection, ledger.seller, policy)
                stored_terms.add_catalog(connection, ledger.seller, entries)
                connection.execute(insert(Clock).values(id=CLOCK, now=begin))
            done = await import_file(
                ledger,
                file,
                mapping,
                clock=CLOCK,
                as_of=as_of,
                limit=limit,
                faults=faults,
                progress=counted,
            )
            until = end_of(begin, as_of, months)
            engine = Direct(Activities(ledger, RehearsalCards(decline=decline_cards)))
            left: dict[str, str] = {}
            try:
                await test_clocks.advance(ledger, engine, CLOCK, until, progress=passed)
            except test_clocks.Unfinished as unfinished:
                errors = list(unfinished.errors.items())[:20]
                left = {account: f"{type(error).__name__}: {error}" for account, error in errors}
            if table is not None:
                with table.open("w", encoding="utf-8", newline="") as opened:
                    write_table(came_in(ledger, all_imports(ledger)[0]), opened)
            return RehearsalReport(
                begin=begin,
                until=until,
                imported=done,
                days=_days(ledger),
                left=left,
                there=_that_exist(ledger, real),
            )
        finally:
            ledger.engine.dispose()


def end_of(begin: datetime, as_of: date | None, months: int) -> datetime:
    """The instant (UTC) at which a rehearsal ends."""
    first = max(begin.date(), as_of or begin.date())
    return first_instant(add_months(first, months), "UTC")


def _that_exist(played: Ledger, real: Ledger) -> int:
    """How many of the accounts that were played exist in the real ledger. Read in pages."""
    found, after = 0, ""
    while True:
        page = select(AccountRow.id).where(AccountRow.id > after).order_by(AccountRow.id)
        with played.read() as connection:
            ids = list(connection.execute(page.limit(_PAGE)).scalars())
        if not ids:
            return found
        with real.read() as connection:
            count = select(func.count()).where(one_of(AccountRow.id, ids))
            found += connection.execute(count).scalar_one()
        after = ids[-1]


def _terms(real: Ledger) -> tuple[policies.Policy, list[dict[str, object]]]:
    with real.read() as connection:
        version = connection.execute(
            select(Seller.policy_version).where(Seller.id == real.seller)
        ).scalar()
        policy = policies.DEFAULT
        if version:
            policy = real.references.policy(connection, real.seller, version)
        return policy, stored_terms.stored_entries(connection, real.seller)


def _days(ledger: Ledger) -> tuple[DayPlayed, ...]:
    events = (
        Event.RENEWED,
        Event.RENEWAL_FAILED,
        Event.CARD_CHARGED,
        Event.EXPIRED,
        Event.TERMINATED,
        Event.CONVERTED,
    )
    days: dict[tuple[date, str], dict[str, tuple[int, Decimal]]] = {}
    with ledger.read() as connection:
        for row in connection.execute(_BY_DAY, {"events": [str(event) for event in events]}):
            days.setdefault((row.day, row.currency), {})[row.event] = (row.n, row.amount)
    nothing = (0, ZERO)
    found = []
    for (day, currency), of in days.items():
        renewed, converted = of.get(Event.RENEWED, nothing), of.get(Event.CONVERTED, nothing)
        found.append(
            DayPlayed(
                day=day,
                currency=currency,
                renewed=renewed[0] + converted[0],
                amount=-(renewed[1] + converted[1]),
                failed=of.get(Event.RENEWAL_FAILED, nothing)[0],
                by_card=of.get(Event.CARD_CHARGED, nothing)[1],
                expired=of.get(Event.EXPIRED, nothing)[0],
                ended=of.get(Event.TERMINATED, nothing)[0],
            )
        )
    return tuple(found)
