"""Reserve number: keep a free number for an account (Rule 10.3)."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar, Literal

from core.domain.calendar import day_in_words
from core.domain.commands.base import AccountCommand, Result
from core.domain.commands.fields import PhoneNumber, Text
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveNumber(AccountCommand):
    """Reserve a free number of the inventory for an account.

    It moves no money and no step of the account, so it does not go through a workflow.
    """

    do: Literal["reserve_number"] = "reserve_number"
    number: Annotated[str, PhoneNumber(help="The number, such as +6561234567.")]
    remark: Annotated[str | None, Text(help="What it is reserved for.")] = None

    rule: ClassVar[Rule] = Rule.NUMBER_RESERVATION
    in_scenario: ClassVar[bool] = False
    through_workflow: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveNumberResult(Result):
    """The number that is reserved, and the last day of the reservation."""

    do: Literal["reserve_number"] = "reserve_number"
    account: str
    number: str
    until: date

    def sentence(self) -> str:
        """``+6561234567 is reserved for acme until 31 March 2021.``"""
        until = day_in_words(self.until)
        return f"{self.number} is reserved for {self.account} until {until}."
