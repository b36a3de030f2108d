"""Stories of outages (Rule 13).

Overdue actions run once, in the order in which they were due. They are dated when they run.

The customer of most stories buys on 2021-01-10 in UTC. E is 02-09. The notice is on 01-26, the
renewal date is 02-02, and the retries are on 02-04, 02-06 and 02-08. A late renewal is possible
until 02-16 (E + 7).
"""

import pytest

from tests.stories.story import lines


def one(
    money: str, outage: str, until: str, *, more: str = "", policy: str = "{}", account: str = ""
) -> str:
    return f"""
        policy: {policy}
        accounts: [{{id: acme, currency: USD, timezone: UTC, credits: "{money}"{account}}}]
        steps:
          - {{at: 2021-01-10, do: purchase, id: s1, account: acme, sku: PRO}}
          {more}
          - {{at: "{outage.split()[0]}", do: outage, until: "{outage.split()[1]}"}}
        until: {until}
    """


def test_what_is_due_at_the_first_instant_is_still_done(story):
    told = story(one("100.00", "2021-02-02 2021-03-01", "2021-03-01"))
    assert told.timeline[1:] == lines("""
        2021-01-26 s1 notice_renewal
        2021-02-02 s1 renewed -50.00
        2021-03-01 s1 notice_renewal  # due on 02-23 for E 03-09, true until the renewal date 03-02
    """)


def test_up_to_the_expiry_date_it_is_renewed_at_the_end(story):
    told = story(one("100.00", "2021-02-01T12:00:00Z 2021-02-09T23:59:59Z", "2021-02-23"))
    assert told.timeline[2:] == [
        "2021-02-09T23:59 s1 renewed -50.00",
        "2021-02-23 s1 notice_renewal",
    ]
    assert told.state("s1", "period_start", "expiry", "anchor") == (
        "2021-02-10",
        "2021-03-09",
        "2021-01-10",
    )


def test_missed_retries_become_one_attempt_and_those_ahead_stay(story):
    """The outage covers the first attempt and the retry of 02-04.

    One attempt is made on 02-05. The next ones are on 02-06 and 02-08.
    """
    told = story(one("50.00", "2021-02-01 2021-02-05T18:00:00Z", "2021-02-10"))
    assert told.timeline[2:] == lines("""
        2021-02-05T18:00 s1 renewal_failed (no_credits)
        2021-02-06 s1 renewal_failed (no_credits)
        2021-02-08 s1 renewal_failed (no_credits)
        2021-02-10 s1 expired
    """)


def test_ending_at_a_retry_s_first_instant_there_is_one_attempt(story):
    told = story(one("50.00", "2021-02-03 2021-02-06", "2021-02-10"))
    assert told.timeline[2:] == lines("""
        2021-02-02 s1 renewal_failed (no_credits)
        2021-02-06 s1 renewal_failed (no_credits)
        2021-02-08 s1 renewal_failed (no_credits)
        2021-02-10 s1 expired
    """)


@pytest.mark.parametrize("ends", ["2021-02-10", "2021-02-16T23:59:59Z"])
def test_a_first_attempt_is_made_late_up_to_seven_days_after_the_expiry_date(story, ends):
    """The late renewal pays one full cycle on the old schedule: 02-10..03-09."""
    told = story(one("100.00", f"2021-02-01 {ends}", "2021-02-22"))
    assert told.timeline[2:] == [f"{ends[:16]} s1 renewed -50.00"]
    assert told.state("s1", "period_start", "expiry", "cycles_paid", "renewal_date") == (
        "2021-02-10",
        "2021-03-09",
        2,
        "2021-03-02",
    )


def test_a_late_attempt_that_fails_is_marked_failed_and_expired_at_once(story):
    told = story(one("50.00", "2021-02-01 2021-02-12T08:00:00Z", "2021-03-12"))
    assert told.timeline[2:] == lines("""
        2021-02-12T08:00 s1 renewal_failed (no_credits)
        2021-02-12T08:00 s1 expired
        2021-03-12 s1 terminated  # day 1 is 02-12, day 29 is 03-12
    """)
    assert told.state("s1", "renewal_failed") is False


def test_later_than_that_it_is_expired_uncharged_and_has_its_days_from_then(story):
    told = story(
        one(
            "500.00",
            "2021-02-01 2021-02-17",
            "2021-03-17",
            account=", card: ok, renew_by_card: true",
        )
    )
    assert told.timeline[2:] == ["2021-02-17 s1 expired", "2021-03-17 s1 terminated"]


