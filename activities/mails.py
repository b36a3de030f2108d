"""The e-mail that an event becomes, from what is committed when it goes out (Rule 12).

It is only written if it is still true. The facts are those of now, so that no text says what has
changed since.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Connection, bindparam, select

from activities.documents import invoice_document
from core.documents.languages import Words, words_of
from core.documents.mails import REASONS, MailFacts, MailTexts
from core.domain import alignment
from core.domain.activation_fees import total_of
from core.domain.calendar import local_date
from core.domain.documents import Format, NotOffered
from core.domain.event_payloads import Happened
from core.domain.events import Event
from core.domain.fees import total
from core.domain.mails import Attachment, Mail, NoMail, NotYet, recipients
from core.domain.numbers import NumberState
from core.domain.planner.notices import Notice, untrue
from core.domain.planner.renewals import renewal_date
from core.domain.policy import TrialEnd
from core.domain.price_in_force import activation_fees, next_fee_lines, renewal_lines
from core.domain.profiles import CustomerProfile, SellerProfile
from core.domain.refusal import Refused
from core.domain.steps import StepKind
from core.domain.subscription import Failure, Mode, Status, Subscription
from core.ledger import profiles
from core.ledger.account_reading import AccountReading, Moved, Unknown
from core.ledger.ledger import Ledger
from core.ledger.tables import (
    AccountRow,
    Clock,
    CustomerProfileRow,
    Delivery,
    History,
    Invoice,
    NumberRow,
    SellerProfileRow,
)

_NOTICES = {
    Event.NOTICE_RENEWAL: Notice.RENEWAL,
    Event.NOTICE_EXPIRING: Notice.EXPIRING,
    Event.NOTICE_TRIAL_ENDING: Notice.TRIAL_ENDING,
}
ABOUT = (
    select(
        AccountRow.billing_email,
        Clock.now,
        profiles.newest_document(
            CustomerProfileRow, CustomerProfileRow.account == AccountRow.id
        ).label("customer"),
        profiles.newest_document(
            SellerProfileRow, SellerProfileRow.seller == AccountRow.seller
        ).label("seller"),
    )
    .outerjoin(Clock, Clock.id == AccountRow.clock)
    .where(AccountRow.id == bindparam("account"))
)
"""What an e-mail needs of the account `account`, beside what is read of it at an instant."""
#: What a failed renewal and its like say about the same *E* is said once.
_MOVES_EXPIRY = [str(event) for event in Event if event.pays_cycle]


def write_mail(
    ledger: Ledger,
    texts: MailTexts,
    happened: Happened,
    *,
    endpoint: int,
    sender: str,
    seller_address: str | None,
    now: datetime,
    own_documents: Path | None = None,
) -> Mail | NoMail | NotYet:
    """The e-mail that an event becomes now.

    `texts`: the templates.
    `endpoint`: the endpoint of e-mails of the seller.
    `sender`, `seller_address`: who it is from, and where the seller gets its own.
    `now`: the machine's now (UTC). An account on a test clock has its own.

    `own_documents`: the folder of the seller's own templates of documents. Default: none.

    Raises BadTemplates and `core.domain.documents.NotOffered`.
    """
    with ledger.read() as connection:
        account = connection.execute(ABOUT, {"account": happened.account}).one()
        reading = ledger.reading(connection, happened.account, account.now or now)
        try:
            subscription = reading.subscription(happened.subscription or "")
        except (Unknown, Moved):
            return NoMail("the subscription is no longer this account's")
        policy = reading.policy_of(subscription)
        if why := _untrue(reading, happened, subscription) or _told(connection, happened, endpoint):
            return NoMail(why)
        whom = recipients(policy.notify, account.billing_email, seller_address)
        if isinstance(whom, NoMail):
            return whom
        number = _invoice(connection, happened)
        if isinstance(number, NotYet):
            return number
        customer = profiles.customer_from(account.customer)
        seller = profiles.seller_from(reading.account.seller, account.seller, None)
        language = customer.language
        facts = mail_facts(reading, happened, subscription, words_of(language), (seller, customer))
    attachments = []
    if number is not None:
        seller_ledger = replace(ledger, seller=reading.account.seller)
        facts["invoice"] = str(number)
        attachments.append(_attached(seller_ledger, number, own_documents))
    written = texts.write(happened.event, language, MailFacts(**facts))  # type: ignore[arg-type]
    to, copy = whom
    return Mail(
        id_=f"event-{happened.seq}-{endpoint}",
        kind=str(happened.event),
        at=happened.at,
        sender=sender,
        sender_name=seller.name,
        to=to,
        cc=copy,
        subject=written.subject,
        text=written.text,
        html=written.html,
        attachments=tuple(attachments),
    )


def _attached(ledger: Ledger, number: int, own: Path | None) -> Attachment:
    """An invoice as PDF. It is HTML where the fonts lack letters of a name."""
    try:
        file, kind = invoice_document(ledger, number, Format.PDF, own), "application/pdf"
    except NotOffered:
        file, kind = invoice_document(ledger, number, Format.HTML, own), "text/html"
    suffix = kind.rpartition("/")[2]
    return Attachment(name=f"invoice-{number}.{suffix}", type_=kind, content=file.content)


def _untrue(reading: AccountReading, happened: Happened, subscription: Subscription) -> str | None:
    """Why what happened is no longer true, in words. None if it is."""
    event, today = happened.event, reading.today
    if event in _NOTICES:
        return untrue(
            _NOTICES[event],
            date.fromisoformat(happened.facts["expiry"]),
            subscription,
            reading.policy_of(subscription),
            reading.zone,
            reading.now,
            suspended=reading.account.suspended,
        )
    if event is Event.RENEWAL_FAILED and not subscription.renewal_failed:
        return "its renewal is no longer failed"
    if event is Event.EXPIRED and subscription.status is not Status.EXPIRED:
        return f"the subscription is {subscription.status}"
    works = event in (Event.RENEWED, Event.REACTIVATED)
    if works and subscription.status is not Status.ACTIVE:
        return f"the subscription is {subscription.status}"
    if works and happened.facts.get("expiry") != str(subscription.expiry):
        return f"it is paid up to {subscription.expiry}"
    if event is Event.NUMBER_HOLD_ENDING:
        held = reading.connection.execute(
            select(NumberRow.until).where(
                NumberRow.seller == reading.account.seller,
                NumberRow.number == happened.facts["number"],
                NumberRow.state == NumberState.HELD,
            )
        ).scalar()
        if str(held) != happened.facts["until"] or held is None or held < today:
            return "the number is no longer held until that day"
    return None


def _told(connection: Connection, happened: Happened, endpoint: int) -> str | None:
    """Why it is not said again: a failed renewal is told once for each *E*."""
    if happened.event is not Event.RENEWAL_FAILED:
        return None
    before = connection.execute(
        select(History.seq, History.event)
        .where(
            History.subscription == happened.subscription,
            History.seq < happened.seq,
            History.event.in_([*_MOVES_EXPIRY, str(Event.RENEWAL_FAILED)]),
        )
        .order_by(History.seq.desc())
        .limit(1)
    ).one_or_none()
    if before is None or before.event != Event.RENEWAL_FAILED:
        return None
    known = connection.execute(
        select(Delivery.id).where(Delivery.endpoint == endpoint, Delivery.event == before.seq)
    ).scalar()
    return None if known is None else "the customer was told that this renewal failed"


def _invoice(connection: Connection, happened: Happened) -> int | NotYet | None:
    """The number of the invoice of what happened. None without one."""
    if happened.event not in (Event.RENEWED, Event.REACTIVATED):
        return None
    row = connection.execute(
        select(Invoice.number)
        .join(History, History.operation == Invoice.operation)
        .where(History.seq == happened.seq)
    ).one_or_none()
    if row is None:
        return None
    return NotYet() if row.number is None else int(row.number)


def mail_facts(
    reading: AccountReading,
    happened: Happened,
    subscription: Subscription,
    words: Words,
    parties: tuple[SellerProfile, CustomerProfile],
) -> dict[str, str | bool]:
    """The fields of `MailFacts` that an e-mail has, all but the number of its invoice.

    `words`: the language that they are written in. `parties`: who sells, and who buys.
    """
    seller, customer = parties
    policy, account = reading.policy_of(subscription), reading.account
    count = f"{subscription.quantity} × " if subscription.quantity > 1 else ""
    expiry = happened.facts.get("expiry") or str(subscription.expiry)
    facts: dict[str, str | bool] = {
        "customer": customer.name or account.id,
        "seller": seller.name,
        "seller_email": seller.email,
        "product": f"{count}{subscription.sku}",
        "subscription": subscription.id,
        "expiry": words.long_date(date.fromisoformat(expiry)),
        "happened_on": words.long_date(local_date(happened.at, reading.zone)),
        "trial": subscription.trial,
        "suspended": account.suspended,
    }

    def money(amount: Decimal | None) -> str:
        return words.money(amount, account.currency) if amount else ""

    match happened.event:
        case Event.NOTICE_RENEWAL:
            facts["renewal_date"] = words.long_date(renewal_date(subscription, policy))
            facts["amount"] = money(next_cycle(reading, subscription))
            facts["pays"] = _pays(reading, subscription)
        case Event.RENEWAL_FAILED:
            step = reading.step_of(subscription)
            again = step is not None and step.kind is StepKind.RETRY
            if step is not None and again:
                facts["next_try"] = words.long_date(local_date(step.due, reading.zone))
            failure = subscription.failure
            facts["reason"] = "" if failure is None else words.say(REASONS[failure])
            facts["amount"] = money(next_cycle(reading, subscription))
            asks = failure in (Failure.SUSPENDED, Failure.NO_PRICE) or account.suspended
            tops_up = (
                policy.retry_on_top_up and account.mode is Mode.PREPAID and subscription.auto_renew
            )
            facts["todo"] = "ask" if asks else "add_credits" if tops_up else "recover"
        case Event.NOTICE_TRIAL_ENDING:
            facts["converts"] = policy.trial_end is TrialEnd.CONVERT and subscription.auto_renew
            facts["amount"] = money(_first_cycle(reading, subscription))
        case Event.EXPIRED if subscription.expired_on is not None:
            last = subscription.expired_on + timedelta(days=policy.reactivation_days - 1)
            facts["last_day"] = words.long_date(last) if last >= reading.today else ""
        case Event.RENEWED | Event.REACTIVATED:
            facts["amount"] = money(-happened.amount if happened.amount else None)
            if account.mode is Mode.POSTPAID and facts["amount"]:
                facts["pays"] = "invoice"
        case Event.NUMBER_HOLD_ENDING:
            facts["number"] = happened.facts["number"]
            facts["until"] = words.long_date(date.fromisoformat(happened.facts["until"]))
        case Event.NOTICE_EXPIRING | Event.EXPIRED | Event.TERMINATED:
            pass  # They have nothing more to say.
        case other:  # No mail endpoint has any other event: it would be a fault of the program.
            raise ValueError(f"no e-mail tells of {other}")
    return facts


def next_cycle(reading: AccountReading, subscription: Subscription) -> Decimal | None:
    """What the next renewal costs, in the account's currency. None without a price."""
    terms, currency = reading.terms([subscription]), reading.account.currency
    aligned = alignment.aligns(subscription, subscription.expiry)
    try:
        lines = renewal_lines(subscription, terms, currency, aligned=aligned)
        return total(lines) + total_of(activation_fees(subscription, terms, currency))
    except Refused:
        return None


def _first_cycle(reading: AccountReading, subscription: Subscription) -> Decimal | None:
    """What the first paid cycle of a trial costs. None without a price."""
    begins = subscription.expiry + timedelta(days=1)
    try:
        lines = next_fee_lines(subscription, reading.catalog, reading.account.currency, begins)
    except Refused:
        return None
    return total(lines)


def _pays(reading: AccountReading, subscription: Subscription) -> str:
    account = reading.account
    if subscription.contract is not None:
        return ""
    if account.mode is Mode.POSTPAID:
        return "invoice"
    return "card" if account.renew_by_card and account.card is not None else "credits"
