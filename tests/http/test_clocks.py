"""Test clocks by HTTP: made, advanced in parts, and seen by their own seller only."""

import pytest

from core.domain.roles import Role
from core.ledger import clocks as ledger_clocks
from core.ledger.ledger import Ledger
from doors.application import test_clocks
from tests.http.conftest import Api

SPRING = {"clock": "spring/1", "now": "2021-03-01T08:00:00+08:00"}
PLACE = "/v1/clocks/spring%2F1"


async def test_a_clock_is_made_once_and_never_goes_back(reading: Api) -> None:
    """Rules 1.6, 4.2."""
    first = await reading.post("/v1/clocks", SPRING, "clock-1")
    made = {"clock": "spring/1", "now": "2021-03-01T00:00:00+00:00", "accounts": 0}
    assert (first.status_code, first.json()) == (201, made)
    assert first.headers["location"] == PLACE
    again = await reading.post("/v1/clocks", SPRING, "clock-1")
    assert (again.json(), again.headers["idempotent-replayed"]) == (made, "true")
    for seller in ("main", "other"):
        taken = await reading.post("/v1/clocks", SPRING, "clock-2", seller=seller)
        assert (taken.status_code, taken.json()["detail"]) == (422, "test clock spring/1 exists")

    to = {"to": "2021-04-01"}
    there = await reading.send("PATCH", PLACE, to)
    assert (there.status_code, there.json()["reached"]) == (200, True), there.text
    assert (await reading.send("PATCH", PLACE, to)).json() == there.json()
    back = await reading.send("PATCH", PLACE, {"to": "2021-03-31"})
    assert (back.status_code, back.json()["place"]) == (400, "to")
    assert "never goes back" in back.json()["detail"]
    for wrong in ({}, {"to": "soon"}, {"to": 5}, {"to": None}, to | {"now": "2021-05-01"}):
        assert (await reading.send("PATCH", PLACE, wrong)).status_code == 400
    assert (await reading.get(PLACE)).json()["now"] == "2021-04-01T00:00:00+00:00"


async def test_another_seller_neither_sees_nor_moves_a_clock(reading: Api) -> None:
    await reading.post("/v1/clocks", SPRING)
    assert (await reading.get(PLACE, seller="other")).status_code == 404
    assert (await reading.get("/v1/clocks", seller="other")).json()["data"] == []
    moved = await reading.send("PATCH", PLACE, {"to": "2021-04-01"}, seller="other")
    assert moved.status_code == 404
    new = {"account": "new", "currency": "USD", "timezone": "UTC", "clock": "spring/1"}
    opened = await reading.post("/v1/accounts", new, seller="other")
    assert (opened.status_code, opened.json()["place"]) == (400, "clock")
    barred = await reading.send("PATCH", PLACE, {"to": "2021-04-01"}, Role.SUPPORT)
    assert barred.status_code == 403
    page = (await reading.get("/v1/clocks", limit=1)).json()
    rest = (await reading.get("/v1/clocks", after=page["next"])).json()
    found = {row["clock"] for row in page["data"] + rest["data"]}
    assert found == {reading.shop.clock, "spring/1"}
    assert rest["next"] is None


async def test_a_long_advance_comes_to_its_end_in_parts(open_api_in_parts: Api) -> None:
    """Rule 1.7: each request takes one step at least, and what was due is all done at the end."""
    api = open_api_in_parts
    s1, s2 = await api.shop.buy("s1"), await api.shop.buy("s2")
    place, to = f"/v1/clocks/{api.shop.clock}", {"to": "2021-03-08T00:00:00Z"}
    parts = []
    while not parts or not parts[-1]["reached"]:
        answer = await api.send("PATCH", place, to)
        assert answer.status_code == (200 if answer.json()["reached"] else 202), answer.text
        parts.append(answer.json())
    assert len(parts) > 3
    assert [part["now"] for part in parts] == sorted(part["now"] for part in parts)
    assert parts[-1]["now"] == "2021-03-08T00:00:00+00:00"
    for subscription in (s1, s2):
        told = (await api.get(f"/v1/subscriptions/{subscription}")).json()
        assert told["expiry"] == "2021-04-14"
        lines = (await api.get("/v1/history", subscription=subscription, limit=200)).json()["data"]
        assert [line["event"] for line in lines].count("renewed") == 2


@pytest.fixture
async def open_api_in_parts(api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API of a shop. The time of a request is over after its first step."""
    from doors.http import clocks

    monkeypatch.setattr(clocks, "SECONDS", 0.0)
    return api


async def test_accounts_whose_steps_fail_are_named(
    reading: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(ledger: Ledger, taker: object, clock: str, until: object, **_: object) -> bool:
        with ledger.transaction("clock") as connection:
            ledger_clocks.set_now(connection, clock, until)  # type: ignore[arg-type]
        raise test_clocks.Unfinished({f"a{n:02}": KeyError("secret") for n in range(12)})

    monkeypatch.setattr(test_clocks, "advance", fails)
    answer = await reading.send("PATCH", f"/v1/clocks/{reading.shop.clock}", {"to": "2021-04-01"})
    assert answer.status_code == 500
    assert "a00, a01" in answer.json()["detail"]
    assert "and 2 others" in answer.json()["detail"]
    assert "secret" not in answer.text
