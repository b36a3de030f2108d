"""The transactions of an account: which kind each event is (Rule 11.7).

A transaction is a line of the history that has moved money, has paid a cycle, or names an external
invoice. A worked line: a renewal of 50.00 at a balance of 80.00 has the amount -50.00 and leaves a
balance of 30.00.
"""

from core.domain.events import Event
from core.domain.worded_enum import Worded


class TransactionKind(Worded):
    """The kinds of transactions (Rule 11.7): the value, and words."""

    OPENING = "opening", "credits brought along"
    ACTIVATION = "activation", "purchases, conversions of trials, activation fees"
    RENEWAL = "renewal", "renewals, recoveries, extensions, reactivations"
    CHANGE = "change", "changes of plan, add-ons, numbers and cycle"
    REFUND = "refund", "refunds"
    TOP_UP = "top-up", "top-ups and card charges"
    USAGE = "usage", "usage"
    TRANSFER = "transfer", "transfers between accounts"
    ADJUSTMENT = "adjustment", "credits given or taken by the seller"
    PAYMENT = "payment", "payments of invoices"
    INVOICE = "invoice", "monthly invoices"


_KINDS = {
    Event.IMPORTED: TransactionKind.ACTIVATION,
    Event.PURCHASED: TransactionKind.ACTIVATION,
    Event.CONVERTED: TransactionKind.ACTIVATION,
    Event.ACTIVATION_FEE: TransactionKind.ACTIVATION,
    Event.RENEWED: TransactionKind.RENEWAL,
    Event.RECOVERED: TransactionKind.RENEWAL,
    Event.EXTENDED: TransactionKind.RENEWAL,
    Event.REACTIVATED: TransactionKind.RENEWAL,
    Event.PLAN_CHANGED: TransactionKind.CHANGE,
    Event.ADDON_CHANGED: TransactionKind.CHANGE,
    Event.CYCLE_CHANGED: TransactionKind.CHANGE,
    Event.NUMBER_ADDED: TransactionKind.CHANGE,
    Event.NUMBER_REMOVED: TransactionKind.CHANGE,
    Event.NUMBER_SWAPPED: TransactionKind.CHANGE,
    Event.REFUNDED: TransactionKind.REFUND,
    Event.TOPPED_UP: TransactionKind.TOP_UP,
    Event.AUTO_TOPPED_UP: TransactionKind.TOP_UP,
    Event.CARD_CHARGED: TransactionKind.TOP_UP,
    Event.USAGE: TransactionKind.USAGE,
    Event.TRANSFERRED: TransactionKind.TRANSFER,
    Event.ADJUSTED: TransactionKind.ADJUSTMENT,
    Event.PAID: TransactionKind.PAYMENT,
    Event.INVOICED: TransactionKind.INVOICE,
    Event.BROUGHT_FORWARD: TransactionKind.INVOICE,
}


def kind_of(event: Event) -> TransactionKind:
    """The kind of a transaction. Raises KeyError for an event that moves no money."""
    return _KINDS[event]


def events_of(kind: TransactionKind) -> tuple[Event, ...]:
    """The events of a kind of transactions. `OPENING` has none."""
    return tuple(event for event, its in _KINDS.items() if its is kind)
