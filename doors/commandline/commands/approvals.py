"""`approval`: commands that wait for a second person (docs/staff.md)."""

from typing import Annotated

import typer

from doors.commandline.app import command, group
from doors.commandline.options import Json, Listing

group("approval", "Commands above the limits of who has asked for them. A second one approves.")

ApprovalId = Annotated[str, typer.Argument(metavar="ID", help="As in `approval list`.")]
ByStaff = Annotated[str, typer.Option(metavar="EMAIL", help="The person of the staff who decides.")]


@command("approval list", "approval list", "approval list --state done")
def approval_list(
    listing: Listing,
    state: Annotated[
        str,
        typer.Option(
            metavar="STATE", help="open, approved, done, refused, failed, expired or all."
        ),
    ] = "open",
) -> None:
    """List what was asked for, the newest first."""
    from dataclasses import fields

    from core.domain.second_person import ApprovalState
    from core.ledger import approvals
    from core.ledger.clocks import machine_now
    from doors.commandline import approval_tables, inputs
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list

    of = None if state == "all" else inputs.choice("--state", state, ApprovalState)
    after = inputs.optional_name("--after", listing.after)
    with ledger() as opened, opened.read() as connection:
        now = machine_now()
        show_list(
            List(
                rows=approvals.approvals(connection, opened.seller, now, state=of, after=after),
                table=approval_tables.approvals,
                key=lambda row: row.id,
                columns=[field.name for field in fields(approvals.ApprovalLine)],
            ),
            listing,
        )


@command("approval show", "approval show 0f3a9c1d2b4e")
def approval_show(approval: ApprovalId, json: Json = False) -> None:
    """Show what was asked for, with all its fields."""
    from doors.access import second_person
    from doors.commandline import approval_tables, inputs
    from doors.commandline.connection import ledger
    from doors.commandline.output import show

    id_ = inputs.name("ID", approval)
    with ledger() as opened:
        line = second_person.find(opened, id_)
    show(line, approval_tables.approval(line), json=json)


@command("approval approve", "approval approve 0f3a9c1d2b4e --by bob@example.com")
def approval_approve(approval: ApprovalId, by: ByStaff, json: Json = False) -> None:
    """Approve what was asked for, and carry it out. Repeated, it goes on where it stopped."""
    from doors.commandline import approval_run, inputs

    approval_run.approve(inputs.name("ID", approval), by, json=json)


@command("approval refuse", "approval refuse 0f3a9c1d2b4e --by bob@example.com")
def approval_refuse(approval: ApprovalId, by: ByStaff, json: Json = False) -> None:
    """Refuse what was asked for. The one who has asked withdraws it so."""
    from doors.commandline import approval_run, inputs

    approval_run.refuse(inputs.name("ID", approval), by, json=json)
