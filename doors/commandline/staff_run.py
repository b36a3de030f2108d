"""What the commands of staff share: reading addresses, roles and passwords, and the outcome."""

import secrets
import sys
from collections.abc import Callable

import typer
from sqlalchemy import Connection

from core.domain.faults import Faults
from core.domain.one_time_codes import address_of, text_of
from core.domain.roles import Role
from core.domain.sign_in import read_password, read_staff_email
from core.gateways.derived_secrets import UnknownKey
from core.ledger import staff, staff_codes
from core.ledger.clocks import machine_now
from core.ledger.staff import StaffLine
from doors.access.code_secrets import code_secret, code_secrets
from doors.commandline import inputs, plain_data
from doors.commandline.connection import configured, ledger
from doors.commandline.exit_codes import Code, Ended
from doors.commandline.output import say, show

_LONGEST_LINE = 1000


def email(value: str, place: str = "EMAIL") -> str:
    """The address of a person, in small letters. Raises `Faults`."""
    return inputs.read(place, value, read_staff_email)


def role(place: str, value: str) -> Role:
    """A role of a person. Raises `Faults`: the role platform is for programs with a key."""
    found = inputs.choice(place, value, Role)
    if found is Role.PLATFORM:
        people = ", ".join(one for one in Role if one is not Role.PLATFORM)
        inputs.wrong(place, f"platform is for programs with a key; allowed are {people}")
    return found


def refuse_known(connection: Connection, seller: str, address: str) -> None:
    """Raise `Faults` when there is such a person, before a password is asked for."""
    try:
        staff.find(connection, seller, address)
    except Faults:
        return
    inputs.wrong("EMAIL", f"{address} is staff already; `starter.py staff list` shows all")


def require_known(value: str) -> None:
    """Raise `Faults` when there is no such person, before a password is asked for."""
    with ledger() as opened, opened.read() as connection:
        staff.find(connection, opened.seller, email(value))


def new_password(*, generate: bool) -> str:
    """A new password: made, typed twice at a terminal, or the first line of stdin.

    It is never an argument, because other users of the machine see arguments. Raises `Faults`.
    """
    if generate:
        return secrets.token_urlsafe(18)
    if not sys.stdin.isatty():
        line = sys.stdin.readline(_LONGEST_LINE).rstrip("\r\n")
        if not line:
            inputs.wrong("password", "is missing; pipe it into stdin, or use --generate")
        return inputs.read("password", line, read_password)
    try:
        typed = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    except typer.Abort:
        raise Ended("Interrupted. Nothing was done.", Code.INTERRUPTED) from None
    return inputs.read("password", typed, read_password)


def show_secret(address: str, *, json: bool) -> None:
    """Make a secret of codes and show it once. Raises `Faults`, and `Ended` without a key."""
    config = configured()
    keys = code_secrets(config)
    if not keys:
        raise Ended(
            "No key for the secrets of codes is set.\nSet PERENNIAL_STAFF_KEYS, here and for the "
            "console, to at least 32 random characters.",
            Code.BAD_INPUT,
        )
    sealed = keys.new()
    with ledger(config) as opened, opened.transaction("staff") as connection:
        staff_codes.prepare(connection, opened.seller, address, sealed)
    secret = code_secret(keys, sealed)
    uri = address_of(secret, address, f"Perennial {config.seller}")
    if json:
        show({"email": address, "secret": text_of(secret), "uri": uri}, "", json=True)
        return
    say(f"The secret of {address}, for an authenticator app:")
    typer.echo(f"\n    {text_of(secret)}\n    {uri}\n")
    say(f"It is shown this once. Confirm it: `starter.py staff totp {address} --code CODE`.")


def confirm_codes(address: str, code: str, *, json: bool) -> None:
    """Begin to ask for codes, and show the recovery codes. Raises `Faults`, and `Ended`."""
    config = configured()
    with ledger(config) as opened, opened.transaction("staff") as connection:
        sealed = staff_codes.sealed_of(connection, opened.seller, address)
        try:
            secret = code_secret(code_secrets(config), sealed)
        except UnknownKey as error:
            raise Ended(str(error), Code.BAD_INPUT) from None
        codes = staff_codes.confirm(connection, opened.seller, address, secret, code, machine_now())
    if json:
        show({"email": address, "recovery_codes": codes}, "", json=True)
        return
    say(f"{address} signs in with codes from now on. Recovery codes, each for one sign-in:")
    typer.echo("\n    " + "\n    ".join(codes) + "\n")
    say("They are shown this once. Keep them where the telephone is not.")


def change(value: str, how: Callable[[Connection, str, str], StaffLine]) -> StaffLine:
    """Change a person in one transaction. Raises `Faults`."""
    address = email(value)
    with ledger() as opened, opened.transaction("staff") as connection:
        return how(connection, opened.seller, address)


def show_changed(
    line: StaffLine,
    told: str,
    password: str | None = None,
    generated: bool = False,
    *,
    json: bool,
) -> None:
    """Print what became of a person, and a password that was made."""
    if json:
        show(plain_data.data(line) | ({"password": password} if generated else {}), "", json=True)
        return
    say(told)
    if generated:
        typer.echo(f"\n    {password}\n")
        say("The password is shown this once.")
