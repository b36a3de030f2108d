"""Stories of transfers and adjustments (Rules 5.4, 11.9)."""

from tests.stories.story import lines

TWO = """
        accounts:
          - {id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00"}
          - {id: other, currency: USD, timezone: Asia/Singapore, credits: "80.00"}
          - {id: euro, currency: EUR, timezone: Asia/Singapore, credits: "80.00"}"""


def test_a_transfer_in_renews_what_has_failed(story):
    """12-10 is a retry day. The retry fails before the transfer of that instant."""
    told = story(f"""{TWO}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-12-09, do: transfer, account: other, to: acme, amount: "49.99"}}
          - {{at: 2020-12-10, do: transfer, account: other, to: acme, amount: "0.01"}}
        until: 2020-12-10
    """)
    assert told.timeline[-6:] == lines("""
        2020-12-09 acme transferred 49.99
        2020-12-09 other transferred -49.99
        2020-12-10 acme transferred 0.01
        2020-12-10 other transferred -0.01
        2020-12-10 s1 renewal_failed (no_credits)
        2020-12-10 s1 renewed -50.00
    """)
    assert told.balances == {"acme": "0.00", "euro": "80.00", "other": "30.00"}
    assert len(told.invoices) == 2


def test_what_cannot_be_transferred(story):
    """A transfer to a suspended account is possible, one from it is not (Rule 11.8)."""
    told = story(f"""{TWO}
        steps:
          - {{at: 2020-11-16, do: transfer, account: acme, to: euro, amount: "1.00"}}
          - {{at: 2020-11-16, do: transfer, account: acme, to: acme, amount: "1.00"}}
          - {{at: 2020-11-16, do: transfer, account: acme, to: other, amount: "50.01"}}
          - {{at: 2020-11-16, do: suspend, account: other}}
          - {{at: 2020-11-16, do: transfer, account: acme, to: other, amount: "5.00"}}
          - {{at: 2020-11-16, do: transfer, account: other, to: acme, amount: "5.00"}}
        until: 2020-11-16
    """)
    assert told.refused == [
        "1 transfer 11.9",
        "2 transfer 11.9",
        "3 transfer 11.9",
        "6 transfer 11.8",
    ]
    assert told.balances == {"acme": "45.00", "euro": "80.00", "other": "85.00"}


def test_a_transfer_to_a_suspended_account_retries_nothing(story):
    told = story(f"""{TWO}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-12-09, do: suspend, account: acme}}
          - {{at: 2020-12-09, do: transfer, account: other, to: acme, amount: "50.00"}}
        until: 2020-12-09
    """)
    assert told.events("renewed") == []


def test_what_is_due_in_both_accounts_is_done_before(story):
    """The first instant of the renewal date: the renewal takes the credits first (Rule 1.6)."""
    told = story(f"""{TWO}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: other, sku: PRO}}
          - {{at: 2020-12-08, do: top_up, account: other, amount: "20.00"}}
          - {{at: 2020-12-08, do: transfer, account: other, to: acme, amount: "0.01"}}
        until: 2020-12-08
    """)
    assert told.events("renewed") == ["2020-12-08 s1 renewed -50.00"]
    assert told.refused == ["3 transfer 11.9"]


def test_an_adjustment_gives_or_takes_and_sets_off_no_retry(story):
    told = story(f"""{TWO}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-12-09, do: adjust, account: acme, amount: "60.00", reason: goodwill}}
          - {{at: 2020-12-09, do: adjust, account: acme, amount: "-10.01", reason: too much}}
          - {{at: 2020-12-09, do: adjust, account: acme, amount: "-50.00", reason: too much}}
        until: 2020-12-09
    """)
    assert told.timeline[-3:] == lines("""
        2020-12-08 s1 renewal_failed (no_credits)
        2020-12-09 acme adjusted 60.00
        2020-12-09 acme adjusted -10.01
    """)
    assert told.refused == ["4 adjust 11.9"]
    assert len(told.invoices) == 1
