"""An explanation as a list of reasons, each with its rule and rows."""

from dataclasses import dataclass, field

from core.domain.reasons import Reason

MOST_REASONS = 100
"""So many reasons are given. The others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """Why something is as it is.

    `about`: what is explained. `answer`: the explanation in a sentence.
    `timezone`: the zone in which the reasons are dated.
    `reasons`: at most `MOST_REASONS`. `left_out` counts the others.
    `refused`: the newest commands that a rule has refused. `refused_left_out` counts the others.
    """

    about: str
    answer: str
    timezone: str
    reasons: list[Reason]
    left_out: int = 0
    refused: list[Reason] = field(default_factory=list)
    refused_left_out: int = 0


def at_most(
    about: str, answer: str, timezone: str, reasons: list[Reason], left_out: int = 0
) -> Reasons:
    """The reasons, and how many are left out, beside those that were not read."""
    return Reasons(
        about=about,
        answer=answer,
        timezone=timezone,
        reasons=reasons[:MOST_REASONS],
        left_out=left_out + max(0, len(reasons) - MOST_REASONS),
    )
