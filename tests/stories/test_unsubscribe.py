"""Stories of auto-renewal off and on (Rules 5.7, 8.1)."""

from tests.stories.story import lines


def test_it_runs_to_its_expiry_date_and_a_paid_cycle_stays(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "500.00"}]
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-23, do: unsubscribe, id: s1}
          - {at: 2021-06-23, do: unsubscribe, id: s1}
        until: 2021-08-01
    """)
    assert told.refused == ["3 unsubscribe 8.1"]
    assert told.timeline == lines("""
        2021-06-01 s1 purchased -50.00
        2021-06-16 s1 notice_renewal
        2021-06-23 s1 renewed -50.00
        2021-06-23 s1 unsubscribed
        2021-07-28 s1 notice_expiring
        2021-08-01 s1 expired
    """)


def test_an_unsubscribe_the_second_before_the_renewal_date_prevents_the_renewal(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "500.00"}]
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-22T23:59:59+08:00, do: unsubscribe, id: s1}
        until: 2021-06-30
    """)
    assert told.timeline[1:] == [
        "2021-06-16 s1 notice_renewal",
        "2021-06-22T23:59 s1 unsubscribed",
        "2021-06-27 s1 notice_expiring",
    ]
    # both are shown although auto-renewal is off
    assert told.state("s1", "renewal_date", "fee") == ("2021-06-23", "50.00")


def test_back_before_the_renewal_date_nothing_has_changed(story):
    """Auto-renewal was off when the notice of 06-16 was due. The notice is not sent later."""
    told = story("""
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-02, do: resubscribe, id: s1}
          - {at: 2021-06-15, do: unsubscribe, id: s1}
          - {at: 2021-06-16, do: resubscribe, id: s1}
        until: 2021-06-23
    """)
    assert told.refused == ["2 resubscribe 8.1"]
    assert told.timeline[1:] == [
        "2021-06-15 s1 unsubscribed",
        "2021-06-16 s1 resubscribed",
        "2021-06-23 s1 renewed -50.00",
    ]


def test_back_after_the_renewal_date_it_is_attempted_at_once_then_on_the_retry_days_ahead(story):
    """E is 06-30 and the renewal date is 06-23. It is resubscribed on 06-25 at noon.

    An attempt is made at once, and then on 06-27 and 06-29, when the credits are there.
    """
    told = story("""
        policy: {retry_on_top_up: false}
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00"}]
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-20, do: unsubscribe, id: s1}
          - {at: 2021-06-25T12:00:00+08:00, do: resubscribe, id: s1}
          - {at: 2021-06-28, do: top_up, account: acme, amount: "50.00"}
        until: 2021-06-30
    """)
    assert told.timeline[2:] == lines("""
        2021-06-20 s1 unsubscribed
        2021-06-25T12:00 s1 resubscribed
        2021-06-25T12:00 s1 renewal_failed (no_credits)
        2021-06-27 s1 renewal_failed (no_credits)
        2021-06-28 acme topped_up 50.00
        2021-06-29 s1 renewed -50.00
    """)


def test_back_at_the_first_instant_of_a_retry_day_is_one_attempt_and_of_the_renewal_date_too(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "100.00"}]
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-01, do: purchase, id: s2, account: acme, sku: PRO}
          - {at: 2021-06-20, do: unsubscribe, id: s1}
          - {at: 2021-06-20, do: unsubscribe, id: s2}
          - {at: 2021-06-23, do: resubscribe, id: s1}
          - {at: 2021-06-25, do: resubscribe, id: s2}
        until: 2021-06-25
    """)
    assert told.events("renewal_failed") == lines("""
        2021-06-23 s1 renewal_failed (no_credits)
        2021-06-25 s1 renewal_failed (no_credits)
        2021-06-25 s2 renewal_failed (no_credits)
    """)


def test_a_failed_one_that_is_switched_off_and_on_is_attempted_anew(story):
    told = story("""
        policy: {retry_on_top_up: false}
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00"}]
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-24, do: unsubscribe, id: s1}
          - {at: 2021-06-24, do: top_up, account: acme, amount: "50.00"}
          - {at: 2021-06-30T23:59:59+08:00, do: resubscribe, id: s1}
        until: 2021-07-01
    """)
    assert told.timeline[2:] == lines("""
        2021-06-23 s1 renewal_failed (no_credits)
        2021-06-24 acme topped_up 50.00
        2021-06-24 s1 unsubscribed
        2021-06-27 s1 notice_expiring
        2021-06-30T23:59 s1 resubscribed
        2021-06-30T23:59 s1 renewed -50.00
    """)


def test_expired_it_is_too_late_for_either(story):
    told = story("""
        policy: {retry_days: []}
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00"}]
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-07-01, do: unsubscribe, id: s1}
          - {at: 2021-07-01, do: resubscribe, id: s1}
        until: 2021-07-01
    """)
    assert told.refused == ["2 unsubscribe 8.1", "3 resubscribe 8.1"]
