"""Ready mappings read small made-up files of the shapes that other systems export.

Today is 2024-06-03: the test clock stands at 12:00Z.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from core.domain.faults import Faults
from core.ledger.database import connect
from core.ledger.ledger import Ledger
from core.ledger.tables import Clock
from doors.intake import ready_mappings
from doors.intake.customer_import import import_file
from doors.intake.import_report import ImportReport
from settings import PROJECT
from tests.domain.made import at

FILES = Path(__file__).parent / "mappings"


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    ledger = Ledger(connect(database))
    with ledger.engine.begin() as connection:
        connection.execute(insert(Clock).values(id="c", now=at("2024-06-03T12:00")))
    yield ledger
    ledger.engine.dispose()


def look(ledger: Ledger, name: str, file: Path | None = None, **constants: str) -> ImportReport:
    mapping = ready_mappings.read(Path(name), constants)
    file = file or FILES / f"{name}.csv"
    return asyncio.run(import_file(ledger, file, mapping, clock="c", dry_run=True))


#: What comes in from each file: id, account, paid up to, renews by itself, next fee, and days apart
#: from the next charge of the other system. Then what is left out, and how many rows are faulty.
SEEN: dict[str, tuple[list[str], list[str], int]] = {
    "stripe": (
        [
            "sub_1 cus_1 2024-06-11 True 29.00 USD 0",
            "sub_2 cus_2 2025-01-31 False 870.00 EUR 0",
            "sub_4 cus_1 2024-05-11 True 58.00 USD None",
            "sub_5 cus_5 2024-06-10 True 29.00 USD 0",
            "sub_6 cus_6 2024-05-14 False 29.00 USD None",
        ],
        ["sub_3 Status is 'canceled': it has ended there"],
        0,
    ),
    "chargebee": (
        [
            "16BjmZTv c1 2024-06-09 True 30.00 USD 0",
            "16BjmZTw c2 2024-06-30 False 40.00 USD 0",
            "16BjmZTy c4 2024-06-19 False 15.00 USD 0",
        ],
        ["16BjmZTx subscriptions.status is 'Cancelled': it has ended there"],
        0,
    ),
    "recurly": (
        [
            "b964b5439c2548a489 1234 2024-06-19 True 19.95 GBP 0",
            "b964b5439c2548a490 1235 2024-06-07 False 19.95 GBP 0",
        ],
        [
            "b964b5439c2548a491 state is 'expired': it has ended there",
            "b964b5439c2548a492 state is 'paused': the export does not tell up to when it is paid; "
            "resume or cancel it there first",
        ],
        0,
    ),
    "woocommerce": (
        [
            "101 7 2024-06-14 True 12.50 USD 0",
            "102 8 2024-06-20 False 12.50 USD None",
            "105 10 2024-05-14 False 12.50 USD 0",
        ],
        ["103 subscription_status is 'wc-cancelled': it has ended there"],
        2,
    ),
    "recharge": (
        [
            "9001 ann@example.com 2024-06-24 True 16.00 USD 0",
            "9002 bob@example.com 2024-07-09 True 21.00 USD 1",
        ],
        ["9003 status is 'CANCELLED': it has ended there"],
        0,
    ),
    "killbill": (
        [
            "0b7f-1 acc-1 2024-06-29 True 100.00 USD 0",
            "0b7f-2 acc-2 2024-09-14 False 500.00 USD 0",
            "0b7f-4 acc-4 2024-06-19 False 100.00 USD 0",
        ],
        ["0b7f-3 state is 'CANCELLED': it has ended there"],
        0,
    ),
    "telco-periods": (
        [
            "V-1001 K-1 2024-06-27 True 29.90 SGD None",
            "V-1002 K-1 2024-11-30 False 480.00 SGD None",
        ],
        ["V-1003 status is 'TERMINATED': it has ended there"],
        0,
    ),
}


@pytest.mark.parametrize("name", list(SEEN))
def test_a_ready_mapping_reads_the_file_of_its_system(
    ledger: Ledger, name: str, tmp_path: Path
) -> None:
    mapping = ready_mappings.read(Path(name), {})
    table = tmp_path / "all.csv"
    report = asyncio.run(
        import_file(ledger, FILES / f"{name}.csv", mapping, clock="c", dry_run=True, table=table)
    )
    wanted, left_out, faulty = SEEN[name]
    found = []
    for line in table.read_text().splitlines()[1:]:
        id_, account, _, auto, paid, _, fee, currency, _, apart = line.split(",")
        found.append(f"{id_} {account} {paid} {auto == 'yes'} {fee} {currency} {apart or None}")
    assert found == wanted, report.faults
    assert [f"{row.id} {row.reason}" for row in report.not_brought_in] == left_out
    assert (report.left_out, report.faulty) == (len(left_out), faulty), report.faults


@pytest.mark.parametrize(
    ("there", "paid"),
    [
        ("2024-06-15", "2024-06-14"),  # This cycle.
        ("2024-09-15", "2024-09-14"),  # Paid ahead, so it is not charged in June.
        ("2024-06-18", "2024-06-14"),  # No whole months since the start: the start decides.
    ],
)
def test_what_is_paid_ahead_there_is_not_charged_early(
    ledger: Ledger, tmp_path: Path, there: str, paid: str
) -> None:
    """The subscription began on 2024-01-15, and its cycle is a month."""
    header, row, *_ = (FILES / "woocommerce.csv").read_text().splitlines()
    file = tmp_path / "woocommerce.csv"
    file.write_text(f"{header}\n{row.replace('2024-06-15', there)}\n")
    report = look(ledger, "woocommerce", file)
    assert report.outlook is not None, report.faults
    assert [str(one.paid_until) for one in report.outlook.sample] == [paid]


def test_rule_13_what_failed_in_stripe_is_expired_and_a_trial_is_a_trial(
    ledger: Ledger,
) -> None:
    """The period of sub_4 began on 05-12 and was not paid, so its last paid day is 05-11.

    sub_6 is paused, because its trial ended without a card.
    """
    report = look(ledger, "stripe")
    assert report.outlook is not None
    told = {"trial": 1, "expired": 2}
    assert told.items() <= report.outlook.expected.items()
    assert any("1 row failed to renew there" in odd for odd in report.outlook.odd)


def test_what_is_left_out_is_listed_in_a_file_that_can_be_imported(
    ledger: Ledger, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    mapping = ready_mappings.read(Path("recurly"), {})
    file = FILES / "recurly.csv"
    asyncio.run(import_file(ledger, file, mapping, clock="c", dry_run=True, left_out=out))
    header, first, *_ = out.read_text("utf-8-sig").splitlines()
    assert header.startswith("fault_line,fault_reason,uuid,account_code")
    assert first.startswith("4,state is 'expired': it has ended there,b964b5439c2548a491,1236")
    out.write_text(out.read_text().replace(",expired,", ",active,").replace(",paused,", ",active,"))
    report = look(ledger, "recurly", out)
    assert (report.imported, report.left_out) == (2, 0), report.faults


def test_every_ready_mapping_is_tested_and_named() -> None:
    assert ready_mappings.names() == sorted([*SEEN, "telco"])


def test_a_cycle_that_the_rules_do_not_know_is_refused_with_its_reason(ledger: Ledger) -> None:
    report = look(ledger, "woocommerce")
    assert "cycles are counted in months" in report.faults[0].reason


def test_the_example_is_found_by_name(ledger: Ledger) -> None:
    report = look(ledger, "telco", PROJECT / "examples" / "telco-customers.csv")
    assert (report.imported, report.faulty) == (7043, 0)


def test_a_constant_takes_the_place_of_a_field(ledger: Ledger) -> None:
    """In Tokyo the period of sub_1 ends on 2024-06-12 at 23:03, so nothing changes but the zone."""
    report = look(ledger, "stripe", timezone="Asia/Tokyo", application="video")
    assert report.faulty == 0
    assert report.outlook is not None
    later = look(ledger, "stripe", timezone="Pacific/Kiritimati")
    assert later.outlook is not None
    days = [row.paid_until for row in later.outlook.sample if row.subscription == "sub_1"]
    assert [str(day) for day in days] == ["2024-06-12"]


def test_an_unknown_name_lists_the_ready_ones() -> None:
    with pytest.raises(Faults, match="ready ones are chargebee, killbill, recharge, recurly"):
        ready_mappings.file_of(Path("strype"))


def test_a_file_of_the_same_name_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stripe").write_text("fields: {}")
    assert ready_mappings.file_of(Path("stripe")) == Path("stripe")


@pytest.mark.parametrize("written", ["timezone", "zone=UTC", "timezone=", "=UTC"])
def test_a_constant_names_a_field_and_a_value(written: str) -> None:
    with pytest.raises(Faults, match="is not FIELD=VALUE; fields are account"):
        ready_mappings.constants_of("--set", [written])
    assert ready_mappings.constants_of("--set", ["timezone=UTC"]) == {"timezone": "UTC"}
