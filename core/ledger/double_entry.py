"""Double entry: the books, the purposes of operations, and the postings (Rule 11.3).

Every movement of money is posted with one of the templates below. Each template returns postings
that sum to zero. The database checks the sum again, and the names of the books.

Worked sum: a refund of 40.00 with an administrative fee of 5.00 posts wallet +35.00, refunds −40.00
and fees +5.00.
"""

from collections.abc import Mapping
from decimal import Decimal

from core.domain.worded_enum import Worded

#: The amounts of one operation by book. They sum to zero.
Postings = Mapping["Book", Decimal]


class Book(Worded):
    """The books of the ledger: the value, and words about the money in customers' wallets."""

    OPENING = "opening", "in: credits brought along"
    BANK = "bank", "in: topped up"
    CARD = "card", "in: charged to cards"
    REFUNDS = "refunds", "in: given back for periods"
    FEES = "fees", "out: administrative fees"
    TRANSFERS = "transfers", "in: transferred between accounts"
    ADJUSTMENTS = "adjustments", "in: given or taken by the seller"
    SELLER = "seller wallet", "from the seller's own wallets"
    SUPPLIERS = "suppliers", "to the seller's suppliers"
    REVENUE = "revenue", "out: fees of cycles and numbers"
    USAGE = "usage", "out: usage"
    WALLET = "wallet", "in the wallets"


class Purpose(Worded):
    """What an operation is for: the value, and words.

    An operation is unique per (subscription, cycle, purpose). `NEXT_CYCLE` is the purpose of every
    operation that pays the cycle after an expiry date, so a second payment is impossible.
    """

    OPENING_CREDITS = "opening credits", "credits brought along"
    IMPORT = "import", "taken over from another system"
    PURCHASE = "purchase", "purchase"
    TRIAL = "trial start", "start of a trial"
    NEXT_CYCLE = "next cycle", "fee of the next cycle"
    TERMINATE = "terminate", "termination"
    REFUND = "refund", "refund to a former owner"
    TOP_UP = "top_up", "top-up"
    CARD_CHARGE = "card charge", "card charge"
    PRORATED = "prorated", "prorated fee of a change"
    ACTIVATION_FEE = "activation fee", "activation fees of numbers"
    MONTHLY_INVOICE = "monthly invoice", "monthly invoice"
    USAGE = "usage", "usage"
    TRANSFER = "transfer", "transfer to another account"
    TRANSFER_IN = "transfer in", "transfer from another account"
    ADJUSTMENT = "adjustment", "adjustment by the seller"
    PAYMENT = "payment", "payment of invoices"
    CHANGE = "change", "command that moves no money"


class InvoiceKind(Worded):
    """The kinds of invoices (Rule 11.4): the value, and words."""

    INDIVIDUAL = "individual", "invoice"
    MONTHLY = "monthly", "monthly invoice"
    CONSOLIDATED = "consolidated", "consolidated invoice"
    CREDIT_NOTE = "credit_note", "credit note"


def opening_credits(amount: Decimal) -> Postings:
    """Credits that an account brings along. They are no top-up (Rule 11.2)."""
    return {Book.WALLET: amount, Book.OPENING: -amount}


def top_up(amount: Decimal) -> Postings:
    """Money that was paid into the wallet, or for invoices of a postpaid account (Rule 11.6)."""
    return {Book.WALLET: amount, Book.BANK: -amount}


def card_charge(amount: Decimal) -> Postings:
    """Money that was charged to the stored card and credited to the wallet (Rule 5.3)."""
    return {Book.WALLET: amount, Book.CARD: -amount}


def fee(amount: Decimal) -> Postings:
    """A fee that the wallet pays."""
    return {Book.WALLET: -amount, Book.REVENUE: amount}


def refund(given: Decimal, admin_fee: Decimal) -> Postings:
    """A refund to the wallet, less the administrative fee that is kept (Rules 8.2, 8.3)."""
    return {Book.WALLET: given - admin_fee, Book.REFUNDS: -given, Book.FEES: admin_fee}


def usage(amount: Decimal) -> Postings:
    """Usage that the wallet pays, with up to 5 decimals (Rule 3.2)."""
    return {Book.WALLET: -amount, Book.USAGE: amount}


def transfer(amount: Decimal) -> Postings:
    """One side of a transfer: positive for the account that gets the money (Rule 11.9)."""
    return {Book.WALLET: amount, Book.TRANSFERS: -amount}


def adjustment(amount: Decimal) -> Postings:
    """Credits that the seller gives, or takes when the amount is negative (Rule 11.9)."""
    return {Book.WALLET: amount, Book.ADJUSTMENTS: -amount}


def cost(amount: Decimal) -> Postings:
    """What the seller pays its own supplier, from its own wallet (Rule 11.5)."""
    return {Book.SELLER: -amount, Book.SUPPLIERS: amount}
