"""The import of docs/import.md: what becomes of a row, of a wrong file, of a killed import.

Today is 2024-03-15 in California, unless a test says otherwise: the test clock stands at 20:00Z.
"""

import asyncio
import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from activities.registry import Activities
from core.domain import catalog as catalogs
from core.domain import policy
from core.domain.commands.purchase import Purchase
from core.domain.commands.terminate import Terminate, TerminateResult
from core.domain.faults import Faults
from core.gateways.simulated_cards import SimulatedCards
from core.ledger import stored_terms
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from core.ledger.rows import SUBSCRIPTIONS
from core.ledger.tables import AccountRow, Clock, Message, SubscriptionRow
from core.protocol.activity_messages import Snapshot
from core.protocol.workflow_messages import subscription_workflow
from doors.application import test_clocks
from doors.application.direct_engine import Direct
from doors.application.perennial import Perennial
from doors.intake import column_mapping, customer_import
from doors.intake.column_mapping import ColumnMapping
from doors.intake.customer_import import import_file
from doors.intake.import_report import ImportReport
from settings import Settings
from tests.domain.made import at, day

ROOT = Path(__file__).parents[2]
TELCO = ROOT / "examples" / "telco-customers.csv"
NOW = at("2024-03-15T20:00")
ONCE = (
    "; in a mapping, latest_by takes the newest of several versions, "
    "and add_up the lines of one subscription"
)
HEADER = (
    "id,account,currency,timezone,months,price,anchor,quantity,credits,card,renew_by_card,"
    "auto_renew,sku,application\n"
)


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    ledger = Ledger(connect(database))
    with ledger.engine.begin() as connection:
        connection.execute(insert(Clock).values(id="c", now=NOW))
    yield ledger
    ledger.engine.dispose()


@pytest.fixture(scope="module")
def telco() -> ColumnMapping:
    return column_mapping.read(ROOT / "examples" / "telco-mapping.yaml")


def some(folder: Path, *ids: str) -> Path:
    """Rows of the telco file."""
    header, *lines = TELCO.read_text().splitlines()
    file = folder / "some.csv"
    file.write_text("\n".join([header, *(line for line in lines if line.split(",")[0] in ids)]))
    return file


def plain(folder: Path, *rows: str, header: str = HEADER) -> Path:
    """Write a file for an import without a mapping. Missing cells at the end are empty."""
    file = folder / "plain.csv"
    width = header.count(",")
    file.write_text(header + "".join(row + "," * (width - row.count(",")) + "\n" for row in rows))
    return file


def run(
    ledger: Ledger, file: Path, by: ColumnMapping | None = None, **options: Any
) -> ImportReport:
    return asyncio.run(import_file(ledger, file, by, **{"clock": "c", **options}))


def reasons(report: ImportReport) -> list[str]:
    return [f"{fault.line} {fault.id}: {fault.reason}" for fault in report.faults]


def rows_of(ledger: Ledger, query: str) -> list[Any]:
    with ledger.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def everything(ledger: Ledger) -> dict[str, list[Any]]:
    """What is in the ledger, but for ids that differ from run to run."""
    return {
        "accounts": rows_of(ledger, "SELECT * FROM accounts ORDER BY id"),
        "subscriptions": rows_of(ledger, "SELECT * FROM subscriptions ORDER BY id"),
        "operations": rows_of(
            ledger,
            "SELECT account, subscription, cycle, purpose, at, result FROM operations "
            "ORDER BY subscription, purpose",
        ),
        "postings": rows_of(
            ledger,
            "SELECT account, line, book, currency, amount FROM postings "
            "ORDER BY account, line, amount",
        ),
        "periods": rows_of(
            ledger,
            "SELECT subscription, account, start, expiry, months, scheduled_start "
            "FROM periods ORDER BY subscription",
        ),
        "period_charges": rows_of(ledger, "SELECT * FROM period_charges"),
        "steps": rows_of(ledger, "SELECT * FROM steps ORDER BY subject"),
        "messages": rows_of(
            ledger,
            "SELECT subscription, kind, expiry, due, state FROM messages "
            "ORDER BY subscription, kind",
        ),
        "history": rows_of(
            ledger,
            "SELECT at, account, subscription, event, amount, rule, facts FROM history "
            "ORDER BY subscription, event",
        ),
        "catalogue": rows_of(ledger, "SELECT document FROM catalog_entries ORDER BY id"),
    }


