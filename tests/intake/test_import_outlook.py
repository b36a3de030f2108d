"""A dry run tells what will become of the rows, before anything is written (docs/import.md).

Today is 2024-03-15, unless a test says otherwise: the test clock stands at 20:00Z.
"""

import asyncio
import csv
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from activities.import_customers import Customer
from activities.registry import Activities
from core.domain import catalog as catalogs
from core.domain import policy
from core.gateways.simulated_cards import SimulatedCards
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from core.ledger.tables import Clock
from doors.application import test_clocks
from doors.application.direct_engine import Direct
from doors.intake.customer_import import import_file
from doors.intake.import_outlook import Outlook, OutlookReport
from doors.intake.import_report import ImportReport
from doors.intake.import_undo import all_imports
from doors.intake.takeover_table import came_in
from tests.domain.made import at, day

NOW = at("2024-03-15T20:00")
HEADER = "id,account,currency,timezone,months,price,anchor,credits,auto_renew,card,renew_by_card\n"


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    ledger = Ledger(connect(database))
    with ledger.engine.begin() as connection:
        connection.execute(insert(Clock).values(id="c", now=NOW))
    yield ledger
    ledger.engine.dispose()


def take(ledger: Ledger, file: Path, **options: Any) -> ImportReport:
    return asyncio.run(import_file(ledger, file, **{"clock": "c", **options}))


def looked(ledger: Ledger, folder: Path, *lines: str, **options: Any) -> OutlookReport:
    file = folder / "customers.csv"
    file.write_text(HEADER + "".join(f"{line}\n" for line in lines))
    report = take(ledger, file, dry_run=True, **options)
    assert report.faulty == 0, report.faults
    assert report.outlook is not None
    return report.outlook


def test_rows_are_counted_by_what_they_will_be(ledger: Ledger, tmp_path: Path) -> None:
    """E is 04-09 for s1, 03-19 for s2, whose renewal date 03-12 is past, and 03-31 for s3."""
    outlook = looked(
        ledger,
        tmp_path,
        "s1,a1,EUR,UTC,1,30.00,2024-02-10,70.00,yes,,",
        "s2,a2,EUR,UTC,1,30.00,2024-02-20,0,yes,,",
        "s3,a3,EUR,UTC,1,30.00,2024-03-01,0,no,,",
    )
    assert outlook.expected == {
        "renews by itself": 1,
        "renewal date is past, tried at once": 1,
        "runs out, auto-renewal is off": 1,
    }


def test_rule_8_1_what_is_paused_there_is_told(ledger: Ledger, tmp_path: Path) -> None:
    header, file = HEADER.strip() + ",status,paid_until\n", tmp_path / "customers.csv"
    file.write_text(header + "s1,a1,EUR,UTC,1,30.00,,0,yes,,,paused,2024-03-20\n")
    outlook = take(ledger, file, dry_run=True).outlook
    assert outlook is not None
    assert outlook.expected == {"runs out, auto-renewal is off": 1}
    assert outlook.odd[0].startswith("1 row is paused there. The rules know no pause: auto-renewal")


def test_the_renewals_of_the_next_30_days_and_their_amounts(ledger: Ledger, tmp_path: Path) -> None:
    """s1 renews on 04-02. s2 is tried today, and on 04-12 for its next cycle. s3 is beyond."""
    outlook = looked(
        ledger,
        tmp_path,
        "s1,a1,EUR,UTC,1,30.00,2024-02-10,70.00,yes,,",
        "s2,a2,EUR,UTC,1,20.00,2024-02-20,0,yes,,",
        "s3,a3,JPY,UTC,12,900,2024-03-01,0,yes,,",
        "s4,a4,JPY,UTC,1,100,2024-02-10,0,yes,,",
    )
    assert [(it.day, it.currency, it.renewals, it.amount) for it in outlook.renewals] == [
        (date(2024, 3, 15), "EUR", 1, Decimal(20)),
        (date(2024, 4, 2), "EUR", 1, Decimal(30)),
        (date(2024, 4, 2), "JPY", 1, Decimal(100)),
        (date(2024, 4, 12), "EUR", 1, Decimal(20)),
    ]


def test_what_is_told_is_what_then_happens(ledger: Ledger, tmp_path: Path) -> None:
    """The import is made after the dry run, and 30 days pass."""
    lines = [
        f"s{n},a{n},EUR,UTC,{1 + n % 3},{10 + n}.00,2023-{1 + n % 12:02}-{1 + n % 28:02},0,yes,"
        "sim_ok,yes"
        for n in range(40)
    ]
    outlook = looked(ledger, tmp_path, *lines, table=tmp_path / "told.csv")
    take(ledger, tmp_path / "customers.csv")
    with (tmp_path / "told.csv").open() as told:
        expected = {row["subscription"]: row for row in csv.DictReader(told)}
    for row in came_in(ledger, all_imports(ledger)[0]):
        cells = expected[row.subscription]
        assert [*cells.values()][:8] == list(row.cells())
    engine = Direct(Activities(ledger, SimulatedCards(ledger.engine)))
    asyncio.run(test_clocks.advance(ledger, engine, "c", at("2024-04-13T23:59")))
    with ledger.engine.connect() as connection:
        happened = connection.exec_driver_sql(
            "SELECT CAST(at AS date), count(*), -sum(amount) FROM history "
            "WHERE event = 'renewed' GROUP BY 1 ORDER BY 1"
        ).all()
    assert [tuple(row) for row in happened] == [
        (it.day, it.renewals, it.amount) for it in outlook.renewals
    ]


