"""The effect of new terms by HTTP: asked for, looked at, in rows and as CSV. Nothing happens."""

import csv
import io
from typing import Any

from core.domain.roles import Role
from core.ledger import term_effects
from core.ledger.clocks import machine_now
from doors.http.term_effects import KIND
from tests.http.conftest import Api

PATH = "/v1/terms-effects"
DEARER = {"sku": "PRO", "from": "2021-03-01", "prices": {"USD": "60.00"}}


async def ask(api: Api, key: str, body: dict[str, Any]) -> dict[str, Any]:
    """Ask for an effect, and wait until it is there."""
    answer = await api.post(PATH, body, key)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"{PATH}/{key}"
    transport: Any = api.client._transport
    await transport.app.state.effects.finished()
    found: dict[str, Any] = (await api.get(f"{PATH}/{key}")).json()
    return found


async def test_rule_14_a_policy_and_a_price_show_who_would_renew_differently(reading: Api) -> None:
    """E 02-14 renews on 02-07 for 50.00. E 03-14 is set then: 03-14 − 10 for 60.00."""
    s, clock = await reading.shop.buy(), reading.shop.clock
    before = reading.shop.events(s)
    body = {"policy": {"renewal_lead_days": 10}, "entries": [DEARER], "clock": clock}
    done = await ask(reading, "e1", body)
    assert done["state"] == "done"
    assert (done["found"]["differing"], done["found"]["dates"], done["found"]["fees"]) == (1, 1, 1)
    assert done["found"]["sums"] == [{"currency": "USD", "without": "100.00", "under": "110.00"}]
    [row] = (await reading.get(f"{PATH}/e1/rows")).json()["data"]
    assert (row["subscription"], row["without"][1]["date"]) == (s, "2021-03-07")
    assert (row["under"][1]["date"], row["under"][1]["amount"]) == ("2021-03-04", "-60.00")
    file = await reading.get(f"{PATH}/e1/csv")
    assert [it["new_date"] for it in csv.DictReader(io.StringIO(file.text))] == [
        "2021-02-07",
        "2021-03-04",
    ]
    assert reading.shop.events(s) == before
    again = await reading.post(PATH, body, "e1")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert again.json() == done
    other = await reading.post(PATH, body | {"draw": 2}, "e1")
    assert (other.status_code, other.json()["rule"]) == (409, "4.2")
    same = await ask(reading, "e2", {"policy": {}, "clock": clock})
    assert same["found"]["differing"] == 0
    assert (await reading.get(f"{PATH}/e2/rows")).json()["data"] == []
    [row] = (await reading.get(f"{PATH}/e2/rows", all="true")).json()["data"]
    assert row["differs"] is False


async def test_an_effect_is_the_sellers_own_and_wrong_terms_are_told(reading: Api) -> None:
    """Two sellers may use one key. Neither sees the effect of the other."""
    await ask(reading, "e1", {"policy": {}})
    for end in ("", "/rows", "/csv"):
        assert (await reading.get(f"{PATH}/e1{end}", seller="other")).status_code == 404
        assert (await reading.get(f"{PATH}/e1{end}", Role.FINANCE)).status_code == 403
    theirs = await reading.post(PATH, {"policy": {"renewal_lead_days": 9}}, "e1", seller="other")
    assert theirs.status_code == 202, theirs.text
    wrong: list[dict[str, Any]] = [
        {},
        {"policy": {"renewal_lead_dayz": 9}},
        {"policy": [1]},
        {"entries": [{"sku": ""}]},
        {"policy": {}, "accounts": 501},
        {"policy": {}, "months": 13},
    ]
    for body in wrong:
        answer = await reading.post(PATH, body, "e3")
        assert answer.status_code == 400, body
    assert (await reading.post(PATH, {"policy": {}, "clock": "none"}, "e3")).status_code == 404
    assert (await reading.get(f"{PATH}/e3")).status_code == 404


async def test_an_effect_that_fails_or_is_interrupted_says_what_to_do(reading: Api) -> None:
    ledger, now = reading.shop.perennial.ledger, machine_now()
    for key, at in (("failed", now), ("cut", now - 2 * term_effects.SILENT), ("runs", now)):
        term_effects.ask(ledger, key, KIND, {"policy": {}}, by="x", now=at)
        term_effects.tell(ledger, key, 3, 9, at)
    term_effects.end(ledger, "failed", now, error="RuntimeError: /etc/secret is not there")
    term_effects.ask(ledger, "draft", "policy", {"seen": "1"}, by="ann", now=now)
    found = {key: (await reading.get(f"{PATH}/{key}")).json() for key in ("failed", "cut", "runs")}
    states = {key: view["state"] for key, view in found.items()}
    assert states == {"failed": "failed", "cut": "interrupted", "runs": "running"}
    assert "secret" not in str(found)
    assert "another Idempotency-Key" in found["cut"]["next"]
    assert (found["runs"]["accounts_done"], found["runs"]["accounts"]) == (3, 9)
    assert (await reading.get(f"{PATH}/runs/rows")).status_code == 404
    assert (await reading.get(f"{PATH}/draft")).status_code == 404, "it is of the console's editor"
    term_effects.ask(ledger, "third", KIND, {}, by="x", now=now)  # Beside "runs" and "draft".
    busy = await reading.post(PATH, {"policy": {}}, "many")
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "10")
