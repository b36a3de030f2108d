"""`key`: the keys of the HTTP API (docs/api.md)."""

from typing import Annotated

import typer

from doors.commandline.app import command, group
from doors.commandline.options import By, Json, Listing

group("key", "The keys of the HTTP API. A key belongs to the seller and has one role.")

KeyId = Annotated[str, typer.Argument(metavar="KEY", help="The id of the key, as in its list.")]


@command("key create", "key create shop --role platform", "key create ann --role support")
def key_create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who or what will use it.")],
    role: Annotated[
        str, typer.Option(metavar="ROLE", help="platform, support, viewer, finance or admin.")
    ],
    expires: Annotated[
        str | None,
        typer.Option(metavar="INSTANT", help="From when on it is refused. Default: never."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="OPERATION", help="Only this, such as extend. It may be repeated."),
    ] = None,
    by: By = "command line",
    json: Json = False,
) -> None:
    """Make a key. It is shown once and stored nowhere.

    The operations are those of the API's description, and each command and its preview has one.
    """
    from core.domain.roles import Role
    from core.ledger import api_keys
    from core.ledger.clocks import machine_now
    from doors.access import key_scopes
    from doors.commandline import inputs
    from doors.commandline.connection import ledger

    now = machine_now()
    until = None if expires is None else inputs.instant("--expires", expires)
    if until is not None and until <= now:
        inputs.wrong("--expires", f"{until.isoformat()} is past; a later instant is allowed")
    of, whose = inputs.choice("--role", role, Role), inputs.name("NAME", name)
    actor, scopes = inputs.name("--by", by), key_scopes.read("--only", only, of)
    with ledger() as opened, opened.transaction("api_key") as connection:
        key = api_keys.create(
            connection,
            opened.seller,
            whose,
            of,
            now=now,
            actor=actor,
            expires_at=until,
            scopes=scopes,
        )
    _show_new(key, f"The key of {whose}, with the role {of}:", json=json)


@command("key list", "key list")
def key_list(listing: Listing) -> None:
    """List the keys of the seller, oldest first. Their secrets are stored nowhere."""
    from dataclasses import fields

    from core.ledger import api_keys
    from core.ledger.clocks import machine_now
    from doors.commandline import inputs, key_tables
    from doors.commandline.connection import ledger
    from doors.commandline.lists import List, show_list

    after = inputs.optional_name("--after", listing.after)
    with ledger() as opened, opened.read() as connection:
        show_list(
            List(
                rows=api_keys.keys(connection, opened.seller, machine_now(), after=after),
                table=key_tables.keys,
                key=lambda row: row.id,
                columns=[field.name for field in fields(api_keys.KeyLine)],
            ),
            listing,
        )


@command("key revoke", "key revoke 0f3a9c1d2b4e")
def key_revoke(key: KeyId, json: Json = False) -> None:
    """Revoke a key. It is refused from the next request on, for good."""
    from core.ledger import api_keys
    from core.ledger.clocks import machine_now
    from doors.commandline import inputs
    from doors.commandline.connection import ledger
    from doors.commandline.output import show

    id_ = inputs.name("KEY", key)
    with ledger() as opened, opened.transaction("api_key") as connection:
        line = api_keys.revoke(connection, opened.seller, id_, machine_now())
    show(line, f"Key {line.id} ({line.name}) is revoked.", json=json)


@command("key rotate", "key rotate 0f3a9c1d2b4e", "key rotate 0f3a9c1d2b4e --overlap-hours 0")
def key_rotate(
    key: KeyId,
    overlap_hours: Annotated[
        int, typer.Option(metavar="HOURS", min=0, max=720, help="How long the old key still works.")
    ] = 24,
    by: By = "command line",
    json: Json = False,
) -> None:
    """Replace a key by a new one with the same role. For a while both work."""
    from datetime import timedelta

    from core.ledger import api_keys
    from core.ledger.clocks import machine_now
    from doors.commandline import inputs
    from doors.commandline.connection import ledger

    id_, actor = inputs.name("KEY", key), inputs.name("--by", by)
    with ledger() as opened, opened.transaction("api_key") as connection:
        new, old = api_keys.rotate(
            connection,
            opened.seller,
            id_,
            now=machine_now(),
            overlap=timedelta(hours=overlap_hours),
            actor=actor,
        )
    ends = "" if old.expires_at is None else f"{old.expires_at:%Y-%m-%d %H:%M} UTC"
    _show_new(new, f"Key {old.id} ({old.name}) works until {ends}. The new key:", json=json)


def _show_new(key: str, heading: str, *, json: bool) -> None:
    from core.ledger.api_keys import id_of
    from doors.commandline.output import say, show

    if json:
        show({"id": id_of(key), "key": key}, "", json=True)
        return
    say(heading)
    typer.echo(f"\n    {key}\n")
    say("It is shown this once. Keep it in a store for secrets.")
