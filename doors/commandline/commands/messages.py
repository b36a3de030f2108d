"""`message`: what goes to endpoints, and what has become of it."""

from pathlib import Path
from typing import Annotated

import typer

from core.domain.languages import Language
from doors.commandline.app import command, group
from doors.commandline.options import Json, Listing, MessageState

group("message", "Messages to endpoints: look at them, send them again.")


@command("message list", "message list --state failed", "message list --account acme")
def message_list(
    listing: Listing,
    endpoint: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only to this endpoint.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(metavar="ACCOUNT", help="Only of this account.")
    ] = None,
    state: MessageState = None,
) -> None:
    """Show messages, the newest first."""
    from doors.commandline import inputs, webhook_run, webhook_tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import show_list
    from doors.queries.deliveries import message_rows

    with ledger() as opened:
        rows = message_rows(
            opened,
            endpoint=inputs.optional_name("--endpoint", endpoint),
            account=inputs.optional_name("--account", account),
            state=webhook_run.state("--state", state),
            after=inputs.optional_position("--after", listing.after),
        )
        show_list(webhook_tables.list_of_messages(rows), listing)


@command("message show", "message show 17")
def message_show(
    id_: Annotated[int, typer.Argument(metavar="ID", min=1, help="The message.")],
    json: Json = False,
) -> None:
    """Show a message: its attempts, and its body as it is sent."""
    from doors.commandline import webhook_tables
    from doors.commandline.connection import ledger
    from doors.commandline.output import show
    from doors.queries.deliveries import find_message

    with ledger() as opened:
        found = find_message(opened, id_)
    show(found, webhook_tables.message(found), json=json)


@command(
    "message preview",
    "message preview renewal_failed --to failed.eml",
    "message preview renewed --language de",
)
def message_preview(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="An e-mail, such as renewed or renewal_failed.")
    ],
    language: Annotated[
        Language, typer.Option(help="The language of the customer. Alarms are in English.")
    ] = Language.ENGLISH,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE.eml", help="Write the e-mail into this file.")
    ] = None,
    json: Json = False,
) -> None:
    """Show an e-mail with made-up facts. Your own texts are used, and checked (docs/emails.md)."""
    from doors.commandline import mail_run
    from doors.commandline.connection import configured
    from doors.commandline.output import show

    mail = mail_run.preview(configured(), kind, language)
    if to is not None:
        mail_run.write(to, mail)
    told = [f"Subject: {mail.subject}", "", mail.text.rstrip()]
    show(
        {"subject": mail.subject, "text": mail.text, "html": mail.html},
        [f"The e-mail is in {to}."] if to is not None else ["\n".join(told)],
        json=json,
    )


@command("message resend", "message resend 17 18", "message resend --failed --endpoint crm")
def message_resend(
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="[ID]...", help="The messages.")
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="All messages to the endpoint that have failed.")
    ] = False,
    endpoint: Annotated[
        str | None, typer.Option(metavar="NAME", help="The endpoint, with --failed.")
    ] = None,
    json: Json = False,
) -> None:
    """Send messages again, with the same ids. A worker sends them within seconds."""
    from core.domain.counted import counted
    from doors.commandline import inputs, webhook_run
    from doors.commandline.connection import ledger
    from doors.commandline.output import show

    if bool(ids) == failed:
        inputs.wrong("ID", "name messages, or --failed with --endpoint, and not both")
    if failed and endpoint is None:
        inputs.wrong("--endpoint", "--failed needs the name of an endpoint")
    with ledger() as opened:
        if endpoint is not None and failed:
            again = webhook_run.resend_failed(opened, inputs.name("--endpoint", endpoint))
        else:
            again = webhook_run.resend(opened, ids or [])
    told = counted(again, "message goes", "messages go")
    left = "" if failed or again == len(ids or []) else " The endpoint of the others is off."
    show({"sent_again": again}, f"{told} out again.{left}", json=json)
