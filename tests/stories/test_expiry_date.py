"""Stories of the last day: the expiry date is inclusive (Rule 1.2)."""

import pytest

from tests.stories.story import lines


def test_rule_1_2_it_works_on_the_whole_expiry_date_and_not_a_second_longer(story):
    """A change in the last second costs the one day that is left: 10.00 / 30 × 1 = 0.33."""
    told = story("""
        steps:
          - {at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-06-02, do: unsubscribe, id: s1}
          - {at: 2021-06-30T23:59:59+08:00, do: set_addon, id: s1, sku: SEAT, quantity: 1}
          - {at: 2021-07-01, do: set_addon, id: s1, sku: SEAT, quantity: 2}
        until: 2021-07-02
    """)
    assert told.timeline[2:] == lines("""
        2021-06-27 s1 notice_expiring
        2021-06-30T23:59 s1 addon_changed -0.33
        2021-07-01 s1 expired
    """)
    assert told.refused == ["4 set_addon 9"]
    assert told.state("s1", "status", "period_start", "expiry") == (
        "EXPIRED",
        "2021-06-01",
        "2021-06-30",
    )


@pytest.mark.parametrize(
    ("day", "started", "expiry"),
    [
        ("2021-06-30", "2021-06-01", "2021-07-31"),
        ("2021-07-01", "2021-07-01", "2021-07-31"),
    ],
)
def test_rule_1_2_the_next_period_begins_on_the_day_after_it(story, day, started, expiry):
    """06-30 belongs to the first period, 07-01 to the second. No day is in both, or in none."""
    told = story(f"""
        steps:
          - {{at: 2021-06-01, do: purchase, id: s1, account: acme, sku: PRO}}
        until: {day}
    """)
    assert told.state("s1", "period_start", "expiry") == (started, expiry)
