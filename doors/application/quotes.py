"""What a command would cost or give back, before it is confirmed (Rules 6.2, 8.2).

A quote changes nothing. The command decides again when it is carried out. Its result says what was
really moved.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from activities.command_checks import check_states, replay
from activities.commands import extend, terminate
from core.domain.commands.extend import Extend
from core.domain.commands.terminate import Terminate
from core.domain.refusal import Refused
from core.domain.rules import Rule
from core.domain.subscription import ZERO, Subscription
from core.ledger.account_reading import Unknown
from core.ledger.clocks import machine_now, virtual_now
from core.ledger.ledger import Ledger
from core.ledger.unit_of_work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundQuote:
    """What terminating now gives back.

    `refund`: the amount after the administrative fee.
    `paid_until`: the last paid day.
    """

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
    """What terminating gives back. Raises `Refused`.

    Returns None if the request was carried out before.
    """
    with _work(ledger, command) as found:
        if found is None:
            return None
        work, subscription = found
        back = terminate.quote(work, subscription)
        return RefundQuote(
            subscription=subscription.id,
            account=work.account.id,
            refund=back.amount,
            admin_fee=back.admin_fee,
            paid_until=subscription.expiry,
            currency=work.account.currency,
        )


def cost_of(ledger: Ledger, command: Extend) -> ExtensionQuote | None:
    """What an extension costs. Raises `Refused`.

    Returns None if the request was carried out before.
    """
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
            if work.account.seller != ledger.seller:
                raise Unknown(command.subscription)
            subscription = work.subscription(command.subscription)
            check_states(work, command, subscription)
            yield work, subscription
    except Unknown:
        raise Refused(
            Rule.PURCHASE, f"subscription {command.subscription} was never created"
        ) from None
