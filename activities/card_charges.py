"""Card charges: asked for, and booked with what follows (Rules 5.3, 11.2).

The gateway is called in between, by `activities.charge`.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from activities.retry_after_top_up import retry_after_top_up
from core.domain import auto_top_up
from core.domain.events import Event
from core.domain.fees import Line
from core.domain.rules import Rule
from core.domain.subscription import Subscription
from core.ledger import double_entry
from core.ledger.double_entry import InvoiceKind, Purpose
from core.ledger.ledger import Ledger
from core.ledger.tables import CardCharge
from core.ledger.unit_of_work import Work
from core.protocol.activity_messages import ChargeOutcome


class AccountBusy(Exception):
    """Another card charge of the account is still pending. The caller retries."""


def ask_card(work: Work, members: Sequence[Subscription], amount: Decimal) -> str | None:
    """Write down the charge that these subscriptions need, and return its key.

    An account has one open charge at a time. So a retry, or another member of the group, finds the
    same charge. Returns None if the open charge is for another card or amount. That charge is left
    as it is. Raises `AccountBusy` if the open charge is for other subscriptions.
    """
    key = f"{members[0].id}/{work.new_id()}"
    values = {
        "key": key,
        "account": work.account.id,
        "subscription": members[0].id,
        "card": work.account.card,
        "amount": amount,
        "currency": work.account.currency,
        "asked_at": work.now,
    }
    if work.connection.execute(_ASK, values).scalar():
        return key
    row = work.connection.execute(_OPEN, {"of": work.account.id}).one()
    if row.subscription not in [member.id for member in members]:
        raise AccountBusy(f"card charge {row.key} of account {work.account.id} is still pending")
    return str(row.key) if (row.card, row.amount) == (work.account.card, amount) else None


def ask_top_up(work: Work, amount: Decimal) -> str:
    """Write down the charge of an automatic top-up, and return its key (Rule 11.2).

    A retry finds the same charge. Raises `AccountBusy` if the open charge is another one.
    """
    key = f"{work.account.id}/{work.new_id()}"
    values = {
        "key": key,
        "account": work.account.id,
        "subscription": None,
        "card": work.account.card,
        "amount": amount,
        "currency": work.account.currency,
        "asked_at": work.now,
    }
    if work.connection.execute(_ASK, values).scalar():
        return key
    row = work.connection.execute(_OPEN, {"of": work.account.id}).one()
    if (row.subscription, row.card, row.amount) != (None, work.account.card, amount):
        raise AccountBusy(f"card charge {row.key} of account {work.account.id} is still pending")
    return str(row.key)


_ASK = (
    insert(CardCharge)
    .on_conflict_do_nothing(index_elements=["account"], index_where=~CardCharge.booked)
    .returning(CardCharge.key)
)
_OPEN = select(CardCharge.key, CardCharge.subscription, CardCharge.card, CardCharge.amount).where(
    CardCharge.account == bindparam("of"), ~CardCharge.booked
)
_OF_KEY = (CardCharge.key == bindparam("charge"), CardCharge.account == bindparam("of"))
_BOOK = (
    update(CardCharge)
    .where(*_OF_KEY, ~CardCharge.booked, CardCharge.outcome != ChargeOutcome.PENDING)
    .values(booked=True)
    .returning(CardCharge.__table__)
)
_OUTCOME = select(CardCharge.outcome, CardCharge.booked).where(*_OF_KEY)
_HOME = select(CardCharge.account).where(CardCharge.key == bindparam("charge"))


def take_up(work: Work, key: str) -> ChargeOutcome | None:
    """Book the outcome of a card charge, once (Rules 5.3, 11.2).

    A charge becomes credits of the wallet, with an invoice of its own. A decline goes on record.
    Returns the outcome, which is pending while the ledger does not hold it. Returns None for the
    charge of another account: the subscription had another owner when its card was asked.
    """
    row = work.connection.execute(_BOOK, {"charge": key, "of": work.account.id}).one_or_none()
    if row is not None:
        put_on_record(work, row)
        return ChargeOutcome(row.outcome)
    row = work.connection.execute(_OUTCOME, {"charge": key, "of": work.account.id}).one_or_none()
    if row is None:
        return None
    return ChargeOutcome(row.outcome) if row.booked else ChargeOutcome.PENDING


def take_up_at_home(ledger: Ledger, now: datetime, key: str) -> ChargeOutcome | None:
    """Book the outcome of a card charge in a transaction on the account whose card it is."""
    with ledger.read() as connection:
        home = connection.execute(_HOME, {"charge": key}).scalar_one()
    with ledger.work(now, account=home) as work:
        return take_up(work, key)


def put_on_record(work: Work, charge: Row[Any]) -> None:
    """Write what follows a card charge that was just booked: the credit, or the decline.

    Nothing follows a charge that was withdrawn. The database refuses a second credit of one charge.
    """
    if charge.outcome == ChargeOutcome.WITHDRAWN:
        return
    if charge.subscription is None:
        _end_top_up(work, charge)
        return
    if charge.outcome == ChargeOutcome.DECLINED:
        work.event(Event.CARD_DECLINED, Rule.FUNDING, charge=charge.key, reason=charge.reason)
        return
    facts = {"charge": charge.key, "amount": str(charge.amount)}
    operation = work.operation(Purpose.CARD_CHARGE, facts, charge=charge.key)
    work.post(operation, double_entry.card_charge(charge.amount))
    lines = [Line("Top-up by card", charge.amount)]
    work.invoice(operation, InvoiceKind.INDIVIDUAL, lines, charge.amount)
    work.event(
        Event.CARD_CHARGED,
        Rule.FUNDING,
        amount=charge.amount,
        operation=operation,
        charge=charge.key,
    )


def _end_top_up(work: Work, charge: Row[Any]) -> None:
    """Book an automatic top-up, or its decline (Rule 11.2). It is no longer to come."""
    if charge.outcome == ChargeOutcome.DECLINED:
        work.event(Event.CARD_DECLINED, Rule.AUTO_TOP_UP, charge=charge.key, reason=charge.reason)
        work.save_account(auto_top_up.not_made(work.account))
        return
    facts = {"charge": charge.key, "amount": str(charge.amount)}
    operation = work.operation(Purpose.CARD_CHARGE, facts, charge=charge.key)
    work.post(operation, double_entry.card_charge(charge.amount))
    lines = [Line("Automatic top-up by card", charge.amount)]
    work.invoice(operation, InvoiceKind.INDIVIDUAL, lines, charge.amount)
    work.event(
        Event.AUTO_TOPPED_UP,
        Rule.AUTO_TOP_UP,
        amount=charge.amount,
        operation=operation,
        charge=charge.key,
    )
    work.save_account(auto_top_up.made(work.account, charge.amount, work.today))
    retry_after_top_up(work)
