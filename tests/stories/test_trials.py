"""Stories of trials (Rule 4.3, and what Rules 1.5, 1.7, 2, 5.3, 5.7, 12, 13 say of them).

The customer of most stories tries APP for 10 days from 2021-01-10 in Singapore. The last day is
01-19, the notice is on 01-16. The first paid month is 01-20..02-19. It renews on 02-12.
"""

import pytest

from tests.stories.story import lines

CATALOG = """
        catalog:
          - {sku: APP, application: desk, kind: application, months: 1, prices: {USD: "50.00"},
             trial_days: 10}
          - {sku: BIG, application: desk, kind: application, months: 1, prices: {USD: "90.00"},
             trial_days: 30}
          - {sku: LONG, application: fax, kind: service, months: 2, prices: {USD: "30.00"},
             trial_days: 20}
          - {sku: FREE, kind: hardware, months: 1, prices: {USD: "0"}, trial_days: 5}
          - {sku: desk, kind: service, months: 1, prices: {USD: "5.00"}, trial_days: 10}
          - {sku: BARE, application: tool, kind: application, months: 1, prices: {USD: "1.00"}}
          - {sku: EURO, application: euro, kind: application, months: 1, prices: {EUR: "1.00"},
             trial_days: 10}
          - {sku: SEAT, kind: addon, months: 1, prices: {USD: "1.00"}}
          - {sku: APP, prices: {USD: "60.00"}, from: 2021-02-01}
"""
ZONE = "currency: USD, timezone: Asia/Singapore"


def one(*steps: str, until: str, policy: str = "{}", money: str = "100.00", more: str = "") -> str:
    """A story of one trial and what is done after it."""
    begun = "2021-01-10, do: trial, id: t1, account: acme, sku: APP"
    listed = "".join(
        f"""
          - {{at: {step}}}"""
        for step in (begun, *steps)
    )
    return f"""
        policy: {policy}
        {CATALOG}
        accounts: [{{id: acme, {ZONE}, credits: "{money}"{more}}}]
        steps: {listed}
        until: {until}
    """


CARD = ", card: ok, renew_by_card: true"
DECLINED = ", card: declined, renew_by_card: true"


# --- it begins and ends ---------------------------------------------------------------------------


def test_it_costs_nothing_tells_the_customer_expires_and_ends_on_day_29(story):
    told = story(one(until="2021-02-17"))
    assert told.timeline == lines("""
        2021-01-10 t1 trial_started
        2021-01-16 t1 notice_trial_ending
        2021-01-20 t1 expired
        2021-02-17 t1 terminated
    """)  # 01-20 is day 1, 02-17 is day 29
    assert told.invoices == []
    assert told.balances == {"acme": "100.00"}
    assert told.state("t1", "status", "trial", "cycles_paid", "fee") == (
        "TERMINATED",
        True,
        0,
        None,
    )


@pytest.mark.parametrize(
    ("until", "state"),
    [
        ("2021-01-10", ("ACTIVE", True, "2021-01-10", "2021-01-10", "2021-01-19", "50.00")),
        ("2021-01-20", ("EXPIRED", True, "2021-01-10", "2021-01-10", "2021-01-19", "50.00")),
        ("2021-02-01", ("EXPIRED", True, "2021-01-10", "2021-01-10", "2021-01-19", "60.00")),
    ],
)
def test_it_never_renews_and_shows_the_fee_of_its_first_paid_cycle(story, until, state):
    told = story(one(until=until))
    keys = ("status", "trial", "anchor", "period_start", "expiry", "fee")
    assert told.state("t1", *keys) == state
    assert told.state("t1", "renewal_date", "cycles_paid", "auto_renew") == (None, 0, True)


def test_rule_1_4_it_ends_at_the_first_instant_of_the_local_day_after_it(story):
    """In Havana 2024-03-10 begins at 01:00."""
    told = story(f"""
        {CATALOG}
        accounts: [{{id: hav, currency: USD, timezone: America/Havana}}]
        steps:
          - {{at: "2024-02-29T15:00:00-05:00", do: trial, id: t1, account: hav, sku: APP}}
        until: 2024-03-11
    """)
    assert told.timeline[1:] == [
        "2024-03-06 t1 notice_trial_ending",
        "2024-03-10T01:00 t1 expired",
    ]


