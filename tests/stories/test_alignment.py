"""Stories of alignment (Rule 5.5)."""

from tests.stories.story import lines


def test_the_first_automatic_renewal_ends_with_the_next_month(story):
    """E 12-15, monthly 50.00. 16 of 31 days and a month: 25.806… + 50 = 75.81, rounded once."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "200.00"}]
        steps: [{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, align: true}]
        until: 2021-02-20
    """)
    assert told.events("renewed") == [
        "2020-12-08 s1 renewed -75.81",
        "2021-01-24 s1 renewed -50.00",
    ]
    assert told.invoices[1] == "2020-12-08 acme individual 75.81 = 75.81"
    assert told.state("s1", "anchor", "cycles_paid") == ("2021-02-01", 3)
    assert told.state("s1", "expiry", "fee") == ("2021-02-28", "50.00")


def test_a_yearly_cycle_ends_with_the_month_a_year_later(story):
    """370/12 × 16/31 + 370 = 385.913…"""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "1000.00"}]
        steps: [{at: 2019-12-16, do: purchase, id: s1, account: acme, sku: YEAR, align: true}]
        until: 2020-12-08
    """)
    assert told.events("renewed") == ["2020-12-08 s1 renewed -385.91"]
    assert told.state("s1", "expiry", "anchor", "cycles_paid") == ("2021-12-31", "2022-01-01", 2)


def test_at_a_month_end_nothing_is_extra_and_the_anchor_stays(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "200.00"}]
        steps: [{at: 2020-12-01, do: purchase, id: s1, account: acme, sku: PRO, align: true}]
        until: 2020-12-24
    """)
    assert told.events("renewed") == ["2020-12-24 s1 renewed -50.00"]
    assert told.state("s1", "expiry", "anchor") == ("2021-01-31", "2020-12-01")


def test_until_it_renews_the_fee_shows_the_aligned_cycle_also_without_auto_renewal(story):
    told = story("""
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, align: true}
          - {at: 2020-11-17, do: unsubscribe, id: s1}
        until: 2020-11-18
    """)
    assert told.state("s1", "fee") == "75.81"


def test_recover_and_extend_do_not_align_and_the_next_automatic_renewal_does(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, align: true}
          - {at: 2020-12-09, do: set, account: acme, credit_limit: "300.00"}
          - {at: 2020-12-09, do: recover, id: s1}
          - {at: 2020-12-20, do: extend, id: s1, cycles: 1}
        until: 2021-02-08
    """)
    assert told.events("recovered", "extended", "renewed") == [
        "2020-12-09 s1 recovered -50.00",
        "2020-12-20 s1 extended -50.00",
        "2021-02-08 s1 renewed -73.21",  # E 02-15: 50 × 13/28 + 50 = 73.214…
    ]
    assert told.state("s1", "expiry") == "2021-03-31"


def test_a_retry_and_a_top_up_that_heals_align(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "100.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, align: true}
          - {at: 2020-11-16, do: purchase, id: s2, account: acme, sku: PRO}
          - {at: 2020-12-09, do: top_up, account: acme, amount: "125.80"}
          - {at: 2020-12-09T12:00:00+08:00, do: top_up, account: acme, amount: "0.01"}
        until: 2020-12-10
    """)
    assert told.events("renewed") == [
        "2020-12-09T12:00 s1 renewed -75.81",
        "2020-12-09T12:00 s2 renewed -50.00",
    ]


def test_a_late_renewal_after_e_does_not_align(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "200.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, align: true}
          - {at: 2020-12-01, do: outage, until: 2020-12-17T10:00:00Z}
        until: 2021-01-08
    """)
    assert told.events("renewed") == [
        "2020-12-17T18:00 s1 renewed -50.00",
        "2021-01-08 s1 renewed -75.81",  # E 01-15: 50 × 16/31 + 50
    ]


def test_an_aligned_period_is_refunded_by_its_months_and_one_for_the_left_over_days(story):
    """The period 12-16..01-31 counts as 2 months. On 01-05 one has begun: 75.81 / 2 = 37.905."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "200.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, align: true}
          - {at: 2021-01-05, do: terminate, id: s1, reason: moved}
        until: 2021-01-05
    """)
    assert told.events("refunded") == ["2021-01-05 s1 refunded 37.91"]


def test_together_with_others_of_its_renewal_date_it_is_one_sum(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "225.80"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, align: true}
          - {at: 2020-11-16, do: purchase, id: s2, account: acme, sku: PRO}
        until: 2020-12-08
    """)
    assert told.timeline[-2:] == lines("""
        2020-12-08 s1 renewal_failed (no_credits)
        2020-12-08 s2 renewal_failed (no_credits)
    """)
