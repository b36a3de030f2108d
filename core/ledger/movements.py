"""What has moved a wallet: sums by purpose, and the newest movements (Rules 11.1, 11.3).

Reconciliation keeps the sums with what it has verified of an account (`verified_balances`). So
the reasons of a balance read what is new only, however long the account's history is.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from core.domain.subscription import ZERO
from core.ledger.double_entry import Book, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementSum:
    """The movements of one wallet for one purpose.

    `amount`: their sum, in the account's currency. `last`: the newest operation. `seq`: its place
    in the history. Ids of operations are handed out in blocks, and are in no order of time.
    """

    purpose: Purpose
    times: int
    amount: Decimal
    seq: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One posting to a wallet.

    `at`: the instant of its operation. `amount`: in the account's currency.
    """

    operation: int
    line: int
    at: datetime
    purpose: Purpose
    subscription: str | None
    amount: Decimal


Document = dict[str, list[Any]]
"""Sums as a row keeps them: purpose to times, amount as text, place, and newest operation."""

_KEPT = text("SELECT seq, sums FROM verified_balances WHERE account = :account")
_OPENING = f"""
SELECT id FROM operations WHERE account = :account AND purpose = '{Purpose.OPENING_CREDITS}'
"""  # noqa: S608
#: Rows of postings are found by operation. OFFSET 0 keeps the order in which they are joined.
_OF_OPERATIONS = f"""
  FROM moving m CROSS JOIN LATERAL (SELECT * FROM operations WHERE id = m.operation OFFSET 0) o
       CROSS JOIN LATERAL (SELECT * FROM postings WHERE operation = o.id OFFSET 0) p
 WHERE p.account = :account AND p.book = '{Book.WALLET}'
"""  # noqa: S608
_SUMS = text(
    f"""
WITH moving AS (
  SELECT operation, max(seq) AS seq FROM (
    SELECT operation, seq FROM history
     WHERE account = :account AND seq > :seq AND operation IS NOT NULL AND amount IS NOT NULL
    UNION ALL SELECT id, 0 FROM ({_OPENING}) opening WHERE NOT :known) lines
   GROUP BY operation
)
SELECT o.purpose, count(*) AS times, sum(p.amount)::text AS amount,
       max(ARRAY[m.seq, o.id]) AS newest
{_OF_OPERATIONS} GROUP BY o.purpose
"""  # noqa: S608
)
_NEWEST = text(
    f"""
WITH moving AS (
  SELECT operation, max(seq) AS seq FROM (
    (SELECT operation, seq FROM history
      WHERE account = :account AND operation IS NOT NULL AND amount IS NOT NULL
      ORDER BY seq DESC LIMIT :most)
    UNION ALL SELECT id, 0 FROM ({_OPENING}) opening) newest
   GROUP BY operation
)
SELECT o.id, o.at, o.purpose, o.subscription, p.line, p.amount
{_OF_OPERATIONS} ORDER BY m.seq DESC, o.id DESC, p.line LIMIT :most
"""  # noqa: S608
)


def sums_of(connection: Connection, account: str) -> list[MovementSum]:
    """The movements of an account's wallet by purpose, the purpose that moved it last first."""
    kept = connection.execute(_KEPT, {"account": account}).one_or_none()
    values = {"account": account, "seq": kept.seq if kept else 0, "known": kept is not None}
    new = {
        row.purpose: [row.times, row.amount, *row.newest]
        for row in connection.execute(_SUMS, values)
    }
    found = (
        MovementSum(
            purpose=Purpose(purpose), times=times, amount=Decimal(amount), seq=seq, last=last
        )
        for purpose, (times, amount, seq, last) in together(kept.sums if kept else {}, new).items()
    )
    return sorted(found, key=lambda it: (it.seq, it.last), reverse=True)


def newest(connection: Connection, account: str, most: int) -> list[Movement]:
    """The newest movements of an account's wallet, the newest first."""
    rows = connection.execute(_NEWEST, {"account": account, "most": most})
    return [
        Movement(
            operation=row.id,
            line=row.line,
            at=row.at,
            purpose=Purpose(row.purpose),
            subscription=row.subscription,
            amount=row.amount,
        )
        for row in rows
    ]


def together(kept: Document, new: Document) -> Document:
    """The sums of two parts of a history, as one."""
    found = dict(kept)
    for purpose, (times, amount, *last) in new.items():
        before, moved, *newest = kept.get(purpose, [0, str(ZERO), 0, 0])
        summed = Decimal(moved) + Decimal(amount)
        found[purpose] = [before + times, str(summed), *max(newest, last)]
    return found
