"""Stories of terminations and refunds (Rules 8.2 to 8.4)."""

import pytest

from tests.stories.story import lines

RICH = """
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "2000.00"}]
        steps:
"""


@pytest.mark.parametrize(
    ("start", "sku", "multiplier", "terminated", "refund"),
    [
        ("2021-04-01", "YEAR", 1, "2021-04-12", "370.00"),
        ("2021-04-01", "YEAR", 1, "2021-04-15", "370.00"),  # day 14
        ("2021-04-01", "YEAR", 1, "2021-04-16", "339.17"),  # day 15: 370 × 11/12 = 339.1667
        ("2021-04-01", "YEAR", 1, "2021-04-17", "339.17"),
        ("2021-04-01", "YEAR", 1, "2021-04-30T23:59:59+08:00", "339.17"),
        ("2021-04-01", "YEAR", 1, "2021-05-01", "308.33"),  # 10/12
        ("2021-06-12", "PRO", 2, "2021-06-25", "100.00"),
        ("2021-06-12", "PRO", 2, "2021-06-30", "50.00"),
        ("2021-06-12", "PRO", 2, "2021-07-12", None),  # the second month has begun
        ("2024-01-31", "YEAR", 1, "2024-02-28", "339.17"),  # 11 months
        ("2024-01-31", "YEAR", 1, "2024-02-29", "308.33"),  # 10: month 2 begins on 02-29
        ("2024-01-31", "YEAR", 1, "2024-03-01", "308.33"),
        ("2024-02-29", "PRO", 1, "2024-03-20", None),  # day 20, a day before its renewal date
        ("2021-06-12", "PRO", 1, "2021-06-26", "50.00"),  # day 14
        ("2021-06-12", "PRO", 1, "2021-06-27", None),  # day 15
        ("2021-06-12", "FINAL", 1, "2021-06-12", None),  # the SKU allows no refund
    ],
)
def test_the_refund_of_one_period(story, start, sku, multiplier, terminated, refund):
    told = story(f"""
        {RICH}
          - {{at: {start}, do: purchase, id: s1, account: acme, sku: {sku},
              multiplier: {multiplier}}}
          - {{at: "{terminated}", do: terminate, id: s1, reason: closed}}
        until: {terminated}
    """)
    assert told.events("refunded") == (
        [f"{terminated[:16].removesuffix('+08:00')} s1 refunded {refund}"] if refund else []
    )
    assert [line.split(" ", 1)[1] for line in told.invoices[1:]] == (
        [f"acme credit_note -{refund} = -{refund}"] if refund else []
    )
    assert told.state("s1", "status", "fee", "renewal_date") == ("TERMINATED", None, None)


def test_each_paid_period_is_rounded_and_counted_for_itself(story):
    """06-12..07-11 | 07-12..08-11 | 08-12..09-11, terminated on 07-27

    The first period is over. On its day 15 nothing is refunded for the second one. The third one
    is refunded in full.
    """
    told = story(f"""
        {RICH}
          - {{at: 2021-06-12, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2021-06-13, do: extend, id: s1, cycles: 2}}
          - {{at: 2021-07-27, do: terminate, id: s1, reason: closed}}
        until: 2021-07-27
    """)
    assert told.timeline[-2:] == [
        "2021-07-27 s1 terminated (closed)",
        "2021-07-27 s1 refunded 50.00",
    ]
    assert told.state("s1", "period_start", "expiry", "cycles_paid") == (
        "2021-07-12",
        "2021-09-11",
        3,
    )


def test_on_the_last_day_a_period_still_counts_and_a_day_later_it_is_expired(story):
    told = story("""
        policy: {refund_window_days: 40, retry_days: []}
        steps:
          - {at: 2021-06-12, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-12, do: purchase, id: s2, account: acme, sku: PRO}
          - {at: 2021-07-11T23:59:59+08:00, do: terminate, id: s1, reason: last day}
          - {at: 2021-07-12, do: terminate, id: s2, reason: expired}
        until: 2021-07-12
    """)
    assert told.events("refunded") == ["2021-07-11T23:59 s1 refunded 50.00"]
    assert told.timeline[-2:] == ["2021-07-12 s2 expired", "2021-07-12 s2 terminated (expired)"]


