"""Unusual days, zones and currencies, each worked out by hand (Rules 3.2, 5.5, 8.2, 11.6)."""

from tests.stories.story import lines


def test_rule_8_2_a_year_from_a_leap_day_has_twelve_months_of_clamped_days(story):
    """The year 2024-02-29..2025-02-27 has 365 days. On 12-31, 59 are left: 366 / 365 × 59 = 59.16.

    The twelfth month begins on 2025-01-29. The day before, one of twelve has not begun:
    (366.00 + 59.16) / 12 = 35.43.
    """
    told = story("""
        catalog:
          - {sku: Y, application: a, kind: application, months: 12, prices: {USD: "366.00"}}
          - {sku: Z, application: a, kind: application, months: 12, prices: {USD: "732.00"}}
        accounts: [{id: acme, currency: USD, timezone: UTC, credits: "1000.00"}]
        steps:
          - {at: 2024-02-29, do: purchase, id: s1, account: acme, sku: Y}
          - {at: 2024-02-29, do: purchase, id: s2, account: acme, sku: Y}
          - {at: 2024-12-31, do: change_plan, id: s1, sku: Z}
          - {at: 2025-01-28, do: terminate, id: s1, reason: gone}
          - {at: 2025-01-29, do: terminate, id: s2, reason: gone}
        until: 2025-02-01
    """)
    assert told.timeline[2:] == lines("""
        2024-12-31 s1 plan_changed -59.16
        2025-01-28 s1 terminated (gone)
        2025-01-28 s1 refunded 35.43
        2025-01-29 s2 terminated (gone)
    """)


def test_rule_1_4_a_last_day_ends_where_the_next_one_begins_at_one_o_clock(story):
    """In Havana 2024-03-10 begins at 01:00, which is 05:00Z. A second earlier it is still 03-09."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: America/Havana, credits: "100.00"}]
        steps:
          - {at: 2024-02-10, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2024-02-11, do: unsubscribe, id: s1}
          - {at: 2024-03-10T04:59:59Z, do: set_addon, id: s1, sku: SEAT, quantity: 1}
          - {at: 2024-03-10T05:00:00Z, do: extend, id: s1, cycles: 1}
        until: 2024-03-11
    """)
    assert told.refused == ["4 extend 6.2"]
    assert told.timeline[2:] == lines("""
        2024-03-06 s1 notice_expiring
        2024-03-09T23:59 s1 addon_changed -0.34
        2024-03-10T01:00 s1 expired
    """)


def test_rule_1_4_a_day_that_does_not_exist_is_the_first_instant_after_it(story):
    """Apia had no 2011-12-30. What is paid up to 12-29 expires on 12-31 at 00:00."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Pacific/Apia, credits: "50.00"}]
        steps:
          - {at: 2011-11-30, do: purchase, id: s1, account: acme, sku: PRO}
        until: 2012-01-28
    """)
    assert told.timeline == lines("""
        2011-11-30 s1 purchased -50.00
        2011-12-15 s1 notice_renewal
        2011-12-22 s1 renewal_failed (no_credits)
        2011-12-24 s1 renewal_failed (no_credits)
        2011-12-26 s1 renewal_failed (no_credits)
        2011-12-28 s1 renewal_failed (no_credits)
        2011-12-31 s1 expired
        2012-01-27 s1 terminated
    """)


PAYERS = """
    policy: {{refund_admin_fee: {{KWD: "{fee}"}}}}
    catalog:
      - {{sku: A, application: a, kind: application, months: 1, prices: {{KWD: "30.125"}}}}
      - {{sku: SEAT, kind: addon, months: 1, prices: {{KWD: "1.0005"}}}}
    accounts:
      - {{id: acme, currency: KWD, timezone: Asia/Kuwait, credits: "100.000"}}
      - {{id: beta, currency: KWD, timezone: Asia/Kuwait, credits: "100.000"}}
    steps:
      - {{at: 2023-06-12, do: purchase, id: s1, account: acme, sku: A, multiplier: 2}}
      - {{at: 2023-06-20, do: change_owner, id: s1, account: beta}}
      - {{at: 2023-06-22, do: set_addon, id: s1, sku: SEAT, quantity: 3}}
      - {{at: 2023-06-30, do: terminate, id: s1, reason: gone}}
    until: 2023-07-02
"""


