"""Files of the Python client: whole or not at all, begun again, bounded, to a path or a file."""

import asyncio
import gzip
import hashlib
import io
import stat
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import perennial_client as client
import pytest
from perennial_client.retries import Retries

CONTENT = bytes(range(256)) * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
GONE = {"type": "urn:perennial:problem:not-found", "status": 404, "detail": "no such account"}


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in parts. `breaks`: after so many of them the connection breaks."""

    def __init__(self, content: bytes, breaks: int | None = None) -> None:
        self.parts = [content[at : at + 50_000] for at in range(0, len(content), 50_000)]
        self.breaks = breaks

    def __iter__(self) -> Iterator[bytes]:
        for number, part in enumerate(self.parts):
            if number == self.breaks:
                raise httpx.ReadError("the connection broke")
            yield part

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part


class Api:
    """Stands for the API: gives one answer after the other, and keeps what was sent."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answers.pop(0)


def file(content: bytes = CONTENT, breaks: int | None = None, **headers: str) -> httpx.Response:
    """A response that is a file."""
    told = {"Content-Type": "application/pdf", "ETag": f'"{DIGEST}"', **headers}
    return httpx.Response(200, headers=told, stream=Body(content, breaks))


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client has waited for. It does not really wait."""
    found: list[float] = []

    async def wait(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr("time.sleep", found.append)
    monkeypatch.setattr("asyncio.sleep", wait)
    return found


RETRIES = Retries(attempts=3, now=lambda: 0.0, chance=lambda: 1.0)


def connect(api: Any) -> client.Perennial:
    """A client of an API that is a function."""
    transport = httpx.MockTransport(api)
    return client.Perennial("http://api", "pk_1", retries=RETRIES, transport=transport)


def waiting(api: Any) -> client.AsyncPerennial:
    """The same for asyncio."""
    transport = httpx.MockTransport(api)
    return client.AsyncPerennial("http://api", "pk_1", retries=RETRIES, transport=transport)


def test_a_file_is_saved_whole_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "invoice.pdf"
    path.write_text("what was there")
    saved = connect(api := Api(file())).show_invoice_document(7, "pdf", to=path)
    assert path.read_bytes() == CONTENT
    assert saved == client.Saved(bytes=256_000, sha256=DIGEST, media_type="application/pdf")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert api.requests[0].url.path == "/v1/invoices/7/pdf"
    connect(api := Api(file())).export_transactions(
        account="a/b", first_day=date(2021, 1, 1), to=str(path)
    )
    assert str(api.requests[0].url.query, "ascii") == "account=a%2Fb&from=2021-01-01"


def test_a_file_that_breaks_off_begins_again(tmp_path: Path, waits: list[float]) -> None:
    """Nothing of the first attempt is left, at a path and in an open file."""
    path, opened = tmp_path / "x", io.BytesIO(b"before")
    opened.seek(0, io.SEEK_END)
    connect(Api(file(b"other" * 50_000, 3), file(breaks=2), file())).export_account("a", to=path)
    assert (path.read_bytes(), len(waits)) == (CONTENT, 2)
    connect(Api(file(CONTENT + CONTENT, 9), file())).export_account("a", to=opened)
    assert opened.getvalue() == b"before" + CONTENT


@pytest.mark.parametrize("kept", [None, b"what was there"])
def test_a_file_that_does_not_come_leaves_what_was_there(
    tmp_path: Path, kept: bytes | None
) -> None:
    path = tmp_path / "x"
    if kept is not None:
        path.write_bytes(kept)
    cut = [file(breaks=1) for _ in range(3)]
    for answers, error in (
        (cut, client.NoResponse),
        ([httpx.Response(404, json=GONE)], client.NotFound),
        ([file(CONTENT[:-1])], client.Unreadable),
    ):
        with pytest.raises(error):
            connect(Api(*answers)).export_account("a", to=path)
        with pytest.raises(client.TooLarge):
            connect(Api(file())).export_account("a", to=path, most_bytes=255_999)
        assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == (
            [] if kept is None else [("x", kept)]
        )


def test_what_is_unpacked_counts_too(tmp_path: Path) -> None:
    """A small response that unpacks to a large file is cut at the bound."""
    bomb = gzip.compress(bytes(10_000_000))
    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Body(bomb))
    with pytest.raises(client.TooLarge, match="1000000 bytes"):
        connect(Api(answer)).export_account("a", to=tmp_path / "x", most_bytes=1_000_000)


def test_what_cannot_begin_again_is_told() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(client.Unreadable, match="Save it to a path"):
        connect(Api(file(breaks=3), file())).export_account("a", to=Pipe())
    pipe = Pipe()
    connect(Api(file(breaks=0), file())).export_account("a", to=pipe)
    assert pipe.getvalue() == CONTENT


def test_a_folder_and_a_wrong_bound_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    api = Api()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        connect(api).export_account("a", to=tmp_path)
    with pytest.raises(FileNotFoundError):
        connect(api).export_account("a", to=tmp_path / "none" / "x")
    with pytest.raises(ValueError, match="most_bytes"):
        connect(api).export_account("a", to=tmp_path / "x", most_bytes=-1)
    assert not api.requests
    assert list(tmp_path.iterdir()) == []


async def test_the_same_with_asyncio(tmp_path: Path) -> None:
    path = tmp_path / "x"
    async with waiting(Api(file(breaks=2), file())) as perennial:
        saved = await perennial.show_receipt_document(3, "pdf", to=path)
    assert (path.read_bytes(), saved.sha256) == (CONTENT, DIGEST)
    async with waiting(Api(file())) as perennial:
        with pytest.raises(client.TooLarge):
            await perennial.export_account("a", to=path, most_bytes=10)
    assert [one.name for one in tmp_path.iterdir()] == ["x"]


async def test_a_task_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    begun = asyncio.Event()

    class Slow(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield CONTENT
            begun.set()
            await asyncio.Event().wait()

    async with waiting(Api(httpx.Response(200, stream=Slow()))) as perennial:
        task = asyncio.create_task(perennial.export_account("a", to=tmp_path / "x"))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert list(tmp_path.iterdir()) == []
