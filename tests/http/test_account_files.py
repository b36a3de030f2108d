"""Statements and transactions as files, and lists in both orders."""

import csv
import io

from tests.http.conftest import Api

DAYS = {"from": "2021-01-01", "to": "2021-12-31"}


async def test_statements_and_transactions_are_fetched_as_files(api: Api) -> None:
    """Rule 11.7. Opening balance plus movements is the closing balance, in every form."""
    acme = api.shop.id("acme")
    await api.shop.buy()
    await api.done("top_up", {"account": acme, "amount": "20.00"})
    pdf = await api.get("/v1/statements/pdf", account=acme, **DAYS)
    assert (pdf.status_code, pdf.content[:5]) == (200, b"%PDF-")
    assert pdf.headers["content-disposition"] == 'attachment; filename="statement.pdf"'
    html = await api.get("/v1/statements/html", account=acme, **DAYS)
    assert "<html" in html.text
    told = await api.get("/v1/statements/csv", account=acme, **DAYS)
    assert told.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(told.text)))
    assert [rows[0]["what"], rows[-1]["what"]] == ["opening balance", "closing balance"]
    assert [row["amount"] for row in rows[1:-1]] == ["1000.00", "-50.00", "20.00"]
    assert [rows[0]["balance"], rows[-1]["balance"]] == ["0.00", "970.00"]
    told = await api.get("/v1/transactions/csv", account=acme)
    assert [row["amount"] for row in csv.DictReader(io.StringIO(told.text))] == [
        row["amount"] for row in rows[1:-1]
    ]
    turned = await api.get(
        "/v1/statements/csv", account=acme, **{"from": "2021-02-01"}, to="2021-01-01"
    )
    assert turned.status_code == 400
    assert (await api.get("/v1/transactions/csv", account="none")).status_code == 404


async def test_lists_come_in_both_orders_page_by_page(api: Api) -> None:
    acme = api.shop.id("acme")
    await api.shop.buy()
    for number in range(4):
        await api.done("top_up", {"account": acme, "amount": f"{number + 1}.00"})
    for path, key in (("transactions", "position"), ("history", "seq"), ("receipts", "receipt")):
        orders = {}
        for sort in ("newest", "oldest"):
            found, after = list[int](), {}
            while True:
                page = await api.get(f"/v1/{path}", account=acme, sort=sort, limit=2, **after)
                assert page.status_code == 200, page.text
                found += [row[key] for row in page.json()["data"]]
                if page.json()["next"] is None:
                    break
                after = {"after": page.json()["next"]}
            orders[sort] = found
        assert orders["oldest"] == sorted(orders["newest"])
        assert orders["newest"] == orders["oldest"][::-1]
        assert len(set(orders["oldest"])) > 3
        wrong = await api.get(f"/v1/{path}", account=acme, sort="amount")
        assert wrong.status_code == 400
        assert wrong.json()["faults"][0]["place"] == "sort"
