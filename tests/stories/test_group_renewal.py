"""Stories of renewals that are funded together, or not at all (Rules 5.2 to 5.4)."""

from tests.stories.story import lines

TWO = """
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "190.00"}]
        steps:
          - {at: 2021-05-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-05-01, do: purchase, id: s2, account: acme, sku: BIZ}
"""


def test_a_sum_that_cannot_be_funded_fails_for_all_and_deducts_nothing(story):
    """Both renew on 05-24, when 50.00 is left. The sum S is 50 + 90 = 140.

    With 139.00 nothing happens. With 140.00 both are renewed.
    """
    told = story(f"""
        {TWO}
          - {{at: 2021-05-27, do: top_up, account: acme, amount: "89.00"}}
          - {{at: 2021-05-27T09:00:00+08:00, do: top_up, account: acme, amount: "1.00"}}
        until: 2021-05-30
    """)
    assert told.timeline[2:] == lines("""
        2021-05-17 s1 notice_renewal
        2021-05-17 s2 notice_renewal
        2021-05-24 s1 renewal_failed (no_credits)
        2021-05-24 s2 renewal_failed (no_credits)
        2021-05-26 s1 renewal_failed (no_credits)
        2021-05-26 s2 renewal_failed (no_credits)
        2021-05-27 acme topped_up 89.00
        2021-05-27T09:00 acme topped_up 1.00
        2021-05-27T09:00 s1 renewed -50.00
        2021-05-27T09:00 s2 renewed -90.00
    """)
    assert told.balances == {"acme": "0.00"}


def test_independent_subscriptions_are_funded_each_alone_by_id(story):
    told = story(f"""
        policy: {{group_renewal: independent}}
        {TWO}
        until: 2021-05-24
    """)
    assert told.timeline[4:] == [
        "2021-05-24 s1 renewed -50.00",
        "2021-05-24 s2 renewal_failed (no_credits)",
    ]


def test_who_left_is_not_retried_with_the_group(story):
    told = story(f"""
        {TWO}
          - {{at: 2021-05-25, do: unsubscribe, id: s2}}
        until: 2021-06-01
    """)
    assert told.timeline[6:] == lines("""
        2021-05-25 s2 unsubscribed
        2021-05-26 s1 renewed -50.00
        2021-05-28 s2 notice_expiring
        2021-06-01 s2 expired
    """)


def test_a_recovered_member_leaves_the_group(story):
    told = story(f"""
        {TWO}
          - {{at: 2021-05-25, do: recover, id: s1}}
          - {{at: 2021-05-25, do: top_up, account: acme, amount: "90.00"}}
        until: 2021-05-26
    """)
    assert told.timeline[6:] == lines("""
        2021-05-25 acme topped_up 90.00
        2021-05-25 s1 recovered -50.00
        2021-05-25 s2 renewed -90.00
    """)


def test_a_legacy_subscription_is_in_the_group_of_its_renewal_date(story):
    """E of s1 (legacy) is 06-01, and E of s2 is 05-31. Both renew on 05-24.

    They fail together, and each expires after its own E.
    """
    told = story("""
        steps:
          - {at: 2021-05-01, do: purchase, id: s2, account: acme, sku: PRO}
          - {at: 2021-05-02, do: purchase, id: s1, account: acme, sku: PRO, legacy: true}
          - {at: 2021-05-31, do: top_up, account: acme, amount: "99.99"}
        until: 2021-06-02
    """)
    assert told.timeline[2:] == lines("""
        2021-05-17 s1 notice_renewal
        2021-05-17 s2 notice_renewal
        2021-05-24 s1 renewal_failed (no_credits)
        2021-05-24 s2 renewal_failed (no_credits)
        2021-05-26 s1 renewal_failed (no_credits)
        2021-05-26 s2 renewal_failed (no_credits)
        2021-05-28 s1 renewal_failed (no_credits)
        2021-05-28 s2 renewal_failed (no_credits)
        2021-05-30 s1 renewal_failed (no_credits)
        2021-05-30 s2 renewal_failed (no_credits)
        2021-05-31 acme topped_up 99.99
        2021-06-01 s2 expired
        2021-06-02 s1 expired
    """)


def test_when_one_of_the_group_has_expired_the_other_is_healed_alone(story):
    """On 06-01 s2 (E 05-31) is EXPIRED. Then s1 (legacy, E 06-01) is the whole group."""
    told = story("""
        steps:
          - {at: 2021-05-01, do: purchase, id: s2, account: acme, sku: PRO}
          - {at: 2021-05-02, do: purchase, id: s1, account: acme, sku: PRO, legacy: true}
          - {at: 2021-06-01, do: top_up, account: acme, amount: "50.00"}
        until: 2021-06-01
    """)
    assert told.timeline[-3:] == [
        "2021-06-01 acme topped_up 50.00",
        "2021-06-01 s1 renewed -50.00",
        "2021-06-01 s2 expired",
    ]


