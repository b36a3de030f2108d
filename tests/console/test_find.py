"""Find: what a caller may say, and a mistyped name."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from core.ledger.tables import AccountRow, SubscriptionRow
from doors.queries.search import search
from doors.queries.similar_words import compared_with
from tests.console.conftest import Desk

OWNERS = {
    "acme": ("Müller & Söhne GmbH", "Buchhaltung@mueller.example.com"),
    "b-1": ("Graham Bell Telephones", "graham@bell.example.com"),
    "c-1": ("شركة الاتصالات", "office@telecom.example.com"),
}


async def _open(desk: Desk) -> None:
    for name, (owner, email) in OWNERS.items():
        if name != "acme":
            await desk.shop.account(name)
        with desk.shop.perennial.ledger.engine.begin() as connection:
            mine = AccountRow.id == desk.shop.id(name)
            connection.execute(
                update(AccountRow).where(mine).values(owner=owner, billing_email=email)
            )


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("müller", "acme"),
        ("MULLER", "acme"),
        ("Muler", "acme"),
        ("mullre", "acme"),
        ("soh mul", "acme"),
        ("buchhaltung@mueller.example.com", "acme"),
        ("gra bel", "b-1"),
        ("grahm", "b-1"),
        ("telefones", "b-1"),
        ("garham bell", "b-1"),
        ("الاتصالات", "c-1"),
        ("office@tele", "c-1"),
    ],
)
async def test_an_account_is_found_by_its_words_also_mistyped(
    reading: Desk, typed: str, name: str
) -> None:
    await _open(reading)
    found = search(reading.shop.perennial.ledger, typed)
    assert [it.id for it in found] == [reading.shop.id(name)]


async def test_a_subscription_is_found_by_its_assignee_and_its_members(reading: Desk) -> None:
    """Rule 9. Also by how an address begins, in any letters, until the person uses it no longer."""
    s = await reading.shop.buy()
    ledger = reading.shop.perennial.ledger
    put = update(SubscriptionRow).where(SubscriptionRow.id == s)
    with ledger.engine.begin() as connection:
        connection.execute(put.values(assigned_to="Ann@x.example", members=["bob@y.example"]))
    for typed, email in (
        ("ann@x.example", "ann@x.example"),
        ("ANN@", "ann@x.example"),
        ("bob@y.exam", "bob@y.example"),
    ):
        [found] = search(ledger, typed)
        assert (found.kind, found.id) == ("subscription", s)
        assert found.about.endswith(f"used by {email}")
    with ledger.engine.begin() as connection:
        connection.execute(put.values(members=None))
    assert search(ledger, "bob@y.example") == []
    assert search(reading.shop.perennial.of_seller("other").ledger, "ann@x.example") == []


async def test_ids_numbers_and_invoices_are_found(desk: Desk) -> None:
    shop = desk.shop
    s = await shop.buy()
    ledger = shop.perennial.ledger
    assert search(ledger, s)[0].id == s
    assert search(ledger, s.upper())[0].id == s
    assert s in [it.id for it in search(ledger, s[:-1])]
    page = await desk.page(f"/find?q={s[:-1]}")
    assert f"Subscription {s}" in page
    straight = await desk.get(f"/find?q={s}")
    assert straight.headers["location"] == f"/subscriptions/{s}"
    rows = await desk.get(f"/find/rows?q={s[:-1]}")
    assert 'role="option"' in rows.text


async def test_nothing_and_nonsense_find_nothing(reading: Desk) -> None:
    for typed in ("", "   ", "%", "x\x00y", "'; DROP TABLE accounts; --", "q" * 5000, "\\", "😀"):
        assert search(reading.shop.perennial.ledger, typed) == []
    assert "Nothing is found" in await reading.page("/find?q=xyzxyz")
    assert (await reading.get("/find?q=" + "q" * 5000)).status_code == 400


@pytest.mark.parametrize(
    ("typed", "word", "expected"),
    [
        ("graham", "graham", 0),
        ("grahm", "graham", 1),
        ("grahma", "graham", 1),
        ("grahham", "graham", 1),
        ("gream", "graham", None),
        ("telefones", "telephones", 2),
        ("tele", "telephones", 0),
        ("abcd", "wxyz", None),
    ],
)
def test_how_far_words_are_apart(typed: str, word: str, expected: int | None) -> None:
    assert compared_with(typed, 2 if len(typed) >= 8 else 1)(word) == expected


letters = st.text("abcé", min_size=1, max_size=12)


@given(typed=letters, word=letters, most=st.integers(0, 3))
def test_the_fast_way_finds_what_the_table_of_distances_finds(
    typed: str, word: str, most: int
) -> None:
    rows = [[0] * (len(word) + 1) for _ in range(len(typed) + 1)]
    for i, j in product(range(len(typed) + 1), range(len(word) + 1)):
        if not i or not j:
            rows[i][j] = i + j
            continue
        wrong = rows[i - 1][j - 1] + (typed[i - 1] != word[j - 1])
        rows[i][j] = min(wrong, rows[i - 1][j] + 1, rows[i][j - 1] + 1)
        if i > 1 and j > 1 and typed[i - 2 : i] == word[j - 2 : j][::-1]:
            rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    least = min(rows[-1][: len(typed) + most + 1])
    assert compared_with(typed, most)(word) == (least if least <= most else None)
