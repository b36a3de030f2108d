"""`trial`, `convert`: try an application free of charge, and pay its first cycle."""

from typing import Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import AccountId, InvoiceNumber, Request, SubscriptionId


@command("trial", "trial acme PRO-M --id t1", "trial acme PRO-M --id t1 --request-id order-7731")
def trial(
    account: AccountId,
    sku: Annotated[str, typer.Argument(metavar="SKU", help="What to try, as in the catalogue.")],
    request: Request,
    subscription: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="The id of the subscription. Default: a new id."),
    ] = None,
) -> None:
    """Start a free trial, one per account and application. Nothing is charged (rule 4.3)."""
    from core.domain.commands.trial import Trial
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    started = Trial(
        subscription=request.id if subscription is None else inputs.name("--id", subscription),
        account=inputs.name("ACCOUNT", account),
        sku=inputs.name("SKU", sku),
        request_id=request.id,
        actor=request.actor,
    )
    issue(started, request)


@command("convert", "convert t1", "convert t1 --preview", "convert t1 --invoice-number EXT-17")
def convert(
    subscription: SubscriptionId, request: Request, invoice_number: InvoiceNumber = None
) -> None:
    """Pay the first cycle of a trial, now or up to 28 days after its end (rule 4.3)."""
    from core.domain.commands.convert import Convert
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    conversion = Convert(
        subscription=inputs.name("ID", subscription),
        invoice_number=inputs.optional_name("--invoice-number", invoice_number),
        request_id=request.id,
        actor=request.actor,
    )
    issue(conversion, request)
