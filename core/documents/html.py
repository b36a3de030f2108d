"""A page as HTML in UTF-8, in one file: the style and the logo are inside."""

from base64 import b64encode
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.documents.pages import Page
from core.domain.profiles import suffix_of

TEMPLATES = Path(__file__).parent / "templates"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def html(page: Page, logo: bytes | None) -> bytes:
    """The page as HTML. Every text in it is escaped."""
    template = _environment().get_template(f"{page.template}.html")
    data = f"data:image/{suffix_of(logo)};base64,{b64encode(logo).decode()}" if logo else ""
    return template.render(page=page, logo=data).encode()
