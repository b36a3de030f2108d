"""Stories of expired subscriptions that come back (Rule 7)."""

import pytest

from tests.stories.story import lines

EXPIRED = """
        policy: {retry_days: []}
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00"}]
        steps:
          - {at: 2021-01-07, do: purchase, id: s1, account: acme, sku: PRO}
"""  # E 02-06, EXPIRED on 02-07, TERMINATED on 03-07


def test_one_full_fee_and_the_old_schedule(story):
    """01-07 .. 02-06 | expired | 02-23 .. 03-06 | 03-07 .. 04-06

    The lost days are not given back.
    """
    told = story(f"""
        {EXPIRED}
          - {{at: 2021-02-10, do: top_up, account: acme, amount: "100.00"}}
          - {{at: 2021-02-23, do: reactivate, id: s1}}
        until: 2021-02-27
    """)
    assert told.timeline[2:] == lines("""
        2021-01-30 s1 renewal_failed (no_credits)
        2021-02-07 s1 expired
        2021-02-10 acme topped_up 100.00
        2021-02-23 s1 reactivated -50.00
        2021-02-27 s1 renewed -50.00
    """)  # the notice of 03-06 was due on 02-20, before it became true
    assert told.state(
        "s1",
        "status",
        "anchor",
        "period_start",
        "expiry",
        "cycles_paid",
        "auto_renew",
        "renewal_failed",
    ) == (
        "ACTIVE",
        "2021-01-07",
        "2021-02-23",
        "2021-04-06",
        3,
        True,
        False,
    )
    assert told.invoices[-2:] == [
        "2021-02-23 acme individual 50.00 = 50.00",
        "2021-02-27 acme individual 50.00 = 50.00",
    ]


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        ("2021-02-06T23:59:59+08:00", ["2 reactivate 7"]),  # still ACTIVE
        ("2021-02-07", []),  # day 1: the expiry comes first
        ("2021-03-06T23:59:59+08:00", []),  # day 28
        ("2021-03-07", ["2 reactivate 2"]),  # day 29
    ],
)
def test_on_the_days_1_to_28_after_expiry(story, at, outcome):
    told = story(f"""
        {EXPIRED}
          - {{at: "{at}", do: reactivate, id: s1, invoice_number: EXT-1}}
        until: 2021-03-07
    """)
    assert told.refused == outcome
    assert told.state("s1", "cycles_paid") == (1 if outcome else 2)


def test_after_the_new_renewal_date_it_is_attempted_at_once_alone(story):
    """Day 28 is 03-06, the last day of the cycle on the old schedule.

    Its renewal date 02-27 is past, and no retry day is ahead.
    """
    told = story(f"""
        {EXPIRED}
          - {{at: 2021-03-01, do: top_up, account: acme, amount: "99.99"}}
          - {{at: 2021-03-06, do: reactivate, id: s1}}
        until: 2021-03-07
    """)
    assert told.timeline[-4:] == lines("""
        2021-03-01 acme topped_up 99.99
        2021-03-06 s1 reactivated -50.00
        2021-03-06 s1 renewal_failed (no_credits)
        2021-03-07 s1 expired
    """)


