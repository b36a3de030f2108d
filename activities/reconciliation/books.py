"""The books: operations are balanced, and balances are the sums of their postings (Rule 11.3).

What was verified of an account is kept with the number of the history line up to which it was
verified. An account's lines with operations are written under its lock, so their numbers follow its
commits. A look adds the postings of newer lines and compares the sum with the balance.

An incremental pass looks at the accounts that differed before, at those with new history, and at a
slice of the others. A full pass looks at every operation, and verifies each account from its first
line.
"""

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import select, text

from activities.reconciliation import marks
from activities.reconciliation.batches import off, result
from activities.reconciliation.workflow_port import Limits
from core.domain.findings import Finding, FindingKind, ReconcileRequest, ReconcileResult
from core.domain.money import plain
from core.ledger.double_entry import Book, Purpose
from core.ledger.ledger import Ledger
from core.ledger.movements import together
from core.ledger.tables import AccountRow, History, VerifiedBalance

_ACCOUNTS_AT_ONCE = 100
_LINES_AT_ONCE = 2_500
_SLICE = "accounts"

_LOOK = text(
    f"""
WITH mine AS MATERIALIZED (
  SELECT a.id, a.currency, a.balance, v.account IS NOT NULL AS known,
         coalesce(v.differs, false) AS differed,
         CASE WHEN :anew THEN 0 ELSE coalesce(v.balance, 0) END AS verified,
         CASE WHEN :anew THEN '{{}}' ELSE coalesce(v.sums, '{{}}') END AS sums,
         CASE WHEN :anew THEN 0 ELSE coalesce(v.seq, 0) END AS seq
    FROM accounts a LEFT JOIN verified_balances v ON v.account = a.id
   WHERE a.id = ANY(CAST(:ids AS text[]))
), lines AS MATERIALIZED (
  SELECT m.id, l.seq, l.operation, l.moves
    FROM mine m CROSS JOIN LATERAL (
      SELECT h.seq, h.operation, h.amount IS NOT NULL AS moves FROM history h
       WHERE h.account = m.id AND h.seq > m.seq AND h.operation IS NOT NULL
       ORDER BY h.seq LIMIT :lines
    ) l
), moving AS (
  SELECT id, operation, max(seq) AS seq FROM (
    SELECT id, operation, seq FROM lines WHERE moves
    UNION ALL SELECT m.id, o.id, 0 FROM mine m JOIN operations o ON o.account = m.id
     WHERE (:anew OR NOT m.known) AND o.purpose = '{Purpose.OPENING_CREDITS}') moves
   GROUP BY id, operation
), moved AS (
  SELECT id, sum(amount) AS amount,
         jsonb_object_agg(
           purpose, jsonb_build_array(times, amount::text, newest[1], newest[2])) AS sums
    FROM (SELECT n.id, o.purpose, count(*) AS times, sum(p.amount) AS amount,
                 max(ARRAY[n.seq, o.id]) AS newest
            FROM moving n JOIN operations o ON o.id = n.operation
                 JOIN postings p ON p.operation = o.id
           WHERE p.book = '{Book.WALLET}' AND p.account = n.id GROUP BY n.id, o.purpose) m
   GROUP BY id
), reached AS (
  SELECT id, max(seq) AS seq, count(*) AS n, array_agg(DISTINCT operation) AS operations
    FROM lines GROUP BY id
)
SELECT m.id, m.currency, m.balance, m.known, m.differed, m.seq,
       m.verified + coalesce(moved.amount, 0) AS verified,
       m.sums, coalesce(moved.sums, '{{}}') AS moved,
       coalesce(reached.seq, m.seq) AS reached, coalesce(reached.n, 0) >= :lines AS more,
       coalesce(reached.operations, '{{}}') AS operations
  FROM mine m LEFT JOIN moved ON moved.id = m.id LEFT JOIN reached ON reached.id = m.id
 ORDER BY m.id
"""  # noqa: S608
)
_KEEP = text(
    """
INSERT INTO verified_balances AS old (account, balance, seq, differs, sums)
SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:balances AS numeric[]), CAST(:seqs AS bigint[]),
                     CAST(:differing AS boolean[]), CAST(:sums AS jsonb[]))
ON CONFLICT (account) DO UPDATE
   SET balance = excluded.balance, seq = excluded.seq, differs = excluded.differs,
       sums = excluded.sums
 WHERE :anew OR old.seq <= excluded.seq
"""
)
_OF_OPERATIONS = text(
    """
SELECT operation, currency, sum(amount) AS sum FROM postings
 WHERE operation = ANY(CAST(:ids AS bigint[])) GROUP BY operation, currency HAVING sum(amount) <> 0
 ORDER BY operation
"""
)
_LAST_OPERATION = text(
    "SELECT max(operation) FROM (SELECT operation FROM postings WHERE operation > :after "
    "ORDER BY operation, line LIMIT :lines) AS batch"
)
_UNTIL_OPERATION = text(
    """
SELECT operation, currency, sum(amount) AS sum FROM postings
 WHERE operation > :after AND operation <= :last GROUP BY operation, currency
HAVING sum(amount) <> 0 ORDER BY operation
"""
)


