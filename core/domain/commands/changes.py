"""What the commands that change the contents of a subscription share (Rule 9)."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from core.domain import money
from core.domain.commands.base import ALLOWED, Result, States
from core.domain.rules import Rule


class When(StrEnum):
    """From when a change holds: from today on, or with the next paid cycle."""

    NOW = "now"
    RENEWAL = "renewal"


CHANGES = States(
    active=ALLOWED,
    failed=ALLOWED,
    trial=Rule.TRIAL,
    expired=Rule.CHANGES,
    trial_expired=Rule.TRIAL,
)
"""The row "change plan, add-ons, numbers, cycle" of the table of states (Rule 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeResult(Result):
    """A change of what a subscription holds.

    `amount`: the prorated fee (Rule 3.4).
    `at_renewal`: it holds with the next paid cycle. Else it holds from today on.
    `external_invoice`: the number of the external invoice that pays the fee (Rule 11.4).
    """

    subscription: str
    amount: Decimal
    currency: str
    at_renewal: bool
    external_invoice: str | None = None

    what: ClassVar[str]
    """What the command does, with the names of its fields in braces."""

    def paid(self) -> Decimal | None:
        """The prorated fee."""
        return self.amount

    def sentence(self) -> str:
        """``s1 changes to BIZ-M from today on: $28.00 paid.``"""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        done = f"{self.subscription} {self.what.format(**values)}"
        if self.at_renewal:
            return f"{done} with the next paid cycle."
        if not self.amount:
            return f"{done} from today on."
        amount = money.in_words(self.amount, self.currency)
        payer = f"on external invoice {self.external_invoice}" if self.external_invoice else "paid"
        return f"{done} from today on: {amount} {payer}."
