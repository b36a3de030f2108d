"""The figures of the wall: what each says, its chart, and its numbers as a table."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from markupsafe import Markup

from core.domain.money import plain
from core.ledger.ledger import Ledger
from doors.application.safe_text import spreadsheet_cell
from doors.console.charts import Series, bars, curves
from doors.console.local_formats import formats
from doors.queries.wall import failures as of_failures
from doors.queries.wall import money as of_money
from doors.queries.wall import recurring as of_recurring
from doors.queries.wall import renewals as of_renewals
from doors.queries.wall.health import MOST_COUNTED, health
from doors.queries.wall.retention import MONTHS, retention
from doors.queries.wall.scope import MOST_DAYS, MOST_ROWS, Scope, Unit, last_days

WORK, MONEY = "list_work", "show_report"
"""The operations of the figures of renewals, and of those of money."""
TITLES = {
    "waiting": "What waits",
    "renewals": "Renewals by day",
    "hours": "Renewals by hour",
    "failures": "Failures, and what became of them",
    "lateness": "How long after their date renewals were made",
    "churn": "Came and went",
    "retention": "Who stays, by month of purchase",
    "recurring": "Recurring revenue",
    "expected": "Renewals of the next 30 days",
    "money": "Money in and out",
}
"""The titles of the figures by their names in paths."""
HOURS_OF = 2
"""So many days are shown hour by hour."""
_CURRENCIES = 3


class Money(NamedTuple):
    """An amount beside its currency, as a cell."""

    amount: Decimal
    currency: str


Cell = str | int | date | datetime | Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure of the wall.

    `name`: its name in paths, and in `TITLES`. `told`: what it is, in words.
    `columns`: the headings. `rows`: the cells below them.
    `charts`: none, or one for each currency. `legend`: what the colours mean, with their classes.
    """

    name: str
    told: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    charts: Sequence[Markup] = ()
    legend: Sequence[tuple[str, str]] = field(default=())

    @property
    def title(self) -> str:
        """Its title."""
        return TITLES[self.name]

    @property
    def head(self) -> list[tuple[str, str]]:
        """The headings, with the class of a column of numbers."""
        looks = ["num" if isinstance(it, int | Money) else "" for it in (self.rows or [()])[0]]
        return [
            (heading, looks[i] if i < len(looks) else "") for i, heading in enumerate(self.columns)
        ]

    def csv(self) -> str:
        """Its numbers as CSV. An amount has its currency in a column of its own."""
        written = io.StringIO()
        writer = csv.writer(written)
        with_currency = any(isinstance(cell, Money) for row in self.rows for cell in row)
        writer.writerow([*self.columns, *(["currency"] if with_currency else [])])
        for row in self.rows:
            currency = next((it.currency for it in row if isinstance(it, Money)), "")
            writer.writerow([*map(_plain, row), *([currency] if with_currency else [])])
        return written.getvalue()


def cell_text(cell: Cell) -> str:
    """A cell for people."""
    if cell is None:
        return "–"
    if isinstance(cell, Money):
        return formats().money(cell.amount, cell.currency)
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M} UTC"
    if isinstance(cell, date):
        return formats().short_date(cell)
    return formats().number(cell) if isinstance(cell, int) else cell


def _plain(cell: Cell) -> str:
    if isinstance(cell, Money):
        return plain(cell.amount, cell.currency)
    if isinstance(cell, date):
        return cell.isoformat()
    return "" if cell is None else spreadsheet_cell(str(cell))


def _lives(scope: Scope) -> list[Figure]:
    cohorts, churn = retention(scope)
    months = [_month(it.month) for it in churn]
    come_and_gone = [
        Series(name="bought", look="good", values=[it.bought for it in churn]),
        Series(name="ended", look="bad", values=[it.ended for it in churn]),
    ]
    label = "Subscriptions that were bought and that ended, by month"
    return [
        Figure(
            name="churn",
            told="Subscriptions by month. One that was reactivated has not ended.",
            columns=("month", "before", "bought", "ended"),
            rows=[(_month(it.month), it.before, it.bought, it.ended) for it in churn],
            charts=[curves(label, months, come_and_gone)],
            legend=_legend(come_and_gone),
        ),
        Figure(
            name="retention",
            told="Of those whose first paid cycle began in a month, how many had not ended at the "
            "end of that month, of the next one, and so on.",
            columns=("month", "bought", *(f"+{number}" for number in range(MONTHS))),
            rows=[
                (_month(it.month), it.bought, *it.stayed, *[None] * (MONTHS - len(it.stayed)))
                for it in cohorts
            ],
        ),
    ]


