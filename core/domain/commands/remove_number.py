"""Remove a number, now or with the next paid cycle (Rules 9, 10.1, 10.2)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from core.domain.commands.base import States, SubscriptionCommand
from core.domain.commands.changes import CHANGES, ChangeResult, When
from core.domain.commands.fields import Choice, PhoneNumber
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveNumber(SubscriptionCommand):
    """Remove a number. Nothing is refunded, and the number is held (Rule 10.2)."""

    do: Literal["remove_number"] = "remove_number"
    number: Annotated[str, PhoneNumber(help="The number that is removed.")]
    when: Annotated[When, Choice(help="When it leaves.", choices=When)] = When.NOW

    rule: ClassVar[Rule] = Rule.CHANGES
    states: ClassVar[States] = CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveNumberResult(ChangeResult):
    """The number."""

    do: Literal["remove_number"] = "remove_number"
    number: str

    what: ClassVar[str] = "no longer has the number {number}"
