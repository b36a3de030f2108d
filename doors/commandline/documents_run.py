"""What the commands of documents share: a seller's own templates, and previews of them."""

from pathlib import Path

from core.documents.own_templates import BadTemplates
from core.domain.documents import Format
from core.domain.fault_places import shown
from core.domain.languages import Language
from doors.commandline import inputs
from doors.commandline.exit_codes import Code, Ended
from settings import Settings

_FORMATS = {"": Format.PDF, ".pdf": Format.PDF, ".html": Format.HTML, ".htm": Format.HTML}
"""The format of a sample, by the ending of its file."""


def check_templates(config: Settings) -> None:
    """Check the seller's own templates of documents. Raises `Ended` with their faults."""
    if config.document_templates is None:
        return
    from core.documents.document_templates import templates_of  # Typst is slow to import.

    try:
        templates_of(config.document_templates)
    except BadTemplates as error:
        raise Ended(
            f"The templates of PERENNIAL_DOCUMENT_TEMPLATES cannot be used:\n{error}",
            Code.BAD_INPUT,
        ) from None


def preview(config: Settings, kind: str, language: Language, to: Path) -> None:
    """Write a document with made-up facts into a file. Its ending says whether it is HTML or PDF.

    Raises `Faults` for an unknown kind or another ending, and `Ended`.
    """
    from core.documents.document_templates import templates_of
    from core.documents.samples import KINDS, drawn
    from doors.commandline.files import write_whole

    if kind not in KINDS:
        inputs.wrong("KIND", f"{shown(kind)} is no document; allowed are {', '.join(KINDS)}")
    format_ = _FORMATS.get(to.suffix.lower())
    if format_ is None:
        inputs.wrong("--to", f"{shown(to.name)}: allowed are .pdf, .html and .htm")
    check_templates(config)
    content = drawn(kind, language, format_, templates_of(config.document_templates))
    write_whole(to, [content])