def _recurring(scope: Scope) -> Figure:
    return Figure(
        name="recurring",
        told="What renews by itself costs so much in a month, at today's prices.",
        columns=("currency", "subscriptions", "in a month", "not priced"),
        rows=[
            (it.currency, it.subscriptions, Money(it.monthly, it.currency), it.not_priced)
            for it in of_recurring.recurring(scope)
        ],
    )


def _expected(scope: Scope) -> Figure:
    ahead = of_recurring.expected(scope)
    return Figure(
        name="expected",
        told="What they cost at today's prices, if each is paid. Each subscription counts "
        "once, on the day of its account.",
        columns=("day", "renewals", "amount", "not priced"),
        rows=[(it.day, it.renewals, Money(it.amount, it.currency), it.not_priced) for it in ahead],
        charts=_by_currency(
            "Amount of the renewals that are expected, by day",
            [(it.day, it.currency, (it.amount,)) for it in ahead],
            (("expected", "good"),),
        ),
    )


def _money(scope: Scope) -> Figure:
    moved = of_money.money(scope)
    flow = (("came in", "good"), ("charged", "calm"), ("given back", "bad"))
    return Figure(
        name="money",
        told="By day in UTC. A month of days sums to the reports of money.",
        columns=("day", "came in", "charged", "given back"),
        rows=[
            (it.day, *(Money(x, it.currency) for x in (it.came_in, it.fees, it.refunds)))
            for it in moved
        ],
        charts=_by_currency(
            "What came into wallets, what they paid as fees, and what was refunded, by day",
            [(it.day, it.currency, (it.came_in, it.fees, it.refunds)) for it in moved],
            flow,
        ),
        legend=flow,
    )


def _waiting(scope: Scope) -> Figure:
    found = health(scope)
    return Figure(
        name="waiting",
        told=f"Each should be zero, or young. Counted up to {MOST_COUNTED:,}.",
        columns=("what", "how many", "the oldest since"),
        rows=[(it.what, it.count, it.oldest) for it in found],
    )


def _renewals(name: str, scope: Scope, unit: Unit) -> Figure:
    hourly = unit is Unit.HOUR
    found = of_renewals.renewals(scope, unit)
    step = timedelta(hours=1) if hourly else timedelta(days=1)
    by_begin = {it.begin: it for it in found}
    places = [scope.since + step * n for n in range(round((scope.until - scope.since) / step))]
    none = of_renewals.RenewalsOf(begin=scope.since)
    drawn = [by_begin.get(place, none) for place in places]
    series = [
        Series(name="made", look="good", values=[it.made - it.healed - it.late for it in drawn]),
        Series(name="healed", look="calm", values=[it.healed for it in drawn]),
        Series(name="late", look="warn", values=[it.late for it in drawn]),
        Series(name="failed", look="bad", values=[it.failed for it in drawn]),
        Series(name="due", look="coming", values=[it.due for it in drawn]),
    ]
    words = [f"{it:%d %b %H}h" if hourly else f"{it.day} {it:%b}" for it in places]
    return Figure(
        name=name,
        told="In UTC. Made on the day, healed by a retry or a top-up, late after an outage, failed "
        "at the first attempt, and still due.",
        columns=("from", "due", "made", "of them healed", "of them late", "failed", "failed again"),
        rows=[
            (
                it.begin if hourly else it.begin.date(),
                it.due,
                it.made,
                it.healed,
                it.late,
                it.failed,
                it.failed_again,
            )
            for it in found
        ],
        charts=[bars(TITLES[name], words, series)],
        legend=_legend(series),
    )


