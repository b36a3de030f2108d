"""Tables of reasons: what happened and why, by which rule, and which rows say so."""

from core.domain.reasons import Reason
from doors.commandline.dates_and_money import moment
from doors.commandline.tables import Printed, add_row, pairs, table
from doors.queries.reasons import Reasons


def reasons(found: Reasons) -> list[Printed]:
    """Return an explanation with its reasons, and how many are left out."""
    parts: list[Printed] = [pairs(f"Why: {found.about}", [("Answer", found.answer)])]
    if not found.reasons:
        return parts
    made = table("Reasons", "When", "What and why", "Rule", "Rows")
    for reason in found.reasons:
        when = "" if reason.at is None else moment(reason.at, found.timezone)
        add_row(made, when, reason.text, reason.rule, _rows(reason))
    parts.append(made)
    if found.left_out:
        parts.append(f"… and {found.left_out:,} more.")
    return parts


def _rows(reason: Reason) -> str:
    return ", ".join(reason.rows)
