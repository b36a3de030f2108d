"""Set card: store a card of an account, or remove it (Rule 5.3)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from core.domain.commands.base import AccountCommand, Result
from core.domain.commands.fields import CardToken
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCard(AccountCommand):
    """Store a `card`, or remove the one that is stored. This does not retry renewals (Rule 5.4).

    It does not go through a workflow, so that no card token is in a history.
    """

    do: Literal["set_card"] = "set_card"
    card: Annotated[str | None, CardToken()]

    rule: ClassVar[Rule] = Rule.FUNDING
    through_workflow: ClassVar[bool] = False
    while_suspended: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCardResult(Result):
    """The account whose card was changed."""

    do: Literal["set_card"] = "set_card"
    account: str

    def sentence(self) -> str:
        """``The card of acme is changed.``"""
        return f"The card of {self.account} is changed."
