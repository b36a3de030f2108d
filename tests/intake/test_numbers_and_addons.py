"""Numbers and add-ons that come in with customers (Rules 3.1, 10.1, 10.2, docs/import.md).

Today is 2024-03-15: the test clock stands at 12:00Z.
"""

import asyncio
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text

from activities.registry import Activities
from core.domain import policy as policies
from core.gateways.simulated_cards import SimulatedCards
from core.ledger import stored_terms
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from core.ledger.tables import Clock
from doors.application import test_clocks
from doors.application.direct_engine import Direct
from doors.intake import column_mapping
from doors.intake.customer_import import import_file
from doors.intake.import_report import ImportReport
from doors.intake.import_undo import UndoReport, imports_named, undo_imports
from doors.intake.number_import import import_number_file
from tests.domain.made import at

HEADER = (
    "id,account,currency,timezone,months,price,paid_until,auto_renew,credits,numbers,number_sku,"
    "hold,addons\n"
)
ONE, TWO, THREE = "+6561234567", "+6561234568", "+6561234569"


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """The catalogue sells numbers for 10.00 and support for 5.00 a month."""
    ledger = Ledger(connect(database))
    with ledger.engine.begin() as connection:
        connection.execute(insert(Clock).values(id="c", now=at("2024-03-15T12:00")))
    with ledger.transaction("terms") as connection:
        stored_terms.add_policy(connection, "main", policies.DEFAULT)
        extras = [
            {"sku": "DID", "kind": "number", "months": 1, "prices": {"EUR": "10.00"}},
            {"sku": "SUPPORT", "kind": "addon", "months": 1, "prices": {"EUR": "5.00"}},
        ]
        stored_terms.add_catalog(connection, "main", extras)
    yield ledger
    ledger.engine.dispose()


def take(
    ledger: Ledger, folder: Path, *rows: str, mapping: str | None = None, **options: Any
) -> ImportReport:
    file = folder / "customers.csv"
    file.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    by = column_mapping.parse(mapping) if mapping else None
    return asyncio.run(import_file(ledger, file, by, **{"clock": "c", **options}))


def undo(ledger: Ledger, name: object) -> UndoReport:
    return asyncio.run(undo_imports(ledger, imports_named(ledger, str(name))))


def rows(ledger: Ledger, query: str) -> list[Any]:
    with ledger.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def numbers(ledger: Ledger) -> list[Any]:
    return rows(
        ledger, "SELECT number, state, hold, subscription, until FROM numbers ORDER BY number"
    )


def row(id_: str, numbers: str = "", hold: str = "", addons: str = "", **other: str) -> str:
    cells = {
        "account": id_,
        "paid_until": "2024-03-31",
        "auto_renew": "yes",
        "credits": "100.00",
        "sku": "DID" if numbers else "",
    } | other
    return (
        f"{id_},{cells['account']},EUR,UTC,1,30.00,{cells['paid_until']},{cells['auto_renew']},"
        f'{cells["credits"]},"{numbers}",{cells["sku"]},{hold},"{addons}"'
    )


def test_rule_3_1_numbers_and_add_ons_are_in_the_next_fee(ledger: Ledger, tmp_path: Path) -> None:
    """30.00 + 2 × 10.00 for the numbers + 3 × 5.00 for the support = 65.00. No activation fee."""
    wanted = row("s1", "+65 6123 4567; +65 6123 4568", "ported in", "SUPPORT:2, SUPPORT")
    look = take(ledger, tmp_path, wanted, dry_run=True)
    assert look.outlook is not None, look.faults
    assert look.outlook.sample[0].next_fee == Decimal("65.00")
    assert numbers(ledger) == []
    done = take(ledger, tmp_path, wanted)
    assert (done.imported, done.faulty) == (1, 0), done.faults
    assert numbers(ledger) == [
        (ONE, "in_use", "ported_in", "s1", None),
        (TWO, "in_use", "ported_in", "s1", None),
    ]
    engine = Direct(Activities(ledger, SimulatedCards(ledger.engine)))
    asyncio.run(test_clocks.advance(ledger, engine, "c", at("2024-03-26")))
    assert rows(ledger, "SELECT expiry FROM subscriptions") == [(date(2024, 4, 30),)]
    assert rows(ledger, "SELECT balance FROM accounts") == [(Decimal("35.00"),)]


def test_several_rows_of_one_subscription_bring_their_numbers_together(
    ledger: Ledger, tmp_path: Path
) -> None:
    """Each row has its own kind of hold. The fields of lists add up as the mapping says."""
    mapping = (
        "add_up: [numbers]\nfields: {"
        + ", ".join(f"{name}: {{column: {name}}}" for name in HEADER.strip().split(","))
        + "}"
    )
    done = take(
        ledger, tmp_path, row("s1", ONE), row("s1", TWO, "byoi"), row("s2"), mapping=mapping
    )
    assert (done.imported, done.faulty) == (2, 0), done.faults
    assert numbers(ledger) == [
        (ONE, "in_use", "normal", "s1", None),
        (TWO, "in_use", "byoi", "s1", None),
    ]


