"""Stories of changes of owner (Rule 9, and what 5.7, 8.2, 8.3, 11.8 and 12 say of them)."""

import pytest

from tests.stories.story import lines

TWO = """
        accounts:
          - {id: a, currency: USD, timezone: Asia/Singapore, credits: "100.00"}
          - {id: b, currency: USD, timezone: Asia/Singapore, credits: "100.00"}
"""
HONOLULU_AND_PARIS = """
        accounts:
          - {id: hon, currency: USD, timezone: Pacific/Honolulu, credits: "50.00"}
          - {id: par, currency: USD, timezone: Europe/Paris, credits: "60.00"}
"""


def test_the_new_account_pays_from_then_on_and_nothing_is_charged(story):
    told = story(f"""
        {TWO}
        steps:
          - {{at: 2021-01-15, do: purchase, id: s1, account: a, sku: PRO, addons: {{SEAT: 1}}}}
          - {{at: 2021-01-20, do: change_owner, id: s1, account: b}}
        until: 2021-02-07
    """)
    assert told.timeline == lines("""
        2021-01-15 s1 purchased -60.00
        2021-01-20 s1 owner_changed
        2021-01-31 s1 notice_renewal
        2021-02-07 s1 renewed -60.00
    """)
    assert [event["account"] for event in told.result["timeline"]] == ["a", "b", "b", "b"]
    assert told.balances == {"a": "40.00", "b": "40.00"}
    assert told.state("s1", "account", "anchor", "cycles_paid") == ("b", "2021-01-15", 2)


@pytest.mark.parametrize(
    ("step", "rule"),
    [
        ("{at: 2021-01-16, do: change_owner, id: s1, account: a}", "9"),  # it has it
        ("{at: 2021-01-16, do: change_owner, id: s1, account: eur}", "9"),  # another currency
        ("{at: 2021-01-16, do: change_owner, id: s1, account: idle}", "11.8"),  # suspended
        ("{at: 2021-01-16, do: change_owner, id: s3, account: b}", "4.1"),  # never created
        ("{at: 2021-01-16, do: change_owner, id: s3, account: idle}", "11.8"),
        ("{at: 2021-01-16, do: change_owner, id: s2, account: b}", "2"),  # TERMINATED
        ("{at: 2021-01-16, do: change_owner, id: s4, account: b}", "11.8"),  # of a suspended one
    ],
)
def test_what_is_refused_changes_nothing(story, step, rule):
    told = story(f"""
        accounts:
          - {{id: a, currency: USD, timezone: Asia/Singapore, credits: "100.00"}}
          - {{id: b, currency: USD, timezone: Asia/Singapore}}
          - {{id: eur, currency: EUR, timezone: Asia/Singapore}}
          - {{id: idle, currency: USD, timezone: Asia/Singapore, credits: "50.00"}}
        steps:
          - {{at: 2021-01-15, do: purchase, id: s1, account: a, sku: PRO}}
          - {{at: 2021-01-15, do: purchase, id: s2, account: a, sku: PRO}}
          - {{at: 2021-01-15, do: terminate, id: s2, reason: closed}}
          - {{at: 2021-01-15, do: purchase, id: s3, account: b, sku: PRO}}
          - {{at: 2021-01-15, do: purchase, id: s4, account: idle, sku: PRO}}
          - {{at: 2021-01-15, do: suspend, account: idle}}
          - {step}
        until: 2021-01-17
    """)
    assert told.refused == ["4 purchase 4.1", f"7 change_owner {rule}"]
    assert not told.events("owner_changed")
    assert told.state("s1", "account") == "a"


def test_an_expired_subscription_is_reactivated_and_ended_in_its_new_account(story):
    told = story(f"""
        {TWO}
        steps:
          - {{at: 2021-01-15, do: purchase, id: s1, account: a, sku: PRO}}
          - {{at: 2021-01-15, do: purchase, id: s2, account: a, sku: PRO}}
          - {{at: 2021-02-20, do: change_owner, id: s1, account: b}}
          - {{at: 2021-02-20, do: change_owner, id: s2, account: b}}
          - {{at: 2021-02-21, do: reactivate, id: s1}}
        until: 2021-03-15
    """)
    assert told.timeline[-7:] == lines("""
        2021-02-15 s2 expired
        2021-02-20 s1 owner_changed
        2021-02-20 s2 owner_changed
        2021-02-21 s1 reactivated -50.00
        2021-02-28 s1 notice_renewal
        2021-03-07 s1 renewed -50.00
        2021-03-15 s2 terminated
    """)
    assert {e["account"] for e in told.result["timeline"][-6:]} == {"b"}