# --- one per account and application, ever --------------------------------------------------------


def test_one_for_each_account_and_application_for_ever(story):
    told = story(f"""
        {CATALOG}
        accounts:
          - {{id: acme, {ZONE}, credits: "100.00"}}
          - {{id: other, {ZONE}}}
        steps:
          - {{at: 2021-01-10, do: purchase, id: p1, account: acme, sku: APP}}
          - {{at: 2021-01-10, do: trial, id: t1, account: acme, sku: APP}}   # a purchase before it
          - {{at: 2021-01-10, do: trial, id: t2, account: acme, sku: BIG}}   # the same application
          - {{at: 2021-01-10, do: trial, id: t3, account: acme, sku: LONG}}
          - {{at: 2021-01-10, do: trial, id: t4, account: acme, sku: FREE}}  # no application
          - {{at: 2021-01-10, do: trial, id: t5, account: acme, sku: desk}}  # of that name
          - {{at: 2021-01-10, do: trial, id: t6, account: acme, sku: FREE}}
          - {{at: 2021-01-10, do: trial, id: t7, account: other, sku: APP}}
          - {{at: 2021-01-11, do: terminate, id: t1, reason: bad}}
          - {{at: 2021-01-12, do: trial, id: t8, account: acme, sku: APP}}
          - {{at: 2023-01-12, do: trial, id: t9, account: acme, sku: BIG}}
        until: 2023-01-12
    """)
    assert told.refused == ["3 trial 4.3", "7 trial 4.3", "10 trial 4.3", "11 trial 4.3"]
    assert sorted(told.result["subscriptions"]) == ["p1", "t1", "t3", "t4", "t5", "t7"]
    assert told.result["refused"][0]["reason"] == (
        "acme has had its one trial of application desk, t1; buy it instead"
    )


@pytest.mark.parametrize(
    ("id_", "sku", "rule"),
    [
        ("p1", "APP", "4.1"),  # the id exists
        ("t1", "BARE", "4.3"),  # no trial days
        ("t1", "EURO", "4.1"),  # its first paid cycle has no price in the currency
    ],
)
def test_a_refused_one_leaves_no_trace(story, id_, sku, rule):
    told = story(f"""
        {CATALOG}
        accounts: [{{id: acme, {ZONE}, credits: "50.00"}}]
        steps:
          - {{at: 2021-01-10, do: purchase, id: p1, account: acme, sku: APP}}
          - {{at: 2021-01-10, do: trial, id: {id_}, account: acme, sku: {sku}}}
          - {{at: 2021-01-11, do: trial, id: t1, account: acme, sku: BIG}}
        until: 2021-01-11
    """)
    assert told.refused == [f"2 trial {rule}"]
    assert told.events("trial_started") == ["2021-01-11 t1 trial_started"]


def test_rule_4_2_a_repetition_starts_nothing_and_is_no_refusal(story):
    again = "do: trial, id: t1, account: acme, sku: APP, request_id: r"
    told = story(f"""
        {CATALOG}
        accounts: [{{id: acme, {ZONE}}}]
        steps:
          - {{at: 2021-01-10, {again}}}
          - {{at: 2021-01-15, {again}}}
          - {{at: 2021-01-15, do: trial, id: t1, account: acme, sku: BIG, request_id: r}}
        until: 2021-01-15
    """)
    assert told.timeline == ["2021-01-10 t1 trial_started"]
    assert told.refused == ["3 trial 4.2"]


def test_rule_11_8_a_suspended_account_starts_and_converts_none(story):
    told = story(
        one(
            "2021-01-11, do: suspend, account: acme",
            "2021-01-11, do: trial, id: t2, account: acme, sku: LONG",
            "2021-01-11, do: convert, id: t1",
            "2021-01-11, do: terminate, id: t1, reason: bad",
            until="2021-01-12",
        )
    )
    assert told.refused == ["3 trial 11.8", "4 convert 11.8"]
    assert told.state("t1", "status") == "TERMINATED"


# --- converted by command -------------------------------------------------------------------------


