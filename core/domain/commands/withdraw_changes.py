"""Withdraw the changes that are pending (Rule 9)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from core.domain.commands.base import Result, States, SubscriptionCommand
from core.domain.commands.changes import CHANGES
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawChanges(SubscriptionCommand):
    """Withdraw every change that is pending. One whose cycle is paid already stays."""

    do: Literal["withdraw_changes"] = "withdraw_changes"

    rule: ClassVar[Rule] = Rule.CHANGES
    in_scenario: ClassVar[bool] = False
    states: ClassVar[States] = CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawChangesResult(Result):
    """How many changes were withdrawn."""

    do: Literal["withdraw_changes"] = "withdraw_changes"
    subscription: str
    withdrawn: int

    def sentence(self) -> str:
        """``2 pending changes of s1 are withdrawn.``"""
        if self.withdrawn == 1:
            return f"1 pending change of {self.subscription} is withdrawn."
        return f"{self.withdrawn} pending changes of {self.subscription} are withdrawn."
