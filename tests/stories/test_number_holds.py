"""Stories of numbers that are held and released (Rules 1.4, 1.6, 1.7, 10.2, 11.8, 13)."""

import pytest

from tests.stories.story import lines

BUY = """do: purchase, sku: PRO, pay: external_invoice, invoice_number: X"""
HOLDS = ("expired", "terminated", "number_hold_ending", "number_released")


def test_numbers_of_one_instant_are_released_by_number_after_the_terminations(story):
    """Rule 1.7. s1 is terminated on day 3, and its numbers are released on day 4 = 3 + 1."""
    told = story(f"""
        policy: {{reactivation_days: 3, number_hold_days: {{
          normal: {{expired: 3, terminated: 1, swapped: 1}}}}}}
        steps:
          - {{at: 2020-11-16, {BUY}, id: s1, account: acme,
             numbers: [{{number: "+66", sku: DID}}, {{number: "+65", sku: DID}}]}}
          - {{at: 2020-11-17, do: unsubscribe, id: s1}}
        until: 2021-01-20
    """)
    assert told.events(*HOLDS) == lines("""
        2020-12-16 s1 expired
        2020-12-19 s1 terminated
        2020-12-19 s1 number_released +65
        2020-12-19 s1 number_released +66
    """)


@pytest.mark.parametrize(
    ("days", "events"),
    [
        (0, ["2020-11-21 s1 number_released +65"]),
        (1, ["2020-11-22 s1 number_released +65"]),
        (7, ["2020-11-28 s1 number_released +65"]),
        (8, ["2020-11-21 s1 number_hold_ending +65", "2020-11-29 s1 number_released +65"]),
    ],
)
def test_the_policy_says_how_long_a_number_is_held(story, days, events):
    """Removed on 11-20 (day 0). A hold of 7 days or fewer has no reminder ahead."""
    told = story(f"""
        policy: {{number_hold_days: {{normal: {{expired: 56, terminated: {days}, swapped: 1}}}}}}
        steps:
          - {{at: 2020-11-16, {BUY}, id: s1, account: acme, numbers: [{{number: "+65", sku: DID}}]}}
          - {{at: "2020-11-20T15:00:00+08:00", do: remove_number, id: s1, number: "+65"}}
        until: 2020-12-05
    """)
    assert told.events(*HOLDS) == events


def test_after_a_termination_a_ported_in_number_is_held_longer_and_a_byoi_one_is_not(story):
    told = story(f"""
        steps:
          - {{at: 2020-11-16, {BUY}, id: s1, account: acme,
             numbers: [{{number: "+65", sku: DID}}, {{number: "+66", sku: DID, hold: ported_in}},
                       {{number: "+67", sku: DID, hold: byoi}}]}}
          - {{at: 2020-11-20, do: terminate, id: s1, reason: moved}}
        until: 2021-02-01
    """)
    assert told.events(*HOLDS) == lines("""
        2020-11-20 s1 terminated (moved)
        2020-12-11 s1 number_hold_ending +65
        2020-12-19 s1 number_released +65
        2021-01-08 s1 number_hold_ending +66
        2021-01-16 s1 number_released +66
    """)


def test_a_release_comes_before_a_purchase_of_the_same_instant(story):
    """Rule 1.6. The number is swapped out on 11-20, held on 11-21, and free on 11-22."""
    told = story(f"""
        accounts:
          - {{id: acme, currency: USD, timezone: Asia/Singapore, credits: "100.00"}}
          - {{id: other, currency: USD, timezone: Asia/Singapore, credits: "100.00"}}
        steps:
          - {{at: 2020-11-16, {BUY}, id: s1, account: acme, numbers: [{{number: "+65", sku: DID}}]}}
          - {{at: 2020-11-20, do: swap_number, id: s1, number: "+65", to: "+66"}}
          - {{at: "2020-11-21T23:59:59+08:00", {BUY}, id: s2, account: other,
             numbers: [{{number: "+65", sku: DID}}]}}
          - {{at: 2020-11-22, {BUY}, id: s3, account: other,
             numbers: [{{number: "+65", sku: DID}}]}}
        until: 2020-11-23
    """)
    assert told.refused == ["3 purchase 10.2"]
    assert told.events("number_released", "purchased") == lines("""
        2020-11-16 s1 purchased
        2020-11-22 s1 number_released +65
        2020-11-22 s3 purchased
    """)


def test_the_account_itself_can_buy_what_is_held_for_it_and_the_hold_is_over(story):
    told = story(f"""
        steps:
          - {{at: 2020-11-16, {BUY}, id: s1, account: acme, numbers: [{{number: "+65", sku: DID}}]}}
          - {{at: 2020-11-20, do: terminate, id: s1, reason: moved}}
          - {{at: 2020-12-15, {BUY}, id: s2, account: acme, numbers: [{{number: "+65", sku: DID}}]}}
        until: 2021-01-05
    """)
    assert told.refused == []
    assert told.events("number_hold_ending", "number_released") == lines("""
        2020-12-11 s1 number_hold_ending +65
    """)