class _Stage(StrEnum):
    """What a batch looks at."""

    OPERATIONS = "operations"
    ANEW = "accounts from their first line"
    DIFFERING = "accounts that differed"
    TOUCHED = "accounts with new history"
    SLICE = "slice of the accounts"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a pass stands.

    `id`, `number`: after which account, operation or line of history it continues.
    `left`: the accounts that are left of a slice.
    `settled`, `seen`, `seen_by`: as in `marks.NewHistory`.
    """

    stage: _Stage
    id: str = ""
    number: int = 0
    left: int = 0
    settled: int = 0
    seen: int = 0
    seen_by: int = 0

    @classmethod
    def read(cls, place: str, *, full: bool) -> "_Place":
        """The place in a request. The first one is empty."""
        if not place:
            return cls(stage=_Stage.OPERATIONS if full else _Stage.DIFFERING)
        values = json.loads(place)
        return cls(**values | {"stage": _Stage(values["stage"])})

    def __str__(self) -> str:
        return json.dumps(asdict(self))


class Books:
    """Looks at operations and balances."""

    def __init__(self, ledger: Ledger, limits: Limits) -> None:
        self._ledger = ledger
        self._limits = limits

    async def look(self, request: ReconcileRequest) -> ReconcileResult:
        """Look at a batch."""
        place = _Place.read(request.after, full=request.full)
        found, checked, next_place = await off(self._batch, place)
        return result(found, checked, None if next_place is None else str(next_place))

    def _batch(self, place: _Place) -> tuple[list[Finding], int, _Place | None]:
        match place.stage:
            case _Stage.OPERATIONS:
                return self._operations(place)
            case _Stage.ANEW:
                ids = self._ids(select(AccountRow.id), AccountRow.id, place.id, self._limits.batch)
                found = self._accounts(ids, anew=True, known=True)
                return found, len(ids), self._more(place, ids)
            case _Stage.DIFFERING:
                query = select(VerifiedBalance.account).where(VerifiedBalance.differs)
                ids = self._ids(query, VerifiedBalance.account, place.id, self._limits.batch)
                found = self._accounts(ids, known=True)
                return found, len(ids), self._more(place, ids) or self._touched()
            case _Stage.TOUCHED:
                return self._with_new_history(place)
            case _Stage.SLICE:
                return self._slice(place)

    # every operation

    def _operations(self, place: _Place) -> tuple[list[Finding], int, _Place | None]:
        values = {"after": place.number, "lines": _LINES_AT_ONCE}
        with self._ledger.read() as connection:
            last = connection.execute(_LAST_OPERATION, values).scalar()
            if last is None:
                return [], 0, _Place(stage=_Stage.ANEW)
            rows = connection.execute(_UNTIL_OPERATION, {"after": place.number, "last": last}).all()
        return [_unbalanced(row) for row in rows], 0, replace(place, number=last)

    # accounts

    def _ids(self, query: Any, key: Any, after: str, most: int) -> list[str]:
        with self._ledger.read() as connection:
            found = connection.execute(query.where(key > after).order_by(key).limit(most))
            return list(found.scalars())

    def _more(self, place: _Place, ids: list[str]) -> _Place | None:
        return replace(place, id=ids[-1]) if len(ids) == self._limits.batch else None

    def _touched(self) -> _Place:
        with self._ledger.transaction("reconcile_books") as connection:
            new = marks.new_history(connection)
        return _Place(
            stage=_Stage.TOUCHED,
            number=new.after,
            settled=new.settled,
            seen=new.seen,
            seen_by=new.seen_by,
        )

    def _with_new_history(self, place: _Place) -> tuple[list[Finding], int, _Place | None]:
        query = (
            select(History.seq, History.account)
            .where(History.seq > place.number, History.seq <= place.seen)
            .order_by(History.seq)
            .limit(self._limits.batch)
        )
        with self._ledger.read() as connection:
            rows = connection.execute(query).all()
        ids = sorted({row.account for row in rows})
        found = self._accounts(ids)
        if len(rows) == self._limits.batch:
            return found, len(ids), replace(place, number=rows[-1].seq)
        with self._ledger.transaction("reconcile_books") as connection:
            new = marks.NewHistory(
                after=0, settled=place.settled, seen=place.seen, seen_by=place.seen_by
            )
            marks.history_was_read(connection, new)
            passes, batch = self._limits.passes, self._limits.batch
            size = marks.slice_size(connection, AccountRow.__tablename__, passes, batch)
            begin = marks.key_of(connection, _SLICE) if passes > 1 else ""
        return found, len(ids), _Place(stage=_Stage.SLICE, id=begin, left=size)

    def _slice(self, place: _Place) -> tuple[list[Finding], int, _Place | None]:
        most = self._limits.batch
        if self._limits.passes > 1:
            most = min(most, place.left)
        ids = self._ids(select(AccountRow.id), AccountRow.id, place.id, most)
        found = self._accounts(ids)
        ended = len(ids) < most
        with self._ledger.transaction("reconcile_books") as connection:
            marks.move_key(connection, _SLICE, "" if ended else ids[-1])
        left = place.left - len(ids)
        if ended or (self._limits.passes > 1 and left <= 0):
            return found, len(ids), None
        return found, len(ids), replace(place, id=ids[-1], left=left)

    def _accounts(
        self, ids: list[str], *, anew: bool = False, known: bool = False
    ) -> list[Finding]:
        """Verify accounts.

        `anew`: from their first line on.
        `known`: also report those that differed before. One stage of a pass reports them.
        """
        found = []
        for begin in range(0, len(ids), _ACCOUNTS_AT_ONCE):
            left, first = ids[begin : begin + _ACCOUNTS_AT_ONCE], anew
            while left:
                findings, left = self._verify(left, anew=first, known=known)
                found += findings
                first = False
        return found

    def _verify(
        self, ids: list[str], *, anew: bool, known: bool
    ) -> tuple[list[Finding], list[str]]:
        """Verify the next lines of accounts. Returns the accounts that have more lines, too."""
        values = {"ids": ids, "anew": anew, "lines": max(1, _LINES_AT_ONCE // len(ids))}
        with self._ledger.read() as connection:
            rows = connection.execute(_LOOK, values).all()
            operations = sorted({operation for row in rows for operation in row.operations})
            off_balance = connection.execute(_OF_OPERATIONS, {"ids": operations}).all()
        found = [_unbalanced(row) for row in off_balance]
        found += [_differing(row) for row in rows if _differs(row) and (known or not row.differed)]
        self._keep(rows, anew=anew)
        return found, [row.id for row in rows if row.more]

    def _keep(self, rows: Any, *, anew: bool) -> None:
        changed = [
            row
            for row in rows
            if anew or not row.known or row.reached > row.seq or row.differed != _differs(row)
        ]
        if not changed:
            return
        values = {
            "ids": [row.id for row in changed],
            "balances": [row.verified for row in changed],
            "seqs": [row.reached for row in changed],
            "differing": [_differs(row) for row in changed],
            "sums": [json.dumps(together(row.sums, row.moved)) for row in changed],
            "anew": anew,
        }
        with self._ledger.transaction("reconcile_books") as connection:
            connection.execute(_KEEP, values)


def _differs(row: Any) -> bool:
    return bool(not row.more and row.verified != row.balance)


def _unbalanced(row: Any) -> Finding:
    return Finding(
        kind=FindingKind.UNBALANCED,
        subject=str(row.operation),
        what=f"its postings sum to {plain(row.sum, row.currency)} {row.currency}",
    )


def _differing(row: Any) -> Finding:
    return Finding(
        kind=FindingKind.BALANCE,
        subject=row.id,
        what=(
            f"its balance is {plain(row.balance, row.currency)} {row.currency}, "
            f"its postings sum to {plain(row.verified, row.currency)}"
        ),
    )
