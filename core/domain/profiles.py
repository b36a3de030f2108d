"""Who sells and who buys, as documents show it: names, addresses, tax numbers, the language.

Owns the values and their bounds. A profile is a version: a change makes a new one, and documents
that were issued keep the one of their day (docs/decisions/0024).
"""

from dataclasses import dataclass

from core.domain import inputs
from core.domain.fault_places import shown
from core.domain.languages import Language

LONGEST_LINE = 200
"""Characters of a name, a street, a place or a tax number."""
LARGEST_LOGO = 200_000
"""Bytes of a logo."""

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What sellers and customers have in common. An empty text stands for what is not known.

    `country`: ISO 3166 code of two letters. `tax_number`: as it is printed, such as DE123456789.
    """

    name: str = ""
    street: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""
    tax_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerProfile(Profile):
    """The seller as documents show it.

    `registration`: the number in the register of companies.
    `email`: where customers ask.
    `payment`: how and by when an amount that is due is paid, such as a bank account.
    `logo`: a PNG or JPEG picture, at most 200,000 bytes. None without one.
    """

    registration: str = ""
    email: str = ""
    payment: str = ""
    logo: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerProfile(Profile):
    """The customer as documents show it, and the language of its documents."""

    language: Language = Language.ENGLISH


def read_country(value: object) -> str:
    """An ISO 3166 code of two letters, such as DE. Raises `Wrong`."""
    from babel.core import get_global

    codes = {code for code in get_global("territory_currencies") if len(code) == 2}
    if not isinstance(value, str) or value.upper() not in codes:
        inputs.wrong(f"must be a country's ISO 3166 code such as DE, not {shown(value)}")
    return value.upper()


def read_logo(content: bytes) -> bytes:
    """A picture in PNG or JPEG of at most 200,000 bytes. Raises `Wrong`.

    Whether it can be drawn is found out when a page is set with it.
    """
    if len(content) > LARGEST_LOGO:
        inputs.wrong(f"has {len(content)} bytes; at most {LARGEST_LOGO} are allowed")
    if not content.startswith((_PNG, _JPEG)):
        inputs.wrong("is neither a PNG nor a JPEG picture; these two are allowed")
    return content


def suffix_of(logo: bytes) -> str:
    """``png`` or ``jpeg``."""
    return "png" if logo.startswith(_PNG) else "jpeg"
