"""Unshare: a member no longer uses a subscription (Rule 9)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from core.domain.commands.base import ALLOWED, Result, States, SubscriptionCommand
from core.domain.commands.fields import Email
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Unshare(SubscriptionCommand):
    """Share a subscription with a member no longer."""

    do: Literal["unshare"] = "unshare"
    member: Annotated[str, Email(help="The e-mail address of the member.")]

    rule: ClassVar[Rule] = Rule.CHANGES
    in_scenario: ClassVar[bool] = False
    states: ClassVar[States] = States(
        active=ALLOWED,
        failed=ALLOWED,
        trial=ALLOWED,
        expired=ALLOWED,
        trial_expired=ALLOWED,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnshareResult(Result):
    """The subscription and who was its member."""

    do: Literal["unshare"] = "unshare"
    subscription: str
    member: str

    def sentence(self) -> str:
        """``s1 is no longer shared with ann@example.com.``"""
        return f"{self.subscription} is no longer shared with {self.member}."
