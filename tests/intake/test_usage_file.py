"""A file of usage: what is wrong with it, and the receipt of its rows (Rules 3.2, 4.2)."""

import asyncio
import csv
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.commands.usage import Usage
from core.domain.faults import Faults
from core.domain.usage_batch import (
    MOST_ROWS,
    BalanceAfter,
    ChargedBatch,
    ChargedRow,
    RowOutcome,
)
from doors.intake.usage_file import UsageReport, charge_file

HEADER = "request_id,account,amount,text\n"


class Client:
    """Charges batches in memory. An amount of 9 is refused. Request ids are charged once."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.seen: set[str] = set()

    async def charge(self, rows: Sequence[Usage]) -> ChargedBatch:
        """What the platform's client does."""
        self.batches.append(len(rows))
        balances = [
            BalanceAfter(account=id_, currency="USD", balance=Decimal(5), usable=Decimal(5))
            for id_ in sorted({row.account for row in rows})
        ]
        return ChargedBatch(rows=tuple(map(self._one, rows)), balances=tuple(balances))

    def _one(self, row: Usage) -> ChargedRow:
        request_id = str(row.request_id)
        outcome = RowOutcome.REPEATED if request_id in self.seen else RowOutcome.CHARGED
        refused = row.amount == 9
        self.seen.add(request_id)
        return ChargedRow(
            request_id=request_id,
            account=row.account,
            amount=row.amount,
            outcome=RowOutcome.REFUSED if refused else outcome,
            rule="11.1" if refused else None,
            reason="usable does not cover it" if refused else None,
        )


@pytest.fixture
def client() -> Client:
    return Client()


def charge(client: Client, tmp_path: Path, text: str) -> tuple[UsageReport, list[dict[str, str]]]:
    """Charge a file. Returns the report and the receipt."""
    file, receipt = tmp_path / "usage.csv", tmp_path / "receipt.csv"
    file.write_text(text)
    report = asyncio.run(charge_file(file, receipt, client.charge, actor="ann"))
    with receipt.open(newline="") as opened:
        return report, list(csv.DictReader(opened))


def test_every_row_has_an_outcome_and_the_balance_after_its_batch(
    client: Client, tmp_path: Path
) -> None:
    text = f"{HEADER}r1,acme,0.12345,a call\nr2,acme,9,x\nr1,acme,0.12345,a call\n"
    report, receipt = charge(client, tmp_path, text)
    assert (report.rows, report.charged, report.refused, report.repeated) == (3, 1, 1, 1)
    assert report.amounts == {"USD": Decimal("0.12345")}
    assert [(row["line"], row["outcome"], row["rule"]) for row in receipt] == [
        ("2", "charged", ""),
        ("3", "refused", "11.1"),
        ("4", "repeated", ""),
    ]
    assert {(row["balance"], row["currency"]) for row in receipt} == {("5.00", "USD")}
    [it] = report.not_charged
    assert (it.line, it.reason) == (3, "usable does not cover it (rule 11.1)")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",acme,1,x", "request_id"),
        ("r,,1,x", "account"),
        ("r,acme,-1,x", "amount"),
        ("r,acme,0,x", "amount"),
        ("r,acme,1.000001,x", "amount"),
        ("r,acme,1e999,x", "amount"),
        ("r,acme,NaN,x", "amount"),
        ("r,acme,1", "text"),
        ("r,acme,1,x,y", "has more cells than the first line"),
        (f"r,acme,1,{'x' * 2000}", "text"),
    ],
)
def test_a_faulty_row_does_not_stop_the_others(
    client: Client, tmp_path: Path, row: str, reason: str
) -> None:
    report, receipt = charge(client, tmp_path, f"{HEADER}{row}\nr2,acme,1,x\n")
    assert (report.faulty, report.charged) == (1, 1)
    assert receipt[0]["outcome"] == "faulty"
    assert receipt[0]["reason"].startswith(reason)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1: is empty; it has the names of the columns"),
        ("request_id,account,amount\n", "line 1: lacks the column text"),
        ("request_id,account,amount,text,text\n", "line 1: text stands here twice"),
        ("request_id,account,amount,text,cost\n", "cost"),
        (f'{HEADER}r1,acme,1,x\nr2,acme,1,"x\n', 'line 3: the " that opens cell 4 is never closed'),
    ],
)
def test_a_fault_of_the_file_comes_before_anything_is_charged(
    client: Client, tmp_path: Path, text: str, fault: str
) -> None:
    with pytest.raises(Faults, match=fault):
        charge(client, tmp_path, text)
    assert client.batches == []


def test_a_long_file_is_charged_in_batches(client: Client, tmp_path: Path) -> None:
    lines = "".join(
        f"r{number},a{number % 7},0.00001,call\n" for number in range(2 * MOST_ROWS + 1)
    )
    report, receipt = charge(client, tmp_path, HEADER + lines)
    assert client.batches == [MOST_ROWS, MOST_ROWS, 1]
    assert (report.charged, len(receipt)) == (2 * MOST_ROWS + 1, 2 * MOST_ROWS + 1)


def test_a_receipt_is_harmless_in_a_spreadsheet(client: Client, tmp_path: Path) -> None:
    _, receipt = charge(client, tmp_path, f"{HEADER}=cmd(),@acme,9,x\n")
    assert receipt[0]["request_id"] == "'=cmd()"
    assert receipt[0]["account"] == "'@acme"


def test_columns_may_stand_in_any_order_and_a_bom_is_left_out(
    client: Client, tmp_path: Path
) -> None:
    report, _ = charge(client, tmp_path, "\ufeffText,Amount,Account,Request_ID\ncall,1,acme,r1\n")
    assert report.charged == 1
