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

from core.domain.counted import counted
from doors.commandline import inputs, output, plain_data
from doors.commandline.options import Listing
from doors.queries import pages

if TYPE_CHECKING:
    from doors.commandline.tables import Printed

#: The rows of one table when all rows are printed.
_CHUNK = 1000
#: Excel takes a file for UTF-8 only if it begins with this.
_MARK = "\ufeff"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands above a list that is a part of one thing, such as the periods of a subscription.

    `parts`: for a person. `values`: of the JSON object, which has the rows under the key `rows`.
    """

    parts: "list[Printed]"
    values: dict[str, Any]
    rows: str


@dataclass(frozen=True, slots=True, kw_only=True)
class List(Generic[T]):
    """A list that a command prints.

    `rows`: its rows, from the first one of the page on. Without a `key`: all rows.
    `table`: makes tables of some rows.
    `key`: the key of a row, after which the next page starts (`--after`). None: the rows have no
    key, and are counted. `--after 200` is then the page after the first 200 rows.
    `columns`: the columns of the CSV, which `cells` has. Default `cells`: the fields of a row.
    `value`: what the JSON has for a row. Default: the row.
    `head`: what stands above it. Default None: nothing.
    `oldest_first`: all rows in the order of time, for a list whose pages begin with the newest
    rows. A page of it is printed in the order of time as well. Default None: another list.
    `when_empty`: a line for a person below an empty list, default none.
    """

    rows: Iterator[T]
    table: "Callable[[Sequence[T]], list[Printed]]"
    columns: Sequence[str]
    key: Callable[[T], str] | None = None
    cells: Callable[[T], dict[str, Any]] = plain_data.data
    value: Callable[[T], Any] = lambda row: row
    head: Head | None = None
    oldest_first: Iterator[T] | None = None
    when_empty: str = ""

    @property
    def in_order(self) -> Iterator[T]:
        """All rows, in the order in which they are printed."""
        return self.rows if self.oldest_first is None else self.oldest_first


def show_list(found: List[T], listing: Listing) -> None:
    """Print a list as its options say. Its last line says how many rows are left out."""
    if listing.csv is not None:
        _write_csv(found, listing.csv, bom=listing.bom)
        return
    start = 0
    if found.key is None:
        start = inputs.optional_position("--after", listing.after) or 0
    following = islice(found.rows, start, None)
    if listing.limit is None:
        everything = following if listing.after else found.in_order
        if listing.json:
            _print_rows(everything, found)
        else:
            _print_tables(everything, found)
        return
    page = pages.first_page(following, listing.limit)
    rows = page.rows if found.oldest_first is None else page.rows[::-1]
    key = _key_after(found, page.rows, start)
    more = left_out(page.more, f"the next page: --after {shlex.quote(key)}, everything: --all")
    if not rows and found.when_empty:
        more = [found.when_empty]
    if listing.json:
        _print_rows(iter(rows), found)
        for line in more:
            typer.echo(line, err=True)
    else:
        above = found.head.parts if found.head else []
        output.print_parts([*above, *found.table(rows), *more], output.console())


def _key_after(found: List[T], rows: Sequence[T], start: int) -> str:
    """The key of the last row of a page, or how many rows there are up to it."""
    if found.key is None:
        return str(start + len(rows))
    return found.key(rows[-1]) if rows else ""


def after_key(rows: Iterable[T], key: Callable[[T], str], after: str | None) -> Iterator[T]:
    """The rows after the one with a key, for a short list that is read as a whole.

    `after`: the key, None for all rows. Raises `Faults` when there is no such row.
    """
    found = iter(rows)
    if after is not None and all(key(row) != after for row in found):
        inputs.wrong("--after", f"there is no {after!r} in this list")
    return found


def without_test_clocks(test_clocks: bool, account: str | None = None) -> str:
    """Return the line below an empty list that leaves out the accounts on test clocks.

    `test_clocks`: whether they are listed. `account`: the one that is asked for by name.
    """
    if test_clocks or account is not None:
        return ""
    return "Accounts on test clocks are left out. The option --test-clocks shows them."


def left_out(more: int, how: str) -> list[str]:
    """Return the line that says how many rows are left out, and how they are seen, if any are.

    `more`: how many. `MOST_COUNTED` stands for that many or more.
    """
    if more <= 0:
        return []
    count = f"{more:,}" + (" or more" if more >= pages.MOST_COUNTED else " more")
    return [f"… and {count} ({how})"]


def _print_rows(rows: Iterator[T], found: List[T]) -> None:
    head = found.head
    values = (head.values, head.rows) if head else (None, "")
    print_json(map(found.value, rows), *values)


def _print_tables(rows: Iterator[T], found: List[T]) -> None:
    console, chunk = output.console(), list(islice(rows, _CHUNK))
    above = found.head.parts if found.head else []
    below = [found.when_empty] if found.when_empty and not chunk else []
    output.print_parts([*above, *found.table(chunk), *below], console)
    while len(chunk) == _CHUNK and (chunk := list(islice(rows, _CHUNK))):
        console.print()
        output.print_parts(found.table(chunk), console)


def print_json(
    rows: Iterable[Any], head: dict[str, Any] | None = None, name: str = "lines"
) -> None:
    """Print rows as one JSON array, row by row.

    `head`: values of an object that has the rows under `name`, default None: the array alone.
    """
    out, margin = sys.stdout, "  "
    if head is not None:
        out.write(plain_data.as_json(head).removesuffix("\n}") + f',\n  "{name}": ')
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
    output.say(f"{counted(written - 1, 'row is', 'rows are')} in {path}.")


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
