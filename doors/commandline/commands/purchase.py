"""`purchase`: buy a subscription."""

from enum import StrEnum
from typing import Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import AccountId, InvoiceNumber, Request


class Payment(StrEnum):
    """How a purchase is paid."""

    CREDITS = "credits"
    EXTERNAL_INVOICE = "external_invoice"
    CONTRACT = "contract"


class ContractKind(StrEnum):
    """The kinds of contracts."""

    AS_INCURRED = "as_incurred"
    MILESTONE = "milestone"


@command(
    "purchase",
    "purchase acme PRO-M --id s1",
    "purchase acme PRO-M --id s2 --quantity 5 --multiplier 12 --addon SEAT=3 "
    "--request-id order-7731",
    "purchase acme PRO-M --number +6561234567=DID-SG --number +6567654321=DID-SG:byoi "
    "--pick DID-SG=3",
    "purchase acme PRO-M --id s3 --discount 25 --discount-cycles 2 --align",
)
def purchase(
    account: AccountId,
    sku: Annotated[str, typer.Argument(metavar="SKU", help="What to buy, as in the catalogue.")],
    request: Request,
    subscription: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="The id of the subscription. Default: a new id."),
    ] = None,
    quantity: Annotated[int, typer.Option(help="Licences, up to 500 (rule 3.3).")] = 1,
    multiplier: Annotated[
        int,
        typer.Option(help="Base cycles in one cycle: 12 of a monthly SKU make a year (rule 3.1)."),
    ] = 1,
    addon: Annotated[
        list[str] | None, typer.Option(metavar="SKU=N", help="An add-on. May be repeated.")
    ] = None,
    number: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NUMBER=SKU[:HOLD]",
            help="A number, and how the customer comes by it: normal, ported_in or byoi. "
            "May be repeated (rule 10).",
        ),
    ] = None,
    pick: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SKU=N", help="So many free numbers of the inventory. May be repeated."
        ),
    ] = None,
    pay: Annotated[Payment, typer.Option(help="How it is paid (rule 4.1).")] = Payment.CREDITS,
    invoice_number: InvoiceNumber = None,
    contract: Annotated[
        ContractKind | None, typer.Option(help="The kind of contract (rule 8.3).")
    ] = None,
    align: Annotated[
        bool,
        typer.Option("--align", help="Its first renewal ends with a month (rule 5.5)."),
    ] = False,
    discount: Annotated[
        str, typer.Option(metavar="PERCENT", help="Percent off the fee (rule 3.6).")
    ] = "0",
    discount_cycles: Annotated[
        int, typer.Option(metavar="N", help="How many cycles the discount holds.")
    ] = 1,
    legacy: Annotated[
        bool, typer.Option("--legacy", help="The subscription renews a day earlier (rule 1.5).")
    ] = False,
) -> None:
    """Buy a subscription. The whole first cycle is charged at once (rules 3.3, 4.1)."""
    from core.domain.commands.purchase import Pay, Purchase
    from core.domain.subscription import Contract
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    bought = Purchase(
        subscription=request.id if subscription is None else inputs.name("--id", subscription),
        account=inputs.name("ACCOUNT", account),
        sku=inputs.name("SKU", sku),
        quantity=quantity,
        multiplier=multiplier,
        addons=inputs.quantities("--addon", addon or []),
        numbers=inputs.numbers("--number", number or []),
        pick=inputs.quantities("--pick", pick or []),
        pay=Pay(pay.value),
        invoice_number=inputs.optional_name("--invoice-number", invoice_number),
        contract=None if contract is None else Contract(contract.value),
        align=align,
        discount=inputs.percent("--discount", discount),
        discount_cycles=discount_cycles,
        legacy=legacy,
        request_id=request.id,
        actor=request.actor,
    )
    issue(bought, request)
