"""Suspend: stop the service and the renewals of an account (Rule 11.8)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from core.domain.commands.base import AccountCommand, Result
from core.domain.refusal import Refusal
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspend(AccountCommand):
    """Suspend an account. Its service, its renewals and most commands stop."""

    do: Literal["suspend"] = "suspend"

    rule: ClassVar[Rule] = Rule.SUSPEND_AND_CLOSE

    @classmethod
    def changes_nothing(cls, account: str, *, suspended: bool, closed: bool) -> Refusal | None:
        """The refusal of an account that is suspended already."""
        if not suspended:
            return None
        return Refusal(Rule.SUSPEND_AND_CLOSE, f"account {account} is suspended already")


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendResult(Result):
    """The account that is suspended."""

    do: Literal["suspend"] = "suspend"
    account: str

    def sentence(self) -> str:
        """``Account acme is suspended.``"""
        return f"Account {self.account} is suspended."
