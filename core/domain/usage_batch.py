"""A batch of usage: many small charges of many accounts, each with its own request id (Rule 4.2).

Worked example: a batch has 0.30000 of acme, a second row of acme with 90.00, and 0.10000 of other.
Usable of acme is 10.00. The first and the third row are charged. The second is refused by Rule
11.1, and the rows after it are not affected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.domain.commands.usage import Usage
from core.domain.faults import Fault, Faults

MOST_ROWS = 1000
"""So many rows are in one batch at most."""


class RowOutcome(StrEnum):
    """What became of a row.

    `CHARGED`: the wallet has paid it, or it waits for the consolidated invoice (Rule 11.6).
    `REPEATED`: its request id was charged before. Nothing was charged now (Rule 4.2).
    `REFUSED`: a rule refuses it. Nothing was charged.
    `UNKNOWN`: it may or may not have been charged. Repeat the batch to find out.
    """

    CHARGED = "charged"
    REPEATED = "repeated"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedRow:
    """A row of a batch and what became of it.

    `rule`: the rule that refuses it, None unless it is refused.
    `reason`: why it is refused or unknown, in words. None otherwise.
    """

    request_id: str
    account: str
    amount: Decimal
    outcome: RowOutcome
    rule: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceAfter:
    """The money of an account right after a batch (Rule 11.1)."""

    account: str
    currency: str
    balance: Decimal
    usable: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedBatch:
    """What became of a batch.

    `rows`: one for each row of the batch, in the order of the batch.
    `balances`: one for each account of the batch that exists, by id.
    """

    rows: tuple[ChargedRow, ...]
    balances: tuple[BalanceAfter, ...]

    def count(self, outcome: RowOutcome) -> int:
        """How many rows have this outcome."""
        return sum(row.outcome is outcome for row in self.rows)


def check_batch(rows: Sequence[Usage]) -> None:
    """Refuse a batch that can never be charged. Raises `Faults`.

    A batch has 1 to `MOST_ROWS` rows. Each has a request id, because a batch is repeated after a
    crash.
    """
    if not 1 <= len(rows) <= MOST_ROWS:
        raise Faults([Fault("rows", f"a batch has 1 to {MOST_ROWS} rows, not {len(rows)}")])
    faults = [
        Fault(f"row {number}", "has no request id; give each row its own")
        for number, row in enumerate(rows, start=1)
        if row.request_id is None
    ]
    if faults:
        raise Faults(faults)