# --- a row, by hand -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id_", "facts", "period", "next_step"),
    [
        # Tenure 1, day 23 by hash: 2024-02-23 + 1 month − 1 day. The renewal date, 03-15, has
        # begun at 07:00Z, so the renewal is attempted at once.
        (
            "7590-VHVEG",
            {
                "sku": "telco-1m-29.85-USD",
                "anchor": "2024-02-23",
                "months_paid": 1,
                "cycles_paid": 1,
                "cycle_months": 1,
                "auto_renew": True,
                "renewal_date": "2024-03-15",
            },
            "2024-02-23..2024-03-22",
            "attempt 2024-03-15T20:00 5.7",
        ),
        # Tenure 34: 2024-03 − 34 months = 2021-05, day 10. Three years of twelve months end on
        # 2024-05-09. 12 × 56.95 = 683.40.
        (
            "5575-GNVDE",
            {
                "sku": "telco-12m-683.40-USD",
                "anchor": "2021-05-10",
                "months_paid": 36,
                "cycles_paid": 3,
                "cycle_months": 12,
                "auto_renew": True,
                "renewal_date": "2024-05-02",
            },
            "2023-05-10..2024-05-09",
            "renew 2024-05-02T07:00 5.1",
        ),
        # Tenure 2, day 4: 2024-01-04. Three months reach 04-03. Churn: auto-renewal is off, so the
        # next step is to expire.
        (
            "3668-QPYBK",
            {
                "sku": "telco-1m-53.85-USD",
                "anchor": "2024-01-04",
                "months_paid": 3,
                "cycles_paid": 3,
                "cycle_months": 1,
                "auto_renew": False,
                "renewal_date": "2024-03-27",
            },
            "2024-03-04..2024-04-03",
            "expire 2024-04-04T07:00 1.5",
        ),
        # Tenure 72, day 31: 2018-03-31 + 72 months − 1 day = 2024-03-30. The renewal date is
        # 03-23. 24 × 107.50 = 2580.00.
        (
            "5954-BDFSG",
            {
                "sku": "telco-24m-2580.00-USD",
                "anchor": "2018-03-31",
                "months_paid": 72,
                "cycles_paid": 3,
                "cycle_months": 24,
                "auto_renew": True,
                "renewal_date": "2024-03-23",
            },
            "2022-03-31..2024-03-30",
            "renew 2024-03-23T07:00 5.1",
        ),
        # Tenure 0: bought today. 2024-03-15 + 24 months − 1 day. The renewal date lies in daylight
        # saving time too. 24 × 52.55 = 1261.20.
        (
            "4472-LVYGI",
            {
                "sku": "telco-24m-1261.20-USD",
                "anchor": "2024-03-15",
                "months_paid": 24,
                "cycles_paid": 1,
                "cycle_months": 24,
                "auto_renew": True,
                "renewal_date": "2026-03-07",
            },
            "2024-03-15..2026-03-14",
            "renew 2026-03-07T08:00 5.1",
        ),
    ],
)
def test_rule_1_3_a_row_becomes_a_subscription_in_the_middle_of_its_cycle(
    ledger: Ledger,
    telco: ColumnMapping,
    tmp_path: Path,
    id_: str,
    facts: dict[str, Any],
    period: str,
    next_step: str,
) -> None:
    report = run(ledger, some(tmp_path, id_), telco)
    assert (report.rows, report.imported, report.there, report.faulty) == (1, 1, 0, 0)
    with ledger.engine.connect() as connection:
        row = connection.execute(SUBSCRIPTIONS).one()
    start, expiry = map(day, period.split(".."))
    assert {
        name: str(value) if isinstance(value := getattr(row, name), date) else value
        for name in facts
    } == facts
    assert (
        row.id,
        row.account,
        row.clock,
        row.status,
        row.quantity,
        row.multiplier,
        row.version,
    ) == (id_, id_, "c", "ACTIVE", 1, 1, 1)
    assert row.expiry == expiry
    assert f"{row.next_kind} {row.next_due:%Y-%m-%dT%H:%M} {row.next_rule}" == next_step
    assert rows_of(ledger, "SELECT start, expiry, scheduled_start, months FROM periods") == [
        (start, expiry, start, row.cycle_months)
    ]
    assert rows_of(ledger, "SELECT * FROM period_charges") == []


@pytest.mark.parametrize(
    ("id_", "account"),
    [
        (
            "7590-VHVEG",
            {"card": None, "renew_by_card": False, "balance": Decimal(0)},
        ),  # electronic check
        (
            "5575-GNVDE",
            {"card": None, "renew_by_card": False, "balance": Decimal("683.40")},
        ),  # mailed check: one cycle
        (
            "7795-CFOCW",
            {"card": "sim_ok", "renew_by_card": True, "balance": Decimal(0)},
        ),  # bank transfer (automatic)
    ],
)
def test_the_payment_method_says_how_the_account_pays(
    ledger: Ledger, telco: ColumnMapping, tmp_path: Path, id_: str, account: dict[str, Any]
) -> None:
    run(ledger, some(tmp_path, id_), telco)
    with ledger.engine.connect() as connection:
        row = connection.execute(select(AccountRow.__table__)).one()
    assert {name: getattr(row, name) for name in account} == account
    assert (row.id, row.owner, row.currency, row.timezone, row.seller, row.clock) == (
        id_,
        id_,
        "USD",
        "America/Los_Angeles",
        "main",
        "c",
    )


def test_opening_credits_are_one_balanced_operation_with_a_line_of_history(
    ledger: Ledger, telco: ColumnMapping, tmp_path: Path
) -> None:
    run(ledger, some(tmp_path, "5575-GNVDE"), telco)
    assert rows_of(ledger, "SELECT purpose, subscription, cycle, request_id FROM operations") == [
        ("import", "5575-GNVDE", date(2024, 5, 9), None)
    ]
    assert rows_of(ledger, "SELECT book, amount FROM postings ORDER BY line") == [
        ("wallet", Decimal("683.40")),
        ("opening", Decimal("-683.40")),
    ]
    assert rows_of(ledger, "SELECT event, rule, amount, at FROM history") == [
        ("imported", "1.3", Decimal("683.40"), NOW)
    ]
    assert rows_of(ledger, "SELECT * FROM invoices") == []


def test_notices_whose_instant_is_past_are_not_planned(
    ledger: Ledger, telco: ColumnMapping, tmp_path: Path
) -> None:
    """For E = 03-22 the notice of the renewal was due on 03-08.

    For E = 05-09 it is due on 04-25, and *expiring* on 05-06.
    """
    run(ledger, some(tmp_path, "7590-VHVEG", "5575-GNVDE"), telco)
    with ledger.engine.connect() as connection:
        planned = connection.execute(
            select(Message.subscription, Message.kind, Message.due).order_by(Message.due)
        ).all()
    assert [(row.subscription, row.kind, row.due.date().isoformat()) for row in planned] == [
        ("7590-VHVEG", "notice_expiring", "2024-03-19"),
        ("5575-GNVDE", "notice_renewal", "2024-04-25"),
        ("5575-GNVDE", "notice_expiring", "2024-05-06"),
    ]


