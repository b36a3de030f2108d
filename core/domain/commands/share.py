"""Share: let a member use a subscription, too (Rule 9)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from core.domain.commands.base import ALLOWED, Result, States, SubscriptionCommand
from core.domain.commands.fields import Email
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Share(SubscriptionCommand):
    """Share a subscription with a member."""

    do: Literal["share"] = "share"
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
class ShareResult(Result):
    """The subscription and its new member."""

    do: Literal["share"] = "share"
    subscription: str
    member: str

    def sentence(self) -> str:
        """``s1 is shared with ann@example.com.``"""
        return f"{self.subscription} is shared with {self.member}."
