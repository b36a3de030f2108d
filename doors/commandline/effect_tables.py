"""Tables that show who would renew differently under new terms."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table

from core.domain.counted import counted
from doors.application.dates_and_money import cycle, money, signed
from doors.application.effect_words import moment_words, sample_words
from doors.application.plain_data import data
from doors.application.terms_effect import Effect, EffectRow, Moment
from doors.commandline.tables import Printed, add_row, table

_FAILING = 10


def rows(found: Effect, *, everything: bool) -> Iterator[EffectRow]:
    """The subscriptions that renew differently. `everything`: the others as well."""
    return (row for row in found.rows if everything or row.differs)


def as_data(found: Effect, *, everything: bool) -> Any:
    """The effect as data."""
    told = data(found)
    told["rows"] = [
        {**data(row), "differs": row.differs} for row in rows(found, everything=everything)
    ]
    return told | {"sample_in_words": sample_words(found), "differing": found.differing}


def subscriptions(found: Effect, shown: Sequence[EffectRow]) -> Table:
    """Return subscriptions with their next renewals today and under the new terms."""
    title = f"Who would renew differently in the next {cycle(found.sampling.months)}"
    made = table(title, "Account", "Subscription", "As it is", "With the new terms")
    for row in shown:
        add_row(
            made,
            row.account,
            row.subscription,
            _told(row.without, row.currency),
            _told(row.under, row.currency) if row.differs else "the same",
            style=None if row.differs else "dim",
        )
    return made


def ends(found: Effect) -> list[Printed]:
    """Return the totals, and how the sample was drawn."""
    made = table(
        "In total", "What", "As it is", "New", "Difference", right=("As it is", "New", "Difference")
    )
    for sums in found.sums:
        of = sums.currency
        add_row(
            made,
            f"paid for cycles in {of}",
            money(sums.without, of),
            money(sums.under, of),
            signed(sums.under - sums.without or None, of) or "0",
        )
    before, then = found.failed_without, found.failed_under
    difference = f"{then - before:+,}" if then != before else "0"
    add_row(made, "attempts that fail", f"{before:,}", f"{then:,}", difference)
    parts: list[Printed] = [made]
    renew = "renews" if found.differing == 1 else "renew"
    differing = counted(found.differing, "subscription")
    parts.append(f"{differing} of {len(found.rows):,} {renew} differently.")
    parts.append(sample_words(found))
    parts += [f"{account} cannot be played: {why}" for account, why in found.failing[:_FAILING]]
    if len(found.failing) > _FAILING:
        parts.append(f"… and {len(found.failing) - _FAILING} more cannot be played.")
    parts.append("Nothing of this has happened. It was played on copies, which are gone.")
    return parts


def _told(moments: Sequence[Moment], currency: str) -> str:
    return "\n".join(moment_words(it, currency) for it in moments) or "–"
