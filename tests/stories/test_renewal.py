"""Stories of automatic renewal (Rules 1.3 to 1.6, 3.5, 5.1, 5.3, 5.4)."""

import pytest

from tests.stories.story import lines


def test_a_monthly_subscription_renews_fails_is_retried_expires_and_ends(story):
    """
    |-- 11-16 .. 12-15 --|-- 12-16 .. 01-15 --|  no more credits
                  12-08 renewed         01-08 failed, and again on 01-10, 01-12, 01-14
                                               01-16 expired
                                               01-15 + 29 days = 02-13 terminated
    """
    told = story("""
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
        until: 2021-03-01
    """)
    assert told.timeline == lines("""
        2020-11-16 s1 purchased -50.00
        2020-12-01 s1 notice_renewal
        2020-12-08 s1 renewed -50.00
        2021-01-01 s1 notice_renewal
        2021-01-08 s1 renewal_failed (no_credits)
        2021-01-10 s1 renewal_failed (no_credits)
        2021-01-12 s1 renewal_failed (no_credits)
        2021-01-14 s1 renewal_failed (no_credits)
        2021-01-16 s1 expired
        2021-02-13 s1 terminated
    """)
    assert told.invoices == lines("""
        2020-11-16 acme individual 50.00 = 50.00
        2020-12-08 acme individual 50.00 = 50.00
    """)
    assert told.state(
        "s1", "status", "period_start", "expiry", "renewal_date", "fee", "cycles_paid"
    ) == (
        "TERMINATED",
        "2020-12-16",
        "2021-01-15",
        None,
        None,
        2,
    )
    assert told.state("s1", "auto_renew", "renewal_failed", "trial") == (True, False, False)


def test_the_schedule_counts_from_the_anchor_and_never_drifts(story):
    """From 01-31 the periods end on 02-27, 03-30, 04-29 and 05-30.

    Each is renewed seven days before its end.
    """
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "1000.00"}]
        steps:
          - {at: 2023-01-31, do: purchase, id: s1, account: acme, sku: PRO}
        until: 2023-05-23
    """)
    assert told.events("renewed") == lines("""
        2023-02-20 s1 renewed -50.00
        2023-03-23 s1 renewed -50.00
        2023-04-22 s1 renewed -50.00
        2023-05-23 s1 renewed -50.00
    """)
    assert told.events("notice_renewal") == [
        f"2023-{day} s1 notice_renewal" for day in ("02-13", "03-16", "04-15", "05-16")
    ]
    assert told.state("s1", "anchor", "period_start", "expiry", "renewal_date") == (
        "2023-01-31",
        "2023-04-30",
        "2023-06-29",
        "2023-06-22",
    )


def test_two_months_on_the_29th_of_february_are_clamped_and_come_back(story):
    """2024-02-29 + 2 months is 04-29, and + 4 months is 06-29.

    With 12 months it is 2025-02-28, 2026-02-28, 2027-02-28, 2028-02-29.
    """
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "5000.00"}]
        steps:
          - {at: 2024-02-29, do: purchase, id: two, account: acme, sku: PRO, multiplier: 2}
          - {at: 2024-02-29, do: purchase, id: year, account: acme, sku: YEAR}
          - {at: 2024-02-29, do: extend, id: year, cycles: 3}
        until: 2024-04-21
    """)
    assert told.events("renewed") == ["2024-04-21 two renewed -100.00"]  # E 04-28
    assert told.state("two", "period_start", "expiry") == ("2024-02-29", "2024-06-28")
    assert told.state("year", "expiry", "cycles_paid", "renewal_date") == (
        "2028-02-28",
        4,
        "2028-02-21",
    )


