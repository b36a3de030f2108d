"""The receipt of a campaign as CSV, written row by row."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from core.domain.counted import counted
from core.ledger.ledger import Ledger
from doors.application.csv_lines import csv_line
from doors.commandline.connection import ledger
from doors.commandline.inputs import wrong
from doors.commandline.output import print_json, say
from doors.queries.campaigns import progress_of, receipt
from doors.queries.receipt_csv import COLUMNS, cells


def write_receipt(campaign: str, out: Path | None, *, force: bool, json: bool) -> None:
    """Write the receipt to a file, or to stdout. Raises NotFound, and `Faults` for the file.

    `force`: replace a file that exists.
    `json`: print it as JSON instead.

    It can be written at any time. A row that waits has no outcome yet.
    """
    if json and out is not None:
        wrong("--json", "prints the receipt; --out writes a CSV file: give one of them")
    with ledger() as opened:
        if json:
            print_json(list(receipt(opened, campaign)))
            return
        progress_of(opened, campaign)
        if out is None:
            with suppress(BrokenPipeError):  # such as a pipe into `head`
                _write(opened, campaign, sys.stdout)
                sys.stdout.flush()
            return
        try:
            with out.open("w" if force else "x", encoding="utf-8", newline="") as file:
                rows = _write(opened, campaign, file)
        except FileExistsError:
            wrong("--out", f"{out} exists; name another file, or replace it with --force")
        except OSError as error:
            wrong("--out", f"{out} cannot be written: {error.strerror or error}")
    say(f"{out} has {counted(rows, 'row')}.")


def _write(opened: Ledger, campaign: str, file: TextIO) -> int:
    count = 0
    file.write(csv_line(COLUMNS))
    for row in receipt(opened, campaign):
        file.write(csv_line(cells(row)))
        count += 1
    return count
