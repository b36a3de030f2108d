"""`extend`, `reactivate`, `unsubscribe`, `resubscribe`, `terminate`: change subscriptions.

Each is about one subscription, or a campaign on many.
"""

from typing import Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import InvoiceNumber, Many, OneOrMany, Request


@command(
    "extend",
    "extend s1 --cycles 2",
    "extend s1 --to 2021-01-31 --yes",
    "extend --file ids.csv --cycles 1",
)
def extend(
    request: Request,
    many: Many,
    subscription: OneOrMany = None,
    cycles: Annotated[int | None, typer.Option(help="The number of whole cycles.")] = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="This day becomes the last paid one."),
    ] = None,
    invoice_number: InvoiceNumber = None,
) -> None:
    """Pay in advance. The cost is shown before you confirm (rule 6.2)."""
    from core.domain.commands.extend import Extend
    from doors.commandline import inputs
    from doors.commandline.campaign_run import issue_one_or_many

    def make(id_: str) -> Extend:
        return Extend(
            subscription=id_,
            cycles=cycles,
            to=inputs.optional_day("--to", to),
            invoice_number=inputs.optional_name("--invoice-number", invoice_number),
            request_id=request.id,
            actor=request.actor,
        )

    issue_one_or_many(make, subscription, request, many, asks=True)


@command("reactivate", "reactivate s1", "reactivate --all-expired --account acme")
def reactivate(
    request: Request,
    many: Many,
    subscription: OneOrMany = None,
    invoice_number: InvoiceNumber = None,
) -> None:
    """Bring an expired subscription back. It keeps its schedule and costs one fee (rule 7)."""
    from core.domain.commands.reactivate import Reactivate
    from doors.commandline import inputs
    from doors.commandline.campaign_run import issue_one_or_many

    def make(id_: str) -> Reactivate:
        return Reactivate(
            subscription=id_,
            invoice_number=inputs.optional_name("--invoice-number", invoice_number),
            request_id=request.id,
            actor=request.actor,
        )

    issue_one_or_many(make, subscription, request, many)


@command("unsubscribe", "unsubscribe s1", "unsubscribe --file ids.csv")
def unsubscribe(request: Request, many: Many, subscription: OneOrMany = None) -> None:
    """Switch auto-renewal off. Service runs to the expiry date, without a refund (rule 8.1)."""
    from core.domain.commands.unsubscribe import Unsubscribe
    from doors.commandline.campaign_run import issue_one_or_many

    def make(id_: str) -> Unsubscribe:
        return Unsubscribe(subscription=id_, request_id=request.id, actor=request.actor)

    issue_one_or_many(make, subscription, request, many)


@command("resubscribe", "resubscribe s1", "resubscribe --all-expiring")
def resubscribe(request: Request, many: Many, subscription: OneOrMany = None) -> None:
    """Switch auto-renewal on again (rules 5.7, 8.1)."""
    from core.domain.commands.resubscribe import Resubscribe
    from doors.commandline.campaign_run import issue_one_or_many

    def make(id_: str) -> Resubscribe:
        return Resubscribe(subscription=id_, request_id=request.id, actor=request.actor)

    issue_one_or_many(make, subscription, request, many)


@command(
    "terminate",
    "terminate s1 --reason 'moved to another plan'",
    "terminate s1 --reason fraud --yes",
    "terminate --file ids.csv --reason 'end of sale' --rate 5",
)
def terminate(
    reason: Annotated[str, typer.Option(metavar="TEXT", help="The reason, for the history.")],
    request: Request,
    many: Many,
    subscription: OneOrMany = None,
) -> None:
    """End a subscription at once, for good. The refund is shown before you confirm (rule 8.2)."""
    from core.domain.commands.terminate import Terminate
    from doors.commandline import inputs
    from doors.commandline.campaign_run import issue_one_or_many

    def make(id_: str) -> Terminate:
        return Terminate(
            subscription=id_,
            reason=inputs.text("--reason", reason),
            request_id=request.id,
            actor=request.actor,
        )

    issue_one_or_many(make, subscription, request, many, asks=True)