def _failures(scope: Scope) -> Figure:
    found = of_failures.failures(scope)
    sums: dict[str, int] = {}
    for it in found:
        sums[it.outcome] = sums.get(it.outcome, 0) + it.count
    drawn = [outcome for outcome in of_failures.OUTCOMES if outcome in sums]
    series = [Series(name="failures", look="bad", values=[sums[it] for it in drawn])]
    return Figure(
        name="failures",
        told=f"First attempts that failed, at most the newest {MOST_ROWS:,}.",
        columns=("reason", "what became of them", "how many"),
        rows=[(it.reason, it.outcome, it.count) for it in found],
        charts=[bars("Failed renewals by what became of them", drawn, series)] if drawn else (),
    )


def _lateness(scope: Scope) -> Figure:
    found = of_renewals.lateness(scope)
    series = [Series(name="renewals", look="good", values=[count for _, count in found])]
    words = [word.removeprefix("within ").replace("later than", ">") for word, _ in found]
    return Figure(
        name="lateness",
        told="From the first instant of the renewal date in the zone of the account. At most the "
        f"newest {MOST_ROWS:,} first attempts that renewed.",
        columns=("after", "renewals"),
        rows=list(found),
        charts=[bars("Renewals by how late they were made", words, series)],
    )


def _by_currency(
    label: str,
    days: Iterable[tuple[date, str, tuple[Decimal, ...]]],
    kinds: Sequence[tuple[str, str]],
) -> list[Markup]:
    """A chart for each of the first few currencies. Days without money are drawn as zero."""
    of: dict[str, dict[date, tuple[Decimal, ...]]] = {}
    for day, currency, amounts in days:
        of.setdefault(currency, {})[day] = amounts
    found = []
    for currency, by_day in sorted(of.items())[:_CURRENCIES]:
        first, last = min(by_day), max(by_day)
        places = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        zero = (Decimal(0),) * len(kinds)
        series = [
            Series(
                name=f"{currency} {name}",
                look=look,
                values=[float(max(Decimal(0), by_day.get(it, zero)[n])) for it in places],
            )
            for n, (name, look) in enumerate(kinds)
        ]
        words = [f"{it.day} {it:%b}" for it in places]
        draw = bars if len(kinds) == 1 or len(places) == 1 else curves
        found.append(draw(f"{label}, {currency}", words, series))
    return found


def _legend(series: Sequence[Series]) -> list[tuple[str, str]]:
    return [(it.name, it.look) for it in series]


def _month(month: date) -> str:
    return f"{month:%b %Y}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Figures that are read in one go.

    `operation`: who may see them, in the table of access. `names`: their names, in their order.
    `read`: reads them. `most`: so many days are shown at most.
    `by_days`: whether they depend on the days. The others are the same for every choice of days.
    """

    operation: str
    names: tuple[str, ...]
    read: Callable[[Scope], list[Figure]]
    most: int = MOST_DAYS
    by_days: bool = True

    def figures(self, ledger: Ledger, days: int, clock: str | None) -> list[Figure]:
        """Its figures of the last days. Raises NotFound for an unknown clock."""
        return self.read(last_days(ledger, min(days, self.most), clock))


SOURCES = (
    Source(operation=WORK, names=("waiting",), read=lambda it: [_waiting(it)], by_days=False),
    Source(
        operation=WORK, names=("renewals",), read=lambda it: [_renewals("renewals", it, Unit.DAY)]
    ),
    Source(
        operation=WORK,
        names=("hours",),
        read=lambda it: [_renewals("hours", it, Unit.HOUR)],
        most=HOURS_OF,
    ),
    Source(operation=WORK, names=("failures",), read=lambda it: [_failures(it)]),
    Source(operation=WORK, names=("lateness",), read=lambda it: [_lateness(it)]),
    Source(operation=WORK, names=("churn", "retention"), read=_lives, by_days=False),
    Source(operation=MONEY, names=("recurring",), read=lambda it: [_recurring(it)], by_days=False),
    Source(operation=MONEY, names=("expected",), read=lambda it: [_expected(it)], by_days=False),
    Source(operation=MONEY, names=("money",), read=lambda it: [_money(it)]),
)
"""All figures of the wall, in their order."""
