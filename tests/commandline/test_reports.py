"""`report`: the reports of money on a terminal, as CSV and as JSON."""

import csv
import io

import pytest

from doors.queries.list_names import MoneyReport
from tests.commandline.conftest import Shop, call


def test_a_report_is_a_table_csv_or_json(shop: Shop) -> None:
    shop.buy()
    months = ("--from", "2021-01", "--to", "2021-01", "--test-clocks")
    told = shop.run("report", "fees", *months)
    assert told.code == 0
    assert "Fees, 2021-01 (UTC)" in told.out
    assert "test clock" in told.out
    assert shop.run("report", "fees", *months, "--json").json == [
        {
            "month": "2021-01",
            "currency": "USD",
            "on_test_clock": True,
            "purpose": "purchase",
            "movements": 1,
            "amount": "50.00",
        }
    ]
    rows = list(csv.DictReader(io.StringIO(shop.run("report", "books", *months, "--csv", "-").out)))
    assert {row["book"]: row["amount"] for row in rows} == {
        "opening": "-100.00",
        "revenue": "50.00",
        "wallet": "50.00",
    }


def test_receivables_are_of_all_months_unless_told_otherwise(shop: Shop) -> None:
    """Rule 11.6: what is owed is old, and the month that a person asks in has no invoice yet."""
    acme = shop.acme
    shop.run("adjust", acme, "--take", "100.00", "--reason", "paid out")
    shop.run("account", "set", acme, "--mode", "postpaid", "--credit-limit", "500.00")
    shop.buy()
    shop.advance("2021-02-01")
    [owed] = shop.run("report", "receivables", "--test-clocks", "--json").json
    assert (owed["month"], owed["amount"]) == ("2021-01", "50.00")
    of_a_month = ("--from", "2021-02", "--to", "2021-02", "--test-clocks", "--json")
    assert shop.run("report", "receivables", *of_a_month).json == []


@pytest.mark.parametrize("name", list(MoneyReport))
def test_every_report_of_nothing_says_so(installation: str, name: MoneyReport) -> None:
    told = call("report", name.value, "--to", "2021-01")
    months = "2011-02 to 2021-01" if name is MoneyReport.RECEIVABLES else "2021-01"
    assert (told.code, told.out) == (0, f"There is nothing to report for {months}.\n")
    assert call("report", name.value, "--json").json == []
    header = call("report", name.value, "--csv", "-").out
    assert header.startswith("month,currency,on_test_clock,")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "2021"), "is no month; write it as 2026-01"),
        (("--to", "2021-13"), "is no month; write it as 2026-01"),
        (("--from", "2021-03", "--to", "2021-02"), "2021-03 is after 2021-02"),
        (("--from", "1990-01", "--to", "2021-02"), "at most 120 months"),
        (("--seller", " "), "--seller"),
    ],
)
def test_wrong_input_is_explained(installation: str, arguments: tuple[str, ...], said: str) -> None:
    told = call("report", "fees", *arguments)
    assert told.code == 2
    assert said in told.err
