"""Imports by HTTP: a file of any size is received, imported once, and looked at meanwhile."""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from activities.usage_batch import charge_usage
from core.domain.commands.set_card import SetCard
from core.domain.commands.usage import Usage
from core.domain.refusal import Refusal
from core.domain.roles import Role
from core.domain.rules import Rule
from core.ledger import background_requests
from core.ledger.api_requests import Asked
from core.ledger.clocks import machine_now
from doors.commandline import worker_process
from doors.http import imports
from settings import PROJECT
from tests.http.conftest import Api

FILE = (PROJECT / "examples" / "customers.csv").read_bytes()
PERSON = {"owner": "ada@g.example", "billing_email": "ada@g.example"}
TERMS = {"currency": "USD", "timezone": "UTC"}
REFUSED = Refusal(Rule.REQUEST_ID, "request id import-1 was used for something else")
HEADER = b"id,account,currency,timezone,sku,months,price,anchor\n"


async def post(
    api: Api, content: Any, key: str, role: Role = Role.ADMIN, seller: str = "main", **query: Any
) -> httpx.Response:
    """Send a file."""
    headers = {
        "Authorization": f"Bearer {api.key(role, seller)}",
        "Idempotency-Key": key,
        "Content-Type": "text/csv",
    }
    path = "/v1/imports"
    return await api.client.post(path, content=content, headers=headers, params=query)


async def ended(api: Api, key: str, seller: str = "main", of: str = "imports") -> dict[str, Any]:
    """An import, or another request, when this process has ended it."""
    transport: Any = api.client._transport
    running = transport.app.state.background.running.get((seller, key))
    if running is not None and running.task is not None:
        await running.task
    found: dict[str, Any] = (await api.get(f"/v1/{of}/{key}", seller=seller)).json()
    return found


async def test_a_file_is_checked_imported_once_and_looked_at(reading: Api) -> None:
    dry = await post(reading, FILE, "dry-1", dry_run="true")
    assert (dry.status_code, dry.json()["poll"]) == (202, "/v1/imports/dry-1")
    report = (await ended(reading, "dry-1"))["report"]
    assert (report["imported"], report["faulty"], report["dry_run"]) == (4, 0, True)
    assert (await reading.get("/v1/subscriptions/acme-phone")).status_code == 404
    told = await post(reading, FILE, "import-1")
    assert (told.status_code, told.headers["location"]) == (202, "/v1/imports/import-1")
    done = await ended(reading, "import-1")
    assert (done["state"], done["report"]["imported"]) == ("done", 4)
    assert (await reading.get("/v1/subscriptions/acme-phone")).json()["account"] == "acme"
    again = await post(reading, FILE, "import-1")
    assert (again.status_code, again.json()) == (200, done)
    assert again.headers["idempotent-replayed"] == "true"
    other = await post(reading, FILE + b"\n", "import-1")
    assert other.status_code == 409
    await post(reading, FILE, "import-2")
    assert (await ended(reading, "import-2"))["report"]["there"] == 4
    [line] = (await reading.get("/v1/imports")).json()["data"]
    assert (line["rows"], line["undone"]) == (4, 0)
    assert (await reading.get("/v1/imports", seller="other")).json()["data"] == []
    assert (await reading.get("/v1/imports/import-1", seller="other")).status_code == 404
    assert (await reading.get("/v1/imports/none")).status_code == 404


async def test_a_file_that_is_wrong_says_why_and_writes_nothing(reading: Api) -> None:
    for number, content in enumerate((b"a,b\n1,2\n", b"", b"\x00\xff", HEADER[:-1] + b",none\n")):
        await post(reading, content, f"wrong-{number}")
        found = await ended(reading, f"wrong-{number}")
        assert (found["state"], found["report"]) == ("refused", None), found
        assert found["faults"][0]["reason"]
    rows = HEADER + b"x1,x,USD,UTC,X,1,5.00,2021-01-31\nx2,x,USD,UTC,X,1,free,2021-01-31\n"
    await post(reading, rows, "some")
    report = (await ended(reading, "some"))["report"]
    assert (report["imported"], report["faulty"]) == (1, 1)
    assert report["faults"][0]["id"] == "x2"


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"mapping": "none"}, "mapping"),
        ({"mapping": "../../etc/passwd"}, "mapping"),
        ({"mapping": "{"}, "line 1"),
        ({"clock": "none"}, "clock"),
        ({"as_of": "x"}, "as_of"),
        ({"first_rows": "0"}, "first_rows"),
        ({"dry_run": "perhaps"}, "dry_run"),
    ],
)
async def test_a_wrong_choice_is_told_at_once(
    reading: Api, query: dict[str, str], place: str
) -> None:
    answer = await post(reading, FILE, "k", **query)
    assert answer.status_code == 400, answer.text
    assert answer.json()["faults"][0]["place"] == place


