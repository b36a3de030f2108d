"""A page as PDF/A-2b, set by Typst with the fonts of the project's packages.

The fonts of the machine are not used, so every machine sets the same page. The file holds no clock
time. PDF/A is made to be kept for long, and Typst refuses it for letters that no font has. So no
document shows boxes in place of letters.
"""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import fontpkg_ibm_plex_sans_arabic
import typst

from core.documents.document_templates import DocumentTemplates, templates_of
from core.documents.own_templates import BadTemplates
from core.documents.pages import Page
from core.domain.profiles import suffix_of

#: Its stubs do not know that the input may be several files.
_compile: Any = typst.compile
_OPTIONS = {
    "font_paths": [str(Path(fontpkg_ibm_plex_sans_arabic.__file__).parent / "files")],
    "ignore_system_fonts": True,
    "format": "pdf",
}


_NO_FONT = re.compile(r"the text `\"(?P<text>.*)\"` could not be displayed")


class BadLogo(ValueError):
    """The logo cannot be drawn."""


class NoFont(ValueError):
    """The fonts of the project lack letters of a page. The message has them."""


def pdf(page: Page, logo: bytes | None, templates: DocumentTemplates) -> bytes:
    """The page as PDF. Raises `NoFont`, and BadTemplates for one of a seller that does not work."""
    try:
        return _set(page, logo, "pdf", templates)[0]
    except typst.TypstError as error:
        if found := _NO_FONT.search(str(error)):
            raise NoFont(found["text"]) from None
        if not templates.own:
            raise
        raise BadTemplates(f"{page.template}.typ: {error}") from None


def pictures(
    page: Page, logo: bytes | None, templates: DocumentTemplates | None = None
) -> list[bytes]:
    """The pages as PNG pictures, to look at. `templates`: default, those of Perennial."""
    return _set(page, logo, "png", templates or templates_of(None))


def check_logo(logo: bytes) -> None:
    """Draw a logo alone. Raises `BadLogo`."""
    try:
        _compile({"main.typ": b'#import "logo.typ": logo\n#logo', **_logo(logo)}, **_OPTIONS)
    except typst.TypstError as error:
        raise BadLogo(f"cannot be drawn: {error}; a whole PNG or JPEG picture is allowed") from None


def _set(
    page: Page, logo: bytes | None, format_: Literal["pdf", "png"], templates: DocumentTemplates
) -> list[bytes]:
    files = {
        **templates.typst,
        "main.typ": templates.typst[f"{page.template}.typ"],
        "page.json": json.dumps(asdict(page)).encode(),
        **_logo(logo),
    }
    standard = {"pdf_standards": "a-2b"} if format_ == "pdf" else {}
    made = _compile(files, **(_OPTIONS | standard | {"format": format_}))
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
