"""Trial: use a subscription free of charge for some days (Rule 4.3)."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar, Literal

from core.domain.calendar import day_in_words
from core.domain.catalog import PRIMARY
from core.domain.commands.base import NewSubscriptionCommand, Result
from core.domain.commands.fields import Sku
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial(NewSubscriptionCommand):
    """Start a trial: nothing is charged before it ends. One per account and application, ever."""

    do: Literal["trial"] = "trial"
    sku: Annotated[str, Sku(help="What is tried.", kinds=tuple(PRIMARY))]

    rule: ClassVar[Rule] = Rule.TRIAL


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult(Result):
    """The new subscription. `expiry`: the last day of the trial."""

    do: Literal["trial"] = "trial"
    subscription: str
    expiry: date

    def sentence(self) -> str:
        """``t1 is a trial until 14 March 2021; nothing is charged before it ends.``"""
        until = day_in_words(self.expiry)
        return f"{self.subscription} is a trial until {until}; nothing is charged before it ends."
