"""`extend`, `reactivate`, `unsubscribe`, `resubscribe`, `terminate`: change a subscription."""

from typing import Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import InvoiceNumber, Request, SubscriptionId, Yes


@command("extend", "extend s1 --cycles 2", "extend s1 --to 2021-01-31 --yes")
def extend(
    subscription: SubscriptionId,
    request: Request,
    cycles: Annotated[int | None, typer.Option(help="The number of whole cycles.")] = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="This day becomes the last paid one."),
    ] = None,
    invoice_number: InvoiceNumber = None,
    yes: Yes = False,
) -> None:
    """Pay in advance. The cost is shown before you confirm (rule 6.2)."""
    from core.domain.commands.extend import Extend
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    extension = Extend(
        subscription=inputs.name("ID", subscription),
        cycles=cycles,
        to=inputs.optional_day("--to", to),
        invoice_number=inputs.optional_name("--invoice-number", invoice_number),
        request_id=request.id,
        actor=request.actor,
    )
    issue(extension, request, yes=yes)


@command("reactivate", "reactivate s1")
def reactivate(
    subscription: SubscriptionId, request: Request, invoice_number: InvoiceNumber = None
) -> None:
    """Bring an expired subscription back. It keeps its schedule and costs one fee (rule 7)."""
    from core.domain.commands.reactivate import Reactivate
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    back = Reactivate(
        subscription=inputs.name("ID", subscription),
        invoice_number=inputs.optional_name("--invoice-number", invoice_number),
        request_id=request.id,
        actor=request.actor,
    )
    issue(back, request)


@command("unsubscribe", "unsubscribe s1")
def unsubscribe(subscription: SubscriptionId, request: Request) -> None:
    """Switch auto-renewal off. Service runs to the expiry date, without a refund (rule 8.1)."""
    from core.domain.commands.unsubscribe import Unsubscribe
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    id_ = inputs.name("ID", subscription)
    off = Unsubscribe(subscription=id_, request_id=request.id, actor=request.actor)
    issue(off, request)


@command("resubscribe", "resubscribe s1")
def resubscribe(subscription: SubscriptionId, request: Request) -> None:
    """Switch auto-renewal on again (rules 5.7, 8.1)."""
    from core.domain.commands.resubscribe import Resubscribe
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    id_ = inputs.name("ID", subscription)
    on = Resubscribe(subscription=id_, request_id=request.id, actor=request.actor)
    issue(on, request)


@command(
    "terminate",
    "terminate s1 --reason 'moved to another plan'",
    "terminate s1 --reason fraud --yes",
)
def terminate(
    subscription: SubscriptionId,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="The reason, for the history.")],
    request: Request,
    yes: Yes = False,
) -> None:
    """End a subscription at once, for good. The refund is shown before you confirm (rule 8.2)."""
    from core.domain.commands.terminate import Terminate
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    termination = Terminate(
        subscription=inputs.name("ID", subscription),
        reason=inputs.text("--reason", reason),
        request_id=request.id,
        actor=request.actor,
    )
    issue(termination, request, yes=yes)
