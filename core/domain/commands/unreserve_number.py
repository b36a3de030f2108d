"""Unreserve number: end the reservation of a number (Rule 10.3)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from core.domain.commands.base import AccountCommand, Result
from core.domain.commands.fields import PhoneNumber
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreserveNumber(AccountCommand):
    """End the reservation of a number before its last day. It is free then."""

    do: Literal["unreserve_number"] = "unreserve_number"
    number: Annotated[str, PhoneNumber(help="The number, such as +6561234567.")]

    rule: ClassVar[Rule] = Rule.NUMBER_RESERVATION
    in_scenario: ClassVar[bool] = False
    through_workflow: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreserveNumberResult(Result):
    """The number that is free again."""

    do: Literal["unreserve_number"] = "unreserve_number"
    account: str
    number: str

    def sentence(self) -> str:
        """``+6561234567 is no longer reserved for acme.``"""
        return f"{self.number} is no longer reserved for {self.account}."