@pytest.mark.parametrize(
    ("late", "ends", "renewed"),
    [(0, "2021-02-09", True), (0, "2021-02-10", False), (27, "2021-02-20", True)],
)
def test_late_renewal_days_are_the_policy_s(story, late, ends, renewed):
    told = story(one("100.00", f"2021-02-01 {ends}", ends, policy=f"{{late_renewal_days: {late}}}"))
    assert told.timeline[2:] == [f"{ends} s1 renewed -50.00" if renewed else f"{ends} s1 expired"]


def test_whoever_had_failed_before_is_expired_even_with_the_money_there(story):
    told = story(
        one(
            "50.00",
            "2021-02-03 2021-02-11",
            "2021-02-11",
            policy="{retry_on_top_up: false}",
            more='- {at: 2021-02-02T12:00:00Z, do: top_up, account: acme, amount: "50.00"}',
        )
    )
    assert told.timeline[2:] == lines("""
        2021-02-02 s1 renewal_failed (no_credits)
        2021-02-02T12:00 acme topped_up 50.00
        2021-02-11 s1 expired
    """)


@pytest.mark.parametrize(
    ("command", "event"),
    [
        ("unsubscribe, id: s1", "s1 unsubscribed"),
        ("suspend, account: acme", "acme account_suspended"),
    ],
)
def test_the_unsubscribed_and_the_suspended_are_expired_uncharged(story, command, event):
    told = story(
        one(
            "500.00",
            "2021-01-27 2021-02-11",
            "2021-02-11",
            more=f"- {{at: 2021-01-26, do: {command}}}",
        )
    )
    assert (
        told.timeline[1:]
        == lines("""
        2021-01-26 acme account_suspended
        2021-01-26 s1 notice_renewal
        2021-02-11 s1 expired
    """)
        if "suspend" in event
        else lines("""
        2021-01-26 s1 notice_renewal
        2021-01-26 s1 unsubscribed
        2021-02-11 s1 expired
    """)
    )


def test_a_suspended_one_whose_days_are_not_over_fails_and_may_be_renewed_by_a_retry(story):
    told = story(
        one(
            "100.00",
            "2021-02-01 2021-02-05",
            "2021-02-06",
            more="- {at: 2021-01-30, do: suspend, account: acme}",
        ).replace(
            "until: 2021-02-06",
            "  - {at: 2021-02-05, do: resume, account: acme}\n        until: 2021-02-06",
        )
    )
    assert told.timeline[3:] == lines("""
        2021-02-05 acme account_resumed
        2021-02-05 s1 renewal_failed (suspended)
        2021-02-06 s1 renewed -50.00
    """)


def test_forty_days_over_everything(story):
    """The outage covers the notice, the renewal date, the retries and the expiry (02-10).

    It ends after E + 7. Notices that are no longer true are not sent.
    """
    told = story(one("500.00", "2021-01-25T12:00:00Z 2021-03-06T12:00:00Z", "2021-04-04"))
    # 03-06 + 28 days = 04-03
    assert told.timeline[1:] == ["2021-03-06T12:00 s1 expired", "2021-04-03 s1 terminated"]


def test_the_days_to_reactivate_count_from_the_day_it_was_marked(story):
    """It is marked EXPIRED on 03-06, so day 28 is 04-02.

    E moves from 02-09 to 03-09 to 04-09, which reaches today, for one fee.
    """
    told = story(
        one("500.00", "2021-02-01 2021-03-06", "2021-04-03").replace(
            "until: 2021-04-03",
            '  - {at: "2021-04-02T23:59:59Z", do: reactivate, id: s1}\n        until: 2021-04-03',
        )
    )
    assert told.timeline[2:] == lines("""
        2021-03-06 s1 expired
        2021-04-02T23:59 s1 reactivated -50.00
        2021-04-02T23:59 s1 renewed -50.00  # the renewal date of 04-09 is 04-02
    """)
    assert told.state("s1", "expiry", "cycles_paid") == ("2021-05-09", 3)


def test_an_outage_over_the_expiry_of_the_expired_ends_it_late(story):
    told = story(one("50.00", "2021-02-20 2021-04-01", "2021-04-01"))
    # 02-10 + 28 days = 03-10 is past
    assert told.timeline[-2:] == ["2021-02-10 s1 expired", "2021-04-01 s1 terminated"]


def test_an_overdue_notice_is_sent_while_it_is_true(story):
    told = story(one("100.00", "2021-01-20 2021-02-01T23:59:59Z", "2021-02-02"))
    assert told.timeline[1:] == [
        "2021-02-01T23:59 s1 notice_renewal",
        "2021-02-02 s1 renewed -50.00",
    ]


