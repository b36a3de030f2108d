"""Stories of the seller's own wallet and cost (Rule 11.5)."""

import pytest

SHOP = """
        catalog:
          - {sku: PRO, application: phone, kind: application, months: 1, prices: {USD: "50.00"},
             costs: {USD: "20.00"}}
          - {sku: BIZ, application: phone, kind: application, months: 1, prices: {USD: "90.00"},
             costs: {USD: "35.00"}}
          - {sku: FREE, application: chat, kind: service, months: 1, prices: {USD: "0.00"}}"""


def story_of(credits_: str, policy: str = "") -> str:
    return f"""
        policy: {{seller_wallet: true{policy}}}
        seller: {{credits: {{USD: "{credits_}"}}}}{SHOP}"""


def test_a_purchase_that_the_wallet_cannot_pay_for_is_refused_however_it_is_paid(story):
    told = story(f"""{story_of("19.99")}
        accounts: [{{id: acme, currency: USD, timezone: Asia/Singapore, credits: "500.00"}}]
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-11-16, do: purchase, id: s2, account: acme, sku: PRO, pay: external_invoice,
             invoice_number: X-1}}
          - {{at: 2020-11-16, do: purchase, id: s3, account: acme, sku: PRO, pay: contract,
             contract: milestone}}
          - {{at: 2020-11-16, do: purchase, id: s4, account: acme, sku: FREE}}
        until: 2020-11-16
    """)
    assert told.refused == ["1 purchase 4.1", "2 purchase 4.1", "3 purchase 4.1"]
    assert told.balances == {"acme": "500.00"}


def test_each_cycle_costs_also_one_that_the_customer_s_wallet_does_not_pay(story):
    """79.99 pay three cycles of 20, not the fourth."""
    told = story(f"""{story_of("79.99", ", retry_days: []")}
        accounts: [{{id: acme, currency: USD, timezone: Asia/Singapore, credits: "500.00"}}]
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, pay: contract,
             contract: milestone}}
          - {{at: 2020-11-17, do: extend, id: s1, cycles: 1, invoice_number: X-1}}
        until: 2021-02-08
    """)
    assert told.events("renewed", "renewal_failed") == [
        "2021-01-08 s1 renewed",
        "2021-02-08 s1 renewal_failed (no_credits)",
    ]


def test_before_any_card_is_tried_the_renewal_fails(story):
    told = story(f"""{story_of("20.00", ", retry_days: []")}
        accounts:
          - {{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00", card: ok,
             renew_by_card: true}}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-12-09, do: recover, id: s1}}
        until: 2020-12-10
    """)
    assert told.events("renewal_failed", "card_charged") == [
        "2020-12-08 s1 renewal_failed (no_credits)"
    ]
    assert told.refused == ["2 recover 6.1"]


def test_a_group_whose_costs_the_wallet_does_not_cover_fails_as_a_whole(story):
    told = story(f"""{story_of("79.99", ", retry_days: []")}
        accounts: [{{id: acme, currency: USD, timezone: Asia/Singapore, credits: "500.00"}}]
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-11-16, do: purchase, id: s2, account: acme, sku: PRO}}
          - {{at: 2020-12-09, do: top_up, account: acme, amount: "1.00"}}
        until: 2020-12-09
    """)
    assert told.events("renewed") == []
    assert len(told.events("renewal_failed")) == 2


@pytest.mark.parametrize(("held", "refused"), [("30.50", []), ("30.49", ["2 change_plan 9"])])
def test_a_change_costs_the_prorated_difference(story, held: str, refused: list[str]):
    """15 × 21/30 = 10.50 on 11-25, and 20 for the purchase."""
    told = story(f"""{story_of(held)}
        accounts: [{{id: acme, currency: USD, timezone: Asia/Singapore, credits: "500.00"}}]
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-11-25, do: change_plan, id: s1, sku: BIZ}}
        until: 2020-11-25
    """)
    assert told.refused == refused


def test_without_the_policy_no_cost_is_posted(story):
    told = story(f"""
        seller: {{credits: {{USD: "0.01"}}}}{SHOP}
        accounts: [{{id: acme, currency: USD, timezone: Asia/Singapore, credits: "500.00"}}]
        steps: [{{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}]
        until: 2020-11-16
    """)
    assert told.refused == []
