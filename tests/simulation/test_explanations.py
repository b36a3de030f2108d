"""What `explain` says of stories: sentences, rules and rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest

from activities.number_invoices import number_invoices
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from doors.queries import reasons as reasons_
from doors.queries.balance_reasons import balance_of
from doors.queries.cycle_reasons import renewals_since_purchase
from doors.queries.invoice_reasons import lines_of_invoice
from doors.queries.number_reasons import fees_of_number
from doors.queries.reasons import Reasons
from doors.queries.snapshot import NotFound
from doors.queries.time_lines import time_line
from tests.simulation.test_forecast_equals_clock import CATALOG, Stories, buy, story


def bought(id_: str, **more: Any) -> dict[str, Any]:
    """A purchase that the wallet pays."""
    return {"at": "2020-11-16", "do": "purchase", "id": id_, "account": "acme", "sku": "A"} | more


@contextmanager
def told(url: str, until: str, *steps: dict[str, Any], **account: Any) -> Iterator[Stories]:
    """A story that was played up to a day (UTC), with its invoices numbered."""
    stories = Stories(Ledger(connect(url)))
    try:
        tale = story(*steps, **account)
        tale["catalog"] = [*CATALOG[:-1], CATALOG[-1] | {"activation_fee": {"USD": "5.00"}}]
        stories.play(tale, datetime.fromisoformat(f"{until}T16:00:00+00:00"))
        while number_invoices(stories.ledger):
            pass
        yield stories
    finally:
        stories.ledger.engine.dispose()


def texts(found: Reasons) -> list[str]:
    return [f"{reason.text} ({reason.rule})" for reason in found.reasons]


def rows(found: Reasons) -> list[str]:
    """The kinds of rows of each reason."""
    return [" ".join(row.split()[0] for row in reason.rows) for reason in found.reasons]


def test_rule_5_1_a_subscription_that_has_always_renewed_in_time(database: str) -> None:
    with told(database, "2021-02-01", bought("s1"), credits="500.00") as stories:
        found = renewals_since_purchase(stories.ledger, "s1")
    assert (found.answer, found.reasons) == (
        "Every renewal since the purchase was made in time.",
        [],
    )


def test_rule_5_4_a_failed_renewal_that_a_top_up_has_healed(database: str) -> None:
    top_up = {"at": "2020-12-09", "do": "top_up", "account": "acme", "amount": "50.00"}
    with told(database, "2020-12-20", bought("s1"), top_up, credits="50.00") as stories:
        found = renewals_since_purchase(stories.ledger, "s1")
        drawn = time_line(stories.ledger, "s1")
    failed = [(str(it.first), str(it.last)) for it in drawn.spans if it.kind == "failed"]
    assert failed == [("2020-12-08", "2020-12-09")]
    assert found.answer == "2 things were unusual about its renewals since the purchase."
    assert texts(found) == [
        "The renewal of the cycle after 2020-12-15 failed: "
        "the usable credits did not cover the fee. (5.1)",
        "The renewal that had failed was made on 2020-12-09 by itself. (5.4)",
    ]
    assert rows(found) == ["history", "operation history"]


def test_rule_13_late_because_the_system_was_away(database: str) -> None:
    """Within *E*, and after it. The zone is Singapore, so a UTC day begins at 08:00."""
    away = {"at": "2020-12-05", "do": "outage", "until": "2020-12-10"}
    again = {"at": "2021-01-05", "do": "outage", "until": "2021-01-18"}
    with told(database, "2021-01-20", bought("s1"), away, again, credits="500.00") as stories:
        found = renewals_since_purchase(stories.ledger, "s1")
        drawn = time_line(stories.ledger, "s1")
    late = [(str(it.first), str(it.last), it.words) for it in drawn.spans if it.kind == "late"]
    assert late == [
        ("2020-12-08", "2020-12-10", "outage"),
        ("2021-01-08", "2021-01-18", "outage"),
    ]
    assert texts(found) == [
        "The renewal that was due on 2020-12-08 was made late, on 2020-12-10, because the system "
        "was away from 2020-12-08 00:00 to 2020-12-10 08:00. (5.1)",
        "The renewal that was due on 2021-01-08 was made late, on 2021-01-18, because the system "
        "was away from 2021-01-08 00:00 to 2021-01-18 08:00. (13)",
    ]


def test_rule_8_1_absent_because_auto_renewal_was_off(database: str) -> None:
    off = {"at": "2020-11-20", "do": "unsubscribe", "id": "s1"}
    with told(database, "2020-12-20", bought("s1"), off, credits="500.00") as stories:
        found = renewals_since_purchase(stories.ledger, "s1")
    assert found.answer == "1 thing was unusual about its renewals since the purchase."
    assert texts(found) == [
        "It was not renewed, and expired after 2020-12-15: "
        "auto-renewal was off since 2020-11-20. (1.5)"
    ]


def test_rule_11_1_a_balance_is_the_sum_of_its_movements(database: str) -> None:
    top_up = {"at": "2020-12-09", "do": "top_up", "account": "acme", "amount": "70.00"}
    with told(database, "2020-12-20", bought("s1"), top_up, credits="50.00") as stories:
        found = balance_of(stories.ledger, "acme")
    assert found.answer == (
        "The balance is $20.00, the sum of its movements. "
        "Usable is $20.00: reserved and liability $0.00, credit limit $0.00 (rule 11.1)."
    )
    assert texts(found) == [
        "fee of the next cycle, once: -$50.00 together. (11.3)",
        "top-up, once: +$70.00 together. (11.3)",
        "purchase, once: -$50.00 together. (11.3)",
        "credits brought along, once: +$50.00 together. (11.3)",
        "fee of the next cycle of s1: -$50.00. (11.3)",
        "top-up: +$70.00. (11.3)",
        "purchase of s1: -$50.00. (11.3)",
        "credits brought along: +$50.00. (11.3)",
    ]
    assert rows(found) == ["last"] * 4 + ["operation posting"] * 4


def test_rule_10_1_the_fee_of_a_number_and_where_it_stands(database: str) -> None:
    number = {"number": "+6561", "sku": "DID"}
    with told(database, "2020-12-02", bought("s1", numbers=[number]), credits="500.00") as stories:
        found = fees_of_number(stories.ledger, "+6561")
        assert (found.answer, found.timezone) == ("It is in use, of SKU DID.", "Asia/Singapore")
        [reason] = found.reasons
        stands = reason.text.rpartition("invoice ")[2].rstrip(".")
        assert texts(found) == [
            "An activation fee of $5.00 was charged when s1 took it into use on 2020-11-16. "
            f"It stands on invoice {stands}. (10.1)"
        ]
        invoice = lines_of_invoice(stories.ledger, stands)
    assert invoice.answer == (
        "It is the monthly invoice of account acme, dated 2020-11-30, over $5.00. It has 1 line."
    )
    assert texts(invoice) == [
        "Activation fee for number +6561: $5.00, for the activation fees of numbers of s1. (10.1)"
    ]
    assert rows(invoice) == ["operation monthly policy catalogue"]
    assert invoice.reasons[0].rows[-1].endswith("(DID always)")


def test_rule_10_1_a_number_that_the_customer_has_brought_has_no_fee(database: str) -> None:
    number = {"number": "+6561", "sku": "DID", "hold": "byoi"}
    with told(database, "2020-12-02", bought("s1", numbers=[number]), credits="500.00") as stories:
        found = fees_of_number(stories.ledger, "+6561")
    assert texts(found) == [
        "No activation fee was charged when s1 took it into use on 2020-11-16: "
        "the customer has brought the number along. (10.1)"
    ]


def test_rule_10_1_a_number_on_an_external_invoice_has_no_fee(database: str) -> None:
    number = {"number": "+6561", "sku": "DID"}
    with told(database, "2020-12-02", buy("s1", numbers=[number])) as stories:
        found = fees_of_number(stories.ledger, "+6561")
    assert texts(found)[0].endswith("an external invoice or a milestone contract pays. (10.1)")


def test_rule_11_4_the_lines_of_an_invoice_name_their_rule_and_rows(database: str) -> None:
    with told(database, "2020-12-02", bought("s1", addons={"SEAT": 1}), credits="500.00") as it:
        found = lines_of_invoice(it.ledger, "1")
    assert found.about == "invoice 000001"
    assert [reason.rule for reason in found.reasons] == ["4.1", "4.1"]
    assert found.reasons[0].text.endswith("$50.00, for the purchase of s1.")
    assert rows(found) == ["operation posting posting policy catalogue"] * 2


def test_the_lines_of_a_consolidated_invoice_name_their_terms(database: str) -> None:
    """Rules 3.5, 11.6. The text of usage is the caller's own. It names no entry by chance."""
    calls = {"at": "2020-11-20", "do": "usage", "account": "acme", "amount": "0.5", "text": "an A"}
    postpaid = {"mode": "postpaid", "credit_limit": "500.00"}
    with told(database, "2020-12-02", bought("s1"), calls, **postpaid) as it:
        found = lines_of_invoice(it.ledger, "1")
    assert rows(found) == ["operation monthly policy catalogue", "operation monthly policy"]
    assert found.reasons[0].rows[-1].endswith("(A always)")