def test_a_failed_one_joins_the_failed_group_of_its_new_account_on_the_retry_day(story):
    """Rule 5.7: in the same zone nothing is set off, although the new account has the money."""
    told = story("""
        accounts:
          - {id: a, currency: USD, timezone: Asia/Singapore, credits: "50.00"}
          - {id: b, currency: USD, timezone: Asia/Singapore, credits: "149.00"}
        steps:
          - {at: 2021-01-15, do: purchase, id: s1, account: a, sku: PRO}
          - {at: 2021-01-15, do: purchase, id: s2, account: b, sku: BIZ}
          - {at: 2021-02-07T10:00:00+08:00, do: change_owner, id: s1, account: b}
          - {at: 2021-02-08, do: top_up, account: b, amount: "50.00"}
          - {at: 2021-02-09T01:00:00+08:00, do: top_up, account: b, amount: "40.00"}
        until: 2021-02-10
    """)
    # 59 + 50 = 109 does not cover 50 + 90 = 140. 149 does.
    assert told.timeline[-9:] == lines("""
        2021-02-07 s1 renewal_failed (no_credits)
        2021-02-07 s2 renewal_failed (no_credits)
        2021-02-07T10:00 s1 owner_changed
        2021-02-08 b topped_up 50.00
        2021-02-09 s1 renewal_failed (no_credits)
        2021-02-09 s2 renewal_failed (no_credits)
        2021-02-09T01:00 b topped_up 40.00
        2021-02-09T01:00 s1 renewed -50.00
        2021-02-09T01:00 s2 renewed -90.00
    """)


def test_it_leaves_the_group_of_its_old_account(story):
    told = story("""
        accounts:
          - {id: a, currency: USD, timezone: Asia/Singapore, credits: "150.00"}
          - {id: b, currency: USD, timezone: Asia/Singapore}
        steps:
          - {at: 2021-01-15, do: purchase, id: s1, account: a, sku: PRO}
          - {at: 2021-01-15, do: purchase, id: s2, account: a, sku: PRO}
          - {at: 2021-02-06, do: change_owner, id: s1, account: b}
        until: 2021-02-07
    """)
    assert told.timeline[-2:] == lines("""
        2021-02-07 s1 renewal_failed (no_credits)
        2021-02-07 s2 renewed -50.00
    """)


# --- 5.7: another zone ----------------------------------------------------------------------------


def test_where_the_renewal_date_has_begun_in_the_new_zone_it_is_attempted_at_once(story):
    """2021-02-06T13:00 in Honolulu is 2021-02-07T00:00 in Paris, its renewal date."""
    told = story(f"""
        {HONOLULU_AND_PARIS}
        steps:
          - {{at: 2021-01-15, do: purchase, id: s1, account: hon, sku: PRO}}
          - {{at: 2021-02-06T22:59:59Z, do: unsubscribe, id: s1}}
          - {{at: 2021-02-06T22:59:59Z, do: resubscribe, id: s1}}
          - {{at: "2021-02-06T23:00:00Z", do: change_owner, id: s1, account: par}}
        until: "2021-02-07T09:00:00Z"
    """)
    assert told.timeline[-2:] == lines("""
        2021-02-07 s1 owner_changed
        2021-02-07 s1 renewed -50.00
    """)
    assert told.balances == {"hon": "0.00", "par": "10.00"}


def test_a_failed_one_is_attempted_at_once_then_on_the_retry_days_of_the_new_zone(story):
    """Back in Honolulu on 02-09 its renewal date is past as well, so it is attempted once more."""
    told = story("""
        accounts:
          - {id: hon, currency: USD, timezone: Pacific/Honolulu, credits: "50.00"}
          - {id: par, currency: USD, timezone: Europe/Paris}
        steps:
          - {at: 2021-01-15, do: purchase, id: s1, account: hon, sku: PRO}
          - {at: "2021-02-07T12:00:00Z", do: change_owner, id: s1, account: par}
          - {at: "2021-02-09T12:00:00Z", do: change_owner, id: s1, account: hon}
        until: "2021-02-11T23:00:00Z"
    """)
    assert told.timeline[-7:] == lines("""
        2021-02-07 s1 renewal_failed (no_credits)
        2021-02-07T13:00 s1 owner_changed
        2021-02-07T13:00 s1 renewal_failed (no_credits)
        2021-02-09 s1 renewal_failed (no_credits)
        2021-02-09T02:00 s1 owner_changed
        2021-02-09T02:00 s1 renewal_failed (no_credits)
        2021-02-11 s1 renewal_failed (no_credits)
    """)