def test_rule_10_2_numbers_of_an_expired_subscription_are_held(
    ledger: Ledger, tmp_path: Path
) -> None:
    """E is 03-05, so day 56 is 04-30. What the customer brought along stays in use."""
    expired = {"paid_until": "2024-03-05", "auto_renew": "no"}
    done = take(ledger, tmp_path, row("s1", ONE, **expired), row("s2", TWO, "byoi", **expired))
    assert (done.imported, done.faulty) == (2, 0), done.faults
    assert numbers(ledger) == [
        (ONE, "held", "normal", "s1", date(2024, 4, 30)),
        (TWO, "in_use", "byoi", "s2", None),
    ]
    subject = rows(ledger, f"SELECT kind, due FROM steps WHERE subject LIKE '%{ONE}%'")
    assert len(subject) == 1


@pytest.mark.parametrize("paid", ["2024-03-31", "2024-03-05"])
def test_undoing_takes_the_numbers_out_or_makes_them_free_again(
    ledger: Ledger, tmp_path: Path, paid: str
) -> None:
    """ONE was in the inventory before. TWO came with its customer, and leaves with it."""
    file = tmp_path / "numbers.csv"
    file.write_text(f"number,sku\n{ONE},DID\n")
    import_number_file(ledger, file, actor="test")
    other = {"paid_until": paid, "auto_renew": "no"}
    wanted = row("s1", f"{ONE},{TWO}", **other)
    done = take(ledger, tmp_path, wanted)
    report = undo(ledger, done.import_id)
    assert (report.undone, report.kept) == (1, 0), report.first_kept
    assert [it[:2] for it in numbers(ledger)] == [(ONE, "free"), (TWO, "gone")]
    again = take(ledger, tmp_path, wanted)
    assert (again.imported, again.faulty) == (1, 0), again.faults
    assert undo(ledger, again.import_id).undone == 1
    assert [it[:2] for it in numbers(ledger)] == [(ONE, "free"), (TWO, "gone")]
    assert undo(ledger, 1).undone == 1
    assert [it[:2] for it in numbers(ledger)] == [(ONE, "gone"), (TWO, "gone")]


@pytest.mark.parametrize("dry_run", [True, False])
def test_rule_10_2_a_number_of_someone_else_is_a_fault_of_its_row(
    ledger: Ledger, tmp_path: Path, dry_run: bool
) -> None:
    take(ledger, tmp_path, row("s1", ONE))
    done = take(ledger, tmp_path, row("s2", f"{ONE},{TWO}"), row("s3", THREE), dry_run=dry_run)
    assert [fault.reason for fault in done.faults] == [f"numbers: {ONE} is in use (rule 10.2)"]
    assert (done.imported, done.faulty) == (1, 1)
    assert all(it[0] != TWO for it in numbers(ledger))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (row("s1", "+65 12"), "numbers: '+65 12' has too few digits for its country; allowed is"),
        (row("s1", "61234567"), "numbers: '61234567' is no phone number"),
        (row("s1", f"{ONE};{ONE}"), "numbers: one of them stands twice"),
        (row("s1", ONE, sku=""), "numbers: needs number_sku, a SKU of numbers in the catalogue"),
        (row("s1", ONE, sku="SUPPORT"), "number_sku: 'SUPPORT' is no number SKU of the catalogue"),
        (row("s1", ONE, "lent"), "hold: 'lent' is not how a number came; allowed are normal"),
        (row("s1", addons="DID"), "addons: 'DID' is no addon SKU of the catalogue; there are SUP"),
        (row("s1", addons="SUPPORT:501"), "addons: at most 500 licences of SUPPORT are allowed"),
        (row("s1", addons="SUPPORT:0"), "addons: must be a whole number"),
    ],
)
def test_what_is_wrong_with_a_list_is_said(
    ledger: Ledger, tmp_path: Path, wrong: str, reason: str
) -> None:
    done = take(ledger, tmp_path, wrong)
    assert [fault.reason[: len(reason)] for fault in done.faults] == [reason]


def test_a_number_in_two_rows_names_the_first_line(ledger: Ledger, tmp_path: Path) -> None:
    done = take(ledger, tmp_path, row("s1", ONE), row("s2", f"{TWO},{ONE}"))
    assert done.faults[0].reason == f"numbers: {ONE} is in line 2 already"


def test_rule_4_3_a_trial_has_neither(ledger: Ledger, tmp_path: Path) -> None:
    header = "id,currency,timezone,months,price,trial_until,addons\n"
    file = tmp_path / "trial.csv"
    file.write_text(header + "s1,EUR,UTC,1,30.00,2024-03-31,SUPPORT\n")
    done = asyncio.run(import_file(ledger, file, clock="c"))
    assert "a trial has no add-ons and no numbers (rule 4.3)" in done.faults[0].reason


def test_numbers_of_a_terminated_subscription_stay_out(ledger: Ledger, tmp_path: Path) -> None:
    ended = row("s1", ONE, paid_until="2023-03-05", auto_renew="no")
    look = take(ledger, tmp_path, ended, dry_run=True)
    assert look.outlook is not None
    assert any("1 number belongs to rows that are terminated" in it for it in look.outlook.odd)
    done = take(ledger, tmp_path, ended)
    assert (done.imported, done.faulty, numbers(ledger)) == (1, 0, []), done.faults
