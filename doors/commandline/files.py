"""Documents that are written to files."""

import os
import tempfile
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from activities.documents import Document
from core.documents.render import render
from core.domain.documents import Format
from core.ledger.ledger import Ledger
from doors.commandline.inputs import wrong
from doors.commandline.output import show
from doors.queries.statements import Statement, statement_facts


def write(to: Path, document: Document, what: str, *, json: bool) -> None:
    """Write a document to a file as a whole, and say so. Raises `Faults`."""
    write_whole(to, [document.content])
    size = len(document.content)
    values = {"file": str(to), "bytes": size, "sha256": document.sha256}
    show(values, f"{what} is in {to}: {size:,} bytes, SHA-256 {document.sha256}.", json=json)


def write_private(to: Path, pieces: Iterable[str], what: str, *, json: bool) -> None:
    """Write text piece by piece to a file that only its owner can read. Raises `Faults`."""
    size = write_whole(to, (piece.encode() for piece in pieces), private=True)
    values = {"file": str(to), "bytes": size}
    show(values, f"{what} is in {to}: {size:,} bytes, for its owner to read only.", json=json)


def write_whole(to: Path, pieces: Iterable[bytes], *, private: bool = False) -> int:
    """Write a file, and return its bytes. Raises `Faults`.

    `private`: only its owner can read it. Default: as the process makes files.

    After an interruption the file is the old one or the new one, and never half of it.
    """
    if to.is_dir():
        wrong("--to", f"{to} is a directory; name a file")
    size = 0
    try:
        handle, name = tempfile.mkstemp(dir=to.parent, prefix=f".{to.name[:100]}.")
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in pieces:
                    size += file.write(piece)
            os.chmod(name, 0o600 if private else 0o666 & ~_umask())
            os.replace(name, to)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        wrong("--to", f"{to} cannot be written: {error.strerror or error}")
    return size


def write_statement(
    ledger: Ledger,
    found: Statement,
    pdf: Path | None,
    html: Path | None,
    *,
    own: Path | None,
    json: bool,
) -> None:
    """Write a statement as PDF, as HTML, or as both. Raises `Faults` and `NotOffered`.

    `own`: the folder of the seller's own templates of documents.
    """
    facts = statement_facts(ledger, found)
    for to, format_ in ((pdf, Format.PDF), (html, Format.HTML)):
        if to is not None:
            content = render(facts, format_, own)
            made = Document(content=content, sha256=sha256(content).hexdigest())
            write(to, made, f"The statement of {found.account}", json=json)


def _umask() -> int:
    """The mask of the process for new files. It can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
