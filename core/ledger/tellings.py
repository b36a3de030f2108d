"""Whose workflow is still to be told what its subject has become.

A transaction writes such a row when it changes a subject whose workflow has not asked for it, and
does not wake up by itself (`core.ledger.unit_of_work`). The row goes when the workflow was told. So
nothing is lost when the process that tells dies.

Most workflows need it `soon`: they would act too late. One whose step has only moved to later wakes
up at the old instant and finds out. Such a row may wait for its turn.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select, text, tuple_

from core.domain.steps import Subject, SubjectKind
from core.ledger.bulk_write import one_of
from core.ledger.tables import SubscriptionRow, Telling

_KEY = tuple_(Telling.subject_kind, Telling.subject)
_WAITING = (
    select(Telling.__table__)
    .where(tuple_(bindparam("kind"), bindparam("after")) < _KEY)
    .order_by(Telling.subject_kind, Telling.subject)
    .limit(bindparam("limit"))
)
_OF_CLOCK = _WAITING.where(Telling.clock == bindparam("clock"))
_SOON = _WAITING.where(Telling.soon)
_LATER = _WAITING.where(~Telling.soon)
_OF_ONE = select(Telling.soon).where(
    Telling.subject_kind == bindparam("kind"), Telling.subject == bindparam("subject")
)
_DONE = text(
    "DELETE FROM tellings t USING unnest(CAST(:kinds AS text[]), CAST(:ids AS text[]), "
    "CAST(:versions AS int[])) AS done(kind, id, version) "
    "WHERE t.subject_kind = done.kind AND t.subject = done.id AND t.version <= done.version"
)
_STARTED = text(
    "WITH started AS (UPDATE subscriptions s SET workflow_started = true "
    "FROM unnest(CAST(:ids AS text[]), CAST(:versions AS int[])) AS with_(id, version) "
    "WHERE s.id = with_.id RETURNING s.id, s.clock, s.version, with_.version AS known) "
    "INSERT INTO tellings (subject_kind, subject, clock, version) "
    "SELECT 'subscription', id, clock, version FROM started WHERE version > known "
    "ON CONFLICT (subject_kind, subject) DO UPDATE SET version = excluded.version, soon = true"
)
BEGIN = Subject(SubjectKind.ACCOUNT, "")
"""It comes before every subject in the order of their keys."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A subject whose workflow is to be told, and the version that it has at least."""

    subject: Subject
    version: int


def waiting(
    connection: Connection,
    limit: int,
    after: Subject = BEGIN,
    clock: str | None = None,
    *,
    soon: bool | None = None,
) -> Sequence[Waiting]:
    """The next subjects in the order of their keys.

    `limit`: how many at most.
    `after`: the last one that was read, default none.
    `clock`: only those of a test clock, default all.
    `soon`: only those that are to be told soon, or only the others, default all.
    """
    values: dict[str, Any] = {"kind": str(after.kind), "after": after.id, "limit": limit}
    query = _WAITING if soon is None else _SOON if soon else _LATER
    if clock is not None:
        query, values = _OF_CLOCK, values | {"clock": clock}
    rows = connection.execute(query, values)
    return [
        Waiting(Subject(SubjectKind(row.subject_kind), row.subject), row.version) for row in rows
    ]


def is_waiting(connection: Connection, subject: Subject, *, later: bool = False) -> bool:
    """Whether the workflow of a subject is still to be told.

    `later`: only if it would find out in time by itself. Default: in any case.
    """
    values = {"kind": str(subject.kind), "subject": subject.id}
    row = connection.execute(_OF_ONE, values).first()
    return row is not None and not (later and row.soon)


def done(connection: Connection, told: Iterable[Waiting]) -> None:
    """Remove what was told, unless it has changed again since then."""
    told = list(told)
    values = {
        "kinds": [str(one.subject.kind) for one in told],
        "ids": [one.subject.id for one in told],
        "versions": [one.version for one in told],
    }
    connection.execute(_DONE, values)


def note_started(connection: Connection, versions: Mapping[str, int]) -> set[str]:
    """Note that the workflows of subscriptions were started, by id with the version they know.

    Those that have changed meanwhile are to be told. Returns the ids of those that no longer exist,
    because their import was undone meanwhile. The caller ends their workflows.
    """
    ids = sorted(versions)
    connection.execute(_STARTED, {"ids": ids, "versions": [versions[id_] for id_ in ids]})
    # The rows are locked now, so an undoing that comes later ends their workflows itself.
    there = select(SubscriptionRow.id).where(one_of(SubscriptionRow.id, ids))
    return set(ids) - set(connection.execute(there).scalars())
