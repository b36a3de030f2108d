"""One reason of an explanation: what happened, by which rule, and which rows say so."""

from dataclasses import dataclass
from datetime import datetime

from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A sentence with its rule and its rows.

    `at`: when it happened (UTC), None for what holds now.
    `text`: the sentence, without the rule.
    `rows`: the rows of the database behind it, such as ``operation 1204`` or ``history 77``.
    """

    at: datetime | None
    text: str
    rule: Rule
    rows: tuple[str, ...] = ()
