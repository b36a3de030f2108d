"""How the effect of new terms is told: how its sample was drawn, its moments, and its CSV."""

from collections.abc import Iterator
from itertools import zip_longest

from core.domain.counted import counted
from core.domain.money import plain
from core.domain.subscription import Failure
from doors.application.dates_and_money import cycle, day, signed
from doors.application.terms_effect import LARGEST_ACCOUNT, Effect, EffectRow, Moment

COLUMNS = (
    *("account", "subscription", "currency", "differs", "number"),
    *("today_date", "today_event", "today_reason", "today_amount"),
    *("new_date", "new_event", "new_reason", "new_amount"),
)
"""The columns of the CSV: a line for each event of a subscription, the two futures side by side."""


def sample_words(found: Effect) -> str:
    """How the sample was drawn, and how much of it was played."""
    sampling, sample = found.sampling, found.sample
    whose = "without a test clock" if sampling.clock is None else f"on {sampling.clock}"
    played = counted(found.played, "account was", "accounts were")
    told = (
        f"{played} played. {counted(len(sample.accounts), 'account was', 'accounts were')} drawn "
        f"by chance (draw {sampling.draw}) from the {sample.of:,} {whose}, of those that renew "
        f"within {cycle(sampling.months)}."
    )
    if sample.large:
        left = counted(sample.large, "account was", "accounts were")
        told += f" {left} left out with more than {LARGEST_ACCOUNT} subscriptions."
    if found.ended:
        told += f" No more were played, because {found.ended}."
    return told


def moment_words(moment: Moment, currency: str) -> str:
    """A moment in words, such as ``7 February 2021 renewed -$50.00``."""
    event = moment.event.words
    why = "" if moment.reason is None else f": {Failure(moment.reason).words}"
    amount = f" {signed(moment.amount, currency)}" if moment.amount else ""
    return f"{day(moment.date)} {event}{why}{amount}"


def lines(found: Effect) -> Iterator[dict[str, str]]:
    """The lines of the CSV."""
    for row in found.rows:
        for number, (without, under) in enumerate(zip_longest(row.without, row.under), start=1):
            yield {
                "account": row.account,
                "subscription": row.subscription,
                "currency": row.currency,
                "differs": "yes" if row.differs else "no",
                "number": str(number),
                **_cells("today", without, row),
                **_cells("new", under, row),
            }


def _cells(side: str, moment: Moment | None, row: EffectRow) -> dict[str, str]:
    if moment is None:
        return dict.fromkeys((f"{side}_{it}" for it in ("date", "event", "reason", "amount")), "")
    return {
        f"{side}_date": moment.date.isoformat(),
        f"{side}_event": moment.event.value,
        f"{side}_reason": moment.reason or "",
        f"{side}_amount": "" if moment.amount is None else plain(moment.amount, row.currency),
    }
