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


def test_rule_3_5_a_recover_costs_the_price_of_the_renewal_date_a_reactivation_that_of_today(story):
    """The price rises on 06-24. The renewal date was 06-23."""
    told = story("""
        catalog:
          - {sku: PRO, application: a, kind: application, months: 1, prices: {USD: "50.00"}}
          - {sku: PRO, prices: {USD: "60.00"}, from: 2021-06-24}
        policy: {retry_on_top_up: false, retry_days: []}
        accounts: [{id: acme, currency: USD, timezone: UTC, credits: "100.00"}]
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-01, do: purchase, id: s2, account: acme, sku: PRO}
          - {at: 2021-06-25, do: top_up, account: acme, amount: "110.00"}
          - {at: 2021-06-25, do: recover, id: s1}
          - {at: 2021-07-05, do: reactivate, id: s2}
        until: 2021-07-06
    """)
    assert told.events("recovered", "reactivated") == lines("""
        2021-06-25 s1 recovered -50.00
        2021-07-05 s2 reactivated -60.00
    """)


def test_rule_9_each_period_is_charged_its_own_difference_never_below_zero(story):
    """BIZ is paid for July already. MID from 06-25 on costs 20 / 30 × 6 = 4.00 for June only.

    Terminated on 07-05, day 4: all that was paid for July, 90.00. June is over.
    """
    told = story("""
        catalog:
          - {sku: PRO, application: a, kind: application, months: 1, prices: {USD: "50.00"}}
          - {sku: MID, application: a, kind: application, months: 1, prices: {USD: "70.00"}}
          - {sku: BIZ, application: a, kind: application, months: 1, prices: {USD: "90.00"}}
        accounts: [{id: acme, currency: USD, timezone: UTC, credits: "200.00"}]
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-10, do: change_plan, id: s1, sku: BIZ, when: renewal}
          - {at: 2021-06-25, do: change_plan, id: s1, sku: MID}
          - {at: 2021-07-05, do: terminate, id: s1, reason: gone}
        until: 2021-07-06
    """)
    assert told.timeline == lines("""
        2021-06-01 s1 purchased -50.00
        2021-06-10 s1 plan_changed
        2021-06-16 s1 notice_renewal
        2021-06-23 s1 renewed -90.00
        2021-06-25 s1 plan_changed -4.00
        2021-07-05 s1 terminated (gone)
        2021-07-05 s1 refunded 90.00
    """)
    assert told.state("s1", "sku") == "MID"


def test_rule_11_6_a_refund_of_a_postpaid_account_is_an_overpayment_until_the_invoice(story):
    """50.00 are unbilled and 50.00 overpaid: usable is the limit. The invoice uses it up."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: UTC, mode: postpaid, credit_limit: "60.00"}]
        steps:
          - {at: 2024-05-20, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2024-05-25, do: terminate, id: s1, reason: gone}
          - {at: 2024-05-26, do: purchase, id: s2, account: acme, sku: PRO}
          - {at: 2024-06-01, do: usage, account: acme, amount: "60.01", text: a}
          - {at: 2024-06-01, do: usage, account: acme, amount: "60.00", text: a}
        until: 2024-06-02
    """)
    assert told.refused == ["4 usage 11.1"]
    assert told.invoices == lines("""
        2024-05-25 acme credit_note -50.00 = -50.00
        2024-05-31 acme consolidated 50.00 + 50.00 = 100.00
    """)
    assert told.result["accounts"]["acme"] | {"reserved": ""} == {
        "currency": "USD",
        "mode": "postpaid",
        "balance": "-110.00",
        "usable": "0.00",
        "reserved": "",
        "unbilled": "60.00",
    }


def test_rule_3_6_what_costs_nothing_by_its_discount_has_an_activation_fee_and_no_invoice(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: UTC, credits: "5.00"}]
        steps:
          - {at: 2024-05-20, do: purchase, id: s1, account: acme, sku: PRO, discount: 100,
             numbers: [{number: "+4912345", sku: DID}]}
          - {at: 2024-05-21, do: terminate, id: s1, reason: gone}
        until: 2024-06-01
    """)
    assert told.invoices == ["2024-05-31 acme monthly 5.00 = 5.00"]
    assert told.events("refunded") == []
    assert told.balances == {"acme": "0.00"}


def test_rule_8_2_the_fourteenth_day_ends_where_the_account_is(story):
    """In Honolulu the last second of 06-15 is 06-16 in UTC, and still day 14."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Pacific/Honolulu, credits: "100.00"}]
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-01, do: purchase, id: s2, account: acme, sku: PRO}
          - {at: 2021-06-16T09:59:59Z, do: terminate, id: s1, reason: gone}
          - {at: 2021-06-16T10:00:00Z, do: terminate, id: s2, reason: gone}
        until: 2021-06-17
    """)
    assert told.events("refunded") == ["2021-06-15T23:59 s1 refunded 50.00"]


def test_rule_11_6_a_debt_becomes_unbilled_and_is_billed_once(story):
    """20.00 − 50.00 = −30.00 of debt. On the consolidated invoice it is 30.00, then receivable."""
    told = story("""
        accounts:
          - {id: acme, currency: USD, timezone: UTC, credits: "20.00", credit_limit: "100.00"}
        steps:
          - {at: 2024-05-10, do: usage, account: acme, amount: "50.00", text: a}
          - {at: 2024-05-15, do: set, account: acme, mode: postpaid}
          - {at: 2024-06-02, do: pay_invoice, account: acme, amount: "30.00"}
          - {at: 2024-06-03, do: set, account: acme, mode: prepaid}
        until: 2024-07-02
    """)
    assert told.refused == []
    assert sorted(told.invoices) == lines("""
        2024-05-31 acme consolidated 30.00 = 30.00
        2024-05-31 acme monthly 50.00 = 50.00
    """)
    assert told.result["accounts"]["acme"]["usable"] == "100.00"
    assert told.balances == {"acme": "0.00"}
