"""What documents say: the facts of an invoice, a credit note, a receipt, a statement.

Facts of an invoice never change once it has its number. So the same invoice is always the same
document. How facts are shown is with `core.documents`.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum, auto

from core.domain.profiles import CustomerProfile, SellerProfile
from core.domain.taxes import Shown, TaxRate, tax_in
from core.domain.transactions import TransactionKind

Days = tuple[date, date]
"""A first and a last day, both inclusive."""


class Format(StrEnum):
    """The formats of documents. XML is an electronic invoice (EN 16931, UBL 2.1)."""

    HTML = "html"
    PDF = "pdf"
    XML = "xml"


class NotOffered(Exception):
    """The document cannot be had in this format. The message says why, and what to do."""


class NoSuchDocument(LookupError):
    """There is no such invoice, or nothing that a receipt could be for."""


class DocumentKind(StrEnum):
    """The kinds of documents that are kept as they were first made."""

    INVOICE = "invoice"
    RECEIPT = "receipt"


class How(StrEnum):
    """How an amount was paid."""

    CREDITS = auto()
    BANK = auto()
    CARD = auto()
    OVERPAYMENT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of an invoice: its text, its amount as charged, and whether tax is on it.

    `own_text`: the text is the one that came with the usage, and not one that Perennial has made.
    """

    text: str
    amount: Decimal
    taxed: bool = True
    own_text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """The two sides of a document, as they were when it was issued, and the account's id."""

    seller: SellerProfile
    customer: CustomerProfile
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFacts:
    """An invoice or a credit note (Rule 11.4). The total of a credit note is negative.

    `number`: the gap-free number, as it is written.
    `credit_note`: whether it gives back. `monthly`: whether it is the invoice of a month.
    `date`: its date, a local date of the account.
    `period`: the first and the last day of the service. None where it has none.
    `lines`: as charged. Their sum is the total.
    `tax`: the rate in force. None: no tax.
    `paid`, `how`: what was paid when it was issued, and by what.
    `credits`: the numbers of the invoices that a credit note gives back, at most 20.
    """

    parties: Party
    number: str
    credit_note: bool = False
    monthly: bool = False
    date: date
    period: Days | None = None
    currency: str
    lines: tuple[Line, ...]
    tax: TaxRate | None = None
    paid: Decimal
    how: How
    credits: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal:
        """What the ledger has charged, or given back where it is negative."""
        return sum((line.amount for line in self.lines), Decimal(0))

    @property
    def due(self) -> Decimal:
        """What was still to be paid when it was issued."""
        return self.total - self.paid

    def tax_of(self, line: Line) -> Decimal:
        """The tax that a line holds, rounded once."""
        return tax_in(line.amount, self.tax if line.taxed else None, self.currency)

    @property
    def net(self) -> bool:
        """Whether the lines are shown without the tax that they hold."""
        return self.tax is not None and self.tax.shown is Shown.EXCLUSIVE

    @property
    def taxes(self) -> Decimal:
        """The sum of the taxes of the lines."""
        return sum(map(self.tax_of, self.lines), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptFacts:
    """A receipt: money that came in, by what and when (a local date of the account).

    `reference`: the id of the operation.
    `invoice`: the number of the invoice of a top-up, None where it has none.
    """

    parties: Party
    reference: str
    date: date
    currency: str
    amount: Decimal
    how: How
    invoice: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A movement of a statement: its day, what it was, and the balance after it.

    `about`: the subscription, or the number of the invoice. Empty for neither.
    """

    day: date
    kind: TransactionKind
    about: str
    amount: Decimal
    balance: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFacts:
    """A statement between two local dates of the account, both inclusive (Rule 11.7).

    `complete`: the last day is over, so nothing is added later.
    `opening`, `closing`: the balance before the first movement and after the last.
    """

    parties: Party
    days: Days
    complete: bool
    currency: str
    opening: Decimal
    movements: tuple[Movement, ...]
    closing: Decimal


AnyFacts = InvoiceFacts | ReceiptFacts | StatementFacts
