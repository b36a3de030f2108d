"""Each command by the command line, on real workflows and a test clock.

The dates are those of docs/rules.md:

01-15 bought ─── 02-07 renewal date ─── 02-14 paid up to ─── 02-15 expired ─── 03-15 terminated
"""

import csv
from io import StringIO
from pathlib import Path

import pytest

from core.domain.commands import AnyCommand
from core.protocol.activity_messages import CommandResult
from doors.application.perennial import Perennial
from doors.commandline import connection
from doors.commandline.exit_codes import Unavailable
from settings import Settings
from tests.commandline.conftest import Shop


def test_a_purchase_is_answered_shown_and_in_the_history(shop: Shop) -> None:
    told = shop.run("purchase", shop.acme, "PRO", "--id", shop.s1, "--addon", "SEAT=2", "--json")
    assert told.json | {"request_id": ""} == {
        "do": "purchase",
        "request_id": "",
        "replayed": False,
        "refused": None,
        "subscription": shop.s1,
        "expiry": "2021-02-14",
        "amount": "70.00",
        "currency": "USD",
    }
    shown = shop.show()
    assert (shown["status"], shown["expiry"], shown["renewal_date"], shown["fee"]) == (
        "ACTIVE",
        "2021-02-14",
        "2021-02-07",
        "70.00",
    )
    assert shown["next_step"]["kind"] == "renew"
    assert "15 January 2021" in shop.run("show", shop.s1).out
    history = shop.run("history", shop.s1, "--json").json
    assert [(line["event"], line["amount"], line["rule"]) for line in history] == [
        ("purchased", "-70.00", "4.1")
    ]
    assert "bought, paid up to 14 February 2021" in shop.run("history", shop.s1).out
    assert shop.balance() == "30.00"


def test_numbers_are_bought_added_swapped_and_removed(shop: Shop) -> None:
    """The period has 31 days, all of them are left: 10.00 a number, 5.00 for its activation."""
    one, two, three = "+651", "+652", "+653"
    bought = shop.run("purchase", shop.acme, "PRO", "--id", shop.s1, "--number", f"{one}=DID")
    assert bought.out == (
        f"{shop.s1} is bought: $60.00 paid, $5.00 for the activation of numbers, "
        "paid up to 14 February 2021.\n"
    )
    added = shop.run("add-number", shop.s1, two, "DID")
    assert added.out == (
        f"{shop.s1} has the number {two} from today on: $10.00 paid, activation fee $5.00.\n"
    )
    preview = shop.run("swap-number", shop.s1, two, three, "--preview")
    assert "nothing is done" in preview.out
    swapped = shop.run("swap-number", shop.s1, two, three)
    assert swapped.out == f"{shop.s1} has the number {three} in place of {two}.\n"
    removed = shop.run("remove-number", shop.s1, one, "--when", "renewal", "--json")
    assert (removed.json["number"], removed.json["at_renewal"]) == (one, True)
    again = shop.run("remove-number", shop.s1, one, "--when", "renewal")
    assert (again.code, "rule 9" in again.err) == (1, True)
    shown = shop.show()
    assert (shown["numbers"], shown["fee"]) == ({one: "DID", three: "DID"}, "60.00")
    words = shop.run("show", shop.s1).out
    assert f"{one} (DID)" in words
    assert f"no {one} with the next paid cycle" in words
    history = shop.run("history", shop.s1).out
    assert f"number swapped, {three} in place of {two}" in history
    assert f"number removed, {one} with the next paid cycle" in history
    account = shop.run("account", "show", shop.acme, "--json").json
    assert (account["waiting"], account["balance"]) == ("10.00", "20.00")
    assert "wait for it" in shop.run("account", "show", shop.acme).out
    shop.advance("2021-02-01")
    invoices = shop.run("account", "show", shop.acme, "--invoices", "--json").json["invoices"]
    assert (invoices[-1]["kind"], invoices[-1]["date"], invoices[-1]["total"]) == (
        "monthly",
        "2021-01-31",
        "10.00",
    )


