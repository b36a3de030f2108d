"""How a file is written: its encoding, what separates its columns, and its quotes.

A mapping may declare each of these. What it does not declare is recognised, and the report says
what was recognised. The file is read once to its end for it, in blocks. So a byte that is no text
of the encoding is found before anything else, with its line.
"""

import codecs
import csv
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from core.domain.faults import Fault, Faults

DELIMITERS = {",": ",", ";": ";", "|": "|", "tab": "\t"}
"""The words of a mapping for what separates columns."""
_IN_WORDS = {",": "commas", ";": "semicolons", "|": "bars", "tab": "tabs"}
QUOTES = ('"', "'", "none")
"""The words of a mapping for what stands around cells."""
ENCODINGS = {
    "utf-8": "utf-8-sig",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "windows-1252": "cp1252",
}
"""The words of a mapping for encodings, each with the codec that reads it."""
LONGEST_LINE = 1_000_000
"""Characters of a line of the file."""

_BLOCK = 1 << 16
_SPREADSHEET = b"PK\x03\x04"
_OLD_SPREADSHEET = b"\xd0\xcf\x11\xe0"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEPARATOR = "sep="
"""A first line such as ``sep=;`` is a note for spreadsheet programs, and no header."""


@dataclass(frozen=True, slots=True)
class FileShape:
    """How a file is written.

    `encoding`, `delimiter`, `quote`: in the words of a mapping.
    `skipped`: whether the first line is a note such as ``sep=;``.
    `mapped`: whether a mapping can say how it is written.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    skipped: bool = False
    mapped: bool = True

    @property
    def codec(self) -> str:
        """The codec that reads the file."""
        return ENCODINGS[self.encoding]

    @property
    def words(self) -> str:
        """For people: ``windows-1252, columns separated by semicolons``."""
        quotes = "" if self.quote == '"' else f", quotes {self.quote}"
        return f"{self.encoding}, columns separated by {_IN_WORDS[self.delimiter]}{quotes}"


@dataclass(frozen=True, slots=True)
class Declared:
    """What a mapping says about the file. None: it is recognised.

    `encoding`, `delimiter`, `quote`: in the words of the mapping.
    """

    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None


def shape_of(file: Path, declared: Declared | None, wanted: Collection[str]) -> FileShape:
    """How a file is written. It is read to its end once.

    `declared`: what the mapping says about it. None: files of this kind have no mapping.
    `wanted`: names of columns that its header is expected to have.

    Raises `Faults` with the line for what is no text, and OSError for the file.
    """
    mapped, declared = declared is not None, declared or Declared()
    encoding = _without_mark(file) if declared.encoding == "utf-16" else declared.encoding
    encoding = encoding or _encoding(file)
    _check_text(file, encoding, mapped=mapped)
    with file.open(encoding=ENCODINGS[encoding], newline="") as opened:
        header = opened.readline(LONGEST_LINE).rstrip("\r\n")
        noted = _noted_delimiter(header)
        if noted:
            header = opened.readline(LONGEST_LINE).rstrip("\r\n")
    delimiter = declared.delimiter or noted or _delimiter(header, wanted)
    quote = declared.quote or _quote(header, DELIMITERS[delimiter])
    return FileShape(encoding, delimiter, quote, noted is not None, mapped)


def _encoding(file: Path) -> str:
    """UTF-16 by its mark or its zero bytes, UTF-8, or Windows-1252 if nothing in it is UTF-8."""
    valid = broken = 0
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    with file.open("rb") as opened:
        begin = opened.read(_BLOCK)
        if begin.startswith((_SPREADSHEET, _OLD_SPREADSHEET)):
            raise Faults([Fault("file", "is a spreadsheet, not CSV; save it as CSV first")])
        if begin.startswith(_UTF_16) or _looks_like_utf_16(begin):
            return _without_mark(file)
        while begin:
            text = decoder.decode(begin)
            if not text.isascii():
                some = sum("\udc80" <= character <= "\udcff" for character in text)
                broken += some
                valid += sum(character > "\x7f" for character in text) - some
            begin = opened.read(_BLOCK)
    return "windows-1252" if broken > valid else "utf-8"


def _looks_like_utf_16(begin: bytes) -> bool:
    """Whether every second byte of the first line is zero, in either order."""
    head = begin[:40]
    return len(head) > 7 and (not any(head[1::2]) or not any(head[::2]))


def _check_text(file: Path, encoding: str, *, mapped: bool) -> None:
    """Raise `Faults` with the line of the first byte that is no text of the encoding."""
    with file.open("rb") as opened:
        decoder = codecs.getincrementaldecoder(ENCODINGS[encoding])("strict")
        line = 1
        while True:
            block = opened.read(_BLOCK)
            try:
                text = decoder.decode(block, not block)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(ENCODINGS[encoding], "ignore")
                others = ", ".join(name for name in ENCODINGS if name != encoding)
                do = f"encoding: in a mapping may say {others}" if mapped else "save it in UTF-8"
                reason = f"is not {encoding.upper()} text; {do}"
                raise Faults([Fault(f"line {line + _ends(before)}", reason)]) from None
            if "\0" in text:
                at = line + _ends(text[: text.index("\0")])
                raise Faults([Fault(f"line {at}", "has a zero byte: this is not text")])
            line += _ends(text)
            if not block:
                return


def _without_mark(file: Path) -> str:
    """UTF-16, with the order of its bytes if the file has no mark that says it."""
    with file.open("rb") as opened:
        begin = opened.read(40)
    if begin.startswith(_UTF_16):
        return "utf-16"
    return "utf-16-be" if not any(begin[::2]) else "utf-16-le"


def _ends(text: str) -> int:
    """How many lines end in a text."""
    return text.count("\n") or text.count("\r")


def _noted_delimiter(line: str) -> str | None:
    begin = line.strip('"')
    if not begin.lower().startswith(_SEPARATOR):
        return None
    return next((w for w, c in DELIMITERS.items() if c == begin[len(_SEPARATOR) :]), None)


def _delimiter(header: str, wanted: Collection[str]) -> str:
    """What gives the header most of the wanted columns, and then most columns at all."""

    def fits(word: str) -> tuple[int, int]:
        cells = _cells(header, DELIMITERS[word], _quote(header, DELIMITERS[word]))
        return len({cell.strip() for cell in cells} & set(wanted)), len(cells)

    return max(DELIMITERS, key=fits)


def _quote(header: str, delimiter: str) -> str:
    """Single quotes if they stand around each name of the header, else double ones."""
    cells = header.split(delimiter)
    single = all(len(c) > 1 and c.strip()[:1] == "'" == c.strip()[-1:] for c in cells if c.strip())
    return "'" if single and "'" in header else '"'


def _cells(line: str, delimiter: str, quote: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, quotechar=quote), [])
    except csv.Error:
        return line.split(delimiter)
