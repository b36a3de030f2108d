"""`account close`, `account reopen`, `pay-invoice`, `seller top-up`, `seller show`.

These are the money of an account at its end (rule 11.8), what a postpaid account owes (rule 11.6),
and the money of the seller (rule 11.5).
"""

import pytest

from tests.commandline.conftest import Shop, call


def test_an_account_is_closed_and_opened_again(shop: Shop) -> None:
    """Closed on 01-15, it can be opened again for 30 days."""
    acme = shop.acme
    for command in ("close", "reopen"):
        unknown = shop.run("account", command, "nobody")
        assert (unknown.code, "there is no account nobody" in unknown.err) == (1, True)
    refused = shop.run("account", "close", acme)
    assert (refused.code, "rule 11.8" in refused.err) == (1, True)
    open_ = shop.run("account", "reopen", acme)
    assert (open_.code, f"account {acme} is not closed (rule 11.8)" in open_.err) == (1, True)
    shop.run("adjust", acme, "--take", "100.00", "--reason", "paid out")
    assert "nothing is done" in shop.run("account", "close", acme, "--preview").out
    closed = shop.run("account", "close", acme)
    assert closed.out == (
        f"Account {acme} is closed. It can be opened again until 14 February 2021.\n"
    )
    assert shop.run("top-up", acme, "1.00").code == 1
    assert shop.run("account", "reopen", acme, "--json").json["do"] == "reopen_account"
    assert shop.run("top-up", acme, "1.00").code == 0
    shop.run("adjust", acme, "--take", "1.00", "--reason", "paid out")
    shop.run("account", "close", acme)
    shop.advance("2021-02-15")
    late = shop.run("account", "reopen", acme)
    assert (late.code, "is closed for good (rule 11.8)" in late.err) == (1, True)


def test_a_payment_of_a_postpaid_account_is_booked(shop: Shop) -> None:
    """50.00 of January is receivable on 02-01. Of 60.00 that are paid, 10.00 are too much."""
    acme = shop.acme
    assert shop.run("pay-invoice", "nobody", "1.00").code == 1
    prepaid = shop.run("pay-invoice", acme, "50.00")
    assert (prepaid.code, "rule 11.6" in prepaid.err) == (1, True)
    shop.run("adjust", acme, "--take", "100.00", "--reason", "paid out")
    told = shop.run("account", "set", acme, "--mode", "postpaid", "--credit-limit", "500.00")
    assert told.code == 0, told.err
    shop.buy()
    shop.advance("2021-02-01")
    assert "Usable            $500.00 (rule 11.6)" in shop.run("account", "show", acme).out
    assert "Usable is $500.00 (rule 11.6)." in shop.run("explain", shop.s1).out
    assert "nothing is done" in shop.run("pay-invoice", acme, "20.00", "--preview").out
    paid = shop.run("pay-invoice", acme, "20.00", "--request-id", f"{acme}-bank")
    assert paid.out == f"$20.00 paid by {acme}; $30.00 is still receivable.\n"
    again = shop.run("pay-invoice", acme, "20.00", "--request-id", f"{acme}-bank", "--json").json
    assert (again["replayed"], again["receivable"]) == (True, "30.00")
    other = shop.run("pay-invoice", acme, "21.00", "--request-id", f"{acme}-bank")
    assert (other.code, "rule 4.2" in other.err) == (1, True)
    assert shop.run("pay-invoice", acme, "40.00", "--json").json["receivable"] == "0.00"
    assert shop.balance() == "10.00"


def test_money_is_put_into_the_wallet_of_the_seller_once(installation: str) -> None:
    """It may be the first thing that a new seller does."""
    assert call("seller", "show", "--json").json == {}
    put = ("seller", "top-up", "USD", "100.00", "--request-id", "bank-1")
    assert call(*put).out == "$100.00 put in; the wallet holds $100.00.\n"
    assert call(*put).out == "It had been put in before; the wallet holds $100.00.\n"
    other = call("seller", "top-up", "USD", "100.01", "--request-id", "bank-1")
    assert other.code == 1
    assert "request id bank-1 was used for something else (rule 4.2)" in other.err
    call("seller", "top-up", "JPY", "5000", "--request-id", "bank-2")
    assert call("seller", "show", "--json").json == {"JPY": "5000", "USD": "100.00"}
    assert "$100.00" in call("seller", "show").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("account", "reopen"), "Missing argument 'ACCOUNT'"),
        (("account", "reopen", "x" * 10_000), "ACCOUNT"),
        (("pay-invoice", "acme"), "Missing argument 'AMOUNT'"),
        (("pay-invoice", "acme", "0"), "AMOUNT"),
        (("pay-invoice", "acme", "--", "-5.00"), "AMOUNT"),
        (("pay-invoice", "acme", "NaN"), "AMOUNT"),
        (("pay-invoice", "acme", "1" + "0" * 30), "AMOUNT"),
        (("seller", "top-up", "USD", "1.00"), "--request-id"),
        (("seller", "top-up", "XXY", "1.00", "--request-id", "r"), "CODE"),
        (("seller", "top-up", "USD", "0", "--request-id", "r"), "AMOUNT"),
        (("seller", "top-up", "USD", "1.00", "--request-id", "r" * 300), "--request-id"),
    ],
)
def test_wrong_input_is_told(installation: str, arguments: tuple[str, ...], words: str) -> None:
    told = call(*arguments)
    assert (told.code, words in told.err) == (2, True), told.err
