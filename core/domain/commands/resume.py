"""Resume: end the suspension of an account (Rule 11.8)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from core.domain.commands.base import AccountCommand, Result
from core.domain.refusal import Refusal
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(AccountCommand):
    """Resume a suspended account. This does not retry failed renewals (Rule 5.6)."""

    do: Literal["resume"] = "resume"

    rule: ClassVar[Rule] = Rule.SUSPEND_AND_CLOSE
    while_suspended: ClassVar[bool] = True

    @classmethod
    def changes_nothing(cls, account: str, *, suspended: bool, closed: bool) -> Refusal | None:
        """The refusal of an account that is not suspended."""
        if suspended:
            return None
        return Refusal(Rule.SUSPEND_AND_CLOSE, f"account {account} is not suspended")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeResult(Result):
    """The account that is no longer suspended."""

    do: Literal["resume"] = "resume"
    account: str

    def sentence(self) -> str:
        """``Account acme is no longer suspended.``"""
        return f"Account {self.account} is no longer suspended."
