"""How pages become HTML: templates in `templates/`, escaped, with few filters.

A template gets what its page shows, and:

* `visitor`: the person who has signed in, or None
* `csrf`: the token of every form
* `asset`: the address of a file of `assets/`
* `path`: where the page stands
* `may`: whether the visitor may do an operation
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from core.domain.calendar import local_time
from core.domain.subscription import Failure
from core.ledger.double_entry import InvoiceKind
from doors.access import operations
from doors.access.staff import StaffCaller
from doors.application.dates_and_money import cycle, days_in_words
from doors.application.safe_text import printable
from doors.console.assets import address_of
from doors.console.local_formats import asked_for, formats
from doors.console.navigation import LINKS
from doors.console.offers import CAREFUL
from doors.queries import sentences


def path_of(*parts: str) -> str:
    """A path of the console. An id keeps its slashes, because it is the last part."""
    return "/" + "/".join(quote(part) for part in parts)


def _amount(value: Decimal | None, currency: str) -> Markup:
    """An amount, for a column of amounts."""
    return _marked("amount", _money(value, currency), value)


def _signed_amount(value: Decimal | None, currency: str) -> Markup:
    text = "" if value is None else ("+" if value > 0 else "") + _money(value, currency)
    return _marked("amount", text, value)


def _money(value: Decimal | None, currency: str) -> str:
    """An amount, or a dash for None."""
    return "–" if value is None else formats().money(value, currency)


def _marked(name: str, text: str, value: Decimal | None) -> Markup:
    below = " below" if value is not None and value < 0 else ""
    return Markup('<span class="{}{}">{}</span>').format(name, below, text)


def _number(value: int | Decimal) -> str:
    return formats().number(value)


def _time(at: datetime | None, zone: str) -> Markup:
    """An instant in the zone of the account, and for programs with its offset."""
    if at is None:
        return Markup("–")
    local = local_time(at, zone)
    text = Markup('<time datetime="{}" dir="auto" title="{}">{}</time>')
    title = f"{_long_date(local)}, {local:%H:%M} ({zone})"
    return text.format(local.isoformat(), title, f"{formats().short_date(local)}, {local:%H:%M}")


def _date(value: date | None) -> Markup:
    """A day, short enough for a table."""
    if value is None:
        return Markup("–")
    text = Markup('<time datetime="{}" dir="auto" title="{}">{}</time>')
    return text.format(value.isoformat(), _long_date(value), formats().short_date(value))


def _long_date(value: date | None) -> str:
    return "–" if value is None else formats().long_date(value)


def _theirs(value: object) -> Markup:
    """Text of a customer: it may run from right to left, and it does not turn what is around it."""
    return Markup("<bdi>{}</bdi>").format(printable(str(value)))


def _sentence(text: str) -> str:
    """Text that begins with a capital and ends with a full stop. Its days are written in words."""
    text = days_in_words(text)
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _words(value: str) -> str:
    """A name of the program as words: ``change_plan`` is ``Change plan``."""
    text = value.replace("_", " ")
    return "SKU" if text == "sku" else text[:1].upper() + text[1:]


def may(visitor: StaffCaller, operation: str) -> bool:
    """Whether the role of a visitor may do an operation, for links and buttons."""
    return operations.may(visitor.role, operation)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates."""
    made = Environment(
        loader=PackageLoader("doors.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "money": _amount,
        "money_text": _money,
        "number": _number,
        "signed": _signed_amount,
        "moment": _time,
        "day": _date,
        "long_day": _long_date,
        "cycle": cycle,
        "theirs": _theirs,
        "sentence": _sentence,
        "words": _words,
        "invoice_words": lambda value: InvoiceKind(value).words,
        "failure_words": lambda value: Failure(value).words,
    }
    made.globals |= {
        "asset": address_of,
        "careful": CAREFUL,
        "may": may,
        "navigation": LINKS,
        "path_of": path_of,
        "sentences": sentences,
    }
    return made


def text_of(template: str, shows: Mapping[str, Any]) -> str:
    """A template as HTML, for a page without a visitor."""
    empty = {"visitor": None, "csrf": "", "path": "", "public": True}
    return environment().get_template(template).render(empty | dict(shows))


def rendered(
    request: Request, template: str, shows: Mapping[str, Any], status: int = 200
) -> HTMLResponse:
    """A template as a response to a request."""
    visitor = getattr(request.state, "visitor", None)
    shared = {
        "visitor": visitor,
        "csrf": getattr(request.state, "csrf", ""),
        "path": request.url.path,
        "public": visitor is None,
    }
    with asked_for(request.headers.get("Accept-Language", "")):
        text = environment().get_template(template).render(shared | dict(shows))
    return HTMLResponse(text, status, {"Vary": "Accept-Language"})
