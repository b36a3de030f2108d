"""`explain` and `forecast --assume` on the command line, with what a person gets wrong."""

from pathlib import Path

import pytest

from doors.commandline import output
from settings import PROJECT
from tests.commandline.conftest import Answer, Shop

EXAMPLE = PROJECT / "examples" / "what-if.yaml"


def words(told: Answer) -> str:
    """What was printed, in one line."""
    return " ".join(told.out.split())


def file(folder: Path, text: str) -> str:
    """A file of assumptions."""
    written = folder / "assumed.yaml"
    written.write_text(text)
    return str(written)


def test_rule_2_refused_commands_are_explained_by_subscription_account_and_request(
    shop: Shop,
) -> None:
    """The worker, the workflow and the client refuse one command each."""
    shop.buy()
    assert shop.run("recover", shop.s1, "--request-id", shop.s1 + "r", "--by", "ann").code == 1
    assert shop.run("unsubscribe", shop.s1).code == 0
    assert shop.run("unsubscribe", shop.s1).code == 1
    assert shop.run("purchase", shop.acme, "BIZ", "--id", shop.s2).code == 1
    why = shop.run("explain", shop.s1)
    assert "Refused commands" in why.out
    assert len(shop.run("explain", shop.s1, "--json").json["refused"]) == 2
    recovered = shop.run("explain", shop.s1 + "r", "--json").json["reasons"]
    assert [reason["rule"] for reason in recovered] == ["6.1"]
    assert recovered[0]["text"].startswith(f"ann asked for recover of {shop.s1} (request ")
    bought = words(shop.run("explain", shop.s2))
    assert "1 command was refused." in bought
    assert "usable 50.00 USD" in bought
    all_of_it = shop.run("explain", shop.acme, "--refusals", "--json").json
    assert [reason["rule"] for reason in all_of_it["reasons"]] == ["4.1", "8.1", "6.1"]
    assert "Refused commands" in shop.run("explain", shop.acme).out


def test_a_preview_that_is_refused_is_no_refusal(shop: Shop) -> None:
    shop.buy()
    assert shop.run("recover", shop.s1, "--preview").code == 1
    assert shop.run("explain", shop.s1, "--json").json["refused"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nobody"], 1, "subscription nobody was never created"),
        (["nobody", "--since-purchase"], 1, "subscription nobody was never created"),
        (["nobody", "--balance"], 1, "there is no account nobody"),
        (["nobody", "--refusals"], 1, "no refused request nobody"),
        (["+4999"], 1, "+4999 is not in the inventory"),
        (["000077"], 1, "there is no invoice 000077"),
        (["a", "--balance", "--since-purchase"], 2, "--balance"),
        (["a", "--refusals", "--balance"], 2, "--refusals: stands alone"),
    ],
)
def test_explain_says_what_is_not_there(
    shop: Shop, arguments: list[str], code: int, said: str
) -> None:
    told = shop.run("explain", *arguments)
    assert (told.code, said in told.err) == (code, True), told.err


def test_explanations_fit_80_columns(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "WIDTH_WITHOUT_TERMINAL", 80)
    shop.buy()
    shop.run("recover", shop.s1)
    for asked in ([shop.s1], [shop.s1, "--since-purchase"], [shop.acme], [shop.acme, "--refusals"]):
        told = shop.run("explain", *asked)
        assert told.code == 0, told.err
        assert max(map(len, told.out.splitlines())) <= 80
        assert asked[0] in told.out


def test_a_file_of_assumptions_that_is_missing_or_wrong_is_said_line_by_line(
    shop: Shop, tmp_path: Path
) -> None:
    shop.buy()
    told = shop.run("forecast", shop.s1, "--assume", str(tmp_path / "gone.yaml"))
    assert (told.code, "gone.yaml" in told.err) == (2, True), told.err
    for text, said in (
        ("steps: [", "is neither YAML nor JSON"),
        ("steps: []\nwhat: 1\n", "what: unknown key; allowed are catalog, steps"),
        (
            "steps: [{at: 2021-02-01, do: change_owner, id: a, account: b}]",
            "step 1, do: 'change_owner' cannot be assumed; allowed are adjust",
        ),
        ("steps: [{at: 2020-02-01, do: suspend}]", "is past"),
    ):
        told = shop.run("forecast", shop.s1, "--assume", file(tmp_path, text))
        assert (told.code, said in told.err) == (2, True), told.err


def test_a_forecast_under_assumptions_of_an_unknown_id_is_refused(
    shop: Shop, tmp_path: Path
) -> None:
    told = shop.run("forecast", "nobody", "--assume", file(tmp_path, "steps: []"))
    assert told.code == 1, told.err
    assert "nobody" in told.err


def test_an_assumed_step_that_a_rule_refuses_is_shown_and_the_others_are_played(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The balance is 50.00 after the purchase, and the renewal of 8 February takes it."""
    monkeypatch.setattr(output, "WIDTH_WITHOUT_TERMINAL", 80)
    shop.buy()
    steps = (
        "steps:\n"
        f"  - {{at: 2021-01-20, do: recover, id: {shop.s1}}}\n"
        '  - {at: 2021-01-21, do: top_up, amount: "50.00"}\n'
    )
    asked = ["forecast", shop.s1, "--months", "3", "--assume", file(tmp_path, steps)]
    told = shop.run(*asked)
    assert told.code == 0, told.err
    assert max(map(len, told.out.splitlines())) <= 80
    assert "recover is not possible while ACTIVE" in words(told)
    assert "Nothing of this has happened." in words(told)
    found = shop.run(*asked, "--json").json
    assert [refused["number"] for refused in found["refused"]] == [1]
    assert found["without"]["events"]["renewed"] == 1
    assert found["assumed"]["events"]["renewed"] == 2
    assert shop.run("explain", shop.s1, "--json").json["refused"] == []


def test_the_example_of_the_documents_is_played(shop: Shop) -> None:
    """Purchased on 15 December 2026. The card pays the renewals of January and February 2027.

    It is dead on 1 March. The top-up of 50.00 on 3 April comes while s1 is in its last days or
    EXPIRED, and nothing runs for two weeks in June.
    """
    clock, acme, s1 = (f"{shop.acme}-{name}" for name in ("clock", "acme", "s1"))
    for command in (
        ["clock", "new", clock, "--at", "2026-12-15"],
        [
            *("account", "new", acme, "--currency", "USD", "--timezone", "UTC"),
            *("--clock", clock, "--credits", "50.00"),
        ],
        ["card", "set", acme, "sim_ok", "--renew-by-card"],
        ["purchase", acme, "PRO", "--id", s1],
    ):
        told = shop.run(*command)
        assert told.code == 0, told.err
    told = shop.run("forecast", acme, "--assume", str(EXAMPLE), "--months", "12", "--json")
    assert told.code == 0, told.err
    found = told.json
    assert found["refused"] == []
    assert found["without"]["events"].get("renewal_failed") is None
    assert found["assumed"]["events"]["renewal_failed"] >= 1
    assert found["assumed"]["events"]["renewed"] < found["without"]["events"]["renewed"]
    shown = shop.run("forecast", acme, "--assume", str(EXAMPLE), "--months", "12")
    assert "renewal failed" in words(shown)
