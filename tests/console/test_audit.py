"""The audit: records by who, act and subject, before and after, and the state of the chains."""

import re

import pytest

from core.domain.roles import Role
from core.ledger import audit
from core.ledger.acting import Acting, as_one
from doors.console import audit as pages
from tests.console.conftest import Desk


def add(desk: Desk, act: str, subject: str, count: int = 1, by: str = "Ann <ann@x.org>") -> None:
    """Record an act, with how it stood before and after."""
    with (
        as_one(Acting(by, "session/0f", "203.0.113.7")),
        desk.shop.perennial.ledger.engine.begin() as connection,
    ):
        for n in range(count):
            before, after = {"plan": "a", "n": n}, {"plan": "<b>", "n": n}
            audit.add(connection, "main", act, subject=subject, before=before, after=after)


def rows(html: str) -> int:
    """How many records a page shows."""
    return len(re.findall(r"<tr>\s*<td><time", html))


async def test_records_are_found_by_who_act_and_subject_page_by_page(
    reading: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading.token(Role.FINANCE)
    add(reading, "extend", "s1", 60)
    add(reading, "recover", "s2", by="Bob <bob@x.org>")
    page = await reading.page("/admin/audit?subject=s2", Role.FINANCE)
    assert "Bob <bob@x.org> session/0f from 203.0.113.7 Recover s2 done" in page
    assert "Plan a <b>" in page
    first = await reading.get("/admin/audit?act=extend&subject=&actor=Ann <ann@x.org>")
    [further] = re.findall(r'rel="next" href="([^"]+)"', first.text)
    last = await reading.get(further.replace("&amp;", "&"))
    assert (rows(first.text), rows(last.text)) == (50, 10)
    assert "No record fits" in await reading.page("/admin/audit?subject=s2&act=extend")
    monkeypatch.setattr(pages, "MOST_LOOKED_AT", 20)
    stopped = await reading.get("/admin/audit?actor=Ann <ann@x.org>&act=recover")
    assert "No record of those looked at fits" in stopped.text
    assert 'rel="next"' in stopped.text


async def test_the_page_of_the_chains_finds_a_record_that_was_changed(
    reading: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.ledger.audit.secrets.randbelow", lambda _: 3)
    monkeypatch.setattr(pages, "NEWEST", 5)
    reading.token()
    add(reading, "extend", "s1", 20)
    page = await reading.page("/admin/chains")
    assert re.search(r"The newest \d+ of \d+ records are as they were written", page)
    one = "chain = 3 AND position = (SELECT max(position) FROM audit WHERE chain = 3) - 2"
    reading.shop.sql(f"UPDATE audit SET actor = 'Eve' WHERE {one}")
    assert "It was changed." in await reading.page("/admin/chains")
    reading.shop.sql(f"DELETE FROM audit WHERE {one}")
    assert "1 records before it are missing." in await reading.page("/admin/chains")


async def test_the_export_of_personal_data_is_for_admins_and_in_the_audit(reading: Desk) -> None:
    acme = reading.shop.id("acme")
    path = f"/personal-data/{acme}"
    assert f'href="{path}"' in (await reading.get(f"/accounts/wallet/{acme}")).text
    answer = await reading.get(path)
    assert answer.json()["accounts"][0]["id"] == acme
    assert answer.headers["content-disposition"] == 'attachment; filename="personal-data.json"'
    assert "Export account" in await reading.page(f"/admin/audit?subject={acme}")
    assert (await reading.get(path, Role.FINANCE)).status_code == 403
    wallet = await reading.get(f"/accounts/wallet/{acme}", Role.FINANCE)
    assert path not in wallet.text
    assert (await reading.get("/personal-data/lost")).status_code == 404
