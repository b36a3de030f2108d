"""What reconciliation looks at and what it finds, as plain data."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Part(StrEnum):
    """The parts of a reconciliation, in their order."""

    BOOKS = "books"
    INVOICES = "invoices"
    CHARGES = "charges"
    SUBSCRIPTIONS = "subscriptions"
    ACCOUNTS = "accounts"
    NUMBERS = "numbers"
    SELLER_WALLETS = "seller wallets"
    CAMPAIGNS = "campaigns"


class FindingKind(StrEnum):
    """What can be found."""

    UNBALANCED = "unbalanced operation"
    BALANCE = "balance"
    NO_NEXT_STEP = "no next step"
    NUMBERS = "invoice numbers"
    UNNUMBERED = "unnumbered invoices"
    CHARGE_UNKNOWN = "charge unknown"
    CHARGE_NOT_BOOKED = "charge not booked"
    NOT_STARTED = "workflow not started"
    WORKFLOW_MISSING = "workflow missing"
    WORKFLOW_BEHIND = "workflow behind"
    OVERDUE = "overdue"
    STUCK = "stuck"
    INVENTORY = "inventory"
    NO_ANSWER = "no answer"
    NOT_LOOKED_AT = "not looked at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong: its subject, what is wrong in words, and whether it was repaired."""

    kind: FindingKind
    subject: str
    what: str
    repaired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationReport:
    """What a reconciliation has found.

    `checked` counts what was looked at by part. `left_out` counts findings beyond the first 500.
    """

    findings: tuple[Finding, ...] = ()
    checked: dict[str, int] = field(default_factory=dict)
    left_out: int = 0

    def plus(
        self, part: Part, findings: tuple[Finding, ...], checked: int, left_out: int = 0
    ) -> "ReconciliationReport":
        """Return the report with a batch of a part added.

        `findings`, `checked`, `left_out`: as in the result of the batch.
        """
        room = max(0, 500 - len(self.findings))
        return ReconciliationReport(
            findings=self.findings + findings[:room],
            checked=self.checked | {part.value: self.checked.get(part.value, 0) + checked},
            left_out=self.left_out + left_out + len(findings[room:]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRequest:
    """Look at a batch of a part.

    `part`, `now`: which part, at which instant (UTC).
    `after`: where the batch begins, as the last result says. Default: at the beginning.
    `full`: look at everything. Default: at what is new and late, and at a slice of the rest.
    """

    part: Part
    now: datetime
    after: str = ""
    full: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileResult:
    """What a batch has found.

    `findings`: at most 100.
    `left_out`: how many more were found.
    `checked`: how many things were looked at.
    `after`: where the next batch begins, None at the end.
    """

    findings: tuple[Finding, ...] = ()
    left_out: int = 0
    checked: int = 0
    after: str | None = None
