"""What is above the limits of a role waits for a second one, and runs once (docs/staff.md)."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from core.domain.roles import Role
from core.domain.second_person import MoneyLimit
from core.ledger import api_keys, money_limits
from core.ledger.clocks import machine_now
from tests.http.conftest import Api


def limit(api: Api, role: Role, per_command: int, per_day: int, currency: str = "USD") -> None:
    """Limit a role."""
    made = MoneyLimit(currency=currency, per_command=Decimal(per_command), per_day=Decimal(per_day))
    with api.shop.perennial.ledger.engine.begin() as connection:
        money_limits.set_limit(connection, "main", role, made)


def by(role: Role) -> dict[str, Any]:
    """The options of a request by a key of a role."""
    return {"role": role}


async def decide(api: Api, how: str, id_: str, role: Role = Role.FINANCE) -> Any:
    """Approve or refuse."""
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    return await api.send("POST", f"/v1/approvals/{id_}/{how}", None, role, headers=headers)


def decided_by_a_process_that_died(api: Api) -> None:
    """Approve what waits, as a process that dies before it carries the command out."""
    with api.shop.perennial.ledger.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE approvals SET state = 'approved', decided_by = 'x', decided_who = 'x',"
            " decided_at = now()"
        )


async def balance(api: Api) -> Decimal:
    """The balance of the account."""
    account = (await api.get(f"/v1/accounts/{api.shop.id('acme')}")).json()
    return Decimal(account["balance"])


async def test_a_refund_above_the_limit_waits_for_a_second_one_and_runs_once(api: Api) -> None:
    """Support may give back $20 by a command. The refund is $50."""
    s, bodies = await api.shop.buy(), {"reason": "asked for"}
    limit(api, Role.SUPPORT, 20, 100)
    body, before = bodies | {"subscription": s}, await balance(api)
    path = "/v1/commands/terminate"
    waits = await api.post(path, body, "r1", role=Role.SUPPORT)
    assert waits.status_code == 202, waits.text
    told = waits.json()
    assert "the limit of a command is $20.00" in told["next"]
    line = (await api.get(told["poll"], Role.SUPPORT)).json()
    assert (line["amount"], line["state"], line["values"]["subscription"]) == ("50.00", "open", s)
    again = await api.post(path, body, "r1", role=Role.SUPPORT)
    assert again.json()["approval"] == told["approval"]
    other = await api.post(path, body | {"reason": "x"}, "r1", role=Role.SUPPORT)
    assert (other.status_code, other.json()["rule"]) == (409, "4.2")
    assert (await decide(api, "approve", told["approval"], Role.SUPPORT)).status_code == 403
    assert await balance(api) == before
    done = await decide(api, "approve", told["approval"])
    assert done.status_code == 200, done.text
    assert (done.json()["state"], done.json()["outcome"]) == (
        "done",
        f"{s} is terminated; $50.00 given back.",
    )
    assert (await decide(api, "approve", told["approval"])).json() == done.json()
    assert await balance(api) == before + 50
    replayed = await api.post(path, body, "r1", role=Role.SUPPORT)
    assert (replayed.status_code, replayed.headers["idempotent-replayed"]) == (200, "true")
    listed = (await api.get("/v1/approvals", Role.SUPPORT)).json()["data"]
    assert [one["id"] for one in listed] == [told["approval"]]


async def test_a_campaign_needs_the_role_of_its_command_and_no_limit_if_it_moves_money(
    api: Api,
) -> None:
    """A row has no second person."""
    s = await api.shop.buy()
    extend = {"do": "extend", "options": {"cycles": 1}, "subscriptions": [s]}
    end = {"do": "terminate", "options": {"reason": "x"}, "subscriptions": [s]}
    limit(api, Role.SUPPORT, 1000, 1000)
    for role in (Role.VIEWER, Role.FINANCE):
        assert (await api.post("/v1/campaigns", extend, "a", role=role)).status_code == 403
    refused = await api.post("/v1/campaigns", end, "b", role=Role.SUPPORT)
    assert refused.status_code == 400
    assert "terminate moves money, and the role support has a limit" in refused.text
    started = await api.post("/v1/campaigns", extend, api.shop.id("c"), role=Role.SUPPORT)
    assert started.status_code == 201, started.text
    path = f"/v1/campaigns/{started.json()['campaign']}"
    stopped = await api.send("PUT", f"{path}/stop", role=Role.FINANCE)
    assert stopped.status_code == 403
    assert (await api.send("PUT", f"{path}/pause", role=Role.SUPPORT)).status_code in (200, 400)


async def test_the_day_of_a_key_ends_at_its_limit_and_others_have_their_own(api: Api) -> None:
    """Finance may move $60 in a day. $40 is moved, $30 more is not, $20 is."""
    limit(api, Role.FINANCE, 50, 60)
    account = {"account": api.shop.id("acme")}
    for amount, status in (("40.00", 200), ("30.00", 202), ("20.00", 200), ("0.01", 202)):
        body = account | {"amount": amount, "reason": "goodwill"}
        found = await api.post("/v1/commands/adjust", body, role=Role.FINANCE)
        assert found.status_code == status, (amount, found.text)
    body = account | {"amount": "5000.00", "reason": "goodwill"}
    assert (await api.post("/v1/commands/adjust", body)).status_code == 200


async def test_a_refusal_moves_nothing_and_takes_nothing(api: Api) -> None:
    limit(api, Role.FINANCE, 50, 50)
    missing = {"account": "nowhere", "amount": "50.00", "reason": "goodwill"}
    found = await api.post("/v1/commands/adjust", missing, role=Role.FINANCE)
    assert found.status_code == 422
    body = missing | {"account": api.shop.id("acme")}
    found = await api.post("/v1/commands/adjust", body, role=Role.FINANCE)
    assert found.status_code == 200


async def test_one_cannot_approve_the_own_but_withdraw_it(api: Api) -> None:
    limit(api, Role.ADMIN, 0, 0)
    body = {"account": api.shop.id("acme"), "amount": "1.00", "reason": "goodwill"}
    first = (await api.post("/v1/commands/adjust", body)).json()
    own = await decide(api, "approve", first["approval"], Role.ADMIN)
    assert own.status_code == 400
    assert "a second one is needed" in own.text
    gone = await decide(api, "refuse", first["approval"], Role.ADMIN)
    assert gone.json()["state"] == "refused"
    assert (await decide(api, "approve", first["approval"])).status_code == 400
    assert (await decide(api, "refuse", "0" * 12, Role.ADMIN)).status_code == 404


async def test_what_would_move_more_by_now_is_not_approved(api: Api) -> None:
    """$50 was asked for. The customer has extended since, so $100 would go back."""
    s = await api.shop.buy()
    limit(api, Role.SUPPORT, 20, 100)
    body = {"subscription": s, "reason": "asked for"}
    waits = (await api.post("/v1/commands/terminate", body, role=Role.SUPPORT)).json()
    await api.done("extend", {"subscription": s, "cycles": 1})
    found = await decide(api, "approve", waits["approval"])
    assert found.status_code == 400
    assert "would move $100.00 now; $50.00 was asked for" in found.text
    assert (await api.get(waits["poll"])).json()["state"] == "open"


@pytest.mark.parametrize("how", ["repeat", "approve"])
async def test_an_approval_that_was_interrupted_goes_on(api: Api, how: str) -> None:
    """The process dies after the decision. The command is sent again, or approved again."""
    limit(api, Role.FINANCE, 0, 0)
    body = {"account": api.shop.id("acme"), "amount": "5.00", "reason": "goodwill"}
    path, before = "/v1/commands/adjust", await balance(api)
    waits = (await api.post(path, body, "r1", role=Role.FINANCE)).json()
    decided_by_a_process_that_died(api)
    if how == "repeat":
        assert (await api.post(path, body, "r1", role=Role.FINANCE)).status_code == 200
    else:
        found = await decide(api, "approve", waits["approval"], Role.ADMIN)
        assert found.json()["state"] == "done"
    assert (await api.get(waits["poll"])).json()["state"] == "done"
    assert await balance(api) == before + 5


@pytest.mark.parametrize("how", ["repeat", "approve"])
async def test_an_approval_that_was_interrupted_moves_no_more_than_was_asked_for(
    api: Api, how: str
) -> None:
    """The process dies after the decision about $50. The customer extends, so $100 would go back.

    docs/decisions/0032.
    """
    s = await api.shop.buy()
    limit(api, Role.SUPPORT, 20, 100)
    body, path = {"subscription": s, "reason": "asked for"}, "/v1/commands/terminate"
    waits = (await api.post(path, body, "r1", role=Role.SUPPORT)).json()
    decided_by_a_process_that_died(api)
    await api.done("extend", {"subscription": s, "cycles": 1})
    before = await balance(api)
    if how == "repeat":
        found = await api.post(path, body, "r1", role=Role.SUPPORT)
    else:
        found = await decide(api, "approve", waits["approval"])
    assert (found.status_code, await balance(api)) == (400, before)
    assert "would move $100.00 now; $50.00 was asked for" in found.text


async def test_what_a_rule_has_refused_is_not_carried_out_when_it_is_approved_again(
    api: Api,
) -> None:
    """Rule 11.9. The credits for it come in after the first approval."""
    acme, poor = api.shop.id("acme"), await api.shop.account("poor", "40.00")
    limit(api, Role.FINANCE, 0, 0)
    body = {"account": poor, "to": acme, "amount": "30.00"}
    waits = (await api.post("/v1/commands/transfer", body, "r1", role=Role.FINANCE)).json()
    spent = {"account": poor, "amount": "-20.00", "reason": "spent"}
    await api.done("adjust", spent)
    failed = (await decide(api, "approve", waits["approval"], Role.ADMIN)).json()
    assert failed["state"] == "failed"
    await api.done("adjust", spent | {"amount": "20.00"})
    before = await balance(api)
    again = await decide(api, "approve", waits["approval"], Role.ADMIN)
    assert (again.status_code, again.json()) == (200, failed)
    assert await balance(api) == before
    repeated = await api.post("/v1/commands/transfer", body, "r1", role=Role.FINANCE)
    assert (repeated.status_code, await balance(api)) == (202, before)


async def test_a_request_id_that_was_taken_for_less_moves_no_more(api: Api) -> None:
    """Two terminate one subscription at once. The second is refused after it has taken its part."""
    s, ledger = await api.shop.buy(), api.shop.perennial.ledger
    limit(api, Role.SUPPORT, 20, 100)
    small = MoneyLimit(currency="USD", per_command=Decimal(20), per_day=Decimal(100))
    key = f"key/{api_keys.id_of(api.key(Role.SUPPORT))}"
    assert money_limits.take(ledger, key, "r1", small, Decimal(5), machine_now()) is None
    body, before = {"subscription": s, "reason": "asked for"}, await balance(api)
    for taken in (Decimal(5), Decimal(0)):
        money_limits.settle(ledger, "r1", taken)
        waits = await api.post("/v1/commands/terminate", body, "r1", role=Role.SUPPORT)
        assert waits.status_code == 202, waits.text
    assert await balance(api) == before


async def test_a_request_id_of_another_caller_is_refused(api: Api) -> None:
    """Nothing of it counts for the limit of the other one."""
    limit(api, Role.FINANCE, 50, 60)
    ledger = api.shop.perennial.ledger
    small = MoneyLimit(currency="USD", per_command=Decimal(50), per_day=Decimal(60))
    assert money_limits.take(ledger, "staff/ann", "r1", small, Decimal(5), machine_now()) is None
    body = {"account": api.shop.id("acme"), "amount": "5.00", "reason": "goodwill"}
    found = await api.post("/v1/commands/adjust", body, "r1", role=Role.FINANCE)
    assert (found.status_code, found.json()["rule"]) == (409, "4.2")