def test_the_same_request_id_buys_once(shop: Shop) -> None:
    first = shop.run(
        "purchase", shop.acme, "PRO", "--id", shop.s1, "--request-id", f"{shop.s1}-order", "--json"
    ).json
    again = shop.run(
        "purchase", shop.acme, "PRO", "--id", shop.s1, "--request-id", f"{shop.s1}-order", "--json"
    ).json
    assert again == first | {"replayed": True}
    other = shop.run(
        "purchase",
        shop.acme,
        "PRO",
        "--id",
        shop.s1,
        "--quantity",
        "2",
        "--request-id",
        f"{shop.s1}-order",
        "--json",
    )
    assert (other.code, other.json["refused"]["rule"]) == (1, "4.2")
    assert shop.balance() == "50.00"


def test_a_failed_renewal_is_listed_explained_and_recovered_on_an_external_invoice(
    shop: Shop,
) -> None:
    shop.buy("--quantity", "2")
    shop.advance("2021-02-08")
    rows = shop.run("list", "failed", "--test-clocks", "--json").json
    assert [
        (row["subscription"], row["reason"], row["failed_on"], row["billing_email"]) for row in rows
    ] == [(shop.s1, "no_credits", "2021-02-07", "ada@acme.example")]
    table = list(
        csv.DictReader(StringIO(shop.run("list", "failed", "--test-clocks", "--csv", "-").out))
    )
    assert [(row["owner"], row["expiry"], row["reason"]) for row in table] == [
        ("Ada Lim", "2021-02-14", "no_credits")
    ]
    assert "usable credits do not cover the fee" in shop.run("list", "failed", "--test-clocks").out
    why = shop.run("explain", shop.s1, "--json").json
    assert "rule 5.3" in why["answer"]
    assert why["answer"].startswith("It was bought on 15 January 2021 for $100.00 (rule 4.1)")
    assert why["asked"] == "its workflow and the database"
    assert [line["event"] for line in why["because"]] == [
        "purchased",
        "notice_renewal",
        "renewal_failed",
    ]
    assert why["next_step"]["kind"] == "retry"
    refused = shop.run("recover", shop.s1)
    assert (refused.code, "rule 6.1" in refused.out) == (1, True)
    done = shop.run("recover", "--account", shop.acme, "--invoice-number", "X-17", "--json")
    assert [(one["subscription"], one["expiry"], one["external_invoice"]) for one in done.json] == [
        (shop.s1, "2021-03-14", "X-17")
    ]
    assert shop.balance() == "0.00"
    assert (
        shop.run("recover", "--account", shop.acme).out
        == "No renewal has failed: nothing to recover.\n"
    )


def test_a_selection_has_an_outcome_each_and_is_of_one_account(shop: Shop) -> None:
    shop.buy("--quantity", "2")
    shop.advance("2021-02-08")
    told = shop.run("recover", shop.s1, shop.s2, "--invoice-number", "X-18", "--json")
    assert told.code == 1
    assert [
        (one["subscription"], one["refused"] and one["refused"]["rule"]) for one in told.json
    ] == [(shop.s1, None), (shop.s2, "4.1")]
    assert (
        shop.run(
            "account",
            "new",
            f"{shop.acme}2",
            "--currency",
            "USD",
            "--timezone",
            "UTC",
            "--credits",
            "50",
        ).code
        == 0
    )
    assert shop.run("purchase", f"{shop.acme}2", "PRO", "--id", shop.s2).code == 0
    several = shop.run("recover", shop.s1, shop.s2)
    assert (several.code, "several accounts" in several.err) == (2, True)


