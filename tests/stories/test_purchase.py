"""Stories of purchases (Rules 3.1 to 3.3, 4.1), and of the order of the checks (Rule 2)."""

import pytest

from tests.stories.story import lines


def test_each_line_by_its_own_base_cycle_and_rounded_once(story):
    """The fee is 3 × 50 × 2 months, 5 seats × 10 × 2, and 1 support × 100 × 2/12 = 16.67.

    KWD has three decimals, JPY has none.
    """
    told = story("""
        accounts:
          - {id: acme, currency: USD, timezone: Asia/Singapore, credits: "1000.00"}
          - {id: kwt, currency: KWD, timezone: Asia/Kuwait, credits: "100.000"}
          - {id: tyo, currency: JPY, timezone: Asia/Tokyo, credits: "100000"}
        steps:
          - {at: 2021-03-01, do: purchase, id: t, account: tyo, sku: PRO, quantity: 2}
          - {at: 2021-03-01, do: purchase, id: s, account: acme, sku: PRO, quantity: 3,
             multiplier: 2, addons: {SUPPORT: 1, SEAT: 5}}
          - {at: 2021-03-01, do: purchase, id: k, account: kwt, sku: PRO, multiplier: 3}
        until: 2021-03-02
    """)
    assert told.invoices == lines("""
        2021-03-01 tyo individual 10000 = 10000
        2021-03-01 acme individual 300.00 + 100.00 + 16.67 = 416.67
        2021-03-01 kwt individual 45.375 = 45.375
    """)
    assert told.state("s", "fee", "expiry", "renewal_date") == (
        "416.67",
        "2021-04-30",
        "2021-04-23",
    )


def test_half_a_cent_is_rounded_up_line_by_line(story):
    """Each line is 12.30 ÷ 12 = 1.025 → 1.03. Two lines are 2.06, not 2.05."""
    told = story("""
        catalog:
          - {sku: A, kind: application, months: 1, prices: {USD: "0.00"}}
          - {sku: X, kind: addon, months: 12, prices: {USD: "12.30"}}
          - {sku: Y, kind: addon, months: 12, prices: {USD: "12.30"}}
        steps:
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: A, addons: {X: 1, Y: 1}}
        until: 2021-03-01
    """)
    assert told.timeline == ["2021-03-01 s1 purchased -2.06"]
    assert told.invoices == ["2021-03-01 acme individual 0.00 + 1.03 + 1.03 = 2.06"]


@pytest.mark.parametrize(
    ("purchase", "policy", "rule"),
    [
        ("sku: PRO, quantity: 2", "{}", None),
        ("sku: PRO, quantity: 3", "{}", "4.1"),  # 150.00 > 100.00
        ("sku: FREE, quantity: 500", "{}", None),
        ("sku: FREE, quantity: 501", "{}", "3.3"),
        ("sku: FREE, addons: {SEAT: 501}", "{}", "3.3"),
        ("sku: FREE, quantity: 6", "{max_licences: 5}", "3.3"),
        ("sku: FREE, quantity: 1000000000", "{}", "3.3"),
        ("sku: FREE, multiplier: 1000000000", "{}", "3.1"),
        ("sku: FREE, multiplier: 2", "{min_cycle_months: 3}", "3.1"),
        ("sku: FREE, multiplier: 3", "{min_cycle_months: 3}", None),
        ("sku: FREE, quantity: 501, multiplier: 1", "{min_cycle_months: 3}", "3.3"),
        ("sku: NOWHERE", "{}", "4.1"),  # no price in USD
        ("sku: NOWHERE, quantity: 501", "{}", "3.3"),  # arguments come before a missing price
        ("sku: FREE, addons: {NOADD: 1}", "{}", "4.1"),  # every line needs a price
        ("sku: LATER", "{}", "4.1"),  # sold from tomorrow on
        ("sku: PRO, quantity: 500, pay: external_invoice, invoice_number: E-1", "{}", None),
        ("sku: NOWHERE, pay: external_invoice, invoice_number: E-1", "{}", "4.1"),
    ],
)
def test_what_refuses_a_purchase(story, purchase, policy, rule):
    told = story(f"""
        policy: {policy}
        catalog:
          - {{sku: PRO, kind: application, months: 1, prices: {{USD: "50.00"}}}}
          - {{sku: FREE, kind: service, months: 1, prices: {{USD: "0.00"}}}}
          - {{sku: LATER, kind: service, months: 1, prices: {{USD: "1.00"}}, from: 2021-03-02}}
          - {{sku: NOWHERE, kind: service, months: 1, prices: {{EUR: "1.00"}}}}
          - {{sku: SEAT, kind: addon, months: 1, prices: {{USD: "0.00"}}}}
          - {{sku: NOADD, kind: addon, months: 1, prices: {{EUR: "1.00"}}}}
        steps:
          - {{at: 2021-03-01, do: set_card, account: acme, card: ok}}
          - {{at: 2021-03-01, do: set, account: acme, renew_by_card: true}}
          - {{at: 2021-03-01, do: purchase, id: s1, account: acme, {purchase}}}
        until: 2021-03-01
    """)
    assert told.refused == ([f"3 purchase {rule}"] if rule else [])
    assert bool(told.result["subscriptions"]) == bool(told.timeline) == (rule is None)


