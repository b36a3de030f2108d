"""The forecast, as the planner alone makes it.

tests/simulation/test_forecast_equals_clock.py compares it with what happens.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.domain import catalog as catalogs
from core.domain.calendar import first_instant
from core.domain.contents import Coming, Item
from core.domain.events import Event
from core.domain.forecast import Entry, forecast
from core.domain.number_changes import add_at_renewal, remove_at_renewal
from core.domain.numbers import (
    Cause,
    HoldKind,
    Number,
    NumberState,
    give_back,
    next_step_of,
    reserve,
)
from core.domain.policy import DEFAULT, GroupRenewal, TrialEnd
from core.domain.renewal_attempt import Terms
from core.domain.rules import Rule
from core.domain.subscription import Account, Failure, Status, Subscription
from tests.domain.made import ENTRIES, ZONE, account, at, day, expired, failed, subscription, terms

NOW = at("2020-11-20T03:00")
CARD = {"card": "tok", "renew_by_card": True}


def told(
    wallet: Account,
    *subscriptions: Subscription,
    until: str = "2020-12-20",
    now: datetime = NOW,
    by: Terms | None = None,
    charges: bool = True,
) -> list[str]:
    """The forecast as short lines: date, event, subscription, amount, reason, balance."""
    entries = forecast(
        wallet,
        subscriptions,
        by or terms(),
        now,
        first_instant(day(until), ZONE),
        card_charges=charges,
    )
    parts = (
        [
            str(e.date)[5:],
            e.event,
            e.subscription,
            e.amount and f"{e.amount:+f}",
            e.reason,
            f"= {e.balance:f}",
        ]
        for e in entries
    )
    return [" ".join(str(part) for part in line if part is not None) for line in parts]


def test_a_renewal_follows_its_notice_and_takes_the_price_of_its_date() -> None:
    assert told(account("170.00"), subscription(), until="2021-03-31") == [
        "12-01 notice_renewal s1 = 170.00",
        "12-08 renewed s1 -50.00 = 120.00",
        "01-01 notice_renewal s1 = 120.00",
        "01-08 renewed s1 -50.00 = 70.00",
        "02-01 notice_renewal s1 = 70.00",
        "02-08 renewed s1 -50.00 = 20.00",
        "03-01 notice_renewal s1 = 20.00",
        "03-08 renewal_failed s1 no_credits = 20.00",  # 60.00 from 03-01 on
        "03-10 renewal_failed s1 no_credits = 20.00",
        "03-12 renewal_failed s1 no_credits = 20.00",
        "03-14 renewal_failed s1 no_credits = 20.00",
        "03-16 expired s1 = 20.00",
    ]


def test_an_entry_has_its_instant_rule_and_reason() -> None:
    _, renewed = forecast(
        account("50.00"), [subscription()], terms(), NOW, first_instant(day("12-08"), ZONE)
    )
    assert renewed == Entry(
        at=at("2020-12-07T16:00"),
        date=day("12-08"),
        event="renewed",
        subscription="s1",
        amount=Decimal("-50.00"),
        balance=Decimal("0.00"),
        rule="5.1",
        why="2020-12-08 is the renewal date of the cycle that ends on 2020-12-15",
    )


def test_the_end_is_included_and_now_is_not() -> None:
    assert (
        told(account("50.00"), subscription(), until="12-08")[-1]
        == "12-08 renewed s1 -50.00 = 0.00"
    )
    assert told(account("50.00"), subscription(), until="12-07") == [
        "12-01 notice_renewal s1 = 50.00"
    ]
    assert (
        told(account("50.00"), subscription(), until="12-07", now=first_instant(day("12-01"), ZONE))
        == []
    )


def test_rule_5_3_the_card_pays_the_whole_sum_of_the_group() -> None:
    wallet = account("30.00", **CARD)
    assert told(
        wallet, subscription(), subscription("s2", sku="BIZ-M"), now=at("2020-12-05T03:00")
    ) == [
        "12-08 card_charged +90.00 = 120.00",
        "12-08 renewed s1 -50.00 = 70.00",
        "12-08 renewed s2 -40.00 = 30.00",
    ]


def test_rule_5_3_a_card_that_is_declined_is_tried_once_an_attempt() -> None:
    policy = replace(DEFAULT, retry_days=(2,))
    assert told(account("30.00", **CARD), subscription(), by=terms(policy), charges=False) == [
        "12-01 notice_renewal s1 = 30.00",
        "12-08 card_declined = 30.00",
        "12-08 renewal_failed s1 card_declined = 30.00",
        "12-10 card_declined = 30.00",
        "12-10 renewal_failed s1 card_declined = 30.00",
        "12-16 expired s1 = 30.00",
    ]


def test_rule_5_2_under_independent_each_by_id_takes_what_is_left() -> None:
    policy = replace(DEFAULT, group_renewal=GroupRenewal.INDEPENDENT, retry_days=())
    assert told(
        account("89.99"),
        subscription("s2"),
        subscription("s1", sku="BIZ-M"),
        by=terms(policy),
        now=at("2020-12-05T03:00"),
    ) == [
        "12-08 renewed s1 -40.00 = 49.99",
        "12-08 renewal_failed s2 no_credits = 49.99",
        "12-16 expired s2 = 49.99",
    ]


def test_rule_1_7_steps_of_one_instant_come_in_the_order_of_the_rule() -> None:
    noticed = subscription("a", anchor=day("11-25"))  # E 12-24: notice on 12-10
    ended = subscription("b", anchor=day("11-10"), auto_renew=False)  # E 12-09: expires on 12-10
    gone = expired(day("11-12"), id_="c", anchor=day("10-12"))  # day 29 is 12-10
    new = subscription("d", anchor=day("11-18"))  # E 12-17: renews on 12-10
    old = failed(subscription("e"), first_instant(day("12-08"), ZONE))  # retried on 12-10
    lines = told(
        account("90.00"), noticed, ended, gone, new, old, now=at("2020-12-09T03:00"), until="12-10"
    )
    assert [line.split()[1:3] for line in lines] == [
        ["renewed", "e"],
        ["renewal_failed", "d"],
        ["expired", "b"],
        ["terminated", "c"],
        ["notice_renewal", "a"],
    ]


def test_rule_11_1_a_credit_limit_counts_until_its_last_day() -> None:
    wallet = account("0.00", credit_limit=Decimal(50), credit_limit_until=day("12-08"))
    assert told(wallet, subscription(), now=at("2020-12-05T03:00")) == [
        "12-08 renewed s1 -50.00 = -50.00"
    ]
    assert (
        told(wallet, subscription(anchor=day("11-17")), now=at("2020-12-05T03:00"))[0]
        == "12-09 renewal_failed s1 no_credits = 0.00"
    )


def test_rule_11_8_a_suspended_account_gets_no_notice_and_fails_without_its_card() -> None:
    lines = told(
        account("500.00", suspended=True, **CARD),
        subscription(),
        by=terms(replace(DEFAULT, retry_days=())),
    )
    assert lines == ["12-08 renewal_failed s1 suspended = 500.00", "12-16 expired s1 = 500.00"]


def test_rule_8_1_an_unsubscribed_one_is_told_that_it_expires_and_ends() -> None:
    assert told(account("500.00"), subscription(auto_renew=False), until="2022-01-01") == [
        "12-12 notice_expiring s1 = 500.00",
        "12-16 expired s1 = 500.00",
        "01-13 terminated s1 = 500.00",
    ]


def test_a_terminated_one_has_nothing_to_come() -> None:
    assert told(account("500.00"), subscription(status=Status.TERMINATED), until="2022-01-01") == []


def test_rule_14_a_renewed_one_follows_the_policy_in_force() -> None:
    later = replace(DEFAULT, renewal_lead_days=10)
    lines = told(
        account("100.00"), subscription(), by=terms(DEFAULT, later, in_force=2), until="2021-01-20"
    )
    assert [line.split(" s1")[0] for line in lines] == [
        "12-01 notice_renewal",
        "12-08 renewed",
        "12-29 notice_renewal",
        "01-05 renewed",
    ]


def test_a_fee_of_zero_is_an_entry_without_an_amount() -> None:
    free = replace(subscription(sku="SEAT", quantity=0))
    assert told(account("0.00"), free, now=at("2020-12-05T03:00")) == ["12-08 renewed s1 = 0.00"]


def test_rule_9_what_is_pending_comes_with_the_next_paid_cycle_and_is_said() -> None:
    """10 seats for 2 months of BIZ-M: 2 × 40.00 + 2 × 100.00 = 280.00."""
    brings = (
        Coming(item=Item.PLAN, sku="BIZ-M", amount=1),
        Coming(item=Item.ADDON, name="SEAT", amount=10),
        Coming(item=Item.CYCLE, amount=2),
    )
    bought = subscription(coming=brings)
    assert told(account("600.00"), bought, until="2021-02-28") == [
        "12-01 notice_renewal s1 = 600.00",
        "12-08 renewed s1 -280.00 = 320.00",
        "02-01 notice_renewal s1 = 320.00",
        "02-08 renewed s1 -280.00 = 40.00",
    ]
    entries = forecast(
        account("600.00"), [bought], terms(), NOW, first_instant(day("2021-02-28"), ZONE)
    )
    whys = [entry.why for entry in entries if entry.event is Event.RENEWED]
    assert whys[0].endswith("; with the plan BIZ-M; with 10 × SEAT; with cycles of 2 base cycles")
    assert whys[1].endswith("ends on 2021-02-15")


def test_rule_13_what_is_overdue_is_done_first_dated_now() -> None:
    late, gone = (
        subscription("a"),
        subscription("b", anchor=day("11-05")),
    )  # E 12-15 and 12-04; 8 days after the latter it is too late
    retried = failed(
        subscription("c", anchor=day("11-18")), first_instant(day("12-10"), ZONE)
    )  # E 12-17, missed retries of 12-12, 12-14, 12-16
    lines = told(account("50.00"), late, gone, retried, now=at("2020-12-16T03:00"), until="12-18")
    assert lines == [
        "12-16 expired b = 50.00",
        "12-16 renewed a -50.00 = 0.00",
        "12-16 renewal_failed c no_credits = 0.00",
        "12-18 expired c = 0.00",
    ]


def test_rule_13_a_late_one_that_fails_is_expired_at_once_and_the_days_count_from_then() -> None:
    assert told(
        account("0.00"), subscription(), now=at("2020-12-20T03:00"), until="2021-02-01"
    ) == [
        "12-20 renewal_failed s1 no_credits = 0.00",
        "12-20 expired s1 = 0.00",
        "01-17 terminated s1 = 0.00",
    ]


def test_rule_3_5_without_a_price_every_attempt_fails() -> None:
    events = told(account("50", currency="EUR"), subscription())
    assert [line for line in events if "no_price" in line]
    assert not [line for line in events if " renewed " in line]


# --- any account ----------------------------------------------------------------------------------

buyers = st.builds(
    subscription,
    id_=st.sampled_from("abcdef"),
    anchor=st.dates(day("2020-10-21"), day("2020-11-20")),
    sku=st.sampled_from(["PRO-M", "BIZ-M"]),
    quantity=st.integers(1, 3),
    legacy=st.booleans(),
    auto_renew=st.booleans(),
)
accounts = st.builds(
    account,
    st.sampled_from(["-5", "0", "60", "1000"]),
    card=st.sampled_from([None, "tok"]),
    renew_by_card=st.booleans(),
    suspended=st.booleans(),
)


@given(
    accounts,
    st.lists(buyers, max_size=4, unique_by=lambda s: s.id),
    st.booleans(),
    st.integers(0, 300),
)
def test_balances_add_up_instants_rise_and_nothing_is_spent_beyond_usable(
    wallet: Account, bought: Sequence[Subscription], charges: bool, days: int
) -> None:
    until = NOW + timedelta(days=days)
    entries = forecast(wallet, bought, terms(), NOW, until, card_charges=charges)
    balance = wallet.balance
    for entry in entries:
        balance += entry.amount or 0
        assert entry.balance == balance
        assert (entry.amount or 0) == 0 or balance >= 0
        assert NOW <= entry.at <= until
        assert (entry.reason is not None) == (entry.event == "renewal_failed")
        assert entry.reason is not Failure.SUSPENDED or wallet.suspended
    assert all(before.at <= after.at for before, after in pairwise(entries))
    renewed_twice = [(e.at, e.subscription) for e in entries if e.event == "renewed"]
    assert len(renewed_twice) == len(set(renewed_twice))


@given(
    accounts,
    st.lists(buyers, max_size=4, unique_by=lambda s: s.id),
    st.integers(0, 300),
    st.integers(0, 300),
)
def test_a_longer_forecast_begins_with_the_shorter(
    wallet: Account, bought: Sequence[Subscription], days: int, more: int
) -> None:
    shorter = forecast(wallet, bought, terms(), NOW, NOW + timedelta(days=days))
    longer = forecast(wallet, bought, terms(), NOW, NOW + timedelta(days=days + more))
    assert longer[: len(shorter)] == shorter


def test_a_closed_account_is_closed_for_good_rule_11_8() -> None:
    """Closed on 2020-11-16. 30 days later it can still be opened again, the day after it cannot."""
    closed = replace(account(), closed_on=date(2020, 11, 16))
    until = NOW + timedelta(days=60)
    [entry] = forecast(closed, [], terms(), NOW, until)
    assert (entry.event, entry.date, entry.rule) == (
        Event.ACCOUNT_CLOSED_FOR_GOOD,
        date(2020, 12, 17),
        Rule.SUSPEND_AND_CLOSE,
    )
    assert forecast(replace(closed, closed_for_good=True), [], terms(), NOW, until) == []


def test_what_waits_is_on_the_monthly_invoice_rule_11_4() -> None:
    """October waits when the forecast begins in November, so its invoice is late."""
    wallet = account(uninvoiced=(date(2020, 10, 1), date(2020, 11, 1)))
    first, second = forecast(wallet, [], terms(), NOW, NOW + timedelta(days=60))
    assert (first.event, first.at, first.rule) == (Event.INVOICED, NOW, Rule.INVOICES)
    assert (second.event, second.date, second.amount) == (Event.INVOICED, date(2020, 12, 1), None)


NUMBERS = [
    {
        "sku": "DID",
        "kind": "number",
        "months": 1,
        "prices": {"USD": "10.00"},
        "activation_fee": {"USD": "5.00"},
    },
]


def with_number(*numbers: str) -> tuple[Subscription, Terms]:
    """A subscription to which numbers were added at renewal, and its terms."""
    added = subscription()
    for number in numbers or ["+65"]:
        added = add_at_renewal(added, number, "DID", fee_due=True)
    return added, replace(terms(), catalog=catalogs.load([*ENTRIES, *NUMBERS]))


def test_an_activation_fee_is_charged_with_the_cycle_and_invoiced_rules_10_1_11_4() -> None:
    added, of = with_number()
    entries = forecast(account("65.00"), [added], of, NOW, first_instant(day("2021-01-01"), ZONE))
    assert [(str(e.date)[5:], e.event, e.amount, e.number) for e in entries] == [
        ("12-01", "notice_renewal", None, None),
        ("12-08", "renewed", Decimal("-60.00"), None),
        ("12-08", "activation_fee", Decimal("-5.00"), "+65"),
        ("01-01", "invoiced", None, None),
        ("01-01", "notice_renewal", None, None),
    ]


def test_a_renewal_that_cannot_pay_the_activation_fee_fails() -> None:
    added, of = with_number()
    entries = forecast(account("64.99"), [added], of, NOW, first_instant(day("12-08"), ZONE))
    assert [e.event for e in entries] == ["notice_renewal", "renewal_failed"]


def test_a_step_of_the_account_that_was_planned_before_is_taken_once() -> None:
    """The activation fee on 12-08 plans the account's steps anew. The closing is due on 12-17."""
    added, of = with_number()
    closed = account("65.00", closed_on=date(2020, 11, 16))
    entries = forecast(closed, [added], of, NOW, first_instant(day("2021-01-02"), ZONE))
    assert [(str(e.date)[5:], e.event) for e in entries if e.subscription is None] == [
        ("12-17", "account_closed_for_good"),
        ("01-01", "invoiced"),
    ]


