"""Take imports back, as long as nothing has happened to what came in (docs/decisions/0021).

An account goes as a whole, with its subscriptions, its money and its schedule, or it stays as a
whole. So no balance has to be corrected. The history stays and tells of both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from core.domain.events import Event
from core.domain.numbers import Cause, Happened, NumberState
from core.domain.planner.notices import MessageState
from core.domain.rules import Rule
from core.ledger import imports
from core.ledger.double_entry import Book, Purpose
from core.ledger.imports import Came
from core.ledger.ledger import Ledger

FIRST = Came("", "")
"""The place before everything that came in."""

_LOCK = text(
    "SELECT id, suspended, closed_on FROM accounts WHERE id = ANY (:accounts) "
    "ORDER BY id FOR UPDATE"
)
#: One thing for each account that has happened to it, or one subscription of another origin. The
#: history tells of renewals, so their operations are left out, and the index is small.
_HAPPENED = text(
    f"""
SELECT wanted.id AS account, other.id AS other, line.event, line.at, told.kind AS notice,
       moved.purpose, charge.key AS charge, kept.number
  FROM unnest(:accounts) AS wanted(id)
  LEFT JOIN LATERAL (
    SELECT s.id FROM subscriptions s WHERE s.account = wanted.id AND NOT EXISTS (
      SELECT 1 FROM imported i WHERE i.import_id = ANY (:imports) AND i.account = wanted.id
         AND i.subject = s.id AND i.undone_at IS NULL) ORDER BY s.id LIMIT 1) other ON true
  LEFT JOIN LATERAL (
    SELECT h.event, h.at FROM history h WHERE h.account = wanted.id
       AND h.event <> ALL (:import_events) ORDER BY h.seq LIMIT 1) line ON true
  LEFT JOIN LATERAL (
    SELECT m.kind FROM messages m JOIN subscriptions s ON s.id = m.subscription
     WHERE s.account = wanted.id AND m.state = :sent LIMIT 1) told ON true
  LEFT JOIN LATERAL (
    SELECT o.purpose FROM operations o WHERE o.account = wanted.id AND o.purpose <> :purpose
       AND o.purpose <> '{Purpose.NEXT_CYCLE}' ORDER BY o.id LIMIT 1) moved ON true
  LEFT JOIN LATERAL (
    SELECT c.key FROM card_charges c WHERE c.account = wanted.id LIMIT 1) charge ON true
  LEFT JOIN LATERAL (
    SELECT n.number FROM numbers n WHERE n.account = wanted.id AND n.state <> :in_use
       AND n.cause IS DISTINCT FROM :expired LIMIT 1
  ) kept ON true
"""  # noqa: S608 (a word of ours)
).bindparams(
    bindparam("accounts", type_=ARRAY(Text)), bindparam("import_events", type_=ARRAY(Text))
)
_TELL = text(
    f"""
INSERT INTO history (at, account, subscription, event, amount, rule, actor, facts)
SELECT :now, o.account, o.subscription, :event,
       -(SELECT sum(p.amount) FROM postings p WHERE p.operation = o.id AND p.book = :wallet),
       :rule, :actor, '{{}}'
  FROM operations o WHERE o.account = ANY (:accounts) AND o.purpose = '{Purpose.IMPORT}'
 ORDER BY o.id
"""  # noqa: S608 (a word of ours)
)
#: A number that was in the inventory before is free again. Another one leaves it.
_FREE_NUMBERS = text(
    """
WITH back AS (
  UPDATE numbers n SET account = NULL, subscription = NULL, until = NULL, cause = NULL,
         remark = NULL, version = n.version + 1, since = :today,
         state = CASE WHEN coalesce((
           SELECT h.what FROM number_history h
            WHERE h.seller = n.seller AND h.number = n.number AND h.what <> ALL (:with_customer)
              AND (h.what <> :undone OR h.account IS NULL)
            ORDER BY h.seq DESC LIMIT 1), :undone) IN (:undone, :left) THEN :gone ELSE :free END
    FROM numbers o WHERE o.seller = n.seller AND o.number = n.number
     AND n.account = ANY (:accounts) RETURNING n.seller, n.number, o.account)
INSERT INTO number_history (seller, number, account, at, what, actor)
SELECT seller, number, account, :now, :undone, :actor FROM back ORDER BY seller, number
"""
)
_UNDO = text("SELECT undo_import(:imports, :accounts, :now)")
#: Free numbers of which the import is the last thing that has happened.
_TAKE_OUT = text(
    """
WITH out AS (
  UPDATE numbers n SET state = :gone, version = n.version + 1, since = :today
   WHERE n.seller = :seller AND n.number = ANY (:numbers) AND n.state = :free
     AND (SELECT h.what FROM number_history h WHERE h.seller = n.seller AND h.number = n.number
           ORDER BY h.seq DESC LIMIT 1) IN (:imported, :undone)
  RETURNING n.number)
