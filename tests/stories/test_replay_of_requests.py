"""Stories of requests that come twice (Rule 4.2)."""

import pytest

from tests.stories.story import lines


def test_the_same_request_again_answers_the_first_result_and_charges_nothing(story):
    """Defaults are filled in, and the instant does not count.

    The first result is returned even if the state would refuse the command now.
    """
    told = story("""
        accounts: [{id: acme, currency: USD, timezone: Asia/Singapore, credits: "500.00"}]
        steps:
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO, request_id: buy}
          - {at: 2021-03-02, do: purchase, id: s1, account: acme, sku: PRO, quantity: 1,
             multiplier: 1, pay: credits, addons: {}, request_id: buy}
          - {at: 2021-03-02, do: top_up, account: acme, amount: "5.00", request_id: top}
          - {at: 2021-03-03, do: top_up, account: acme, amount: "5.0", request_id: top}
          - {at: 2021-03-04, do: extend, id: s1, cycles: 1, request_id: more}
          - {at: 2021-03-05, do: extend, id: s1, cycles: 1, request_id: more}
          - {at: 2021-03-05, do: unsubscribe, id: s1, request_id: without}
          - {at: 2021-03-05, do: unsubscribe, id: s1, request_id: without}
          - {at: 2021-03-06, do: terminate, id: s1, reason: done, request_id: end}
          - {at: 2021-03-07, do: terminate, id: s1, reason: done, request_id: end}
          - {at: 2021-03-07, do: extend, id: s1, cycles: 1, request_id: more}
          - {at: 2021-03-08, do: suspend, account: acme, request_id: stop}
          - {at: 2021-03-08, do: suspend, account: acme, request_id: stop}
          - {at: 2021-03-09, do: purchase, id: s1, account: acme, sku: PRO, request_id: buy}
        until: 2021-03-10
    """)
    assert told.refused == []
    assert told.timeline == lines("""
        2021-03-01 s1 purchased -50.00
        2021-03-02 acme topped_up 5.00
        2021-03-04 s1 extended -50.00
        2021-03-05 s1 unsubscribed
        2021-03-06 s1 terminated (done)
        2021-03-06 s1 refunded 100.00
        2021-03-08 acme account_suspended
    """)


@pytest.mark.parametrize(
    "other",
    [
        "purchase, id: s1, account: acme, sku: PRO, quantity: 2",
        "purchase, id: s2, account: acme, sku: PRO",
        "purchase, id: s1, account: beta, sku: PRO",
        "purchase, id: s1, account: acme, sku: PRO, legacy: true",
        "purchase, id: s1, account: acme, sku: PRO, pay: external_invoice, invoice_number: E-1",
        "top_up, account: acme, amount: '50.00'",
        "terminate, id: s1, reason: other",
    ],
)
def test_the_same_id_with_any_other_value_is_refused(story, other):
    told = story(f"""
        accounts:
          - {{id: acme, currency: USD, timezone: Asia/Singapore, credits: "500.00"}}
          - {{id: beta, currency: USD, timezone: Asia/Singapore, credits: "500.00"}}
        steps:
          - {{at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO, request_id: r}}
          - {{at: 2021-03-01, do: {other}, request_id: r}}
        until: 2021-03-01
    """)
    assert told.refused == [f"2 {other.split(',')[0]} 4.2"]
    assert told.timeline == ["2021-03-01 s1 purchased -50.00"]


def test_a_refused_request_leaves_no_trace_and_its_ids_may_be_used_again(story):
    told = story("""
        accounts:
          - {id: acme, currency: USD, timezone: Asia/Singapore, credits: "40.00"}
          - {id: beta, currency: USD, timezone: Asia/Singapore, credits: "50.00"}
        steps:
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO, request_id: r}
          - {at: 2021-03-01, do: purchase, id: s1, account: beta, sku: PRO, request_id: r}
          - {at: 2021-03-02, do: terminate, id: s1, reason: closed, request_id: r}
        until: 2021-03-02
    """)
    assert told.refused == ["1 purchase 4.1", "3 terminate 4.2"]
    assert told.timeline == ["2021-03-01 s1 purchased -50.00"]
    assert told.state("s1", "account") == "beta"


def test_an_id_that_exists_is_refused_but_for_the_replay(story):
    told = story("""
        steps:
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO, request_id: r}
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO}
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO, request_id: q}
          - {at: 2021-03-01, do: purchase, id: s1, account: acme, sku: PRO, request_id: r}
        until: 2021-03-01
    """)
    assert told.refused == ["2 purchase 4.1", "3 purchase 4.1"]
