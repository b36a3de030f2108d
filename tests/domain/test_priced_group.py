"""Rules 5.2, 5.4: the groups that a top-up may renew, with their fees, and who covers them."""

from dataclasses import replace

from core.domain.failed_groups import retried_after_top_up
from core.domain.policy import DEFAULT
from core.domain.priced_group import price
from tests.domain.made import account, at, day, failed, subscription, terms

NOW = at("2020-12-09T03:00")
S1, S2 = (failed(subscription(id_), at("2020-12-07T16:00")) for id_ in ("s1", "s2"))


def test_rule_5_2_a_group_is_covered_as_one_sum() -> None:
    group = price([S1, S2], account(), terms(), day("12-09"))
    assert group.amount == 100
    assert not group.covered_by(account("99.99"), day("12-09"))
    assert group.covered_by(account("100"), day("12-09"))
    with_card = account("99.99", card="sim_ok", renew_by_card=True)
    assert not group.covered_by(with_card, day("12-09"))  # A card pays no retry after a top-up.


def test_rule_5_5_a_member_that_aligns_costs_its_days_to_the_month_end_until_its_last_day() -> None:
    """E 12-15: 50 × 16/31 + 50 = 75.81. A late renewal, on 12-16, costs 50.00."""
    aligned = replace(S2, align=True)
    amounts = [
        price([S1, aligned], account(), terms(), day(on)).amount for on in ("12-15", "12-16")
    ]
    assert [str(amount) for amount in amounts] == ["125.81", "100.00"]


def test_rule_5_4_failed_groups_come_with_their_fees() -> None:
    [group] = retried_after_top_up(account(), [S1, S2], terms(), NOW)
    assert ([it.id for it in group.members], group.amount) == (["s1", "s2"], 100)


def test_rule_1_5_none_is_retried_after_its_expiry_date() -> None:
    """12-15 is *E*. 12-16 begins at 12-15T16:00Z in Singapore."""
    last, after = at("2020-12-15T15:59"), at("2020-12-15T16:00")
    counts = [len(list(retried_after_top_up(account(), [S1], terms(), it))) for it in (last, after)]
    assert counts == [1, 0]


def test_rule_5_4_none_is_retried_without_the_policy_or_a_price_or_while_suspended() -> None:
    without = terms(replace(DEFAULT, retry_on_top_up=False))
    assert list(retried_after_top_up(account(), [S1], without, NOW)) == []
    assert list(retried_after_top_up(account(suspended=True), [S1], terms(), NOW)) == []
    assert list(retried_after_top_up(account(currency="EUR"), [S1], terms(), NOW)) == []


def test_rule_3_1_equal_parts_cost_the_same_and_each_line_has_its_own_words() -> None:
    members = [S1, S2, replace(S1, id="s3", quantity=2)]
    lines = price(members, account(), terms(), day("12-09")).lines
    [one], [same], [double] = lines["s1"], lines["s2"], lines["s3"]
    assert one.amount == same.amount
    assert double.amount == 2 * one.amount
    assert [line.text[:2] for line in (one, same, double)] == ["s1", "s2", "s3"]
