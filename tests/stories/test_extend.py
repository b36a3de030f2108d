"""Stories of extend (Rule 6.2)."""

import pytest

from tests.stories.story import lines

ONE = """
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "200.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
"""  # E 12-15


def test_by_cycles_each_has_its_period_and_fee_on_one_invoice(story):
    """E moves from 12-15 to 01-15 to 02-15.

    The steps of 12-15 and 01-15 are dropped. The notice and the renewal of 02-15 are planned.
    """
    told = story(f"""
        {ONE}
          - {{at: 2020-12-01T10:00:00+08:00, do: extend, id: s1, cycles: 2}}
        until: 2021-02-08
    """)
    assert told.timeline[1:] == lines("""
        2020-12-01 s1 notice_renewal
        2020-12-01T10:00 s1 extended -100.00
        2021-02-01 s1 notice_renewal
        2021-02-08 s1 renewed -50.00
    """)
    assert told.invoices[1] == "2020-12-01 acme individual 50.00 + 50.00 = 100.00"
    assert told.state("s1", "anchor", "period_start", "expiry", "cycles_paid") == (
        "2020-11-16",
        "2021-01-16",
        "2021-03-15",
        4,
    )


def test_to_a_date_costs_whole_anchored_months_and_left_over_days(story):
    """12-16..01-15 is a whole month. 01-16..01-31 are 16 of the 31 days of 01-16..02-15.

    The price is 50 + 50 × 16/31 = 75.806 → 75.81. The anchor is 02-01, so E is 02-28 after the next
    cycle.
    """
    told = story(f"""
        {ONE}
          - {{at: 2020-12-01, do: extend, id: s1, to: 2021-01-31}}
        until: 2021-01-24
    """)
    assert told.events("extended", "renewed") == [
        "2020-12-01 s1 extended -75.81",
        "2021-01-24 s1 renewed -50.00",
    ]
    assert told.invoices[1] == "2020-12-01 acme individual 75.81 = 75.81"
    assert told.state("s1", "anchor", "period_start", "expiry", "cycles_paid") == (
        "2021-02-01",
        "2020-12-16",
        "2021-02-28",
        3,
    )


@pytest.mark.parametrize(
    ("to", "amount"),
    [
        ("2021-01-14", None),  # before the last day of the next whole month
        ("2021-01-15", "-50.00"),
        ("2021-01-16", "-51.61"),  # 50 + 50 × 1/31 = 51.613
        ("2021-02-14", "-98.39"),  # 50 + 50 × 30/31 = 98.387
        ("2021-02-15", "-100.00"),
        ("2021-02-16", "-101.79"),  # 100 + 50 × 1/28 = 101.786
        ("2021-03-15", "-150.00"),
        ("2021-03-16", None),  # 150 + 50 × 1/31 = 151.61 > 150.00 usable
        ("2020-12-15", None),
        ("2020-11-01", None),
        ("9999-12-31", None),
    ],
)
def test_to_a_date(story, to, amount):
    told = story(f"""
        {ONE}
          - {{at: 2020-12-01, do: unsubscribe, id: s1}}
          - {{at: 2020-12-01, do: extend, id: s1, to: {to}}}
        until: 2020-12-01
    """)
    assert told.events("extended") == ([f"2020-12-01 s1 extended {amount}"] if amount else [])
    assert told.refused == ([] if amount else ["3 extend 6.2"])
    assert told.state("s1", "expiry") == (to if amount else "2020-12-15")


