"""The audit: what was written stays, and what an attacker does to the table is found."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from core.ledger import audit
from core.ledger.acting import Acting, as_one
from core.ledger.audit import Finding, Head, Verified
from tests.ledger.conftest import Shop

ANN = Acting("Ann <ann@example.com>", "session/0f", "203.0.113.7")


@pytest.fixture
def one_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """All records join the chain 3."""
    monkeypatch.setattr(audit.secrets, "randbelow", lambda _: 3)


def add(shop: Shop, act: str = "extend", **values: Any) -> None:
    """Record an act of Ann."""
    with as_one(ANN), shop.ledger.engine.begin() as connection:
        audit.add(connection, "main", act, **values)


def verify(shop: Shop, known: tuple[Head, ...] = ()) -> Verified:
    """Check all records."""
    with shop.ledger.read() as connection:
        return audit.verify(connection, "main", known)


def test_a_record_says_who_from_where_what_and_how_it_stood(shop: Shop) -> None:
    before, after = {"expiry": "2021-03-31", "fee": "5.00"}, {"expiry": "2021-04-30", "naïve": None}
    add(shop, subject="s1", request_id="r1", before=before, after=after)
    with shop.ledger.read() as connection:
        [record] = audit.records(connection, "main", subject="s1", actor=ANN.actor)
        assert list(audit.records(connection, "main", subject="s2")) == []
        assert list(audit.records(connection, "other")) == []
    assert (record.actor, record.by, record.address) == (ANN.actor, ANN.by, ANN.address)
    assert (record.request_id, record.before, record.after) == ("r1", before, after)
    assert verify(shop).findings == ()


def test_records_are_listed_newest_first_in_pages(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_PAGE", 2)
    for n in range(5):
        add(shop, f"act{n}")
    with shop.ledger.read() as connection:
        found = list(audit.records(connection, "main"))
        rest = list(audit.records(connection, "main", before=found[1].id))
    assert [record.act for record in found] == [f"act{n}" for n in (4, 3, 2, 1, 0)]
    assert rest == found[2:]
    assert verify(shop).records == 5


def test_concurrent_records_of_one_chain_follow_each_other(
    shop: Shop, one_chain: None, at_once: Callable[[list[Callable[[], Any]]], list[Any]]
) -> None:
    assert at_once([lambda: add(shop)] * 8) == [None] * 8
    found = verify(shop)
    assert (found.records, found.findings) == (8, ())
    assert [(head.chain, head.position) for head in found.heads] == [(3, 8)]


@pytest.mark.parametrize(
    "change",
    ["UPDATE audit SET actor = 'Eve'", "DELETE FROM audit", "TRUNCATE audit"],
)
def test_the_database_refuses(shop: Shop, change: str) -> None:
    add(shop)
    with pytest.raises(IntegrityError):
        shop.run(change)


COPY = """INSERT INTO audit
 (seller, chain, position, at, actor, by, address, act, outcome, previous, hash)
 SELECT seller, chain, {position}, at, actor, by, address, 'adjust', outcome, {previous}, {hash}
 FROM audit WHERE position = 3"""


@pytest.mark.parametrize(
    ("attack", "position", "what"),
    [
        ("UPDATE audit SET actor = 'Eve' WHERE position = 3", 3, "it was changed"),
        ("UPDATE audit SET at = at - interval '1 us' WHERE position = 3", 3, "it was changed"),
        ("UPDATE audit SET after = '{}' WHERE position = 3", 3, "it was changed"),
        ("UPDATE audit SET address = '' WHERE position = 1", 1, "it was changed"),
        ("DELETE FROM audit WHERE position = 3", 4, "1 records before it are missing"),
        ("DELETE FROM audit WHERE position <= 2", 3, "2 records before it are missing"),
        (
            "DELETE FROM audit WHERE position = 3; "
            "UPDATE audit SET position = position - 1 WHERE position = 4",
            3,
            "it does not follow the record before it",
        ),
        (
            "UPDATE audit SET position = position + 10 WHERE position >= 4; "
            + COPY.format(position=4, previous="hash", hash="hash")
            + "; UPDATE audit SET position = position - 9 WHERE position > 10",
            4,
            "it was changed",
        ),
        (COPY.format(position=6, previous="hash", hash="hash"), 6, "it does not follow"),
    ],
)
def test_an_attack_on_the_table_is_found_at_its_place(
    shop: Shop, one_chain: None, attack: str, position: int, what: str
) -> None:
    """Someone with all rights switches the guards off: changed, removed, put in between."""
    for _ in range(5):
        add(shop, after={"n": 1})
    for statement in attack.split("; "):
        shop.force(statement)
    first = verify(shop).findings[0]
    assert (first.chain, first.position) == (3, position)
    assert first.what.startswith(what)


def test_what_was_cut_off_or_written_anew_is_found_with_heads_of_before(
    shop: Shop, one_chain: None
) -> None:
    for _ in range(3):
        add(shop)
    heads = verify(shop).heads
    add(shop)
    assert verify(shop, heads).findings == ()
    shop.force("DELETE FROM audit WHERE position >= 3")
    assert verify(shop).findings == ()
    missing = Finding(chain=3, position=3, what="a known record is missing")
    assert verify(shop, heads).findings == (missing,)
    add(shop)
    other = Finding(chain=3, position=3, what="it is not what the known head says")
    assert verify(shop, heads).findings == (other,)
