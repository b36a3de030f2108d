"""Campaigns by the command line: preview, start, control, receipt, and what goes wrong."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.domain.commands import SUBSCRIPTION_COMMANDS
from doors.commandline import campaign_run
from starter import app
from tests.commandline.conftest import Shop, top


@pytest.fixture
def ids(shop: Shop, tmp_path: Path) -> Path:
    """Two subscriptions of an account with 50.00 left on a test clock, and the file of their ids.

    So one of them can be extended.
    """
    assert shop.run("top-up", shop.acme, "50").code == 0
    shop.buy()
    assert shop.run("purchase", shop.acme, "PRO", "--id", shop.s2).code == 0
    file = tmp_path / "ids.csv"
    file.write_text(f"{shop.s1}\n{shop.s2}\n")
    return file


def test_the_commands_that_may_be_a_campaign_have_its_options_and_no_other_has() -> None:
    commands = top().commands
    with_file = {
        name.replace("-", "_")
        for name, found in commands.items()
        if any("--all-failed" in parameter.opts for parameter in found.params)
    }
    assert with_file == {do for do, it in SUBSCRIPTION_COMMANDS.items() if it.in_campaign}


def test_it_is_shown_asked_for_done_and_told_row_by_row(
    shop: Shop, ids: Path, tmp_path: Path
) -> None:
    """Rule 6.2: the first row takes what is usable, and the second is refused."""
    options = ("extend", "--file", str(ids), "--cycles", "1")
    shown = shop.run(*options, "--preview")
    assert shown.code == 0
    told = " ".join(shown.out.split())
    for words in ("2 ids", "Would be done 1", "Would be refused 1", "Paid $50.00", "6.2"):
        assert words in told
    data = shop.run(*options, "--preview", "--json").json
    assert (data["done"], data["refused"][0]["rule"]) == (1, "6.2")
    in_vain = ("extend", "--file", str(ids), "--cycles", "9", "--by", "ann")
    for refused in (shop.run(*in_vain, "--preview"), shop.run(*in_vain)):
        assert refused.code == 1
        assert refused.err.endswith("No row would be done. Nothing was started.\n")
        assert "Would be refused 2" in " ".join(refused.out.split())
    asked = shop.run(*options)
    assert (asked.code, "Confirm with --yes" in asked.err) == (2, True)
    assert shop.balance() == "50.00"
    assert shop.run("campaign", "list").out == "There are no campaigns.\n"

    done = shop.run(*options, "--yes", "--request-id", f"{shop.acme}-july", "--by", "=ann")
    assert (done.code, "1 row of 2 was refused" in done.err) == (1, True)
    again = shop.run(*options, "--yes", "--request-id", f"{shop.acme}-july")
    assert (again.code, "was started before" in again.out) == (1, True)
    assert shop.balance() == "0.00"
    other = shop.run(
        "unsubscribe", "--file", str(ids), "--yes", "--request-id", f"{shop.acme}-july"
    )
    assert (other.code, "was used for another campaign" in other.err) == (1, True)
    repeated = shop.run(*options, "--preview", "--request-id", f"{shop.acme}-july")
    assert "nothing would be started" in repeated.out

    [line] = shop.run("campaign", "list", "--json").json
    assert (line["state"], line["rows"], line["settled"], line["actor"]) == (
        *("finished", 2, 2),
        "=ann",
    )
    id_ = line["campaign"]
    view = shop.run("campaign", "show", id_, "--json").json
    assert (view["done"], view["refused"], view["sums"][0]["paid"]) == (1, 1, "50.00")
    out = tmp_path / "receipt.csv"
    assert shop.run("campaign", "receipt", id_, "--out", str(out)).code == 0
    first, second = csv.DictReader(out.read_text().splitlines())
    assert (first["subscription"], first["outcome"], first["amount"]) == (shop.s1, "done", "50.00")
    assert (second["line"], second["outcome"], second["rule"]) == ("2", "refused", "6.2")
    assert second["request_id"] == f"{id_}/2"
    assert shop.run("campaign", "receipt", id_).out == out.read_text()
    assert [row["outcome"] for row in shop.run("campaign", "receipt", id_, "--json").json] == [
        "done",
        "refused",
    ]
    assert shop.run("campaign", "receipt", id_, "--out", str(out)).code == 2
    assert shop.run("campaign", "receipt", id_, "--out", str(out), "--force").code == 0
    assert "=ann" in shop.run("history", shop.s1).out
    assert shop.run("campaign", "stop", id_).code == 2


def test_the_csv_of_a_list_is_a_file_and_a_list_is_a_filter(
    shop: Shop, ids: Path, tmp_path: Path
) -> None:
    """Rule 6.3: what support sees in a list is what the campaign is about."""
    assert shop.run("top-up", shop.acme, "50").code == 0
    listed = tmp_path / "active.csv"
    shop.run("list", "active", "--account", shop.acme, "--csv", str(listed))
    off = shop.run("unsubscribe", "--file", str(listed), "--yes", "--json")
    assert (off.code, off.json["done"]) == (0, 2)
    on = ("resubscribe", "--all-active", "--account", shop.acme, "--yes", "--json")
    real = shop.run(*on)
    assert (real.code, "there are no subscriptions" in real.err) == (2, True)
    told = shop.run(*on, "--clock", shop.clock, "--request-id", f"{shop.acme}-on")
    assert (told.code, told.json["done"]) == (0, 2)
    assert told.json["selection"] == f"all active of account {shop.acme} on test clock {shop.clock}"
    again = shop.run(*on, "--clock", shop.clock, "--request-id", f"{shop.acme}-on")
    assert (again.code, again.json["campaign"]) == (0, told.json["campaign"])
    plan = shop.run("change-plan", "--file", str(ids), "BIZ", "--when", "renewal", "--yes")
    assert plan.code == 0
    assert shop.show()["coming"][0]["sku"] == "BIZ"
    ended = shop.run(
        *("terminate", "--all-active", "--clock", shop.clock, "--account", shop.acme),
        *("--reason", "end of sale", "--yes", "--json"),
    )
    assert (ended.code, ended.json["sums"][0]["given_back"]) == (0, "100.00")


def test_it_is_controlled_while_it_runs(shop: Shop, ids: Path) -> None:
    """Its rate is changed and it is resumed while it runs. It is watched to its end."""
    options = ("recover", "--file", str(ids), "--yes", "--no-watch", "--rate", "1")
    started = shop.run(*options, "--request-id", f"{shop.acme}-r", "--json")
    id_ = started.json["campaign"]
    assert shop.run("campaign", "rate", id_, "500").code == 0
    assert shop.run("campaign", "rate", id_, "0").code == 2
    assert shop.run("campaign", "resume", id_, "--json").json["state"] == "running"
    shown = shop.run("campaign", "show", id_, "--watch", "--json")
    assert (shown.code, shown.json["refused"]) == (1, 2)
    assert shop.run("campaign", "list", "--state", "finished", "--json").json[0]["campaign"] == id_
    assert shop.run("campaign", "list", "--after", id_, "--json").json == []
    assert shop.run("campaign", "list", "--state", "lost").code == 2
    for unknown in (["show"], ["pause"], ["resume"], ["stop"], ["receipt"]):
        told = shop.run("campaign", *unknown, "c-0")
        assert (told.code, told.err) == (1, "Refused: there is no campaign c-0 (rule 4.1)\n")
    assert shop.run("campaign", "rate", "c-0", "5").code == 1


def test_ctrl_c_ends_the_watching_only(
    shop: Shop, ids: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the campaign, and how to watch it again."""

    async def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(campaign_run, "_watch", interrupted)
    told = CliRunner().invoke(
        app,
        [
            *("extend", "--file", str(ids), "--cycles", "1"),
            *("--yes", "--request-id", f"{shop.acme}-k"),
        ],
    )
    assert told.exit_code == 130
    assert "It goes on." in told.stderr
    assert "campaign show c-" in told.stderr


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("{s1}\n{s1}\n", "line 2: {s1} stands in line 1 already"),
        ("{s1}\nnowhere\n", "line 2: subscription nowhere was never created"),
        ("subscription\n" + "x" * 201, "line 2:"),
        ("id,account\n{s1},a\n", "line 1: has 2 columns, and none is called subscription"),
        ("account,subscription\na\n", "line 2:"),
        ("", "has no rows"),
        ("subscription\n", "has no rows"),
        ("a\0b\n", "zero byte"),
    ],
)
def test_a_wrong_file_starts_nothing(shop: Shop, ids: Path, rows: str, told: str) -> None:
    ids.write_text(rows.format(s1=shop.s1))
    found = shop.run("unsubscribe", "--file", str(ids), "--yes")
    assert (found.code, told.format(s1=shop.s1) in found.err) == (2, True), found.err
    assert shop.run("campaign", "list", "--json").json == []


def test_options_that_do_not_go_together_are_refused(shop: Shop, ids: Path) -> None:
    file = ("--file", str(ids))
    for arguments in (
        ["extend", "--cycles", "1"],
        ["extend", shop.s1, "--cycles", "1", *file],
        ["extend", shop.s1, "--cycles", "1", "--account", shop.acme],
        ["extend", "--cycles", "1", *file, "--all-failed"],
        ["extend", "--cycles", "1", *file, "--account", shop.acme],
        ["extend", "--cycles", "1", "--all-failed", "--all-expired"],
        ["extend", "--cycles", "1", "--all-expired", "--failure", "no_credits"],
        ["recover", "--all-failed", "--failure", "bad luck"],
        ["recover", shop.s1, *file],
        ["recover", shop.s1, "--failure", "no_credits"],
        ["change-plan", *file],
        ["unsubscribe", *file, "--rate", "501"],
        ["unsubscribe", "--file", "nowhere.csv"],
    ):
        told = shop.run(*arguments)
        assert told.code == 2, arguments
    assert shop.run("campaign", "receipt", "c-0").code == 1
