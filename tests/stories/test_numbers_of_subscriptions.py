"""Stories of numbers in subscriptions (Rules 9, 10.1, 10.2, 11.4)."""

import pytest

from tests.stories.story import lines

ACME = "accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: %s}]"
BOUGHT = """
        %s
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO,
             numbers: [{number: "+65", sku: DID}]}
""" % (ACME % '"200.00"')  # E 12-15, 60.00 and 5.00
NUMBERS = ("number_added", "number_removed", "number_swapped", "activation_fee")
HOLDS = ("number_hold_ending", "number_released")


def test_a_purchase_charges_fee_and_activation_fees_and_invoices_them_apart(story):
    """The fee is on the invoice of the purchase, the activation fees are on the monthly one."""
    told = story("""
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO,
             numbers: [{number: "+66", sku: DID}, {number: "+65", sku: DID},
                       {number: "+67", sku: BARE}]}
        until: 2020-12-01
    """)
    assert told.timeline == lines("""
        2020-11-16 s1 purchased -73.00
        2020-11-16 s1 activation_fee +66 -5.00
        2020-11-16 s1 activation_fee +65 -5.00
        2020-12-01 acme invoiced
        2020-12-01 s1 notice_renewal
    """)
    assert told.invoices == lines("""
        2020-11-16 acme individual 50.00 + 10.00 + 10.00 + 3.00 = 73.00
        2020-11-30 acme monthly 5.00 + 5.00 = 10.00
    """)
    assert told.state("s1", "fee") == "73.00"


@pytest.mark.parametrize(("credits_", "refused"), [("65.00", []), ("64.99", ["1 purchase 4.1"])])
def test_usable_must_cover_fee_and_activation_fees_together(story, credits_, refused):
    told = story(f"""
        {ACME % f'"{credits_}"'}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO,
             numbers: [{{number: "+65", sku: DID}}]}}
        until: 2020-11-16
    """)
    assert told.refused == refused
    assert told.balances == {"acme": "64.99" if refused else "0.00"}


def test_an_external_invoice_pays_no_activation_fee_and_there_is_none(story):
    told = story("""
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, pay: external_invoice,
             invoice_number: X-1, numbers: [{number: "+65", sku: DID}]}
        until: 2020-12-02
    """)
    assert told.timeline == lines("""
        2020-11-16 s1 purchased
        2020-12-01 s1 notice_renewal
    """)


def test_renewing_recovering_and_extending_charge_no_activation_fee(story):
    """Rule 10.1. The numbers are a line each of every cycle (Rule 3.1)."""
    told = story(f"""
        {BOUGHT}
          - {{at: 2020-12-01, do: extend, id: s1, cycles: 1}}
        until: 2021-01-08
    """)
    assert told.events("purchased", "extended", "renewed", "activation_fee") == lines("""
        2020-11-16 s1 purchased -60.00
        2020-11-16 s1 activation_fee +65 -5.00
        2020-12-01 s1 extended -60.00
        2021-01-08 s1 renewed -60.00
    """)


# add


def test_adding_costs_the_prorated_fee_and_the_activation_fee(story):
    """Rule 3.4: the period 11-16..12-15 has 30 days, 21 are left on 11-25. 10/30 × 21 = 7.00."""
    told = story(f"""
        {BOUGHT}
          - {{at: 2020-11-25, do: add_number, id: s1, number: "+66", sku: DID}}
        until: 2020-12-01
    """)
    assert told.events("number_added", "activation_fee")[1:] == lines("""
        2020-11-25 s1 number_added +66 -7.00
        2020-11-25 s1 activation_fee +66 -5.00
    """)
    assert told.invoices[1:] == lines("""
        2020-11-25 acme individual 7.00 = 7.00
        2020-11-30 acme monthly 5.00 + 5.00 = 10.00
    """)
    assert told.state("s1", "fee") == "70.00"


@pytest.mark.parametrize(("credits_", "refused"), [("12.00", []), ("11.99", ["2 add_number 10.1"])])
def test_adding_needs_both_together(story, credits_, refused):
    told = story(f"""
        {ACME % f'"{float(credits_) + 50:.2f}"'}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-11-25, do: add_number, id: s1, number: "+66", sku: DID}}
        until: 2020-11-25
    """)
    assert told.refused == refused
    assert told.balances == {"acme": "11.99" if refused else "0.00"}


