"""The seller itself: its wallet, its profile on documents, its taxes."""

from core.domain.roles import Role
from tests.http.conftest import Api


async def test_money_is_put_into_the_wallet_once(reading: Api) -> None:
    """Rule 11.5."""
    body = {"currency": "USD", "amount": "100.00"}
    for _ in range(2):
        told = await reading.post("/v1/seller-top-ups", body, "bank-1")
        assert told.json() == {"currency": "USD", "balance": "100.00"}
    more = await reading.post("/v1/seller-top-ups", body, "bank-2", role=Role.FINANCE)
    assert more.json()["balance"] == "200.00"
    wallets = (await reading.get("/v1/seller-wallets")).json()["data"]
    assert wallets == [{"currency": "USD", "balance": "200.00"}]
    assert (await reading.get("/v1/seller-wallets", seller="other")).json()["data"] == []
    for wrong in ("0.00", "-1.00", 5):
        answer = await reading.post("/v1/seller-top-ups", body | {"amount": wrong})
        assert answer.status_code == 400


async def test_two_who_edit_the_profile_do_not_overwrite_each_other(reading: Api) -> None:
    """Rule 11.4."""
    seen = await reading.get("/v1/seller-profile")
    assert (seen.json()["version"], seen.json()["name"]) == (0, "main")
    etag = {"If-Match": seen.headers["etag"]}
    body = {"name": "Northwind", "city": "Hamburg", "country": "de"}
    path = "/v1/seller-profile"
    assert (await reading.send("PATCH", path, body)).status_code == 428
    changed = await reading.send("PATCH", path, body, headers=etag)
    assert (changed.status_code, changed.json()["country"]) == (200, "DE")
    late = await reading.send("PATCH", path, {"city": "Kiel"}, headers=etag)
    assert (late.status_code, late.json()["allowed"]) == (412, changed.headers["etag"])
    repeated = await reading.send("PATCH", path, body, headers=etag)
    assert (repeated.status_code, repeated.content) == (200, changed.content)
    etag = {"If-Match": changed.headers["etag"]}
    emptied = await reading.send("PATCH", path, {"city": ""}, headers=etag)
    assert (emptied.json()["city"], emptied.json()["name"]) == ("", "Northwind")
    assert (await reading.get(path)).headers["etag"] == emptied.headers["etag"]
    for wrong in ({}, {"country": "XX"}, {"name": "a" * 201}, {"logo": "x"}, {"email": "x"}):
        answer = await reading.send("PATCH", path, wrong, headers={"If-Match": "*"})
        assert answer.status_code == 400, wrong


async def test_a_tax_is_added_and_listed(reading: Api) -> None:
    """Rule 11.4."""
    body = {"country": "DE", "percent": "19", "since": "2026-01-01"}
    told = await reading.post("/v1/tax-rates", body, "tax-1")
    rate = {"country": "DE", "since": "2026-01-01", "percent": "19", "name": "VAT"}
    assert told.json() == rate | {"shown": "inclusive"}
    again = await reading.post("/v1/tax-rates", body, "tax-1")
    assert again.headers["idempotent-replayed"] == "true"
    assert (await reading.get("/v1/tax-rates")).json()["data"] == [told.json()]
    for name, wrong in (("percent", "101"), ("country", ""), ("since", "x"), ("shown", "no")):
        assert (await reading.post("/v1/tax-rates", body | {name: wrong})).status_code == 400
