"""Any command may be the first one after `migrate`. None of them finds an error of Perennial."""

from pathlib import Path

import pytest

from tests.commandline.conftest import call

FIRST = [
    "account new acme --currency USD --timezone UTC",
    "approval list",
    "audit verify",
    "campaign list",
    "catalog import prices.csv",
    "catalog show",
    "clock new c --at 2021-01-15",
    "import list",
    "key create shop --role platform",
    "limit set support USD --per-command 10.00 --per-day 20.00",
    "message list",
    "number import numbers.csv",
    "number list",
    "policy show",
    "reconcile",
    "report deferred",
    "seller profile --name Northwind",
    "seller show",
    "seller tax DE 19 --since 2026-01-01",
    "seller taxes",
    "seller top-up USD 100.00 --request-id bank-1",
    "staff add ann@example.com --name Ann --role admin --no-password",
    "staff require-codes yes",
]
REFUSED = {
    "import file customers.csv": (2, "1 row is faulty"),
    "mail on --from billing@example.com": (1, "load them first"),
    "number import wrong.csv": (2, "1 row is faulty"),
    "webhook add crm https://example.com/in": (1, "load them first"),
}
"""The exit codes of those that need something first, and what they say."""


@pytest.fixture(autouse=True)
def files(installation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the commands name, and a key for secrets."""
    monkeypatch.setenv("PERENNIAL_WEBHOOK_KEYS", "k" * 40)
    (tmp_path / "prices.csv").write_text("sku,kind,months,currency,price\nFAX,addon,1,USD,3\n")
    (tmp_path / "numbers.csv").write_text("number,sku\n")
    (tmp_path / "wrong.csv").write_text("number,sku\n+6561234567,DID\n")
    (tmp_path / "customers.csv").write_text(
        "id,currency,timezone,months,price,anchor\ns1,USD,Mars,1,5.00,2021-01-01\n"
    )


@pytest.mark.parametrize("words", FIRST)
def test_it_works_as_the_first_command(words: str) -> None:
    """`call` fails if a command finds an error of Perennial."""
    told = call(*words.split())
    assert told.code == 0, told.err


@pytest.mark.parametrize("words", REFUSED)
def test_it_says_what_it_needs_first(words: str) -> None:
    told = call(*words.split())
    code, says = REFUSED[words]
    assert (told.code, says in told.err) == (code, True), told.err
