"""`usage --file`: many rows of usage from a CSV file (Rules 3.2, 4.2, 11.1)."""

import csv
from pathlib import Path

from tests.commandline.conftest import Shop, call


def test_a_file_is_charged_once_with_a_receipt(shop: Shop, tmp_path: Path) -> None:
    real = f"{shop.acme}-real"
    opened = shop.run(
        "account", "new", real, "--currency", "USD", "--timezone", "UTC", "--credits", "1.00"
    )
    assert opened.code == 0, opened.err
    rows = [("1", real, "0.12345"), ("2", real, "5"), ("3", shop.acme, "0.5"), ("4", "x", "y")]
    file = tmp_path / "calls.csv"
    file.write_text(
        "request_id,account,amount,text\n"
        + "".join(f"{shop.acme}{id_},{account},{amount},calls\n" for id_, account, amount in rows)
    )
    told = shop.run("usage", "--file", str(file), "--by", "ann")
    assert told.code == 2
    assert "4 rows: 2 charged, 0 charged before, 1 refused, 1 faulty, 0 unknown" in told.out
    assert "usable 0.87655 USD does not cover 5.00 (rule 11.1)" in told.out
    assert "calls-receipt.csv has the outcome of each row" in told.err
    with Path("calls-receipt.csv").open(newline="") as opened_receipt:
        receipt = list(csv.DictReader(opened_receipt))
    assert [row["outcome"] for row in receipt] == ["charged", "refused", "charged", "faulty"]
    assert [row["balance"] for row in receipt] == ["0.87655", "0.87655", "99.50", ""]
    again = shop.run("usage", "--file", str(file), "--receipt", "again.csv", "--json")
    assert (again.json["repeated"], again.json["charged"]) == (2, 0)
    assert shop.balance() == "99.50"


def test_what_goes_with_a_file_is_said(installation: str, tmp_path: Path) -> None:
    for arguments, told in (
        ((), "needs ACCOUNT, AMOUNT and --text, or --file"),
        (("acme", "--text", "x"), "needs ACCOUNT, AMOUNT and --text, or --file"),
        (("acme", "1", "--text", "x", "--receipt", "r.csv"), "goes with --file only"),
        (("acme", "--file", "f.csv"), "goes with --receipt, --by and --json only"),
        (("--file", "f.csv", "--preview"), "goes with --receipt, --by and --json only"),
    ):
        answer = call("usage", *arguments)
        assert answer.code == 2
        assert told in answer.err


def test_the_receipt_never_overwrites_the_file(installation: str, tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text("request_id,account,amount,text\n")
    answer = call("usage", "--file", str(file), "--receipt", str(file))
    assert answer.code == 2
    assert file.read_text() == "request_id,account,amount,text\n"