def test_where_the_renewal_date_has_not_begun_a_failed_one_is_left_to_its_retry_days(story):
    """It fails on 2021-02-07 in Paris. In Honolulu 2021-02-06 is not over."""
    told = story("""
        accounts:
          - {id: hon, currency: USD, timezone: Pacific/Honolulu, credits: "500.00"}
          - {id: par, currency: USD, timezone: Europe/Paris, credits: "50.00"}
        steps:
          - {at: 2021-01-15, do: purchase, id: s1, account: par, sku: PRO}
          - {at: 2021-02-07T08:00:00+01:00, do: change_owner, id: s1, account: hon}
        until: "2021-02-09T10:00:00Z"
    """)
    assert told.timeline[-3:] == lines("""
        2021-02-07 s1 renewal_failed (no_credits)
        2021-02-06T21:00 s1 owner_changed
        2021-02-09 s1 renewed -50.00
    """)


def test_where_the_renewal_date_has_not_begun_one_that_has_not_failed_waits_for_it(story):
    told = story(f"""
        policy: {{renewal_lead_days: 20, retry_days: []}}
        {HONOLULU_AND_PARIS}
        steps:
          - {{at: 2021-01-15, do: purchase, id: s1, account: par, sku: PRO}}
          - {{at: 2021-01-24T23:30:00+01:00, do: change_owner, id: s1, account: hon}}
        until: "2021-01-25T10:00:00Z"
    """)
    assert told.timeline == lines("""
        2021-01-15 s1 purchased -50.00
        2021-01-18 s1 notice_renewal
        2021-01-24T12:30 s1 owner_changed
        2021-01-25 s1 renewed -50.00
    """)


def test_one_that_does_not_renew_by_itself_is_not_attempted(story):
    told = story(f"""
        {HONOLULU_AND_PARIS}
        steps:
          - {{at: 2021-01-15, do: purchase, id: s1, account: hon, sku: PRO}}
          - {{at: 2021-02-01, do: unsubscribe, id: s1}}
          - {{at: "2021-02-08T12:00:00Z", do: change_owner, id: s1, account: par}}
        until: "2021-02-09T12:00:00Z"
    """)
    assert told.timeline[-2:] == lines("""
        2021-02-01 s1 unsubscribed
        2021-02-08T13:00 s1 owner_changed
    """)


def test_an_expiry_date_that_is_past_in_the_new_zone_expires_it_at_once(story):
    """2021-02-14T14:00 in Honolulu is 2021-02-15T01:00 in Paris."""
    told = story(f"""
        policy: {{retry_days: [7]}}
        {HONOLULU_AND_PARIS}
        steps:
          - {{at: 2021-01-15, do: purchase, id: s1, account: hon, sku: PRO}}
          - {{at: "2021-02-15T00:00:00Z", do: change_owner, id: s1, account: par}}
        until: 2021-03-16
    """)
    assert told.timeline[-5:] == lines("""
        2021-02-07 s1 renewal_failed (no_credits)
        2021-02-14 s1 renewal_failed (no_credits)
        2021-02-15T01:00 s1 owner_changed
        2021-02-15T01:00 s1 expired
        2021-03-15 s1 terminated
    """)


def test_a_retry_that_the_new_zone_has_left_behind_is_not_made(story):
    """The retry on *E* is ahead in Niue. In Kiritimati *E* is over, so it expires (Rule 1.5)."""
    told = story("""
        policy: {retry_days: [7]}
        accounts:
          - {id: niue, currency: USD, timezone: Pacific/Niue, credits: "50.00"}
          - {id: kiri, currency: USD, timezone: Pacific/Kiritimati, credits: "500.00"}
        steps:
          - {at: 2021-01-15, do: purchase, id: s1, account: niue, sku: PRO}
          - {at: "2021-02-14T10:30:00Z", do: change_owner, id: s1, account: kiri}
        until: "2021-02-14T11:00:00Z"
    """)
    assert told.timeline[-3:] == lines("""
        2021-02-07 s1 renewal_failed (no_credits)
        2021-02-15T00:30 s1 owner_changed
        2021-02-15T00:30 s1 expired
    """)


