"""Tables that show a forecast with assumptions beside the one without them."""

from collections.abc import Sequence

from rich.table import Table

from core.domain.events import Event
from core.domain.forecast import Entry
from core.domain.forecast_difference import Pair
from doors.application.what_if import WhatIf
from doors.commandline.dates_and_money import cycle, day, moment, money, signed
from doors.commandline.sentences import event
from doors.commandline.tables import Printed, add_row, table

MOST_SHOWN = 200
"""So many rows are shown, unless all are asked for."""


def what_if(found: WhatIf, months: int, *, all_rows: bool) -> list[Printed]:
    """Return what assumptions change, how the account ends with and without them, and refusals.

    `all_rows`: rows that are the same on both sides are shown, too, and no row is left out.
    """
    parts: list[Printed] = [_events(found, months, all_rows), *_left_out(found, all_rows)]
    parts.append(_ends(found))
    if found.refused:
        parts.append(_refused(found))
    parts.append("Nothing of this has happened. It was played on a copy, which is gone.")
    return parts


def _shown(found: WhatIf, all_rows: bool) -> Sequence[Pair]:
    if all_rows:
        return found.pairs
    return [pair for pair in found.pairs if not pair.same][:MOST_SHOWN]


def _events(found: WhatIf, months: int, all_rows: bool) -> Table:
    title = f"What if, for {found.account}: the next {cycle(months)}"
    made = table(title, "Date", "Subscription", "Without", "With the assumptions")
    for pair in _shown(found, all_rows):
        add_row(
            made,
            day(pair.date),
            pair.subscription or "(account)",
            _told(pair.without, found.currency),
            "the same" if pair.same else _told(pair.assumed, found.currency),
            style="dim" if pair.same else None,
        )
    return made


def _told(entry: Entry | None, currency: str) -> str:
    if entry is None:
        return "–"
    amount = f" {signed(entry.amount, currency)}" if entry.amount else ""
    return f"{event(entry)}{amount}"


def _left_out(found: WhatIf, all_rows: bool) -> list[Printed]:
    if all_rows:
        return []
    same = sum(pair.same for pair in found.pairs)
    more = len(found.pairs) - same - MOST_SHOWN
    told = []
    if more > 0:
        told.append(f"… and {more:,} more that differ. Use --all to see them.")
    if len(found.pairs) == same:
        told.append("The assumptions change nothing.")
    if same:
        events = "1 event is" if same == 1 else f"{same:,} events are"
        told.append(f"{events} the same with and without. Use --all to see them.")
    return [*told]


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
