"""Tables of reasons: what happened and why, by which rule, and which rows say so."""

from collections.abc import Sequence

from core.domain.reasons import Reason
from doors.application.dates_and_money import days_in_words, moment
from doors.commandline.tables import Printed, add_row, pairs, table
from doors.queries.reasons import Reasons


def reasons(found: Reasons) -> list[Printed]:
    """Return an explanation with its reasons, and how many are left out."""
    return [
        pairs(f"Why: {found.about}", [("Answer", days_in_words(found.answer))]),
        *_listed("Reasons", found.reasons, found.timezone, found.left_out),
        *refused(found.refused, found.timezone, found.refused_left_out),
    ]


def refused(found: Sequence[Reason], zone: str, left_out: int) -> list[Printed]:
    """Return the newest commands that a rule has refused."""
    parts = _listed("Refused commands", found, zone, left_out)
    return [*parts, "The option --refusals shows them all."] if left_out else parts


def _listed(title: str, found: Sequence[Reason], zone: str, left_out: int) -> list[Printed]:
    if not found:
        return []
    made = table(title, "When", "What and why", "Rule", "Rows")
    for reason in found:
        when = "" if reason.at is None else moment(reason.at, zone)
        add_row(made, when, days_in_words(reason.text), reason.rule, _rows(reason))
    return [made, f"… and {left_out:,} more."] if left_out else [made]


def _rows(reason: Reason) -> str:
    return ", ".join(reason.rows)
