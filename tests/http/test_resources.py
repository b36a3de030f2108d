"""Accounts, terms, invoices, campaigns, webhooks and messages: written and read by HTTP."""

import asyncio
import csv
import io
from typing import Any

import httpx
import pytest

from core.domain.roles import Role
from tests.http.conftest import Api, OpenApi

NEW = {"account": "globex", "currency": "USD", "timezone": "Asia/Singapore", "credits": "100.00"}


def kind(answer: httpx.Response) -> str:
    """The kind of a problem."""
    return str(answer.json()["type"]).rpartition(":")[2]


async def test_an_account_is_opened_once_with_its_key(reading: Api) -> None:
    """Rule 4.2."""
    first = await reading.post("/v1/accounts", NEW, "open-1")
    assert (first.status_code, first.json()) == (201, {"account": "globex"})
    assert (await reading.get("/v1/accounts/globex")).json()["balance"] == "100.00"
    assert first.headers["location"] == "/v1/accounts/globex"
    again = await reading.post("/v1/accounts", NEW, "open-1")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    other = await reading.post("/v1/accounts", NEW | {"currency": "EUR"}, "open-1")
    assert (other.status_code, kind(other)) == (409, "idempotency-key-used")
    taken = await reading.post("/v1/accounts", NEW, "open-2")
    assert (taken.status_code, taken.json()["detail"]) == (422, "account globex exists")
    both = await asyncio.gather(
        *(reading.post("/v1/accounts", NEW | {"account": "x"}, "open-3") for _ in range(3))
    )
    assert {answer.status_code for answer in both} <= {201, 409}
    assert (await reading.get("/v1/accounts/x")).json()["balance"] == "100.00"
    told = (await reading.get("/v1/requests/open-1")).json()
    assert (told["state"], told["do"]) == ("done", "open_account")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"currency": "XXX"}, "currency"),
        ({"timezone": "Mars"}, "timezone"),
        ({"credits": "-1"}, "credits"),
        ({"credits": 5}, "credits"),
        ({"seller": "other"}, "seller"),
        ({"balance": "9"}, "balance"),
        ({"suspended": True}, "suspended"),
        ({"mode": "free"}, "mode"),
        ({"clock": "none"}, "clock"),
    ],
)
async def test_a_wrong_account_is_not_opened(
    reading: Api, change: dict[str, Any], place: str
) -> None:
    answer = await reading.post("/v1/accounts", NEW | change)
    assert answer.status_code == 400, answer.text
    assert answer.json()["faults"][0]["place"] == place
    assert (await reading.get("/v1/accounts/globex")).status_code == 404


async def test_two_who_edit_the_policy_do_not_overwrite_each_other(reading: Api) -> None:
    """Rule 14."""
    seen = (await reading.get("/v1/policy")).headers["etag"]
    body = {"policy": {"max_licences": 400}}
    blind = await reading.send("PUT", "/v1/policy", body)
    assert (blind.status_code, kind(blind)) == (428, "no-precondition")
    first = await reading.send("PUT", "/v1/policy", body, headers={"If-Match": seen})
    assert first.status_code == 200, first.text
    assert first.json()["policy"]["max_licences"] == 400
    late = {"policy": {"max_licences": 300}}
    second = await reading.send("PUT", "/v1/policy", late, headers={"If-Match": seen})
    assert (second.status_code, kind(second)) == (412, "changed-meanwhile")
    repeated = await reading.send("PUT", "/v1/policy", body, headers={"If-Match": seen})
    assert (repeated.status_code, repeated.content) == (200, first.content)
    now = await reading.get("/v1/policy")
    assert second.json()["allowed"] == now.headers["etag"] == first.headers["etag"]
    versions = (await reading.get("/v1/policy-versions")).json()["data"]
    assert [line["version"] for line in versions] == sorted(
        (line["version"] for line in versions), reverse=True
    )
    assert (await reading.get(f"/v1/policy-versions/{versions[0]['version']}")).json()[
        "policy"
    ] == first.json()["policy"]
    assert (await reading.get("/v1/policy-versions/99")).status_code == 404


