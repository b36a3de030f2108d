"""The files that pages need: the style sheet, the script and the picture of the tab.

Each has an address that changes with its content. So a browser keeps a file for a year, and gets a
new one with a new version of the console.
"""

import hashlib
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response

from doors.queries.snapshot import NotFound

_FOLDER = Path(__file__).parent / "assets"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

router = APIRouter(include_in_schema=False)


@lru_cache(maxsize=1)
def _files() -> dict[str, tuple[bytes, str]]:
    """The content of each file, and a mark that changes with it, by the file's name."""
    contents = {file.name: file.read_bytes() for file in _FOLDER.iterdir() if file.suffix in _TYPES}
    return {
        name: (content, hashlib.sha256(content).hexdigest()[:12])
        for name, content in contents.items()
    }


def address_of(name: str) -> str:
    """The address of a file. Raises KeyError for one that does not exist."""
    return f"/assets/{_files()[name][1]}/{name}"


@router.get("/assets/{mark}/{name}")
async def asset(mark: str, name: str) -> Response:
    """A file. An older mark gets the file as it is now, which a browser does not keep."""
    if name not in _files():
        raise NotFound("there is no such file")
    content, current = _files()[name]
    kept = "public, max-age=31536000, immutable" if mark == current else "no-cache"
    media_type = _TYPES[Path(name).suffix]
    return Response(content, media_type=media_type, headers={"Cache-Control": kept})
