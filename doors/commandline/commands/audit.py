"""`audit`: every act of people and programs, chained by hash (docs/staff.md)."""

from pathlib import Path
from typing import Annotated

import typer

from doors.commandline.app import command, group
from doors.commandline.options import Json, Listing

group("audit", "Every act of people and programs with a key. Nothing can be changed unseen.")


@command("audit list", "audit list", "audit list --subject s1 --limit 20")
def audit_list(
    listing: Listing,
    actor: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only of this one, as the list names it.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(metavar="ID", help="Only about this, such as a subscription.")
    ] = None,
) -> None:
    """List the records, the newest first."""
    from dataclasses import fields

    from core.ledger import audit
    from doors.commandline import audit_tables, inputs
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list

    who = inputs.optional_name("--actor", actor)
    what = inputs.optional_name("--subject", subject)
    last = inputs.optional_position("--after", listing.after)
    with ledger() as opened, opened.read() as connection:
        seller = opened.seller
        show_list(
            List(
                rows=audit.records(connection, seller, actor=who, subject=what, before=last),
                table=audit_tables.records,
                key=lambda row: str(row.id),
                columns=[field.name for field in fields(audit.Record)],
            ),
            listing,
        )


@command("audit verify", "audit verify", "audit verify --json", "audit verify --since heads.json")
def audit_verify(
    since: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What --json has printed on an earlier day."),
    ] = None,
    json: Json = False,
) -> None:
    """Check every record against its chain. Keep what --json prints, on another machine.

    It finds records that were changed, removed or put in between. Records that were cut off at the
    end are found with the file of an earlier day. The exit code is 1 if something is found.
    """
    from core.ledger import audit
    from doors.commandline import audit_tables
    from doors.commandline.connection import ledger
    from doors.commandline.exit_codes import Code, Ended
    from doors.commandline.output import show

    known = [] if since is None else audit_tables.known_heads("--since", since)
    with ledger() as opened, opened.read() as connection:
        found = audit.verify(connection, opened.seller, known)
    show(found, audit_tables.verified(found), json=json)
    if found.findings:
        raise Ended("The audit was tampered with.", Code.REFUSED)
