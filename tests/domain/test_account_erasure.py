"""What the law keeps of an erased account, and for how long (Rule 11.8, docs/decisions/0038)."""

from datetime import date

import pytest

from core.domain.account_erasure import erased, kept_since, kept_until
from core.domain.commands.erase_account import EraseAccountResult
from core.domain.subscription import Account


@pytest.mark.parametrize(
    ("today", "years", "since"),
    [
        (date(2021, 3, 8), 10, date(2011, 1, 1)),
        (date(2031, 12, 31), 10, date(2021, 1, 1)),
        (date(2032, 1, 1), 10, date(2022, 1, 1)),
        (date(2021, 3, 8), 0, date(2021, 1, 1)),
        (date(5, 1, 1), 10, date(1, 1, 1)),
    ],
)
def test_invoices_are_kept_to_the_end_of_the_year(today: date, years: int, since: date) -> None:
    assert kept_since(today, years) == since


def test_what_is_kept_until_a_day_is_not_kept_on_the_next() -> None:
    """An invoice of 8 March 2021 is kept until 31 December 2031, and not on 1 January 2032."""
    until = kept_until(date(2021, 3, 8), 10)
    assert until == date(2031, 12, 31)
    assert kept_since(until, 10) <= date(2021, 3, 8) < kept_since(date(2032, 1, 1), 10)


def test_rule_11_8_an_erased_account_is_closed_for_good_and_has_no_card() -> None:
    account = Account(
        id="acme",
        seller="main",
        currency="USD",
        timezone="UTC",
        card="tok",
        closed_on=date(2021, 3, 1),
    )
    after = erased(account, date(2021, 3, 8))
    assert (after.erased_on, after.closed_on) == (date(2021, 3, 8), date(2021, 3, 1))
    assert after.closed_for_good
    assert after.card is None
    assert after.version == account.version + 1


@pytest.mark.parametrize(
    ("count", "until", "words"),
    [
        (0, None, "No invoice had to be kept."),
        (1, date(2031, 12, 31), "1 invoice is kept as issued, the last until 31 December 2031,"),
        (2, date(2031, 12, 31), "2 invoices are kept as issued,"),
    ],
)
def test_the_receipt_names_what_the_law_keeps(count: int, until: date | None, words: str) -> None:
    result = EraseAccountResult(account="acme", kept_invoices=count, kept_until=until)
    assert words in result.sentence()
