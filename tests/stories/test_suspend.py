"""Stories of suspended accounts (Rules 5.6, 11.8)."""

from tests.stories.story import lines


def test_a_suspended_account_cannot_renew_and_the_card_is_not_tried(story):
    """E is 06-30. Neither the resume nor the top-up before it starts a renewal.

    The retry of 06-29 does.
    """
    told = story("""
        accounts:
          - {id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00", card: ok,
             renew_by_card: true}
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-10, do: suspend, account: acme}
          - {at: 2021-06-26, do: top_up, account: acme, amount: "50.00"}
          - {at: 2021-06-28, do: resume, account: acme}
        until: 2021-06-29
    """)
    assert told.timeline == lines("""
        2021-06-01 s1 purchased -50.00
        2021-06-10 acme account_suspended
        2021-06-23 s1 renewal_failed (suspended)  # and no notice on 06-16
        2021-06-25 s1 renewal_failed (suspended)
        2021-06-26 acme topped_up 50.00
        2021-06-27 s1 renewal_failed (suspended)
        2021-06-28 acme account_resumed
        2021-06-29 s1 renewed -50.00
    """)


def test_after_resuming_recover_and_a_top_up_work(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "150.00"}]
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-01, do: purchase, id: s2, account: acme, sku: PRO}
          - {at: 2021-06-10, do: suspend, account: acme}
          - {at: 2021-06-23, do: recover, id: s1}
          - {at: 2021-06-24, do: resume, account: acme}
          - {at: 2021-06-24, do: recover, id: s1}
          - {at: 2021-06-24, do: top_up, account: acme, amount: "50.00"}
        until: 2021-06-24
    """)
    assert told.refused == ["4 recover 11.8"]
    assert told.timeline[3:] == lines("""
        2021-06-23 s1 renewal_failed (suspended)
        2021-06-23 s2 renewal_failed (suspended)
        2021-06-24 acme account_resumed
        2021-06-24 acme topped_up 50.00
        2021-06-24 s1 recovered -50.00
        2021-06-24 s2 renewed -50.00
    """)


def test_expiry_and_day_29_go_on(story):
    told = story("""
        policy: {retry_days: []}
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-02, do: suspend, account: acme}
        until: 2021-08-01
    """)
    assert told.timeline[2:] == [
        "2021-06-23 s1 renewal_failed (suspended)",
        "2021-07-01 s1 expired",
        "2021-07-29 s1 terminated",
    ]


def test_only_resume_terminate_and_payments_are_taken(story):
    told = story("""
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-01, do: resume, account: acme}
          - {at: 2021-06-02, do: suspend, account: acme}
          - {at: 2021-06-02, do: suspend, account: acme}
          - {at: 2021-06-02, do: purchase, id: s2, account: acme, sku: PRO, quantity: 501}
          - {at: 2021-06-02, do: recover, id: s2}
          - {at: 2021-06-02, do: terminate, id: s2, reason: never created}
          - {at: 2021-06-02, do: recover, id: s1}
          - {at: 2021-06-02, do: extend, id: s1, cycles: 1}
          - {at: 2021-06-02, do: reactivate, id: s1}
          - {at: 2021-06-02, do: unsubscribe, id: s1}
          - {at: 2021-06-02, do: resubscribe, id: s1}
          - {at: 2021-06-02, do: top_up, account: acme, amount: "1.00"}
          - {at: 2021-06-02, do: set_card, account: acme, card: ok}
          - {at: 2021-06-02, do: set, account: acme, renew_by_card: true, credit_limit: "5.00"}
          - {at: 2021-06-02, do: terminate, id: s1, reason: closed}
          - {at: 2021-06-02, do: unsubscribe, id: s1}
          - {at: 2021-06-02, do: terminate, id: s1, reason: closed}
          - {at: 2021-06-02, do: resume, account: acme}
        until: 2021-06-02
    """)
    assert told.refused == lines("""
        2 resume 11.8
        4 suspend 11.8
        5 purchase 11.8
        6 recover 11.8
        7 terminate 4.1
        8 recover 11.8
        9 extend 11.8
        10 reactivate 11.8
        11 unsubscribe 11.8
        12 resubscribe 11.8
        17 unsubscribe 11.8
        18 terminate 2
    """)
    assert told.timeline[1:] == lines("""
        2021-06-02 acme account_suspended
        2021-06-02 acme topped_up 1.00
        2021-06-02 acme account_resumed
        2021-06-02 s1 terminated (closed)
        2021-06-02 s1 refunded 50.00
    """)


def test_an_unsubscribed_one_is_still_told_that_it_expires(story):
    told = story("""
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-02, do: unsubscribe, id: s1}
          - {at: 2021-06-03, do: suspend, account: acme}
        until: 2021-06-27
    """)
    assert told.timeline[-1] == "2021-06-27 s1 notice_expiring"
