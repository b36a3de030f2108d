"""The receipt of a campaign as rows of CSV (docs/campaigns.md)."""

from decimal import Decimal

from core.domain.money import plain
from doors.queries.campaigns import ReceiptRow

COLUMNS = (
    *("line", "subscription", "outcome", "amount", "currency", "rule", "sentence", "at"),
    "request_id",
)
"""The columns of a receipt. `line` is that of the file, or the number of the row."""


def cells(row: ReceiptRow) -> list[object]:
    """Return the cells of a row, in the order of `COLUMNS`. None is an empty cell."""
    return [
        row.line,
        row.subscription,
        row.outcome,
        _amount(row.amount, row.currency),
        row.currency,
        row.rule,
        row.sentence,
        None if row.at is None else row.at.isoformat(),
        row.request_id,
    ]


def _amount(amount: Decimal | None, currency: str | None) -> str | None:
    if amount is None:
        return None
    return plain(amount, currency) if currency else format(amount, "f")