def test_nothing_is_refunded_for_the_cycle_that_was_paid_elsewhere(
    ledger: Ledger, telco: ColumnMapping, tmp_path: Path
) -> None:
    run(ledger, some(tmp_path, "5575-GNVDE"), telco)
    direct = Direct(Activities(ledger, SimulatedCards(ledger.engine)))
    result = asyncio.run(direct.command(Terminate(subscription="5575-GNVDE", reason="moved"), NOW))
    assert result.refusal is None
    assert isinstance(result.result, TerminateResult)
    assert result.result.refund == 0


def test_what_was_imported_lives_on(ledger: Ledger, telco: ColumnMapping) -> None:
    """Two months later some have renewed by card or from credits, and the others have expired.

    The ledger sums to zero.
    """
    run(ledger, TELCO, telco, limit=40)
    direct = Direct(Activities(ledger, SimulatedCards(ledger.engine)))
    asyncio.run(test_clocks.advance(ledger, direct, "c", at("2024-05-15T00:00")))
    events = {event for (event,) in rows_of(ledger, "SELECT DISTINCT event FROM history")}
    assert {"imported", "renewed", "renewal_failed", "expired", "card_charged"} <= events
    assert rows_of(ledger, "SELECT sum(amount) FROM postings") == [(0,)]


# --- the whole file -------------------------------------------------------------------------------


def test_all_7043_rows_are_imported_and_a_second_time_nothing(
    ledger: Ledger, telco: ColumnMapping
) -> None:
    first = run(ledger, TELCO, telco)
    assert (first.rows, first.imported, first.there, first.faulty, first.started) == (
        7043,
        7043,
        0,
        0,
        0,
    )
    with TELCO.open() as opened:
        rows = list(csv.DictReader(opened))
    lengths = {"Month-to-month": 1, "One year": 12, "Two year": 24}
    fees = [Decimal(row["MonthlyCharges"]) * lengths[row["Contract"]] for row in rows]
    brought = sum(
        fee for fee, row in zip(fees, rows, strict=True) if row["PaymentMethod"] == "Mailed check"
    )
    assert rows_of(ledger, "SELECT sum(balance) FROM accounts") == [(brought,)]
    assert rows_of(ledger, "SELECT sum(amount), sum(abs(amount)) FROM postings") == [
        (0, 2 * brought)
    ]
    assert (
        rows_of(ledger, "SELECT operation FROM postings GROUP BY operation HAVING sum(amount) <> 0")
        == []
    )
    assert rows_of(
        ledger, "SELECT count(*), count(*) FILTER (WHERE auto_renew) FROM subscriptions"
    ) == [(7043, 7043 - 1869)]
    assert rows_of(
        ledger, "SELECT count(*) FROM accounts WHERE card = 'sim_ok' AND renew_by_card"
    ) == [(1544 + 1522,)]
    assert rows_of(
        ledger, "SELECT count(*) FROM accounts WHERE card IS NULL AND NOT renew_by_card"
    ) == [(1612 + 2365,)]
    skus = {(fee, row["Contract"]) for fee, row in zip(fees, rows, strict=True)}
    assert rows_of(
        ledger, "SELECT count(*), count(DISTINCT document ->> 'sku') FROM catalog_entries"
    ) == [(len(skus), len(skus))]
    today = "date '2024-03-15'"
    assert (
        rows_of(
            ledger,
            f"SELECT id FROM subscriptions WHERE anchor > {today} OR expiry < {today} "
            "OR months_paid % cycle_months <> 0",
        )
        == []
    )
    assert (
        rows_of(
            ledger,
            f"SELECT subscription FROM periods WHERE start > {today} OR expiry < {today}",
        )
        == []
    )
    assert rows_of(ledger, "SELECT * FROM period_charges") == []
    before = everything(ledger)
    second = run(ledger, TELCO, telco)
    assert (second.rows, second.imported, second.there, second.faulty) == (7043, 0, 7043, 0)
    assert everything(ledger) == before


def test_a_dry_run_changes_nothing(ledger: Ledger, telco: ColumnMapping, tmp_path: Path) -> None:
    run(ledger, some(tmp_path, "7590-VHVEG"), telco)
    before = everything(ledger)
    report = run(ledger, TELCO, telco, dry_run=True, limit=100)
    assert (report.rows, report.imported, report.there, report.faulty, report.dry_run) == (
        100,
        99,
        1,
        0,
        True,
    )
    assert everything(ledger) == before


def test_a_dry_run_needs_no_seller(ledger: Ledger, telco: ColumnMapping) -> None:
    assert run(ledger, TELCO, telco, dry_run=True, limit=10).imported == 10
    assert rows_of(ledger, "SELECT * FROM sellers") == []


def test_a_prefix_makes_other_ids_with_the_same_dates(
    ledger: Ledger, telco: ColumnMapping, tmp_path: Path
) -> None:
    run(ledger, some(tmp_path, "5575-GNVDE"), telco)
    run(ledger, some(tmp_path, "5575-GNVDE"), telco, prefix="run-2-")
    assert rows_of(ledger, "SELECT id, account, anchor FROM subscriptions ORDER BY id") == [
        ("5575-GNVDE", "5575-GNVDE", date(2021, 5, 10)),
        ("run-2-5575-GNVDE", "run-2-5575-GNVDE", date(2021, 5, 10)),
    ]


