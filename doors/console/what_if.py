"""What if: assumptions about an account, and both futures side by side.

The assumptions of the form become a document like that of `starter.py forecast --assume`
(docs/what-if.md), and are played on a copy of the account. Nothing of the account is touched.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Query
from markupsafe import Markup

from core.domain.calendar import local_date
from core.domain.events import Event
from core.domain.faults import Fault, Faults
from core.domain.forecast import Entry
from core.ledger.ledger import Ledger
from doors.application.what_if import WhatIf
from doors.console.accounts import Part, account_page
from doors.console.charts import Series, curves
from doors.console.pages import Page, Pages
from doors.console.parameters import PathId, SomeDay
from doors.console.visitors import Visiting
from doors.http.what_if import played
from doors.queries.accounts import AccountView, find_account

pages = Pages()

MOST_PAIRS = 200
"""So many events are shown that differ."""
MONTHS = (1, 3, 6, 12, 24)
_DAY = timedelta(days=1)

Months = Annotated[int, Query(ge=1, le=24)]
Text = Annotated[str, Query(max_length=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What was filled in. Fields that are blank are not assumed."""

    months: int
    card_dies: date | None
    top_up_on: date | None
    top_up: str
    price_on: date | None
    sku: str
    price: str
    outage_from: date | None
    outage_to: date | None

    @property
    def is_blank(self) -> bool:
        """Whether nothing is assumed."""
        days = (self.card_dies, self.top_up_on, self.price_on, self.outage_from, self.outage_to)
        return not any(days) and not (self.top_up or self.sku or self.price)

    def document(self, currency: str) -> dict[str, Any]:
        """The assumptions as a document. Raises `Faults` for a row that is filled in half."""
        _whole("card dies on", self.card_dies)
        _whole("top-up", self.top_up_on, self.top_up)
        _whole("price", self.price_on, self.sku, self.price)
        _whole("outage", self.outage_from, self.outage_to)
        steps = sorted(self._steps(), key=lambda step: step["at"])
        found: dict[str, Any] = {"steps": steps} if steps else {}
        if self.price_on:
            entry = {"sku": self.sku, "prices": {currency: self.price}, "from": str(self.price_on)}
            found["catalog"] = [entry]
        return found

    def _steps(self) -> Iterator[dict[str, str]]:
        if self.card_dies:
            yield {"at": str(self.card_dies), "do": "set_card", "card": "declined"}
        if self.top_up_on:
            yield {"at": str(self.top_up_on), "do": "top_up", "amount": self.top_up}
        if self.outage_from:
            until = str(self.outage_to)
            yield {"at": str(self.outage_from), "do": "outage", "until": until}


def _whole(what: str, *values: object) -> None:
    if any(values) and not all(values):
        raise Faults([Fault(what, "fill in the whole row, or leave it blank")])


@pages.get("/accounts/what_if/{account:path}", "forecast")
async def what_if_panel(
    visitor: Visiting,
    account: PathId,
    months: Months = 6,
    card_dies: SomeDay = None,
    top_up_on: SomeDay = None,
    top_up: Text = "",
    price_on: SomeDay = None,
    sku: Text = "",
    price: Text = "",
    outage_from: SomeDay = None,
    outage_to: SomeDay = None,
) -> Page:
    """The form, and what its assumptions change."""
    form = Form(
        months=months,
        card_dies=card_dies,
        top_up_on=top_up_on,
        top_up=top_up.strip(),
        price_on=price_on,
        sku=sku.strip(),
        price=price.strip(),
        outage_from=outage_from,
        outage_to=outage_to,
    )
    view = await visitor.read(find_account, account)
    shows: dict[str, Any] = {"form": form, "all_months": MONTHS, "found": None, "faults": ()}
    if form.is_blank:
        return account_page(Part.WHAT_IF, view, **shows)
    try:
        found = await visitor.read(_played, view, form)
    except Faults as error:
        wrong = account_page(Part.WHAT_IF, view, **shows | {"faults": error.faults[:10]})
        return replace(wrong, status=400)
    differ = [pair for pair in found.pairs if not pair.same]
    drawn = {
        "found": found,
        "chart": _chart(found),
        "pairs": differ[:MOST_PAIRS],
        "more": max(0, len(differ) - MOST_PAIRS),
        "same": len(found.pairs) - len(differ),
        "names": [it for it in Event if it in {**found.without.events, **found.assumed.events}],
    }
    return account_page(Part.WHAT_IF, view, **shows | drawn)


def _played(ledger: Ledger, view: AccountView, form: Form) -> WhatIf:
    return played(ledger, view.account, form.document(view.currency), form.months)


def _chart(found: WhatIf) -> Markup:
    """The balance at the end of each day, without the assumptions and with them."""
    first = local_date(found.now, found.timezone)
    days = (local_date(found.until, found.timezone) - first).days + 1
    without = [pair.without for pair in found.pairs if pair.without]
    assumed = [pair.assumed for pair in found.pairs if pair.assumed]
    series = [
        Series(name="without", look="calm", values=_daily(found.balance, without, first, days)),
        Series(name="assumed", look="good", values=_daily(found.balance, assumed, first, days)),
    ]
    places = [first + _DAY * n for n in range(days)]
    words = [f"{it.day} {it:%b}" for it in places]
    return curves(f"The balance of each day in {found.currency}, in both futures", words, series)


def _daily(balance: Decimal, entries: Sequence[Entry], first: date, days: int) -> list[float]:
    ends = [balance] * days
    for entry in sorted(entries, key=lambda it: it.at):
        place = (entry.date - first).days
        if 0 <= place < days:
            ends[place:] = [entry.balance] * (days - place)
    return [float(it) for it in ends]