def test_a_suspended_account_keeps_its_holds(story):
    """Rule 11.8: expiry, day 29 and number holds go on."""
    told = story(f"""
        steps:
          - {{at: 2020-11-16, {BUY}, id: s1, account: acme, numbers: [{{number: "+65", sku: DID}}]}}
          - {{at: 2020-11-17, do: remove_number, id: s1, number: "+65"}}
          - {{at: 2020-11-18, do: suspend, account: acme}}
        until: 2020-12-16
    """)
    assert told.events(*HOLDS) == lines("""
        2020-12-08 s1 number_hold_ending +65
        2020-12-16 s1 expired
        2020-12-16 s1 number_released +65
    """)


@pytest.mark.parametrize(
    ("back", "events"),
    [
        # Removed on 11-17. The reminder was due on 12-08, the release on 12-16.
        (
            "2020-12-10",
            ["2020-12-10 s1 number_hold_ending +65", "2020-12-16 s1 number_released +65"],
        ),
        (
            "2020-12-15",
            ["2020-12-15 s1 number_hold_ending +65", "2020-12-16 s1 number_released +65"],
        ),
        ("2020-12-16", ["2020-12-16 s1 number_released +65"]),
        ("2020-12-30", ["2020-12-30 s1 number_released +65"]),
    ],
)
def test_rule_13_after_an_outage_a_reminder_is_sent_while_it_is_true(story, back, events):
    told = story(f"""
        accounts: [{{id: acme, currency: USD, timezone: UTC, credits: "0.00"}}]
        steps:
          - {{at: 2020-11-16, {BUY}, id: s1, account: acme, multiplier: 3,
             numbers: [{{number: "+65", sku: DID}}]}}
          - {{at: 2020-11-17, do: remove_number, id: s1, number: "+65"}}
          - {{at: "2020-12-01T09:00:00Z", do: outage, until: "{back}T00:00:00Z"}}
        until: 2021-01-05
    """)
    assert told.events(*HOLDS) == events


def test_rule_13_the_hold_counts_from_the_day_on_which_it_was_marked(story):
    """E is 12-15. It is marked EXPIRED on 12-28, which is day 1. Day 56 is 02-21."""
    told = story(f"""
        accounts: [{{id: acme, currency: USD, timezone: UTC, credits: "0.00"}}]
        steps:
          - {{at: 2020-11-16, {BUY}, id: s1, account: acme, numbers: [{{number: "+65", sku: DID}}]}}
          - {{at: 2020-11-17, do: unsubscribe, id: s1}}
          - {{at: 2020-12-10, do: outage, until: 2020-12-28}}
        until: 2021-03-01
    """)
    assert told.events(*HOLDS) == lines("""
        2020-12-28 s1 expired
        2021-01-25 s1 terminated
        2021-02-14 s1 number_hold_ending +65
        2021-02-22 s1 number_released +65
    """)


def test_rule_13_a_number_that_leaves_in_an_outage_is_held_from_the_first_day_of_the_cycle(story):
    """The cycle begins on 12-16, and day 28 is 01-13, whenever it is done."""
    told = story(f"""
        accounts: [{{id: acme, currency: USD, timezone: UTC, credits: "100.00"}}]
        steps:
          - {{at: 2020-11-16, {BUY}, id: s1, account: acme, numbers: [{{number: "+65", sku: DID}}]}}
          - {{at: 2020-11-17, do: remove_number, id: s1, number: "+65", when: renewal}}
          - {{at: 2020-12-10, do: outage, until: 2020-12-20}}
        until: 2021-01-15
    """)
    assert told.events(*HOLDS) == lines("""
        2021-01-06 s1 number_hold_ending +65
        2021-01-14 s1 number_released +65
    """)


def test_rule_1_4_a_release_is_at_the_first_instant_of_its_day_in_the_zone_of_the_account(story):
    """In Havana 2024-03-10 begins at 01:00, which is 05:00Z."""
    told = story(f"""
        accounts: [{{id: acme, currency: USD, timezone: America/Havana, credits: "0.00"}}]
        steps:
          - {{at: 2024-03-01, {BUY}, id: s1, account: acme, numbers: [{{number: "+53", sku: DID}}]}}
          - {{at: 2024-03-08, do: swap_number, id: s1, number: "+53", to: "+54"}}
        until: 2024-03-11
    """)
    [released] = [e for e in told.result["timeline"] if e["event"] == "number_released"]
    assert (released["at"], released["date"]) == ("2024-03-10T01:00:00-04:00", "2024-03-10")


def test_rule_9_a_new_owner_has_what_is_held_since_the_expiry_and_the_old_one_the_rest(story):
    told = story(f"""
        accounts:
          - {{id: acme, currency: USD, timezone: Asia/Singapore, credits: "100.00"}}
          - {{id: other, currency: USD, timezone: UTC, credits: "100.00"}}
        steps:
          - {{at: 2020-11-16, {BUY}, id: s1, account: acme,
             numbers: [{{number: "+65", sku: DID}}, {{number: "+66", sku: DID}}]}}
          - {{at: 2020-11-17, do: unsubscribe, id: s1}}
          - {{at: 2020-12-14, do: remove_number, id: s1, number: "+66"}}
          - {{at: 2020-12-20, do: change_owner, id: s1, account: other}}
        until: 2021-02-12
    """)
    released = [e for e in told.result["timeline"] if e["event"] == "number_released"]
    assert [(e["number"], e["account"], e["at"]) for e in released] == [
        ("+66", "acme", "2021-01-12T00:00:00+08:00"),  # 12-14 + 29
        ("+65", "other", "2021-02-10T00:00:00+00:00"),  # 12-15 + 57, in the zone of the new owner
    ]