def test_without_a_clock_today_is_the_machines(
    ledger: Ledger, telco: ColumnMapping, tmp_path: Path
) -> None:
    run(ledger, some(tmp_path, "4472-LVYGI"), telco, clock=None)
    with ledger.engine.connect() as connection:
        row = connection.execute(select(SubscriptionRow.anchor, SubscriptionRow.clock)).one()
    assert abs((row.anchor - datetime.now(UTC).date()).days) <= 1
    assert row.clock is None


def test_an_unknown_clock_is_said(ledger: Ledger, telco: ColumnMapping) -> None:
    with pytest.raises(LookupError, match="there is no test clock nowhere"):
        run(ledger, TELCO, telco, clock="nowhere")


def test_progress_is_told_and_ends_with_all(ledger: Ledger, telco: ColumnMapping) -> None:
    told: list[tuple[int, int]] = []
    run(
        ledger,
        TELCO,
        telco,
        limit=25,
        chunk=10,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(10, 25), (20, 25), (25, 25)]


# --- a file without a mapping ---------------------------------------------------------------------


def test_the_plain_example_is_imported(ledger: Ledger) -> None:
    report = run(ledger, ROOT / "examples" / "customers.csv", clock=None)
    assert (report.imported, report.faults) == (4, ())
    assert rows_of(ledger, "SELECT id, balance, billing_email FROM accounts ORDER BY id") == [
        ("acme", 120, "billing@acme.example"),
        ("globex", 0, "accounts@globex.example"),
        ("initech", 5000, "bill@initech.example"),
    ]
    assert rows_of(ledger, "SELECT document FROM catalog_entries ORDER BY id") == [
        (
            {
                "sku": "PHONE-M",
                "application": "phone",
                "kind": "application",
                "months": 1,
                "prices": {"USD": "50.00", "JPY": "7200"},
            },
        ),
        (
            {
                "sku": "DESK-Y",
                "application": "desk",
                "kind": "application",
                "months": 12,
                "prices": {"USD": "370.00"},
            },
        ),
    ]


def test_credits_belong_to_the_row_and_add_up_in_an_account(ledger: Ledger, tmp_path: Path) -> None:
    file = plain(
        tmp_path,
        "a,acme,USD,UTC,1,5.00,2024-01-31,1,10.00",
        "b,acme,USD,UTC,1,5.00,2024-01-31,1,2.50",
    )
    assert run(ledger, file).imported == 2
    assert rows_of(ledger, "SELECT balance FROM accounts") == [(Decimal("12.50"),)]


def test_a_later_row_joins_an_account_that_is_there(ledger: Ledger, tmp_path: Path) -> None:
    run(ledger, plain(tmp_path, "a,acme,USD,UTC,1,5.00,2024-01-31,1,10.00"))
    report = run(
        ledger,
        plain(
            tmp_path,
            "a,acme,USD,UTC,1,5.00,2024-01-31,1,10.00",
            "b,acme,USD,UTC,1,5.00,2024-02-29,1,1.00",
        ),
    )
    assert (report.imported, report.there) == (1, 1)
    assert rows_of(ledger, "SELECT id, expiry FROM subscriptions ORDER BY id") == [
        ("a", date(2024, 3, 30)),
        ("b", date(2024, 3, 28)),
    ]
    assert rows_of(ledger, "SELECT balance FROM accounts") == [(11,)]


def test_an_account_in_another_currency_zone_or_clock_takes_no_one_in(
    ledger: Ledger, tmp_path: Path
) -> None:
    run(ledger, plain(tmp_path, "a,acme,USD,UTC,1,5.00,2024-01-31"))
    file = plain(
        tmp_path,
        "b,acme,EUR,UTC,1,5.00,2024-01-31",
        "c,acme,EUR,UTC,1,5.00,2024-01-31",
        "d,solo,EUR,UTC,1,5.00,2024-01-31",
    )
    before = everything(ledger)
    dry = run(ledger, file, dry_run=True)
    assert everything(ledger) == before
    report = run(ledger, file, faults=tmp_path / "faults.csv")
    assert reasons(report) == reasons(dry)
    assert reasons(report) == [
        "2 b: account acme has currency USD, not EUR",
        "3 c: account acme has currency USD, not EUR",
    ]
    assert (report.rows, report.imported, report.there, report.faulty) == (3, 1, 0, 2)
    elsewhere = run(ledger, plain(tmp_path, "e,acme,USD,UTC,1,5.00,2024-01-31"), clock=None)
    assert reasons(elsewhere) == ["2 e: account acme has clock c, not None"]


