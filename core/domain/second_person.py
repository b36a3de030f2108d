"""A second person: which acts of money need one, and what becomes of what was asked for.

A seller limits what a program or a person of a role moves by itself: by each command, and in a day
(UTC). Money that moves is a refund, credits that are given or taken by hand, a payment, and credits
that go to another account. What is above a limit is asked for, and a second one approves it.

A role with a limit in one currency has a limit of zero in the others.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from core.domain import money

LASTS = timedelta(days=3)
"""So long an approval can be given."""
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyLimit:
    """What each program or person of a role moves by itself, in one currency."""

    currency: str
    per_command: Decimal
    per_day: Decimal


class ApprovalState(StrEnum):
    """What became of what was asked for. OPEN: it waits. DONE: it was approved and carried out.

    APPROVED: it was approved, and has no outcome yet. REFUSED: by a second one, or withdrawn.
    FAILED: it was approved, and a rule refused it. EXPIRED: it has waited too long.
    """

    OPEN = "open"
    APPROVED = "approved"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"

    @property
    def may_run(self) -> bool:
        """Whether the command may still be carried out: it has no outcome yet."""
        return self in (ApprovalState.OPEN, ApprovalState.APPROVED)


def limit_in(currency: str, limits: tuple[MoneyLimit, ...]) -> MoneyLimit | None:
    """The limit of a currency. None: the role has no limit at all."""
    if not limits:
        return None
    none = MoneyLimit(currency=currency, per_command=ZERO, per_day=ZERO)
    return next((limit for limit in limits if limit.currency == currency), none)


def above(limit: MoneyLimit, moved: Decimal, before: Decimal) -> str | None:
    """Why a second person is needed, in words. None: it is within the limit.

    `moved`: by this command. `before`: by the same program or person on this day already.
    """

    def words(amount: Decimal) -> str:
        return money.in_words(amount, limit.currency)

    if moved > limit.per_command:
        return f"it moves {words(moved)}, and the limit of a command is {words(limit.per_command)}"
    if moved > ZERO and before + moved > limit.per_day:
        return (
            f"it moves {words(moved)} after {words(before)} of today, "
            f"and the limit of a day is {words(limit.per_day)}"
        )
    return None


def expires(asked_at: datetime) -> datetime:
    """The first instant at which an approval can no longer be given."""
    return asked_at + LASTS


def state_at(state: ApprovalState, asked_at: datetime, now: datetime) -> ApprovalState:
    """The state at an instant. What waits for too long has expired."""
    late = state is ApprovalState.OPEN and now >= expires(asked_at)
    return ApprovalState.EXPIRED if late else state