def test_an_overdue_notice_is_not_sent_once_it_is_not(story):
    told = story(one("100.00", "2021-01-20 2021-02-02", "2021-02-02"))
    assert told.timeline[1:] == ["2021-02-02 s1 renewed -50.00"]


@pytest.mark.parametrize(("ends", "sent"), [("2021-02-09T23:00:00Z", True), ("2021-02-10", False)])
def test_expiring_is_told_while_there_is_a_day_left(story, ends, sent):
    told = story(
        one(
            "100.00",
            f"2021-02-01 {ends}",
            "2021-02-10",
            more="- {at: 2021-01-30, do: unsubscribe, id: s1}",
        )
    )
    assert told.timeline[3:] == [f"{ends[:16]} s1 notice_expiring"] * sent + [
        "2021-02-10 s1 expired"
    ]


GROUP = """
        steps:
          - {at: 2021-01-10, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-01-10, do: purchase, id: s2, account: acme, sku: PRO}
"""


def account(money: str) -> str:
    return f'accounts: [{{id: acme, currency: USD, timezone: UTC, credits: "{money}"}}]'


def test_a_group_is_attempted_late_as_a_group(story):
    told = story(f"""
        {account("199.99")}
        {GROUP}
          - {{at: 2021-02-01, do: outage, until: 2021-02-11}}
        until: 2021-02-11
    """)
    assert told.timeline[4:] == lines("""
        2021-02-11 s1 renewal_failed (no_credits)
        2021-02-11 s1 expired
        2021-02-11 s2 renewal_failed (no_credits)
        2021-02-11 s2 expired
    """)
    assert told.balances == {"acme": "99.99"}


def test_independent_ones_are_attempted_late_each_alone(story):
    told = story(f"""
        policy: {{group_renewal: independent}}
        {account("199.99")}
        {GROUP}
          - {{at: 2021-02-01, do: outage, until: 2021-02-11}}
        until: 2021-02-11
    """)
    assert told.timeline[4:] == [
        "2021-02-11 s1 renewed -50.00",
        "2021-02-11 s2 renewal_failed (no_credits)",
        "2021-02-11 s2 expired",
    ]


LEGACY = """
        steps:
          - {at: 2021-01-10, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-01-11, do: purchase, id: s2, account: acme, sku: PRO, legacy: true}
"""  # s1 has E 02-09, s2 has E 02-10, and both renew on 02-02


@pytest.mark.parametrize("names", [("s1", "s2"), ("s2", "s1")])
def test_on_the_last_day_of_the_legacy_member_only_the_other_is_late(story, names):
    """On 02-10 the sum cannot be funded.

    The one with E 02-09 is EXPIRED at once. The legacy one still has this day.
    """
    normal, legacy = names
    told = story(f"""
        {account("199.00")}
        {LEGACY.replace("s1", "x").replace("s2", legacy).replace("x,", normal + ",")}
          - {{at: 2021-02-01, do: outage, until: 2021-02-10}}
          - {{at: 2021-02-10, do: recover, id: {legacy}}}
        until: 2021-02-11
    """)
    assert sorted(told.timeline[4:]) == sorted(
        [
            f"2021-02-10 {normal} renewal_failed (no_credits)",
            f"2021-02-10 {normal} expired",
            f"2021-02-10 {legacy} renewal_failed (no_credits)",
            f"2021-02-10 {legacy} recovered -50.00",
        ]
    )


@pytest.mark.parametrize("names", [("s1", "s2"), ("s2", "s1")])
def test_when_it_is_too_late_for_one_of_the_group_the_other_is_attempted_without_it(story, names):
    """02-17 is E + 8 of the first subscription, and E + 7 of the legacy one."""
    normal, legacy = names
    told = story(f"""
        {account("150.00")}
        {LEGACY.replace("s1", "x").replace("s2", legacy).replace("x,", normal + ",")}
          - {{at: 2021-02-01, do: outage, until: 2021-02-17}}
        until: 2021-02-17
    """)
    assert sorted(told.timeline[4:]) == sorted(
        [f"2021-02-17 {normal} expired", f"2021-02-17 {legacy} renewed -50.00"]
    )


def test_overdue_steps_run_in_the_order_of_the_instants_they_were_due_at(story):
    """s2 was due on 02-01, and s1 on 02-02. So s2 gets the 50.00, whatever the ids are."""
    told = story(f"""
        {account("150.00")}
        steps:
          - {{at: 2021-01-09, do: purchase, id: s2, account: acme, sku: PRO}}
          - {{at: 2021-01-10, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2021-01-31, do: outage, until: 2021-02-07}}
        until: 2021-02-07
    """)
    assert told.timeline[4:] == [
        "2021-02-07 s1 renewal_failed (no_credits)",
        "2021-02-07 s2 renewed -50.00",
    ]


