"""What the names and the values of a file's columns let one guess about them.

Every value of the file is looked at. Of each column a few words and the formats that are still
possible are kept, so memory does not grow with the file.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from core.domain.inputs import Wrong
from doors.intake import amount_formats, cell_values, date_formats
from doors.intake.cell_values import PLAIN, RowContext
from doors.intake.date_formats import read_format

MOST_WORDS = 30
"""Different words of a column that are kept."""
MOST_FORMATS = 5
"""Formats of dates that a mapping may name."""

#: The names that columns of a field have, the likeliest first. Only letters and digits count.
NAMES: dict[str, tuple[str, ...]] = {
    "id": (
        "subscriptionid", "subscription", "subid", "contractno", "contractnumber", "contractid",
        "contract", "id", "uuid",
    ),
    "account": (
        "accountid", "accountcode", "accountno", "account", "customerid", "customerno",
        "customernumber", "customer", "clientid", "client", "userid",
    ),
    "currency": ("currency", "currencycode", "ordercurrency"),
    "timezone": ("timezone", "tz"),
    "owner": ("owner", "customername", "companyname", "company", "fullname", "name"),
    "billing_email": ("billingemail", "customeremail", "email", "emailaddress"),
    "card": ("cardtoken", "paymenttoken", "paymentmethodid", "card"),
    "renew_by_card": ("renewbycard", "autocollection", "autopay"),
    "credits": ("credits", "creditbalance", "walletbalance", "balance"),
    "sku": ("sku", "planid", "plancode", "plan", "tariff", "productcode"),
    "application": ("application", "productname", "product", "service"),
    "cycle": (
        "cycle", "billingcycle", "billingperiod", "billinginterval", "interval", "frequency",
        "term", "contractterm", "contract",
    ),
    "price": (
        "price", "unitprice", "unitamount", "planunitprice", "recurringprice", "amount", "fee",
        "ordertotal", "total",
    ),
    "monthly_price": ("monthlyprice", "monthlycharges", "monthlyfee", "mrr"),
    "months": ("months", "cyclemonths", "termmonths"),
    "quantity": ("quantity", "qty", "seats", "licences", "licenses", "planquantity", "users"),
    "anchor": (
        "anchor", "anchordate", "billingstartdate", "startdate", "startedat", "start", "begin",
        "activatedat", "createdat", "created", "since",
    ),
    "paid_until": (
        "paiduntil", "paidthrough", "paidto", "periodend", "validuntil", "expirydate", "expiry",
        "enddate",
    ),
    "next_charge": (
        "nextcharge", "nextchargedate", "nextpaymentdate", "nextpayment", "nextbillingdate",
        "nextbillingat", "nextrenewal", "renewaldate", "currentperiodend", "currentperiodendsat",
        "currentperiodendutc", "currenttermend", "chargedthroughdate",
    ),
    "tenure_months": ("tenuremonths", "tenure"),
    "auto_renew": ("autorenew", "autorenewal", "renewsautomatically", "renews"),
    "status": ("subscriptionstatus", "status", "state"),
}  # fmt: skip

#: Fields for which only a whole name counts, because many other names end alike.
_WHOLE_NAMES = ("owner", "application", "sku", "cycle")
_LETTERS = re.compile(r"[^a-z0-9]+")


@dataclass(slots=True)
class Column:
    """A column of the file, as its values show it.

    `name`: its name.
    `filled`, `empty`: how many cells have a text, and how many have none.
    `words`: the first few different texts, in the order of the file.
    `more`: whether there are more different texts.
    `dates`: groups of date formats. Each value fits one of the groups. None: it is no date.
    `amounts`: the amount formats that fit every value. None: it holds no amounts.
    `whole`: whether every value is a whole number.
    `cycle`: whether every value is a cycle in words.
    """

    name: str
    filled: int = 0
    empty: int = 0
    words: dict[str, None] = field(default_factory=dict)
    more: bool = False
    dates: list[list[str]] | None = field(default_factory=list)
    amounts: list[str] | None = None
    whole: bool = True
    cycle: bool = True

    def look(self, cell: str) -> None:
        """Look at one more value."""
        if not cell:
            self.empty += 1
            return
        self.filled += 1
        if cell not in self.words:
            if len(self.words) >= MOST_WORDS:
                self.more = True
            else:
                self.words[cell] = None
        elif not self.more:
            return  # A word that was seen says nothing new.
        self._dates(cell)
        self._amounts(cell)
        self.whole = self.whole and cell.isascii() and cell.isdecimal()
        self.cycle = self.cycle and _reads(lambda: cell_values.cycle(cell, PLAIN, RowContext()))

    def _dates(self, cell: str) -> None:
        if self.dates is None:
            return
        fits = date_formats.shapes_of(cell)
        for place, group in enumerate(self.dates):
            if both := [shape for shape in group if shape in fits]:
                self.dates[place] = both
                return
        if not fits or len(self.dates) >= MOST_FORMATS:
            self.dates = None
            return
        self.dates.append(fits)

    def _amounts(self, cell: str) -> None:
        if self.filled == 1:
            self.amounts = amount_formats.shapes_of(cell)
        elif self.amounts:
            fits = amount_formats.shapes_of(cell)
            self.amounts = [shape for shape in self.amounts if shape in fits]

    @property
    def is_date(self) -> bool:
        """Whether every value is a date. Plain numbers are not taken for dates."""
        return bool(self.filled and self.dates) and not self.whole

    @property
    def formats(self) -> list[str]:
        """The likeliest format of each group of dates."""
        return [group[0] for group in self.dates or ()]

    @property
    def other_formats(self) -> list[str]:
        """Formats that fit just as well."""
        return [shape for group in self.dates or () for shape in group[1:]]

    @property
    def needs_zone(self) -> bool:
        """Whether a date has a time without an offset."""
        return any(read_format(shape).needs_zone for shape in self.formats)

    @property
    def is_amount(self) -> bool:
        """Whether every value is an amount."""
        return bool(self.filled and self.amounts)


def look_at(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[Column]:
    """The columns of a file that have a name of their own, with all their values."""
    places = {i: Column(name) for i, name in enumerate(header) if name and header.count(name) == 1}
    for cells in rows:
        for place, column in places.items():
            if place < len(cells):
                column.look(cells[place].strip())
    return list(places.values())


def candidates(columns: Sequence[Column], fields: Iterable[str]) -> dict[str, list[Column]]:
    """For each field the columns whose names and values fit, the likeliest first."""
    found: dict[str, list[Column]] = {}
    for name in fields:
        ranked = [
            (rank, place, column)
            for place, column in enumerate(columns)
            if (rank := _rank(name, column.name)) is not None and _fits(name, column)
        ]
        found[name] = [column for _, _, column in sorted(ranked, key=lambda one: one[:2])]
    return found


def is_sure(name: str, column: Column) -> bool:
    """Whether a column has exactly a name of the field."""
    return _plain(column.name) in NAMES.get(name, ()) or _plain(column.name) == _plain(name)


def _rank(name: str, column: str) -> int | None:
    """How well a name of a column fits a field. Lower is better."""
    plain, known = _plain(column), (_plain(name), *NAMES.get(name, ()))
    if plain in known:
        return known.index(plain)
    if name in _WHOLE_NAMES:
        return None
    ends = [i for i, one in enumerate(known) if len(one) > 3 and plain.endswith(one)]
    return 100 + ends[0] if ends else None


def _plain(name: str) -> str:
    return _LETTERS.sub("", name.lower())


def _fits(name: str, column: Column) -> bool:
    match name:
        case "anchor" | "paid_until" | "next_charge":
            return column.is_date or bool(column.filled and column.dates)
        case "price" | "monthly_price" | "credits":
            return column.is_amount
        case "id":
            return bool(column.filled) and (column.more or len(column.words) == column.filled)
        case "quantity" | "tenure_months" | "months":
            return bool(column.filled) and column.whole
        case "currency":
            return _all(column, lambda word: cell_values.currency(word, PLAIN, RowContext()))
        case "timezone":
            return _all(column, lambda word: cell_values.zone(word, PLAIN, RowContext()))
        case "auto_renew" | "renew_by_card" | "status" | "cycle":
            return bool(column.filled) and not column.more
        case _:  # Any text may be a value of the other fields.
            return bool(column.filled)


def _all(column: Column, read: Callable[[str], object]) -> bool:
    """Whether all texts of a column can be read."""
    if not column.filled or column.more:
        return False
    return all(_reads(partial(read, word)) for word in column.words)


def _reads(read: Callable[[], object]) -> bool:
    try:
        read()
    except Wrong:
        return False
    return True
