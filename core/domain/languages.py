"""The languages of documents and e-mails."""

from enum import StrEnum


class Language(StrEnum):
    """The languages of documents, by their ISO 639 codes."""

    ENGLISH = "en"
    GERMAN = "de"
    ARABIC = "ar"
