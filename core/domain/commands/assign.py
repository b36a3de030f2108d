"""Assign: name the person who uses a subscription (Rule 9)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from core.domain.commands.base import ALLOWED, Result, States, SubscriptionCommand
from core.domain.commands.fields import Email
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign(SubscriptionCommand):
    """Assign a subscription to a person, or back to the account's owner."""

    do: Literal["assign"] = "assign"
    assignee: Annotated[
        str | None, Email(help="The e-mail address of the assignee. None: the account's owner.")
    ]

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
class AssignResult(Result):
    """The subscription and its assignee. None is the account's owner."""

    do: Literal["assign"] = "assign"
    subscription: str
    assignee: str | None = None

    def sentence(self) -> str:
        """``s1 is assigned to ann@example.com.``"""
        return f"{self.subscription} is assigned to {self.assignee or 'the owner of its account'}."