def test_groups_of_different_dates_never_merge_and_a_top_up_pays_the_oldest_it_can(story):
    """s1 (BIZ, 90) renews on 05-22, s2 (PRO, 50) on 05-23, s3 (PRO, 50) on 05-24.

    No credits are left. A top-up of 60.00 does not cover s1, but it pays s2. 10.00 is left. A
    top-up of 90.00 pays s1. 10.00 is left, which does not cover s3.
    """
    told = story("""
        policy: {retry_days: []}
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "190.00"}]
        steps:
          - {at: 2021-04-29, do: purchase, id: s1, account: acme, sku: BIZ}
          - {at: 2021-04-30, do: purchase, id: s2, account: acme, sku: PRO}
          - {at: 2021-05-01, do: purchase, id: s3, account: acme, sku: PRO}
          - {at: 2021-05-25, do: top_up, account: acme, amount: "60.00"}
          - {at: 2021-05-26, do: top_up, account: acme, amount: "90.00"}
        until: 2021-05-27
    """)
    assert told.timeline[6:] == lines("""
        2021-05-21 s1 renewal_failed (no_credits)
        2021-05-22 s2 renewal_failed (no_credits)
        2021-05-24 s3 renewal_failed (no_credits)
        2021-05-25 acme topped_up 60.00
        2021-05-25 s2 renewed -50.00
        2021-05-26 acme topped_up 90.00
        2021-05-26 s1 renewed -90.00
    """)


def test_the_card_is_charged_once_for_the_group(story):
    told = story("""
        accounts:
          - {id: acme, currency: USD, timezone: Asia/Singapore, credits: "250.00", card: ok,
             renew_by_card: true}
        steps:
          - {at: 2021-05-01, do: purchase, id: s1, account: acme, sku: PRO, addons: {SEAT: 2}}
          - {at: 2021-05-01, do: purchase, id: s2, account: acme, sku: BIZ}
        until: 2021-05-24
    """)
    assert told.timeline[4:] == lines("""
        2021-05-24 acme card_charged 160.00  # 50 + 2 x 10 + 90
        2021-05-24 s1 renewed -70.00
        2021-05-24 s2 renewed -90.00
    """)
    assert told.balances == {"acme": "90.00"}
    assert told.invoices[2:] == lines("""
        2021-05-24 acme individual 160.00 = 160.00
        2021-05-24 acme individual 50.00 + 20.00 = 70.00
        2021-05-24 acme individual 90.00 = 90.00
    """)


def test_a_declined_card_is_on_record_once_an_attempt(story):
    told = story("""
        policy: {retry_days: [2]}
        accounts:
          - {id: acme, currency: USD, timezone: Asia/Singapore, credits: "150.00", card: declined,
             renew_by_card: true}
        steps:
          - {at: 2021-05-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-05-01, do: purchase, id: s2, account: acme, sku: BIZ}
        until: 2021-06-01
    """)
    assert told.timeline[4:] == lines("""
        2021-05-24 acme card_declined
        2021-05-24 s1 renewal_failed (card_declined)
        2021-05-24 s2 renewal_failed (card_declined)
        2021-05-26 acme card_declined
        2021-05-26 s1 renewal_failed (card_declined)
        2021-05-26 s2 renewal_failed (card_declined)
        2021-06-01 s1 expired
        2021-06-01 s2 expired
    """)


def test_who_resubscribes_is_attempted_alone_and_then_belongs_to_the_group_again(story):
    """s2 (90) is unsubscribed before the renewal date. It is resubscribed on 05-25.

    Then it is attempted alone, and 50.00 does not cover it. On 05-26 both are retried. S is 140,
    more than 139.
    """
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "189.00"}]
        steps:
          - {at: 2021-05-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-05-01, do: purchase, id: s2, account: acme, sku: BIZ}
          - {at: 2021-05-20, do: unsubscribe, id: s2}
          - {at: 2021-05-25, do: resubscribe, id: s2}
          - {at: 2021-05-25, do: top_up, account: acme, amount: "90.00"}
          - {at: 2021-05-27, do: top_up, account: acme, amount: "1.00"}
        until: 2021-05-27
    """)
    assert told.timeline[4:] == lines("""
        2021-05-20 s2 unsubscribed
        2021-05-24 s1 renewal_failed (no_credits)
        2021-05-25 acme topped_up 90.00
        2021-05-25 s2 resubscribed
        2021-05-25 s2 renewal_failed (no_credits)
        2021-05-26 s1 renewal_failed (no_credits)
        2021-05-26 s2 renewal_failed (no_credits)
        2021-05-27 acme topped_up 1.00
        2021-05-27 s1 renewed -50.00
        2021-05-27 s2 renewed -90.00
    """)


def test_accounts_do_not_fund_one_another(story):
    told = story("""
        accounts:
          - {id: a, currency: USD, timezone: Asia/Singapore, credits: "50.00"}
          - {id: b, currency: USD, timezone: Asia/Singapore, credits: "500.00"}
        steps:
          - {at: 2021-05-01, do: purchase, id: s1, account: a, sku: PRO}
          - {at: 2021-05-01, do: purchase, id: s2, account: b, sku: PRO}
        until: 2021-05-24
    """)
    assert told.timeline[4:] == [
        "2021-05-24 s1 renewal_failed (no_credits)",
        "2021-05-24 s2 renewed -50.00",
    ]
