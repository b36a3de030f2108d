"""`staff`: the people of the seller who sign in (docs/staff.md)."""

from typing import Annotated

import typer

from doors.commandline.app import command, group
from doors.commandline.options import By, Json, Listing

group("staff", "The people of the seller who sign in. A person has one role.")

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="With which the person signs in.")]
RoleName = Annotated[str, typer.Argument(metavar="ROLE", help="support, viewer, finance or admin.")]
Generate = Annotated[
    bool, typer.Option("--generate", help="Make a password and show it once. Default: ask for it.")
]


@command("staff add", "staff add ann@example.com --name Ann --role support --generate")
def staff_add(
    email: Email,
    name: Annotated[str, typer.Option(metavar="NAME", help="For the history.")],
    role: Annotated[str, typer.Option(metavar="ROLE", help="As in `staff role`.")],
    generate: Generate = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="The person signs in by OpenID Connect only.")
    ] = False,
    by: By = "command line",
    json: Json = False,
) -> None:
    """Add a person. The password is asked for, or is one line of stdin."""
    from core.domain.sign_in import read_staff_name
    from core.ledger import staff
    from core.ledger.clocks import machine_now
    from doors.commandline import inputs, staff_run
    from doors.commandline.connection import ledger

    if generate and no_password:
        inputs.wrong("--no-password", "excludes --generate; one of them is allowed")
    address, of = staff_run.email(email), staff_run.role("--role", role)
    called = inputs.read("--name", name, read_staff_name)
    actor = inputs.name("--by", by)
    with ledger() as opened, opened.read() as connection:
        staff_run.refuse_known(connection, opened.seller, address)
    password = None if no_password else staff_run.new_password(generate=generate)
    with ledger() as opened, opened.transaction("staff") as connection:
        line = staff.add(
            connection,
            opened.seller,
            address,
            called,
            of,
            password=password,
            now=machine_now(),
            actor=actor,
        )
    staff_run.show_changed(
        line, f"{line.actor} is staff, with the role {line.role}.", password, generate, json=json
    )


@command("staff list", "staff list")
def staff_list(listing: Listing) -> None:
    """List the staff of the seller by address."""
    from dataclasses import fields

    from core.ledger import staff
    from core.ledger.clocks import machine_now
    from doors.commandline import staff_run, staff_tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list

    after = None if listing.after is None else staff_run.email(listing.after, "--after")
    with ledger() as opened, opened.read() as connection:
        show_list(
            List(
                rows=staff.staff(connection, opened.seller, after=after),
                table=lambda lines: staff_tables.staff(lines, machine_now()),
                key=lambda row: row.email,
                columns=[field.name for field in fields(staff.StaffLine)],
            ),
            listing,
        )


@command("staff role", "staff role ann@example.com finance")
def staff_role(email: Email, role: RoleName, json: Json = False) -> None:
    """Give a person another role. It holds from the next request on."""
    from core.ledger import staff
    from doors.commandline import staff_run

    of = staff_run.role("ROLE", role)
    line = staff_run.change(
        email, lambda connection, seller, address: staff.set_role(connection, seller, address, of)
    )
    staff_run.show_changed(line, f"{line.actor} has the role {line.role}.", json=json)


@command("staff password", "staff password ann@example.com --generate")
def staff_password(email: Email, generate: Generate = False, json: Json = False) -> None:
    """Give a person another password. Sessions end, and wrong attempts are forgotten."""
    from core.ledger import staff
    from core.ledger.clocks import machine_now
    from doors.commandline import staff_run

    staff_run.require_known(email)
    password = staff_run.new_password(generate=generate)
    line = staff_run.change(
        email,
        lambda connection, seller, address: staff.set_password(
            connection, seller, address, password, machine_now()
        ),
    )
    told = f"{line.actor} has another password. All sessions have ended."
    staff_run.show_changed(line, told, password, generate, json=json)


