"""`number`: the inventory by the command line."""

from pathlib import Path

import pytest

from tests.commandline.conftest import Shop, call

ONE, TWO, THREE = "+6561234567", "+6561234568", "+6561234569"
NUMBERS = f"number,sku,hold\n{ONE},LINE,\n{TWO},LINE,ported_in\n{THREE},GOLD,\n"
LEFT_OUT = "Accounts on test clocks are left out. The option --test-clocks shows them."
CATALOG = """
catalog:
  - {sku: LINE, kind: number, months: 1, prices: {USD: "1.00"}}
  - {sku: GOLD, kind: number, months: 1, prices: {USD: "9.00"}}
"""


@pytest.fixture
def stocked(shop: Shop, tmp_path: Path) -> Shop:
    """The shop with three numbers in its inventory."""
    (tmp_path / "numbers.yaml").write_text(CATALOG)
    (tmp_path / "numbers.csv").write_text(NUMBERS)
    assert shop.run("catalog", "load", str(tmp_path / "numbers.yaml")).code == 0
    told = shop.run("number", "import", str(tmp_path / "numbers.csv"), "--by", "ann")
    assert "3 rows: 3 imported, 0 there already, 0 faulty" in told.out
    assert "numbers.csv: 100 %" in told.err
    return shop


def test_an_import_runs_again_and_lists_faults(stocked: Shop, tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text(NUMBERS + "12,LINE,\n")
    (tmp_path / "holds.csv").write_text(f"number,sku,hold\n{ONE},LINE,rented\n{TWO},LINE,byoi\n")
    holds = stocked.run("number", "import", str(tmp_path / "holds.csv"), "--json").json["faults"]
    assert [fault["reason"].split(";")[0] for fault in holds] == [
        "hold must be normal or ported_in, not 'rented'",
        "hold must not be byoi",
    ]
    dry = stocked.run("number", "import", str(tmp_path / "more.csv"), "--dry-run", "--json")
    assert (dry.code, dry.json["imported"], dry.json["there"], dry.json["faulty"]) == (2, 0, 3, 1)
    told = stocked.run("number", "import", str(tmp_path / "more.csv"))
    assert told.code == 2
    assert "more-faults.csv lists it" in told.err
    listed = (tmp_path / "more-faults.csv").read_text(encoding="utf-8-sig").splitlines()
    assert listed[0] == "fault_line,fault_reason,number,sku,hold"
    assert (listed[1][:2], listed[1][-9:]) == ("5,", ",12,LINE,")
    over = stocked.run(
        *("number", "import", str(tmp_path / "more.csv")),
        *("--faults", str(tmp_path / "more.csv")),
    )
    assert (over.code, "would be overwritten" in over.err) == (2, True)


def test_numbers_are_listed_page_by_page(stocked: Shop) -> None:
    def listed(*options: str) -> list[str]:
        return [line["number"] for line in stocked.run("number", "list", *options, "--json").json]

    assert listed() == [ONE, TWO, THREE]
    assert listed("--sku", "GOLD") == [THREE]
    assert listed("--state", "free", "--limit", "2") == [ONE, TWO]
    assert listed("--after", TWO) == [THREE]
    assert listed("--state", "reserved") == []
    first = stocked.run("number", "list", "--limit", "2").out
    assert f"… and 1 more (the next page: --after {TWO}" in first
    assert "There is no such number" in stocked.run("number", "list", "--state", "gone").out
    stocked.run("number", "reserve", ONE, stocked.acme, "--remark", "lobby")
    left_out = stocked.run("number", "list", "--state", "reserved").out
    assert left_out.splitlines()[-1] == LEFT_OUT
    assert LEFT_OUT in stocked.run("number", "list", "--state", "reserved", "--all").out
    assert LEFT_OUT not in stocked.run("number", "list", "--state", "held", "--test-clocks").out
    assert listed("--account", stocked.acme) == [ONE]
    told = stocked.run("number", "list", "--account", stocked.acme).out
    assert "it was reserved by hand: lobby" in told


def test_a_number_is_reserved_shown_and_released(stocked: Shop) -> None:
    told = stocked.run("number", "reserve", "+65 6123 4567", stocked.acme, "--remark", "lobby")
    assert told.out == f"{ONE} is reserved for {stocked.acme} until 12 February 2021.\n"
    again = stocked.run("number", "reserve", ONE, stocked.acme, "--json")
    assert (again.code, again.json["refused"]["rule"]) == (1, "10.3")
    shown = stocked.run("number", "show", ONE, "--json").json
    assert (shown["state"], shown["until"], shown["remark"]) == ("reserved", "2021-02-12", "lobby")
    assert (shown["next_step"]["kind"], shown["next_step"]["rule"]) == ("remind", "10.3")
    stocked.advance("2021-02-12")
    told = stocked.run("number", "show", ONE)
    assert "release the number on 13 February 2021" in told.out
    assert "Time zone" in told.out
    stocked.advance("2021-02-13")
    history = stocked.run("number", "show", ONE, "--json").json["history"]
    assert [(line["what"], line["actor"]) for line in history] == [
        ("imported", "ann"),
        ("reserved", "command line"),
        ("released", "perennial"),
    ]
    events = stocked.run("history", stocked.acme, "--account", "--json").json
    assert [(line["event"], line["facts"]["number"]) for line in events] == [
        ("number_reserved", ONE),
        ("number_hold_ending", ONE),
        ("number_released", ONE),
    ]


def test_a_reservation_is_ended_by_hand(stocked: Shop) -> None:
    other = stocked.run("number", "unreserve", ONE, stocked.acme)
    assert (other.code, "is not reserved for" in other.err) == (1, True)
    stocked.run("number", "reserve", ONE, stocked.acme)
    told = stocked.run("number", "unreserve", ONE, stocked.acme)
    assert told.out == f"{ONE} is no longer reserved for {stocked.acme}.\n"
    assert stocked.run("number", "show", ONE, "--json").json["state"] == "free"


def test_a_reservation_can_be_previewed(stocked: Shop) -> None:
    told = stocked.run("number", "reserve", ONE, stocked.acme, "--preview")
    assert told.code == 0
    assert "number reserved" in told.out
    assert stocked.run("number", "show", ONE, "--json").json["state"] == "free"


@pytest.mark.parametrize(
    ("command", "place"),
    [
        (["show", "12"], "NUMBER"),
        (["show", "+" + "1" * 16], "NUMBER"),
        (["show", "+65\x00"], "NUMBER"),
        (["show", "'; DROP TABLE numbers; --"], "NUMBER"),
        (["reserve", "+491", "acme"], "NUMBER"),
        (["reserve", "+" + "9" * 1_000_000, "acme"], "NUMBER"),
        (["reserve", ONE, ""], "ACCOUNT"),
        (["reserve", ONE, "acme", "--remark", "a\nb"], "--remark"),
        (["reserve", ONE, "acme", "--remark", "x" * 1001], "--remark"),
        (["unreserve", "NaN", "acme"], "NUMBER"),
        (["unreserve", ONE, "\ud800"], "ACCOUNT"),
        (["list", "--state", "lost"], "--state"),
        (["list", "--after", "x"], "--after"),
        (["list", "--limit", "0"], "--limit"),
        (["list", "--limit", "9" * 30], "--limit"),
        (["list", "--account", " "], "--account"),
        (["import", "missing.csv"], "missing.csv"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_input_names_its_place(installation: str, command: list[str], place: str) -> None:
    told = call("number", *command)
    assert told.code == 2
    assert place in told.err
    assert len(told.err) < 5_000


def test_what_does_not_exist_is_said_clearly(stocked: Shop) -> None:
    for command, words in (
        (["show", "+6561111111"], "number +6561111111 is not in the inventory"),
        (["list", "--account", "nobody"], "there is no account nobody"),
        (["reserve", "+6561111111", stocked.acme], "is not in the inventory; import it first"),
        (["reserve", ONE, "nobody"], "there is no account nobody"),
    ):
        told = stocked.run("number", *command)
        assert told.code in (1, 2)
        assert words in told.out + told.err


def test_the_history_and_the_forecast_name_the_number(stocked: Shop) -> None:
    stocked.buy("--number", f"{ONE}=LINE")
    stocked.run("unsubscribe", stocked.s1)
    told = stocked.run("forecast", stocked.s1, "--months", "4").out
    assert f"number released, {ONE}" in told
    stocked.advance("2021-05-01")
    assert f"number released, {ONE}" in stocked.run("history", stocked.s1).out
    assert stocked.run("number", "show", ONE, "--json").json["state"] == "free"
