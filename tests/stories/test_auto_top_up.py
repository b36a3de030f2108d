"""Stories of automatic top-ups (Rules 5.4, 5.7, 11.2)."""

from tests.stories.story import lines

ACCOUNT = """
        accounts:
          - {id: acme, currency: USD, timezone: Asia/Singapore, card: ok, auto_top_up: true}"""


def test_it_is_looked_at_once_after_what_has_lowered_the_balance(story):
    """A fifth of 100 is 20. At 20.01 nothing happens, at 20.00 the card is charged 100."""
    told = story(f"""{ACCOUNT}
        steps:
          - {{at: 2020-11-16, do: top_up, account: acme, amount: "100.00"}}
          - {{at: 2020-11-17, do: usage, account: acme, amount: "79.99", text: calls}}
          - {{at: 2020-11-18, do: usage, account: acme, amount: "0.01", text: calls}}
        until: 2020-11-18
    """)
    assert told.timeline == lines("""
        2020-11-16 acme topped_up 100.00
        2020-11-17 acme usage -79.99
        2020-11-18 acme usage -0.01
        2020-11-18 acme auto_topped_up 100.00
    """)
    assert told.invoices[1] == "2020-11-18 acme individual 100.00 = 100.00"


def test_opening_credits_and_renewals_by_card_are_no_top_ups(story):
    told = story("""
        accounts:
          - {id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00", card: ok,
             renew_by_card: true, auto_top_up: true}
        steps: [{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}]
        until: 2021-01-08
    """)
    assert told.events("auto_topped_up") == []
    assert len(told.events("card_charged")) == 2


def test_a_transfer_in_is_no_top_up_that_is_repeated(story):
    """Rule 11.9. At 5.00 there is no top-up yet. Later the last one is 20.00, and a fifth is 4.00.

    The transfers are 100.00 and 50.00. A fifth of them would be 20.00 and 10.00.
    """
    told = story("""
        accounts:
          - {id: acme, currency: USD, timezone: Asia/Singapore, card: ok, auto_top_up: true}
          - {id: bank, currency: USD, timezone: Asia/Singapore, credits: "150.00"}
        steps:
          - {at: 2020-11-16, do: transfer, account: bank, to: acme, amount: "100.00"}
          - {at: 2020-11-17, do: usage, account: acme, amount: "95.00", text: calls}
          - {at: 2020-11-18, do: top_up, account: acme, amount: "20.00"}
          - {at: 2020-11-18, do: transfer, account: bank, to: acme, amount: "50.00"}
          - {at: 2020-11-19, do: usage, account: acme, amount: "70.99", text: calls}
          - {at: 2020-11-20, do: usage, account: acme, amount: "0.01", text: calls}
        until: 2020-11-20
    """)
    assert told.events("auto_topped_up") == ["2020-11-20 acme auto_topped_up 20.00"]
    assert told.balances == {"acme": "24.00", "bank": "0.00"}


def test_a_declined_card_and_no_card_and_no_switch(story):
    told = story("""
        accounts:
          - {id: dead, currency: USD, timezone: Asia/Singapore, card: declined, auto_top_up: true}
          - {id: none, currency: USD, timezone: Asia/Singapore, auto_top_up: true}
          - {id: idle, currency: USD, timezone: Asia/Singapore, card: ok}
        steps:
          - {at: 2020-11-16, do: top_up, account: dead, amount: "10.00"}
          - {at: 2020-11-16, do: top_up, account: none, amount: "10.00"}
          - {at: 2020-11-16, do: top_up, account: idle, amount: "10.00"}
          - {at: 2020-11-17, do: usage, account: dead, amount: "9.00", text: calls}
          - {at: 2020-11-17, do: usage, account: none, amount: "9.00", text: calls}
          - {at: 2020-11-17, do: usage, account: idle, amount: "9.00", text: calls}
          - {at: 2020-11-18, do: usage, account: dead, amount: "0.50", text: calls}
        until: 2020-11-18
    """)
    assert told.events("auto_topped_up", "card_declined") == [
        "2020-11-17 dead card_declined",
        "2020-11-18 dead card_declined",
    ]


def test_the_daily_cap_skips_it_and_the_next_day_begins_anew(story):
    told = story(f"""
        policy: {{auto_top_up_daily_cap: {{USD: "150.00"}}}}{ACCOUNT}
        steps:
          - {{at: 2020-11-16, do: top_up, account: acme, amount: "100.00"}}
          - {{at: 2020-11-17, do: usage, account: acme, amount: "90.00", text: calls}}
          - {{at: 2020-11-17, do: usage, account: acme, amount: "100.00", text: calls}}
          - {{at: 2020-11-18, do: usage, account: acme, amount: "1.00", text: calls}}
        until: 2020-11-18
    """)
    assert told.events("auto_topped_up") == [
        "2020-11-17 acme auto_topped_up 100.00",
        "2020-11-18 acme auto_topped_up 100.00",
    ]


def test_a_renewal_that_lowers_the_balance_sets_it_off(story):
    told = story(f"""{ACCOUNT}
        steps:
          - {{at: 2020-11-16, do: top_up, account: acme, amount: "100.00"}}
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
        until: 2020-12-08
    """)
    assert told.events("renewed", "auto_topped_up") == [
        "2020-12-08 acme auto_topped_up 100.00",
        "2020-12-08 s1 renewed -50.00",
    ]
    assert told.balances == {"acme": "100.00"}


def test_it_heals_what_had_failed(story):
    """The switch alone does nothing. 1.00 of usage leaves 9 of 60, so 60 are charged."""
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, card: ok}]
        steps:
          - {at: 2020-11-16, do: top_up, account: acme, amount: "60.00"}
          - {at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2020-12-09, do: set, account: acme, auto_top_up: true}
          - {at: 2020-12-09T12:00:00+08:00, do: usage, account: acme, amount: "1.00", text: calls}
        until: 2020-12-10
    """)
    assert told.timeline[-4:] == lines("""
        2020-12-08 s1 renewal_failed (no_credits)
        2020-12-09T12:00 acme usage -1.00
        2020-12-09T12:00 acme auto_topped_up 60.00
        2020-12-09T12:00 s1 renewed -50.00
    """)


def test_it_comes_before_the_attempt_that_the_same_command_sets_off(story):
    """Reactivated after 01-08, the renewal date of the old schedule. The attempt needs credits."""
    told = story(f"""{ACCOUNT}
        steps:
          - {{at: 2020-11-16, do: top_up, account: acme, amount: "100.00"}}
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-12-01, do: adjust, account: acme, amount: "-20.00", reason: x}}
          - {{at: 2021-01-10, do: adjust, account: acme, amount: "20.00", reason: x}}
          - {{at: 2021-01-10, do: reactivate, id: s1}}
        until: 2021-01-10
    """)
    assert told.timeline[-3:] == lines("""
        2021-01-10 acme auto_topped_up 100.00
        2021-01-10 s1 reactivated -50.00
        2021-01-10 s1 renewed -50.00
    """)


def test_a_suspended_account_is_not_topped_up(story):
    told = story(f"""{ACCOUNT}
        steps:
          - {{at: 2020-11-16, do: top_up, account: acme, amount: "100.00"}}
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-11-16, do: adjust, account: acme, amount: "-29.00", reason: x}}
          - {{at: 2020-11-17, do: suspend, account: acme}}
          - {{at: 2020-11-18, do: terminate, id: s1, reason: moved}}
          - {{at: 2020-11-19, do: resume, account: acme}}
        until: 2020-11-20
    """)
    assert told.events("auto_topped_up") == []
