"""Commands that a rule has refused, so that a person can be told later (`explain`).

A refusal is written after the transaction of its command has rolled back, in a transaction of its
own. So it holds no lock of the account, and a command that is carried out pays nothing for it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSON

from core.domain.commands.base import AccountCommand, Command, SubscriptionCommand
from core.domain.inputs import LONGEST_TEXT
from core.domain.refusal import Refusal
from core.domain.steps import SubjectKind
from core.ledger.ledger import Ledger

KEPT = 100
"""So many refusals of an account are kept, the newest. Those of unknown accounts count as one."""

#: The account that the command names, the owner of its subscription, or the one that is meant.
_ADD = text(
    """
INSERT INTO refusals
       (seller, account, subject_kind, subject, "do", request_id, rule, sentence, at, actor)
SELECT :seller,
       coalesce(
         (SELECT a.id FROM accounts a WHERE a.id = asked.account AND a.seller = :seller),
         (SELECT a.id FROM subscriptions s JOIN accounts a ON a.id = s.account
           WHERE asked.account IS NULL AND s.id = asked.subject AND a.seller = :seller),
         (SELECT a.id FROM accounts a WHERE a.id = asked.hint AND a.seller = :seller),
         ''),
       asked.subject_kind, asked.subject, asked."do", asked.request_id, asked.rule, asked.sentence,
       :at, asked.actor
  FROM json_to_recordset(:asked) AS asked(
         account text, subject_kind text, subject text, hint text, "do" text, request_id text,
         rule text, sentence text, actor text)
    ON CONFLICT ON CONSTRAINT refusals_once DO NOTHING
RETURNING account
"""
).bindparams(bindparam("asked", type_=JSON))
#: Rows that another transaction is deleting are left to it.
_MAKE_ROOM = text(
    """
DELETE FROM refusals WHERE id IN (
  SELECT old.id FROM unnest(:accounts) AS mine(account), LATERAL (
    SELECT r.id FROM refusals r WHERE r.seller = :seller AND r.account = mine.account
     ORDER BY r.id DESC OFFSET :kept LIMIT 1000 FOR UPDATE SKIP LOCKED) old)
"""
).bindparams(bindparam("accounts", type_=ARRAY(Text)))


def note(ledger: Ledger, command: Command, refusal: Refusal, at: datetime) -> None:
    """Keep the refusal of a command.

    `at`: when it was asked for (UTC). A repetition with the same instant is the same refusal.
    """
    note_all(ledger, [(command, refusal)], at)


def note_all(ledger: Ledger, refused: Sequence[tuple[Command, Refusal]], at: datetime) -> None:
    """Keep the refusals of many commands, as `note` does. A rehearsal keeps none."""
    if not refused or not ledger.commits:
        return
    asked = [_row(command, refusal) for command, refusal in _newest(refused)]
    with ledger.transaction("refused") as connection:
        values: dict[str, Any] = {"seller": ledger.seller, "at": at, "asked": asked}
        accounts = sorted(set(connection.execute(_ADD, values).scalars()))
        values = {"seller": ledger.seller, "accounts": accounts, "kept": KEPT}
        connection.execute(_MAKE_ROOM, values)


def _newest(refused: Sequence[tuple[Command, Refusal]]) -> Iterable[tuple[Command, Refusal]]:
    """The refusals of a batch that can be among those that are kept, oldest first."""
    counted: dict[str, int] = {}
    kept = []
    for command, refusal in reversed(refused):
        of = str(getattr(command, "account", None) or getattr(command, "subscription", ""))
        counted[of] = counted.get(of, 0) + 1
        if counted[of] <= KEPT:
            kept.append((command, refusal))
    return reversed(kept)


def _row(command: Command, refusal: Refusal) -> dict[str, Any]:
    subscription = getattr(command, "subscription", None)
    account = command.account if isinstance(command, AccountCommand) else None
    hint = command.account_hint if isinstance(command, SubscriptionCommand) else None
    kind = SubjectKind.ACCOUNT if subscription is None else SubjectKind.SUBSCRIPTION
    sentence = refusal.reason
    if len(sentence) > LONGEST_TEXT:
        sentence = f"{sentence[: LONGEST_TEXT - 1]}…"
    return {
        "account": account,
        "subject_kind": kind,
        "subject": subscription or account,
        "hint": hint,
        "do": command.do,
        "request_id": command.request_id,
        "rule": refusal.rule,
        "sentence": sentence,
        "actor": command.actor,
    }
