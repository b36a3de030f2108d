"""The staff: added with a password that is shown once, given a role, switched off and on."""

import re

from core.domain.roles import Role
from doors.access.sellers import Sellers
from doors.access.staff import SignInRefused, StaffSignIn
from tests.console.conftest import Desk

ANN = {"email": "Ann@x.org", "name": "Ann", "role": "support"}


def shown(html: str) -> str:
    """The secret that a page shows once."""
    [secret] = re.findall(r'<input id="secret"[^>]* value="([^"]+)"', html)
    return str(secret)


async def signs_in(desk: Desk, password: str) -> str | None:
    """The token of a session of Ann, or None when the sign-in is refused."""
    people = StaffSignIn(Sellers(desk.shop.perennial), least_seconds=0)
    try:
        return await people.sign_in("ann@x.org", password, address="test")
    except SignInRefused:
        return None


async def test_a_person_is_added_changed_and_switched_off(reading: Desk) -> None:
    wrong = await reading.send("/admin/staff-add", ANN | {"role": "platform", "name": "<b>"})
    assert wrong.status_code == 400
    assert "platform is for programs with a key" in wrong.text
    assert 'value="Ann@x.org"' in wrong.text
    added = await reading.send("/admin/staff-add", ANN)
    password = shown(added.text)
    assert added.headers["cache-control"] == "no-store"
    again = await reading.send("/admin/staff-add", ANN)
    assert again.status_code == 400
    assert "ann@x.org is staff already" in again.text
    token = await signs_in(reading, password)
    assert token is not None
    path = "/admin/staff/ann%40x.org"
    page = await reading.page(path)
    assert "password and code" not in page
    assert token.split("_")[1] in page
    given = await reading.send("/admin/staff-role/ann@x.org", {"role": "finance"})
    assert given.status_code == 303
    reading.tokens["finance@main.example.com"] = token
    assert (await reading.get("/admin/audit", Role.FINANCE)).status_code == 200
    assert (await reading.get("/admin/staff", Role.FINANCE)).status_code == 403
    await reading.send("/admin/staff-sessions/ann@x.org", {})
    assert (await reading.get("/", Role.FINANCE)).status_code == 303
    new = shown((await reading.send("/admin/staff-password/ann@x.org", {})).text)
    assert await signs_in(reading, password) is None
    assert await signs_in(reading, new) is not None
    await reading.send("/admin/staff-off/ann@x.org", {})
    assert "off since" in await reading.page(path)
    assert await signs_in(reading, new) is None
    await reading.send("/admin/staff-on/ann@x.org", {})
    assert await signs_in(reading, new) is not None
    kept = str(reading.shop.sql("SELECT array_agg(a::text) FROM audit a").scalar())
    assert "admin person <admin@main.example.com>" in kept
    for act in ("add_staff", "set_staff_role", "end_sessions", "disable_staff", "enable_staff"):
        assert act in kept
    assert password not in kept


async def test_nobody_changes_their_own_access(reading: Desk) -> None:
    own = "admin@main.example.com"
    reading.token()
    for act in ("role", "password", "off", "on"):
        answer = await reading.send(f"/admin/staff-{act}/{own}", {"role": "viewer"})
        assert answer.status_code == 422, act
        assert "Ask another admin" in answer.text
    page = await reading.page(f"/admin/staff/{own}")
    assert "This is you" in page
    assert "Switch off" not in page
