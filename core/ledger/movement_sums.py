"""How often and by how much each purpose has moved a wallet (Rules 11.1, 11.3).

Reconciliation keeps these sums with what it has verified of an account (`verified_balances`). So
the reasons of a balance read what is new only, however long the account's history is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from core.domain.subscription import ZERO
from core.ledger.double_entry import Book, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementSum:
    """The movements of one wallet for one purpose.

    `amount`: their sum, in the account's currency. `last`: the newest operation.
    """

    purpose: Purpose
    times: int
    amount: Decimal
    last: int


Document = dict[str, list[Any]]
"""Sums as a row keeps them: purpose to times, amount as text, and newest operation."""

_SUMS = text(
    f"""
WITH known AS (
  SELECT coalesce(max(seq), 0) AS seq, count(*) > 0 AS known FROM verified_balances
   WHERE account = :account
), moving AS (
  SELECT DISTINCT h.operation FROM history h CROSS JOIN known
   WHERE h.account = :account AND h.seq > known.seq AND h.operation IS NOT NULL
     AND h.amount IS NOT NULL
  UNION SELECT o.id FROM operations o CROSS JOIN known
   WHERE o.account = :account AND o.purpose = '{Purpose.OPENING_CREDITS}' AND NOT known.known
)
SELECT o.purpose, count(*) AS times, sum(p.amount)::text AS amount, max(o.id) AS last
  FROM moving m JOIN operations o ON o.id = m.operation JOIN postings p ON p.operation = o.id
 WHERE p.account = :account AND p.book = '{Book.WALLET}' GROUP BY o.purpose
"""  # noqa: S608
)
_KEPT = text("SELECT sums FROM verified_balances WHERE account = :account")


def sums_of(connection: Connection, account: str) -> list[MovementSum]:
    """The movements of an account's wallet by purpose, the purpose that moved it last first."""
    kept = connection.execute(_KEPT, {"account": account}).scalar() or {}
    new = {
        row.purpose: [row.times, row.amount, row.last]
        for row in connection.execute(_SUMS, {"account": account})
    }
    found = (
        MovementSum(purpose=Purpose(purpose), times=times, amount=Decimal(amount), last=last)
        for purpose, (times, amount, last) in together([kept, new]).items()
    )
    return sorted(found, key=lambda it: it.last, reverse=True)


def together(parts: Iterable[Document]) -> Document:
    """The sums of several parts of a history, as one."""
    found: Document = {}
    for part in parts:
        for purpose, (times, amount, last) in part.items():
            before, moved, newest = found.get(purpose, [0, str(ZERO), 0])
            summed = Decimal(moved) + Decimal(amount)
            found[purpose] = [before + times, str(summed), max(newest, last)]
    return found
