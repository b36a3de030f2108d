"""The personal data of an account by HTTP: who may export it, and erase it."""

from core.domain.roles import Role
from tests.http.conftest import Api


async def test_an_admin_exports_and_the_audit_has_it(reading: Api) -> None:
    acme = reading.shop.id("acme")
    answer = await reading.get(f"/v1/personal-data/{acme}")
    assert answer.status_code == 200
    assert answer.json()["accounts"][0]["id"] == acme
    found = (await reading.get("/v1/audit", subject=acme)).json()["data"]
    assert [record["act"] for record in found] == ["export_account"]
    for role in set(Role) - {Role.ADMIN}:
        assert (await reading.get(f"/v1/personal-data/{acme}", role)).status_code == 403
    assert (await reading.get("/v1/personal-data/nobody")).status_code == 404
    other = await reading.get(f"/v1/personal-data/{acme}", seller="other")
    assert other.status_code == 404


async def test_an_open_account_is_not_erased(reading: Api) -> None:
    acme = reading.shop.id("acme")
    answer = await reading.post("/v1/commands/erase_account", {"account": acme})
    assert answer.status_code == 422, answer.text
    assert "is open; close it first" in answer.text
    support = await reading.post("/v1/commands/erase_account", {"account": acme}, role=Role.SUPPORT)
    assert support.status_code == 403
