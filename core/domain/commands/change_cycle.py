"""Change the length of the cycle, from the next paid one on (Rule 9)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from core.domain.commands.base import Result, States, SubscriptionCommand
from core.domain.commands.changes import CHANGES
from core.domain.commands.fields import Whole
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCycle(SubscriptionCommand):
    """Change the cycle to so many base cycles of the plan, or so many months.

    Exactly one of the two is given. The plan is the one that the next paid cycle has.
    """

    do: Literal["change_cycle"] = "change_cycle"
    multiplier: Annotated[
        int | None, Whole(help="Base cycles of the plan in one cycle (rule 3.1).", least=1)
    ] = None
    months: Annotated[int | None, Whole(help="The months of a cycle.", least=1)] = None

    rule: ClassVar[Rule] = Rule.CHANGES
    exactly_one: ClassVar[tuple[str, ...]] = ("multiplier", "months")
    states: ClassVar[States] = CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCycleResult(Result):
    """The months of the next paid cycle."""

    do: Literal["change_cycle"] = "change_cycle"
    subscription: str
    months: int

    def sentence(self) -> str:
        """``s1 has cycles of 24 months from the next paid cycle on.``"""
        unit = "month" if self.months == 1 else "months"
        return (
            f"{self.subscription} has cycles of {self.months} {unit} from the next paid cycle on."
        )
