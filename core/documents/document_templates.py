"""The templates of documents, and those that a seller puts in their place.

A seller's folder has `invoice.typ` for PDF, `invoice.html` for HTML, or what they share, such as
`page.typ`. It is checked when it is loaded: every kind of document is made once in each language,
with made-up facts. A document that was made before stays as it is, because it is kept
(docs/decisions/0024).
"""

from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache, partial
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from core.documents.own_templates import BadTemplates, check_folder
from core.domain.documents import Format
from core.domain.languages import Language

TEMPLATES = Path(__file__).parent / "templates"
SHIPPED = tuple(sorted(path.name for path in TEMPLATES.iterdir()))
"""The names of all templates."""
_PACKAGE = '"@'
"""How Typst begins to name a package, which it would load from the internet."""


class DocumentTemplates:
    """The templates of an installation.

    `folder`: a seller's own, read before those of Perennial. Default: none.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    @cached_property
    def own(self) -> frozenset[str]:
        """The names of those that a seller has put in their place."""
        if self.folder is None:
            return frozenset()
        return frozenset(name for name in SHIPPED if (self.folder / name).is_file())

    @cached_property
    def html(self) -> ImmutableSandboxedEnvironment:
        """Those of HTML. Every text in them is escaped. They reach no file of their own."""
        places = [TEMPLATES] if self.folder is None else [self.folder, TEMPLATES]
        return ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(places),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    @cached_property
    def typst(self) -> dict[str, bytes]:
        """Those of PDF by name. They are read once. Raises BadTemplates."""
        found = {}
        for name in (it for it in SHIPPED if it.endswith(".typ")):
            place = self.folder if self.folder is not None and name in self.own else TEMPLATES
            found[name] = (place / name).read_bytes()
            if name in self.own and _PACKAGE.encode() in found[name]:
                raise BadTemplates(f"{name}: packages cannot be imported; write it in this file")
        return found

    def check(self) -> None:
        """Make every kind of document in every language. Raises BadTemplates."""
        if self.folder is not None:
            check_folder(self.folder, SHIPPED, "invoice.typ, page.html", self._all())

    def _all(self) -> Iterator[Callable[[], object]]:
        from core.documents.samples import KINDS, drawn  # It needs this module.

        for kind in KINDS:
            for language in Language:
                for format_ in (Format.HTML, Format.PDF):
                    yield partial(drawn, kind, language, format_, self)


@lru_cache(maxsize=4)
def templates_of(folder: Path | None) -> DocumentTemplates:
    """The templates of a folder, checked when they are loaded. Raises BadTemplates."""
    found = DocumentTemplates(folder)
    found.check()
    return found