@pytest.mark.parametrize(
    ("old", "new", "at", "sent"),
    [
        # The notice is due on 01-31. At 01-30T23:00Z it is 01-31T00:00 in Paris, and past there.
        ("hon", "par", "2021-01-30T23:00:00Z", []),
        ("hon", "par", "2021-01-30T22:59:00Z", ["2021-01-31 s1 notice_renewal"]),
        # It was told in Paris. In Honolulu its instant is ahead again. It is told once.
        ("par", "hon", "2021-01-31T05:00:00Z", ["2021-01-31 s1 notice_renewal"]),
        ("par", "hon", "2021-01-30T05:00:00Z", ["2021-01-31 s1 notice_renewal"]),
    ],
)
def test_rule_12_a_notice_moves_to_the_new_zone_and_is_sent_once(story, old, new, at, sent):
    told = story(f"""
        {HONOLULU_AND_PARIS}
        steps:
          - {{at: 2021-01-15, do: purchase, id: s1, account: {old}, sku: PRO}}
          - {{at: "{at}", do: change_owner, id: s1, account: {new}}}
        until: "2021-02-01T12:00:00Z"
    """)
    assert told.events("notice_renewal") == sent
    assert len(told.events("owner_changed")) == 1


def test_rule_12_a_notice_whose_instant_was_past_is_planned_where_it_lies_ahead(story):
    """Bought on the notice's day in Paris at 10:00. In Honolulu that day has not begun."""
    told = story(f"""
        policy: {{renewal_lead_days: 27, renewal_notice_days: 3}}
        {HONOLULU_AND_PARIS}
        steps:
          - {{at: 2021-01-15T10:00:00+01:00, do: purchase, id: s1, account: par, sku: PRO}}
          - {{at: 2021-01-15T10:30:00+01:00, do: change_owner, id: s1, account: hon}}
        until: "2021-01-16T00:00:00Z"
    """)
    assert told.timeline == lines("""
        2021-01-15T10:00 s1 purchased -50.00
        2021-01-14T23:30 s1 owner_changed
        2021-01-15 s1 notice_renewal
    """)


# --- 8.2, 8.3: refunds go to those who paid -------------------------------------------------------


def test_a_refund_goes_to_each_account_for_the_periods_that_it_paid(story):
    told = story(f"""
        policy: {{refund_admin_fee: {{USD: "5.00"}}}}
        {TWO}
        steps:
          - {{at: 2021-01-15, do: purchase, id: s1, account: a, sku: PRO}}
          - {{at: 2021-01-16, do: change_owner, id: s1, account: b}}
          - {{at: 2021-01-17, do: extend, id: s1, cycles: 1}}
          - {{at: 2021-01-18, do: terminate, id: s1, reason: closed}}
        until: 2021-01-18
    """)
    assert told.timeline[-3:] == lines("""
        2021-01-18 s1 terminated (closed)
        2021-01-18 s1 refunded 45.00
        2021-01-18 s1 refunded 50.00
    """)
    assert [e["account"] for e in told.result["timeline"][-3:]] == ["b", "a", "b"]
    assert told.invoices[-2:] == [
        "2021-01-18 a credit_note -50.00 + 5.00 = -45.00",
        "2021-01-18 b credit_note -50.00 = -50.00",
    ]
    assert told.balances == {"a": "95.00", "b": "100.00"}


def test_a_period_that_two_accounts_paid_is_rounded_for_each(story):
    """A year of 370.00 from 2021-01-15. On 06-10 b adds a seat: 120.00 × 219 / 365 = 72.00.

    On 06-20 six months have begun: a gets 370 × 6/12 = 185.00, b gets 72 × 6/12 = 36.00.
    """
    told = story("""
        accounts:
          - {id: a, currency: USD, timezone: Asia/Singapore, credits: "370.00"}
          - {id: b, currency: USD, timezone: Asia/Singapore, credits: "100.00"}
        steps:
          - {at: 2021-01-15, do: purchase, id: s1, account: a, sku: YEAR}
          - {at: 2021-01-16, do: change_owner, id: s1, account: b}
          - {at: 2021-06-10, do: set_addon, id: s1, sku: SEAT, quantity: 1}
          - {at: 2021-06-20, do: terminate, id: s1, reason: closed}
        until: 2021-06-20
    """)
    assert told.timeline[-4:] == lines("""
        2021-06-10 s1 addon_changed -72.00
        2021-06-20 s1 terminated (closed)
        2021-06-20 s1 refunded 185.00
        2021-06-20 s1 refunded 36.00
    """)
    assert told.balances == {"a": "185.00", "b": "64.00"}


