"""Why an activation fee was charged for a number, or why not (Rule 10.1)."""

from dataclasses import dataclass
from datetime import date, datetime

from core.domain.reasons import Reason
from core.domain.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A number was taken into use by a subscription.

    `at`, `date`: the instant (UTC), and its day in the zone of the explanation.
    `fee`: what was charged for its activation, in words. None when nothing was.
    `invoice`: the number of the invoice on which the fee stands. None while it waits for it.
    `own`: the customer has brought the number along. `swapped`: it came in place of another one.
    `again`: the account had given it back within the hours of grace.
    `unpaid`: an external invoice or a milestone contract pays instead of the wallet.
    `waits`: the fee is charged with the next paid cycle.
    """

    at: datetime
    date: date
    subscription: str
    fee: str | None = None
    invoice: str | None = None
    own: bool = False
    swapped: bool = False
    again: bool = False
    unpaid: bool = False
    waits: bool = False
    rows: tuple[str, ...] = ()


def why_fee(taken: Taken) -> Reason:
    """Why a fee was charged, or the first reason why none was."""
    when = f"when {taken.subscription} took it into use on {taken.date}"
    if taken.fee is not None:
        where = (
            f"It stands on invoice {taken.invoice}."
            if taken.invoice is not None
            else "It waits for the invoice of its month."
        )
        text = f"An activation fee of {taken.fee} was charged {when}. {where}"
    else:
        text = f"No activation fee was charged {when}: {_why_none(taken)}."
    return Reason(at=taken.at, text=text, rule=Rule.ACTIVATION_FEE, rows=taken.rows)


def _why_none(taken: Taken) -> str:
    if taken.own:
        return "the customer has brought the number along"
    if taken.swapped:
        return "it came in place of a number of the same SKU"
    if taken.again:
        return "the account had given it back a few hours before"
    if taken.unpaid:
        return "an external invoice or a milestone contract pays"
    if taken.waits:
        return "it is charged with the next paid cycle"
    return "its SKU had no activation fee in this currency"
