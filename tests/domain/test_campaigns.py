"""Campaigns as data: what may be one, which rows it may have, what a control does."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from core.domain import campaigns
from core.domain.campaigns import EACH, CampaignState, Control, NewCampaign, Row
from core.domain.commands import SUBSCRIPTION_COMMANDS
from core.domain.commands.base import SubscriptionCommand
from core.domain.commands.change_plan import ChangePlan, ChangePlanResult
from core.domain.commands.changes import When
from core.domain.commands.extend import Extend, ExtendResult
from core.domain.commands.share import Share
from core.domain.commands.terminate import Terminate, TerminateResult
from core.domain.commands.unsubscribe import UnsubscribeResult
from core.domain.faults import Faults

ROWS = (Row(1, "s1"), Row(2, "s2"))
EXTEND = Extend(subscription=EACH, to=date(2021, 3, 31), request_id="july", actor="ann")


def new(pattern: SubscriptionCommand = EXTEND, **changes: Any) -> NewCampaign:
    """A campaign that is right, with changes."""
    return NewCampaign(**{"pattern": pattern, "rows": ROWS} | changes)


def faults(**changes: Any) -> list[str]:
    """What is wrong with a campaign."""
    with pytest.raises(Faults) as raised:
        new(**changes)
    return [str(fault) for fault in raised.value.faults]


def test_the_commands_that_may_be_a_campaign_say_so_themselves() -> None:
    assert {do for do, command in SUBSCRIPTION_COMMANDS.items() if command.in_campaign} == {
        *("recover", "extend", "reactivate", "unsubscribe", "resubscribe", "terminate"),
        "change_plan",
    }


@pytest.mark.parametrize(
    "pattern",
    [
        EXTEND,
        Extend(subscription=EACH, cycles=2, invoice_number="X-1", request_id="1"),
        Terminate(subscription=EACH, reason="end of sale", request_id="1"),
        ChangePlan(subscription=EACH, sku="BIZ", when=When.RENEWAL, request_id="1"),
    ],
    ids=lambda pattern: pattern.do,
)
def test_a_row_has_the_options_of_the_pattern_and_a_request_id_of_its_own(
    pattern: SubscriptionCommand,
) -> None:
    """Rule 4.2: the same row has the same request id and fingerprint, whenever it is made."""
    options = campaigns.options_of(pattern)
    assert not options.keys() & {"do", "subscription", "request_id", "actor", "account_hint"}
    row, again = (
        campaigns.command_of_row(
            pattern.do, options, "s1", campaign="c-1", row=17, actor=pattern.actor
        )
        for _ in range(2)
    )
    assert row == again
    assert (row.subscription, row.request_id, row.actor) == ("s1", "c-1/17", pattern.actor)
    assert row.fingerprint() == campaigns.on_each(pattern, "s1").fingerprint()
    assert campaigns.on_each(pattern, "s1").request_id is None


def test_one_request_id_is_one_campaign() -> None:
    """Rule 4.2, also for two sellers that use the same request id."""
    assert campaigns.campaign_id("main", "july") == campaigns.campaign_id("main", "july")
    keys = [
        ("main", "july"),
        ("main", "june"),
        ("b", "a"),
        ("a", "b/c"),
        ("a/b", "c"),
        ("a/b/", "c"),
    ]
    assert len({campaigns.campaign_id(*key) for key in keys}) == len(keys)
    assert new().request_id == "july"


def test_rule_4_2_another_command_or_other_rows_are_another_campaign() -> None:
    same = new(rate=5).fingerprint()
    assert same == new().fingerprint()
    shifted = tuple(Row(row.line + 1, row.subscription) for row in ROWS)
    assert new(rows=shifted).fingerprint() == same, "a line more in front is no other row"
    others = [
        new(rows=ROWS[::-1]),
        new(rows=ROWS[:1]),
        new(pattern=Extend(subscription=EACH, cycles=1, request_id="july")),
        new(selection="all failed"),
        new(selection="all expired"),
    ]
    assert len({same, *(other.fingerprint() for other in others)}) == 6
    # A filter counts as its words: asked again, it may select others.
    assert new(selection="all failed", rows=ROWS[:1]).fingerprint() == others[3].fingerprint()


def test_what_it_is_about_is_said_in_words() -> None:
    assert new().about == "a list of 2 ids"
    assert new(selection="all failed of account acme").about == "all failed of account acme"


def test_a_wrong_pattern_or_rate_is_refused() -> None:
    share = Share(subscription=EACH, member="ann@example.com", request_id="1")
    assert "share is no command of a campaign; allowed are " in faults(pattern=share)[0]
    assert faults(pattern=Extend(subscription="s1", request_id="1")) == [
        "subscription: must be 'each', which stands for each of the rows"
    ]
    [told] = faults(pattern=Extend(subscription=EACH))
    assert told.startswith("request_id: is needed")
    for rate in (0, 501, True, "5", 1.5):
        [told] = faults(rate=rate)
        assert told.startswith("rate: must be a whole number from 1 to 500")
        with pytest.raises(Faults, match="rows per second"):
            campaigns.check_rate(rate)
    assert campaigns.check_rate(500) == 500


def test_wrong_rows_are_named_by_their_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults(rows=()) == ["rows: there are none: nothing to do"]
    rows = (Row(2, "s1"), Row(3, ""), Row(4, "s1"), Row(5, "x" * 201))
    told = faults(rows=rows)
    assert [one.partition(":")[0] for one in told] == ["line 3", "line 4", "line 5"]
    assert told[1] == "line 4: s1 stands in line 2 already"
    many = tuple(Row(number, "s1") for number in range(1, 200))
    told = faults(rows=many)
    assert (len(told), told[-1]) == (101, "rows: 98 more are faulty")
    monkeypatch.setattr(campaigns, "MOST_ROWS", 1)
    assert faults() == ["rows: there are 2; at most 1 are allowed"]


RUNNING, PAUSED, STOPPED, FINISHED = CampaignState


@pytest.mark.parametrize(
    ("control", "allowed"),
    [
        (Control.PAUSE, {RUNNING: PAUSED, PAUSED: PAUSED}),
        (Control.RESUME, {RUNNING: RUNNING, PAUSED: RUNNING, FINISHED: RUNNING}),
        (Control.STOP, {RUNNING: STOPPED, PAUSED: STOPPED, STOPPED: STOPPED}),
    ],
)
def test_a_control_is_possible_in_some_states(
    control: Control, allowed: dict[CampaignState, CampaignState]
) -> None:
    for state in CampaignState:
        if state in allowed:
            assert campaigns.after(control, state, "c-1") is allowed[state]
        else:
            with pytest.raises(Faults, match=f"campaign c-1: is {state}; to {control} it"):
                campaigns.after(control, state, "c-1")


def test_a_result_says_what_is_paid_and_given_back() -> None:
    day = date(2021, 1, 31)
    fee = {"subscription": "s1", "currency": "USD"}
    extended = ExtendResult(
        expiry=day, amount=Decimal(50), activation_fees=Decimal(5), external_invoice=None, **fee
    )
    assert extended.paid() == Decimal(55)
    changed = ChangePlanResult(amount=Decimal(28), at_renewal=False, sku="BIZ", **fee)
    assert changed.paid() == Decimal(28)
    assert TerminateResult(expiry=day, refund=Decimal(50), **fee).paid() == Decimal(-50)
    assert UnsubscribeResult(subscription="s1", expiry=day).paid() is None
