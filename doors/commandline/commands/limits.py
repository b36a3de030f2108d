"""`limit`: how much money a role moves without a second person (docs/staff.md)."""

from typing import Annotated

import typer

from doors.commandline.app import command, group
from doors.commandline.options import Json, Listing

group("limit", "How much money each program or person of a role moves without a second person.")

RoleName = Annotated[
    str, typer.Argument(metavar="ROLE", help="platform, support, finance or admin.")
]


@command("limit set", "limit set support USD --per-command 50 --per-day 200")
def limit_set(
    role: RoleName,
    currency: Annotated[str, typer.Argument(metavar="CURRENCY", help="Such as USD.")],
    per_command: Annotated[str, typer.Option(metavar="AMOUNT", help="By one command.")],
    per_day: Annotated[str, typer.Option(metavar="AMOUNT", help="In a day (UTC).")],
    json: Json = False,
) -> None:
    """Set the limit of a role. What is above it waits for a second person."""
    from core.domain.roles import Role
    from core.domain.second_person import MoneyLimit
    from core.ledger import money_limits
    from doors.commandline import inputs
    from doors.commandline.connection import ledger
    from doors.commandline.output import show

    of = inputs.choice("ROLE", role, Role)
    limit = MoneyLimit(
        currency=inputs.currency("CURRENCY", currency),
        per_command=inputs.amount("--per-command", per_command),
        per_day=inputs.amount("--per-day", per_day),
    )
    with ledger() as opened, opened.transaction("money_limits") as connection:
        money_limits.set_limit(connection, opened.seller, of, limit)
    told = f"Each of the role {of} moves {per_command} {currency} by a command, {per_day} a day."
    show(limit, told, json=json)


@command("limit list", "limit list")
def limit_list(listing: Listing) -> None:
    """List the limits of all roles."""
    from dataclasses import fields

    from core.domain.roles import Role
    from core.ledger import money_limits
    from doors.commandline import approval_tables
    from doors.commandline.approval_tables import RoleLimit
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list

    with ledger() as opened, opened.read() as connection:
        rows = [
            RoleLimit.of(role, limit)
            for role in Role
            for limit in money_limits.limits_of(connection, opened.seller, role)
        ]
    show_list(
        List(
            rows=iter(rows),
            table=approval_tables.limits,
            columns=[field.name for field in fields(RoleLimit)],
        ),
        listing,
    )


@command("limit remove", "limit remove support")
def limit_remove(role: RoleName, json: Json = False) -> None:
    """Take the limits of a role away. It moves everything by itself then."""
    from core.domain.roles import Role
    from core.ledger import money_limits
    from doors.commandline import inputs
    from doors.commandline.connection import ledger
    from doors.commandline.output import show

    of = inputs.choice("ROLE", role, Role)
    with ledger() as opened, opened.transaction("money_limits") as connection:
        removed = money_limits.remove_limits(connection, opened.seller, of)
    show({"removed": removed}, f"The role {of} has no limit.", json=json)
