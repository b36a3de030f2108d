"""Erase account: the personal data of a closed account is erased (Rule 11.8)."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar, Literal

from core.domain.calendar import day_in_words
from core.domain.commands.base import AccountCommand, Result
from core.domain.commands.fields import Whole
from core.domain.counted import counted
from core.domain.kept_years import MOST_YEARS, USUAL_YEARS
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseAccount(AccountCommand):
    """Erase the personal data of a closed account, for good. Its books and invoices stay.

    It does not go through a workflow, so that it needs no worker.
    """

    do: Literal["erase_account"] = "erase_account"
    invoice_years: Annotated[
        int,
        Whole(
            help="The years that the law keeps invoices, after the year of their date.",
            least=0,
            most=MOST_YEARS,
        ),
    ] = USUAL_YEARS

    rule: ClassVar[Rule] = Rule.SUSPEND_AND_CLOSE
    through_workflow: ClassVar[bool] = False
    while_suspended: ClassVar[bool] = True
    while_closed: ClassVar[bool] = True
    in_scenario: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseAccountResult(Result):
    """The account, and what the law keeps of it.

    `kept_invoices`: invoices and credit notes that stay as they were issued.
    `kept_until`: the last day on which one of them is kept. None: none is kept.
    """

    do: Literal["erase_account"] = "erase_account"
    account: str
    kept_invoices: int
    kept_until: date | None = None

    def sentence(self) -> str:
        """``The personal data of acme is erased. 2 invoices are kept until 31 December 2031.``"""
        done = f"The personal data of {self.account} is erased, for good."
        if self.kept_until is None:
            return f"{done} No invoice had to be kept."
        what = counted(self.kept_invoices, "invoice is", "invoices are")
        until = day_in_words(self.kept_until)
        return f"{done} {what} kept as issued, the last until {until}, as the law demands."
