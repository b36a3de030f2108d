"""A page as PDF, set by Typst with the fonts of the project's packages.

The fonts of the machine are not used, so every machine sets the same page. The file holds no clock
time.
"""

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Literal

import fontpkg_ibm_plex_sans_arabic
import typst

from core.documents.pages import Page
from core.domain.profiles import suffix_of

TEMPLATES = Path(__file__).parent / "templates"
#: Its stubs do not know that the input may be several files.
_compile: Any = typst.compile
_OPTIONS = {
    "font_paths": [str(Path(fontpkg_ibm_plex_sans_arabic.__file__).parent / "files")],
    "ignore_system_fonts": True,
    "format": "pdf",
}


class BadLogo(ValueError):
    """The logo cannot be drawn."""


@cache
def _templates() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in TEMPLATES.glob("*.typ")}


def pdf(page: Page, logo: bytes | None) -> bytes:
    """The page as PDF."""
    return _set(page, logo, "pdf")[0]


def pictures(page: Page, logo: bytes | None) -> list[bytes]:
    """The pages as PNG pictures, to look at."""
    return _set(page, logo, "png")


def check_logo(logo: bytes) -> None:
    """Draw a logo alone. Raises `BadLogo`."""
    try:
        _compile({"main.typ": b'#import "logo.typ": logo\n#logo', **_logo(logo)}, **_OPTIONS)
    except typst.TypstError as error:
        raise BadLogo(f"cannot be drawn: {error}; a whole PNG or JPEG picture is allowed") from None


def _set(page: Page, logo: bytes | None, format_: Literal["pdf", "png"]) -> list[bytes]:
    templates = _templates()
    files = {
        **templates,
        "main.typ": templates[f"{page.template}.typ"],
        "page.json": json.dumps(asdict(page)).encode(),
        **_logo(logo),
    }
    made = _compile(files, **(_OPTIONS | {"format": format_}))
    return made if isinstance(made, list) else [made]


def _logo(logo: bytes | None) -> dict[str, bytes]:
    """The logo as files of Typst. It takes texts only, so the picture is a list of numbers."""
    if logo is None:
        return {"logo.typ": b"#let logo = none"}
    shown = f'image(bytes(json("logo.json")), format: "{_format_of(logo)}")'
    return {
        "logo.typ": f"#let logo = {shown}".encode(),
        "logo.json": json.dumps(list(logo)).encode(),
    }


def _format_of(logo: bytes) -> str:
    """What Typst calls the format of a picture."""
    return {"png": "png", "jpeg": "jpg"}[suffix_of(logo)]
