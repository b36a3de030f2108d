"""The rows of a CSV file, read as a stream with bounds."""

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from core.domain.faults import Fault, Faults

LONGEST_LINE = 1_000_000
"""Bytes of a line of the file."""


def csv_rows(opened: BinaryIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file, each with the line in which it begins, without empty lines.

    Raises `Faults` for a file that is not CSV in UTF-8.
    """
    reader = csv.reader(_lines(opened), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise Faults([Fault(f"line {reader.line_num}", f"is not CSV: {error}")]) from None


def digest_of(file: Path) -> str:
    """The SHA-256 of a file's content, by which an import is known again. Raises OSError."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _lines(opened: BinaryIO) -> Iterator[str]:
    number = 0
    while raw := opened.readline(LONGEST_LINE + 1):
        number += 1
        if len(raw) > LONGEST_LINE:
            raise Faults([Fault(f"line {number}", f"has more than {LONGEST_LINE} bytes")])
        if b"\0" in raw:
            raise Faults([Fault(f"line {number}", "has a zero byte: this is not text")])
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise Faults([Fault(f"line {number}", "is not UTF-8 text")]) from None
