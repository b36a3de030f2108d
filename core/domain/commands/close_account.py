"""Close an account (Rule 11.8)."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

from core.domain.calendar import day_in_words
from core.domain.commands.base import AccountCommand, Result
from core.domain.refusal import Refusal
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAccount(AccountCommand):
    """Close an account. Nothing may be ACTIVE, and the balance must be zero."""

    do: Literal["close_account"] = "close_account"

    rule: ClassVar[Rule] = Rule.SUSPEND_AND_CLOSE
    in_scenario: ClassVar[bool] = False

    @classmethod
    def changes_nothing(cls, account: str, *, suspended: bool, closed: bool) -> Refusal | None:
        """The refusal of an account that is closed already."""
        if not closed:
            return None
        return Refusal(Rule.SUSPEND_AND_CLOSE, f"account {account} is closed already")


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAccountResult(Result):
    """The account that is closed, and the last day on which it can be opened again."""

    do: Literal["close_account"] = "close_account"
    account: str
    until: date

    def sentence(self) -> str:
        """``Account acme is closed. It can be opened again until 31 March 2021.``"""
        until = day_in_words(self.until)
        return f"Account {self.account} is closed. It can be opened again until {until}."
