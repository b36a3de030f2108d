"""Text that is safe to show: for terminals, for logs, and for spreadsheets.

Owners, ids and texts come from people and files. They must not control the terminal of a support
person, run as a formula, or carry a password into a log.
"""

import re
import unicodedata

_HIDDEN = "***"
_USER_AND_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):(\S*)@")
_NAMED_SECRET = re.compile(
    r"([\w-]*(?:password|passwd|passphrase|secret|api[_-]?key|token))(=|%3D)"
    r"('[^']*'|\"[^\"]*\"|[^&\s'\"]+)",
    re.IGNORECASE,
)
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
#: Marks that change the direction of the text after them, so that it reads as something else.
_DIRECTION_MARKS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
#: Some spreadsheets take the wide forms for the narrow ones, and skip white space before them.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def printable(text: str) -> str:
    r"""Return text in which control characters are escaped: ESC becomes ``\x1b``.

    Line feeds stay. Lone surrogates and marks that turn the direction of text are escaped too.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(character) if _unsafe(character) else character for character in text)


def without_passwords(text: str) -> str:
    """Return text in which the passwords of URLs are replaced by ``***``.

    ``://user:password@`` loses everything up to the last @ of the word, so a malformed URL is safe
    too. So does the value of a parameter such as ``password=``.
    """
    if "://" in text:
        text = _USER_AND_PASSWORD.sub(rf"\1:{_HIDDEN}@", text)
    if "=" in text or "%3" in text:  # Most texts of a log have neither.
        text = _NAMED_SECRET.sub(rf"\1\2{_HIDDEN}", text)
    return text


def spreadsheet_cell(text: str) -> str:
    """Return text that no spreadsheet runs as a formula: ``=cmd()`` becomes ``'=cmd()``.

    Numbers such as -5.00 stay numbers. Control characters are escaped as in `printable`.
    """
    formula = text.startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(text)
    return f"'{printable(text)}" if formula else printable(text)


def _unsafe(character: str) -> bool:
    if character == "\n":
        return False
    return character in _DIRECTION_MARKS or unicodedata.category(character) in _UNSAFE_CATEGORIES


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