def test_a_legacy_subscription_renews_a_day_earlier_and_its_retries_with_it(story):
    """E is 2021-03-31 and the renewal date is 03-23.

    The notice is on 03-16. The retries are on 03-25, 03-27 and 03-29.
    """
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00"}]
        steps:
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO, legacy: true}
        until: 2021-04-01
    """)
    assert told.timeline == lines("""
        2021-03-01 s1 purchased -50.00
        2021-03-16 s1 notice_renewal
        2021-03-23 s1 renewal_failed (no_credits)
        2021-03-25 s1 renewal_failed (no_credits)
        2021-03-27 s1 renewal_failed (no_credits)
        2021-03-29 s1 renewal_failed (no_credits)
        2021-04-01 s1 expired
    """)


@pytest.mark.parametrize(
    ("zone", "bought", "renewed"),
    [
        # E is 03-17, and 03-10 begins at 01:00
        ("America/Havana", "2024-02-18", "2024-03-10T01:00 s1 renewed -50.00"),
        # E is 2012-01-06, and there is no 12-30
        ("Pacific/Apia", "2011-12-07", "2011-12-31 s1 renewed -50.00"),
        # E is 11-11, and 11-04 begins at 01:00
        ("America/Sao_Paulo", "2018-10-12", "2018-11-04T01:00 s1 renewed -50.00"),
        # E is 11-14, and 11-07 is entered twice
        ("America/St_Johns", "2010-10-15", "2010-11-07 s1 renewed -50.00"),
        ("Asia/Kathmandu", "2021-03-01", "2021-03-24 s1 renewed -50.00"),
    ],
)
def test_the_renewal_date_begins_when_its_local_date_does(story, zone, bought, renewed):
    told = story(f"""
        accounts: [{{id: acme, currency: USD, timezone: {zone}, credits: "100.00"}}]
        steps:
          - {{at: {bought}, do: purchase, id: s1, account: acme, sku: PRO}}
        until: {renewed[:4]}-12-31T23:00:00Z
    """)
    assert told.events("renewed")[:1] == [renewed]


def test_without_a_midnight_expiry_and_termination_keep_their_days(story):
    """Apia has no 2011-12-30. E is 12-29, so E + 1 begins with 12-31.

    E + 28 = 01-26 is the last day to reactivate. On E + 29 = 01-27 it is TERMINATED.
    """
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Pacific/Apia, credits: "100.00"}]
        steps:
          - {at: 2011-11-30, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2011-11-30, do: unsubscribe, id: s1}
        until: 2012-02-01
    """)
    assert told.events("expired", "terminated") == [
        "2011-12-31 s1 expired",
        "2012-01-27 s1 terminated",
    ]


def test_a_top_up_at_the_first_instant_of_the_renewal_date_finds_a_failed_renewal_and_heals_it(
    story,
):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00"}]
        steps:
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-03-24, do: top_up, account: acme, amount: "50.00"}
        until: 2021-03-31
    """)
    assert told.timeline == lines("""
        2021-03-01 s1 purchased -50.00
        2021-03-17 s1 notice_renewal
        2021-03-24 acme topped_up 50.00
        2021-03-24 s1 renewal_failed (no_credits)
        2021-03-24 s1 renewed -50.00
    """)
    assert told.state("s1", "renewal_failed", "expiry") == (False, "2021-04-30")


def test_a_top_up_that_is_not_enough_is_silent(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00", card: ok}]
        steps:
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-03-24, do: set, account: acme, renew_by_card: true}
          - {at: 2021-03-25, do: top_up, account: acme, amount: "49.99"}
        until: 2021-03-25T12:00:00Z
    """)
    # the card is not charged
    assert told.timeline[2:] == [
        "2021-03-24 s1 renewal_failed (no_credits)",
        "2021-03-25 acme topped_up 49.99",
    ]