def test_a_day_in_the_future_is_looked_at_as_of_that_day(ledger: Ledger, tmp_path: Path) -> None:
    outlook = looked(
        ledger,
        tmp_path,
        "s1,a1,EUR,UTC,1,30.00,2024-02-10,70.00,yes,,",
        as_of=date(2024, 5, 4),
    )
    (row,) = outlook.sample
    assert (row.paid_until, row.renews_on, row.next_fee) == (
        date(2024, 5, 9),
        date(2024, 5, 4),
        Decimal(30),
    )
    assert outlook.as_of == date(2024, 5, 4)


def test_what_is_odd_is_said(ledger: Ledger, tmp_path: Path) -> None:
    lines = [f"s{n},a{n},EUR,UTC,1,0,2024-02-20,0,yes,," for n in range(15)]
    lines += [f"t{n},b{n},EUR,UTC,1,5.00,2024-03-0{n},0,yes,," for n in range(1, 8)]
    odd = " ".join(looked(ledger, tmp_path, *lines).odd)
    assert "15 of 22 anchors are 2024-02-20" in odd
    assert "15 rows have a next fee of zero" in odd
    assert "15 rows are late" in odd
    assert "7 of 22 rows that renew bring neither credits" in odd
    none = [f"s{n},a{n},EUR,UTC,1,5.00,2024-03-01,0,no,," for n in range(20)]
    assert "No row renews by itself" in " ".join(looked(ledger, tmp_path, *none).odd)


def test_nothing_odd_is_said_of_a_file_that_is_well(ledger: Ledger, tmp_path: Path) -> None:
    lines = [f"s{n},a{n},EUR,UTC,1,5.00,2024-03-{n:02},5.00,yes,," for n in range(1, 15)]
    assert looked(ledger, tmp_path, *lines).odd == ()


def test_ten_accounts_are_shown_whatever_the_number_of_rows(ledger: Ledger, tmp_path: Path) -> None:
    lines = [f"s{n},a{n // 2},EUR,UTC,1,5.00,2024-03-01,5.00,yes,," for n in range(60)]
    sample = looked(ledger, tmp_path, *lines).sample
    assert len({row.account for row in sample}) == 10


def test_the_next_charge_of_the_other_system_is_compared_row_by_row(tmp_path: Path) -> None:
    """s0 is paid up to 2024-04-14 here, so 04-15 is the first day that is not paid."""
    entry = {"sku": "A", "kind": "application", "months": 1, "prices": {"EUR": "5.00"}}
    table = (tmp_path / "all.csv").open("w+")
    outlook = Outlook(catalogs.load([entry]), policy.DEFAULT, NOW, None, table=table)
    for number, there in enumerate(("2024-04-15", "2024-04-16", "2024-04-14", "2024-05-01", None)):
        outlook.add(
            Customer(
                id=f"s{number}",
                account=f"a{number}",
                currency="EUR",
                timezone="UTC",
                sku="A",
                months=1,
                anchor=day("2024-03-15"),
                charged_there_on=None if there is None else day(there),
            )
        )
    compared = outlook.report().comparison
    assert compared is not None
    assert (compared.agree, compared.a_day, compared.more) == (1, 2, 1)
    assert [(row.subscription, row.days_apart) for row in compared.first] == [
        ("s1", 1),
        ("s2", -1),
        ("s3", 16),
    ]
    table.seek(0)
    assert [line["days_apart"] for line in csv.DictReader(table)] == ["0", "1", "-1", "16", ""]
    table.close()


def test_what_the_other_system_knows_shows_in_the_counts(ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "states.csv"
    file.write_text(
        "id,currency,timezone,months,price,status,paid_until,trial_until\n"
        "s1,EUR,UTC,1,30.00,past_due,2024-03-17,\n"
        "s2,EUR,UTC,1,30.00,expired,2024-03-10,\n"
        "s3,EUR,UTC,1,30.00,terminated,2024-01-10,\n"
        "s4,EUR,UTC,1,30.00,trial,,2024-03-20\n"
    )
    report = take(ledger, file, dry_run=True)
    assert report.outlook is not None
    assert report.outlook.expected == {
        "renewal has failed there, tried again on the retry days ahead": 1,
        "trial": 1,
        "expired": 1,
        "terminated": 1,
    }