def test_two_activation_fees_stand_on_one_monthly_invoice() -> None:
    added, of = with_number("+65", "+66")
    entries = forecast(account("80.00"), [added], of, NOW, first_instant(day("2021-01-01"), ZONE))
    assert [(e.event, e.balance) for e in entries[1:5]] == [
        ("renewed", Decimal("10.00")),
        ("activation_fee", Decimal("5.00")),
        ("activation_fee", Decimal("0.00")),
        ("invoiced", Decimal("0.00")),
    ]


def holding(*numbers: Number, until: str, **more: Any) -> list[str]:
    """The events of s1 and its numbers, without money in the wallet."""
    end = first_instant(day(until), ZONE)
    pairs = [(it, next_step_of(it, ZONE, NOW)) for it in numbers]
    entries = forecast(account(), [subscription(**more)], terms(), NOW, end, numbers=pairs)
    parts = ((str(e.date)[5:], e.event, e.subscription, e.number) for e in entries)
    return [" ".join(filter(None, line)) for line in parts]


def number(**more: Any) -> Number:
    """A number that s1 has in use."""
    used = {"state": NumberState.IN_USE, "account": "acme", "subscription": "s1", "number": "+65"}
    return Number(**{"seller": "main", "sku": "DID", "since": day("11-16"), **used, **more})


