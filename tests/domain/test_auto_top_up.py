"""Rule 11.2: when an automatic top-up is due, and what it makes of the account."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain import auto_top_up
from core.domain.auto_top_up import is_possible, look, made, not_made, top_up_step
from core.domain.events import Event
from core.domain.failed_groups import failed_groups
from core.domain.forecast import forecast
from core.domain.policy import DEFAULT, GroupRenewal
from core.domain.steps import StepKind
from core.domain.subscription import Account, Mode
from tests.domain.made import account, at, day, failed, ids, subscription, terms

NOW, TODAY = at("2020-12-01T00:00"), day("12-01")
CAPPED = replace(DEFAULT, auto_top_up_daily_cap={"USD": Decimal(150)})


def topped(balance: str, last: str | None = "100", **more: object) -> Account:
    amount = None if last is None else Decimal(last)
    values: dict[str, object] = {"card": "sim_ok", "auto_top_up": True, "last_top_up": amount}
    return account(balance, **{**values, **more})


@pytest.mark.parametrize(
    ("of", "due"),
    [
        (topped("20.00"), True),  # a fifth of 100
        (topped("20.01"), False),
        (topped("-5"), True),
        (topped("0", None), False),  # no top-up yet
        (topped("0", auto_top_up=False), False),
        (topped("0", card=None), False),
        (topped("0", suspended=True), False),
        (topped("0", closed_on=TODAY), False),
        (topped("0", mode=Mode.POSTPAID), False),
        (topped("0", top_up_at=NOW), False),  # at most one at a time
        (topped("0", auto_topped_up=Decimal(50), auto_topped_up_on=TODAY), True),  # 150 in all
        (topped("0", auto_topped_up=Decimal("50.01"), auto_topped_up_on=TODAY), False),
        (topped("0", auto_topped_up=Decimal(100), auto_topped_up_on=day("11-30")), True),
        (topped("0", currency="EUR", auto_topped_up=Decimal(999), auto_topped_up_on=TODAY), True),
    ],
)
def test_rule_11_2_it_is_due_at_a_fifth_of_the_last_top_up_or_below(of: Account, due: bool) -> None:
    after = look(of, CAPPED, TODAY, NOW)
    assert (after is not of) == due
    if due:
        step = top_up_step(after, DEFAULT)
        assert step is not None
        assert (step.kind, step.due) == (StepKind.AUTO_TOP_UP, NOW)
        assert is_possible(after)
        assert after.version == of.version + 1


def test_rule_11_2_a_top_up_adds_to_the_sum_of_its_day_and_is_no_longer_to_come() -> None:
    once = made(topped("0", top_up_at=NOW), Decimal(100), TODAY)
    twice = made(once, Decimal(40), TODAY)
    later = made(twice, Decimal(30), day("12-02"))
    assert [(it.auto_topped_up, it.last_top_up) for it in (once, twice, later)] == [
        (100, 100),
        (140, 40),
        (30, 30),
    ]
    assert once.top_up_at is None
    assert top_up_step(once, DEFAULT) is None
    declined = not_made(topped("0", top_up_at=NOW, version=7))
    assert (declined.top_up_at, declined.version) == (None, 8)


def told(of: Account, **values: object) -> list[tuple[str, Event, Decimal | None]]:
    entries = forecast(
        of,
        [subscription()],
        terms(),
        NOW,
        at("2020-12-09T00:00"),
        **values,  # type: ignore[arg-type]
    )
    return [(str(entry.date), entry.event, entry.amount) for entry in entries]


def test_rule_11_2_a_forecast_tops_up_after_a_renewal() -> None:
    assert told(topped("60")) == [
        ("2020-12-08", Event.RENEWED, -50),
        ("2020-12-08", Event.AUTO_TOPPED_UP, 100),
    ]
    assert told(topped("60"), card_charges=False) == [
        ("2020-12-08", Event.RENEWED, -50),
        ("2020-12-08", Event.CARD_DECLINED, None),
    ]
    assert told(topped("80")) == [("2020-12-08", Event.RENEWED, -50)]


def test_rule_11_4_a_forecast_makes_the_monthly_invoice_after_a_top_up() -> None:
    """An activation fee of December waits. The top-up on 12-09 is the account's step before it."""
    of = topped("60", top_up_at=at("2020-12-09T00:00"), uninvoiced=(day("12-01"),))
    entries = forecast(of, [], terms(), NOW, at("2021-01-02T00:00"))
    assert [(str(it.date), it.event) for it in entries] == [
        ("2020-12-09", Event.AUTO_TOPPED_UP),
        ("2021-01-01", Event.INVOICED),
    ]


def test_rule_11_2_a_top_up_that_is_no_longer_possible_is_dropped() -> None:
    of = topped("60", top_up_at=NOW, suspended=True)
    assert Event.AUTO_TOPPED_UP not in [event for _, event, _ in told(of)]


@pytest.mark.parametrize(
    ("policy", "renewed"),
    [
        (DEFAULT, ["s1", "s2"]),
        (replace(DEFAULT, retry_on_top_up=False), []),
        (replace(DEFAULT, group_renewal=GroupRenewal.INDEPENDENT), ["s1", "s2"]),
    ],
)
def test_rule_5_4_an_automatic_top_up_in_a_forecast_heals(
    policy: object, renewed: list[str]
) -> None:
    since = at("2020-12-08T00:00")
    subscriptions = [
        failed(subscription("s2"), since),
        failed(subscription("s1"), since),
        failed(subscription("s3", addons={"LATER": 1}), since),  # its price is missing
        failed(subscription("s4", quantity=100, anchor=day("11-17")), since),
    ][: 2 if policy is DEFAULT else None]
    entries = forecast(
        topped("9", top_up_at=at("2020-12-09T00:00")),
        subscriptions,
        terms(policy),  # type: ignore[arg-type]
        at("2020-12-08T20:00"),
        at("2020-12-09T01:00"),
    )
    assert [it.subscription for it in entries if it.event is Event.RENEWED] == renewed


def test_rule_5_4_failed_groups_are_by_renewal_date_and_then_by_id() -> None:
    since = at("2020-12-08T00:00")
    some = [
        failed(subscription("s3"), since),
        failed(subscription("s1", anchor=day("11-17")), since),
        failed(subscription("s2"), since),
        subscription("s4"),
        failed(subscription("s5", auto_renew=False), since),
    ]
    groups = failed_groups(account(), some, terms(), since)
    assert [ids(group) for group in groups] == [["s2", "s3"], ["s1"]]
    alone = terms(replace(DEFAULT, group_renewal=GroupRenewal.INDEPENDENT))
    assert [ids(group) for group in failed_groups(account(), some, alone, since)] == [
        ["s2"],
        ["s3"],
        ["s1"],
    ]
    assert auto_top_up.is_possible(topped("0", None)) is False