def test_a_refund_reaches_a_former_owner_that_is_suspended(story):
    told = story(f"""
        {TWO}
        steps:
          - {{at: 2021-01-15, do: purchase, id: s1, account: a, sku: PRO}}
          - {{at: 2021-01-16, do: change_owner, id: s1, account: b}}
          - {{at: 2021-01-17, do: suspend, account: a}}
          - {{at: 2021-01-18, do: terminate, id: s1, reason: closed}}
        until: 2021-01-18
    """)
    assert told.balances == {"a": "100.00", "b": "100.00"}


def test_the_same_request_changes_the_owner_once(story):
    told = story(f"""
        {TWO}
        steps:
          - {{at: 2021-01-15, do: purchase, id: s1, account: a, sku: PRO}}
          - {{at: 2021-01-16, do: change_owner, id: s1, account: b, request_id: r}}
          - {{at: 2021-01-17, do: change_owner, id: s1, account: b, request_id: r}}
          - {{at: 2021-01-17, do: change_owner, id: s1, account: a, request_id: r}}
        until: 2021-01-18
    """)
    assert told.refused == ["4 change_owner 4.2"]
    assert told.events("owner_changed") == ["2021-01-16 s1 owner_changed"]


# --- trials and numbers ---------------------------------------------------------------------------

GOODS = """
        catalog:
          - {sku: APP, application: desk, kind: application, months: 1, prices: {USD: "10.00"},
             trial_days: 7}
          - {sku: DID, kind: number, months: 1, prices: {USD: "1.00"},
             activation_fee: {USD: "4.00"}}
"""


def test_rule_4_3_a_trial_cannot_change_owner_while_it_runs_nor_after_it(story):
    told = story(f"""
        {GOODS}
        {TWO}
        steps:
          - {{at: 2021-01-15, do: trial, id: s1, account: a, sku: APP}}
          - {{at: 2021-01-16, do: change_owner, id: s1, account: b}}
          - {{at: 2021-01-23, do: change_owner, id: s1, account: b}}
          - {{at: 2021-01-24, do: convert, id: s1}}
          - {{at: 2021-01-25, do: change_owner, id: s1, account: b}}
        until: 2021-01-26
    """)
    assert told.refused == ["2 change_owner 4.3", "3 change_owner 4.3"]
    assert told.timeline[-1] == "2021-01-25 s1 owner_changed"


def test_rule_10_2_its_numbers_go_along_and_are_held_for_the_new_account(story):
    """The monthly invoice of the activation fee stays with a, which paid it on 01-15."""
    told = story(f"""
        policy: {{number_hold_days: {{normal: {{expired: 9, terminated: 9, swapped: 1}},
                                      ported_in: {{expired: 9, terminated: 9, swapped: 1}}}}}}
        {GOODS}
        {TWO}
        steps:
          - {{at: 2021-01-15, do: purchase, id: s1, account: a, sku: APP,
              numbers: [{{number: "+651", sku: DID}}]}}
          - {{at: 2021-01-16, do: change_owner, id: s1, account: b}}
          - {{at: 2021-01-17, do: add_number, id: s1, number: "+652", sku: DID}}
          - {{at: 2021-01-18, do: terminate, id: s1, reason: closed}}
          - {{at: 2021-01-19, do: purchase, id: s2, account: a, sku: APP,
              numbers: [{{number: "+651", sku: DID}}]}}
          - {{at: 2021-01-19, do: purchase, id: s3, account: b, sku: APP,
              numbers: [{{number: "+651", sku: DID}}]}}
        until: 2021-02-01
    """)
    assert told.refused == ["5 purchase 10.2"]
    of = [(e["event"], e["account"]) for e in told.result["timeline"] if "number" in e]
    assert ("number_released", "b") in of
    assert [line for line in told.invoices if "monthly" in line] == [
        "2021-01-31 a monthly 4.00 = 4.00",
        "2021-01-31 b monthly 4.00 = 4.00",
    ]
    # a: 100 − 11 − 4, and 11 back. b pays 4 for +652. It gives +651 back on 01-18 and buys it again
    # within 24 hours, so it pays 11 and no activation fee.
    assert told.balances == {"a": "96.00", "b": "85.00"}