def test_what_is_not_there_is_said(database: str) -> None:
    with told(database, "2020-12-02", bought("s1"), credits="500.00") as stories:
        for ask, id_ in (
            (renewals_since_purchase, "s9"),
            (balance_of, "nobody"),
            (fees_of_number, "+999"),
            (lines_of_invoice, "77"),
        ):
            with pytest.raises(NotFound):
                ask(stories.ledger, id_)


def test_a_long_explanation_counts_what_it_leaves_out(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reasons_, "MOST_REASONS", 3)
    with told(database, "2020-12-02", bought("s1"), credits="500.00") as stories:
        found = balance_of(stories.ledger, "acme")
    assert (len(found.reasons), found.left_out) == (3, 1)


def test_a_fee_names_the_price_version_and_the_policy_version_that_it_used(database: str) -> None:
    """Rule 3.5: A costs more from 2021-03-01. The renewal of 03-08 is the first that pays it."""
    number = {"number": "+6561", "sku": "DID"}
    with told(database, "2021-03-20", bought("s1", numbers=[number]), credits="500.00") as stories:
        used = {}
        for invoice in range(1, 7):
            found = lines_of_invoice(stories.ledger, str(invoice))
            for reason in found.reasons:
                if "primary A" in reason.text:
                    used[reason.text.split(":")[1].split(",")[0]] = reason.rows[-2:]
        [fee] = fees_of_number(stories.ledger, "+6561").reasons
    assert [entry.partition(" (")[2] for _, entry in used.values()] == [
        "A always)",
        "A from 2021-03-01)",
    ]
    assert list(used) == [" $50.00", " $60.00"]
    assert {policy for policy, _ in used.values()} == {"policy version 1"}
    assert fee.rows[-2] == "policy version 1"
    assert fee.rows[-1].endswith("(DID always)")
