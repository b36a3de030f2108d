"""What a command would cost or give back, before it is confirmed (Rules 6.2, 8.2). It changes nothing.

The command itself decides again when it is carried out; its result says what was really moved.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from activities import extend, refund
from activities.command_checks import replay
from core.domain import state_table
from core.domain.commands import Extend, Terminate
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Subscription
from core.ledger.account_reading import Unknown
from core.ledger.clocks import machine_now, virtual_now
from core.ledger.ledger import Ledger
from core.ledger.unit_of_work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundQuote:
    """What terminating now gives back: the amount after the administrative fee, and up to which day it was paid."""

    subscription: str
    account: str
    refund: Decimal
    admin_fee: Decimal
    paid_until: date
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionQuote:
    """What extending now costs, the last paid day before and after it, and what may be spent."""

    subscription: str
    account: str
    cost: Decimal
    usable: Decimal
    expiry: date
    new_expiry: date
    currency: str


def refund_of(ledger: Ledger, command: Terminate) -> RefundQuote | None:
    """What terminating gives back; none when the request was carried out before. Raises `Refused`."""
    with _work(ledger, command) as found:
        if found is None:
            return None
        work, subscription = found
        back = refund.quote(work, subscription)
        return RefundQuote(
            subscription=subscription.id,
            account=work.account.id,
            refund=back.amount,
            admin_fee=back.admin_fee,
            paid_until=subscription.expiry,
            currency=work.account.currency,
        )


def cost_of(ledger: Ledger, command: Extend) -> ExtensionQuote | None:
    """What an extension costs; none when the request was carried out before. Raises `Refused`."""
    with _work(ledger, command) as found:
        if found is None:
            return None
        work, subscription = found
        extended, paid = extend.quote(work, command, subscription)
        return ExtensionQuote(
            subscription=subscription.id,
            account=work.account.id,
            cost=sum((period.fee for period in paid), ZERO),
            usable=work.usable,
            expiry=subscription.expiry,
            new_expiry=extended.expiry,
            currency=work.account.currency,
        )


@contextmanager
def _work(
    ledger: Ledger, command: Extend | Terminate
) -> Iterator[tuple[Work, Subscription] | None]:
    """The account and the subscription, past the checks that come before the arguments (Rule 2)."""
    with ledger.engine.connect() as connection:
        if replay(connection, ledger.seller, command):
            yield None
            return
        now = virtual_now(connection, subscription=command.subscription) or machine_now()
    try:
        with ledger.work(now, subscription=command.subscription) as work:
            if work.account.suspended and command.do != "terminate":
                raise Refused(Rule.SUSPEND_AND_CLOSE, f"account {work.account.id} is suspended")
            subscription = work.subscription(command.subscription)
            if refusal := state_table.refusal(command.do, subscription):
                raise Refused(refusal.rule, refusal.reason)
            yield work, subscription
    except Unknown:
        raise Refused(
            Rule.PURCHASE, f"subscription {command.subscription} was never created"
        ) from None
