"""Stories of contracts (Rule 8.3)."""

import pytest

from tests.stories.story import lines


def test_as_incurred_is_charged_like_any_other_and_given_back_within_the_window(story):
    """Bought on 11-16. 11-30 is day 14, and the next period is paid already: both come back."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "200.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, pay: contract}
          - {at: 2020-11-17, do: extend, id: s1, cycles: 1}
          - {at: 2020-11-30, do: terminate, id: s1, reason: moved}
        until: 2020-11-30
    """)
    assert told.timeline == lines("""
        2020-11-16 s1 purchased -50.00
        2020-11-17 s1 extended -50.00
        2020-11-30 s1 terminated (moved)
        2020-11-30 s1 refunded 100.00
    """)


def test_as_incurred_gives_nothing_back_after_the_window_not_even_the_next_period(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "200.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, pay: contract,
             contract: as_incurred}
          - {at: 2020-12-01, do: extend, id: s1, cycles: 1}
          - {at: 2020-12-01, do: terminate, id: s1, reason: moved}
        until: 2020-12-01
    """)
    assert told.events("refunded") == []


@pytest.mark.parametrize(("sku", "discount"), [("PRO", 100), ("FREE", 0)])
def test_the_window_begins_with_the_purchase_also_if_the_first_cycle_was_free(story, sku, discount):
    """Bought on 11-16 for nothing, renewed on 12-08 for 90.00. 12-17 is day 31 after the purchase.

    It is day 1 of the first period that was paid for, which does not count.
    """
    told = story(f"""
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: {sku}, pay: contract,
             contract: as_incurred, discount: {discount}}}
          - {{at: 2020-11-17, do: change_plan, id: s1, sku: BIZ, when: renewal}}
          - {{at: 2020-12-17, do: terminate, id: s1, reason: moved}}
        until: 2020-12-17
    """)
    assert told.events("renewed", "terminated", "refunded") == lines("""
        2020-12-08 s1 renewed -90.00
        2020-12-17 s1 terminated (moved)
    """)


def test_a_milestone_charges_nothing_ever_and_gives_nothing_back(story):
    """Also without credits: purchase, change, extension, renewal in a group, reactivation."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, pay: contract,
             contract: milestone}
          - {at: 2020-11-20, do: change_plan, id: s1, sku: BIZ}
          - {at: 2020-11-20, do: set_addon, id: s1, sku: SEAT, quantity: 3}
          - {at: 2020-11-21, do: extend, id: s1, cycles: 1}
          - {at: 2021-01-09, do: unsubscribe, id: s1}
          - {at: 2021-02-20, do: reactivate, id: s1}
          - {at: 2021-02-21, do: terminate, id: s1, reason: done}
        until: 2021-02-21
    """)
    assert told.timeline == lines("""
        2020-11-16 s1 purchased
        2020-11-20 s1 plan_changed
        2020-11-20 s1 addon_changed
        2020-11-21 s1 extended
        2021-01-01 s1 notice_renewal
        2021-01-08 s1 renewed
        2021-01-09 s1 unsubscribed
        2021-02-12 s1 notice_expiring
        2021-02-16 s1 expired
        2021-02-20 s1 reactivated
        2021-02-21 s1 terminated (done)
    """)
    assert told.invoices == []
    assert told.balances == {"acme": "0.00"}


def test_a_milestone_charges_no_activation_fee_when_it_is_bought_nor_later(story):
    """Rule 10.1: there is no event, and nothing on the invoice of the month."""
    told = story("""
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, pay: contract,
             contract: milestone, numbers: [{number: "+65", sku: DID}]}
          - {at: 2020-11-25, do: add_number, id: s1, number: "+66", sku: DID}
          - {at: 2020-11-25, do: add_number, id: s1, number: "+67", sku: DID, when: renewal}
        until: 2020-12-08
    """)
    assert told.events("number_added", "activation_fee", "renewed") == lines("""
        2020-11-25 s1 number_added +66
        2020-11-25 s1 number_added +67
        2020-12-08 s1 renewed
    """)
    assert (told.invoices, told.balances) == ([], {"acme": "100.00"})


def test_its_fee_is_what_the_cycle_costs_whoever_pays_it(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, pay: contract,
             contract: milestone}
        until: 2020-11-16
    """)
    assert told.state("s1", "fee", "cycles_paid") == ("50.00", 1)


def test_a_milestone_in_a_group_adds_nothing_to_its_sum(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "100.00"}]
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, pay: contract,
             contract: milestone}
          - {at: 2020-11-16, do: purchase, id: s2, account: acme, sku: PRO}
        until: 2020-12-08
    """)
    assert told.events("renewed") == [
        "2020-12-08 s1 renewed",
        "2020-12-08 s2 renewed -50.00",
    ]


def test_a_milestone_that_failed_is_healed_by_any_top_up_and_recovered_for_nothing(story):
    """The account was suspended on the renewal date (Rule 5.6)."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore}]
        policy: {group_renewal: independent}
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, pay: contract,
             contract: milestone}
          - {at: 2020-11-16, do: purchase, id: s2, account: acme, sku: PRO, pay: contract,
             contract: milestone}
          - {at: 2020-12-01, do: suspend, account: acme}
          - {at: 2020-12-09, do: resume, account: acme}
          - {at: 2020-12-09, do: recover, id: s1}
          - {at: 2020-12-09, do: top_up, account: acme, amount: "1.00"}
        until: 2020-12-09
    """)
    assert told.events("recovered", "renewed") == [
        "2020-12-09 s1 recovered",
        "2020-12-09 s2 renewed",
    ]
