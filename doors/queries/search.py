"""Find something by what a caller says: an id, a name, an e-mail address, a number, an invoice.

Ids are found exactly or by how they begin, in small or capital letters. So are phone numbers, and
the addresses of assignees and members, once they have an @.

Accounts are found by the words of their id, owner and billing address, in any order, each by how it
begins. A word that fits nothing may be mistyped: a word of 4 letters or more may have one wrong,
missing, further or swapped letter, one of 8 letters or more two. Its first letter must be right, or
swapped with the second.

Every look-up reads a bounded number of rows by an index, whatever the seller has.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, select

from core.ledger.bulk_write import one_of
from core.ledger.invoice_facts import invoice_id, written
from core.ledger.ledger import Ledger
from core.ledger.tables import (
    AccountRow,
    AccountWord,
    Invoice,
    NumberRow,
    Operation,
    SubscriptionPerson,
    SubscriptionRow,
)
from doors.queries.similar_words import compared_with
from doors.queries.snapshot import Snapshot, open_snapshot

LONGEST = 100
"""Characters of a search. What is longer is cut."""
MOST_FOUND = 20
"""So many things of each kind are found at most."""
_MOST_WORDS = 5
#: So many accounts with the rarest word are looked at, and so many words that a typo may be of.
_MOST_ACCOUNTS, _MOST_SIMILAR = 1000, 3000
_INVOICE = re.compile(r"#?\s*(\d{1,15})")
_NUMBER = re.compile(r"\+?[\d\s().-]{4,30}")


class FoundKind(StrEnum):
    """What can be found."""

    ACCOUNT = "account"
    SUBSCRIPTION = "subscription"
    NUMBER = "number"
    INVOICE = "invoice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something that was found.

    `kind`, `id`: what it is. The id of an invoice is its number.
    `account`, `owner`: whose it is. None: a number that is free.
    `about`: what it is like, in words, or why it was found.
    """

    kind: FoundKind
    id: str
    account: str | None
    owner: str | None
    about: str


def search(ledger: Ledger, wanted: str, most: int = MOST_FOUND) -> list[Found]:
    """What fits best comes first: what is named exactly, then what begins so, then similar names.

    `wanted`: what the visitor has typed. `most`: so many things at most.
    """
    text = " ".join(wanted[:LONGEST].split())
    if not text or not text.isprintable():
        return []
    with open_snapshot(ledger) as snapshot:
        found = islice(_unique(_all(snapshot, text)), most)
        return list(found)


def _all(snapshot: Snapshot, text: str) -> Iterator[Found]:
    spellings = list(dict.fromkeys((text, text.lower(), text.upper())))
    yield from _accounts_by_id(snapshot, spellings)
    yield from _subscriptions(snapshot, one_of(SubscriptionRow.id, spellings))
    if _INVOICE.fullmatch(text):
        yield from _invoice(snapshot, text)
    if _NUMBER.fullmatch(text):
        yield from _numbers(snapshot, text)
    yield from _external(snapshot, spellings)
    yield from _accounts_by_words(snapshot, text)
    if "@" in text:
        yield from _of_people(snapshot, text.lower())
    for spelling in spellings:
        yield from _subscriptions(snapshot, _begins(SubscriptionRow.id, spelling))


def _unique(found: Iterator[Found]) -> Iterator[Found]:
    seen = set[tuple[str, str]]()
    for it in found:
        key = (it.kind, it.id)
        if key not in seen:
            seen.add(key)
            yield it


def _begins(column: Any, text: str) -> ColumnElement[bool]:
    """The column, which is compared by code points, begins with a text. An index finds it."""
    after = text[:-1] + chr(ord(text[-1]) + 1)
    return and_(column >= text, column < after)


def _accounts_by_id(snapshot: Snapshot, ids: list[str]) -> Iterator[Found]:
    query = _ACCOUNTS.where(AccountRow.seller == snapshot.seller, one_of(AccountRow.id, ids))
    for row in snapshot.connection.execute(query):
        yield _account(row)


_ACCOUNTS = select(
    AccountRow.id,
    AccountRow.owner,
    AccountRow.billing_email,
    AccountRow.suspended,
    AccountRow.closed_on,
    AccountRow.clock,
)


