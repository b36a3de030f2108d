"""`change-owner`: who owns a subscription."""

from typing import Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import Request, SubscriptionId


@command("change-owner", "change-owner s1 berlin", "change-owner s1 berlin --preview")
def change_owner(
    subscription: SubscriptionId,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The new account.")],
    request: Request,
) -> None:
    """Give a subscription to another account. It pays from then on (rule 9)."""
    from core.domain.commands.change_owner import ChangeOwner
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    given = ChangeOwner(
        subscription=inputs.name("ID", subscription),
        account=inputs.name("ACCOUNT", account),
        request_id=request.id,
        actor=request.actor,
    )
    issue(given, request)