def test_rule_8_2_each_payer_is_rounded_once_to_three_digits(story):
    """3 × 1.0005 × 2 = 6.003 for 61 days, 51 are left: 5.019. One of two months has not begun.

    acme: 60.250 / 2 = 30.125, less 1.000. beta: 5.019 / 2 = 2.5095, half up 2.510.
    """
    told = story(PAYERS.format(fee="1.000"))
    assert told.timeline == lines("""
        2023-06-12 s1 purchased -60.250
        2023-06-20 s1 owner_changed
        2023-06-22 s1 addon_changed -5.019
        2023-06-30 s1 terminated (gone)
        2023-06-30 s1 refunded 29.125
        2023-06-30 s1 refunded 2.510
    """)
    assert told.balances == {"acme": "68.875", "beta": "97.491"}


def test_rule_8_3_what_is_too_much_for_the_first_payer_is_not_taken_from_the_second(story):
    """A fee of 40.000 takes all of the 30.125 of acme. beta gets its 2.510."""
    told = story(PAYERS.format(fee="40.000"))
    assert told.timeline[3:] == lines("""
        2023-06-30 s1 terminated (gone)
        2023-06-30 s1 refunded 2.510
    """)
    assert told.balances == {"acme": "39.750", "beta": "97.491"}


def test_rule_11_6_usage_before_and_after_a_switch_is_billed_once_each(story):
    """10.00 are paid in advance: the monthly invoice. 20.00 are not: the consolidated one.

    The credits of 90.00 are the overpayment, which the invoice uses up to 70.00.
    """
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: UTC, credits: "100.00"}]
        steps:
          - {at: 2024-05-10, do: usage, account: acme, amount: "10.00", text: a}
          - {at: 2024-05-15, do: set, account: acme, mode: postpaid, credit_limit: "50.00"}
          - {at: 2024-05-20, do: usage, account: acme, amount: "20.00", text: b}
          - {at: 2024-05-21, do: set, account: acme, mode: prepaid}
          - {at: 2024-06-02, do: set, account: acme, mode: prepaid, credit_limit: "0"}
          - {at: 2024-06-03, do: usage, account: acme, amount: "70.00", text: c}
        until: 2024-07-02
    """)
    assert told.refused == ["4 set 11.6"]
    assert told.balances == {"acme": "0.00"}
    assert sorted(told.invoices) == lines("""
        2024-05-31 acme consolidated 20.00 = 20.00
        2024-05-31 acme monthly 10.00 = 10.00
        2024-06-30 acme monthly 70.00 = 70.00
    """)


def test_rule_8_3_a_contract_gives_back_every_paid_period_for_14_days_and_then_none(story):
    """s1 ends on day 14, two periods paid: 100.00. s2 ends on day 15: nothing at all."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: UTC, credits: "200.00"}]
        steps:
          - {at: 2024-05-01, do: purchase, id: s1, account: acme, sku: PRO, pay: contract}
          - {at: 2024-05-01, do: purchase, id: s2, account: acme, sku: PRO, pay: contract}
          - {at: 2024-05-03, do: extend, id: s1, cycles: 1}
          - {at: 2024-05-03, do: extend, id: s2, cycles: 1}
          - {at: 2024-05-15, do: terminate, id: s1, reason: gone}
          - {at: 2024-05-16, do: terminate, id: s2, reason: gone}
        until: 2024-05-17
    """)
    assert told.events("terminated", "refunded") == lines("""
        2024-05-15 s1 terminated (gone)
        2024-05-15 s1 refunded 100.00
        2024-05-16 s2 terminated (gone)
    """)


def test_rule_5_5_alignment_from_the_last_day_but_one_of_a_month(story):
    """Paid to 2024-01-30: one day of January, 50 / 31, and February: 51.61, to 02-29.

    Terminated after 20 days. Its left-over day counts as a month more, so one of two months is
    left: 51.61 / 2 = 25.805, half up 25.81.
    """
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: UTC, credits: "200.00"}]
        steps:
          - {at: 2023-12-31, do: purchase, id: s1, account: acme, sku: PRO, align: true}
          - {at: 2024-02-20, do: terminate, id: s1, reason: gone}
        until: 2024-02-21
    """)
    assert told.timeline[1:] == lines("""
        2024-01-16 s1 notice_renewal
        2024-01-23 s1 renewed -51.61
        2024-02-15 s1 notice_renewal
        2024-02-20 s1 terminated (gone)
        2024-02-20 s1 refunded 25.81
    """)
    assert told.state("s1", "anchor", "period_start", "expiry") == (
        "2024-03-01",
        "2024-01-31",
        "2024-02-29",
    )