def _account(row: Any) -> Found:
    about = [row.billing_email or ""]
    about += ["closed"] if row.closed_on else ["suspended"] if row.suspended else []
    about += ["test clock"] if row.clock else []
    return Found(
        kind=FoundKind.ACCOUNT,
        id=row.id,
        account=row.id,
        owner=row.owner,
        about=", ".join(filter(None, about)),
    )


def _subscriptions(snapshot: Snapshot, fits: ColumnElement[bool]) -> Iterator[Found]:
    query = (
        select(
            SubscriptionRow.id,
            SubscriptionRow.account,
            SubscriptionRow.sku,
            SubscriptionRow.status,
            SubscriptionRow.renewal_failed,
            SubscriptionRow.trial,
            AccountRow.owner,
        )
        .join(AccountRow, AccountRow.id == SubscriptionRow.account)
        .where(AccountRow.seller == snapshot.seller, fits)
        .order_by(SubscriptionRow.id)
        .limit(MOST_FOUND)
    )
    for row in snapshot.connection.execute(query):
        about = [row.sku, row.status]
        about += ["trial"] if row.trial else []
        about += ["renewal failed"] if row.renewal_failed else []
        yield Found(
            kind=FoundKind.SUBSCRIPTION,
            id=row.id,
            account=row.account,
            owner=row.owner,
            about=", ".join(about),
        )


def _of_people(snapshot: Snapshot, email: str) -> Iterator[Found]:
    """The subscriptions with an assignee or a member whose address begins so."""
    query = (
        select(SubscriptionPerson.subscription, SubscriptionPerson.email)
        .where(
            SubscriptionPerson.seller == snapshot.seller, _begins(SubscriptionPerson.email, email)
        )
        .order_by(SubscriptionPerson.email, SubscriptionPerson.subscription)
        .limit(MOST_FOUND)
    )
    people = {row.subscription: row.email for row in snapshot.connection.execute(query)}
    for found in _subscriptions(snapshot, one_of(SubscriptionRow.id, list(people))):
        yield replace(found, about=f"{found.about}, used by {people[found.id]}")


def _invoice(snapshot: Snapshot, text: str) -> Iterator[Found]:
    match = _INVOICE.fullmatch(text)
    number = int(match[1]) if match else 0
    id_ = invoice_id(snapshot.connection, snapshot.seller, number)
    if id_ is None:
        return
    query = (
        select(Invoice.kind, Invoice.date, Invoice.account, AccountRow.owner)
        .join(AccountRow, AccountRow.id == Invoice.account)
        .where(Invoice.id == id_)
    )
    row = snapshot.connection.execute(query).one()
    yield Found(
        kind=FoundKind.INVOICE,
        id=written(number),
        account=row.account,
        owner=row.owner,
        about=f"{row.kind.replace('_', ' ')} of {row.date.isoformat()}",
    )


def _numbers(snapshot: Snapshot, text: str) -> Iterator[Found]:
    number = "+" + re.sub(r"\D", "", text)
    query = (
        select(
            NumberRow.number,
            NumberRow.state,
            NumberRow.sku,
            NumberRow.account,
            NumberRow.subscription,
            AccountRow.owner,
        )
        .outerjoin(AccountRow, AccountRow.id == NumberRow.account)
        .where(NumberRow.seller == snapshot.seller, _begins(NumberRow.number, number))
        .order_by(NumberRow.number)
        .limit(MOST_FOUND)
    )
    for row in snapshot.connection.execute(query):
        of = f" of {row.subscription}" if row.subscription else ""
        yield Found(
            kind=FoundKind.NUMBER,
            id=row.number,
            account=row.account,
            owner=row.owner,
            about=f"{row.sku}, {row.state.replace('_', ' ')}{of}",
        )


def _external(snapshot: Snapshot, spellings: list[str]) -> Iterator[Found]:
    """What an external invoice has paid: the subscription, or else the account."""
    query = (
        select(
            Operation.external_invoice, Operation.subscription, Operation.account, AccountRow.owner
        )
        .join(AccountRow, AccountRow.id == Operation.account)
        .where(
            Operation.seller == snapshot.seller,
            Operation.external_invoice.is_not(None),
            one_of(Operation.external_invoice, spellings),
        )
        .limit(MOST_FOUND)
    )
    for row in snapshot.connection.execute(query):
        yield Found(
            kind=FoundKind.SUBSCRIPTION if row.subscription else FoundKind.ACCOUNT,
            id=row.subscription or row.account,
            account=row.account,
            owner=row.owner,
            about=f"paid by external invoice {row.external_invoice}",
        )