def test_the_credit_limit_may_be_used_up_and_is_shown(story):
    """Usable 91.33 with limit 100 means 8.67 of the limit is used (Rule 11.1)."""
    told = story("""
        catalog:
          - {sku: A, kind: application, months: 1, prices: {USD: "8.67"}}
          - {sku: B, kind: application, months: 1, prices: {USD: "91.34"}}
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credit_limit: "100.00"}]
        steps:
          - {at: 2021-03-01, do: purchase, id: a, account: acme, sku: A}
          - {at: 2021-03-01, do: purchase, id: b, account: acme, sku: B}
        until: 2021-03-01
    """)
    assert told.refused == ["2 purchase 4.1"]
    assert told.result["accounts"]["acme"] == {
        "currency": "USD",
        "mode": "prepaid",
        "balance": "-8.67",
        "usable": "91.33",
        "reserved": "0.00",
        "unbilled": "0.00",
    }


def test_a_purchase_on_an_external_invoice_touches_no_money_and_renews_from_credits(story):
    told = story("""
        steps:
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO, pay: external_invoice,
             invoice_number: E-1}
        until: 2021-03-24
    """)
    assert told.timeline == [
        "2021-03-01 s1 purchased",
        "2021-03-17 s1 notice_renewal",
        "2021-03-24 s1 renewed -50.00",
    ]
    assert told.invoices == ["2021-03-24 acme individual 50.00 = 50.00"]


def test_the_order_of_the_checks(story):
    """The order is replay, suspended, never created, the table, arguments, price, funds.

    The checks that come later would refuse each step, too.
    """
    told = story("""
        catalog:
          - {sku: PRO, kind: application, months: 1, prices: {USD: "50.00"}}
          - {sku: GONE, kind: application, months: 1, prices: {EUR: "50.00"}}
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00"}]
        steps:
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO, request_id: r1}
          - {at: 2021-03-01, do: purchase, id: s2, account: acme, sku: GONE, quantity: 501}
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: GONE, quantity: 501}
          - {at: 2021-03-01, do: extend, id: s2, cycles: 1}
          - {at: 2021-03-01, do: extend, id: s1, to: 2021-03-01}
          - {at: 2021-03-01, do: extend, id: s1, cycles: 1}
          - {at: 2021-03-01, do: suspend, account: acme}
          - {at: 2021-03-01, do: extend, id: s2, cycles: 1}
          - {at: 2021-03-01, do: extend, id: s2, cycles: 1, request_id: r1}
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO, request_id: r1}
        until: 2021-03-01
    """)
    assert told.refused == lines("""
        2 purchase 3.3
        3 purchase 4.1
        4 extend 4.1
        5 extend 6.2
        6 extend 6.2
        8 extend 11.8
        9 extend 4.2
    """)
    assert told.timeline == ["2021-03-01 acme account_suspended", "2021-03-01 s1 purchased -50.00"]