@pytest.mark.parametrize("options", [["--json"], []], ids=["json", "words"])
def test_what_was_done_is_told_when_the_next_one_has_no_answer(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    shop.buy("--quantity", "2")
    shop.advance("2021-02-08")
    carry_out = connection.carry_out

    async def away_for_the_second(
        perennial: Perennial, config: Settings, command: AnyCommand, request: str
    ) -> CommandResult:
        if command.subscription == shop.s2:  # type: ignore[union-attr]
            raise Unavailable("The outcome of recover is unknown.")
        return await carry_out(perennial, config, command, request)

    monkeypatch.setattr(connection, "carry_out", away_for_the_second)
    told = shop.run("recover", shop.s1, shop.s2, "--invoice-number", "X-19", *options)
    assert (told.code, told.err) == (3, "The outcome of recover is unknown.\n")
    if options:
        assert [(one["subscription"], one["refused"]) for one in told.json] == [(shop.s1, None)]
    else:
        assert told.out.startswith(f"{shop.s1} is recovered: $100.00 on external invoice X-19")


def test_a_top_up_heals_a_failed_renewal(shop: Shop) -> None:
    shop.buy("--quantity", "2")
    shop.advance("2021-02-08")
    told = shop.run("top-up", shop.acme, "100.00", "--currency", "USD")
    assert (told.code, told.out) == (0, f"$100.00 added to {shop.acme}.\n")
    assert (shop.show()["expiry"], shop.balance()) == ("2021-03-14", "0.00")
    assert shop.run("top-up", shop.acme, "100.00", "--currency", "JPY").code == 2
    assert (
        shop.run("account", "show", shop.acme, "--invoices", "--json").json["invoices"][-1]["total"]
        == "100.00"
    )
    assert "Top-up" in shop.run("account", "show", shop.acme, "--invoices", "--history").out


def test_a_card_pays_a_renewal(shop: Shop) -> None:
    shop.buy("--quantity", "2")
    assert shop.run("card", "set", shop.acme, "sim_ok", "--renew-by-card").code == 0
    assert shop.run("account", "show", shop.acme, "--json").json["renew_by_card"] is True
    shop.advance("2021-02-08")
    assert shop.show()["expiry"] == "2021-03-14"
    assert "card charged" in shop.run("history", shop.acme, "--account").out
    assert shop.run("card", "remove", shop.acme, "--no-renew-by-card", "--json").code == 0
    assert shop.run("account", "show", shop.acme, "--json").json["card"] is None
    longest = ("--request-id", "k" * 200)
    again = shop.run("card", "set", shop.acme, "sim_ok", "--renew-by-card", *longest)
    assert again.code == 0, again.err
    number = shop.run("card", "set", shop.acme, "4242 4242 4242 4242")
    assert (number.code, "4242" in number.err) == (2, False)


def test_an_extension_shows_its_cost_before_it_asks(shop: Shop) -> None:
    shop.buy()
    short = shop.run("extend", shop.s1, "--to", "2021-03-31")  # 50 + 50 × 17/31
    assert (short.code, "does not cover 77.42 (rule 6.2)" in short.err) == (1, True)
    asked = shop.run("extend", shop.s1, "--to", "2021-03-14")
    assert (asked.code, "-$50.00" in asked.out, "--yes" in asked.err) == (2, True, True)
    assert "14 March 2021" in asked.out
    assert shop.balance() == "50.00"
    done = shop.run("extend", shop.s1, "--cycles", "1", "--yes", "--json")
    assert (done.json["amount"], done.json["expiry"]) == ("50.00", "2021-03-14")
    for wrong in (
        ["--cycles", "0"],
        ["--cycles", "-1"],
        ["--cycles", "999999999"],
        [],
        ["--cycles", "1", "--to", "2021-05-01"],
        ["--to", "2021-03-15"],
    ):
        refused = shop.run("extend", shop.s1, *wrong, "--yes")
        assert (refused.code, "rule 6.2" in refused.err) == (1, True), wrong
    assert (shop.show()["expiry"], shop.balance()) == ("2021-03-14", "0.00")


def test_every_change_can_be_previewed(shop: Shop) -> None:
    shop.buy()
    for arguments in (
        ["extend", shop.s1, "--cycles", "1"],
        ["terminate", shop.s1, "--reason", "moved"],
        ["purchase", shop.acme, "PRO", "--id", f"{shop.s1}-more"],
        ["unsubscribe", shop.s1],
        ["top-up", shop.acme, "5"],
        ["suspend", shop.acme],
        ["card", "set", shop.acme, "sim_ok", "--renew-by-card"],
    ):
        told = shop.run(*arguments, "--preview")
        assert (told.code, "nothing is done" in told.out) == (0, True), told
        data = shop.run(*arguments, "--preview", "--json").json
        assert all(one["preview"] for one in (data if isinstance(data, list) else [data]))
    extension = shop.run("extend", shop.s1, "--cycles", "1", "--preview", "--json").json
    assert (extension["before"]["usable"], extension["after"]["usable"]) == ("50.00", "0.00")
    assert (extension["after"]["expiry"], extension["card"]) == ("2021-03-14", None)
    assert extension["invoices"][0]["total"] == "50.00"
    for arguments in (["recover", shop.s1], ["purchase", shop.acme, "YEAR"]):
        refused = shop.run(*arguments, "--preview")
        assert (refused.code, "would be refused" in refused.out) == (1, True)
    assert (shop.show()["expiry"], shop.balance()) == ("2021-02-14", "50.00")
    assert [line["event"] for line in shop.run("history", shop.s1, "--json").json] == ["purchased"]


def test_a_termination_shows_its_refund_before_it_asks(shop: Shop) -> None:
    shop.buy()
    asked = shop.run("terminate", shop.s1, "--reason", "moved")
    assert (asked.code, "+$50.00" in asked.out) == (2, True)
    assert shop.show()["status"] == "ACTIVE"
    done = shop.run(
        "terminate",
        shop.s1,
        "--reason",
        "moved",
        "--yes",
        "--request-id",
        f"{shop.s1}-end",
        "--json",
    )
    assert done.json["refund"] == "50.00"
    again = shop.run(
        "terminate",
        shop.s1,
        "--reason",
        "moved",
        "--yes",
        "--request-id",
        f"{shop.s1}-end",
        "--json",
    )
    assert (again.code, again.json["replayed"]) == (0, True)
    assert (shop.show()["status"], shop.balance()) == ("TERMINATED", "100.00")
    assert shop.run("terminate", shop.s1, "--reason", "moved", "--yes").code == 1
    assert "terminated on 15 January 2021" in shop.run("explain", shop.s1).out


def test_an_owner_an_assignee_and_members_are_changed_and_shown(shop: Shop) -> None:
    berlin = f"{shop.acme}-berlin"
    opened = ("--currency", "USD", "--timezone", "Europe/Berlin", "--clock", shop.clock)
    assert shop.run("account", "new", berlin, *opened).code == 0
    shop.buy()
    assert shop.run("assign", shop.s1, "ann@example.com").out == (
        f"{shop.s1} is assigned to ann@example.com.\n"
    )
    assert shop.run("share", shop.s1, "ben@EXAMPLE.com", "--by", "Eve").code == 0
    shown = shop.show()
    assert (shown["assigned_to"], shown["members"]) == ("ann@example.com", ["ben@example.com"])
    assert "ben@example.com" in shop.run("show", shop.s1).out
    preview = shop.run("change-owner", shop.s1, berlin, "--preview", "--json").json
    assert preview["refused"] is None
    assert shop.show()["account"] == shop.acme
    told = shop.run("change-owner", shop.s1, berlin, "--json").json
    assert (told["account"], told["before"]) == (berlin, shop.acme)
    shown = shop.show()
    assert (shown["account"], shown["timezone"]) == (berlin, "Europe/Berlin")
    assert (shown["assigned_to"], shown["members"]) == (None, [])
    assert [line["event"] for line in shop.run("history", shop.s1, "--json").json] == [
        "purchased",
        "assigned",
        "shared",
        "given_away",
        "owner_changed",
    ]
    of_old = shop.run("history", shop.acme, "--account", "--json").json
    assert [line["event"] for line in of_old][-1] == "given_away"
    assert of_old[-1]["facts"] == {"to": berlin}
    refused = shop.run("change-owner", shop.s1, berlin)
    assert (refused.code, "belongs to" in refused.err) == (1, True)
    shop.advance("2021-02-08")
    assert shop.show()["renewal_failed"] is True  # berlin has no credits


def test_expired_ones_are_listed_and_reactivated(shop: Shop) -> None:
    shop.buy()
    assert shop.run("unsubscribe", shop.s1).code == 0
    shop.advance("2021-02-12")
    expiring = ["list", "expiring", "--account", shop.acme, "--json"]
    assert [row["subscription"] for row in shop.run(*expiring).json] == [shop.s1]
    shop.advance("2021-02-20")
    assert shop.run(*expiring).json == []
    assert [
        row["subscription"]
        for row in shop.run("list", "expired", "--account", shop.acme, "--json").json
    ] == [shop.s1]
    told = shop.run("reactivate", shop.s1)
    assert (told.code, told.out) == (
        0,
        f"{shop.s1} is reactivated: $50.00 paid, paid up to 14 March 2021.\n",
    )
    assert shop.run("resubscribe", shop.s1).code == 0
    assert shop.run("resubscribe", shop.s1).code == 1
    active = ["list", "active", "--account", shop.acme, "--json"]
    assert (
        len(shop.run(*active, "--expiry-from", "2021-03-14", "--expiry-to", "2021-03-14").json) == 1
    )
    assert shop.run(*active, "--expiry-from", "2021-03-15").json == []


def test_a_trial_is_started_shown_explained_and_converted(shop: Shop) -> None:
    told = shop.run("trial", shop.acme, "PRO", "--id", shop.s1)
    assert (told.code, told.out) == (
        0,
        f"{shop.s1} is a trial until 21 January 2021; nothing is charged before it ends.\n",
    )
    again = shop.run("trial", shop.acme, "PRO", "--id", shop.s2)
    assert again.code == 1
    assert f"had its one trial of application phone, {shop.s1}; buy it instead" in again.err
    shown = shop.show()
    assert [shown[key] for key in ("status", "trial", "renewal_date", "fee", "cycles_paid")] == [
        "ACTIVE",
        True,
        None,
        "50.00",
        0,
    ]
    page = shop.run("show", shop.s1).out
    for words in ("ACTIVE (trial)", "Trial until", "21 January 2021", "a trial does not renew"):
        assert words in page
    [row] = shop.run("list", "active", "--account", shop.acme, "--json").json
    assert (row["trial"], row["renewal_date"]) == (True, None)
    assert "trial" in shop.run("list", "active", "--account", shop.acme).out
    assert (
        "It is a trial until 21 January 2021. Then it expires" in shop.run("explain", shop.s1).out
    )
    assert "told: the trial ends soon" in shop.run("forecast", shop.s1).out
    shop.advance("2021-01-25")
    assert "EXPIRED on 22 January 2021 (trial)" in shop.run("show", shop.s1).out
    assert "trial" in shop.run("list", "expired", "--account", shop.acme).out
    done = shop.run("convert", shop.s1)
    assert (done.code, done.out) == (
        0,
        f"{shop.s1} is converted: $50.00 paid, paid up to 24 February 2021.\n",
    )
    shown = shop.show()
    assert (shown["trial"], shown["renewal_date"]) == (False, "2021-02-17")
    assert [period["paid"] for period in shown["periods"]] == ["0.00", "50.00"]
    events = [line["event"] for line in shop.run("history", shop.s1, "--json").json]
    assert events == ["trial_started", "notice_trial_ending", "expired", "converted"]


def test_a_trial_that_cannot_be_funded_at_its_end_says_why(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("{trial_end: convert}")
    assert shop.run("policy", "load", str(tmp_path / "policy.yaml")).code == 0
    shop.buy()
    assert shop.run("purchase", shop.acme, "PRO", "--id", f"{shop.s1}b").code == 0
    assert shop.run("trial", shop.acme, "PRO", "--id", shop.s2).code == 0
    assert "Then its first cycle is charged" in shop.run("explain", shop.s2).out
    shop.advance("2021-01-22")
    why = "its first cycle could not be charged: the usable credits did not cover the fee"
    assert why in shop.run("explain", shop.s2, "--json").json["answer"]
    [row] = shop.run("list", "expired", "--account", shop.acme, "--json").json
    assert (row["subscription"], row["reason"]) == (shop.s2, "no_credits")
    table = shop.run("list", "expired", "--account", shop.acme).out
    assert "conversion had failed" in " ".join(table.split())


def test_a_suspended_account_takes_no_commands_but_resume(shop: Shop) -> None:
    shop.buy()
    assert shop.run("suspend", shop.acme).code == 0
    refused = shop.run("unsubscribe", shop.s1)
    assert (refused.code, "rule 11.8" in refused.err) == (1, True)
    assert shop.run("extend", shop.s1, "--cycles", "1", "--yes").code == 1
    assert shop.run("resume", shop.acme).out == f"Account {shop.acme} is no longer suspended.\n"
    assert shop.run("resume", shop.acme).code == 1


def test_settings_of_an_account(shop: Shop) -> None:
    assert (
        shop.run(
            "account",
            "set",
            shop.acme,
            "--credit-limit",
            "25.50",
            "--until",
            "2021-06-30",
            "--renew-by-card",
        ).code
        == 0
    )
    view = shop.run("account", "show", shop.acme, "--json").json
    assert (
        view["credit_limit"],
        view["credit_limit_until"],
        view["usable"],
        view["renew_by_card"],
    ) == (
        "25.50",
        "2021-06-30",
        "125.50",
        True,
    )
    assert "Ada Lim" in shop.run("account", "show", shop.acme).out
    again = shop.run("account", "new", shop.acme, "--currency", "USD", "--timezone", "UTC")
    assert (again.code, "exists" in again.err) == (1, True)


def test_the_forecast_is_what_then_happens(shop: Shop) -> None:
    shop.buy()
    coming = shop.run("forecast", shop.s1, "--months", "2", "--json").json
    assert "renewal failed" in shop.run("forecast", shop.s1, "--months", "2").out
    shop.advance("2021-03-15")
    happened = shop.run("history", shop.acme, "--account", "--json").json
    assert [(e["event"], e["date"], e["amount"]) for e in coming] == [
        (h["event"], h["date"], h["amount"]) for h in happened if h["event"] != "purchased"
    ]
    assert coming[1]["balance"] == "0.00"


def test_clocks_the_policy_and_the_catalogue_are_shown(shop: Shop, tmp_path: Path) -> None:
    assert shop.run("clock", "show", shop.clock, "--json").json == [
        {"clock": shop.clock, "now": "2021-01-15T00:00:00+00:00", "accounts": 1}
    ]
    assert shop.run("clock", "advance", shop.clock, "--to", "2021-01-14").code == 2
    assert shop.run("clock", "new", shop.clock, "--at", "2021-01-15").code == 1
    assert [entry["sku"] for entry in shop.run("catalog", "show", "--json").json] == [
        "PRO",
        "BIZ",
        "YEAR",
        "SEAT",
        "DID",
    ]
    assert "$370.00" in shop.run("catalog", "show").out
    (tmp_path / "policy.yaml").write_text("policy: {expiring_notice_days: 5}")
    assert shop.run("policy", "load", str(tmp_path / "policy.yaml"), "--json").json == {
        "version": 2
    }
    assert shop.run("policy", "show", "--json").json["policy"]["expiring_notice_days"] == 5
    assert "expiring_notice_days" in shop.run("policy", "show").out


def test_the_system_is_looked_after(shop: Shop) -> None:
    shop.buy()
    assert [role["role"] for role in shop.run("worker", "status", "--json").json] == [
        "workflows",
        "activities",
        "charge",
    ]
    assert shop.run("reconcile", "--json").json["findings"] == []
    assert "Everything is as it should be" in shop.run("reconcile").out
    assert [part["state"] for part in shop.run("stack", "status", "--json").json] == [
        "running",
        "running",
    ]
    assert shop.run("stack", "up", "--json").code == 0
    assert shop.run("stack", "down", "--json").json == {"stopped": []}
    assert shop.run("migrate").code == 0


def test_customers_of_another_system_are_imported_once(shop: Shop, tmp_path: Path) -> None:
    rows = [
        f"{shop.s1},{shop.acme},USD,UTC,PRO,2020-12-20",
        f"{shop.s2},{shop.acme},USD,UTC,PRO,2021-02-30",
    ]
    (tmp_path / "customers.csv").write_text(
        "\n".join(["id,account,currency,timezone,sku,anchor", *rows])
    )
    dry = shop.run(
        "import", str(tmp_path / "customers.csv"), "--dry-run", "--clock", shop.clock, "--json"
    )
    assert (dry.code, dry.json["imported"], dry.json["faulty"]) == (2, 1, 1), dry.out
    assert shop.run("show", shop.s1).code == 1
    first = shop.run("import", str(tmp_path / "customers.csv"), "--clock", shop.clock, "--json")
    assert (first.code, first.json["imported"], first.json["started"]) == (2, 1, 1), dry.out
    assert "2021-02-30" in (tmp_path / "customers-faults.csv").read_text()
    again = shop.run(
        "import",
        str(tmp_path / "customers.csv"),
        "--clock",
        shop.clock,
        "--faults",
        str(tmp_path / "f.csv"),
    )
    assert (again.code, "1 there already" in again.out) == (2, True)
    assert shop.show()["expiry"] == "2021-01-19"


@pytest.mark.parametrize(
    "command",
    [
        ["show"],
        ["history"],
        ["explain"],
        ["forecast"],
        ["unsubscribe"],
        ["terminate", "--reason", "x", "--yes"],
        ["recover"],
    ],
)
def test_a_subscription_that_never_was_is_refused(shop: Shop, command: list[str]) -> None:
    told = shop.run(command[0], shop.s2, *command[1:])
    assert told.code == 1
    assert "rule 4.1" in told.err + told.out