def test_a_sku_of_the_catalogue_needs_no_price(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.engine.begin() as connection:
        stored_terms.add_policy(connection, "main", policy.DEFAULT)
        stored_terms.add_catalog(
            connection,
            "main",
            catalogs.entries(
                catalogs.load(
                    [
                        {
                            "sku": "PRO",
                            "kind": "application",
                            "application": "desk",
                            "months": 3,
                            "prices": {"USD": "9.00"},
                        },
                        {"sku": "SEAT", "kind": "addon", "months": 1, "prices": {"USD": "1.00"}},
                    ]
                )
            ),
        )
    file = plain(
        tmp_path,
        "a,,USD,UTC,,,2024-01-31,2,,,,,PRO",
        "b,,USD,UTC,1,,2024-01-31,,,,,,PRO",
        "c,,USD,UTC,,9.01,2024-01-31,,,,,,PRO",
        "d,,EUR,UTC,,,2024-01-31,,,,,,PRO",
        "e,,USD,UTC,,,2024-01-31,,,,,,SEAT",
        "f,,USD,UTC,3,,2024-01-31,,,,,,NEW",
        "g,,USD,UTC,3,9.00,2024-01-31,,,,,,PRO,phone",
        "h,,USD,UTC,1,,2024-01-31",
    )
    report = run(ledger, file)
    assert reasons(report) == [
        "3 b: months: PRO has 3 in the catalogue, not 1",
        "4 c: price: PRO costs 9.00 USD in the catalogue, not 9.01",
        "5 d: sku: PRO has no price in EUR",
        "6 e: sku: SEAT is of kind addon",
        "7 f: sku: 'NEW' is not in the catalogue, so months and price are needed",
        "8 g: application: PRO belongs to 'desk' in the catalogue, not 'phone'",
        "9 h: months or price: missing",
    ]
    assert rows_of(ledger, "SELECT id, sku, cycle_months, expiry FROM subscriptions") == [
        ("a", "PRO", 3, date(2024, 4, 29))
    ]
    assert rows_of(ledger, "SELECT count(*) FROM catalog_entries") == [(2,)]


# --- faulty rows ----------------------------------------------------------------------------------


def test_faulty_rows_are_listed_with_line_id_and_every_reason_and_do_not_stop_the_others(
    ledger: Ledger, telco: ColumnMapping, tmp_path: Path
) -> None:
    header, *lines = TELCO.read_text().splitlines()
    lines = [
        lines[0],
        lines[1].replace("56.95", "56,95").replace(",One year,", ",Three year,"),
        lines[2].replace("53.85", "NaN"),
        lines[3].replace("Churn", "").removesuffix("No") + "Perhaps",
        lines[0],
        ",".join(["", *lines[4].split(",")[1:]]),
        lines[5].replace("Month-to-month", "Biweekly").replace(",8,", ",eight,"),
        "",
        "\"=cmd|'/c calc'!A0\"" + lines[6][10:],
        lines[7],
    ]
    file = tmp_path / "faulty.csv"
    file.write_text("\n".join([header, *lines]))
    report = run(ledger, file, telco, faults=tmp_path / "faults.csv")
    assert (report.rows, report.imported, report.there, report.faulty) == (9, 3, 0, 6)
    with (tmp_path / "faults.csv").open(encoding="utf-8-sig", newline="") as opened:
        header_of_faults, *listed = csv.reader(opened)
    assert header_of_faults == ["fault_line", "fault_reason", *header.split(",")]
    assert [[row[0], row[2], row[1]] for row in listed] == [
        ["3", "5575-GNVDE", "has 22 cells, but the header has 21"],
        [
            "4",
            "3668-QPYBK",
            "monthly_price: 'NaN' is not an amount: "
            'allowed are digits with at most 5 decimals, such as "50.00"',
        ],
        [
            "5",
            "7795-CFOCW",
            "auto_renew: 'Perhaps' is not in the table of column Churn; it has 'Yes', 'No'",
        ],
        ["6", "7590-VHVEG", f"id: stands in line 2 already{ONCE}"],
        ["7", "", "id: missing; column customerID is empty"],
        [
            "8",
            "9305-CDSKC",
            "months: 'Biweekly' is not in the table of column Contract; "
            "it has 'Month-to-month', 'One year', 'Two year'; "
            "tenure_months: must be a whole number from 0 to 1200, not 'eight'",
        ],
    ]
    mended = tmp_path / "mended.csv"
    mended.write_text(
        "\n".join([header, lines[0], *(line for line in TELCO.read_text().splitlines()[2:4])])
    )
    assert (run(ledger, mended, telco).imported, run(ledger, mended, telco).imported) == (2, 0)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("a,,USD,UTC,1,5.00,2024-03-16", "anchor: 2024-03-16 is after today, 2024-03-15"),
        (
            "a,,USD,UTC,1,5.00,2024-02-30",
            "anchor: 2024-02-30 is not in the calendar; allowed are days such as 2021-01-31",
        ),
        (
            "a,,USD,UTC,1,5.00,2024-03-01,501",
            "quantity: at most 500 licences are allowed, not 501 (rule 3.3)",
        ),
        ("a,,USD,UTC,1,-5.00,2024-03-01", "price: must be zero or more, not '-5.00'"),
        (
            "a,,XXX,UTC,1,5.00,2024-03-01",
            "currency: 'XXX' is not a currency in use; allowed are ISO 4217 codes such as USD",
        ),
        (
            "a,,USD,Mars/Base,1,5.00,2024-03-01",
            "timezone: 'Mars/Base' is not an IANA time zone; "
            "allowed are names such as Asia/Singapore or UTC",
        ),
        (
            "a,,USD,UTC,1,5.00,2024-03-01,1,,,,,," + "p" * 100,
            f"application: '{'p' * 12}...{'p' * 13}' is too long for the name of a SKU; "
            "name it in a column sku",
        ),
        ("a,,USD,UTC,1,999999999999.99999,2024-03-01,500", None),
        ("a,,USD,UTC,1,0,2024-03-01", None),
        ("'; DROP TABLE accounts; --,,USD,UTC,1,5.00,2024-03-01", None),
        ('"a, ""quoted"" id",,USD,UTC,1,5.00,2024-03-01', None),
        ("客户-1,,JPY,Asia/Tokyo,1,5000,2024-03-01", None),
    ],
)
def test_a_row_is_taken_or_refused_with_its_reason(
    ledger: Ledger, tmp_path: Path, row: str, fault: str | None
) -> None:
    file = tmp_path / "one.csv"
    width, cells = HEADER.count(","), len(next(csv.reader([row]))) - 1
    file.write_text(HEADER + row + "," * (width - cells))
    report = run(ledger, file)
    assert [f.reason for f in report.faults] == ([] if fault is None else [fault])
    assert rows_of(ledger, "SELECT count(*) FROM subscriptions") == [(fault is None,)]


