"""The e-mail that an alarm of a seller becomes, from what is true when it goes out (Rule 12).

Lists are bounded: an e-mail names twenty at most, counts a thousand, and says where all are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, assert_never

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    and_,
    cast,
    func,
    literal_column,
    or_,
    select,
)

from core.documents.languages import words_of
from core.documents.mails import AlarmFacts, MailTexts
from core.domain.alarms import COUNTED, LISTED, Alarm, Raised
from core.domain.languages import Language
from core.domain.mails import Mail, NoMail
from core.domain.money import plain
from core.domain.steps import StepKind
from core.domain.subscription import Failure, Status
from core.ledger import profiles
from core.ledger.alarms import is_newest
from core.ledger.endpoints import MAIL
from core.ledger.ledger import Ledger
from core.ledger.tables import AccountRow, CardCharge, Endpoint, Seller, StepRow, SubscriptionRow
from core.protocol.activity_messages import ChargeOutcome

_WORDS = words_of(Language.ENGLISH)
_SUBSCRIPTION = (
    SubscriptionRow.id,
    SubscriptionRow.account,
    SubscriptionRow.sku,
    SubscriptionRow.quantity,
    SubscriptionRow.expiry,
    SubscriptionRow.failure,
    SubscriptionRow.status,
)
_FAILED = and_(SubscriptionRow.renewal_failed)


def write_alarm(
    ledger: Ledger,
    texts: MailTexts,
    raised: Raised,
    *,
    endpoint: int,
    sender: str,
    to: str,
    grace: timedelta,
    now: datetime,
) -> Mail | NoMail:
    """The e-mail that an alarm becomes now, or why there is none.

    `texts`: the templates.
    `endpoint`: the seller's endpoint of alarms. `sender`, `to`: e-mail addresses.
    `grace`: how long a card charge may be unconfirmed before it is told.
    `now`: the machine's now (UTC).

    Raises `core.documents.mails.BadTemplates`.
    """
    with ledger.read() as connection:
        facts = _facts(ledger, connection, raised, now - grace, now)
        name = profiles.seller_profile(connection, raised.seller).name
    if isinstance(facts, NoMail):
        return facts
    written = texts.alarm(raised.kind, facts)
    return Mail(
        id_=f"alarm-{raised.seq}-{endpoint}",
        kind=str(raised.kind),
        at=raised.at,
        sender=sender,
        sender_name=name,
        to=to,
        subject=written.subject,
        text=written.text,
        html=written.html,
    )


def _facts(
    ledger: Ledger, connection: Connection, raised: Raised, asked_before: datetime, now: datetime
) -> AlarmFacts | NoMail:
    match raised.kind:
        case Alarm.RENEWALS_FAILED:
            return _failed_renewals(connection, raised)
        case Alarm.WORK_LISTS:
            return _work_lists(ledger, connection, raised, now)
        case Alarm.CHARGES_UNKNOWN:
            return _unknown_charges(connection, raised, asked_before)
        case Alarm.FINDINGS:
            return _findings(raised)
        case Alarm.ENDPOINT_OFF:
            return _endpoint_off(connection, raised)
        case unreachable:
            assert_never(unreachable)


@dataclass(frozen=True, slots=True)
class _Listed:
    """Some lines of a list. `count`: how many there are, with the noun."""

    count: str
    lines: tuple[str, ...]
    more: str


def _listed(lines: Sequence[str], noun: str, total: int | None = None) -> _Listed:
    """At most twenty lines. `total`: how many there are. Default: as many as the lines."""
    number = len(lines) if total is None else total
    over = number > COUNTED
    count = f"more than {COUNTED:,}" if over else f"{number:,}"
    left = number - min(len(lines), LISTED)
    more = f"and more than {COUNTED - LISTED:,} others" if over else f"and {left:,} more"
    return _Listed(
        count=f"{count} {noun}" if number == 1 else f"{count} {noun}s",
        lines=tuple(lines[:LISTED]),
        more=more if left > 0 else "",
    )


def _failed_renewals(connection: Connection, raised: Raised) -> AlarmFacts | NoMail:
    """What failed of the account and is not paid meanwhile.

    After an outage a late renewal fails and expires at once (Rule 13), and is told of, too.
    """
    expiry = date.fromisoformat(raised.facts["expiry"])
    late = and_(SubscriptionRow.status == Status.EXPIRED, ~SubscriptionRow.trial)
    found = connection.execute(
        select(*_SUBSCRIPTION)
        .where(
            SubscriptionRow.account == raised.account,
            SubscriptionRow.expiry == expiry,
            SubscriptionRow.failure.is_not(None),
            or_(_FAILED, late),
        )
        .order_by(SubscriptionRow.id)
        .limit(COUNTED + 1)
    ).all()
    if not found:
        return NoMail("none of these renewals is failed any more")
    listed = _listed([_failed_line(row, whose=False) for row in found], "subscription")
    account = str(raised.account)
    return AlarmFacts(
        account=account,
        customer=profiles.customer_profile(connection, account).name or account,
        expiry=_WORDS.long_date(expiry),
        count=listed.count,
        lines=listed.lines,
        more=listed.more,
    )


def _failed_line(row: Any, *, whose: bool = True) -> str:
    why = "" if row.failure is None else f": {Failure(row.failure).words}"
    ended = " It has expired." if row.status == Status.EXPIRED else ""
    return f"{_line(row, whose=whose)}{why}.{ended}"


def _line(row: Any, *, whose: bool = True) -> str:
    count = f"{row.quantity} × " if row.quantity > 1 else ""
    account = f" of account {row.account}" if whose else ""
    return f"{row.id}, {count}{row.sku}{account}, paid until {_WORDS.long_date(row.expiry)}"


def _work_lists(
    ledger: Ledger, connection: Connection, raised: Raised, now: datetime
) -> AlarmFacts | NoMail:
    """The two work lists of Rule 6.3 as they are now, without accounts on test clocks."""
    if not is_newest(connection, raised):
        return NoMail("a later digest tells it")
    mine = (AccountRow.seller == raised.seller, AccountRow.clock.is_(None))
    key = (SubscriptionRow.account, SubscriptionRow.id)
    listing = select(*_SUBSCRIPTION).join(AccountRow, AccountRow.id == SubscriptionRow.account)
    failed = connection.execute(
        listing.where(_FAILED, *mine).order_by(*key).limit(COUNTED + 1)
    ).all()
    expiring = connection.execute(
        listing.join(StepRow, StepRow.subject == SubscriptionRow.id)
        .where(*_expires_soon(ledger, connection, raised.seller, now), *mine)
        .order_by(SubscriptionRow.expiry, *key)
        .limit(COUNTED + 1)
    ).all()
    if not failed and not expiring:
        return NoMail("both work lists are empty")
    first = _listed([_failed_line(row) for row in failed], "subscription")
    second = _listed([f"{_line(row)}." for row in expiring], "subscription")
    return AlarmFacts(
        count=first.count,
        lines=first.lines,
        more=first.more,
        second_count=second.count,
        second=second.lines,
        second_more=second.more,
    )


def _expires_soon(
    ledger: Ledger, connection: Connection, seller: str, now: datetime
) -> Sequence[ColumnElement[bool]]:
    version = connection.execute(
        select(Seller.policy_version).where(Seller.id == seller)
    ).scalar_one()
    days = ledger.references.policy(connection, seller, version).expiring_notice_days
    today = cast(func.timezone(AccountRow.timezone, now), Date)
    return (
        StepRow.kind == literal_column(f"'{StepKind.EXPIRE}'"),
        StepRow.clock.is_(None),
        StepRow.due.between(now - timedelta(days=1), now + timedelta(days=days + 2)),
        SubscriptionRow.status == Status.ACTIVE,
        ~SubscriptionRow.auto_renew,
        (SubscriptionRow.expiry - today).between(0, days),
    )


def _unknown_charges(
    connection: Connection, raised: Raised, asked_before: datetime
) -> AlarmFacts | NoMail:
    if not is_newest(connection, raised):
        return NoMail("a later alarm tells it")
    found = connection.execute(
        select(CardCharge.__table__)
        .join(AccountRow, AccountRow.id == CardCharge.account)
        .where(
            ~CardCharge.booked,
            CardCharge.outcome == str(ChargeOutcome.PENDING),
            CardCharge.asked_at < asked_before,
            AccountRow.seller == raised.seller,
        )
        .order_by(CardCharge.asked_at, CardCharge.key)
        .limit(COUNTED + 1)
    ).all()
    if not found:
        return NoMail("every charge is confirmed by now")
    listed = _listed([_charge_line(row) for row in found], "charge")
    return AlarmFacts(count=listed.count, lines=listed.lines, more=listed.more)


def _charge_line(row: Any) -> str:
    amount = f"{plain(row.amount, row.currency)} {row.currency}"
    return f"{amount} of account {row.account}, asked for at {_moment(row.asked_at)} UTC, {row.key}"


def _findings(raised: Raised) -> AlarmFacts:
    listed = _listed(raised.facts["lines"], "finding", raised.facts["count"])
    return AlarmFacts(
        what=listed.count, lines=listed.lines, more=listed.more, happened=_moment(raised.at)
    )


def _endpoint_off(connection: Connection, raised: Raised) -> AlarmFacts | NoMail:
    row = connection.execute(
        select(Endpoint.off_at, Endpoint.removed_at).where(Endpoint.id == raised.facts["id"])
    ).one_or_none()
    if row is None or row.off_at is None or row.removed_at is not None:
        return NoMail("the endpoint is on again, or removed")
    name = raised.facts["endpoint"]
    on = "starter.py mail on" if name == MAIL else f"starter.py webhook on {name}"
    return AlarmFacts(endpoint=name, why=raised.facts["why"], happened=_moment(raised.at), do=on)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
