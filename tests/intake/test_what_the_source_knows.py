"""What another system knows about a customer, as fields of an import (docs/import.md)."""

import asyncio
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text

from core.ledger.database import connect
from core.ledger.ledger import Ledger
from core.ledger.tables import Clock
from doors.intake import column_mapping
from doors.intake.customer_import import import_file
from doors.intake.import_report import ImportReport
from tests.domain.made import at

CASES = Path(__file__).parent / "cases"
BASE = """
fields:
  id: {column: id}
  currency: USD
  timezone: UTC
  application: phone
  months: 1
  price: 10
"""


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """A ledger with a test clock. Today is 2024-06-03 in every zone of these tests."""
    ledger = Ledger(connect(database))
    with ledger.engine.begin() as connection:
        connection.execute(insert(Clock).values(id="c", now=at("2024-06-03T12:00")))
    yield ledger
    ledger.engine.dispose()


def run(ledger: Ledger, file: Path, mapping: str, **options: Any) -> ImportReport:
    by = column_mapping.parse(mapping)
    return asyncio.run(import_file(ledger, file, by, clock="c", **options))


def brought(ledger: Ledger, folder: Path, fields: str, *rows: str) -> ImportReport:
    """Import rows. `fields`: more fields of the mapping. The header is the first row."""
    file = folder / "rows.csv"
    file.write_text("\n".join(rows) + "\n")
    more = "".join(f"  {line.strip()}\n" for line in fields.strip().splitlines())
    return run(ledger, file, BASE + more)


def found(ledger: Ledger, query: str) -> list[Any]:
    with ledger.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


STATES = "SELECT id, status, auto_renew, expiry, renewal_date FROM subscriptions ORDER BY id"


def test_i7_the_last_paid_day_and_the_status_are_taken_as_they_are(ledger: Ledger) -> None:
    mapping = (CASES / "i7-mapping.yaml").read_text()
    unread = run(ledger, CASES / "i7-paid-until.csv", mapping, dry_run=True).outlook
    assert unread is not None
    assert "which are named like fields: paid_until. Is that meant?" in unread.odd[0]
    before = "  auto_renew: {column: status, values: {active: yes, cancelled: no}}"
    states = "values: {active: active, cancelled: unsubscribed}"
    after = f"  status: {{column: status, {states}}}\n  paid_until: {{column: paid_until}}"
    assert before in mapping
    mapping = mapping.replace(before, after)
    report = run(ledger, CASES / "i7-paid-until.csv", mapping)
    assert (report.imported, report.faults) == (3, ())
    assert found(ledger, STATES) == [
        ("p1", "ACTIVE", True, date(2024, 6, 16), date(2024, 6, 9)),
        ("p2", "ACTIVE", False, date(2024, 8, 18), date(2024, 8, 11)),
        ("p3", "ACTIVE", True, date(2025, 1, 30), date(2025, 1, 23)),
    ]
    assert found(ledger, "SELECT kind, due::date FROM steps ORDER BY subject") == [
        ("renew", date(2024, 6, 9)),
        ("expire", date(2024, 8, 19)),
        ("renew", date(2025, 1, 23)),
    ]


def test_every_status_comes_in_as_the_rules_have_it(ledger: Ledger, tmp_path: Path) -> None:
    report = brought(
        ledger,
        tmp_path,
        """
        status: {column: s}
        paid_until: {column: until}
        """,
        "id,s,until",
        "a,active,2024-06-20",
        "b,active,2024-06-02",
        "c,past_due,2024-06-05",
        "d,past_due,2024-06-01",
        "e,unsubscribed,2024-06-20",
        "f,expired,2024-05-20",
        "g,expired,2024-01-20",
        "h,terminated,2024-06-20",
        "i,expired,2024-06-20",
        "j,cancelled,2024-06-20",
        "k,past_due,",
        "l,paused,2024-06-20",
        "m,paused,2024-03-20",
    )
    assert [fault.reason for fault in report.faults] == [
        "status: it is expired, but paid until 2024-06-20, which is not past",
        "status: must be active, past_due, unsubscribed, paused, expired, terminated or trial, "
        "not 'cancelled'",
        "paid_until: missing; column until is empty",
    ]
    query = (
        "SELECT s.id, status, renewal_failed, expired_on, terminated_on, k.kind, k.due::date "
        "FROM subscriptions s LEFT JOIN steps k ON k.subject = s.id ORDER BY s.id"
    )
    assert found(ledger, query) == [
        ("a", "ACTIVE", False, None, None, "renew", date(2024, 6, 13)),
        ("b", "ACTIVE", False, None, None, "renew", date(2024, 6, 3)),
        ("c", "ACTIVE", True, None, None, "retry", date(2024, 6, 4)),
        ("d", "EXPIRED", False, date(2024, 6, 3), None, "end", date(2024, 7, 1)),
        ("e", "ACTIVE", False, None, None, "expire", date(2024, 6, 21)),
        ("f", "EXPIRED", False, date(2024, 5, 21), None, "end", date(2024, 6, 18)),
        ("g", "TERMINATED", False, date(2024, 1, 21), date(2024, 2, 18), None, None),
        ("h", "TERMINATED", False, None, date(2024, 6, 3), None, None),
        ("l", "ACTIVE", False, None, None, "expire", date(2024, 6, 21)),
        ("m", "EXPIRED", False, date(2024, 6, 3), None, "end", date(2024, 7, 1)),
    ]
    was = "SELECT subscription FROM history WHERE facts->>'was' = 'paused' ORDER BY seq"
    assert found(ledger, was) == [("l",), ("m",)]
    assert found(ledger, "SELECT id FROM subscriptions WHERE workflow_started ORDER BY id") == [
        ("g",),
        ("h",),
    ]


