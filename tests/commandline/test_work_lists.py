"""The work lists of support, and what happened to an account (Rules 6.3, 11.7).

01-15 bought ─── 02-07 renewal date ─── 02-11 expiring ─── 02-14 paid up to
"""

import csv
from io import StringIO

from tests.commandline.conftest import Shop


def test_rule_6_3_failed_and_expiring_ones_are_listed_by_account(shop: Shop) -> None:
    """Two accounts: one fails to renew, the other has switched auto-renewal off."""
    beta = f"{shop.acme}-beta"
    opened = shop.run(
        *("account", "new", beta, "--currency", "USD", "--timezone", "UTC", "--credits", "100.00"),
        *("--clock", shop.clock, "--owner", "Bo Tan", "--billing-email", "bo@beta.example"),
    )
    assert opened.code == 0
    later = f"{shop.s2}-later"
    shop.buy("--quantity", "2")  # 100.00: nothing is left for its renewal.
    assert shop.run("purchase", beta, "PRO", "--id", shop.s2).code == 0
    shop.advance("2021-01-18")
    assert shop.run("purchase", beta, "PRO", "--id", later).code == 0
    for id_ in (shop.s2, later):
        assert shop.run("unsubscribe", id_).code == 0

    shop.advance("2021-02-10")
    assert rows(shop, "expiring") == []  # Its last day is 4 days away.
    shop.advance("2021-02-11")
    assert rows(shop, "expiring") == [
        (beta, shop.s2, "Bo Tan", "bo@beta.example", "2021-02-14", ""),
    ]
    assert rows(shop, "failed") == [
        (shop.acme, shop.s1, "Ada Lim", "ada@acme.example", "2021-02-14", "no_credits"),
    ]
    shop.advance("2021-02-14")
    assert [row[1] for row in rows(shop, "expiring")] == sorted([shop.s2, later])
    assert [row[1] for row in rows(shop, "expiring", "--expiry-from", "2021-02-15")] == [later]
    assert [row[1] for row in rows(shop, "expiring", "--expiry-to", "2021-02-14")] == [shop.s2]
    assert rows(shop, "failed", "--account", beta) == []
    assert [row[0] for row in rows(shop, "active")] == [shop.acme, beta, beta]


def test_rule_11_7_the_history_of_an_account_has_each_kind_of_transaction(shop: Shop) -> None:
    """100.00 − 50.00 + 200.00 − 7.12345 − 20.00 + 1.00 − 50.00 + 50.00 = 223.87655."""
    beta = f"{shop.acme}-beta"
    told = shop.run(
        *("account", "new", beta, "--currency", "USD", "--timezone", "UTC", "--clock", shop.clock)
    )
    assert told.code == 0
    shop.buy()
    for command in (
        ("top-up", shop.acme, "200.00"),
        ("usage", shop.acme, "7.12345", "--text", "calls"),
        ("transfer", shop.acme, beta, "20.00"),
        ("adjust", shop.acme, "--give", "1.00", "--reason", "good will"),
    ):
        assert shop.run(*command).code == 0, command
    shop.advance("2021-02-08")  # Renewed. The period that is under way is 24 days old.
    assert shop.run("terminate", shop.s1, "--reason", "moved", "--yes").code == 0
    entries = shop.run("history", shop.acme, "--account", "--json").json
    assert [(entry["event"], entry["amount"]) for entry in entries if entry["amount"]] == [
        ("purchased", "-50.00"),
        ("topped_up", "200.00"),
        ("usage", "-7.12345"),
        ("transferred", "-20.00"),
        ("adjusted", "1.00"),
        ("renewed", "-50.00"),
        ("refunded", "50.00"),
    ]
    assert shop.balance() == "223.87655"


def rows(shop: Shop, *arguments: str) -> list[tuple[str, ...]]:
    """The lines of a work list, from its CSV. Other tests of the server have no accounts in it."""
    told = shop.run("list", *arguments, "--test-clocks", "--csv", "-")
    assert told.code == 0, told.err
    keys = ("account", "subscription", "owner", "billing_email", "expiry", "reason")
    return [tuple(row[key] for key in keys) for row in csv.DictReader(StringIO(told.out))]
