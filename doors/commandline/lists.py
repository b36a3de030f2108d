"""How every list is printed: a page of a table, or JSON, or CSV.

A list is a stream of rows (`doors.queries.pages`). Whatever its form, no more than a page of it is
held in memory.
"""

import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any, Generic, TextIO, TypeVar

import typer

from doors.commandline import inputs, output, plain_data
from doors.commandline.options import Listing
from doors.queries.pages import MOST_COUNTED, first_page

if TYPE_CHECKING:
    from doors.commandline.tables import Printed

#: The rows of one table when all rows are printed.
_CHUNK = 1000
#: Excel takes a file for UTF-8 only if it begins with this.
_MARK = "\ufeff"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class List(Generic[T]):
    """A list that a command prints.

    `rows`: its rows, from the first one of the page on.
    `table`: makes tables of some rows.
    `key`: the key of a row, after which the next page starts (`--after`).
    `columns`: the columns of the CSV, which `cells` has. Default `cells`: the fields of a row.
    `oldest_first`: all rows in the order of time, for a list whose pages begin with the newest
    rows. A page of it is printed in the order of time as well. Default None: another list.
    """

    rows: Iterator[T]
    table: "Callable[[Sequence[T]], list[Printed]]"
    key: Callable[[T], str]
    columns: Sequence[str]
    cells: Callable[[T], dict[str, Any]] = plain_data.data
    oldest_first: Iterator[T] | None = None

    @property
    def in_order(self) -> Iterator[T]:
        """All rows, in the order in which they are printed."""
        return self.rows if self.oldest_first is None else self.oldest_first


def show_list(found: List[T], listing: Listing) -> None:
    """Print a list as its options say. Its last line says how many rows are left out."""
    if listing.csv is not None:
        _write_csv(found, listing.csv, bom=listing.bom)
    elif listing.limit is None:
        everything = found.rows if listing.after else found.in_order
        if listing.json:
            print_json(everything)
        else:
            _print_tables(everything, found.table)
    else:
        page = first_page(found.rows, listing.limit)
        rows = page.rows if found.oldest_first is None else page.rows[::-1]
        key = found.key(page.rows[-1]) if page.rows else ""
        more = left_out(page.more, f"the next page: --after {shlex.quote(key)}, everything: --all")
        if listing.json:
            print_json(iter(rows))
            for line in more:
                typer.echo(line, err=True)
        else:
            output.print_parts([*found.table(rows), *more], output.console())


def left_out(more: int, how: str) -> list[str]:
    """Return the line that says how many rows are left out, and how they are seen, if any are.

    `more`: how many. `MOST_COUNTED` stands for that many or more.
    """
    if more <= 0:
        return []
    count = f"{more:,}" + (" or more" if more >= MOST_COUNTED else " more")
    return [f"… and {count} ({how})"]


def _print_tables(rows: Iterator[T], table: "Callable[[Sequence[T]], list[Printed]]") -> None:
    console, chunk = output.console(), list(islice(rows, _CHUNK))
    output.print_parts(table(chunk), console)
    while len(chunk) == _CHUNK and (chunk := list(islice(rows, _CHUNK))):
        console.print()
        output.print_parts(table(chunk), console)


def print_json(rows: Iterable[Any], head: dict[str, Any] | None = None) -> None:
    """Print rows as one JSON array, row by row.

    `head`: values of an object that has the rows as `lines`, default None: the array alone.
    """
    out, margin = sys.stdout, "  "
    if head is not None:
        out.write(plain_data.as_json(head).removesuffix("\n}") + ',\n  "lines": ')
        margin = "    "
    separator = "["
    for row in rows:
        out.write(f"{separator}\n{indent(plain_data.as_json(row), margin)}")
        separator = ","
    out.write("[]" if separator == "[" else f"\n{margin[2:]}]")
    out.write("\n" if head is None else "\n}\n")


def _write_csv(found: List[T], to: str, *, bom: bool) -> None:
    """Write all rows as CSV to a file, or to stdout. The file appears when it is complete."""
    lines = _csv_lines(found, bom=bom)
    if to == "-":
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")
        _write_lines(lines, sys.stdout)
        return
    path = Path(to)
    special = path.exists() and not path.is_file()  # A pipe or a device is never replaced.
    draft = path if special else path.with_name(f".{path.name}.part")
    first = next(lines)  # A list that does not exist ends here, before there is a file.
    try:
        with draft.open("w", encoding="utf-8", newline="") as file:
            written = _write_lines(chain([first], lines), file)
        if not special:
            draft.replace(path)
    except OSError as error:
        _remove(draft, special)
        inputs.wrong("--csv", f"{path} cannot be written: {error.strerror or error}")
    except BaseException:
        _remove(draft, special)
        raise
    output.say(f"{written - 1:,} rows are in {path}.")


def _remove(draft: Path, special: bool) -> None:
    with suppress(OSError):
        if not special:
            draft.unlink(missing_ok=True)


def _write_lines(lines: Iterable[str], file: TextIO) -> int:
    count = 0
    for line in lines:
        file.write(line)
        count += 1
    return count


def _csv_lines(found: List[T], *, bom: bool) -> Iterator[str]:
    rows = found.in_order
    first = list(islice(rows, 1))
    yield _MARK * bom + plain_data.csv_line(found.columns)
    for row in chain(first, rows):
        cells = found.cells(row)
        yield plain_data.csv_line(cells[name] for name in found.columns)