def test_while_it_runs_the_paid_cycle_starts_the_day_after_it(story):
    """01-10 .. 01-19 | 01-20 .. 02-19 | 02-20 .. 03-19"""
    told = story(one("2021-01-12, do: convert, id: t1", until="2021-02-13", money="120.00"))
    assert told.timeline[1:] == lines("""
        2021-01-12 t1 converted -50.00  # the price of the day
        2021-02-05 t1 notice_renewal
        2021-02-12 t1 renewed -60.00
    """)  # no notice that it ends
    assert told.invoices == [
        "2021-01-12 acme individual 50.00 = 50.00",
        "2021-02-12 acme individual 60.00 = 60.00",
    ]
    assert told.state("t1", "trial", "anchor", "period_start", "expiry", "cycles_paid") == (
        False,
        "2021-01-20",
        "2021-01-20",
        "2021-03-19",
        2,
    )


@pytest.mark.parametrize(
    ("until", "period_start"),
    [("2021-01-19", "2021-01-10"), ("2021-01-20", "2021-01-20")],
)
def test_period_start_is_that_of_the_trial_until_the_paid_period_starts(story, until, period_start):
    told = story(one("2021-01-12, do: convert, id: t1", until=until))
    assert told.state("t1", "status", "trial", "period_start", "expiry", "renewal_date") == (
        "ACTIVE",
        False,
        period_start,
        "2021-02-19",
        "2021-02-12",
    )


@pytest.mark.parametrize(
    ("at", "anchor", "refused"),
    [
        ('"2021-01-19T23:59:59+08:00"', "2021-01-20", []),  # the last second of the trial
        ("2021-01-20", "2021-01-20", []),  # day 1: the expiry comes first (Rule 1.6)
        ('"2021-02-16T23:59:59+08:00"', "2021-02-16", []),  # day 28
        ("2021-02-17", "2021-01-10", ["2 convert 2"]),  # day 29
    ],
)
def test_it_can_be_converted_until_day_28_after_it(story, at, anchor, refused):
    told = story(one(f"{at}, do: convert, id: t1", until="2021-02-17"))
    assert told.refused == refused
    assert told.state("t1", "anchor") == anchor


def test_once_and_then_it_is_a_subscription_like_any_other(story):
    told = story(
        one(
            "2021-01-25, do: convert, id: t1",
            "2021-01-25, do: convert, id: t1",
            "2021-01-26, do: extend, id: t1, cycles: 1",
            "2021-01-27, do: terminate, id: t1, reason: moved",
            until="2021-01-27",
        )
    )
    assert told.refused == ["3 convert 4.3"]
    assert told.timeline[2:] == lines("""
        2021-01-20 t1 expired
        2021-01-25 t1 converted -50.00
        2021-01-26 t1 extended -50.00
        2021-01-27 t1 terminated (moved)
        2021-01-27 t1 refunded 100.00
    """)
    assert told.invoices[-1] == "2021-01-27 acme credit_note -50.00 + -50.00 = -100.00"


@pytest.mark.parametrize(
    ("at", "refund"),
    [
        ("2021-01-19", "50.00"),  # the paid period has not begun
        ("2021-02-03", "50.00"),  # day 14 of the paid period
        ("2021-02-04", ""),  # day 15 of a month
    ],
)
def test_rule_8_3_the_trial_is_not_refunded_and_its_first_cycle_is_like_any_other(
    story, at, refund
):
    told = story(
        one(
            "2021-01-12, do: convert, id: t1",
            f"{at}, do: terminate, id: t1, reason: moved",
            until=at,
        )
    )
    given = [f"{at} t1 refunded {refund}"] if refund else []
    assert told.events("refunded") == given


def test_rule_8_3_a_trial_that_is_terminated_late_gives_nothing_back(story):
    told = story(
        f"""
        {CATALOG}
        accounts: [{{id: acme, {ZONE}}}]
        steps:
          - {{at: 2021-01-10, do: trial, id: t1, account: acme, sku: LONG}}
          - {{at: 2021-01-25, do: terminate, id: t1, reason: moved}}
        until: 2021-01-25
    """
    )  # day 15 of 20, beyond the 14 days of the refund window
    assert told.timeline[1:] == ["2021-01-25 t1 terminated (moved)"]


