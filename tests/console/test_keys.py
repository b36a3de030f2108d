"""The keys of the API: made, rotated and revoked, and shown once."""

import re

import pytest
from sqlalchemy.exc import OperationalError

from core.ledger import api_keys, failpoints
from core.ledger.clocks import machine_now
from tests.console.conftest import Desk
from tests.console.test_staff import shown


def works(desk: Desk, key: str) -> bool:
    """Whether a program can use a key."""
    return api_keys.authenticate(desk.shop.perennial.ledger, key, machine_now()) is not None


async def test_a_key_is_made_once_shown_once_rotated_and_revoked(reading: Desk) -> None:
    page = await reading.get("/admin/keys")
    [id_] = re.findall(r'name="key" value="(\w+)"', page.text)
    form = {"key": id_, "name": "shop", "role": "support", "until": "", "only": "extend recover"}
    wrong = await reading.send("/admin/key-create", form | {"until": "2020-01-01"})
    assert "2020-01-01 is past or has begun" in wrong.text
    wrong = await reading.send("/admin/key-create", form | {"only": "extend add_staff"})
    assert (wrong.status_code, "no operation &#39;add_staff&#39;" in wrong.text) == (400, True)
    made = await reading.send("/admin/key-create", form)
    key = shown(made.text)
    assert (key.split("_")[1], works(reading, key)) == (id_, True)
    assert made.headers["cache-control"] == "no-store"
    twice = await reading.send("/admin/key-create", form)
    assert twice.status_code == 400
    assert f"{id_} is made already, and was shown once" in twice.text
    listed = await reading.get("/admin/keys")
    assert "only extend, recover" in listed.text
    assert key.split("_", 2)[2] not in listed.text
    rotated = await reading.send(f"/admin/key-rotate/{id_}", {"overlap": "0"})
    new = shown(rotated.text)
    assert (works(reading, key), works(reading, new)) == (False, True)
    revoked = await reading.send(f"/admin/key-revoke/{new.split('_')[1]}", {})
    assert revoked.status_code == 303
    assert not works(reading, new)
    kept = str(reading.shop.sql("SELECT array_agg(a::text) FROM audit a").scalar())
    assert "rotate_key" in kept
    assert new.split("_", 2)[2] not in kept


async def test_a_key_is_shown_although_the_database_went_away(
    reading: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks before the commit, then after it. One key is made, and it is shown."""
    left = ["before_commit", "after_commit"]

    def reach(name: str) -> None:
        if left and name == f"api_request.{left[0]}":
            left.pop(0)
            raise OperationalError("COMMIT", {}, Exception("the connection is closed"))

    page = await reading.get("/admin/keys")
    [id_] = re.findall(r'name="key" value="(\w+)"', page.text)
    monkeypatch.setattr(failpoints, "reach", reach)
    form = {"key": id_, "name": "shop", "role": "support", "until": "", "only": ""}
    key = shown((await reading.send("/admin/key-create", form)).text)
    left += ["before_commit", "after_commit"]
    new = shown((await reading.send(f"/admin/key-rotate/{id_}", {"overlap": "24"})).text)
    assert left == []
    assert (works(reading, key), works(reading, new)) == (True, True)
    count = "SELECT count(*) FROM audit WHERE act = 'create_key'"
    made = reading.shop.sql("SELECT count(*) FROM api_keys").scalar()
    assert (made, reading.shop.sql(count).scalar()) == (2, 2)
