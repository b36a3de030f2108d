"""Set account: the credit limit, the switch *renew by card*, the mode (Rules 5.3, 11.1, 11.6)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from core.domain.commands.base import AccountCommand, Result
from core.domain.commands.fields import Amount, Choice, Day, Flag
from core.domain.inputs import Sign
from core.domain.rules import Rule
from core.domain.subscription import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAccount(AccountCommand):
    """Change settings of an account. A setting that is left out stays as it is.

    A credit limit without `credit_limit_until` never ends (Rule 11.1).
    """

    do: Literal["set_account"] = "set_account"
    credit_limit: Annotated[
        Decimal | None, Amount(help="The credit limit (rule 11.1).", sign=Sign.NOT_NEGATIVE)
    ] = None
    credit_limit_until: Annotated[
        date | None, Day(help="The last day of the credit limit.", in_scenario=False)
    ] = None
    renew_by_card: Annotated[
        bool | None, Flag(help="Whether renewals may use the card (rule 5.3).")
    ] = None
    auto_top_up: Annotated[
        bool | None, Flag(help="Whether the card tops it up by itself (rule 11.2).")
    ] = None
    mode: Annotated[
        Mode | None, Choice(help="Whether it pays in advance (rule 11.6).", choices=Mode)
    ] = None

    rule: ClassVar[Rule] = Rule.USABLE
    while_suspended: ClassVar[bool] = True
    scenario_step: ClassVar[str | None] = "set"
    at_least_one: ClassVar[tuple[str, ...]] = (
        "credit_limit",
        "renew_by_card",
        "auto_top_up",
        "mode",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAccountResult(Result):
    """The settings that were changed. None: it was not changed, or has no last day."""

    do: Literal["set_account"] = "set_account"
    account: str
    currency: str
    credit_limit: Decimal | None = None
    credit_limit_until: date | None = None
    renew_by_card: bool | None = None
    auto_top_up: bool | None = None
    mode: Mode | None = None

    def sentence(self) -> str:
        """``The settings of acme are changed.``"""
        return f"The settings of {self.account} are changed."
