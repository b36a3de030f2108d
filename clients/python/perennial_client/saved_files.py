"""Files that are saved while they are received: none is held in memory, and none is left in half.

A file goes to a path, or to an open file. At a path it stands beside its place until it is whole,
and only its owner can read it. In an open file it begins where that file stands. When the
connection breaks, both begin again.
"""

import contextlib
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import httpx

from perennial_client.errors import TooLarge, Unreadable

MOST_BYTES = 1_000_000_000
"""So many bytes a file may have, unless the caller says otherwise."""
CHUNK = 65_536
"""Bytes that are in memory at once."""
_SHA_256 = re.compile('"([0-9a-f]{64})"')

To = str | os.PathLike[str] | BinaryIO
"""Where a file is saved: a path, or an open file that takes bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A file that was saved.

    `bytes`: how many it has. `sha256`: of its content. `media_type`: such as application/pdf.
    """

    bytes: int
    sha256: str
    media_type: str


class Target(Protocol):
    """What a file is written to. It may begin again."""

    def begin(self) -> None:
        """Drop what was written, and begin."""
        ...

    def write(self, content: bytes, /) -> None:
        """Write the next part."""
        ...

    def keep(self) -> None:
        """The file is whole."""
        ...

    def close(self) -> None:
        """Drop what is not kept."""
        ...


class _AtPath:
    def __init__(self, path: Path) -> None:
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder; name a file in it")
        self._path = path
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}-", dir=path.parent)
        self._file = os.fdopen(handle, "wb")
        self._beside = Path(name)

    def begin(self) -> None:
        self._file.seek(0)
        self._file.truncate()

    def write(self, content: bytes) -> None:
        self._file.write(content)

    def keep(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._beside.replace(self._path)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        self._beside.unlink(missing_ok=True)


class _InFile:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = file.tell() if file.seekable() else None
        self._written = 0

    def begin(self) -> None:
        if self._start is not None:
            self._file.seek(self._start)
            self._file.truncate()
        elif self._written:
            raise Unreadable(
                f"The file broke off after {self._written} bytes, and what it is written to cannot "
                "begin again. Save it to a path."
            )
        self._written = 0

    def write(self, content: bytes) -> None:
        self._file.write(content)
        self._written += len(content)

    def keep(self) -> None:
        self._file.flush()

    def close(self) -> None:
        """It is the caller's."""


class Saving:
    """One file while it is received. `most_bytes`: more than that is refused."""

    def __init__(self, to: To, most_bytes: int = MOST_BYTES) -> None:
        if most_bytes < 0:
            raise ValueError("most_bytes is a number of bytes, 0 or more")
        self._most = most_bytes
        self._target: Target = (
            _AtPath(Path(to)) if isinstance(to, str | os.PathLike) else _InFile(to)
        )
        self._size = 0
        self._digest = hashlib.sha256()

    def begin(self) -> None:
        """A response begins."""
        self._target.begin()
        self._size, self._digest = 0, hashlib.sha256()

    def add(self, content: bytes) -> None:
        """Write the next part. Raises `TooLarge`."""
        self._size += len(content)
        if self._size > self._most:
            raise TooLarge(self._most)
        self._digest.update(content)
        self._target.write(content)

    def keep(self, response: httpx.Response) -> Saved:
        """The file has come whole. Raises `Unreadable` if it is not what the API has sent."""
        found = self._digest.hexdigest()
        told = _SHA_256.fullmatch(response.headers.get("ETag", ""))
        if told is not None and told[1] != found:
            raise Unreadable("The file is not the one that the API has sent. Ask for it again.")
        self._target.keep()
        return Saved(
            bytes=self._size,
            sha256=found,
            media_type=response.headers.get("Content-Type", "").partition(";")[0].strip(),
        )

    def close(self) -> None:
        """Drop what is not kept."""
        self._target.close()