def test_the_administrative_fee_is_kept_once_for_a_termination(story):
    told = story(f"""
        policy: {{refund_admin_fee: {{USD: "5.00", EUR: "1.00"}}}}
        {RICH}
          - {{at: 2021-06-12, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2021-06-13, do: extend, id: s1, cycles: 1}}
          - {{at: 2021-06-14, do: terminate, id: s1, reason: closed}}
          - {{at: 2021-06-14, do: purchase, id: s2, account: acme, sku: PRO}}
          - {{at: 2021-06-30, do: terminate, id: s2, reason: nothing to keep it from}}
        until: 2021-06-30
    """)
    assert told.events("refunded") == ["2021-06-14 s1 refunded 95.00"]
    assert told.invoices[2] == "2021-06-14 acme credit_note -50.00 + -50.00 + 5.00 = -95.00"
    assert [line["text"] for line in told.result["invoices"][2]["lines"]] == [
        "s1 refund",
        "s1 refund",
        "s1 administrative fee",
    ]
    assert told.balances == {"acme": "1945.00"}


@pytest.mark.parametrize("fee", ["50.00", "60.00"])
def test_the_administrative_fee_never_makes_it_negative(story, fee):
    told = story(f"""
        policy: {{refund_admin_fee: {{USD: "{fee}"}}}}
        {RICH}
          - {{at: 2021-06-12, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2021-06-14, do: terminate, id: s1, reason: closed}}
        until: 2021-06-14
    """)
    assert told.timeline[1:] == ["2021-06-14 s1 terminated (closed)"]
    assert told.balances == {"acme": "1950.00"}
    assert len(told.invoices) == 1


@pytest.mark.parametrize(
    ("policy", "pay"),
    [
        ("refund_allowed: false", "credits"),
        ("refund_allowed: true", "external_invoice, invoice_number: EXT-1"),
    ],
)
def test_no_refund(story, policy, pay):
    told = story(f"""
        policy: {{{policy}}}
        {RICH}
          - {{at: 2021-06-12, do: purchase, id: s1, account: acme, sku: PRO, pay: {pay}}}
          - {{at: 2021-06-12, do: terminate, id: s1, reason: closed}}
        until: 2021-06-12
    """)
    assert [line.split()[2] for line in told.timeline] == ["purchased", "terminated"]


def test_a_window_of_no_days_is_the_first_day_alone(story):
    told = story(f"""
        policy: {{refund_window_days: 0}}
        {RICH}
          - {{at: 2021-06-12, do: purchase, id: s1, account: acme, sku: PRO, multiplier: 3}}
          - {{at: 2021-06-12, do: purchase, id: s2, account: acme, sku: PRO, multiplier: 3}}
          - {{at: 2021-06-12T23:59:59+08:00, do: terminate, id: s1, reason: closed}}
          - {{at: 2021-06-13, do: terminate, id: s2, reason: closed}}
        until: 2021-06-13
    """)
    assert told.events("refunded") == [
        "2021-06-12T23:59 s1 refunded 150.00",
        "2021-06-13 s2 refunded 100.00",
    ]


def test_terminated_is_for_good_and_every_command_answers_rule_2(story):
    told = story(f"""
        {RICH}
          - {{at: 2021-06-12, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2021-06-14, do: terminate, id: s1, reason: closed}}
          - {{at: 2021-06-14, do: terminate, id: s1, reason: closed}}
          - {{at: 2021-06-14, do: recover, id: s1}}
          - {{at: 2021-06-14, do: extend, id: s1, cycles: 1}}
          - {{at: 2021-06-14, do: extend, id: s1, to: 2020-01-01}}
          - {{at: 2021-06-14, do: reactivate, id: s1}}
          - {{at: 2021-06-14, do: unsubscribe, id: s1}}
          - {{at: 2021-06-14, do: resubscribe, id: s1}}
          - {{at: 2021-06-14, do: purchase, id: s1, account: acme, sku: PRO}}
        until: 2021-08-01
    """)
    commands = [
        "terminate",
        "recover",
        "extend",
        "extend",
        "reactivate",
        "unsubscribe",
        "resubscribe",
    ]
    assert told.refused == [f"{n} {do} 2" for n, do in enumerate(commands, start=3)] + [
        "10 purchase 4.1"
    ]
    assert len(told.timeline) == 3


def test_a_refund_sets_off_no_retry(story):
    told = story("""
        policy: {retry_days: [6]}
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-20, do: purchase, id: s2, account: acme, sku: PRO}
          - {at: 2021-06-24, do: terminate, id: s2, reason: closed}
        until: 2021-06-29
    """)
    assert told.timeline[3:] == lines("""
        2021-06-23 s1 renewal_failed (no_credits)
        2021-06-24 s2 terminated (closed)
        2021-06-24 s2 refunded 50.00
        2021-06-29 s1 renewed -50.00
    """)
