"""Reconciliation of the books: what an incremental pass looks at, and what a full pass finds."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from activities.number_invoices import number_invoices
from activities.reconciliation import books
from activities.reconciliation.books import Books
from activities.reconciliation.invoices import Invoices
from activities.reconciliation.workflow_port import Limits
from core.domain.commands.extend import Extend
from core.domain.commands.terminate import Terminate
from core.domain.commands.top_up import TopUp
from core.domain.events import Event
from core.domain.findings import Part, ReconcileRequest, ReconcileResult
from core.domain.rules import Rule
from core.ledger import double_entry
from core.ledger.double_entry import Purpose
from core.ledger.movements import newest, sums_of
from tests.ledger.conftest import DAY, Shop

SMALL = Limits(batch=1, passes=1000)
"""A pass whose slice is one account."""


def every_batch(part: Books | Invoices, *, full: bool = False) -> list[ReconcileResult]:
    """The results of a pass, batch by batch."""
    results: list[ReconcileResult] = []
    after: str | None = ""
    while after is not None:
        of = Part.BOOKS if isinstance(part, Books) else Part.INVOICES
        request = ReconcileRequest(part=of, now=DAY, after=after, full=full)
        results.append(asyncio.run(part.look(request)))
        after = results[-1].after
    return results


def found(part: Books | Invoices, *, full: bool = False) -> list[tuple[str, str]]:
    """What a pass finds: subjects, and what is wrong."""
    return [
        (finding.subject, finding.what)
        for batch in every_batch(part, full=full)
        for finding in batch.findings
    ]


def checked(part: Books, *, full: bool = False) -> int:
    """How many looks a pass takes at accounts."""
    return sum(batch.checked for batch in every_batch(part, full=full))


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("lines", [1, 3, 10_000])
def test_whatever_is_done_an_account_is_verified_to_the_cent(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, lines: int, full: bool
) -> None:
    """Rule 11.3: also when its history is longer than a batch."""
    monkeypatch.setattr(books, "_LINES_AT_ONCE", lines)
    shop.open()
    shop.open("other", "0.00")
    for n in range(3):
        shop.buy(f"s{n}")
    shop.do(Extend(subscription="s1", cycles=2))
    shop.do(Terminate(subscription="s1", reason="closed"))
    shop.do(TopUp(account="other", amount=Decimal("7.00")))
    assert found(Books(shop.ledger, Limits()), full=full) == []
    assert shop.rows("SELECT account, balance, differs FROM verified_balances ORDER BY 1") == [
        ("acme", Decimal(shop.value("SELECT balance FROM accounts WHERE id = 'acme'")), False),
        ("other", Decimal(7), False),
    ]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("lines", [1, 3, 10_000])
def test_why_a_balance_is_what_it_is_reads_only_what_is_not_verified(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, lines: int, full: bool
) -> None:
    """Rule 11.1: before, during and after a pass the sums by purpose are those of all postings."""
    monkeypatch.setattr(books, "_LINES_AT_ONCE", lines)
    shop.open()
    part = Books(shop.ledger, Limits())
    for n in range(3):
        shop.buy(f"s{n}")
        shop.do(TopUp(account="acme", amount=Decimal("7.00")))
        assert summed(shop) == of_all_postings(shop)
        assert found(part, full=full) == []
        assert summed(shop) == of_all_postings(shop)
    shop.do(Extend(subscription="s1", cycles=2))
    after = summed(shop)
    assert after == of_all_postings(shop)
    kept = shop.rows("SELECT sums FROM verified_balances WHERE account = 'acme'")[0][0]
    assert kept[Purpose.TOP_UP][:2] == [3, "21.00000"]
    assert after[0][0] not in kept
    shop.force("DELETE FROM verified_balances")
    assert summed(shop) == of_all_postings(shop)


def test_rule_11_1_the_newest_movements_are_the_last_ones_whichever_process_wrote_them(
    shop: Shop,
) -> None:
    in_an_older_process = shop.by_lower_ids()
    shop.open()
    shop.buy("s1")
    in_an_older_process()
    shop.do(TopUp(account="acme", amount=Decimal("7.00")))
    for _ in range(2):
        with shop.ledger.read() as connection:
            moved = newest(connection, "acme", 2)
        assert [it.purpose for it in moved] == [Purpose.TOP_UP, Purpose.PURCHASE]
        purposes = [Purpose.TOP_UP, Purpose.PURCHASE, Purpose.OPENING_CREDITS]
        assert [purpose for purpose, *_ in summed(shop)] == purposes
        assert found(Books(shop.ledger, Limits())) == []


def summed(shop: Shop) -> list[tuple[str, int, Decimal, int]]:
    """What the reasons of the balance are made from, the purpose that moved it last first."""
    with shop.ledger.read() as connection:
        found = sums_of(connection, "acme")
    return [(it.purpose, it.times, it.amount, it.last) for it in found]


def of_all_postings(shop: Shop) -> list[tuple[str, int, Decimal, int]]:
    """The same from every posting of the wallet."""
    query = """SELECT o.purpose, count(*), sum(p.amount), max(o.id)
                 FROM operations o JOIN postings p ON p.operation = o.id
                WHERE p.account = 'acme' AND p.book = 'wallet' GROUP BY 1 ORDER BY 4 DESC"""
    return [tuple(row) for row in shop.rows(query)]


def test_a_pass_looks_at_what_is_new_and_at_a_slice(shop: Shop) -> None:
    for n in range(6):
        shop.open(f"a{n}")
        shop.buy(f"s{n}", f"a{n}")
    part = Books(shop.ledger, SMALL)
    assert checked(part) == 7
    assert checked(part) == 7  # The first pass did not know that every transaction had ended.
    assert checked(part) == 1
    shop.buy("new", "a3")
    assert checked(part) == 2


def test_a_balance_that_was_changed_is_found_by_its_slice_and_reported_until_it_is_mended(
    shop: Shop,
) -> None:
    for n in range(6):
        shop.open(f"a{n}")
        shop.buy(f"s{n}", f"a{n}")
    part = Books(shop.ledger, SMALL)
    for _ in range(3):
        assert found(part) == []
    shop.force("UPDATE accounts SET balance = balance + 1 WHERE id = 'a0'")
    wrong = ("a0", "its balance is 951.00 USD, its postings sum to 950.00")
    passes = [found(part) for _ in range(6)]
    first = passes.index([wrong])
    assert passes == [[]] * first + [[wrong]] * (6 - first)
    assert found(part, full=True) == [wrong]
    shop.force("UPDATE accounts SET balance = balance - 1 WHERE id = 'a0'")
    assert found(part) == []


def test_a_transaction_that_runs_during_a_pass_is_looked_at_by_a_later_one(shop: Shop) -> None:
    """Its line of history has a smaller number than one that was committed before it."""
    shop.open("slow")
    shop.open("fast")
    part = Books(shop.ledger, Limits(batch=100, passes=10**6))
    with shop.ledger.engine.connect() as slow:
        [work] = shop.ledger.works(slow, DAY, ["slow"]).values()
        operation = work.operation(Purpose.TOP_UP, {})
        work.post(operation, double_entry.top_up(Decimal(5)))
        work.event(Event.TOPPED_UP, Rule.DOUBLE_ENTRY, amount=Decimal(5), operation=operation)
        work.flush()
        for n in range(4):
            shop.buy(f"s{n}", "fast")
            assert found(part) == []
        slow.commit()
    shop.force("UPDATE accounts SET balance = balance + 1 WHERE id = 'slow'")
    shop.run("UPDATE reconciliation_marks SET key = 'zzz' WHERE name = 'accounts'")  # No slice.
    assert [subject for subject, _ in found(part)] == ["slow"]


def test_a_gap_in_the_numbers_is_looked_for_after_the_last_one(shop: Shop) -> None:
    """Rule 11.4."""
    shop.open()
    part = Invoices(shop.ledger, Limits(batch=2, grace=timedelta(days=1)))
    for n in range(5):
        shop.buy(f"s{n}")
    assert found(part) == []
    assert shop.value("SELECT number FROM reconciliation_marks") == 5
    shop.force("UPDATE invoices SET number = 9 WHERE number = 2")
    gap = ("main", "number 6 is missing, the next one is 9")
    assert found(part) == [gap]
    assert found(part) == [gap]
    assert found(part, full=True) == [("main", "number 2 is missing, the next one is 3")]
    assert number_invoices(shop.ledger) == 0