INSERT INTO number_history (seller, number, at, what, actor)
SELECT :seller, number, :now, :undone, :actor FROM out ORDER BY number RETURNING number
"""
)


@dataclass(frozen=True, slots=True)
class Kept:
    """What an undoing leaves alone: the account, or a number, and what has happened to it."""

    subject: str
    why: str


@dataclass(frozen=True, slots=True)
class UndoneBatch:
    """What became of a part of an import.

    `undone`: what was taken back, or would be.
    `kept`: what was left alone.
    `after`: where the next part begins. None after the last one.
    """

    undone: tuple[Came, ...]
    kept: tuple[Kept, ...]
    after: Came | None


def undo_some(
    ledger: Ledger,
    import_id: int,
    of: Sequence[int],
    after: Came,
    now: datetime,
    actor: str,
    *,
    most: int,
    dry_run: bool = False,
) -> UndoneBatch:
    """Take back some accounts of an import, in one transaction.

    `import_id`: the import. `of`: all imports that are undone together. An account may have
    subscriptions of several.
    `after`: the place after which accounts are looked at.
    `now`: the instant (UTC) for the history. `actor`: who asks for it.
    `most`: rows of the import that are read. The last account of them is completed.
    `dry_run`: only look.
    """
    with ledger.transaction("undo_import") as connection:
        rows = imports.page(connection, import_id, after, most)
        if not rows:
            return UndoneBatch((), (), None)
        accounts = sorted({row.account for row in rows})
        if dry_run:
            locked = connection.execute(
                text("SELECT id, suspended, closed_on FROM accounts WHERE id = ANY (:accounts)"),
                {"accounts": accounts},
            )
        else:
            locked = connection.execute(_LOCK, {"accounts": accounts})
        halted = {row.id: row.suspended or row.closed_on is not None for row in locked}
        # Another undoing has just taken back what is gone.
        here = [account for account in accounts if account in halted]
        kept = _happened(connection, here, of, halted)
        free = [account for account in here if account not in kept]
        came = tuple(row for row in rows if row.account in free)
        if free and not dry_run:
            came = _undo(connection, free, of, now, actor)
    last = None if len(rows) < most else rows[-1] if dry_run else Came(accounts[-1], _LAST)
    why = tuple(Kept(account, reason) for account, reason in kept.items())
    return UndoneBatch(came, why, last)


_LAST = "\U0010ffff"
"""Comes after every id. So the account before it is finished."""


def _undo(
    connection: Connection, accounts: list[str], of: Sequence[int], now: datetime, actor: str
) -> tuple[Came, ...]:
    values: dict[str, object] = {"accounts": accounts, "now": now, "actor": actor}
    found = connection.execute(
        text("SELECT account, id FROM subscriptions WHERE account = ANY (:accounts)"), values
    )
    came = tuple(Came(*row) for row in found)
    connection.execute(
        _TELL,
        values
        | {
            "event": Event.IMPORT_UNDONE,
            "wallet": Book.WALLET,
            "rule": Rule.DOUBLE_ENTRY,
        },
    )
    connection.execute(_FREE_NUMBERS, values | _words(now))
    connection.execute(_UNDO, {"imports": list(of), "accounts": accounts, "now": now})
    return came


def _words(now: datetime) -> dict[str, object]:
    return {
        "today": now.date(),
        "imported": Happened.IMPORTED,
        "undone": Happened.UNDONE,
        "left": Happened.LEFT,
        "with_customer": [str(Happened.TAKEN), str(Happened.GIVEN_BACK)],
        "free": NumberState.FREE,
        "gone": NumberState.GONE,
    }


def _happened(
    connection: Connection, accounts: list[str], of: Sequence[int], halted: Mapping[str, bool]
) -> dict[str, str]:
    """What has happened to accounts beside their import, by id."""
    values = {
        "accounts": accounts,
        "imports": list(of),
        "import_events": [str(Event.IMPORTED), str(Event.IMPORT_UNDONE)],
        "sent": MessageState.SENT,
        "purpose": Purpose.IMPORT,
        "in_use": NumberState.IN_USE,
        "expired": Cause.EXPIRED,
    }
    found: dict[str, str] = {}
    for row in connection.execute(_HAPPENED, values):
        why = None
        if row.event is not None:
            why = f"{Event(row.event).words} on {row.at:%Y-%m-%d}"
        elif row.purpose is not None:
            why = f"its settings were changed ({Purpose(row.purpose).words})"
        elif row.notice is not None:
            why = "a notice was sent to the customer"
        elif row.charge is not None:
            why = "its card was charged or is being charged"
        elif row.number is not None:
            why = f"number {row.number} is kept for it"
        elif row.other is not None:
            why = f"its subscription {row.other} did not come in with this import"
        elif halted[row.account]:
            why = "it is suspended or closed"
        if why is not None:
            found[row.account] = why
    return found


def undo_some_numbers(
    ledger: Ledger,
    import_id: int,
    after: Came,
    now: datetime,
    actor: str,
    *,
    most: int,
    dry_run: bool = False,
) -> UndoneBatch:
    """Take numbers of an import out of the inventory again. The parameters are as above.

    A number that was bought, reserved or held since is left alone.
    """
    with ledger.transaction("undo_import") as connection:
        rows = imports.page(connection, import_id, after, most)
        if not rows:
            return UndoneBatch((), (), None)
        numbers = [row.subject for row in rows]
        values: dict[str, object] = {
            "seller": ledger.seller,
            "numbers": numbers,
            "now": now,
            "actor": actor,
        }
        with connection.begin_nested() as trial:
            out = set(connection.execute(_TAKE_OUT, values | _words(now)).scalars())
            if dry_run:
                trial.rollback()
        came = tuple(row for row in rows if row.subject in out)
        if came and not dry_run:
            imports.note_undone(connection, import_id, came, now)
    kept = tuple(
        Kept(row.subject, "it was taken, reserved or released since")
        for row in rows
        if row.subject not in out
    )
    return UndoneBatch(came, kept, rows[-1] if len(rows) == most else None)