def test_nothing_but_a_top_up_sets_off_a_retry(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "100.00"}]
        policy: {retry_days: []}
        steps:
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-03-20, do: purchase, id: s2, account: acme, sku: PRO}
          - {at: 2021-03-25, do: terminate, id: s2, reason: refunded in full}
          - {at: 2021-03-26, do: set, account: acme, credit_limit: "500.00", renew_by_card: true}
          - {at: 2021-03-27, do: set_card, account: acme, card: ok}
        until: 2021-04-01
    """)
    assert told.timeline[-4:] == lines("""
        2021-03-24 s1 renewal_failed (no_credits)
        2021-03-25 s2 terminated (refunded in full)
        2021-03-25 s2 refunded 50.00
        2021-04-01 s1 expired
    """)


def test_retry_on_top_up_can_be_switched_off(story):
    told = story("""
        policy: {retry_on_top_up: false}
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00"}]
        steps:
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-03-25, do: top_up, account: acme, amount: "50.00"}
        until: 2021-03-26
    """)
    # 03-26 is the first retry
    assert told.timeline[-2:] == [
        "2021-03-25 acme topped_up 50.00",
        "2021-03-26 s1 renewed -50.00",
    ]


def test_the_card_is_charged_the_whole_fee_and_not_the_shortfall(story):
    """30 is usable and the fee is 50. The card is charged 50, so 80 is usable, and then 30.

    There are two invoices (Rule 5.3).
    """
    told = story("""
        accounts:
          - {id: acme, currency: USD, timezone: Asia/Singapore, credits: "80.00", card: ok,
             renew_by_card: true}
        steps:
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO}
        until: 2021-03-24
    """)
    assert told.timeline[2:] == [
        "2021-03-24 acme card_charged 50.00",
        "2021-03-24 s1 renewed -50.00",
    ]
    assert told.balances == {"acme": "30.00"}
    assert told.invoices[1:] == ["2021-03-24 acme individual 50.00 = 50.00"] * 2


@pytest.mark.parametrize(
    ("account", "events"),
    [
        ("card: ok", ["2021-03-24 s1 renewal_failed (no_credits)"]),  # the switch is off
        ("renew_by_card: true", ["2021-03-24 s1 renewal_failed (no_credits)"]),  # no card
        (
            "card: declined, renew_by_card: true",
            ["2021-03-24 acme card_declined", "2021-03-24 s1 renewal_failed (card_declined)"],
        ),
        (
            "card: ok, renew_by_card: true",
            ["2021-03-24 acme card_charged 50.00", "2021-03-24 s1 renewed -50.00"],
        ),  # usable 0 is not negative
    ],
)
def test_when_the_card_pays(story, account, events):
    told = story(f"""
        accounts:
          - {{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00", {account}}}
        steps:
          - {{at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO}}
        until: 2021-03-24
    """)
    assert told.timeline[2:] == events


def test_no_card_while_usable_is_negative_and_again_once_it_is_not(story):
    """The limit of 50 is used up, and then lowered to 0. The usable credits are −50.00.

    A top-up of 50.00 brings them to 0.00. This is not negative, so the card may pay.
    """
    told = story("""
        accounts:
          - {id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00",
             credit_limit: "50.00", card: ok, renew_by_card: true}
        steps:
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-03-01, do: purchase, id: free, account: acme, sku: FREE}
          - {at: 2021-03-05, do: purchase, id: s2, account: acme, sku: PRO}
          - {at: 2021-03-06, do: set, account: acme, credit_limit: "0.00"}
          - {at: 2021-03-25, do: top_up, account: acme, amount: "50.00"}
        until: 2021-03-26
    """)
    assert told.timeline[-6:] == lines("""
        2021-03-24 free renewal_failed (no_credits)
        2021-03-24 s1 renewal_failed (no_credits)
        2021-03-25 acme topped_up 50.00
        2021-03-26 acme card_charged 50.00
        2021-03-26 free renewed
        2021-03-26 s1 renewed -50.00
    """)


def test_nothing_to_pay_always_succeeds_even_with_usable_negative(story):
    told = story("""
        accounts:
          - {id: acme, currency: USD, timezone: Asia/Singapore, credits: "0.00",
             credit_limit: "50.00"}
        steps:
          - {at: 2021-03-01, do: purchase, id: free, account: acme, sku: FREE}
          - {at: 2021-03-05, do: purchase, id: s2, account: acme, sku: PRO}
          - {at: 2021-03-06, do: set, account: acme, credit_limit: "0.00"}
        until: 2021-03-24
    """)
    assert told.timeline[-1] == "2021-03-24 free renewed"
    assert told.invoices == ["2021-03-05 acme individual 50.00 = 50.00"]  # a total of zero has none
    assert told.result["accounts"]["acme"] == {
        "currency": "USD",
        "mode": "prepaid",
        "balance": "-50.00",
        "usable": "-50.00",
        "reserved": "0.00",
        "unbilled": "0.00",
    }


PRICES = """
        catalog:
          - {sku: PRO, application: phone, kind: application, months: 1, prices: {USD: "50.00"}}
          - {sku: PRO, prices: {EUR: "1.00"}, from: 2021-02-01}
          - {sku: PRO, prices: {USD: "60.00"}, from: 2021-03-01}
"""


def test_a_renewal_a_retry_and_a_recover_cost_the_price_of_the_renewal_date(story):
    """E is 2021-03-07 and the renewal date is 02-28. It costs 50.00, though it is paid in March.

    The next renewal on 03-31 costs 60.00.
    """
    told = story(f"""
        {PRICES}
        accounts: [{{id: acme, currency: USD, timezone: Asia/Singapore, credits: "150.00"}}]
        steps:
          - {{at: 2021-02-08, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2021-02-08, do: purchase, id: s2, account: acme, sku: PRO}}
          - {{at: 2021-02-08, do: purchase, id: s3, account: acme, sku: PRO}}
          - {{at: 2021-03-01, do: top_up, account: acme, amount: "50.00"}}
          - {{at: 2021-03-01, do: recover, id: s1}}
          - {{at: 2021-03-01, do: unsubscribe, id: s2}}
          - {{at: 2021-03-03, do: top_up, account: acme, amount: "50.00"}}
          - {{at: 2021-03-29, do: top_up, account: acme, amount: "120.00"}}
        until: 2021-03-31
    """)
    assert [line for line in told.timeline if "-50.00" in line or "-60.00" in line][3:] == lines("""
        2021-03-01 s1 recovered -50.00
        2021-03-03 s3 renewed -50.00
        2021-03-31 s1 renewed -60.00
        2021-03-31 s3 renewed -60.00
    """)


def test_an_extension_and_a_reactivation_cost_the_price_of_the_day(story):
    told = story(f"""
        {PRICES}
        accounts: [{{id: acme, currency: USD, timezone: Asia/Singapore, credits: "220.00"}}]
        steps:
          - {{at: 2021-02-08, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2021-02-08, do: purchase, id: s2, account: acme, sku: PRO}}
          - {{at: 2021-02-08, do: unsubscribe, id: s1}}
          - {{at: 2021-02-08, do: unsubscribe, id: s2}}
          - {{at: 2021-03-02, do: extend, id: s1, cycles: 1}}
          - {{at: 2021-03-08, do: reactivate, id: s2}}
        until: 2021-03-09
    """)
    assert told.events("extended", "reactivated") == [
        "2021-03-02 s1 extended -60.00",
        "2021-03-08 s2 reactivated -60.00",
    ]


def test_retry_days_may_reach_the_expiry_date_itself_and_the_lead_be_long(story):
    """The lead is 27 days, and the month 2021-01-31 .. 02-27 has 28 days.

    The renewal date is the day of the purchase, so it is attempted at once (Rule 5.7).
    """
    told = story("""
        policy: {renewal_lead_days: 27, legacy_renewal_lead_days: 27, retry_days: [1, 27]}
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00"}]
        steps:
          - {at: 2021-01-31, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-02-27T23:59:59+08:00, do: top_up, account: acme, amount: "50.00"}
        until: 2021-03-01
    """)
    assert told.timeline == lines("""
        2021-01-31 s1 purchased -50.00
        2021-01-31 s1 renewal_failed (no_credits)
        2021-02-01 s1 renewal_failed (no_credits)
        2021-02-27 s1 renewal_failed (no_credits)
        2021-02-27T23:59 acme topped_up 50.00
        2021-02-27T23:59 s1 renewed -50.00
    """)
    assert told.state("s1", "period_start", "expiry") == ("2021-02-28", "2021-03-30")


def test_ten_years_of_monthly_renewals_keep_their_day(story):
    told = story("""
        accounts: [{id: acme, currency: JPY, timezone: Asia/Tokyo, credits: "900000"}]
        steps:
          - {at: 2020-08-31, do: purchase, id: s1, account: acme, sku: PRO}
        until: 2030-08-31
    """)
    renewed = told.events("renewed")
    assert len(renewed) == 120
    assert renewed[5] == "2021-02-20 s1 renewed -5000"  # E 2021-02-27
    assert told.state("s1", "anchor", "period_start", "expiry", "cycles_paid") == (
        "2020-08-31",
        "2030-08-31",
        "2030-09-29",
        121,
    )
    assert told.balances == {"acme": str(900000 - 121 * 5000)}


def test_until_as_a_date_is_the_first_instant_of_each_account_s_zone(story):
    """Both renew on 03-24. At the start of 2021-03-24 in Niue (11:00Z) it is 03-25 in Kiritimati.

    Events on 03-25 in Kiritimati are after the end of the story and are left out.
    """
    told = story("""
        policy: {retry_days: [1]}
        accounts:
          - {id: east, currency: USD, timezone: Pacific/Kiritimati, credits: "50.00"}
          - {id: west, currency: USD, timezone: Pacific/Niue, credits: "50.00"}
        steps:
          - {at: 2021-03-01, do: purchase, id: e, account: east, sku: PRO}
          - {at: 2021-03-01, do: purchase, id: w, account: west, sku: PRO}
          - {at: 2021-03-24, do: top_up, account: west, amount: "1.00"}
        until: 2021-03-24
    """)
    assert told.events("renewal_failed", "topped_up") == lines("""
        2021-03-24 e renewal_failed (no_credits)
        2021-03-24 west topped_up 1.00
        2021-03-24 w renewal_failed (no_credits)
    """)


def test_the_timeline_has_account_events_first_then_subscriptions_by_code_point(story):
    told = story("""
        policy: {group_renewal: independent}
        accounts:
          - {id: zed, currency: USD, timezone: UTC, credits: "0.00", credit_limit: "60.00"}
          - {id: Acme, currency: USD, timezone: UTC, credits: "0.00", credit_limit: "60.00"}
        steps:
          - {at: 2021-03-01, do: purchase, id: b, account: Acme, sku: PRO}
          - {at: 2021-03-01, do: purchase, id: a, account: zed, sku: PRO}
          - {at: 2021-03-01, do: purchase, id: "10", account: zed, sku: FREE}
          - {at: 2021-03-01, do: purchase, id: "9", account: Acme, sku: FREE}
          - {at: 2021-03-01, do: purchase, id: B, account: Acme, sku: FREE}
          - {at: 2021-03-01, do: top_up, account: zed, amount: "1.00"}
          - {at: 2021-03-01, do: top_up, account: Acme, amount: "1.00"}
        until: 2021-03-01
    """)
    assert told.timeline == lines("""
        2021-03-01 Acme topped_up 1.00
        2021-03-01 zed topped_up 1.00
        2021-03-01 10 purchased
        2021-03-01 9 purchased
        2021-03-01 B purchased
        2021-03-01 a purchased -50.00
        2021-03-01 b purchased -50.00
    """)


def test_rule_5_4_a_card_that_is_stored_and_a_renewal_that_it_pays_retry_nothing(story):
    """The card is charged for s2 alone. s1 failed on 12-08 and waits for its retry on 12-10."""
    told = story("""
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-11-17, do: purchase, id: s2, account: acme, sku: PRO}
          - {at: "2020-12-08T12:00:00+08:00", do: set_card, account: acme, card: ok}
          - {at: "2020-12-08T12:00:00+08:00", do: set, account: acme, renew_by_card: true}
        until: 2020-12-10
    """)
    assert told.events("renewal_failed", "card_charged", "renewed") == lines("""
        2020-12-08 s1 renewal_failed (no_credits)
        2020-12-09 acme card_charged 50.00
        2020-12-09 s2 renewed -50.00
        2020-12-10 acme card_charged 50.00
        2020-12-10 s1 renewed -50.00
    """)


def test_rule_5_4_a_higher_limit_retries_nothing(story):
    """The limit covers the fee from noon on. It is paid on the retry day, 12-10."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: "2020-12-08T12:00:00+08:00", do: set, account: acme, credit_limit: "50.00"}
        until: 2020-12-10
    """)
    assert told.events("renewal_failed", "renewed") == lines("""
        2020-12-08 s1 renewal_failed (no_credits)
        2020-12-10 s1 renewed -50.00
    """)