def test_rows_of_a_file_do_not_contradict_one_another(ledger: Ledger, tmp_path: Path) -> None:
    file = plain(
        tmp_path,
        "a,acme,USD,UTC,1,5.00,2024-03-01,,,,,,PRO,desk",
        "b,acme,EUR,UTC,1,5.00,2024-03-01,,,,,,PRO,desk",
        "c,acme,USD,Asia/Tokyo,1,5.00,2024-03-01,,,,,,PRO,desk",
        "d,,USD,UTC,2,5.00,2024-03-01,,,,,,PRO,desk",
        "e,,USD,UTC,1,6.00,2024-03-01,,,,,,PRO,desk",
        "f,,USD,UTC,1,5.00,2024-03-01,,,,,,PRO,phone",
    )
    assert reasons(run(ledger, file)) == [
        "3 b: currency: account acme has USD in line 2, not EUR",
        "4 c: timezone: account acme has UTC in line 2, not Asia/Tokyo",
        "5 d: months: PRO has 1 in an earlier row, not 2",
        "6 e: price: PRO costs 5.00 USD in an earlier row, not 6.00",
        "7 f: application: PRO belongs to 'desk' in an earlier row, not 'phone'",
    ]


@pytest.mark.parametrize(
    ("mapped", "cell", "fault"),
    [
        (
            "monthly_price: {column: X}",
            "999999999999",
            "price: 23999999999976 is too large; a price is below 10^12",
        ),
        (
            "price: 999999999999\n  credit_cycles: {column: X}",
            "2",
            "credits: 1999999999998.00 are too many; allowed is less than 10^12",
        ),
    ],
)
def test_what_is_multiplied_stays_an_amount(
    ledger: Ledger, tmp_path: Path, mapped: str, cell: str, fault: str
) -> None:
    by = column_mapping.parse(
        "fields:\n  id: {column: I}\n  currency: USD\n  timezone: UTC\n"
        "  months: 24\n  tenure_months: 0\n  " + mapped
    )
    file = tmp_path / "big.csv"
    file.write_text(f"I,X\na,{cell}\n")
    assert [f.reason for f in run(ledger, file, by).faults] == [fault]


