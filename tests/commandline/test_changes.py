"""Changes of what a subscription holds, by the command line (Rules 3.4, 9).

01-15 bought ─── 01-25 changed: 21 of 31 days left ─── 02-07 renewal date ─── 02-14 paid up to
"""

from tests.commandline.conftest import Shop


def test_a_change_from_today_on_is_charged_shown_and_in_the_history(shop: Shop) -> None:
    """40/31 × 21 = 27.096…, 2 × 10/31 × 21 = 13.548…."""
    shop.buy()
    shop.advance("2021-01-25")
    told = shop.run("change-plan", shop.s1, "BIZ", "--json")
    assert told.json | {"request_id": ""} == {
        "do": "change_plan",
        "request_id": "",
        "replayed": False,
        "refused": None,
        "subscription": shop.s1,
        "sku": "BIZ",
        "amount": "27.10",
        "currency": "USD",
        "at_renewal": False,
    }
    seats = shop.run("set-addon", shop.s1, "SEAT", "2", "--invoice-number", "X-1")
    assert seats.out == (f"{shop.s1} has 2 × SEAT from today on: $13.55 on external invoice X-1.\n")
    shown = shop.show()
    assert (shown["sku"], shown["addons"], shown["fee"]) == ("BIZ", {"SEAT": 2}, "110.00")
    assert shown["periods"][0]["paid"] == "77.10"
    assert shop.balance() == "22.90"
    history = shop.run("history", shop.s1).out
    assert "plan changed, BIZ" in history
    assert "add-on changed, 2 × SEAT, on external invoice X-1" in history


def test_what_is_pending_is_shown_explained_foretold_listed_and_withdrawn(shop: Shop) -> None:
    shop.buy()
    for change in (
        ["change-plan", shop.s1, "BIZ", "--when", "renewal"],
        ["set-addon", shop.s1, "SEAT", "1", "--when", "renewal"],
        ["change-cycle", shop.s1, "--months", "2"],
    ):
        told = shop.run(*change)
        assert (told.code, "next paid cycle" in told.out) == (0, True), told
    shown = shop.show()
    assert (shown["sku"], shown["fee"]) == ("PRO", "200.00")
    assert [(one["item"], one["sku"], one["amount"], one["since"]) for one in shown["coming"]] == [
        ("plan", "BIZ", 1, None),
        ("addon", None, 1, None),
        ("cycle", None, 2, None),
    ]
    page = shop.run("show", shop.s1).out
    for words in ("the plan BIZ", "1 × SEAT", "cycles of 2 base cycles"):
        assert f"{words} with the next paid cycle" in page
    explained = " ".join(shop.run("explain", shop.s1).out.split())
    assert "brings the plan BIZ, 1 × SEAT" in explained
    entries = shop.run("forecast", shop.s1, "--months", "2", "--json").json
    failed = next(entry for entry in entries if entry["event"] == "renewal_failed")
    assert failed["date"] == "2021-02-07"  # 200.00 are not there
    assert shop.run("withdraw-changes", shop.s1).out == (
        f"3 pending changes of {shop.s1} are withdrawn.\n"
    )
    refused = shop.run("withdraw-changes", shop.s1)
    assert (refused.code, "rule 9" in refused.err) == (1, True)
    assert shop.show()["coming"] == []
    assert shop.show()["fee"] == "50.00"
    history = shop.run("history", shop.s1).out
    assert "plan changed, BIZ with the next paid cycle" in history
    assert "cycle changed, cycles of 2 months with the next paid cycle" in history
    assert "pending changes withdrawn" in history


def test_a_change_that_is_paid_for_holds_from_the_first_day_of_its_cycle(shop: Shop) -> None:
    """The row is not written anew on 02-15. Lists and `show` follow the day of the clock."""
    shop.buy()
    shop.run("change-plan", shop.s1, "BIZ", "--when", "renewal")
    shop.run("top-up", shop.acme, "100.00")
    shop.advance("2021-02-14")
    listed = shop.run("list", "active", "--test-clocks", "--json").json
    assert (shop.show()["sku"], listed[0]["sku"]) == ("PRO", "PRO")
    assert "the plan BIZ from 15 February 2021 on" in shop.run("show", shop.s1).out
    shop.advance("2021-02-15")
    listed = shop.run("list", "active", "--test-clocks", "--json").json
    assert (shop.show()["sku"], listed[0]["sku"]) == ("BIZ", "BIZ")
    assert shop.show()["coming"] == []
    history = shop.run("history", shop.s1).out
    assert "renewed, paid up to 14 March 2021, with the plan BIZ" in history


def test_a_change_is_previewed_with_its_lines_and_the_next_fee(shop: Shop) -> None:
    shop.buy()
    told = shop.run("change-plan", shop.s1, "BIZ", "--preview", "--json").json
    assert (told["before"]["fee"], told["after"]["fee"]) == ("50.00", "90.00")
    assert told["invoices"][0]["lines"] == [
        [f"{shop.s1} primary BIZ from 2021-01-15 to 2021-02-14", "40.00"]
    ]
    later = shop.run("change-plan", shop.s1, "BIZ", "--when", "renewal", "--preview", "--json").json
    assert (later["after"]["sku"], later["after"]["fee"]) == ("PRO", "90.00")
    assert (later["after"]["usable"], later["invoices"]) == ("50.00", [])
    page = shop.run("change-cycle", shop.s1, "--months", "2", "--preview").out
    assert "Next fee" in page
    assert "$100.00" in page
    assert "cycle changed, cycles of 2 months with the next paid cycle" in page
    assert shop.show()["coming"] == []


def test_the_terms_of_a_subscription_are_shown_until_it_ends(shop: Shop) -> None:
    shop.run(
        *("purchase", shop.acme, "PRO", "--id", shop.s1, "--align", "--legacy"),
        *("--discount", "25", "--discount-cycles", "3"),
        *("--pay", "contract", "--contract", "as_incurred"),
    )
    shown = shop.show()
    assert (shown["align"], shown["legacy"], shown["contract"]) == (True, True, "as_incurred")
    assert (shown["discount"], shown["discount_cycles"], shown["policy_version"]) == ("25", 3, 1)
    page = " ".join(shop.run("show", shop.s1).out.split())
    for term in (
        "25 % off the next 2 paid cycles (rule 3.6)",
        "renewals end with a month (rule 5.5)",
        "contract as incurred (rule 8.3)",
        "it renews a day earlier (rule 1.5)",
        "policy version 1 until the next cycle is paid (rule 14)",
    ):
        assert f"Terms {term}" in page
    shop.run("terminate", shop.s1, "--reason", "a test", "--yes")
    assert "Terms" not in shop.run("show", shop.s1).out