def test_the_attempt_at_once_may_take_the_card_and_the_retry_days_ahead_stay(story):
    """It is reactivated on 02-28. E is 03-06 and the renewal date is 02-27.

    An attempt is made at once, and then on 03-01, 03-03 and 03-05.
    """
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00"}]
        steps:
          - {at: 2021-01-07, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-02-28, do: set_card, account: acme, card: ok}
          - {at: 2021-02-28, do: set, account: acme, renew_by_card: true}
          - {at: 2021-02-28, do: reactivate, id: s1}
          - {at: 2021-02-28, do: set_card, account: acme, card: declined}
          - {at: 2021-02-28, do: reactivate, id: s1, invoice_number: EXT-1}
          - {at: 2021-03-02, do: set_card, account: acme, card: ok}
        until: 2021-03-04
    """)
    assert told.refused == ["4 reactivate 7"]  # credits only
    assert told.timeline[7:] == lines("""
        2021-02-28 acme card_declined
        2021-02-28 s1 reactivated
        2021-02-28 s1 renewal_failed (card_declined)
        2021-03-01 acme card_declined
        2021-03-01 s1 renewal_failed (card_declined)
        2021-03-03 acme card_charged 50.00
        2021-03-03 s1 renewed -50.00
    """)


def test_auto_renewal_stays_off(story):
    told = story(f"""
        {EXPIRED}
          - {{at: 2021-01-08, do: unsubscribe, id: s1}}
          - {{at: 2021-02-23, do: top_up, account: acme, amount: "150.00"}}
          - {{at: 2021-03-01, do: reactivate, id: s1}}
        until: 2021-03-07
    """)
    assert told.timeline[2:] == lines("""
        2021-02-03 s1 notice_expiring
        2021-02-07 s1 expired
        2021-02-23 acme topped_up 150.00
        2021-03-01 s1 reactivated -50.00
        2021-03-03 s1 notice_expiring
        2021-03-07 s1 expired
    """)


def test_when_the_policy_lets_it_come_so_late_m_grows_by_as_many_cycles_as_reach_today(story):
    """E is 02-06. On 03-20 the date 03-06 is past, and 04-06 is not.

    E moves by two cycles for one fee. One cycle counts as paid.
    """
    told = story("""
        policy: {reactivation_days: 60, retry_days: []}
        accounts:
          - {id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00",
             credit_limit: "0.00"}
        steps:
          - {at: 2021-01-07, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-03-20, do: top_up, account: acme, amount: "50.00"}
          - {at: 2021-03-20, do: reactivate, id: s1}
          - {at: 2021-04-02, do: terminate, id: s1, reason: no longer}
        until: 2021-04-02
    """)
    assert told.timeline[4:] == lines("""
        2021-03-20 acme topped_up 50.00
        2021-03-20 s1 reactivated -50.00
        2021-03-23 s1 notice_renewal  # E 04-06
        2021-03-30 s1 renewal_failed (no_credits)
        2021-04-02 s1 terminated (no longer)
        2021-04-02 s1 refunded 50.00  # day 13 of the period that began on 03-20
    """)
    assert told.state("s1", "expiry", "period_start", "cycles_paid") == (
        "2021-04-06",
        "2021-03-20",
        2,
    )


def test_no_days_to_reactivate(story):
    told = story(f"""
        {EXPIRED.replace("retry_days: []", "retry_days: [], reactivation_days: 0")}
          - {{at: 2021-02-07, do: reactivate, id: s1, invoice_number: EXT-1}}
        until: 2021-02-07
    """)
    assert told.timeline[-2:] == ["2021-02-07 s1 expired", "2021-02-07 s1 terminated"]
    assert told.refused == ["2 reactivate 2"]


def test_a_reactivated_year_is_refunded_by_its_cycle_s_months_from_the_day_it_came_back(story):
    """E is 2021-01-06. It is reactivated on 01-20 for a year that ends on 2022-01-06.

    02-25 is day 36. The months of 01-20 and 02-20 have begun, so the refund is 10/12.
    """
    told = story("""
        policy: {retry_days: []}
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "400.00"}]
        steps:
          - {at: 2020-01-07, do: purchase, id: s1, account: acme, sku: YEAR}
          - {at: 2021-01-20, do: top_up, account: acme, amount: "340.00"}
          - {at: 2021-01-20, do: reactivate, id: s1}
          - {at: 2021-02-25, do: terminate, id: s1, reason: enough}
        until: 2021-02-25
    """)
    assert told.events("reactivated", "refunded") == [
        "2021-01-20 s1 reactivated -370.00",
        "2021-02-25 s1 refunded 308.33",
    ]
    assert told.state("s1", "expiry", "period_start") == ("2022-01-06", "2021-01-20")


def test_a_second_life_may_end_and_begin_again(story):
    told = story("""
        policy: {retry_days: []}
        accounts: [{id: acme, currency: KWD, timezone: Asia/Kuwait, credits: "60.000"}]
        steps:
          - {at: 2021-01-07, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-01-07, do: unsubscribe, id: s1}
          - {at: 2021-02-10, do: reactivate, id: s1}
          - {at: 2021-03-10, do: reactivate, id: s1}
        until: 2021-04-07
    """)
    assert told.events("reactivated", "expired") == lines("""
        2021-02-07 s1 expired
        2021-02-10 s1 reactivated -15.125
        2021-03-07 s1 expired
        2021-03-10 s1 reactivated -15.125
        2021-04-07 s1 expired
    """)
    assert told.balances == {"acme": "14.625"}
    assert told.state("s1", "fee", "period_start", "expiry") == (
        "15.125",
        "2021-03-10",
        "2021-04-06",
    )


def test_in_the_hour_that_comes_twice_the_new_day_has_begun(story):
    """E is 2010-11-06 in St. John's. On 11-07 at 00:01 the clock goes back to 23:01 on 11-06.

    The subscription has been EXPIRED since 00:00. It is reactivated at the second 23:30. Its period
    starts on 11-07, and its E is 12-06. A purchase at that instant starts on 11-07 too.
    """
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: America/St_Johns, credits: "200.00"}]
        steps:
          - {at: 2010-10-07, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2010-10-07, do: unsubscribe, id: s1}
          - {at: "2010-11-06T23:30:00-03:30", do: reactivate, id: s1}
          - {at: "2010-11-06T23:30:00-03:30", do: purchase, id: s2, account: acme, sku: PRO}
        until: "2010-11-06T23:30:00-03:30"
    """)
    assert told.timeline[2:] == lines("""
        2010-11-03 s1 notice_expiring
        2010-11-07 s1 expired
        2010-11-06T23:30 s1 reactivated -50.00
        2010-11-06T23:30 s2 purchased -50.00
    """)
    assert told.state("s1", "period_start", "expiry", "cycles_paid") == (
        "2010-11-07",
        "2010-12-06",
        2,
    )
    assert told.state("s2", "period_start", "anchor") == ("2010-11-07", "2010-11-07")