def test_a_cycle_beyond_the_calendar_is_a_fault(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(insert(Clock).values(id="late", now=datetime(9990, 1, 1, tzinfo=UTC)))
    report = run(ledger, plain(tmp_path, "a,,USD,UTC,1200,5.00,9989-01-01"), clock="late")
    assert reasons(report) == [
        "2 a: months: the cycle under way, of 1200 months since 9989-01-01, "
        "ends after the year 9999"
    ]


# --- hostile files --------------------------------------------------------------------------------

GOOD = b"a,,USD,UTC,1,5.00,2024-01-31,,,,,,,\n"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "line 1: is empty; it has the names of the columns"),
        (b"\n\n", "line 1: is empty; it has the names of the columns"),
        (b"a\x00b", "line 1: has a zero byte: this is not text"),
        (bytes(range(1, 256)) * 40, "line 2: is not WINDOWS-1252 text; encoding: in a mapping may"),
        (
            HEADER.encode() + "ä,ö,ü\n".encode() + b"\xe9,,USD,UTC,1,5.00,2024-01-31,,,,,,,\n",
            "line 3: is not UTF-8 text; encoding: in a mapping may say utf-16, ",
        ),
        (HEADER.encode() + GOOD + b"a\0b" + GOOD, "line 3: has a zero byte: this is not text"),
        (HEADER.encode() + b'"a' + GOOD * 10, 'line 2: the " that opens cell 1 is never closed'),
        (
            HEADER.encode() + GOOD + b'"a' + GOOD + b'b,"Ann",' + GOOD * 10,
            'line 3: the " that opens cell 1 is not closed in its line, but in line 4 only',
        ),
        (HEADER.encode() + b'a,"x\n' + GOOD * 5_000, 'line 2: the " that opens cell 2 is never'),
        (HEADER.encode() + b'"a"b' + GOOD, "line 2: the \" that opens cell 1 is closed before 'b"),
        (HEADER.encode() + b"x" * 200_000 + GOOD, "line 2: a cell has more than 100000 characters"),
        (HEADER.encode() + b"x," * 5_000_000, "line 2: has more than 1000000 characters"),
        (b"x" * 10_000_000, "line 1: has more than 1000000 characters"),
        (b"PK\x03\x04" + GOOD, "file: is a spreadsheet, not CSV; save it as CSV first"),
        (
            HEADER.replace("price", "prize").encode() + GOOD,
            "header.prize: unknown key; did you mean price?",
        ),
        (HEADER.replace("sku", "price").encode() + GOOD, "header: column 'price' stands twice"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_a_file_that_is_no_csv_of_ours_is_refused_before_anything_is_written(
    ledger: Ledger, tmp_path: Path, content: bytes, fault: str
) -> None:
    file = tmp_path / "hostile.csv"
    file.write_bytes(content)
    with pytest.raises(Faults) as raised:
        run(ledger, file)
    assert str(raised.value.faults[0]).startswith(fault)
    assert rows_of(ledger, "SELECT count(*) FROM accounts") == [(0,)]
    assert rows_of(ledger, "SELECT count(*) FROM sellers") == [(0,)]


def test_a_byte_order_mark_windows_line_ends_and_a_missing_last_one_are_no_faults(
    ledger: Ledger, tmp_path: Path
) -> None:
    file = tmp_path / "windows.csv"
    content = (HEADER.encode() + GOOD + GOOD.replace(b"a,", b"b,", 1)).replace(b"\n", b"\r\n")
    file.write_bytes(b"\xef\xbb\xbf" + content.removesuffix(b"\r\n"))
    assert run(ledger, file).imported == 2


def test_a_file_of_faulty_rows_alone_ends_well(ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "garbage.csv"
    file.write_bytes(HEADER.encode() + b"%\n" * 200_000)
    report = run(ledger, file, faults=tmp_path / "faults.csv")
    assert (report.rows, report.faulty, report.imported, len(report.faults)) == (
        200_000,
        200_000,
        0,
        20,
    )


def test_a_file_that_is_not_there_is_said(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run(ledger, tmp_path / "nowhere.csv")


# --- killed, repeated, at once --------------------------------------------------------------------


class Recorder:
    """Records the workflows that would be started. It fails at the call `fail_at`."""

    def __init__(self, ledger: Ledger, fail_at: int = 0) -> None:
        self.ledger = ledger
        self.started: list[str] = []
        self.again: list[str] = []
        self._calls, self._fail_at = 0, fail_at

    async def start_all(
        self,
        snapshots: Sequence[Snapshot],
        *,
        on_clock: bool,
        at_once: int,
        progress: Callable[[int], None] | None,
        failed: Callable[[str, Exception], None],
    ) -> None:
        self._calls += 1
        if self._calls == self._fail_at:
            raise ConnectionError("the server is gone")
        assert on_clock
        self.started += [snapshot.subscription.id for snapshot in snapshots]
        self._mark([snapshot.subscription.id for snapshot in snapshots])
        if progress:
            progress(len(snapshots))

    async def start_these(
        self,
        subscriptions: Sequence[str],
        at_once: int,
        progress: Callable[[int], None] | None,
        failed: Callable[[str, Exception], None],
    ) -> None:
        self.again += subscriptions
        self._mark(list(subscriptions))

    def _mark(self, ids: list[str]) -> None:
        with self.ledger.engine.begin() as connection:
            connection.execute(
                text("UPDATE subscriptions SET workflow_started = true WHERE id = ANY(:ids)"),
                {"ids": ids},
            )


def test_workflows_are_started_for_what_was_committed_and_made_good_by_the_next_run(
    ledger: Ledger, telco: ColumnMapping
) -> None:
    failing = Recorder(ledger, fail_at=2)
    with pytest.raises(ConnectionError):
        run(ledger, TELCO, telco, limit=50, chunk=10, starter=failing)
    assert len(failing.started) == 10
    committed = len(rows_of(ledger, "SELECT id FROM subscriptions"))
    assert 20 <= committed < 50
    second = Recorder(ledger)
    report = run(ledger, TELCO, telco, limit=50, chunk=10, starter=second)
    assert (report.imported, report.there, report.started) == (50 - committed, committed, 40)
    assert len(second.again) == committed - 10
    assert sorted(failing.started + second.started + second.again) == sorted(
        id_ for (id_,) in rows_of(ledger, "SELECT id FROM subscriptions")
    )
    third = Recorder(ledger)
    assert run(ledger, TELCO, telco, limit=50, starter=third).started == 0
    assert third.started + third.again == []


def test_one_row_that_the_database_refuses_does_not_stop_the_others(
    ledger: Ledger, telco: ColumnMapping
) -> None:
    poison = sorted(taken := imported_ids(ledger, telco))[7]
    with ledger.engine.begin() as connection:
        check = f"CHECK (id <> 'x-{poison}') NOT VALID"
        connection.execute(text(f"ALTER TABLE subscriptions ADD {check}"))
    report = run(ledger, TELCO, telco, limit=30, prefix="x-")
    assert (report.imported, report.faulty) == (len(taken) - 1, 1)
    assert report.faults[0].id == poison
    assert report.faults[0].reason.startswith("the database refuses it: ")
    assert "subscriptions_id_check" in report.faults[0].reason


def imported_ids(ledger: Ledger, telco: ColumnMapping) -> list[str]:
    """The ids of the first 30 rows, which are imported."""
    run(ledger, TELCO, telco, limit=30)
    return [id_ for (id_,) in rows_of(ledger, "SELECT id FROM subscriptions")]


def test_one_workflow_that_cannot_be_started_does_not_stop_the_others(
    ledger: Ledger, telco: ColumnMapping
) -> None:
    class Fails(Recorder):
        async def start_all(self, snapshots: Sequence[Snapshot], **options: Any) -> None:
            await super().start_all(snapshots[1:], **options)
            options["failed"](snapshots[0].subscription.id, ValueError("too large"))

    starter, done = Fails(ledger), []
    report = run(
        ledger,
        TELCO,
        telco,
        limit=30,
        chunk=10,
        starter=starter,
        progress=lambda *told: done.append(told),
    )
    assert (report.imported, report.started, report.unstarted) == (30, 27, 3)
    assert len(starter.started) == 27
    assert done[-1] == (30, 30)


KILLED = """
import asyncio, sys
from pathlib import Path
from doors.intake import column_mapping
from doors.intake.customer_import import import_file
from core.ledger.database import connect
from core.ledger.ledger import Ledger
by = column_mapping.read(Path("examples/telco-mapping.yaml"))
ledger = Ledger(connect(sys.argv[1]))
file = Path("examples/telco-customers.csv")
asyncio.run(import_file(ledger, file, by, clock="c", limit=100, chunk=20))
"""


@pytest.mark.parametrize(
    ("point", "committed"),
    [
        ("catalog.before_commit", 0),
        ("catalog.after_commit", 0),
        ("take_over.before_commit:3", 40),
        ("take_over.after_commit:3", 60),
    ],
)
def test_killed_in_the_middle_and_run_again_gives_what_an_undisturbed_run_gives(
    ledger: Ledger, telco: ColumnMapping, tmp_path: Path, point: str, committed: int
) -> None:
    environment = {**os.environ, "PERENNIAL_FAILPOINTS": str(tmp_path), "PERENNIAL_FAIL_AT": point}
    url = ledger.engine.url.render_as_string(hide_password=False)
    died = subprocess.run(
        [sys.executable, "-c", KILLED, url],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert rows_of(ledger, "SELECT count(*) FROM subscriptions") == [(committed,)]
    report = run(ledger, TELCO, telco, limit=100, chunk=20)
    assert (report.imported, report.there) == (100 - committed, committed)
    result = json.dumps(everything(ledger), default=str)
    with ledger.engine.begin() as connection:
        tables = (
            "subscriptions, accounts, operations, postings, periods, messages, history, "
            "catalog_entries, policies, sellers, refunds, invoices"
        )
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(
            text(
                f"TRUNCATE {tables}, steps, period_charges, card_charges, monthly_amounts, "
                "verified_balances, numbers, trials, seller_wallets, seller_credits, imports, "
                "imported CASCADE"
            )
        )
        connection.execute(text("SET session_replication_role = DEFAULT"))
    ledger.references.__init__()  # type: ignore[misc]  # forget the catalogue that was truncated
    assert run(ledger, TELCO, telco, limit=100).imported == 100
    assert json.dumps(everything(ledger), default=str) == result


def test_two_imports_at_once_come_to_one(
    ledger: Ledger, telco: ColumnMapping, database: str
) -> None:
    other = Ledger(connect(database))

    async def both() -> list[ImportReport]:
        return list(
            await asyncio.gather(
                *(
                    import_file(each, TELCO, telco, clock="c", limit=200, chunk=20)
                    for each in (ledger, other)
                )
            )
        )

    try:
        reports = asyncio.run(both())
    finally:
        other.engine.dispose()
    assert sum(report.imported for report in reports) == 200
    assert all(report.imported + report.there == 200 for report in reports)
    assert rows_of(ledger, "SELECT count(*), count(DISTINCT subscription) FROM operations") == [
        (200, 200)
    ]


def test_a_subscription_that_was_bought_under_the_id_is_passed_over(
    ledger: Ledger, tmp_path: Path
) -> None:
    run(ledger, plain(tmp_path, "a,,USD,UTC,1,5.00,2024-01-31,1,100.00"))
    direct = Direct(Activities(ledger, SimulatedCards(ledger.engine)))
    bought = asyncio.run(
        direct.command(Purchase(subscription="b", account="a", sku="sku-1m-5.00-USD"), NOW)
    )
    assert bought.refusal is None
    before = everything(ledger)
    report = run(ledger, plain(tmp_path, "b,,EUR,UTC,1,7.00,2024-01-31,1,100.00"))
    assert (report.imported, report.there) == (0, 1)
    assert {k: v for k, v in everything(ledger).items() if k != "catalogue"} == {
        k: v for k, v in before.items() if k != "catalogue"
    }


# --- with workflows -------------------------------------------------------------------------------


async def test_each_imported_subscription_has_its_workflow(
    database: str, temporal_address: str, telco: ColumnMapping
) -> None:
    async with Perennial.connect(
        database, temporal_address, Settings(seller="importer")
    ) as perennial:
        await perennial.new_clock("c", NOW)
        told: list[tuple[int, int]] = []
        first = await import_file(
            perennial.ledger,
            TELCO,
            telco,
            starter=perennial,
            clock="c",
            limit=30,
            prefix="w-",
            progress=lambda done, total: told.append((done, total)),
        )
        assert (first.imported, first.started, told[-1]) == (30, 30, (30, 30))
        for (id_,) in rows_of(
            perennial.ledger, "SELECT id FROM subscriptions WHERE workflow_started"
        ):
            assert (
                await perennial.temporal.get_workflow_handle(subscription_workflow(id_)).describe()
            ).workflow_type == "Subscription"
        again = await import_file(
            perennial.ledger, TELCO, telco, starter=perennial, clock="c", limit=30, prefix="w-"
        )
        assert (again.imported, again.there, again.started) == (0, 30, 0)


async def test_without_workflows_they_are_left_to_the_relay(
    database: str, temporal_address: str, telco: ColumnMapping
) -> None:
    async with Perennial.connect(
        database, temporal_address, Settings(seller="importer")
    ) as perennial:
        await perennial.new_clock("c", NOW)
        assert (
            await import_file(perennial.ledger, TELCO, telco, clock="c", limit=30, prefix="x-")
        ).started == 0
        assert rows_of(
            perennial.ledger, "SELECT count(*) FROM subscriptions WHERE workflow_started"
        ) == [(0,)]
        assert await perennial.start_missing() == 30
        assert rows_of(
            perennial.ledger, "SELECT count(*) FROM subscriptions WHERE NOT workflow_started"
        ) == [(0,)]


def test_a_policy_that_is_set_while_a_first_import_is_checked_stays(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 14. The defaults are put in force only where there is no policy."""
    fresh = dataclasses.replace(ledger, seller="fresh")
    chosen = policy.load({"max_licences": 400, "renewal_lead_days": 10})
    prepare = customer_import._Run.prepare

    def set_meanwhile(self: Any, actor: str) -> None:
        with fresh.transaction("terms") as connection:
            stored_terms.add_policy(connection, "fresh", chosen)
        prepare(self, actor)

    monkeypatch.setattr(customer_import._Run, "prepare", set_meanwhile)
    report = asyncio.run(import_file(fresh, plain(tmp_path, "s1,a1,USD,UTC,1,10.00,2020-12-15")))
    assert report.imported == 1
    in_force = "SELECT policy_version FROM sellers WHERE id = 'fresh'"
    assert rows_of(ledger, in_force) == [(1,)]
