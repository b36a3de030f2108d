"""Set billing: the name, address, tax number and language on a customer's documents (Rule 11.4)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from core.domain.commands.base import AccountCommand, Result
from core.domain.commands.fields import Choice, Text
from core.domain.languages import Language
from core.domain.profiles import LONGEST_LINE
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBilling(AccountCommand):
    """Change what documents show of a customer. What is left out stays.

    An empty text removes a value. Invoices that have their number keep what they show.
    """

    do: Literal["set_billing"] = "set_billing"
    name: Annotated[str | None, Text(help="The name of the customer.", longest=LONGEST_LINE)] = None
    street: Annotated[str | None, Text(help="Street and house.", longest=LONGEST_LINE)] = None
    postal_code: Annotated[str | None, Text(help="The postal code.", longest=LONGEST_LINE)] = None
    city: Annotated[str | None, Text(help="The city.", longest=LONGEST_LINE)] = None
    country: Annotated[
        str | None, Text(help="The country, by its ISO 3166 code such as DE.", longest=2)
    ] = None
    tax_number: Annotated[
        str | None, Text(help="The customer's tax number.", longest=LONGEST_LINE)
    ] = None
    language: Annotated[
        Language | None, Choice(help="The language of documents.", choices=Language)
    ] = None

    rule: ClassVar[Rule] = Rule.INVOICES
    through_workflow: ClassVar[bool] = False
    while_suspended: ClassVar[bool] = True
    in_scenario: ClassVar[bool] = False
    at_least_one: ClassVar[tuple[str, ...]] = (
        "name",
        "street",
        "postal_code",
        "city",
        "country",
        "tax_number",
        "language",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBillingResult(Result):
    """The account whose documents show something else from now on."""

    do: Literal["set_billing"] = "set_billing"
    account: str

    def sentence(self) -> str:
        """``Documents of acme show this from the next invoice on.``"""
        return f"Documents of {self.account} show this from the next invoice on."