def test_rule_4_3_it_is_paid_from_credits_never_by_card(story):
    told = story(
        one(
            "2021-01-12, do: convert, id: t1",
            "2021-01-12, do: convert, id: t1, invoice_number: EXT-1",
            until="2021-01-20",
            money="49.99",
            more=CARD,
        )
    )
    assert told.refused == ["2 convert 4.3"]
    assert told.timeline[1:] == ["2021-01-12 t1 converted"]  # an external invoice pays (11.4)
    assert told.invoices == []
    assert told.balances == {"acme": "49.99"}


def test_rule_5_7_a_conversion_past_its_renewal_date_is_followed_by_an_attempt_at_once(story):
    """Under a lead of 27 days, the month 02-01..02-28 is to be renewed on its first day."""
    told = story(f"""
        policy: {{renewal_lead_days: 27, legacy_renewal_lead_days: 27}}
        {CATALOG}
        accounts: [{{id: acme, {ZONE}, credits: "110.00"}}]
        steps:
          - {{at: 2021-01-20, do: trial, id: t1, account: acme, sku: APP}}
          - {{at: 2021-02-01, do: convert, id: t1}}
        until: 2021-02-01
    """)
    assert told.timeline[2:] == lines("""
        2021-01-30 t1 expired
        2021-02-01 t1 converted -60.00
        2021-02-01 t1 renewal_failed (no_credits)
    """)


# --- what a trial cannot do (Rule 2) --------------------------------------------------------------


def test_rule_2_what_a_trial_refuses(story):
    told = story(
        one(
            "2021-01-11, do: recover, id: t1",
            "2021-01-11, do: extend, id: t1, cycles: 1",
            "2021-01-11, do: reactivate, id: t1",
            "2021-01-11, do: resubscribe, id: t1",
            "2021-01-11, do: unsubscribe, id: t1",
            "2021-01-11, do: resubscribe, id: t1",
            "2021-01-20, do: recover, id: t1",
            "2021-01-20, do: extend, id: t1, cycles: 1",
            "2021-01-20, do: reactivate, id: t1",
            "2021-01-20, do: unsubscribe, id: t1",
            "2021-01-20, do: terminate, id: t1, reason: bad",
            "2021-01-20, do: convert, id: t1",
            until="2021-01-20",
        )
    )
    assert told.refused == lines("""
        2 recover 6.1
        3 extend 4.3
        4 reactivate 7
        5 resubscribe 8.1
        8 recover 6.1
        9 extend 6.2
        10 reactivate 4.3
        11 unsubscribe 8.1
        13 convert 2
    """)


def test_rule_2_a_paid_subscription_has_nothing_to_convert(story):
    told = story("""
        policy: {retry_days: []}
        accounts: [{id: acme, currency: USD, timezone: UTC, credits: "50.00"}]
        steps:
          - {at: 2021-01-10, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-01-11, do: convert, id: s1}
          - {at: 2021-02-02, do: convert, id: s1}  # failed
          - {at: 2021-02-10, do: convert, id: s1}  # EXPIRED
        until: 2021-02-10
    """)
    assert told.refused == ["2 convert 4.3", "3 convert 4.3", "4 convert 4.3"]


# --- converted by policy --------------------------------------------------------------------------


def test_under_the_policy_convert_the_first_cycle_is_charged_at_its_end(story):
    told = story(one(until="2021-01-20", policy="{trial_end: convert}"))
    assert told.timeline[1:] == lines("""
        2021-01-16 t1 notice_trial_ending
        2021-01-20 t1 converted -50.00
    """)
    assert told.state("t1", "status", "trial", "anchor", "period_start", "expiry") == (
        "ACTIVE",
        False,
        "2021-01-20",
        "2021-01-20",
        "2021-02-19",
    )


