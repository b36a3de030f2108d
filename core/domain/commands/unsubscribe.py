"""Unsubscribe: switch auto-renewal off (Rule 8.1)."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

from core.domain.calendar import day_in_words
from core.domain.commands.base import (
    ALLOWED,
    Result,
    States,
    SubscriptionCommand,
)
from core.domain.refusal import Refusal
from core.domain.rules import Rule
from core.domain.subscription import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe(SubscriptionCommand):
    """Switch auto-renewal off."""

    do: Literal["unsubscribe"] = "unsubscribe"

    rule: ClassVar[Rule] = Rule.AUTO_RENEWAL
    in_campaign: ClassVar[bool] = True
    states: ClassVar[States] = States(
        active=ALLOWED,
        failed=ALLOWED,
        trial=ALLOWED,
        expired=Rule.AUTO_RENEWAL,
        trial_expired=Rule.AUTO_RENEWAL,
    )

    @classmethod
    def changes_nothing(cls, subscription: Subscription) -> Refusal | None:
        """The refusal while auto-renewal is off already."""
        if subscription.auto_renew:
            return None
        return Refusal(Rule.AUTO_RENEWAL, "auto-renewal is off already")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsubscribeResult(Result):
    """The subscription and its last paid day."""

    do: Literal["unsubscribe"] = "unsubscribe"
    subscription: str
    expiry: date

    def sentence(self) -> str:
        """``s1 no longer renews; it runs until 14 March 2021.``"""
        until = day_in_words(self.expiry)
        return f"{self.subscription} no longer renews; it runs until {until}."
