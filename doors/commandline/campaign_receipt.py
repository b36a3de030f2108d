"""The receipt of a campaign as CSV, written row by row."""

import csv
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from core.ledger.ledger import Ledger
from doors.application.safe_text import spreadsheet_cell
from doors.commandline.campaign_tables import RECEIPT, amount_of
from doors.commandline.connection import ledger
from doors.commandline.inputs import wrong
from doors.commandline.output import print_json, say
from doors.queries.campaigns import ReceiptRow, progress_of, receipt


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
    say(f"{out} has {rows} rows.")


def _write(opened: Ledger, campaign: str, file: TextIO) -> int:
    writer, count = csv.writer(file, lineterminator="\n"), 0
    writer.writerow(RECEIPT)
    for row in receipt(opened, campaign):
        writer.writerow(_cells(row))
        count += 1
    return count


def _cells(row: ReceiptRow) -> list[str | int]:
    return [
        row.line,
        spreadsheet_cell(row.subscription),
        row.outcome or "",
        amount_of(row.amount, row.currency),
        row.currency or "",
        row.rule or "",
        spreadsheet_cell(row.sentence or ""),
        "" if row.at is None else row.at.isoformat(),
        row.request_id,
    ]
