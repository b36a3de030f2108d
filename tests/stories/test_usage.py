"""Stories of usage (Rules 3.2, 11.1, 11.4)."""

from tests.stories.story import lines

ACCOUNT = """
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "10.00"}]"""


def test_it_is_kept_with_five_decimals_and_stands_on_the_invoice_of_its_month(story):
    told = story(f"""{ACCOUNT}
        steps:
          - {{at: 2020-11-16, do: usage, account: acme, amount: "0.12345", text: calls}}
          - {{at: 2020-11-30, do: usage, account: acme, amount: "1.00", text: calls}}
          - {{at: 2020-12-01, do: usage, account: acme, amount: "2.00", text: calls}}
        until: 2021-01-01
    """)
    assert told.timeline == lines("""
        2020-11-16 acme usage -0.12345
        2020-11-30 acme usage -1.00
        2020-12-01 acme invoiced
        2020-12-01 acme usage -2.00
        2021-01-01 acme invoiced
    """)
    assert told.invoices == [
        "2020-11-30 acme monthly 0.12345 + 1.00 = 1.12345",
        "2020-12-31 acme monthly 2.00 = 2.00",
    ]
    assert told.balances == {"acme": "6.87655"}


def test_beyond_usable_it_is_refused(story):
    told = story(f"""{ACCOUNT}
        steps:
          - {{at: 2020-11-16, do: usage, account: acme, amount: "10.00001", text: calls}}
          - {{at: 2020-11-16, do: usage, account: acme, amount: "10.00", text: calls}}
          - {{at: 2020-11-16, do: usage, account: acme, amount: "0.00001", text: calls}}
        until: 2020-11-16
    """)
    assert told.refused == ["1 usage 11.1", "3 usage 11.1"]


def test_a_suspended_account_uses_nothing(story):
    told = story(f"""{ACCOUNT}
        steps:
          - {{at: 2020-11-16, do: suspend, account: acme}}
          - {{at: 2020-11-16, do: usage, account: acme, amount: "1.00", text: calls}}
        until: 2020-11-16
    """)
    assert told.refused == ["2 usage 11.8"]
