"""Stories of recover (Rule 6.1)."""

import pytest

from tests.stories.story import lines

FAILED = """
        policy: {retry_days: []}
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "50.00"}]
        steps:
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO}
"""  # E is 03-31. The renewal on 03-24 fails without credits.


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        ("2021-03-23T23:59:59+08:00", ["3 recover 6.1"]),  # it has not failed yet
        ("2021-03-24", []),  # the renewal comes first
        ("2021-03-31T23:59:59+08:00", []),  # the last instant of E
        ("2021-04-01", ["3 recover 6.1"]),  # E + 1: EXPIRED before the command
        ("2021-04-29", ["3 recover 2"]),  # E + 29: TERMINATED
    ],
)
def test_only_while_active_and_failed(story, at, outcome):
    told = story(f"""
        {FAILED}
          - {{at: 2021-03-23, do: set, account: acme, credit_limit: "0.00"}}
          - {{at: "{at}", do: recover, id: s1, invoice_number: EXT-1}}
        until: 2021-05-01
    """)
    assert told.refused == outcome
    assert told.state("s1", "cycles_paid") == (1 if outcome else 2)


def test_exactly_one_cycle_whatever_is_on_the_wallet(story):
    told = story(f"""
        {FAILED}
          - {{at: 2021-03-24, do: set, account: acme, credit_limit: "150.00"}}
          - {{at: 2021-03-25, do: recover, id: s1}}
          - {{at: 2021-03-25, do: recover, id: s1}}
        until: 2021-03-25
    """)
    assert told.timeline[2:] == [
        "2021-03-24 s1 renewal_failed (no_credits)",
        "2021-03-25 s1 recovered -50.00",
    ]
    assert told.state("s1", "period_start", "expiry", "renewal_date", "cycles_paid") == (
        "2021-03-01",
        "2021-04-30",
        "2021-04-23",
        2,
    )
    assert told.refused == ["4 recover 6.1"]
    assert told.invoices[1:] == ["2021-03-25 acme individual 50.00 = 50.00"]


def test_not_enough_credits_refuse_it_and_leave_no_trace(story):
    told = story(f"""
        {FAILED}
          - {{at: 2021-03-24, do: set, account: acme, credit_limit: "49.99"}}
          - {{at: 2021-03-25, do: recover, id: s1, request_id: r1}}
          - {{at: 2021-03-26, do: set, account: acme, credit_limit: "50.00", request_id: r1}}
          - {{at: 2021-03-26, do: recover, id: s1}}
        until: 2021-03-26
    """)
    assert told.refused == ["3 recover 6.1"]
    assert told.timeline[2:] == [
        "2021-03-24 s1 renewal_failed (no_credits)",
        "2021-03-26 s1 recovered -50.00",
    ]
    assert told.result["accounts"]["acme"]["usable"] == "0.00"


def test_the_card_pays_a_recover_and_a_decline_refuses_it_and_is_on_record(story):
    """30.00 is usable. The card is charged the whole 50.00."""
    told = story(f"""
        {FAILED.replace('"50.00"', '"80.00"')}
          - {{at: 2021-03-25, do: set, account: acme, renew_by_card: true}}
          - {{at: 2021-03-25, do: set_card, account: acme, card: declined}}
          - {{at: 2021-03-25, do: recover, id: s1, request_id: r}}
          - {{at: 2021-03-26, do: set_card, account: acme, card: ok}}
          - {{at: 2021-03-26, do: recover, id: s1, request_id: r}}
        until: 2021-03-26
    """)
    assert told.timeline[2:] == lines("""
        2021-03-24 s1 renewal_failed (no_credits)
        2021-03-25 acme card_declined
        2021-03-26 acme card_charged 50.00
        2021-03-26 s1 recovered -50.00
    """)
    assert told.refused == ["4 recover 6.1"]
    assert told.balances == {"acme": "30.00"}
    assert told.invoices[1:] == ["2021-03-26 acme individual 50.00 = 50.00"] * 2


def test_an_external_invoice_touches_neither_balance_nor_card_and_concerns_that_one_act(story):
    """It is recovered on 03-25. A card pays the next renewal (04-23). On 04-24 it is terminated.

    The period 03-01..03-31 is over, so nothing is refunded for it. The external invoice paid
    04-01..04-30, so nothing is refunded for it. The period 05-01..05-31 is refunded in full.
    """
    told = story(f"""
        {FAILED}
          - {{at: 2021-03-24, do: set_card, account: acme, card: ok}}
          - {{at: 2021-03-24, do: set, account: acme, renew_by_card: true}}
          - {{at: 2021-03-25, do: recover, id: s1, invoice_number: EXT-1}}
          - {{at: 2021-04-24, do: terminate, id: s1, reason: moved}}
        until: 2021-04-25
    """)
    assert told.timeline[2:] == lines("""
        2021-03-24 s1 renewal_failed (no_credits)
        2021-03-25 s1 recovered
        2021-04-16 s1 notice_renewal
        2021-04-23 acme card_charged 50.00
        2021-04-23 s1 renewed -50.00
        2021-04-24 s1 terminated (moved)
        2021-04-24 s1 refunded 50.00
    """)
    assert told.invoices[1:] == lines("""
        2021-04-23 acme individual 50.00 = 50.00
        2021-04-23 acme individual 50.00 = 50.00
        2021-04-24 acme credit_note -50.00 = -50.00
    """)


def test_an_unsubscribed_failed_one_can_be_recovered_and_stays_unsubscribed(story):
    told = story(f"""
        {FAILED}
          - {{at: 2021-03-25, do: unsubscribe, id: s1}}
          - {{at: 2021-03-26, do: top_up, account: acme, amount: "50.00"}}
          - {{at: 2021-03-29, do: recover, id: s1}}
        until: 2021-05-01
    """)
    assert told.timeline[2:] == lines("""
        2021-03-24 s1 renewal_failed (no_credits)
        2021-03-25 s1 unsubscribed
        2021-03-26 acme topped_up 50.00
        2021-03-28 s1 notice_expiring
        2021-03-29 s1 recovered -50.00
        2021-04-27 s1 notice_expiring
        2021-05-01 s1 expired
    """)
