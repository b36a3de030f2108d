"""Stories of discounts (Rule 3.6)."""

from tests.stories.story import lines


def test_it_is_off_each_line_before_rounding_for_its_cycles(story):
    """12.5 percent: 50 → 43.75, 3 seats 30 → 26.25. The third cycle costs the full price."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "300.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, addons: {SEAT: 3},
             discount: 12.5, discount_cycles: 2}
        until: 2021-01-08
    """)
    assert told.invoices == [
        "2020-11-16 acme individual 43.75 + 26.25 = 70.00",
        "2020-12-08 acme individual 43.75 + 26.25 = 70.00",
        "2021-01-08 acme individual 50.00 + 30.00 = 80.00",
    ]


def test_it_is_for_the_first_cycle_unless_told_otherwise(story):
    told = story("""
        steps: [{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, discount: 10}]
        until: 2020-11-16
    """)
    assert told.events("purchased") == ["2020-11-16 s1 purchased -45.00"]
    assert told.state("s1", "fee") == "50.00"


def test_activation_fees_are_not_discounted_and_what_is_prorated_in_the_period_is(story):
    """50 and 10 less 10 percent: 54.00. On 11-25, 21 of 30 days are left: 10/30 × 21 × 0.9 = 6.30.

    Each number costs 5.00 for its activation.
    """
    told = story("""
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, discount: 10,
             numbers: [{number: "+65", sku: DID}]}
          - {at: 2020-11-25, do: add_number, id: s1, number: "+66", sku: DID}
        until: 2020-11-25
    """)
    assert told.timeline == lines("""
        2020-11-16 s1 purchased -54.00
        2020-11-16 s1 activation_fee +65 -5.00
        2020-11-25 s1 number_added +66 -6.30
        2020-11-25 s1 activation_fee +66 -5.00
    """)
    assert told.balances == {"acme": "29.70"}


def test_the_whole_price_off_needs_no_credits_and_has_no_invoice(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore}]
        steps: [{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, discount: 100}]
        until: 2020-11-16
    """)
    assert told.events("purchased") == ["2020-11-16 s1 purchased"]
    assert told.invoices == []


def test_cycles_that_are_paid_in_advance_and_a_reactivation_use_it_up(story):
    """Purchase, two cycles of an extension: three are discounted, the fourth is not."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "500.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, discount: 50,
             discount_cycles: 3}
          - {at: 2020-11-17, do: extend, id: s1, cycles: 3}
          - {at: 2020-11-17, do: purchase, id: s2, account: acme, sku: PRO, discount: 50,
             discount_cycles: 2}
          - {at: 2020-11-18, do: unsubscribe, id: s2}
          - {at: 2020-12-20, do: reactivate, id: s2}
        until: 2020-12-20
    """)
    assert told.invoices[1] == "2020-11-17 acme individual 25.00 + 25.00 + 50.00 = 100.00"
    assert told.events("reactivated") == ["2020-12-20 s2 reactivated -25.00"]
    assert told.state("s2", "fee") == "50.00"


def test_an_extension_to_a_day_and_an_aligned_cycle_are_discounted(story):
    """75.806… × 80 % = 60.645… in both cases."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "500.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, discount: 20,
             discount_cycles: 2}
          - {at: 2020-11-16, do: purchase, id: s2, account: acme, sku: PRO, discount: 20,
             discount_cycles: 2, align: true}
          - {at: 2020-11-17, do: extend, id: s1, to: 2021-01-31}
        until: 2020-12-08
    """)
    assert told.events("extended", "renewed") == [
        "2020-11-17 s1 extended -60.65",
        "2020-12-08 s2 renewed -60.65",
    ]