async def test_a_mapping_cannot_read_files_of_the_server(reading: Api) -> None:
    lookups = {"x": {"file": "/etc/passwd", "key": "a", "by": "b"}}
    mapping = {"fields": {"id": "id", "currency": {"column": "c", "of": "x"}}, "lookups": lookups}
    answer = await post(reading, FILE, "k", mapping=json.dumps(mapping))
    assert answer.status_code == 400
    assert "root:" not in answer.text


async def test_a_file_is_streamed_within_bounds(
    reading: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body beyond 1 MB is taken. One that is too large, or does not come, is cut."""
    row = "x{0},x{0},USD,UTC,X,1,5.00,2021-01-31\n"

    async def many() -> AsyncIterator[bytes]:
        yield HEADER
        for first in range(0, 30_000, 1_000):
            yield "".join(row.format(n) for n in range(first, first + 1_000)).encode()

    async def silent() -> AsyncIterator[bytes]:
        yield HEADER
        await asyncio.Event().wait()

    await post(reading, many(), "many", dry_run="true")
    assert (await ended(reading, "many"))["report"]["rows"] == 30_000
    monkeypatch.setattr(imports, "MOST_BYTES", 100_000)
    assert (await post(reading, many(), "large")).status_code == 413
    monkeypatch.setattr(imports, "SILENT_SECONDS", 0.1)
    assert (await post(reading, silent(), "silent")).status_code == 408
    monkeypatch.setattr(imports, "MOST_AT_ONCE", 0)
    busy = await post(reading, FILE, "busy")
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "30")
    viewer = await post(reading, FILE, "viewer", role=Role.SUPPORT)
    assert viewer.status_code == 403
    wrong = await reading.post("/v1/imports", {}, "json")
    assert (wrong.status_code, wrong.json()["allowed"]) == (415, "text/csv")


def as_sent(content: bytes, key: str) -> Asked:
    """What another process was asked for with a file, without parameters."""
    digest = hashlib.sha256(content).hexdigest()
    values = {"dry_run": False, "clock": None, "prefix": "", "limit": None}
    values |= {"as_of": None, "mapping": None, "digest": digest}
    return Asked(request_id=key, do=imports.IMPORT, values=values, actor="another process")


async def test_an_import_of_another_process_is_told_and_an_interrupted_one_goes_on(
    reading: Api,
) -> None:
    """2 of 4 rows came in before that process ended. The other 2 come in, and nothing twice."""
    row = "x{0},x{0},USD,UTC,X,1,5.00,2021-01-31\n"
    rows = HEADER + "".join(row.format(n) for n in range(4)).encode()
    ledger, now = reading.shop.perennial.ledger, machine_now()
    await post(reading, rows, "begun", first_rows=2)
    assert (await ended(reading, "begun"))["report"]["imported"] == 2
    asked = as_sent(rows, "import-1")
    assert background_requests.begin(ledger, asked, "there", now, audited=True) == {}
    background_requests.tell(ledger, "import-1", "there", 2, 4, now)
    found = await ended(reading, "import-1")
    assert (found["state"], found["rows_done"], found["rows"]) == ("running", 2, 4)
    busy = await post(reading, rows, "import-1")
    assert (busy.status_code, busy.headers["retry-after"]) == (409, "1")
    long_ago = now - 2 * background_requests.SILENT
    background_requests.tell(ledger, "import-1", "there", 2, 4, long_ago)
    found = await ended(reading, "import-1")
    assert (found["state"], found["rows_done"]) == ("interrupted", 2)
    assert found["next"].startswith("Send the same file again")
    other = await post(reading, rows + b"\n", "import-1")
    assert (other.status_code, other.json()["rule"]) == (409, "4.2")
    assert (await post(reading, rows, "import-1")).status_code == 202
    report = (await ended(reading, "import-1"))["report"]
    assert (report["imported"], report["there"]) == (2, 2)
    count = reading.shop.sql("SELECT count(*) FROM background_requests").scalar()
    assert count == 0
    acts = "SELECT outcome FROM audit WHERE request_id = 'import-1' ORDER BY at"
    assert list(reading.shop.sql(acts).scalars()) == ["asked", "asked", "done"]


@pytest.mark.parametrize("by", ["an import", "the start of a process"])
async def test_a_file_that_a_killed_process_has_left_is_removed(
    reading: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by: str
) -> None:
    monkeypatch.setattr(imports.tempfile, "tempdir", str(tmp_path))
    old, new, other = (
        tmp_path / name for name in ("perennial-import-1", "perennial-import-2", "x")
    )
    for folder in (old, new, other):
        folder.mkdir()
        (folder / "import.csv").write_bytes(FILE)
    for folder in (old, other):
        os.utime(folder, (0, 0))
    if by == "an import":
        await post(reading, FILE, "dry-1", dry_run="true")
        await ended(reading, "dry-1")
    else:
        monkeypatch.setattr(worker_process, "_serving", lambda *_: nullcontext())
        async with worker_process._api(reading.shop.perennial, reading.shop.config):
            pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["perennial-import-2", "x"]


async def test_an_import_that_fails_is_interrupted_at_once(
    reading: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:

        async def full(*_: Any, **__: Any) -> None:
            raise OSError("no space is left on the device")

        patched.setattr(imports, "import_file", full)
        await post(reading, FILE, "import-1")
        found = await ended(reading, "import-1")
    assert found["state"] == "interrupted"
    assert "device" not in json.dumps(found)
    await post(reading, FILE, "import-1")
    assert (await ended(reading, "import-1"))["report"]["imported"] == 4


async def test_a_request_whose_end_cannot_be_told_leaves_no_place_taken_and_no_file(
    reading: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(imports.tempfile, "tempdir", str(tmp_path))

    def refused(*_: Any) -> None:
        raise RuntimeError("the password is wrong")

    async def fails(*_: Any, **__: Any) -> None:
        refused()

    with monkeypatch.context() as patched:
        patched.setattr(imports, "import_file", fails)
        patched.setattr(background_requests, "stop", refused)
        for key in ("a", "b", "c"):
            assert (await post(reading, FILE, key)).status_code == 202
            assert (await ended(reading, key))["state"] == "running"
    assert list(tmp_path.iterdir()) == []


async def test_a_file_that_cannot_be_written_takes_no_place(
    reading: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: Any) -> None:
        raise OSError("no space is left on the device")

    with monkeypatch.context() as patched:
        patched.setattr(imports.tempfile, "mkdtemp", full)
        for key in ("a", "b", "c"):
            assert (await post(reading, FILE, key)).status_code == 500
    assert (await post(reading, FILE, "a")).status_code == 202
    assert (await ended(reading, "a"))["state"] == "done"


async def test_only_the_process_that_works_on_a_request_tells_of_it(reading: Api) -> None:
    ledger, now = reading.shop.perennial.ledger, machine_now()
    asked = as_sent(FILE, "import-1")
    long_ago = now - 2 * background_requests.SILENT
    begin = background_requests.begin
    assert begin(ledger, asked, "slow", long_ago, {"digest": "1"}, audited=True) == {"digest": "1"}
    for _ in range(2):  # The answer of the first time was lost.
        found = begin(ledger, asked, "next", now, {"digest": "2"}, audited=True)
        assert found == {"digest": "1"}
    background_requests.stop(ledger, "import-1", "slow")
    background_requests.tell(ledger, "import-1", "slow", 1, 2, now)
    background_requests.tell(ledger, "import-1", "next", 3, 4, now)
    stands = await ended(reading, "import-1")
    assert (stands["state"], stands["rows_done"], stands["rows"]) == ("running", 3, 4)
    assert begin(ledger, asked, "third", now) is None
    acts = "SELECT count(*) FROM audit WHERE request_id = 'import-1'"
    assert reading.shop.sql(acts).scalar() == 2


async def test_rule_4_2_the_key_of_a_request_under_way_does_nothing_else(reading: Api) -> None:
    asked = as_sent(FILE, "import-1")
    background_requests.begin(reading.shop.perennial.ledger, asked, "there", machine_now())
    globex = {"account": "globex", **PERSON, **TERMS}
    assert (await reading.post("/v1/accounts", globex, "globex")).status_code == 201
    account = await reading.post("/v1/accounts", globex, "import-1")
    command = await reading.post(
        "/v1/commands/set_card", {"account": "globex", "card": "sim_ok"}, "import-1"
    )
    for answer in (account, command):
        assert (answer.status_code, answer.json().get("rule")) == (409, "4.2"), answer.text
    await no_command_has(reading, "import-1")
    background_requests.stop(reading.shop.perennial.ledger, "import-1", "there")
    assert (await post(reading, FILE, "import-1")).status_code == 202
    assert (await ended(reading, "import-1"))["state"] == "done"
    await no_command_has(reading, "import-1")


async def no_command_has(api: Api, key: str) -> None:
    """A command with the key of another request is refused, by whichever door it comes.

    The console and the command line give a command as the client does. A row of a batch of usage
    and a row of a campaign are commands without a door of their own.
    """
    perennial = api.shop.perennial
    card = SetCard(account="globex", card="sim_ok", request_id=key)
    assert (await perennial.preview(card)).refusal == REFUSED
    assert (await perennial.do(card)).refusal == REFUSED
    used = Usage(account="globex", amount=Decimal("1.00"), text="a call", request_id=key)
    charged = charge_usage(perennial.ledger, machine_now(), {"globex": [used]})
    assert [one.refusal for one in charged["globex"]] == [REFUSED]


async def undo(api: Api, key: str, body: dict[str, Any], seller: str = "main") -> httpx.Response:
    """Ask for the undoing of an import, and wait until it is done."""
    answer = await api.post("/v1/import-undos", body, key, seller=seller)
    if answer.status_code == 202:
        await ended(api, key, seller, "import-undos")
    return answer


async def test_an_import_is_looked_at_and_taken_back_but_what_has_happened_stays(
    reading: Api,
) -> None:
    await post(reading, FILE, "import-1")
    import_id = str((await ended(reading, "import-1"))["report"]["import_id"])
    await reading.done("set_card", {"account": "acme", "card": "sim_ok"})
    look = await undo(reading, "look", {"which": import_id, "dry_run": True})
    assert (look.status_code, look.json()["poll"]) == (202, "/v1/import-undos/look")
    first = (await reading.get("/v1/import-undos/look")).json()["report"]
    assert (first["dry_run"], first["kept"]) == (True, 1)
    assert first["first_kept"][0]["subject"] == "acme"
    assert (await reading.get("/v1/subscriptions/acme-phone")).status_code == 200
    await undo(reading, "back", {"which": import_id})
    found = (await reading.get("/v1/import-undos/back")).json()
    assert found["state"] == "done"
    assert found["report"] == first | {"dry_run": False}
    [line] = (await reading.get("/v1/imports")).json()["data"]
    assert (line["undone"], line["rows"]) == (first["undone"], 4)
    again = await undo(reading, "back", {"which": import_id})
    assert (again.status_code, again.json()) == (200, found)
    other = await undo(reading, "back", {"which": import_id, "dry_run": True})
    assert other.status_code == 409
    acts = "SELECT outcome, after FROM audit WHERE act = 'undo_imports' ORDER BY at"
    kept = {"undone": first["undone"], "kept": 1}
    assert [tuple(row) for row in reading.shop.sql(acts)] == [
        ("asked", {"imports": [int(import_id)]}),
        ("done", kept),
    ]
    for body in ({"which": "none"}, {"which": import_id}):
        seller = "main" if body["which"] == "none" else "other"
        assert (await undo(reading, "k", body, seller)).status_code == 404
    support = await reading.post("/v1/import-undos", {"which": import_id}, role=Role.SUPPORT)
    assert support.status_code == 403


async def test_an_undoing_that_goes_on_leaves_an_import_alone_that_came_after_it(
    reading: Api,
) -> None:
    row = "{0},{0},USD,UTC,X,1,5.00,2021-01-31\n"
    for key in ("before", "after"):
        content = HEADER + row.format(key).encode()
        if key == "after":
            values = {"which": "trial-", "dry_run": False}
            asked = Asked(request_id="back", do="undo_imports", values=values, actor="another")
            long_ago = machine_now() - 2 * background_requests.SILENT
            [line] = (await reading.get("/v1/imports")).json()["data"]
            about = {"imports": [line["id"]]}
            background_requests.begin(reading.shop.perennial.ledger, asked, "r", long_ago, about)
        await post(reading, content, key, prefix="trial-")
        assert (await ended(reading, key))["report"]["imported"] == 1
    assert (await undo(reading, "back", {"which": "trial-"})).status_code == 202
    found = (await reading.get("/v1/import-undos/back")).json()
    assert (found["state"], found["report"]["undone"]) == ("done", 1)
    left = reading.shop.sql("SELECT id FROM subscriptions").scalars().all()
    assert list(left) == ["trial-after"]
