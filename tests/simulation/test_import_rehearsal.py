"""The customers of a file live some months on a test clock, in a place of their own."""

import asyncio
import csv
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.domain.policy import load
from core.ledger import stored_terms
from core.ledger.clocks import machine_now
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from doors.simulation.import_rehearsal import RehearsalReport, rehearse
from local import stack
from settings import Settings

HEADER = "id,account,currency,timezone,months,price,anchor,credits,card,renew_by_card\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The cycles began today. s1 pays by card, s2 from its credits once, s3 not at all."""
    today = machine_now().date()
    file = tmp_path / "customers.csv"
    file.write_text(
        HEADER
        + f"s1,a1,EUR,UTC,1,30.00,{today},0,a_real_token,yes\n"
        + f"s2,a2,EUR,UTC,1,20.00,{today},20.00,,\n"
        + f"s3,a3,EUR,UTC,1,10.00,{today},0,,\n"
    )
    return file


def play(ledger: Ledger, file: Path, **options: Any) -> RehearsalReport:
    """Rehearse two months. Nothing of it is in the real database afterwards."""
    work = rehearse(ledger, Settings(), stack, file, None, **{"months": 2, **options})
    report = asyncio.run(work)
    with ledger.engine.connect() as connection:
        for table in ("accounts", "subscriptions", "history", "imports", "clocks"):
            found = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
            assert found == 0, table
    return report


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    ledger = Ledger(connect(database))
    yield ledger
    ledger.engine.dispose()


def test_the_next_months_are_played_and_told_day_by_day(
    ledger: Ledger, file: Path, tmp_path: Path
) -> None:
    """The first cycle ends within two months, and every card is charged."""
    report = play(ledger, file, table=tmp_path / "end.csv")
    assert report.imported.imported == 3
    assert report.left == {}
    first = report.days[0]
    assert (first.currency, first.renewed, first.amount, first.by_card) == ("EUR", 2, 50, 30)
    assert sum(day.failed for day in report.days) >= 2
    assert sum(day.expired for day in report.days) >= 1
    rows = {row["subscription"]: row for row in csv.DictReader((tmp_path / "end.csv").open())}
    assert rows["s1"]["paid_until"] > rows["s2"]["paid_until"]
    assert rows["s3"]["status"] in ("EXPIRED", "TERMINATED")


def test_cards_can_be_declined(ledger: Ledger, file: Path) -> None:
    report = play(ledger, file, months=1, decline_cards=True)
    assert sum(day.by_card for day in report.days) == 0
    assert sum(day.renewed for day in report.days) == 1


def test_nothing_is_renewed_before_the_day_on_which_perennial_takes_over(
    ledger: Ledger, file: Path
) -> None:
    day = machine_now().date() + timedelta(days=40)
    report = play(ledger, file, months=1, as_of=day)
    assert report.days[0].day >= day
    assert report.until.date() > day


def test_the_real_policy_and_catalogue_count(ledger: Ledger, file: Path) -> None:
    """By the default policy the renewal is 7 days before the expiry, here it is one day before."""
    with ledger.transaction("terms") as connection:
        terms = load({"renewal_lead_days": 1, "legacy_renewal_lead_days": 1, "retry_days": []})
        stored_terms.add_policy(connection, "main", terms)
        entry = {"sku": "OLD", "kind": "application", "months": 1, "prices": {"EUR": "9.00"}}
        stored_terms.add_catalog(connection, "main", [entry])
    file.write_text(
        f"id,currency,timezone,sku,anchor,credits\ns1,EUR,UTC,OLD,{machine_now().date()},9.00\n"
    )
    report = play(ledger, file)
    (first, *_) = report.days
    begin = machine_now().date()
    assert (first.renewed, first.amount) == (1, 9)
    assert (first.day - begin).days >= 26
