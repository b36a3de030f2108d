"""`policy effect` and `catalog effect`: who would renew differently, and wrong questions."""

from pathlib import Path

from tests.commandline.conftest import Shop


def written(folder: Path, text: str) -> str:
    """A file with new terms."""
    file = folder / "terms.yaml"
    file.write_text(text)
    return str(file)


def test_rule_14_the_effect_of_a_policy_is_shown_and_nothing_is_loaded(
    shop: Shop, tmp_path: Path
) -> None:
    shop.buy()
    file = written(tmp_path, "policy: {renewal_lead_days: 10}")
    before = shop.run("policy", "show", "--json").json
    found = shop.run("policy", "effect", file, "--clock", shop.clock)
    assert found.code == 0, found.err
    assert "7 February 2021 renewed -$50.00" in found.out
    assert "4 March 2021" in found.out
    assert "1 subscription of 1 renews differently." in found.out
    assert f"from the 1 on {shop.clock}" in found.out
    data = shop.run("policy", "effect", file, "--clock", shop.clock, "--json").json
    assert (data["differing"], data["rows"][0]["dates"]) == (1, True)
    assert shop.run("policy", "show", "--json").json == before
    same = shop.run("policy", "effect", file, "--clock", shop.clock, "--months", "1")
    assert "0 subscriptions of 1 renew differently." in same.out
    real = shop.run("policy", "effect", file)
    assert (real.code, "0 subscriptions of 0" in real.out) == (0, True)


def test_rule_3_5_the_effect_of_a_price_is_shown_and_written_as_csv(
    shop: Shop, tmp_path: Path
) -> None:
    """100.00 open the account, 50.00 pay the purchase, and a renewal of 60.00 cannot be paid."""
    shop.buy()
    known = "{sku: BIZ, application: phone, kind: application, months: 1, prices: {USD: '90.00'}}"
    dearer = "{sku: PRO, from: 2021-02-01, prices: {USD: '60.00'}}"
    file = written(tmp_path, f"catalog: [{known}, {dearer}]")
    csv = shop.run("catalog", "effect", file, "--clock", shop.clock, "--csv", "-")
    assert csv.code == 0, csv.err
    head, first = csv.out.splitlines()[:2]
    assert head.startswith("account,subscription,currency,differs,number,today_date")
    assert first.startswith(f"{shop.acme},{shop.s1},USD,yes,1,2021-02-07,renewed,,-50.00,")
    assert "2021-02-07,renewal_failed" in first
    assert shop.run("catalog", "load", file, "--json").json == {"new": 1}


def test_its_subscriptions_have_pages(shop: Shop, tmp_path: Path) -> None:
    other = f"{shop.s1}-other"
    assert shop.run("top-up", shop.acme, "500.00").code == 0
    shop.buy()
    assert shop.run("purchase", shop.acme, "PRO", "--id", other).code == 0
    file = written(tmp_path, "policy: {renewal_lead_days: 10}")
    ask = ("policy", "effect", file, "--clock", shop.clock, "--limit", "1")
    first, second = shop.run(*ask), shop.run(*ask, "--after", "1")
    assert other not in first.out
    assert "… and 1 more" in first.out
    assert other in second.out
    assert "more" not in second.out


def test_what_is_wrong_with_the_question_is_told(shop: Shop, tmp_path: Path) -> None:
    file = written(tmp_path, "{renewal_lead_days: 99}")
    wrong = shop.run("policy", "effect", file)
    assert (wrong.code, "policy.renewal_lead_days" in wrong.err) == (2, True)
    good = written(tmp_path, "{renewal_lead_days: 9}")
    unknown = shop.run("policy", "effect", good, "--clock", "none")
    assert (unknown.code, "none" in unknown.err) == (1, True)
    assert shop.run("policy", "effect", good, "--accounts", "0").code == 2
    assert shop.run("policy", "effect", good, "--months", "13").code == 2
    sku = written(tmp_path, "[{sku: PRO, prices: {USD: '60.00'}}]")
    late = shop.run("catalog", "effect", sku)
    assert (late.code, "a later version names its first day" in late.err) == (2, True)
