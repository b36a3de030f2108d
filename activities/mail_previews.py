"""What an e-mail would say of an account, for a person who looks at a template. Nothing is sent."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from activities.mails import ABOUT, mail_facts, next_cycle
from core.documents.languages import words_of
from core.documents.mails import MailFacts
from core.domain.calendar import local_date
from core.domain.event_payloads import Happened
from core.domain.events import Event
from core.domain.languages import Language
from core.domain.subscription import Subscription
from core.ledger import profiles
from core.ledger.account_reading import AccountReading, Moved, Unknown
from core.ledger.deliveries import happened_from
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, History, SubscriptionRow

_LOOKED_AT = 2000
"""So many of the newest lines of an account are looked at for an event of a kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPreview:
    """What an e-mail would say.

    `facts`: the facts of its template, as they are now. `language`: that of the facts.
    `subscription`: which one it is about. `happened_on`: the account's local date on which it has
    happened last. None: it has not happened lately, and the facts are those of today.
    """

    facts: MailFacts
    language: Language
    subscription: str
    happened_on: date | None


def mail_preview(
    ledger: Ledger, account: str, event: Event, language: Language | None, now: datetime
) -> MailPreview | None:
    """The e-mail of an event about an account of the seller, as it would be written now.

    It is about the newest event of this kind among the newest 2,000 lines of its history, or else
    as if it happened today to the subscription of the account with the last id.

    `language`: default, that of the account's documents. `now`: the machine's now (UTC).

    Returns None for an account without a subscription, and where the event is about a number and
    has not happened. Raises LookupError for an unknown account.
    """
    with ledger.read() as connection:
        mine = AccountRow.seller == ledger.seller
        about = connection.execute(ABOUT.where(mine), {"account": account}).one_or_none()
        if about is None:
            raise LookupError(f"there is no account {account}")
        reading = ledger.reading(connection, account, about.now or now)
        found = _happened(reading, event) or _as_if(reading, event)
        if found is None:
            return None
        happened, subscription = found
        customer = profiles.customer_from(about.customer)
        seller = profiles.seller_from(reading.account.seller, about.seller, None)
        words = words_of(language or customer.language)
        facts: dict[str, Any] = mail_facts(
            reading, happened, subscription, words, (seller, customer)
        )
    return MailPreview(
        facts=MailFacts(**facts),
        language=language or customer.language,
        subscription=subscription.id,
        happened_on=local_date(happened.at, reading.zone) if happened.seq else None,
    )


def _happened(reading: AccountReading, event: Event) -> tuple[Happened, Subscription] | None:
    """The newest event of a kind, and its subscription as it is now."""
    account = reading.account
    lines = (
        select(History.__table__)
        .where(History.account == account.id)
        .order_by(History.seq.desc())
        .limit(_LOOKED_AT)
        .subquery()
    )
    columns = (AccountRow.currency, *lines.c)
    query = (
        select(*columns)
        .join(AccountRow, AccountRow.id == lines.c.account)
        .where(lines.c.event == event, lines.c.subscription.is_not(None))
        .order_by(lines.c.seq.desc())
        .limit(1)
    )
    row = reading.connection.execute(query).one_or_none()
    if row is None:
        return None
    happened = happened_from(row)
    try:
        return happened, reading.subscription(happened.subscription or "")
    except (Unknown, Moved):
        return None


def _as_if(reading: AccountReading, event: Event) -> tuple[Happened, Subscription] | None:
    """The event as if it happened now to a subscription of the account."""
    newest = _last_subscription(reading.connection, reading.account.id)
    if newest is None or event is Event.NUMBER_HOLD_ENDING:
        return None
    subscription = reading.subscription(newest)
    fee = next_cycle(reading, subscription)
    happened = Happened(
        seq=0,
        event=event,
        at=reading.now,
        account=reading.account.id,
        subscription=newest,
        rule="",
        amount=None if fee is None else -fee,
        currency=reading.account.currency,
        facts={"expiry": str(subscription.expiry)},
    )
    return happened, subscription


def _last_subscription(connection: Connection, account: str) -> str | None:
    query = (
        select(SubscriptionRow.id)
        .where(SubscriptionRow.account == account)
        .order_by(SubscriptionRow.id.desc())
        .limit(1)
    )
    return connection.execute(query).scalar()
