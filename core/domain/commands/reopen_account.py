"""Open a closed account again (Rule 11.8)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from core.domain.commands.base import AccountCommand, Result
from core.domain.refusal import Refusal
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenAccount(AccountCommand):
    """Open a closed account again, as long as it is not closed for good."""

    do: Literal["reopen_account"] = "reopen_account"

    rule: ClassVar[Rule] = Rule.SUSPEND_AND_CLOSE
    while_closed: ClassVar[bool] = True
    in_scenario: ClassVar[bool] = False

    @classmethod
    def changes_nothing(cls, account: str, *, suspended: bool, closed: bool) -> Refusal | None:
        """The refusal of an account that is open."""
        if closed:
            return None
        return Refusal(Rule.SUSPEND_AND_CLOSE, f"account {account} is not closed")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenAccountResult(Result):
    """The account that is open again."""

    do: Literal["reopen_account"] = "reopen_account"
    account: str

    def sentence(self) -> str:
        """``Account acme is open again.``"""
        return f"Account {self.account} is open again."