def test_numbers_are_held_after_the_expiry_and_released_rule_10_2() -> None:
    brought = number(number="+66", hold=HoldKind.BYOI)
    of_another = number(number="+67", subscription="s2")
    told_ = holding(number(), brought, of_another, until="2021-02-10", auto_renew=False)
    assert told_ == [
        "12-12 notice_expiring s1",
        "12-16 expired s1",
        "01-13 terminated s1",
        "02-02 number_hold_ending s1 +65",  # 12-15 + 49
        "02-10 number_released s1 +65",  # 12-15 + 57
    ]


def test_a_number_that_was_removed_at_renewal_leaves_with_the_cycle_rule_10_1() -> None:
    removed = remove_at_renewal(subscription(numbers={"+65": "DID", "+66": "DID"}), "+65")
    of = replace(terms(), catalog=catalogs.load([*ENTRIES, *NUMBERS]))
    end = first_instant(day("2021-01-14"), ZONE)
    both = [(number(), None), (number(number="+66"), None)]
    entries = forecast(account("200.00"), [removed], of, NOW, end, numbers=both)
    assert [(str(e.date)[5:], e.event, e.number) for e in entries if e.number] == [
        ("01-06", "number_hold_ending", "+65"),  # 12-16 + 21
        ("01-14", "number_released", "+65"),  # 12-16 + 29
    ]