def test_a_number_that_is_added_at_renewal_is_in_use_at_once_and_paid_with_the_next_cycle(story):
    told = story(f"""
        {BOUGHT}
          - {{at: 2020-11-25, do: add_number, id: s1, number: "+66", sku: DID, when: renewal}}
          - {{at: 2020-11-26, do: purchase, id: s2, account: acme, sku: FREE,
             numbers: [{{number: "+66", sku: DID}}]}}
        until: 2021-01-01
    """)
    assert told.refused == ["3 purchase 10.2"]
    assert told.timeline[2:] == lines("""
        2020-11-25 s1 number_added +66
        2020-12-01 acme invoiced
        2020-12-01 s1 notice_renewal
        2020-12-08 s1 renewed -70.00
        2020-12-08 s1 activation_fee +66 -5.00
        2021-01-01 acme invoiced
        2021-01-01 s1 notice_renewal
    """)
    assert told.invoices[1:] == lines("""
        2020-11-30 acme monthly 5.00 = 5.00
        2020-12-08 acme individual 50.00 + 10.00 + 10.00 = 70.00
        2020-12-31 acme monthly 5.00 = 5.00
    """)


@pytest.mark.parametrize(
    ("top_up", "paid"), [("9.99", "renewal_failed"), ("10.00", "renewed")], ids=["short", "enough"]
)
def test_a_renewal_needs_the_activation_fee_as_well(story, top_up, paid):
    """65.00 of 130.00 are spent. The next cycle costs 70.00 and 5.00."""
    told = story(f"""
        policy: {{retry_days: [], retry_on_top_up: false}}
        {ACME % '"130.00"'}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO,
             numbers: [{{number: "+65", sku: DID}}]}}
          - {{at: 2020-11-25, do: add_number, id: s1, number: "+66", sku: DID, when: renewal}}
          - {{at: 2020-11-26, do: top_up, account: acme, amount: "{top_up}"}}
        until: 2020-12-08
    """)
    assert [line.split()[2] for line in told.events("renewed", "renewal_failed")] == [paid]


def test_a_card_is_charged_for_both(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "70.00", card: ok,
                    renew_by_card: true}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-11-25, do: add_number, id: s1, number: "+66", sku: DID, when: renewal}
        until: 2020-12-08
    """)
    assert told.events("card_charged", "renewed", "activation_fee") == lines("""
        2020-12-08 acme card_charged 65.00
        2020-12-08 s1 renewed -60.00
        2020-12-08 s1 activation_fee +66 -5.00
    """)


def test_a_top_up_heals_only_what_it_covers_with_the_activation_fee(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-11-25, do: add_number, id: s1, number: "+66", sku: DID, when: renewal}
          - {at: 2020-12-09, do: top_up, account: acme, amount: "64.00"}
          - {at: 2020-12-09, do: recover, id: s1}
          - {at: 2020-12-09, do: top_up, account: acme, amount: "1.00"}
        until: 2020-12-09
    """)
    assert told.refused == ["4 recover 6.1"]
    assert told.events("renewal_failed", "renewed", "activation_fee") == lines("""
        2020-12-08 s1 renewal_failed (no_credits)
        2020-12-09 s1 renewed -60.00
        2020-12-09 s1 activation_fee +66 -5.00
    """)


def test_recover_and_extend_charge_it_too(story):
    told = story("""
        policy: {retry_days: []}
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "100.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-11-16, do: purchase, id: s2, account: acme, sku: FREE}
          - {at: 2020-11-25, do: add_number, id: s1, number: "+66", sku: DID, when: renewal}
          - {at: 2020-11-25, do: add_number, id: s2, number: "+67", sku: DID, when: renewal}
          - {at: 2020-11-26, do: extend, id: s2, cycles: 1}
          - {at: 2020-12-09, do: set, account: acme, credit_limit: "100.00"}
          - {at: 2020-12-09, do: recover, id: s1}
        until: 2020-12-09
    """)
    assert told.events("extended", "recovered", "activation_fee") == lines("""
        2020-11-26 s2 extended -10.00
        2020-11-26 s2 activation_fee +67 -5.00
        2020-12-09 s1 recovered -60.00
        2020-12-09 s1 activation_fee +66 -5.00
    """)