async def test_entries_of_the_catalogue_are_added_once(reading: Api) -> None:
    """Rule 3.5."""
    entry = {"sku": "TEAM", "kind": "application", "months": 1, "prices": {"USD": "12.00"}}
    revision = (await reading.get("/v1/catalog")).headers["etag"]
    first = await reading.post("/v1/catalog-entries", {"entries": [entry]}, "load-1")
    assert (first.status_code, first.json()["new"]) == (200, 1), first.text
    again = await reading.post("/v1/catalog-entries", {"entries": [entry]}, "load-1")
    assert again.json() == first.json()
    known = await reading.post("/v1/catalog-entries", {"entries": [entry]}, "load-2")
    assert known.json()["new"] == 0
    stale = await reading.send(
        "POST",
        "/v1/catalog-entries",
        {"entries": [entry | {"from": "2030-01-01", "prices": {"USD": "13.00"}}]},
        headers={"If-Match": revision, "Idempotency-Key": "load-3"},
    )
    assert (stale.status_code, kind(stale)) == (412, "changed-meanwhile")
    wrong = await reading.post("/v1/catalog-entries", {"entries": [{"sku": "A", "x": 1}]})
    assert wrong.status_code == 400
    assert wrong.json()["faults"][0]["place"].startswith("entries[0]")
    wrong = await reading.post("/v1/catalog-entries", {"entries": [entry, {"sku": "A", "x": 1}]})
    assert wrong.json()["faults"][0]["place"].startswith("entries[1]")
    page = (await reading.get("/v1/catalog-entries", limit=2)).json()
    rest = (await reading.get("/v1/catalog-entries", after=page["next"])).json()["data"]
    assert [row["entry"]["sku"] for row in rest][-1] == "TEAM"


async def test_invoices_and_receipts_are_read_and_fetched_as_files(api: Api) -> None:
    """Rule 11.4."""
    from activities.number_invoices import number_invoices

    acme = api.shop.id("acme")
    await api.shop.buy()
    await api.done("top_up", {"account": acme, "amount": "20.00"})
    number_invoices(api.shop.perennial.ledger)
    page = (await api.get("/v1/invoices", account=acme)).json()
    number = int(page["data"][0]["number"])
    one = (await api.get(f"/v1/invoices/{number}")).json()
    assert one["account"] == acme
    for form, start in (("pdf", b"%PDF"), ("html", b"<!DOCTYPE html>")):
        file = await api.get(f"/v1/invoices/{number}/{form}")
        assert file.content[: len(start)].upper() == start.upper()
        assert file.headers["content-disposition"].startswith("attachment;")
        assert (await api.get(f"/v1/invoices/{number}/{form}")).content == file.content
    receipt = (await api.get("/v1/receipts", account=acme)).json()["data"][0]
    assert receipt["amount"] == "20.00"
    assert (await api.get(f"/v1/receipts/{receipt['receipt']}/pdf")).content[:4] == b"%PDF"
    assert (await api.get(f"/v1/receipts/{receipt['receipt']}/xml")).status_code == 400
    missing = await api.get("/v1/invoices/999999/pdf")
    assert (missing.status_code, kind(missing)) == (404, "not-found")
    for wrong in ("0", "-1", "x", "1e3", "9" * 30):
        assert (await api.get(f"/v1/invoices/{wrong}")).status_code == 400
    for path in (f"/v1/invoices/{number}", f"/v1/invoices/{number}/pdf"):
        assert (await api.get(path, seller="other")).status_code == 404