def test_a_reservation_is_the_accounts_own_rule_10_3() -> None:
    reserved = reserve(
        number(state=NumberState.FREE, account=None, subscription=None),
        "acme",
        None,
        DEFAULT,
        day("11-18"),
    )
    assert holding(reserved, until="2020-12-17", auto_renew=False)[1:] == [
        "12-12 notice_expiring s1",
        "12-16 expired s1",
        "12-17 number_released +65",  # 11-18 + 29
    ]


def test_a_reminder_that_an_outage_has_delayed_is_sent_until_the_last_day_rule_13() -> None:
    """Held until 12-16 (day 28), reminded on 12-09 (day 21)."""
    given = give_back(number(), Cause.REMOVED, DEFAULT, day("11-18"), at("2020-11-18T00:00"))
    assert given is not None
    held, step = given[0], next_step_of(given[0], ZONE, at("2020-11-18T00:00"))
    end = first_instant(day("2020-12-20"), ZONE)
    for back, events in (
        ("2020-12-16T03:00", ["12-16 number_hold_ending", "12-17 number_released"]),
        ("2020-12-17T03:00", ["12-17 number_released"]),
    ):
        entries = forecast(account(), [], terms(), at(back), end, numbers=[(held, step)])
        assert [f"{str(e.date)[5:]} {e.event}" for e in entries] == events


def test_rule_4_3_a_trial_whose_first_cycle_cannot_be_charged_ends_on_day_29() -> None:
    """The trial's last day is 12-15. 12-16 is day 1, so 2021-01-13 is day 29."""
    converting = terms(replace(DEFAULT, trial_end=TrialEnd.CONVERT))
    tried, end = subscription(trial=True), at("2021-01-20T00:00")
    entries = forecast(account("49.99"), [tried], converting, NOW, end)
    assert [
        (str(it.date), it.event) for it in entries if it.event is not Event.NOTICE_TRIAL_ENDING
    ] == [
        ("2020-12-16", Event.EXPIRED),
        ("2021-01-13", Event.TERMINATED),
    ]