def test_rule_5_5_a_discount_counts_for_the_days_of_an_alignment_as_well(story):
    """Two months to 2024-12-15, aligned with 2025-02-28, 20 % off two cycles.

    50 × 16 / 31 + 100 = 125.806…, less 20 % = 100.645…, rounded once 100.65.
    """
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: UTC, credits: "200.00"}]
        steps:
          - {at: 2024-10-16, do: purchase, id: s1, account: acme, sku: PRO, multiplier: 2,
             align: true, discount: 20, discount_cycles: 2}
        until: 2024-12-09
    """)
    assert told.events("purchased", "renewed") == lines("""
        2024-10-16 s1 purchased -80.00
        2024-12-08 s1 renewed -100.65
    """)
    assert told.state("s1", "expiry", "anchor", "fee") == ("2025-02-28", "2025-03-01", "100.00")


def test_rule_6_2_an_extension_from_a_31st_counts_anchored_months_and_is_refunded_by_them(story):
    """Anchor 2024-01-31, paid to 02-28. To 04-10: 02-29..03-30 whole, then 11 of the 30 days
    03-31..04-29: 50.00 + 50 × 11 / 30 = 68.33. On 03-15 one of two months has begun: 34.17.
    """
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: UTC, credits: "200.00"}]
        steps:
          - {at: 2024-01-31, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2024-02-01, do: extend, id: s1, to: 2024-03-29}
          - {at: 2024-02-01, do: extend, id: s1, to: 2024-04-10}
          - {at: 2024-03-15, do: terminate, id: s1, reason: gone}
        until: 2024-03-16
    """)
    assert told.refused == ["2 extend 6.2"]
    assert told.timeline[1:] == lines("""
        2024-02-01 s1 extended -68.33
        2024-03-15 s1 terminated (gone)
        2024-03-15 s1 refunded 34.17
    """)


def test_rule_7_a_late_reactivation_prorates_by_the_days_of_the_scheduled_cycle(story):
    """Expired 2023-02-09. Seventy days later, one fee reaches 05-09. The scheduled cycle is
    04-10..05-09, 30 days, of which 15 are left on 04-25: 10 / 30 × 15 = 5.00. On day 14 after the
    reactivation all of it is given back.
    """
    told = story("""
        policy: {reactivation_days: 70}
        accounts: [{id: acme, currency: USD, timezone: UTC, credits: "110.00"}]
        steps:
          - {at: 2023-01-10, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2023-01-11, do: unsubscribe, id: s1}
          - {at: 2023-04-20, do: reactivate, id: s1}
          - {at: 2023-04-25, do: set_addon, id: s1, sku: SEAT, quantity: 1}
          - {at: 2023-05-04, do: terminate, id: s1, reason: gone}
        until: 2023-05-05
    """)
    assert told.timeline[2:] == lines("""
        2023-02-06 s1 notice_expiring
        2023-02-10 s1 expired
        2023-04-20 s1 reactivated -50.00
        2023-04-25 s1 addon_changed -5.00
        2023-05-04 s1 terminated (gone)
        2023-05-04 s1 refunded 55.00
    """)


def test_rule_3_2_a_currency_without_minor_units_rounds_each_line_and_each_refund(story):
    """333.5 × 3 = 1000.5, half up 1001. A year: 50000 × 11 / 12 = 45833.33, rounded 45833."""
    told = story("""
        catalog:
          - {sku: Y, application: a, kind: application, months: 12, prices: {JPY: "50000"}}
          - {sku: M, application: a, kind: application, months: 1, prices: {JPY: "333.5"}}
        accounts: [{id: acme, currency: JPY, timezone: Asia/Tokyo, credits: "60000"}]
        steps:
          - {at: 2023-04-01, do: purchase, id: s1, account: acme, sku: Y}
          - {at: 2023-04-01, do: purchase, id: s2, account: acme, sku: M, quantity: 3}
          - {at: 2023-04-16, do: terminate, id: s1, reason: gone}
        until: 2023-04-17
    """)
    assert told.events("purchased", "refunded") == lines("""
        2023-04-01 s1 purchased -50000
        2023-04-01 s2 purchased -1001
        2023-04-16 s1 refunded 45833
    """)
