"""What a command prints on stdout: a sentence, tables, or JSON."""

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from doors.commandline.tables import Printed

#: Columns of a table that no terminal limits, such as in a pipe or a file.
WIDTH_WITHOUT_TERMINAL = 200


def show(
    value: Any, parts: "Printed | list[Printed]", *, json: bool, currency: str | None = None
) -> None:
    """Print a value as JSON, or the parts that tell it to a person."""
    if json:
        print_json(value, currency)
        return
    print_parts(parts if isinstance(parts, list) else [parts], console())


def print_json(value: Any, currency: str | None = None) -> None:
    """Print a value as JSON."""
    from doors.commandline.plain_data import as_json

    typer.echo(as_json(value, currency))


def say(text: str) -> None:
    """Print a sentence. Control characters in it are escaped."""
    from doors.application.safe_text import printable

    typer.echo(printable(text))


def console() -> "Console":
    """Return the console on stdout. Outside a terminal it is wide enough for every table."""
    from rich.console import Console

    made = Console(highlight=False)
    if not made.is_terminal:
        made.width = max(made.width, WIDTH_WITHOUT_TERMINAL)
    return made


def print_parts(parts: "list[Printed]", on: "Console") -> None:
    """Print tables and texts, with an empty line between a table and its neighbours."""
    previous: Printed | None = None
    for part in parts:
        if not (previous is None or (isinstance(part, str) and isinstance(previous, str))):
            on.print()
        print_part(part, on)
        previous = part


def print_part(part: "Printed", on: "Console") -> None:
    """Print a table or a text.

    A table that would have to break an id gets lines that are longer than the terminal.
    """
    from rich.measure import Measurement
    from rich.text import Text

    from doors.application.safe_text import printable

    if isinstance(part, str):
        on.print(Text(printable(part)), overflow="ignore", crop=False)
        return
    needed = Measurement.get(on, on.options.update(width=10_000), part).minimum
    width = on.width
    if needed > width:
        on.width = max(needed, WIDTH_WITHOUT_TERMINAL)
    on.print(part)
    on.width = width