def test_rule_5_3_the_card_is_charged_the_whole_first_cycle(story):
    told = story(one(until="2021-01-20", policy="{trial_end: convert}", money="30.00", more=CARD))
    assert told.timeline[2:] == lines("""
        2021-01-20 acme card_charged 50.00
        2021-01-20 t1 converted -50.00
    """)
    assert told.balances == {"acme": "30.00"}
    assert told.invoices == [
        "2021-01-20 acme individual 50.00 = 50.00",
        "2021-01-20 acme individual 50.00 = 50.00",
    ]


@pytest.mark.parametrize(
    ("money", "more", "events"),
    [
        ("49.99", "", []),
        ("49.99", DECLINED, ["2021-01-20 acme card_declined"]),
    ],
)
def test_what_cannot_be_funded_expires_and_can_still_be_converted_by_command(
    story, money, more, events
):
    told = story(
        one(
            '2021-01-25, do: top_up, account: acme, amount: "0.01"',
            "2021-01-25, do: convert, id: t1",
            until="2021-01-25",
            policy="{trial_end: convert}",
            money=money,
            more=more,
        )
    )
    assert told.timeline[2:] == [
        *events,
        "2021-01-20 t1 expired",
        "2021-01-25 acme topped_up 0.01",  # sets off no retry: a trial has not failed to renew
        "2021-01-25 t1 converted -50.00",
    ]


def test_rule_5_6_while_suspended_it_expires_without_the_card(story):
    told = story(
        one(
            "2021-01-12, do: suspend, account: acme",
            until="2021-01-20",
            policy="{trial_end: convert}",
            more=CARD,
        )
    )
    assert told.timeline[2:] == [
        "2021-01-16 t1 notice_trial_ending",
        "2021-01-20 t1 expired",
    ]


def test_an_unsubscribed_one_is_told_that_it_ends_and_is_not_charged(story):
    told = story(
        one(
            "2021-01-12, do: unsubscribe, id: t1", until="2021-01-20", policy="{trial_end: convert}"
        )
    )
    assert told.timeline[2:] == [
        "2021-01-16 t1 notice_trial_ending",
        "2021-01-20 t1 expired",
    ]


def test_switched_on_again_it_is_charged_all_the_same(story):
    told = story(
        one(
            "2021-01-12, do: unsubscribe, id: t1",
            "2021-01-19, do: resubscribe, id: t1",
            until="2021-01-20",
            policy="{trial_end: convert}",
        )
    )
    assert told.timeline[-1] == "2021-01-20 t1 converted -50.00"


def test_what_was_converted_by_command_is_not_charged_again_at_its_end(story):
    told = story(
        one("2021-01-19, do: convert, id: t1", until="2021-01-21", policy="{trial_end: convert}")
    )
    assert told.events("converted") == ["2021-01-19 t1 converted -50.00"]


def test_rule_1_7_renewals_come_before_conversions_and_those_by_id(story):
    """Four steps are due on 01-20. After the renewal and t10 there are 49.99 left for t2."""
    told = story(f"""
        policy: {{trial_end: convert, retry_days: []}}
        {CATALOG}
        accounts: [{{id: acme, {ZONE}, credits: "154.99"}}]
        steps:
          - {{at: 2020-12-28, do: purchase, id: s9, account: acme, sku: APP}}
          - {{at: 2021-01-10, do: trial, id: t2, account: acme, sku: APP}}
          - {{at: 2021-01-10, do: trial, id: t10, account: acme, sku: desk}}
          - {{at: 2021-01-15, do: trial, id: t3, account: acme, sku: FREE}}
        until: 2021-01-20
    """)
    assert told.timeline[-4:] == lines("""
        2021-01-20 s9 renewed -50.00
        2021-01-20 t10 converted -5.00
        2021-01-20 t2 expired
        2021-01-20 t3 converted
    """)


def test_rule_5_3_a_conversion_of_a_free_sku_always_succeeds(story):
    told = story(f"""
        policy: {{trial_end: convert}}
        {CATALOG}
        accounts: [{{id: acme, {ZONE}}}]
        steps:
          - {{at: 2021-01-10, do: trial, id: t1, account: acme, sku: FREE}}
        until: 2021-01-15
    """)
    assert told.timeline[1:] == ["2021-01-11 t1 notice_trial_ending", "2021-01-15 t1 converted"]
    assert told.invoices == []


# --- outages (Rule 13) ----------------------------------------------------------------------------