async def test_a_campaign_is_previewed_started_and_controlled(api: Api) -> None:
    s1, s2 = await api.shop.buy("s1"), await api.shop.buy("s2")
    body = {"do": "extend", "options": {"cycles": 1}, "subscriptions": [s1, s2]}
    preview = (await api.post("/v1/campaign-previews", body)).json()
    assert (preview["rows"], preview["done"], preview["money"][0]["paid"]) == (2, 2, "100.00")
    key = api.shop.id("july")  # The workflow of a campaign is named by it.
    first = await api.post("/v1/campaigns", body | {"rate": 5}, key)
    assert (first.status_code, first.json()["rows"]) == (201, 2), first.text
    again = await api.post("/v1/campaigns", body | {"rate": 5}, key)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    other = await api.post("/v1/campaigns", body | {"options": {"cycles": 2}}, key)
    assert (other.status_code, kind(other)) == (409, "idempotency-key-used")
    path = first.headers["location"]
    for control, state in (("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        answer = await api.send("PUT", f"{path}/{control}")
        if answer.status_code == 400:  # It was faster.
            break
        assert answer.json()["state"] == state
    receipt = (await api.get(f"{path}/receipt", limit=1)).json()
    assert receipt["data"][0]["subscription"] == s1
    assert receipt["next"] == "1"
    assert (await api.send("PUT", "/v1/campaigns/c-0/pause")).status_code == 404
    assert (await api.send("PUT", f"{path}/pause", seller="other")).status_code == 404
    assert (await api.send("PUT", f"{path}/rate", {"rate": 7})).json()["rate"] == 7


WRONG_CAMPAIGNS: list[tuple[dict[str, Any], str]] = [
    ({"do": "extend", "subscriptions": ["s"]}, "options.cycles"),
    ({"do": "top_up", "subscriptions": ["s"]}, "do"),
    ({"do": "extend", "options": {"cycles": 1}}, "subscriptions"),
    ({"do": "extend", "options": {"cycles": 1}, "subscriptions": []}, "subscriptions"),
    ({"do": "extend", "options": {"cycles": 1}, "subscriptions": ["gone"]}, "subscriptions.1"),
    ({"do": "extend", "options": {"cycles": 1}, "subscriptions": ["s", "s"]}, "subscriptions.2"),
    (
        {"do": "extend", "options": {"cycles": 1, "subscription": "s"}, "subscriptions": ["s"]},
        "options.subscription",
    ),
    ({"do": "extend", "options": {"cycles": 1}, "selection": {"list": "x"}}, "selection.list"),
    ({"do": "extend", "options": {"cycles": 1}, "selection": {"list": "failed"}}, "selection"),
]


async def test_a_wrong_campaign_is_not_started(reading: Api) -> None:
    for body, place in WRONG_CAMPAIGNS:
        answer = await reading.post("/v1/campaigns", body)
        assert answer.status_code == 400, answer.text
        assert answer.json()["faults"][0]["place"] == place, answer.text
    assert (await reading.get("/v1/campaigns")).json()["data"] == []


async def test_an_endpoint_of_webhooks_is_added_changed_and_removed(reading: Api) -> None:
    """Rule 12."""
    body = {"name": "crm/1", "url": "https://example.com/p", "events": ["renewed"]}
    first = await reading.post("/v1/webhooks", body, "hook-1")
    assert first.status_code == 201, first.text
    secret = first.json()["secret"]
    assert secret.startswith("whsec_")
    assert (await reading.post("/v1/webhooks", body, "hook-1")).json()["secret"] == secret
    path = first.headers["location"]
    seen = await reading.get(path)
    assert secret not in seen.text
    etag = {"If-Match": seen.headers["etag"]}
    off = await reading.send("PATCH", path, {"on": False}, headers=etag)
    assert off.json()["off_at"] is not None
    late = await reading.send("PATCH", path, {"test_clocks": True}, headers=etag)
    assert (late.status_code, kind(late)) == (412, "changed-meanwhile")
    repeated = await reading.send("PATCH", path, {"on": False}, headers=etag)
    assert (repeated.status_code, repeated.content) == (200, off.content)
    etag = {"If-Match": off.headers["etag"]}
    on = await reading.send("PATCH", path, {"on": True, "events": ["expired"]}, headers=etag)
    assert (on.json()["off_at"], on.json()["events"]) == (None, ["expired"])
    etag = {"If-Match": on.headers["etag"]}
    every = await reading.send("PATCH", path, {"events": []}, headers=etag)
    assert (every.status_code, every.json()["events"]) == (200, None)
    rotated = await reading.post("/v1/webhook-secrets", {"name": "crm/1"}, "rotate-1")
    assert rotated.json()["secret"] != secret
    again = await reading.post("/v1/webhook-secrets", {"name": "crm/1"}, "rotate-1")
    assert again.json() == rotated.json()
    assert (await reading.send("PATCH", path, {"on": False}, seller="other")).status_code != 200
    assert (await reading.send("DELETE", path, seller="other")).status_code == 404
    assert (await reading.send("DELETE", path)).json() == {"name": "crm/1"}
    assert (await reading.get(path)).status_code == 404


async def test_a_webhook_needs_a_key_for_its_secret(open_api: OpenApi) -> None:
    """It does not pass by itself, so the caller is told to come back later than usual."""
    async with open_api(webhook_keys=None, workers=()) as api:
        answer = await api.post("/v1/webhooks", {"name": "crm", "url": "https://example.com/p"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert "PERENNIAL_WEBHOOK_KEYS" in answer.json()["detail"]


async def test_no_endpoint_inside_the_network_is_called(reading: Api) -> None:
    """A request to an address of the machine is not sent."""
    plain = {"name": "in", "url": "http://127.0.0.1:1/"}
    assert (await reading.post("/v1/webhooks", plain)).json()["faults"][0]["place"] == "url"
    for number, host in enumerate(("127.0.0.1", "169.254.169.254", "[::1]", "10.0.0.1")):
        name = f"in-{number}"
        await reading.post("/v1/webhooks", {"name": name, "url": f"https://{host}/"})
        answer = (await reading.post("/v1/webhook-tests", {"name": name})).json()
        assert answer["status"] is None
        assert answer["error"]


async def test_messages_are_listed_and_sent_again(api: Api) -> None:
    hook = {"name": "crm", "url": "https://example.com/p", "test_clocks": True}
    assert (await api.post("/v1/webhooks", hook)).status_code == 201
    await api.shop.buy()
    page = (await api.get("/v1/messages", endpoint="crm", limit=1)).json()
    line = page["data"][0]
    assert line["state"] == "pending"
    one = (await api.get(f"/v1/messages/{line['id']}")).json()
    assert one["body"]["type"] == line["event"]
    assert (await api.get(f"/v1/messages/{line['id']}", seller="other")).status_code == 404
    ids = {"messages": [line["id"]]}
    assert (await api.post("/v1/message-resends", ids, seller="other")).status_code == 404
    again = await api.post("/v1/message-resends", ids)
    assert again.json() == {"sent_again": 1, "more": False}
    failed = await api.post("/v1/message-resends", {"failed_of": "crm"})
    assert failed.json() == {"sent_again": 0, "more": False}
    both = await api.post("/v1/message-resends", ids | {"failed_of": "crm"})
    assert both.status_code == 400


async def test_assumptions_are_played_on_a_copy(reading: Api) -> None:
    """Rule 11.1: a top-up that is assumed changes the forecast, and nothing of the account."""
    acme, s = reading.shop.id("acme"), reading.shop.id("s")
    bought = {"account": acme, "subscription": s, "sku": "PRO", "quantity": 20}
    await reading.done("purchase", bought)
    before = (await reading.get(f"/v1/accounts/{acme}")).json()
    steps = [
        {"at": "2021-02-01", "do": "top_up", "amount": "1000.00"},
        {"at": "2021-02-02", "do": "reactivate", "id": s},
    ]
    asked = {"account": s, "months": 2, "steps": steps}
    answer = await reading.post("/v1/what-ifs", asked, role=Role.VIEWER)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["account"], told["balance"]) == (acme, "0.00")
    assert told["without"]["events"]["renewal_failed"] >= 1
    assert told["assumed"]["events"]["renewed"] == 1
    assert told["refused"][0]["do"] == "reactivate"
    assert (told["left_out"], len(told["differ"]) > 0) == (0, True)
    assert (await reading.get(f"/v1/accounts/{acme}")).json() == before
    assert (await reading.post("/v1/what-ifs", asked, seller="other")).status_code == 404
    for wrong in (
        {"steps": []},
        {"steps": [{"at": "2021-02-01", "do": "transfer"}]},
        {"steps": [{"at": "2020-01-01", "do": "top_up", "amount": "1"}]},
        {"catalog": [{"sku": "NONE"}]},
        {"steps": steps, "months": 99},
        {"steps": steps, "until": "2022-01-01"},
        {},
    ):
        answer = await reading.post("/v1/what-ifs", {"account": acme, **wrong})
        assert answer.status_code == 400, (wrong, answer.text)


async def test_a_viewer_writes_nothing(reading: Api) -> None:
    for method, path in (
        ("POST", "/v1/accounts"),
        ("PUT", "/v1/policy"),
        ("DELETE", "/v1/webhooks/x"),
    ):
        answer = await reading.send(method, path, {}, Role.VIEWER)
        assert answer.status_code == 403


async def test_a_filter_that_names_nothing_there_is_told(reading: Api) -> None:
    """An empty list would say that there is nothing of it."""
    acme = reading.shop.id("acme")
    for path, query in (
        ("/v1/work-lists/active", {"clock": "none"}),
        ("/v1/work-lists/active", {"account": "none"}),
        ("/v1/numbers", {"account": "none"}),
        ("/v1/messages", {"account": "none"}),
        ("/v1/messages", {"endpoint": "none"}),
        ("/v1/messages", {"endpoint": "none", "account": acme}),
    ):
        answer = await reading.get(path, **query)
        assert (answer.status_code, answer.json()["detail"][-4:]) == (404, "none"), answer.text
    for endpoint in ("e-mail", "alarms"):
        answer = await reading.get("/v1/messages", endpoint=endpoint, account=acme)
        assert answer.json() == {"data": [], "next": None}
    turned = {"from": "2021-02-01", "to": "2021-01-31"}
    answer = await reading.get("/v1/work-lists/active", **turned)
    assert (answer.status_code, answer.json()["place"]) == (400, "from")


async def test_a_report_is_the_same_as_csv(reading: Api) -> None:
    """A viewer reads no report, in neither form."""
    await reading.shop.buy()
    months = {"from": "2021-01-01", "to": "2021-01-01", "test_clocks": "true"}
    [row] = (await reading.get("/v1/reports/fees", **months)).json()["rows"]
    file = await reading.get("/v1/reports/fees/csv", Role.FINANCE, **months)
    assert file.headers["content-disposition"] == 'attachment; filename="fees.csv"'
    [line] = csv.DictReader(io.StringIO(file.text))
    assert (line["month"], line["currency"]) == ("2021-01", row["currency"])
    assert {name: line[name] for name in row["values"]} == {
        name: str(value) for name, value in row["values"].items()
    }
    assert (await reading.get("/v1/reports/fees/csv", Role.VIEWER, **months)).status_code == 403
    for place in ("from", "to"):
        wrong = await reading.get("/v1/reports/fees/csv", **months | {place: "2021-01-02"})
        assert (wrong.status_code, wrong.json()["place"]) == (400, place)
    assert (await reading.get("/v1/reports/none/csv", **months)).status_code == 400
