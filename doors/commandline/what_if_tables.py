"""Tables that show a forecast with assumptions beside the one without them."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from core.domain.counted import counted
from core.domain.events import Event
from core.domain.forecast import Entry
from core.domain.forecast_difference import Pair
from core.domain.money import plain
from doors.application.dates_and_money import cycle, day, moment, money, signed
from doors.application.what_if import WhatIf
from doors.commandline.tables import Printed, add_row, table
from doors.queries.sentences import event

COLUMNS = (
    *("date", "subscription", "without", "without_amount", "assumed", "assumed_amount", "same"),
)
"""The columns of the CSV of the events."""


def rows(found: WhatIf, *, everything: bool) -> Iterator[Pair]:
    """The events that differ. `everything`: those that are the same on both sides, too."""
    return (pair for pair in found.pairs if everything or not pair.same)


def cells(pair: Pair, currency: str) -> dict[str, str | bool | None]:
    """A row of the CSV."""
    found: dict[str, str | bool | None] = {
        "date": pair.date.isoformat(),
        "subscription": pair.subscription,
        "same": pair.same,
    }
    for name, entry in (("without", pair.without), ("assumed", pair.assumed)):
        amount = None if entry is None else entry.amount
        found |= {
            name: None if entry is None else entry.event.value,
            f"{name}_amount": None if amount is None else plain(amount, currency),
        }
    return found


def events(found: WhatIf, pairs: Sequence[Pair], months: int) -> Table:
    """Return events with and without the assumptions, side by side."""
    title = f"What if, for {found.account}: the next {cycle(months)}"
    made = table(title, "Date", "Subscription", "Without", "With the assumptions")
    for pair in pairs:
        add_row(
            made,
            day(pair.date),
            pair.subscription or "(account)",
            _told(pair.without, found.currency),
            "the same" if pair.same else _told(pair.assumed, found.currency),
            style="dim" if pair.same else None,
        )
    return made


def ends(found: WhatIf, *, everything: bool) -> list[Printed]:
    """Return what stays the same, how the account ends with and without, and the refusals."""
    parts: list[Printed] = [] if everything else _the_same(found)
    parts.append(_ends(found))
    if found.refused:
        parts.append(_refused(found))
    parts.append("Nothing of this has happened. It was played on a copy, which is gone.")
    return parts


def _told(entry: Entry | None, currency: str) -> str:
    if entry is None:
        return "–"
    amount = f" {signed(entry.amount, currency)}" if entry.amount else ""
    return f"{event(entry)}{amount}"


def _the_same(found: WhatIf) -> list[Printed]:
    same = sum(pair.same for pair in found.pairs)
    told: list[Printed] = []
    if len(found.pairs) == same:
        told.append("The assumptions change nothing.")
    if same:
        are = counted(same, "event is", "events are")
        told.append(f"{are} the same with and without. Use --all to see them.")
    return told


def _ends(found: WhatIf) -> Table:
    until = moment(found.until, found.timezone)
    made = table(
        f"How it ends, on {until}",
        *("What", "Without", "With", "Difference"),
        right=("Without", "With", "Difference"),
    )
    balances = found.without.balance, found.assumed.balance
    currency = found.currency
    add_row(
        made,
        f"balance (now {money(found.balance, currency)})",
        *(money(balance, currency) for balance in balances),
        signed(balances[1] - balances[0] or None, currency) or "0",
    )
    for name in Event:
        counts = found.without.events.get(name, 0), found.assumed.events.get(name, 0)
        if any(counts):
            difference = counts[1] - counts[0]
            add_row(
                made,
                name.words,
                *(f"{count:,}" for count in counts),
                f"{difference:+,}" if difference else "0",
                style=None if difference else "dim",
            )
    return made


def _refused(found: WhatIf) -> Table:
    made = table("Assumptions that would be refused", "Step", "When", "What", "Why")
    for it in found.refused:
        when = moment(it.at, found.timezone)
        add_row(made, str(it.number), when, it.do, str(it.refusal))
    return made