def test_rule_13_a_conversion_that_fell_into_an_outage_starts_at_its_end_however_late(story):
    told = story(
        one(
            "2021-01-15, do: outage, until: 2021-04-01",
            until="2021-04-01",
            policy="{trial_end: convert}",
        )
    )
    assert told.timeline[1:] == ["2021-04-01T08:00 t1 converted -60.00"]  # the price of that day
    assert told.state("t1", "anchor", "period_start", "expiry") == (
        "2021-04-01",
        "2021-04-01",
        "2021-04-30",
    )


def test_rule_13_one_that_cannot_be_funded_then_expires_that_day(story):
    told = story(
        one(
            "2021-01-15, do: outage, until: 2021-04-01",
            until="2021-04-29",
            policy="{trial_end: convert}",
            money="0",
        )
    )
    assert told.timeline[1:] == [
        "2021-04-01T08:00 t1 expired",  # day 1
        "2021-04-29 t1 terminated",  # day 29
    ]


def test_rule_13_an_expiry_that_fell_into_an_outage_counts_from_the_day_it_was_marked(story):
    told = story(
        one(
            "2021-01-15, do: outage, until: 2021-02-20",
            "2021-03-19, do: convert, id: t1",  # day 28 from 02-20
            until="2021-03-19",
        )
    )
    assert told.timeline[1:] == [
        "2021-02-20T08:00 t1 expired",
        "2021-03-19 t1 converted -60.00",
    ]


@pytest.mark.parametrize(
    ("end", "notices"),
    [
        ("2021-01-19T15:59:59Z", ["2021-01-19T23:59 t1 notice_trial_ending"]),  # still its last day
        ("2021-01-19T16:00:00Z", []),
    ],
)
def test_rule_12_a_notice_that_fell_into_an_outage_is_sent_until_the_last_day(story, end, notices):
    told = story(one(f'2021-01-15, do: outage, until: "{end}"', until="2021-01-21"))
    assert told.events("notice_trial_ending") == notices


def test_rule_13_renewals_and_conversions_after_an_outage_run_by_their_instants(story):
    """The renewal was due on 02-02, the trial of BIG ended on 02-08. Only one is covered."""
    told = story(f"""
        policy: {{trial_end: convert, retry_days: []}}
        {CATALOG}
        accounts: [{{id: acme, {ZONE}, credits: "115.00"}}]
        steps:
          - {{at: 2021-01-10, do: purchase, id: s1, account: acme, sku: APP}}
          - {{at: 2021-01-10, do: trial, id: t1, account: acme, sku: BIG}}
          - {{at: 2021-02-01, do: outage, until: 2021-02-09}}
        until: 2021-02-09
    """)
    assert told.timeline[2:] == lines("""
        2021-01-26 s1 notice_renewal
        2021-02-09T08:00 s1 renewed -60.00
        2021-02-09T08:00 t1 expired
    """)


@pytest.mark.parametrize("policy", ["convert", "expire"])
def test_rule_11_5_the_sellers_own_wallet_pays_the_cost_of_the_first_cycle(story, policy):
    """It holds 9.99, and the cost is 10.00. No card is tried, and nothing is charged."""
    told = story(f"""
        policy: {{trial_end: {policy}, seller_wallet: true}}
        seller: {{credits: {{USD: "9.99"}}}}
        catalog:
          - {{sku: APP, kind: application, months: 1, prices: {{USD: "50.00"}},
             costs: {{USD: "10.00"}}, trial_days: 10}}
        accounts: [{{id: acme, {ZONE}, credits: "40.00"{CARD}}}]
        steps:
          - {{at: 2021-01-10, do: trial, id: t1, account: acme, sku: APP}}
          - {{at: 2021-01-21, do: top_up, account: acme, amount: "10.00"}}
          - {{at: 2021-01-21, do: convert, id: t1}}
        until: 2021-01-21
    """)
    assert told.timeline[1:] == [
        "2021-01-16 t1 notice_trial_ending",
        "2021-01-20 t1 expired",
        "2021-01-21 acme topped_up 10.00",
    ]
    assert told.refused == ["3 convert 4.3"]