@command("staff totp", "staff totp ann@example.com", "staff totp ann@example.com --code 287082")
def staff_totp(
    email: Email,
    code: Annotated[
        str | None, typer.Option(metavar="CODE", help="The first code of the app. It confirms.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Ask for no codes any longer.")] = False,
    json: Json = False,
) -> None:
    """Let a person sign in with a code of an authenticator app as well.

    Without options it makes a secret and shows it once. With --code it begins to ask for codes, and
    shows ten recovery codes.
    """
    from core.ledger import staff_codes
    from doors.commandline import inputs, staff_run
    from doors.commandline.connection import ledger
    from doors.commandline.output import show

    if off and code is not None:
        inputs.wrong("--off", "excludes --code; one of them is allowed")
    address = staff_run.email(email)
    if code is not None:
        staff_run.confirm_codes(address, inputs.text("--code", code, 20), json=json)
    elif not off:
        staff_run.show_secret(address, json=json)
    else:
        with ledger() as opened, opened.transaction("staff") as connection:
            staff_codes.remove(connection, opened.seller, address)
        show({"email": address, "codes": False}, f"{address} signs in without codes.", json=json)


@command("staff require-codes", "staff require-codes yes")
def staff_require_codes(
    required: Annotated[str, typer.Argument(metavar="YES|NO", help="Whether they are required.")],
    json: Json = False,
) -> None:
    """Demand that people of the roles finance and admin sign in with a code."""
    from core.domain.inputs import read_flag_text
    from core.ledger import staff_rules
    from doors.commandline import inputs
    from doors.commandline.connection import ledger
    from doors.commandline.output import show

    demanded = inputs.read("YES|NO", required, read_flag_text)
    with ledger() as opened, opened.transaction("staff") as connection:
        staff_rules.require_codes(connection, opened.seller, demanded)
    told = "only with a code" if demanded else "also without a code"
    show({"required": demanded}, f"People of finance and admin sign in {told}.", json=json)


@command("staff disable", "staff disable ann@example.com")
def staff_disable(email: Email, json: Json = False) -> None:
    """Let a person no longer sign in. Sessions end at once."""
    from core.ledger import staff
    from core.ledger.clocks import machine_now
    from doors.commandline import staff_run

    line = staff_run.change(
        email,
        lambda connection, seller, address: staff.switch_off(
            connection, seller, address, machine_now()
        ),
    )
    staff_run.show_changed(line, f"{line.actor} can no longer sign in.", json=json)


@command("staff enable", "staff enable ann@example.com")
def staff_enable(email: Email, json: Json = False) -> None:
    """Let a person sign in again, with the password of before."""
    from core.ledger import staff
    from doors.commandline import staff_run

    line = staff_run.change(email, staff.switch_on)
    staff_run.show_changed(line, f"{line.actor} can sign in again.", json=json)


@command("staff sessions", "staff sessions", "staff sessions --email ann@example.com")
def staff_sessions(
    listing: Listing,
    email: Annotated[str | None, typer.Option(metavar="EMAIL", help="Of this person only.")] = None,
) -> None:
    """List the sessions that can be used."""
    from dataclasses import fields

    from core.ledger import sessions
    from core.ledger.clocks import machine_now
    from doors.commandline import staff_run, staff_tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, after_key, show_list

    of = None if email is None else staff_run.email(email, "--email")
    with ledger() as opened, opened.read() as connection:
        found = sessions.sessions(connection, opened.seller, machine_now(), email=of)
        show_list(
            List(
                rows=after_key(found, lambda row: row.id, listing.after),
                table=staff_tables.sessions,
                key=lambda row: row.id,
                columns=[field.name for field in fields(sessions.SessionLine)],
            ),
            listing,
        )


@command("staff sign-out", "staff sign-out ann@example.com")
def staff_sign_out(email: Email, json: Json = False) -> None:
    """End all sessions of a person."""
    from core.ledger import staff
    from core.ledger.clocks import machine_now
    from doors.commandline import staff_run
    from doors.commandline.connection import ledger
    from doors.commandline.output import show

    address = staff_run.email(email)
    with ledger() as opened, opened.transaction("staff") as connection:
        line = staff.find(connection, opened.seller, address)
        ended = staff.end_sessions(connection, opened.seller, address, machine_now())
    show({"email": address, "ended": ended}, f"{line.actor}: {ended} sessions ended.", json=json)
