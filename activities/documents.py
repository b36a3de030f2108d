"""Documents as files: each is made once, kept with its SHA-256, and then always the same bytes.

The first request makes a document from the facts of the ledger and keeps it. Later requests get
what was kept, also when templates or fonts are other ones by then (docs/decisions/0024). This is
the way for a door that shows an invoice, and for a message that has one attached.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from core.domain.documents import AnyFacts, DocumentKind, Format, NoSuchDocument
from core.ledger.clocks import machine_now
from core.ledger.invoice_facts import invoice_facts, invoice_id, receipt_facts
from core.ledger.ledger import Ledger
from core.ledger.tables import DocumentRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file: its bytes, and their SHA-256 in hexadecimal digits."""

    content: bytes
    sha256: str


def invoice_document(
    ledger: Ledger, number: int, format_: Format, own: Path | None = None
) -> Document:
    """An invoice or credit note of the ledger's seller as a file.

    `own`: the folder of a seller's own templates, for one that was not made before.

    Raises `NoSuchDocument`, and `core.domain.documents.NotOffered` for XML that the official rules
    refuse, and for templates that do not work.
    """
    with ledger.read() as connection:
        id_ = invoice_id(connection, ledger.seller, number)
    if id_ is None:
        raise NoSuchDocument(f"There is no invoice {number}. `invoice list ACCOUNT` shows numbers.")
    return _kept(
        ledger,
        DocumentKind.INVOICE,
        id_,
        format_,
        lambda connection: invoice_facts(connection, id_),
        own,
    )


def receipt_document(
    ledger: Ledger, operation: int, format_: Format, own: Path | None = None
) -> Document:
    """A receipt of money that came in, as a file.

    `operation`: the id of a top-up, a card charge or a payment. `own`: as for invoices.

    Raises `NoSuchDocument`, and `core.domain.documents.NotOffered` for XML, and for templates that
    do not work.
    """

    def facts(connection: Connection) -> AnyFacts:
        try:
            return receipt_facts(connection, ledger.seller, operation)
        except LookupError as error:
            raise NoSuchDocument(f"There is no receipt {operation}: {error}.") from None

    return _kept(ledger, DocumentKind.RECEIPT, operation, format_, facts, own)


def _kept(
    ledger: Ledger,
    kind: DocumentKind,
    reference: int,
    format_: Format,
    facts: Callable[[Connection], AnyFacts],
    own: Path | None,
) -> Document:
    """The document that was kept, or else make it and keep it. The first one that is kept stays."""
    key = {"kind": str(kind), "reference": reference, "format": str(format_)}
    query = select(DocumentRow.content, DocumentRow.sha256).filter_by(**key)
    with ledger.engine.connect() as connection:
        reading = connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        found_facts = facts(reading)  # Whose it is, before anything is shown.
        found = reading.execute(query).one_or_none()
    if found is None:
        from core.documents.render import render  # Typst and Babel are slow to import.

        content = render(found_facts, format_, own)
        row = key | {
            "content": content,
            "sha256": sha256(content).hexdigest(),
            "at": machine_now(),
        }
        with ledger.transaction("keep_document") as connection:
            connection.execute(insert(DocumentRow).values(row).on_conflict_do_nothing())
        with ledger.read() as connection:
            found = connection.execute(query).one()
    return Document(content=found.content, sha256=found.sha256)
