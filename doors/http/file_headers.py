"""What a file is told with: its media type, and the header that names it."""

from core.domain.documents import Format

MEDIA_TYPES = {
    Format.PDF: "application/pdf",
    Format.HTML: "text/html; charset=utf-8",
    Format.XML: "application/xml",
}
"""The media types of documents."""
CSV = "text/csv; charset=utf-8"


def kept_as(file: str) -> dict[str, str]:
    """The header that lets a browser keep a file under this name."""
    return {"Content-Disposition": f'attachment; filename="{file}"'}


def shown_as(file: str) -> dict[str, str]:
    """The header that lets a browser show a file, and keep it under this name."""
    return {"Content-Disposition": f'inline; filename="{file}"'}