def test_the_next_charge_says_what_is_paid_if_nothing_else_does(
    ledger: Ledger, tmp_path: Path
) -> None:
    fields = """
    next_charge: {column: next}
    paid_until: {column: until}
    anchor_day: {column: day}
    """
    rows = ("id,next,until,day", "a,2024-06-20,,", "b,2024-06-20,2024-06-15,", "c,2024-06-30,,31")
    assert brought(ledger, tmp_path, fields, *rows).faults == ()
    assert found(ledger, "SELECT id, expiry, anchor FROM subscriptions ORDER BY id") == [
        ("a", date(2024, 6, 19), date(2024, 6, 20)),
        ("b", date(2024, 6, 15), date(2024, 6, 16)),
        ("c", date(2024, 6, 29), date(2024, 5, 31)),
    ]


def test_rule_4_3_trials_go_on_and_those_that_were_had_are_on_record(
    ledger: Ledger, tmp_path: Path
) -> None:
    fields = """
    account: {column: account}
    trial_until: {column: trial}
    paid_until: {column: until}
    had_trial: {column: had}
    """
    report = brought(
        ledger,
        tmp_path,
        fields,
        "id,account,trial,until,had",
        "a,one,2024-06-10,,",
        "b,two,2024-01-10,2024-06-20,",
        "c,three,,2024-06-20,yes",
        "d,three,,2024-06-20,yes",
        "e,four,,2024-06-20,no",
        "f,one,2024-06-12,,",
    )
    assert [(fault.id, fault.reason) for fault in report.faults] == [
        ("f", "one has had its one trial of application phone (rule 4.3)")
    ]
    assert found(ledger, "SELECT account, subscription FROM trials ORDER BY account") == [
        ("one", "a"),
        ("three", "c"),
        ("two", "b"),
    ]
    assert found(ledger, "SELECT id, trial, expiry FROM subscriptions ORDER BY id")[:2] == [
        ("a", True, date(2024, 6, 10)),
        ("b", False, date(2024, 6, 20)),
    ]


def test_rule_3_6_a_discount_goes_on(ledger: Ledger, tmp_path: Path) -> None:
    fields = "anchor: {column: since}\ndiscount: {column: off}\ndiscount_cycles: {column: for}"
    report = brought(
        ledger,
        tmp_path,
        fields,
        "id,since,off,for",
        "a,2024-05-31,12.5%,3",
        "b,2024-05-31,20,",
        "c,2024-05-31,120,1",
        "d,2024-05-31,,",
    )
    assert [fault.reason for fault in report.faults] == [
        "discount: needs discount_cycles, the number of further cycles with it",
        "discount: must be percent from 0 to 100, such as 12.5 or 12.5%, not '120'",
    ]
    query = "SELECT id, discount, discount_cycles FROM subscriptions ORDER BY id"
    assert found(ledger, query) == [("a", Decimal("12.5"), 4), ("d", None, None)]


def test_rule_11_1_the_debts_of_an_account_count_together(ledger: Ledger, tmp_path: Path) -> None:
    """The first row opens the account with a limit of 100. 50 + 80 are 30 more than it allows."""
    fields = """
    anchor: {column: since}
    account: {column: of}
    credits: {column: has}
    debt: {column: owes}
    credit_limit: {column: limit}
    """
    report = brought(
        ledger,
        tmp_path,
        fields,
        "id,since,of,has,owes,limit",
        "a,2024-05-31,x,,50,100",
        "b,2024-05-31,x,,80,100",
        "c,2024-05-31,x,,50,",
        "d,2024-05-31,y,20,,",
        "e,2024-05-31,y,,20,",
    )
    assert [(fault.id, fault.reason[:69]) for fault in report.faults] == [
        ("b", "debt: an account cannot begin with 30.00 USD less than its credit lim")
    ]
    query = "SELECT id, balance, credit_limit FROM accounts ORDER BY id"
    assert found(ledger, query) == [("x", -100, 100), ("y", 0, 0)]
    more = brought(ledger, tmp_path, fields, "id,since,of,has,owes,limit", "f,2024-05-31,x,,1,100")
    assert [fault.reason for fault in more.faults] == [
        "debt: the account would have 1.00 USD less than it may use (rule 11.1)"
    ]


def test_rule_11_1_debts_lower_the_credits_and_need_a_limit_beyond(
    ledger: Ledger, tmp_path: Path
) -> None:
    fields = """
    anchor: {column: since}
    credits: {column: has}
    debt: {column: owes}
    credit_limit: {column: limit}
    external_id: {column: there}
    """
    report = brought(
        ledger,
        tmp_path,
        fields,
        "id,since,has,owes,limit,there",
        "a,2024-05-31,10,4,,sub_1",
        "b,2024-05-31,,4,5,sub_2",
        "c,2024-05-31,1,4,,",
    )
    assert [fault.reason for fault in report.faults] == [
        "debt: an account cannot begin with 3.00 USD less than its credit limit allows "
        "(rule 11.1); collect the debt first, or map credit_limit"
    ]
    assert found(ledger, "SELECT id, balance, credit_limit FROM accounts ORDER BY id") == [
        ("a", 6, 0),
        ("b", -4, 5),
    ]
    query = "SELECT facts ->> 'external_id' FROM history ORDER BY subscription"
    assert found(ledger, query) == [("sub_1",), ("sub_2",)]
