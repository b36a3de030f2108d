"""Acts by HTTP are in the audit, with who, from where, before and after (docs/staff.md)."""

from typing import Any

import pytest

from core.domain.acts import ACTS
from core.domain.commands import COMMANDS
from core.domain.roles import Role
from core.ledger import api_keys, audit
from core.ledger.audit import Outcome
from core.ledger.clocks import machine_now
from core.ledger.ledger import Ledger
from doors.access import operations, recorded
from doors.application.patience import NotAvailable, without_patience
from tests.http.conftest import Api, OpenApi


async def test_a_command_has_a_record_when_it_begins_and_one_with_its_outcome(api: Api) -> None:
    s = await api.shop.buy()
    await api.done("extend", {"subscription": s, "cycles": 1}, request_id="r1")
    found = (await api.get("/v1/audit", Role.FINANCE, subject=s)).json()["data"]
    done, asked = found
    assert (asked["outcome"], done["outcome"]) == ("asked", "done")
    for record in found:
        assert (record["act"], record["subject"], record["request_id"]) == ("extend", s, "r1")
        assert record["by"].startswith("key/")
        assert record["by"].partition("/")[2] in record["actor"]
        assert record["address"] == "127.0.0.1"
    assert asked["after"] == {"subscription": s, "cycles": 1}
    assert asked["before"]["expiry"] < done["after"]["expiry"]
    again = await api.post("/v1/commands/extend", {"subscription": s, "cycles": 1}, "r1")
    assert again.status_code == 200
    newest = (await api.get("/v1/audit", subject=s, limit=1)).json()["data"][0]
    assert newest["after"] == {"replayed": True}


async def test_what_was_done_is_told_though_the_database_goes_away_before_the_second_record(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    s = await api.shop.buy()
    whole = recorded._record

    def first_only(ledger: Ledger, command: Any, acting: Any, outcome: Outcome, about: Any) -> None:
        if outcome is not Outcome.ASKED:
            raise NotAvailable("the database is away")
        whole(ledger, command, acting, outcome, about)

    monkeypatch.setattr(recorded, "_record", first_only)
    with without_patience():
        done = await api.post("/v1/commands/extend", {"subscription": s, "cycles": 1}, "r1")
    assert done.status_code == 200
    found = (await api.get("/v1/audit", Role.FINANCE, subject=s)).json()["data"]
    assert [record["outcome"] for record in found] == ["asked"]


async def test_a_refusal_is_recorded_and_texts_about_people_are_not(api: Api) -> None:
    account = api.shop.id("acme")
    body = {"account": account, "name": "Ada Lim", "email": "ada@example.com"}
    await api.post("/v1/commands/set_billing", {k: v for k, v in body.items() if k != "email"})
    await api.post("/v1/commands/extend", {"subscription": "none", "cycles": 1})
    told = (await api.get("/v1/audit")).text
    assert "Ada Lim" not in told
    refused = (await api.get("/v1/audit", subject="none")).json()["data"][0]
    assert (refused["outcome"], refused["after"]) == ("refused", {"rule": "4.1"})


async def test_acts_on_keys_are_recorded_and_all_chains_hold(api: Api) -> None:
    await api.shop.buy()
    key = api.key(Role.SUPPORT)
    with api.shop.perennial.ledger.engine.begin() as connection:
        api_keys.revoke(connection, "main", api_keys.id_of(key), machine_now())
    subject = f"key/{api_keys.id_of(key)}"
    found = (await api.get("/v1/audit", subject=subject)).json()["data"]
    assert [record["act"] for record in found] == ["revoke_key", "create_key"]
    assert key not in str(found)
    with api.shop.perennial.ledger.read() as connection:
        assert audit.verify(connection, "main").findings == ()


NO_ACTS = {
    "approve_approval": "it is recorded as a decision, and the command that it lets run",
    "decode_payloads": "it only reads",
    "preview_campaign": "it changes nothing",
    "refuse_approval": "it is recorded as a decision",
}
"""Operations that change something, or are of the console, and are no acts of their name."""


def test_an_act_has_the_name_of_its_operation_through_every_door() -> None:
    """The type of `audit.add` lets no door use another name than one of `ACTS`."""
    changing = set(operations.ROLES) - set(operations.READS) - set(COMMANDS)
    changing = {name for name in changing if not name.startswith("list_")}
    assert changing - ACTS == set(NO_ACTS)
    assert not ACTS & set(COMMANDS)


async def test_changes_by_http_are_recorded_with_the_names_and_subjects_of_the_command_line(
    open_api: OpenApi,
) -> None:
    async with open_api(workers=(), webhook_private=True) as api:
        hook = {"name": "crm", "url": "http://127.0.0.1:9/"}
        assert (await api.post("/v1/webhooks", hook)).status_code == 201
        seen = (await api.get("/v1/webhooks/crm")).headers["etag"]
        changed = await api.send(
            "PATCH", "/v1/webhooks/crm", {"on": False}, headers={"If-Match": seen}
        )
        assert changed.status_code == 200
        await api.post("/v1/webhook-secrets", {"name": "crm"})
        await api.post("/v1/webhook-tests", {"name": "crm"})
        await api.send("DELETE", "/v1/webhooks/crm")
        seen = (await api.get("/v1/seller-profile")).headers["etag"]
        named = await api.send(
            "PATCH", "/v1/seller-profile", {"name": "N"}, headers={"If-Match": seen}
        )
        assert named.status_code == 200
        acme = api.shop.id("acme")
        await api.get(f"/v1/personal-data/{acme}")
        usage = {"rows": [{"account": acme, "amount": "0.30000", "text": "SMS"}]}
        await api.post("/v1/usage-batches", usage, "u1")
        found = (await api.get("/v1/audit", limit=20)).json()["data"]
        found = [record for record in found if record["by"].startswith("key/")]
        assert [(it["act"], it["subject"], it["outcome"]) for it in reversed(found)] == [
            ("add_webhook", "webhook/crm", "done"),
            ("change_webhook", "webhook/crm", "done"),
            ("rotate_webhook_secret", "webhook/crm", "done"),
            ("test_webhook", "webhook/crm", "done"),
            ("remove_webhook", "webhook/crm", "done"),
            ("change_seller_profile", None, "done"),
            ("export_account", acme, "done"),
            ("charge_usage_batch", None, "asked"),
            ("charge_usage_batch", None, "done"),
        ]
        charged = {"charged": 1, "repeated": 0, "refused": 0, "unknown": 0}
        assert found[0]["after"] == charged
