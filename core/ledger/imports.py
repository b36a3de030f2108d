"""Which imports there were, and what came in with each (docs/decisions/0021).

The rows are the register by which an import is undone. They stay when it was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, select, tuple_, update

from core.domain.imported_subscription import ImportKind
from core.ledger.bulk_write import insert_all, one_of
from core.ledger.tables import ImportedRow, ImportRow

MOST_IMPORTS = 1_000
"""Imports of one list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFacts:
    """What is known of an import before its rows come in.

    `kind`: what its rows are.
    `file`: the name of the file. `digest`: the SHA-256 of its content.
    `prefix`: the text before every id. Default none.
    `clock`: the test clock of its accounts. Default none.
    `as_of`: the day on which Perennial takes over. Default the day of the import.
    `actor`: who has asked for it.
    """

    kind: ImportKind
    file: str
    digest: str
    prefix: str = ""
    clock: str | None = None
    as_of: date | None = None
    actor: str = "perennial"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportLine:
    """An import as a list shows it.

    `id`: by which it is named.
    `kind`, `file`, `prefix`, `clock`, `as_of`, `actor`: as in `ImportFacts`.
    `at`: when it began (UTC).
    `rows`: how many subscriptions or numbers came in with it. `undone`: how many were taken back.
    """

    id: int
    kind: ImportKind
    file: str
    prefix: str
    clock: str | None
    as_of: date | None
    actor: str
    at: datetime
    rows: int
    undone: int


class Came(NamedTuple):
    """What came in: the subject, and its account. A number has an empty account."""

    account: str
    subject: str


def open_import(connection: Connection, seller: str, facts: ImportFacts, now: datetime) -> int:
    """The id of an import that begins now (UTC), or that goes on after it was interrupted.

    It goes on if the newest import of the same file with the same choices was not undone.
    """
    gone = exists().where(ImportedRow.import_id == ImportRow.id, ImportedRow.undone_at.is_not(None))
    query = (
        select(ImportRow.id, gone.label("gone"))
        .where(
            ImportRow.seller == seller,
            ImportRow.kind == str(facts.kind),
            ImportRow.digest == facts.digest,
            ImportRow.prefix == facts.prefix,
            ImportRow.clock.is_not_distinct_from(facts.clock),
            ImportRow.as_of.is_not_distinct_from(facts.as_of),
        )
        .order_by(ImportRow.id.desc())
        .limit(1)
    )
    found = connection.execute(query).one_or_none()
    if found is not None and not found.gone:
        return int(found.id)
    begun = insert(ImportRow).values(
        seller=seller,
        kind=str(facts.kind),
        file=facts.file,
        digest=facts.digest,
        prefix=facts.prefix,
        clock=facts.clock,
        as_of=facts.as_of,
        actor=facts.actor,
        at=now,
    )
    return int(connection.execute(begun.returning(ImportRow.id)).scalar_one())


def note_came(connection: Connection, import_id: int, came: Iterable[Came]) -> None:
    """Note what came in with an import, in the transaction that wrote it."""
    rows = [
        {"import_id": import_id, "account": one.account, "subject": one.subject} for one in came
    ]
    if rows:
        insert_all(connection, ImportedRow, rows)


def list_imports(
    connection: Connection, seller: str, ids: Sequence[int] = (), before: int | None = None
) -> list[ImportLine]:
    """The imports of a seller, the newest first, or those with these ids. At most 1,000.

    `before`: only those before this one. It is the last one of the page before.
    """
    count = (
        select(
            func.count().label("rows"),
            func.count(ImportedRow.undone_at).label("undone"),
        )
        .where(ImportedRow.import_id == ImportRow.id)
        .lateral()
    )
    query = (
        select(ImportRow.__table__, count)
        .where(ImportRow.seller == seller)
        .order_by(ImportRow.id.desc())
        .limit(MOST_IMPORTS)
    )
    if ids:
        query = query.where(ImportRow.id.in_(ids))
    if before is not None:
        query = query.where(ImportRow.id < before)
    return [
        ImportLine(
            id=row.id,
            kind=ImportKind(row.kind),
            file=row.file,
            prefix=row.prefix,
            clock=row.clock,
            as_of=row.as_of,
            actor=row.actor,
            at=row.at,
            rows=row.rows,
            undone=row.undone,
        )
        for row in connection.execute(query)
    ]


def named(connection: Connection, seller: str, name: str) -> list[int]:
    """The ids of the imports that a person means by an id, or by a prefix. Perhaps none.

    An id wins over a prefix of the same digits.
    """
    mine = select(ImportRow.id).where(ImportRow.seller == seller).order_by(ImportRow.id)
    if name.isdecimal() and len(name) < _DIGITS:
        by_id = connection.execute(mine.where(ImportRow.id == int(name))).scalars().all()
        if by_id:
            return list(by_id)
    if not name:
        return []
    return list(connection.execute(mine.where(ImportRow.prefix == name)).scalars())


_DIGITS = 19
"""Ids have fewer decimal digits than this."""


def page(
    connection: Connection, import_id: int, after: Came, most: int, *, undone: bool = False
) -> list[Came]:
    """What came in with an import and is there still, by account and subject, after a place.

    `undone`: what was taken back instead, and whose workflow is not known to have ended.
    """
    here = and_(ImportedRow.undone_at.is_not(None), ~ImportedRow.ended)
    query = (
        select(ImportedRow.account, ImportedRow.subject)
        .where(
            ImportedRow.import_id == import_id,
            tuple_(ImportedRow.account, ImportedRow.subject) > tuple_(*after),
            here if undone else ImportedRow.undone_at.is_(None),
        )
        .order_by(ImportedRow.account, ImportedRow.subject)
        .limit(most)
    )
    return [Came(*row) for row in connection.execute(query)]


def note_undone(connection: Connection, import_id: int, came: Sequence[Came], at: datetime) -> None:
    """Note that numbers were taken back at an instant (UTC). They have no workflow."""
    connection.execute(
        update(ImportedRow)
        .where(ImportedRow.import_id == import_id, _among(came))
        .values(undone_at=at, ended=True)
    )


def note_ended(connection: Connection, import_id: int, came: Sequence[Came]) -> None:
    """Note that the workflows of what was taken back have ended."""
    connection.execute(
        update(ImportedRow)
        .where(ImportedRow.import_id == import_id, _among(came))
        .values(ended=True)
    )


def not_ended(connection: Connection, subjects: list[str]) -> dict[str, int]:
    """Which of these were taken back while their workflow may still run, with their import."""
    query = select(ImportedRow.subject, ImportedRow.import_id).where(
        one_of(ImportedRow.subject, subjects),
        ImportedRow.undone_at.is_not(None),
        ~ImportedRow.ended,
    )
    return {row.subject: row.import_id for row in connection.execute(query)}


def _among(came: Sequence[Came]) -> ColumnElement[bool]:
    return and_(
        one_of(ImportedRow.account, sorted({one.account for one in came})),
        one_of(ImportedRow.subject, [one.subject for one in came]),
    )
