"""Stories of postpaid accounts (Rule 11.6)."""

from tests.stories.story import lines

POSTPAID = """
        accounts:
          - {id: acme, currency: USD, timezone: Asia/Singapore, mode: postpaid,
             credit_limit: "100.00", card: ok, renew_by_card: true}
          - {id: other, currency: USD, timezone: Asia/Singapore, credits: "80.00"}"""


def wallet(told, id_="acme"):
    account = told.result["accounts"][id_]
    return account["balance"], account["unbilled"], account["usable"]


def test_charges_wait_for_the_consolidated_invoice_and_an_unpaid_one_does_not_reduce_usable(story):
    told = story(f"""{POSTPAID}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, addons: {{SEAT: 2}}}}
          - {{at: 2020-11-20, do: usage, account: acme, amount: "0.12345", text: calls}}
        until: 2020-12-01
    """)
    assert told.timeline == lines("""
        2020-11-16 s1 purchased -70.00
        2020-11-20 acme usage -0.12345
        2020-12-01 acme invoiced
        2020-12-01 s1 notice_renewal
    """)
    assert told.invoices == [
        "2020-11-30 acme consolidated 50.00 + 20.00 + 0.12345 = 70.12345",
    ]
    assert wallet(told) == ("-70.12345", "0.00", "100.00")


def test_beyond_the_limit_it_is_refused_and_no_card_helps(story):
    """Unbilled 50 of 100. The renewal of 50 on 12-08 is of the new month, so it is covered."""
    told = story(f"""{POSTPAID}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO, addons: {{SEAT: 3}}}}
          - {{at: 2020-11-17, do: purchase, id: s2, account: acme, sku: PRO}}
          - {{at: 2020-12-02, do: set, account: acme, credit_limit: "79.99"}}
        until: 2020-12-08
    """)
    assert told.refused == ["2 purchase 4.1"]
    assert told.events("renewal_failed", "card_charged") == [
        "2020-12-08 s1 renewal_failed (no_credits)"
    ]


def test_a_payment_reduces_what_is_receivable_and_the_excess_is_overpayment(story):
    told = story(f"""{POSTPAID}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-12-02, do: pay_invoice, account: acme, amount: "30.00"}}
          - {{at: 2020-12-03, do: pay_invoice, account: acme, amount: "45.00"}}
        until: 2020-12-03
    """)
    assert told.events("paid") == ["2020-12-02 acme paid 30.00", "2020-12-03 acme paid 45.00"]
    assert wallet(told) == ("25.00", "0.00", "125.00")


def test_a_new_invoice_uses_the_overpayment_up(story):
    """Overpayment 25 on 12-03; 50 unbilled from 12-08 on. The invoice leaves 25 receivable."""
    told = story(f"""{POSTPAID}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-12-03, do: pay_invoice, account: acme, amount: "75.00"}}
        until: 2021-01-01
    """)
    assert told.invoices[-1] == "2020-12-31 acme consolidated 50.00 = 50.00"
    assert wallet(told) == ("-25.00", "0.00", "100.00")


def test_a_credit_note_counts_like_a_payment(story):
    told = story(f"""{POSTPAID}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-11-20, do: terminate, id: s1, reason: moved}}
        until: 2020-12-01
    """)
    assert told.invoices == [
        "2020-11-20 acme credit_note -50.00 = -50.00",
        "2020-11-30 acme consolidated 50.00 = 50.00",
    ]
    assert wallet(told) == ("0.00", "0.00", "100.00")


def test_transfers_and_adjustments_count_like_payments_or_are_unbilled(story):
    told = story(f"""{POSTPAID}
        steps:
          - {{at: 2020-11-16, do: transfer, account: other, to: acme, amount: "30.00"}}
          - {{at: 2020-11-16, do: adjust, account: acme, amount: "5.00", reason: goodwill}}
          - {{at: 2020-11-16, do: adjust, account: acme, amount: "-2.00", reason: correction}}
          - {{at: 2020-11-16, do: transfer, account: acme, to: other, amount: "40.00"}}
        until: 2020-12-01
    """)
    assert told.invoices == ["2020-11-30 acme consolidated 2.00 + 40.00 = 42.00"]
    assert wallet(told) == ("-7.00", "0.00", "100.00")


def test_top_ups_of_a_postpaid_account_and_payments_of_a_prepaid_one_are_refused(story):
    told = story(f"""{POSTPAID}
        steps:
          - {{at: 2020-11-16, do: top_up, account: acme, amount: "10.00"}}
          - {{at: 2020-11-16, do: pay_invoice, account: other, amount: "10.00"}}
        until: 2020-11-16
    """)
    assert told.refused == ["1 top_up 11.6", "2 pay_invoice 11.6"]


def test_switching_takes_credits_along_and_a_debt_becomes_unbilled(story):
    told = story("""
        accounts:
          - {id: rich, currency: USD, timezone: Asia/Singapore, credits: "30.00"}
          - {id: poor, currency: USD, timezone: Asia/Singapore, credit_limit: "60.00"}
        steps:
          - {at: 2020-11-16, do: purchase, id: s1, account: poor, sku: PRO}
          - {at: 2020-11-17, do: set, account: rich, mode: postpaid}
          - {at: 2020-11-17, do: set, account: rich, mode: postpaid, credit_limit: "10.00"}
          - {at: 2020-11-17, do: set, account: poor, mode: postpaid}
          - {at: 2020-11-18, do: set, account: poor, mode: prepaid}
          - {at: 2020-11-18, do: set, account: rich, mode: prepaid}
        until: 2020-12-01
    """)
    assert told.refused == ["2 set 11.6", "5 set 11.6"]
    assert told.result["accounts"]["rich"]["mode"] == "prepaid"
    assert wallet(told, "rich") == ("30.00", "0.00", "40.00")
    assert told.invoices == [
        "2020-11-16 poor individual 50.00 = 50.00",
        "2020-11-30 poor consolidated 50.00 = 50.00",
    ]
    assert wallet(told, "poor") == ("-50.00", "0.00", "60.00")


def test_a_month_of_both_modes_has_both_invoices(story):
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "30.00"}]
        steps:
          - {at: 2020-11-16, do: usage, account: acme, amount: "1.00", text: calls}
          - {at: 2020-11-17, do: set, account: acme, mode: postpaid, credit_limit: "10.00"}
          - {at: 2020-11-18, do: usage, account: acme, amount: "2.00", text: calls}
        until: 2020-12-01
    """)
    assert told.invoices == [
        "2020-11-30 acme monthly 1.00 = 1.00",
        "2020-11-30 acme consolidated 2.00 = 2.00",
    ]
    assert wallet(told) == ("27.00", "0.00", "37.00")


def test_a_month_s_invoice_that_is_made_late_holds_what_was_done_in_that_month(story):
    """During the outage nothing is done. After it the invoice comes before the renewal (1.7)."""
    told = story(f"""{POSTPAID}
        steps:
          - {{at: 2020-11-16, do: purchase, id: s1, account: acme, sku: PRO}}
          - {{at: 2020-11-20, do: outage, until: 2020-12-09T00:00:00Z}}
        until: 2020-12-10
    """)
    assert told.events("invoiced", "renewed") == [
        "2020-12-09T08:00 acme invoiced",
        "2020-12-09T08:00 s1 renewed -50.00",
    ]
    assert told.invoices == ["2020-11-30 acme consolidated 50.00 = 50.00"]
    assert wallet(told) == ("-100.00", "50.00", "50.00")