def test_a_policy_that_renews_very_late_pays_cycle_after_cycle(story):
    """E is 02-09, 27 late days are allowed, and the outage ends on 03-06.

    02-10..03-09 is paid late. Its renewal date 03-02 is past, and 03-06 is not after 03-09. So the
    next cycle is attempted at once (Rule 5.7). A third one would be due on 04-02.
    """
    told = story(
        one("500.00", "2021-02-01 2021-03-06", "2021-03-06", policy="{late_renewal_days: 27}")
    )
    assert told.timeline[2:] == ["2021-03-06 s1 renewed -50.00"] * 2
    assert told.state("s1", "period_start", "expiry", "cycles_paid") == (
        "2021-02-10",
        "2021-04-09",
        3,
    )


def test_after_an_attempt_at_once_the_retry_days_ahead_stay(story):
    """The credits cover only one cycle. The attempt at once on 03-06 fails (renewal date 03-02).

    The retry days 03-04 and 03-06 are not later than the attempt. The retry day 03-08 is.
    """
    told = story(
        one("100.00", "2021-02-01 2021-03-06", "2021-03-10", policy="{late_renewal_days: 27}")
    )
    assert told.timeline[2:] == lines("""
        2021-03-06 s1 renewed -50.00
        2021-03-06 s1 renewal_failed (no_credits)
        2021-03-08 s1 renewal_failed (no_credits)
        2021-03-10 s1 expired
    """)


def test_the_card_pays_late_and_a_late_renewal_costs_the_price_of_its_renewal_date(story):
    told = story("""
        catalog:
          - {sku: PRO, kind: application, months: 1, prices: {USD: "50.00"}}
          - {sku: PRO, prices: {USD: "60.00"}, from: 2021-02-03}
        accounts:
          - {id: acme, currency: USD, timezone: UTC, credits: "60.00", card: ok,
             renew_by_card: true}
        steps:
          - {at: 2021-01-10, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-02-01, do: outage, until: 2021-02-12}
        until: 2021-02-12
    """)
    assert told.timeline[2:] == [
        "2021-02-12 acme card_charged 50.00",
        "2021-02-12 s1 renewed -50.00",
    ]
    assert told.state("s1", "fee") == "60.00"
    assert told.balances == {"acme": "10.00"}


def test_outage_days_are_local_in_each_account_s_zone(story):
    """The outage ends at 2021-02-16T16:00Z.

    This is 02-17 in Singapore (E + 8), and 02-16 in Paris (E + 7).
    """
    told = story("""
        accounts:
          - {id: east, currency: USD, timezone: Asia/Singapore, credits: "100.00"}
          - {id: west, currency: USD, timezone: Europe/Paris, credits: "100.00"}
        steps:
          - {at: 2021-01-10, do: purchase, id: e, account: east, sku: PRO}
          - {at: 2021-01-10, do: purchase, id: w, account: west, sku: PRO}
          - {at: 2021-02-01, do: outage, until: "2021-02-16T16:00:00Z"}
        until: "2021-02-16T16:00:00Z"
    """)
    assert told.timeline[4:] == ["2021-02-17 e expired", "2021-02-16T17:00 w renewed -50.00"]


def test_two_outages(story):
    """The first outage covers the attempt and a retry.

    The second covers the other retries and the expiry. The renewal failed before the second, so
    the subscription is EXPIRED.
    """
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: UTC, credits: "50.00"}]
        steps:
          - {at: 2021-01-10, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-02-01, do: outage, until: 2021-02-05}
          - {at: 2021-02-05, do: set, account: acme, credit_limit: "50.00"}
          - {at: 2021-02-05, do: outage, until: 2021-02-10}
        until: 2021-02-10
    """)
    assert told.timeline[2:] == [
        "2021-02-05 s1 renewal_failed (no_credits)",
        "2021-02-10 s1 expired",
    ]


def test_no_days_to_reactivate_after_an_outage(story):
    told = story(
        one(
            "50.00",
            "2021-02-01 2021-02-12T12:00:00Z",
            "2021-02-13",
            policy="{reactivation_days: 0}",
        )
    )
    assert told.timeline[2:] == lines("""
        2021-02-12T12:00 s1 renewal_failed (no_credits)
        2021-02-12T12:00 s1 expired
        2021-02-12T12:00 s1 terminated
    """)