def test_a_cycle_on_an_external_invoice_charges_no_activation_fee_ever(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "120.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-11-25, do: add_number, id: s1, number: "+66", sku: DID, when: renewal}
          - {at: 2020-11-26, do: extend, id: s1, cycles: 1, invoice_number: X-1}
        until: 2021-01-08
    """)
    assert told.events("extended", "renewed", "activation_fee") == lines("""
        2020-11-26 s1 extended
        2021-01-08 s1 renewed -60.00
    """)


@pytest.mark.parametrize(
    "number",
    ["+65", "+70"],
    ids=["its own", "of another subscription"],
)
def test_a_number_in_use_cannot_be_added(story, number):
    told = story(f"""
        {BOUGHT}
          - {{at: 2020-11-16, do: purchase, id: s2, account: acme, sku: FREE,
             numbers: [{{number: "+70", sku: DID}}]}}
          - {{at: 2020-11-17, do: add_number, id: s1, number: "{number}", sku: DID}}
        until: 2020-11-17
    """)
    assert told.refused == ["3 add_number 10.2"]


# remove


def test_a_number_that_is_removed_is_held_for_28_days_and_nothing_is_refunded(story):
    """Day 0 is 11-20. Day 21 is 12-11, day 28 is 12-18."""
    told = story(f"""
        {BOUGHT}
          - {{at: 2020-11-20, do: remove_number, id: s1, number: "+65"}}
          - {{at: 2020-11-20, do: remove_number, id: s1, number: "+65"}}
          - {{at: 2020-11-20, do: remove_number, id: s1, number: "+70"}}
        until: 2020-12-19
    """)
    assert told.refused == ["3 remove_number 9", "4 remove_number 9"]
    assert told.events("number_removed", *HOLDS, "renewed") == lines("""
        2020-11-20 s1 number_removed +65
        2020-12-08 s1 renewed -50.00
        2020-12-11 s1 number_hold_ending +65
        2020-12-19 s1 number_released +65
    """)


def test_one_that_was_added_at_renewal_and_removed_before_costs_nothing(story):
    told = story(f"""
        {BOUGHT}
          - {{at: 2020-11-20, do: add_number, id: s1, number: "+66", sku: DID, when: renewal}}
          - {{at: 2020-11-21, do: remove_number, id: s1, number: "+66"}}
        until: 2020-12-08
    """)
    assert told.events("renewed", "activation_fee") == lines("""
        2020-11-16 s1 activation_fee +65 -5.00
        2020-12-08 s1 renewed -60.00
    """)


def test_one_that_is_removed_at_renewal_leaves_with_the_cycle_that_is_paid_for(story):
    """Paid ahead on 11-20, the cycle of 12-16 is the next one. Day 0 is 12-16, day 28 is 01-13."""
    told = story(f"""
        {BOUGHT}
          - {{at: 2020-11-20, do: remove_number, id: s1, number: "+65", when: renewal}}
          - {{at: 2020-11-20, do: extend, id: s1, cycles: 1}}
          - {{at: 2020-12-15T23:59:00+08:00, do: purchase, id: s2, account: acme, sku: FREE,
             numbers: [{{number: "+65", sku: BARE}}]}}
          - {{at: 2020-12-16, do: purchase, id: s3, account: acme, sku: FREE,
             numbers: [{{number: "+65", sku: BARE}}]}}
        until: 2020-12-16
    """)
    assert told.refused == ["4 purchase 10.2"]
    assert told.events("extended", "purchased")[1:] == lines("""
        2020-11-20 s1 extended -50.00
        2020-12-16 s3 purchased -3.00
    """)


def test_a_change_from_now_on_replaces_one_at_renewal(story):
    """Added at renewal, then from now on: prorated with its activation fee. 10/30 × 21 = 7.00.

    Removed at renewal, then added from now on: it was never gone, so it costs nothing.
    """
    told = story(f"""
        {BOUGHT}
          - {{at: 2020-11-20, do: add_number, id: s1, number: "+66", sku: DID, when: renewal}}
          - {{at: 2020-11-25, do: add_number, id: s1, number: "+66", sku: BARE}}
          - {{at: 2020-11-25, do: add_number, id: s1, number: "+66", sku: DID}}
          - {{at: 2020-11-25, do: remove_number, id: s1, number: "+65", when: renewal}}
          - {{at: 2020-11-26, do: add_number, id: s1, number: "+65", sku: DID}}
        until: 2020-12-08
    """)
    assert told.refused == ["3 add_number 10.2"]
    assert told.events(*NUMBERS, "renewed")[2:] == lines("""
        2020-11-25 s1 number_added +66 -7.00
        2020-11-25 s1 activation_fee +66 -5.00
        2020-11-25 s1 number_removed +65
        2020-11-26 s1 number_added +65
        2020-12-08 s1 renewed -70.00
    """)


def test_a_removal_that_is_paid_for_can_be_taken_back_for_the_whole_next_period(story):
    """The next period was paid without the number: 10.00. It stays in use."""
    told = story(f"""
        {BOUGHT}
          - {{at: 2020-11-20, do: remove_number, id: s1, number: "+65", when: renewal}}
          - {{at: 2020-11-20, do: extend, id: s1, cycles: 1}}
          - {{at: 2020-11-25, do: add_number, id: s1, number: "+65", sku: DID}}
          - {{at: 2020-12-17, do: remove_number, id: s1, number: "+65"}}
        until: 2020-12-17
    """)
    assert told.refused == []
    assert told.events(*NUMBERS)[2:] == lines("""
        2020-11-25 s1 number_added +65 -10.00
        2020-12-17 s1 number_removed +65
    """)


# the 24 hours


@pytest.mark.parametrize(
    ("again", "fee"),
    [
        ("2020-11-21T09:00:00+08:00", False),  # 24 hours
        ("2020-11-21T09:00:01+08:00", True),
    ],
)
@pytest.mark.parametrize("back", ["remove_number", "swap_number", "terminate"])
def test_bought_again_within_24_hours_it_costs_no_activation_fee(story, back, again, fee):
    given = {
        "remove_number": 'number: "+65"',
        "swap_number": 'number: "+65", to: "+66"',
        "terminate": "reason: x",
    }[back]
    told = story(f"""
        {BOUGHT}
          - {{at: "2020-11-20T09:00:00+08:00", do: {back}, id: s1, {given}}}
          - {{at: "{again}", do: purchase, id: s2, account: acme, sku: FREE,
             numbers: [{{number: "+65", sku: DID}}]}}
        until: 2020-11-22
    """)
    assert told.refused == []
    assert len(told.events("activation_fee")) == 1 + fee


@pytest.mark.parametrize(
    ("again", "fee"), [("2021-01-14T00:00:00+08:00", False), ("2021-01-14T00:00:01+08:00", True)]
)
def test_day_29_gives_a_number_back_and_the_24_hours_count_from_there(story, again, fee):
    """E is 12-15, so it is terminated on 01-13. The number is still held for the account."""
    told = story(f"""
        {BOUGHT}
          - {{at: 2020-11-17, do: unsubscribe, id: s1}}
          - {{at: "{again}", do: purchase, id: s2, account: acme, sku: FREE,
             numbers: [{{number: "+65", sku: DID}}]}}
        until: 2021-01-15
    """)
    assert told.events("terminated") == ["2021-01-13 s1 terminated"]
    assert told.refused == []
    assert len(told.events("activation_fee")) == 1 + fee


def test_a_number_that_expired_is_not_given_back_within_the_24_hours(story):
    """Rule 10.1 names removal, swap and termination. E is 12-15."""
    told = story(f"""
        {BOUGHT}
          - {{at: 2020-11-17, do: unsubscribe, id: s1}}
          - {{at: 2020-12-16, do: purchase, id: s2, account: acme, sku: FREE,
             numbers: [{{number: "+65", sku: DID}}]}}
        until: 2020-12-16
    """)
    assert told.events("activation_fee") == lines("""
        2020-11-16 s1 activation_fee +65 -5.00
        2020-12-16 s2 activation_fee +65 -5.00
    """)


# swap


def test_a_ring_of_swaps_is_refused_and_a_swap_back_after_the_hold_is_not(story):
    told = story(f"""
        {BOUGHT}
          - {{at: 2020-11-17, do: swap_number, id: s1, number: "+65", to: "+65"}}
          - {{at: 2020-11-17, do: swap_number, id: s1, number: "+65", to: "+66"}}
          - {{at: 2020-11-17, do: swap_number, id: s1, number: "+65", to: "+67"}}
          - {{at: 2020-11-17, do: swap_number, id: s1, number: "+66", to: "+65", sku: BARE}}
          - {{at: 2020-11-17, do: swap_number, id: s1, number: "+66", to: "+65"}}
        until: 2020-12-08
    """)
    assert told.refused == ["2 swap_number 10.2", "4 swap_number 9", "5 swap_number 9"]
    assert told.events("number_swapped", *HOLDS, "renewed", "activation_fee")[1:] == lines("""
        2020-11-17 s1 number_swapped +66
        2020-11-17 s1 number_swapped +65
        2020-11-19 s1 number_released +66
        2020-12-08 s1 renewed -60.00
    """)


def test_a_number_that_is_swapped_in_is_normal_whatever_it_replaces(story):
    """Rule 10.2: ported in, +65 is held for 28 days after its swap. +66 is held as a normal one.

    +65: from 11-20 to 12-18. +66: removed on 11-25, 28 days, to 12-23. Ported in it were 56 days.
    """
    told = story("""
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO,
             numbers: [{number: "+65", sku: DID, hold: ported_in}]}
          - {at: 2020-11-20, do: swap_number, id: s1, number: "+65", to: "+66"}
          - {at: 2020-11-25, do: remove_number, id: s1, number: "+66"}
        until: 2020-12-24
    """)
    assert told.events("number_released") == lines("""
        2020-12-19 s1 number_released +65
        2020-12-24 s1 number_released +66
    """)


def test_a_swapped_number_that_was_to_leave_leaves_in_the_shape_of_the_new_one(story):
    told = story(f"""
        {BOUGHT}
          - {{at: 2020-11-20, do: remove_number, id: s1, number: "+65", when: renewal}}
          - {{at: 2020-11-20, do: extend, id: s1, cycles: 1}}
          - {{at: 2020-11-25, do: swap_number, id: s1, number: "+65", to: "+66"}}
          - {{at: 2020-12-16, do: remove_number, id: s1, number: "+66"}}
        until: 2021-01-14
    """)
    assert told.refused == ["5 remove_number 9"]
    assert told.events("number_swapped", "renewed", *HOLDS) == lines("""
        2020-11-25 s1 number_swapped +66
        2020-11-27 s1 number_released +65
        2021-01-06 s1 number_hold_ending +66
        2021-01-08 s1 renewed -50.00
        2021-01-14 s1 number_released +66
    """)


# the end of a subscription


def test_reactivation_takes_back_the_numbers_that_are_still_there(story):
    """E is 12-15. +66 was bought for another subscription meanwhile. No activation fee (Rule 7)."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "300.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO,
             numbers: [{number: "+65", sku: DID}, {number: "+66", sku: DID}]}
          - {at: 2020-11-17, do: add_number, id: s1, number: "+67", sku: DID, when: renewal}
          - {at: 2020-11-17, do: unsubscribe, id: s1}
          - {at: 2020-12-17, do: purchase, id: s2, account: acme, sku: FREE,
             numbers: [{number: "+66", sku: DID}]}
          - {at: 2020-12-18, do: reactivate, id: s1}
          - {at: 2020-12-18, do: remove_number, id: s1, number: "+66"}
          - {at: 2020-12-18, do: remove_number, id: s1, number: "+67"}
        until: 2021-03-01
    """)
    assert told.refused == ["6 remove_number 9"]
    assert told.events("reactivated", "activation_fee")[2:] == lines("""
        2020-12-17 s2 activation_fee +66 -5.00
        2020-12-18 s1 reactivated -70.00
    """)
    assert [line for line in told.events("number_released") if " s1 " in line] == [
        "2021-01-16 s1 number_released +67"
    ]


def test_the_fee_of_an_expired_one_is_what_reactivating_it_costs(story):
    told = story(f"""
        {BOUGHT}
          - {{at: 2020-11-17, do: unsubscribe, id: s1}}
          - {{at: 2020-12-17, do: purchase, id: s2, account: acme, sku: FREE,
             numbers: [{{number: "+65", sku: DID}}]}}
        until: 2020-12-18
    """)
    assert told.state("s1", "fee") == "50.00"


def test_a_number_removed_at_renewal_is_held_from_the_reactivation_on(story):
    """Day 0 is 12-18, the first day of the cycle. Day 28 is 01-15."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "300.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO,
             numbers: [{number: "+65", sku: DID}]}
          - {at: 2020-11-17, do: remove_number, id: s1, number: "+65", when: renewal}
          - {at: 2020-11-17, do: unsubscribe, id: s1}
          - {at: 2020-12-18, do: reactivate, id: s1}
        until: 2021-01-16
    """)
    assert told.events("reactivated", *HOLDS) == lines("""
        2020-12-18 s1 reactivated -50.00
        2021-01-08 s1 number_hold_ending +65
        2021-01-16 s1 number_released +65
    """)


def test_a_late_attempt_that_fails_holds_the_numbers_from_the_day_it_was_marked(story):
    """Rule 13: marked EXPIRED on 12-18, after an outage. Day 56 is counted from 12-17: 02-11."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: UTC, credits: "70.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO,
             numbers: [{number: "+65", sku: DID}]}
          - {at: "2020-12-01T00:00:00Z", do: outage, until: "2020-12-18T00:00:00Z"}
        until: 2021-02-12
    """)
    assert told.events("expired", "renewal_failed", *HOLDS) == lines("""
        2020-12-18 s1 renewal_failed (no_credits)
        2020-12-18 s1 expired
        2021-02-04 s1 number_hold_ending +65
        2021-02-12 s1 number_released +65
    """)


def test_a_termination_by_command_holds_28_days(story):
    """Day 0 is 11-20. Day 28 is 12-18. The activation fee is not refunded (Rule 8.3)."""
    told = story(f"""
        {BOUGHT}
          - {{at: 2020-11-20, do: terminate, id: s1, reason: x}}
        until: 2020-12-19
    """)
    assert told.timeline[2:] == lines("""
        2020-11-20 s1 terminated (x)
        2020-11-20 s1 refunded 60.00
        2020-12-01 acme invoiced
        2020-12-11 s1 number_hold_ending +65
        2020-12-19 s1 number_released +65
    """)
    assert told.balances == {"acme": "195.00"}


@pytest.mark.parametrize("days", [49, 50, 51])
def test_a_termination_on_the_day_of_the_reminder_does_not_drop_it(story, days):
    """Marked EXPIRED on 12-16 (day 1). The reminder is due on 02-02, day 49 of 56 (Rule 10.2)."""
    told = story(f"""
        policy: {{reactivation_days: {days - 1}}}
        {ACME % '"65.00"'}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO,
             numbers: [{{number: "+65", sku: DID}}]}}
          - {{at: 2020-11-17, do: unsubscribe, id: s1}}
        until: 2021-02-10
    """)
    assert told.events(*HOLDS) == lines("""
        2021-02-02 s1 number_hold_ending +65
        2021-02-10 s1 number_released +65
    """)


def test_day_29_ends_the_use_of_a_number_that_was_brought_along_and_never_priced(story):
    """It was added at renewal and stays in use until TERMINATED on 01-13. Then it can be bought."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "60.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-11-17, do: add_number, id: s1, number: "+65", sku: BARE, hold: byoi,
             when: renewal}
          - {at: 2020-11-17, do: unsubscribe, id: s1}
          - {at: 2021-01-12, do: purchase, id: s2, account: acme, sku: FREE,
             numbers: [{number: "+65", sku: BARE}]}
          - {at: 2021-01-13, do: purchase, id: s2, account: acme, sku: FREE,
             numbers: [{number: "+65", sku: BARE}]}
        until: 2021-01-13
    """)
    assert told.refused == ["4 purchase 10.2"]
    assert told.events("terminated", "purchased")[1:] == lines("""
        2021-01-13 s1 terminated
        2021-01-13 s2 purchased -3.00
    """)


@pytest.mark.parametrize(
    ("step", "rule"),
    [
        ('do: add_number, id: s1, number: "+70", sku: DID', "9"),
        ('do: remove_number, id: s1, number: "+65"', "9"),
        ('do: swap_number, id: s1, number: "+65", to: "+70"', "9"),
    ],
)
def test_an_expired_subscription_takes_no_change_of_numbers(story, step, rule):
    told = story(f"""
        {BOUGHT}
          - {{at: 2020-11-17, do: unsubscribe, id: s1}}
          - {{at: 2020-12-16, {step}}}
        until: 2020-12-16
    """)
    assert [line.split()[-1] for line in told.refused] == [rule]
