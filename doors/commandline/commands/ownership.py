"""`change-owner`, `assign`, `share`, `unshare`: whose a subscription is, and who uses it."""

from typing import Annotated

import typer

from doors.commandline.app import command
from doors.commandline.options import Request, SubscriptionId

Member = Annotated[str, typer.Argument(metavar="ADDRESS", help="The e-mail address of the member.")]


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


@command("assign", "assign s1 ann@example.com", "assign s1 --to-owner")
def assign(
    subscription: SubscriptionId,
    request: Request,
    assignee: Annotated[
        str | None, typer.Argument(metavar="ADDRESS", help="The e-mail address of the assignee.")
    ] = None,
    to_owner: Annotated[
        bool, typer.Option("--to-owner", help="Assign it to the account's owner again.")
    ] = False,
) -> None:
    """Assign a subscription to a person. It stays in its account (rule 9)."""
    from core.domain.commands.assign import Assign
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    if (assignee is None) != to_owner:
        inputs.wrong("assign", "name an e-mail address, or --to-owner, and not both")
    change = Assign(
        subscription=inputs.name("ID", subscription),
        assignee=None if assignee is None else inputs.email("ADDRESS", assignee),
        request_id=request.id,
        actor=request.actor,
    )
    issue(change, request)


@command("share", "share s1 ann@example.com")
def share(subscription: SubscriptionId, member: Member, request: Request) -> None:
    """Share a subscription with a member (rule 9)."""
    from core.domain.commands.share import Share
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    change = Share(
        subscription=inputs.name("ID", subscription),
        member=inputs.email("ADDRESS", member),
        request_id=request.id,
        actor=request.actor,
    )
    issue(change, request)


@command("unshare", "unshare s1 ann@example.com")
def unshare(subscription: SubscriptionId, member: Member, request: Request) -> None:
    """Share a subscription with a member no longer (rule 9)."""
    from core.domain.commands.unshare import Unshare
    from doors.commandline import inputs
    from doors.commandline.issue_commands import issue

    change = Unshare(
        subscription=inputs.name("ID", subscription),
        member=inputs.email("ADDRESS", member),
        request_id=request.id,
        actor=request.actor,
    )
    issue(change, request)