# accounts by words


def _accounts_by_words(snapshot: Snapshot, text: str) -> Iterator[Found]:
    split = select(func.words_of(text).column_valued("word"))
    words = [word for word in snapshot.connection.execute(split).scalars() if word][:_MOST_WORDS]
    found = [_choice(snapshot, word) for word in words]
    choices = [choice for choice in found if choice is not None]
    if not choices or len(choices) < len(words):
        return
    rarest = min(choices, key=lambda choice: choice.accounts)
    fitting = _fitting(snapshot, rarest, choices)
    query = _ACCOUNTS.where(AccountRow.seller == snapshot.seller, one_of(AccountRow.id, fitting))
    rows = {row.id: row for row in snapshot.connection.execute(query)}
    yield from (_account(rows[id_]) for id_ in fitting)


@dataclass(frozen=True, slots=True)
class _Choice:
    """What a typed word may stand for: words that begin so, or else similar words.

    `accounts`: how many accounts have them, counted up to a bound.
    """

    begins: str
    similar: tuple[str, ...]
    accounts: int

    def fits(self, word: str) -> bool:
        return word in self.similar if self.similar else word.startswith(self.begins)

    @property
    def condition(self) -> ColumnElement[bool]:
        if self.similar:
            return one_of(AccountWord.word, list(self.similar))
        return _begins(AccountWord.word, self.begins)


def _choice(snapshot: Snapshot, word: str) -> _Choice | None:
    """What a word stands for. None: for nothing."""
    plain = _Choice(word, (), 0)
    accounts = _count(snapshot, plain)
    if accounts:
        return _Choice(word, (), accounts)
    similar = _similar(snapshot, word)
    if not similar:
        return None
    chosen = _Choice(word, similar, 0)
    return _Choice(word, similar, _count(snapshot, chosen))


def _count(snapshot: Snapshot, choice: _Choice) -> int:
    some = (
        select(literal(1))
        .where(AccountWord.seller == snapshot.seller, choice.condition)
        .limit(_MOST_ACCOUNTS)
        .subquery()
    )
    return snapshot.connection.execute(select(func.count()).select_from(some)).scalar_one()


def _fitting(snapshot: Snapshot, rarest: _Choice, choices: Sequence[_Choice]) -> list[str]:
    """The accounts that have all words, those with whole words first, at most `MOST_FOUND`."""
    some = (
        select(AccountWord.account)
        .where(AccountWord.seller == snapshot.seller, rarest.condition)
        .order_by(AccountWord.word, AccountWord.account)
        .limit(_MOST_ACCOUNTS)
    )
    ids = list(dict.fromkeys(snapshot.connection.execute(some).scalars()))
    if len(choices) == 1:
        return ids[:MOST_FOUND]
    query = select(AccountWord.account, AccountWord.word).where(one_of(AccountWord.account, ids))
    words: dict[str, list[str]] = {id_: [] for id_ in ids}
    for row in snapshot.connection.execute(query):
        words[row.account].append(row.word)
    fitting = [
        id_
        for id_, own in words.items()
        if all(any(choice.fits(word) for word in own) for choice in choices)
    ]
    whole = {choice.begins for choice in choices}
    return sorted(fitting, key=lambda id_: -len(whole & set(words[id_])))[:MOST_FOUND]


def _similar(snapshot: Snapshot, word: str) -> tuple[str, ...]:
    """Words of accounts that differ from a mistyped word by few letters, the nearest first."""
    allowed = 2 if len(word) >= 8 else 1 if len(word) >= 4 else 0
    if not allowed or not word[:2].isalpha():
        return ()
    compare = compared_with(word, allowed)
    near: list[tuple[int, str]] = []
    distances: dict[str, int | None] = {}
    for start in dict.fromkeys((word[:2], word[1::-1], word[:1] + word[2:3])):
        distinct = (
            select(AccountWord.word)
            .where(AccountWord.seller == snapshot.seller, _begins(AccountWord.word, start))
            .distinct()
            .limit(_MOST_SIMILAR)
        )
        for other in snapshot.connection.execute(distinct).scalars():
            compared = other[: len(word) + allowed]  # What goes on after that fits anyway.
            if compared not in distances:
                distances[compared] = compare(compared)
            distance = distances[compared]
            if distance is not None:
                near.append((distance, other))
    return tuple(dict.fromkeys(other for _, other in sorted(near)[:MOST_FOUND]))
