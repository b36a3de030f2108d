"""Tables of what waits for a second person, and of limits of money."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.domain.money import in_words
from core.domain.second_person import ApprovalState, MoneyLimit
from core.ledger.approvals import ApprovalLine
from doors.commandline import tables
from doors.commandline.tables import Printed


def approvals(found: Sequence[ApprovalLine]) -> list[Printed]:
    """What was asked for, the newest first. Instants are in UTC."""
    if not found:
        return ["There is none."]
    made = tables.table("Approvals (UTC)", "ID", "Command", "Moves", "Asked by", "Asked", "State")
    for line in found:
        amount = in_words(line.amount, line.currency)
        cells = (line.id, line.do, amount, line.asked_by, f"{line.asked_at:%Y-%m-%d %H:%M}")
        tables.add_row(made, *cells, line.state)
    return [made]


def approval(line: ApprovalLine) -> list[Printed]:
    """One that was asked for, with all its fields."""
    made = tables.table(f"Approval {line.id}", "What", "Value")
    for name, value in line.values.items():
        if value is not None:
            tables.add_row(made, name, str(value))
    told = [f"{line.do} was asked for by {line.asked_by}: {line.why}."]
    until = ""
    if line.state is ApprovalState.OPEN:
        until = f"; it can be approved until {line.expires_at:%Y-%m-%d %H:%M} UTC"
    told.append(f"It is {line.state}{until}.")
    if line.decided_by is not None:
        told.append(f"Decided by {line.decided_by}. {line.outcome or ''}".rstrip())
    return [*told, made]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleLimit:
    """The limit of a role in one currency."""

    role: str
    currency: str
    per_command: Decimal
    per_day: Decimal

    @classmethod
    def of(cls, role: str, limit: MoneyLimit) -> "RoleLimit":
        """A limit of a role."""
        return cls(
            role=str(role),
            currency=limit.currency,
            per_command=limit.per_command,
            per_day=limit.per_day,
        )


def limits(found: Sequence[RoleLimit]) -> list[Printed]:
    """The limits of roles."""
    if not found:
        return ["There is no limit. `starter.py limit set ROLE CURRENCY` sets one."]
    made = tables.table("Without a second person", "Role", "Currency", "A command", "A day")
    for limit in found:
        amounts = (in_words(one, limit.currency) for one in (limit.per_command, limit.per_day))
        tables.add_row(made, limit.role, limit.currency, *amounts)
    return [made]
