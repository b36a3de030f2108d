"""Change owner: give a subscription to another account (Rule 9)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from core.domain.commands.base import ALLOWED, Result, States, SubscriptionCommand
from core.domain.commands.fields import AccountId
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOwner(SubscriptionCommand):
    """Give a subscription to another account of the same currency. It pays from then on."""

    do: Literal["change_owner"] = "change_owner"
    account: Annotated[str, AccountId(help="The id of the new account.")]

    rule: ClassVar[Rule] = Rule.CHANGES
    states: ClassVar[States] = States(
        active=ALLOWED,
        failed=ALLOWED,
        trial=Rule.TRIAL,
        expired=ALLOWED,
        trial_expired=Rule.TRIAL,
    )

    def other_accounts(self) -> tuple[str, ...]:
        """The new account."""
        return (self.account,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOwnerResult(Result):
    """The subscription, its new account and the one that it had before."""

    do: Literal["change_owner"] = "change_owner"
    subscription: str
    account: str
    before: str

    def sentence(self) -> str:
        """``s1 belongs to berlin, which pays from now on; it belonged to acme.``"""
        return (
            f"{self.subscription} belongs to {self.account}, which pays from now on; "
            f"it belonged to {self.before}."
        )