def test_to_a_date_each_line_is_rounded_once(story):
    """A year at 370.00 and 3 seats at 10.00 a month, from 2020-11-16. E is 2021-11-15.

    The extension to 2021-12-31 is 1 month and 16 of 31 days, which is 47/31 months:
    primary  370/12 × 47/31 = 46.747 → 46.75
    seats    3 × 10 × 47/31 = 45.484 → 45.48
    support  100/12 × 47/31 = 12.634 → 12.63
    """
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "1000.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: YEAR,
             addons: {SUPPORT: 1, SEAT: 3}}
          - {at: 2021-06-01, do: extend, id: s1, to: 2021-12-31}
        until: 2021-06-01
    """)
    assert told.invoices == lines("""
        2020-11-16 acme individual 370.00 + 360.00 + 100.00 = 830.00
        2021-06-01 acme individual 46.75 + 45.48 + 12.63 = 104.86
    """)
    assert told.state("s1", "anchor", "expiry", "fee", "renewal_date") == (
        "2022-01-01",
        "2021-12-31",
        "830.00",
        "2021-12-24",
    )


def test_at_the_end_of_the_month_anchored_months_are_clamped(story):
    """A is 2023-01-31 and E is 02-27. The next whole month is 02-28..03-30.

    To 04-15 there are 16 more of the 30 days of 03-31..04-29: 50 + 50 × 16/30 = 76.67.
    """
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "200.00"}]
        steps:
          - {at: 2023-01-31, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2023-02-01, do: extend, id: s1, to: 2023-03-29}
          - {at: 2023-02-01, do: extend, id: s1, to: 2023-04-15}
        until: 2023-02-01
    """)
    assert told.refused == ["2 extend 6.2"]
    assert told.events("extended") == ["2023-02-01 s1 extended -76.67"]


def test_it_clears_a_failed_renewal_and_stays_possible_on_the_last_day(story):
    """A card never pays an extension. An external invoice may, even at the last instant of E.

    When the subscription is EXPIRED or TERMINATED it is too late.
    """
    told = story("""
        policy: {retry_days: []}
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00", card: ok}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-12-15T23:59:59+08:00, do: set, account: acme, renew_by_card: true}
          - {at: 2020-12-15T23:59:59+08:00, do: extend, id: s1, cycles: 1}
          - {at: 2020-12-15T23:59:59+08:00, do: extend, id: s1, cycles: 1, invoice_number: EXT-9}
          - {at: 2020-12-16, do: set, account: acme, renew_by_card: false}
          - {at: 2021-01-16, do: extend, id: s1, cycles: 1, invoice_number: EXT-10}
          - {at: 2021-02-13, do: extend, id: s1, cycles: 1, invoice_number: EXT-10}
        until: 2021-02-20
    """)
    assert told.refused == ["3 extend 6.2", "6 extend 6.2", "7 extend 2"]
    assert told.timeline[2:] == lines("""
        2020-12-08 s1 renewal_failed (no_credits)
        2020-12-15T23:59 s1 extended
        2021-01-01 s1 notice_renewal
        2021-01-08 s1 renewal_failed (no_credits)
        2021-01-16 s1 expired
        2021-02-13 s1 terminated
    """)
    assert told.state("s1", "cycles_paid", "expiry") == (2, "2021-01-15")


def test_more_cycles_than_the_calendar_has_are_refused(story):
    told = story(f"""
        {ONE}
          - {{at: 2020-12-01, do: extend, id: s1, cycles: 1000000000}}
          - {{at: 2020-12-01, do: extend, id: s1, cycles: 4}}
        until: 2020-12-01
    """)
    assert told.refused == ["2 extend 6.2", "3 extend 6.2"]


def test_what_an_extension_to_a_date_paid_is_refunded_by_months_begun(story):
    """The first period is 06-01..06-30, the second is 07-01..08-15.

    The second is one month and left-over days, which count as two months for a refund. It costs
    50 + 50 × 15/31 = 74.19. On 07-16 (day 15) one of its two months has begun. The refund is
    74.19 / 2 = 37.095 → 37.10.
    """
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "200.00"}]
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-02, do: extend, id: s1, to: 2021-08-15}
          - {at: 2021-07-16, do: terminate, id: s1, reason: done}
        until: 2021-07-16
    """)
    assert told.events("extended", "refunded") == [
        "2021-06-02 s1 extended -74.19",
        "2021-07-16 s1 refunded 37.10",
    ]
