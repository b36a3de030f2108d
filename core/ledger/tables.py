"""The tables, typed.

Constraints on one row stand here. What the database guarantees across rows stands in guards/*.sql:
balanced postings, nothing changed or deleted, no refund above what was paid, nothing spent beyond
usable, a next step for every living subscription.

Instants are `timestamptz`, days are local dates of the account, money is `numeric` in the account's
currency.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from core.domain.alarms import Alarm
from core.domain.campaigns import CampaignState, RowOutcome
from core.domain.deliveries import DeliveryState
from core.domain.documents import DocumentKind, Format
from core.domain.endpoints import EndpointKind
from core.domain.events import Event
from core.domain.imported_subscription import ImportKind
from core.domain.inputs import LONGEST_TEXT
from core.domain.numbers import Cause, Happened, HoldKind, NumberState
from core.domain.people import MOST_MEMBERS
from core.domain.planner.notices import MessageState, Notice
from core.domain.profiles import LARGEST_LOGO
from core.domain.roles import Role
from core.domain.rules import Rule
from core.domain.steps import StepKind, SubjectKind
from core.domain.subscription import Contract, Failure, Mode, Status
from core.domain.taxes import Shown
from core.ledger.allowed_words import WORDS
from core.ledger.double_entry import Book, InvoiceKind, Purpose
from core.protocol.activity_messages import ChargeOutcome

#: The reason of a card charge that was asked for and never reached the gateway.
NEVER_MADE = "never made"

#: The condition of operations by which money came in.
RECEIVED = (
    f"operations.purpose = ANY "
    f"('{{{Purpose.TOP_UP},{Purpose.CARD_CHARGE},{Purpose.PAYMENT}}}'::text[])"
)

Money = Numeric(20, 5)
Instant = TIMESTAMP(timezone=True)
#: Ids are compared by code points, whatever the database's locale (Rule 1.7).
Id = Text(collation="C")


def _own_clock(name: str) -> ForeignKeyConstraint:
    """The test clock of the row is one of the row's seller. Others cannot use it."""
    return ForeignKeyConstraint(["clock", "seller"], ["clocks.id", "clocks.seller"], name=name)


def _one_of(column: str, values: Iterable[str], name: str) -> CheckConstraint:
    """The column holds a value of an enum, or NULL where the column allows it.

    `column` may be an expression. The values are one array constant. PostgreSQL reads the condition
    anew for each statement, and a list of many constants takes it five times as long.
    """
    listed = ",".join(f'"{value}"' for value in values)
    condition = f"{column} = ANY ('{{{listed}}}'::text[])"
    return CheckConstraint(condition, name=name, info={WORDS: True})


class Base(DeclarativeBase):
    """All tables of the ledger."""


class Seller(Base):
    """Everything belongs to a seller.

    The counters name the policy in force and the newest state of the catalogue.
    """

    __tablename__ = "sellers"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    policy_version: Mapped[int] = mapped_column(server_default="0")
    catalog_revision: Mapped[int] = mapped_column(server_default="0")
    __table_args__ = (CheckConstraint("id <> '*'", name="sellers_id"),)


class SellerWallet(Base):
    """A part of the seller's own wallet in a currency (Rule 11.5).

    The wallet is spread over parts, so that transactions of different accounts seldom wait for each
    other. Each takes from the part of its account, and from all when that is not enough.
    """

    __tablename__ = "seller_wallets"
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    part: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    balance: Mapped[Decimal] = mapped_column(Money)
    __table_args__ = (CheckConstraint("balance >= 0", name="seller_wallets_balance"),)


class SellerCredit(Base):
    """Money that was put into the seller's own wallet (Rule 11.5). Never changed."""

    __tablename__ = "seller_credits"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"))
    currency: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(Money)
    at: Mapped[datetime] = mapped_column(Instant)
    request_id: Mapped[str] = mapped_column(Id)
    actor: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        UniqueConstraint("seller", "request_id", name="seller_credits_once"),
        CheckConstraint("amount > 0", name="seller_credits_amount"),
    )


class PolicyVersion(Base):
    """A version of a policy (Rule 14). Never changed."""

    __tablename__ = "policies"
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)


class CatalogEntry(Base):
    """One entry of the catalogue as it was loaded. Never changed.

    It is a SKU, or a later version of one (Rule 3.5).
    """

    __tablename__ = "catalog_entries"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"))
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    __table_args__ = (Index("catalog_entries_seller", "seller", "id"),)


class SellerProfileRow(Base):
    """A version of how documents show the seller (`core.domain.profiles`). Never changed."""

    __tablename__ = "seller_profiles"
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document: Mapped[dict[str, str]] = mapped_column(JSONB)
    logo: Mapped[bytes | None] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        CheckConstraint(f"octet_length(logo) <= {LARGEST_LOGO}", name="seller_profiles_logo"),
    )


class TaxRateRow(Base):
    """The tax of a seller on what is sold to a country, from a day on. Never changed.

    Of two rates that begin on one day, the later row counts.
    """

    __tablename__ = "tax_rates"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"))
    country: Mapped[str] = mapped_column(Text)
    since: Mapped[date]
    percent: Mapped[Decimal] = mapped_column(Numeric(8, 5))
    name: Mapped[str] = mapped_column(Text)
    shown: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        Index("tax_rates_country", "seller", "country", "since", "id"),
        CheckConstraint("percent >= 0 AND percent <= 100", name="tax_rates_percent"),
        _one_of("shown", Shown, "tax_rates_shown"),
    )


class Clock(Base):
    """A test clock: a virtual now for the accounts attached to it.

    `seller` is that of the connection that makes it (`core.ledger.row_security`).
    """

    __tablename__ = "clocks"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    seller: Mapped[str] = mapped_column(
        Id, server_default=text("current_setting('perennial.seller')")
    )
    now: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        UniqueConstraint("id", "seller", name="clocks_of_seller"),
        CheckConstraint("seller <> '*'", name="clocks_seller"),
    )


class AccountRow(Base):
    """One customer organisation.

    Only the trigger on postings writes `balance`, and only that on monthly amounts `unbilled`.
    `credit_limit_until` is the limit's last day. `credit_limit_ends` is the first instant after it.
    """

    __tablename__ = "accounts"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"))
    currency: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    clock: Mapped[str | None] = mapped_column(Id)
    owner: Mapped[str | None] = mapped_column(Text)
    billing_email: Mapped[str | None] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(Text, server_default=Mode.PREPAID)
    balance: Mapped[Decimal] = mapped_column(Money, server_default="0")
    unbilled: Mapped[Decimal] = mapped_column(Money, server_default="0")
    reserved: Mapped[Decimal] = mapped_column(Money, server_default="0")
    liability: Mapped[Decimal] = mapped_column(Money, server_default="0")
    credit_limit: Mapped[Decimal] = mapped_column(Money, server_default="0")
    credit_limit_until: Mapped[date | None]
    credit_limit_ends: Mapped[datetime | None] = mapped_column(Instant)
    card: Mapped[str | None] = mapped_column(Text)
    renew_by_card: Mapped[bool] = mapped_column(server_default="false")
    auto_top_up: Mapped[bool] = mapped_column(server_default="false")
    last_top_up: Mapped[Decimal | None] = mapped_column(Money)
    auto_topped_up: Mapped[Decimal | None] = mapped_column(Money)
    auto_topped_up_on: Mapped[date | None]
    top_up_at: Mapped[datetime | None] = mapped_column(Instant)
    suspended: Mapped[bool] = mapped_column(server_default="false")
    closed_on: Mapped[date | None]
    closed_for_good: Mapped[bool] = mapped_column(server_default="false")
    erased_on: Mapped[date | None]
    uninvoiced: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    version: Mapped[int] = mapped_column(server_default="1")
    __table_args__ = (
        _own_clock("accounts_own_clock"),
        Index("accounts_clock", "clock", "timezone", postgresql_where=text("clock IS NOT NULL")),
        CheckConstraint(
            "reserved >= 0 AND liability >= 0 AND credit_limit >= 0 AND unbilled >= 0",
            name="accounts_amounts",
        ),
        CheckConstraint(f"unbilled = 0 OR mode = '{Mode.POSTPAID}'", name="accounts_unbilled"),
        _one_of("mode", Mode, "accounts_mode"),
    )


class AccountWord(Base):
    """A word by which people find an account. The guard `account_words` writes it."""

    __tablename__ = "account_words"
    account: Mapped[str] = mapped_column(
        Id, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    word: Mapped[str] = mapped_column(Id, primary_key=True)
    seller: Mapped[str] = mapped_column(Id)
    __table_args__ = (Index("account_words_word", "seller", "word", "account"),)


class Erasure(Base):
    """The erasing of the personal data of an account (docs/decisions/0038).

    `years`: how long the law keeps invoices. `kept_until`: the last day of the newest one, NULL
    for none. `erased_at`: everything else was erased. `again_on`: the day on which the years of the
    oldest invoice that is left are over.
    """

    __tablename__ = "erasures"
    account: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id"), primary_key=True)
    seller: Mapped[str] = mapped_column(Id)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    years: Mapped[int]
    kept_until: Mapped[date | None]
    erased_at: Mapped[datetime | None] = mapped_column(Instant)
    again_on: Mapped[date | None]
    __table_args__ = (
        Index(
            "erasures_to_do",
            "asked_at",
            "account",
            postgresql_where=text("erased_at IS NULL OR again_on IS NOT NULL"),
        ),
        CheckConstraint("years >= 0", name="erasures_years"),
    )


class CustomerProfileRow(Base):
    """A version of how documents show the customer (`core.domain.profiles`). Never changed."""

    __tablename__ = "customer_profiles"
    account: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document: Mapped[dict[str, str]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(Text)


class SubscriptionRow(Base):
    """One subscription and its state. Its next step is a row of `steps`.

    A nullable column is NULL for what is empty or zero.
    `assigned_to` and `members` are people, by e-mail address (Rule 9). They are no part of the
    state. NULL is the account's owner, and none.
    `renewal_date` is *E* minus the lead. `workflow_started` is set once its workflow was started.
    """

    __tablename__ = "subscriptions"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    account: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id"))
    clock: Mapped[str | None] = mapped_column(Id)
    sku: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int]
    multiplier: Mapped[int]
    addons: Mapped[dict[str, int]] = mapped_column(JSONB)
    numbers: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    coming: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    legacy: Mapped[bool]
    align: Mapped[bool]
    discount: Mapped[Decimal | None] = mapped_column(Numeric(8, 5))
    discount_cycles: Mapped[int | None]
    trial: Mapped[bool]
    contract: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    auto_renew: Mapped[bool]
    renewal_failed: Mapped[bool]
    failure: Mapped[str | None] = mapped_column(Text)
    anchor: Mapped[date]
    months_paid: Mapped[int]
    cycle_months: Mapped[int]
    expiry: Mapped[date]
    cycles_paid: Mapped[int]
    planned_at: Mapped[datetime] = mapped_column(Instant)
    attempted_at: Mapped[datetime | None] = mapped_column(Instant)
    expired_on: Mapped[date | None]
    terminated_on: Mapped[date | None]
    policy_version: Mapped[int]
    version: Mapped[int]
    renewal_date: Mapped[date]
    assigned_to: Mapped[str | None] = mapped_column(Text)
    members: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    workflow_started: Mapped[bool] = mapped_column(server_default="false")
    __table_args__ = (
        Index("subscriptions_account", "account", "id"),
        Index(
            "subscriptions_failed", "account", "id", postgresql_where=text("renewal_failed = true")
        ),
        Index(
            "subscriptions_expired",
            "account",
            "id",
            postgresql_where=text(f"status = '{Status.EXPIRED}'"),
        ),
        Index("subscriptions_unstarted", "id", postgresql_where=text("NOT workflow_started")),
        _one_of("status", Status, "subscriptions_status"),
        _one_of("failure", Failure, "subscriptions_failure"),
        _one_of("contract", Contract, "subscriptions_contract"),
        CheckConstraint(
            f"NOT renewal_failed OR status = '{Status.ACTIVE}'", name="subscriptions_failed"
        ),
        CheckConstraint(
            f"coming IS NULL OR status <> '{Status.TERMINATED}'", name="subscriptions_coming"
        ),
        CheckConstraint(
            f"jsonb_array_length(members) <= {MOST_MEMBERS}", name="subscriptions_members"
        ),
    )


class SubscriptionPerson(Base):
    """The assignee or a member of a subscription, by e-mail address in small letters.

    The guard `subscription_people` writes it.
    """

    __tablename__ = "subscription_people"
    subscription: Mapped[str] = mapped_column(
        Id, ForeignKey("subscriptions.id", ondelete="CASCADE"), primary_key=True
    )
    email: Mapped[str] = mapped_column(Id, primary_key=True)
    seller: Mapped[str] = mapped_column(Id)
    __table_args__ = (Index("subscription_people_email", "seller", "email", "subscription"),)


class TrialRow(Base):
    """A trial that an account has had (Rule 4.3). Never changed.

    `tried` is an application or a SKU (`Catalog.trial_of`). An account has one trial of it, ever.
    """

    __tablename__ = "trials"
    account: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id"), primary_key=True)
    tried: Mapped[str] = mapped_column(Id, primary_key=True)
    subscription: Mapped[str] = mapped_column(Id, ForeignKey("subscriptions.id"))
    __table_args__ = (Index("trials_subscription", "subscription"),)


class StepRow(Base):
    """The next step of a subject: what it does by itself, and when (Rules 1.5, 1.7).

    A subject has one row at most. `account` is the account in whose order the step stands, and
    `clock` is the test clock of that account. `rank` and `by_date` are the order of Rule 1.7.
    `version` is the version of the subject that this step belongs to.
    """

    __tablename__ = "steps"
    subject_kind: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Id, primary_key=True)
    account: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id"))
    clock: Mapped[str | None] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(Text)
    rank: Mapped[int] = mapped_column(SmallInteger)
    by_date: Mapped[date | None]
    due: Mapped[datetime] = mapped_column(Instant)
    rule: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    __table_args__ = (
        Index("steps_due", "clock", "due", postgresql_where=text("clock IS NOT NULL")),
        Index("steps_account_due", "account", "due"),
        Index("steps_by_kind", "kind", "due", postgresql_where=text("clock IS NULL")),
        CheckConstraint(
            "subject_kind <> 'account' OR subject = account", name="steps_of_the_account"
        ),
        _one_of(
            "subject_kind || '/' || kind || '/' || rank",
            (f"{kind.subject}/{kind}/{kind.rank}" for kind in StepKind),
            "steps_kind",
        ),
        _one_of("rule", Rule, "steps_rule"),
    )


class Telling(Base):
    """A subject whose workflow is to be told what it has become, and in which version.

    The row is written by the transaction that has changed the subject, when another workflow or no
    workflow has asked for it. It is deleted when the workflow was told. `soon`: it would act too
    late by what it knows. Any other one wakes up in time, and finds out by itself.
    """

    __tablename__ = "tellings"
    subject_kind: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Id, primary_key=True)
    clock: Mapped[str | None] = mapped_column(Id)
    version: Mapped[int]
    soon: Mapped[bool] = mapped_column(server_default="true")
    __table_args__ = (
        Index("tellings_soon", "subject_kind", "subject", postgresql_where=text("soon")),
        _one_of("subject_kind", SubjectKind, "tellings_subject_kind"),
    )


class NumberRow(Base):
    """A number of a seller's inventory, and what it is now (Rules 10.1 to 10.3).

    The primary key, with one subscription in a row, keeps a number out of two subscriptions. The
    guard of numbers checks how it changes, and that a number in use is its account's.
    """

    __tablename__ = "numbers"
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"), primary_key=True)
    number: Mapped[str] = mapped_column(Id, primary_key=True)
    sku: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    hold: Mapped[str] = mapped_column(Text)
    account: Mapped[str | None] = mapped_column(Id, ForeignKey("accounts.id"))
    subscription: Mapped[str | None] = mapped_column(Id, ForeignKey("subscriptions.id"))
    since: Mapped[date]
    until: Mapped[date | None]
    cause: Mapped[str | None] = mapped_column(Text)
    remark: Mapped[str | None] = mapped_column(Text)
    returned_at: Mapped[datetime | None] = mapped_column(Instant)
    returned_by: Mapped[str | None] = mapped_column(Id)
    version: Mapped[int]
    __table_args__ = (
        Index(
            "numbers_free",
            "seller",
            "sku",
            "number",
            postgresql_where=text(f"state = '{NumberState.FREE}'"),
        ),
        Index(
            "numbers_account",
            "account",
            "number",
            postgresql_where=text("account IS NOT NULL"),
        ),
        Index(
            "numbers_subscription",
            "subscription",
            "number",
            postgresql_where=text("subscription IS NOT NULL"),
        ),
        _one_of("state", NumberState, "numbers_state"),
        _one_of("hold", HoldKind, "numbers_hold"),
        _one_of("cause", Cause, "numbers_cause"),
        CheckConstraint(
            f"CASE state WHEN '{NumberState.IN_USE}' "
            "THEN account IS NOT NULL AND subscription IS NOT NULL "
            f"WHEN '{NumberState.HELD}' "
            "THEN num_nulls(account, subscription, until, cause) = 0 "
            f"WHEN '{NumberState.RESERVED}' "
            "THEN num_nulls(account, until, cause) = 0 AND subscription IS NULL "
            "ELSE num_nonnulls(account, subscription, until, cause, remark) = 0 END",
            name="numbers_whose",
        ),
    )


class NumberHistory(Base):
    """What happened to a number, when, for which account, and who asked. Never changed."""

    __tablename__ = "number_history"
    seq: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    seller: Mapped[str] = mapped_column(Id)
    number: Mapped[str] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(Instant)
    what: Mapped[str] = mapped_column(Text)
    account: Mapped[str | None] = mapped_column(Id)
    subscription: Mapped[str | None] = mapped_column(Id)
    until: Mapped[date | None]
    cause: Mapped[str | None] = mapped_column(Text)
    remark: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        Index("number_history_number", "seller", "number", "seq"),
        Index(
            "number_history_account",
            "account",
            "seq",
            postgresql_where=text("account IS NOT NULL"),
        ),
        _one_of("what", Happened, "number_history_what"),
    )


class Operation(Base):
    """What lies behind every movement (Rule 11.3). Never changed.

    It is unique by (subscription, cycle, purpose), by the seller's request id, and by the card
    charge that it credits. A repeated request gets its `result` (Rule 4.2), which is empty without
    a request id. `cycle` is the expiry date that the operation moved. A guard checks that the
    account exists. `policy_version` is that of the policy that decided, and `catalog_revision` is
    how many entries the catalogue had (Rules 3.5, 14).
    """

    __tablename__ = "operations"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seller: Mapped[str] = mapped_column(Id)
    account: Mapped[str] = mapped_column(Id)
    subscription: Mapped[str | None] = mapped_column(Id)
    cycle: Mapped[date | None]
    purpose: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Id)
    fingerprint: Mapped[str | None] = mapped_column(Text)
    external_invoice: Mapped[str | None] = mapped_column(Text)
    charge: Mapped[str | None] = mapped_column(Id, ForeignKey("card_charges.key"))
    at: Mapped[datetime] = mapped_column(Instant)
    result: Mapped[dict[str, Any]] = mapped_column(JSONB)
    policy_version: Mapped[int | None]
    catalog_revision: Mapped[int | None]
    __table_args__ = (
        Index(
            "operations_once_per_cycle",
            "subscription",
            "cycle",
            "purpose",
            unique=True,
            postgresql_where=text("subscription IS NOT NULL AND cycle IS NOT NULL"),
        ),
        Index(
            "operations_once_per_request",
            "seller",
            "request_id",
            unique=True,
            postgresql_where=text("request_id IS NOT NULL"),
        ),
        Index(
            "operations_once_per_charge",
            "charge",
            unique=True,
            postgresql_where=text("charge IS NOT NULL"),
        ),
        Index(
            "operations_account",
            "account",
            "id",
            postgresql_where=text(f"purpose <> '{Purpose.NEXT_CYCLE}'"),
        ),
        Index("operations_received", "account", "id", postgresql_where=text(RECEIVED)),
        Index(
            "operations_external_invoice",
            "seller",
            "external_invoice",
            postgresql_where=text("external_invoice IS NOT NULL"),
        ),
        Index(
            "operations_opening",
            "account",
            postgresql_where=text(f"purpose = '{Purpose.OPENING_CREDITS}'"),
        ),
        Index(
            "operations_month",
            text("(date_trunc('month'::text, (at AT TIME ZONE 'UTC'::text))::date)"),
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 16},
        ),
        CheckConstraint(
            f"(purpose = '{Purpose.CARD_CHARGE}') = (charge IS NOT NULL)", name="operations_charge"
        ),
        _one_of("purpose", Purpose, "operations_purpose"),
    )


class Posting(Base):
    """One side of a double entry. An operation's postings sum to zero. Never changed.

    The guard of double entry checks that the operation exists.
    """

    __tablename__ = "postings"
    operation: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    book: Mapped[str] = mapped_column(Text)
    account: Mapped[str] = mapped_column(Id)
    currency: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(Money)
    __table_args__ = (
        # Few installations have such postings. Reconciliation sums them, and reads no others.
        Index(
            "postings_of_sellers",
            "account",
            postgresql_include=["currency", "amount"],
            postgresql_where=text(f"book = '{Book.SELLER}'"),
        ),
        _one_of("book", Book, "postings_book"),
    )


class PeriodRow(Base):
    """One paid cycle, or the days of a trial (Rules 1.2, 4.3). Never changed.

    What was paid for it is in `period_charges`. A guard checks that the operation exists.
    """

    __tablename__ = "periods"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    operation: Mapped[int] = mapped_column(BigInteger)
    subscription: Mapped[str] = mapped_column(Id, ForeignKey("subscriptions.id"))
    account: Mapped[str] = mapped_column(Id)
    start: Mapped[date]
    expiry: Mapped[date]
    months: Mapped[int]
    scheduled_start: Mapped[date]
    left_over: Mapped[int | None] = mapped_column(SmallInteger)
    left_over_of: Mapped[int | None] = mapped_column(SmallInteger)
    discount: Mapped[Decimal | None] = mapped_column(Numeric(8, 5))
    __table_args__ = (
        UniqueConstraint("subscription", "expiry", name="periods_subscription_expiry"),
        Index(
            "periods_expiry",
            "expiry",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 16},
        ),
        CheckConstraint("start <= expiry", name="periods_start"),
    )


class PeriodCharge(Base):
    """What an operation charged the wallet for a period (Rule 8.2). Never changed.

    A period can have several charges. The first is its fee, later ones are prorated (Rule 3.4).
    A period that an external invoice or another system paid has none, and neither have the days of
    a trial. A guard checks that the period and the operation exist.
    """

    __tablename__ = "period_charges"
    period: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    operation: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    amount: Mapped[Decimal] = mapped_column(Money)
    __table_args__ = (CheckConstraint("amount >= 0", name="period_charges_amount"),)


class RefundRow(Base):
    """What was given back of a period (Rule 8.4). Never changed.

    The refunds of a period never exceed its charges.
    """

    __tablename__ = "refunds"
    period: Mapped[int] = mapped_column(ForeignKey("periods.id"), primary_key=True)
    operation: Mapped[int] = mapped_column(ForeignKey("operations.id"), primary_key=True)
    amount: Mapped[Decimal] = mapped_column(Money)
    __table_args__ = (
        Index("refunds_operation", "operation"),
        CheckConstraint("amount > 0", name="refunds_amount"),
    )


class Invoice(Base):
    """An invoice or credit note with its lines (Rule 11.4). Only its number is added later.

    `due` is what was still to be paid when it was issued. A guard checks that the operation exists.
    `seq` is the order of issue. `number` is gap-free by seller. It is given after the commit, in
    batches, and is NULL until then. What its document shows is fixed with the number: the versions
    of the two profiles (NULL where there was none), and the tax (NULL for none).
    """

    __tablename__ = "invoices"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, Identity())
    seller: Mapped[str] = mapped_column(Id)
    account: Mapped[str] = mapped_column(Id)
    operation: Mapped[int] = mapped_column(BigInteger, unique=True)
    kind: Mapped[str] = mapped_column(Text)
    date: Mapped[date]
    currency: Mapped[str] = mapped_column(Text)
    total: Mapped[Decimal] = mapped_column(Money)
    lines: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    due: Mapped[Decimal] = mapped_column(Money, server_default="0")
    number: Mapped[int | None] = mapped_column(BigInteger)
    seller_profile: Mapped[int | None]
    customer_profile: Mapped[int | None]
    tax: Mapped[int | None] = mapped_column(ForeignKey("tax_rates.id"))
    __table_args__ = (
        Index("invoices_account", "account", "seq"),
        Index(
            "invoices_number",
            "seller",
            "number",
            unique=True,
            postgresql_where=text("number IS NOT NULL"),
        ),
        Index(
            "invoices_one_a_month",
            "account",
            "date",
            "kind",
            unique=True,
            postgresql_where=text(
                f"kind = '{InvoiceKind.MONTHLY}' OR kind = '{InvoiceKind.CONSOLIDATED}'"
            ),
        ),
        Index("invoices_unnumbered", "seller", "seq", postgresql_where=text("number IS NULL")),
        _one_of("kind", InvoiceKind, "invoices_kind"),
    )


class DocumentRow(Base):
    """A document as it was first made, with the SHA-256 of its bytes. Never changed.

    `reference` is the id of the invoice, or of the operation that a receipt is for.
    """

    __tablename__ = "documents"
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    reference: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    format: Mapped[str] = mapped_column(Text, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        CheckConstraint("sha256 = encode(sha256(content), 'hex')", name="documents_sha256"),
        _one_of("kind", DocumentKind, "documents_kind"),
        _one_of("format", Format, "documents_format"),
    )


class MonthlyAmount(Base):
    """An amount that waits for the monthly invoice, and is then on it (Rules 10.1, 11.4).

    `operation`, `line`: what has charged it. A guard checks that the operation exists.
    `month`: the first day of the month on whose invoice it stands. `description`: its line
    there.
    `consolidated`: it stands on the consolidated invoice of a postpaid account (Rule 11.6).
    `invoice`: the invoice, set once. It is NULL while the amount waits.
    """

    __tablename__ = "monthly_amounts"
    operation: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    account: Mapped[str] = mapped_column(Id)
    month: Mapped[date]
    consolidated: Mapped[bool]
    description: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(Money)
    invoice: Mapped[int | None] = mapped_column(ForeignKey("invoices.id"))
    __table_args__ = (
        Index(
            "monthly_amounts_waiting",
            "account",
            "month",
            postgresql_where=text("invoice IS NULL"),
        ),
        Index("monthly_amounts_invoice", "invoice", postgresql_where=text("invoice IS NOT NULL")),
        CheckConstraint("amount > 0", name="monthly_amounts_amount"),
        CheckConstraint("extract(day FROM month) = 1", name="monthly_amounts_month"),
    )


#: The order of the lines of a monthly invoice, in a query that joins their operations: by time. Ids
#: are handed out to processes in blocks, and are in no order of time.
MONTHLY_LINES = (Operation.at, MonthlyAmount.operation, MonthlyAmount.line)


class History(Base):
    """Who did what, when, by which rule, and how it changed the balance. Never changed.

    A line with a `balance` is a transaction of the account (Rule 11.7). `balance` is the account's
    after the line. `unbilled` is what a postpaid account has unbilled then. A prepaid account has
    NULL there. The lines of one account are numbered in the order of their commits.
    """

    __tablename__ = "history"
    seq: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    account: Mapped[str] = mapped_column(Id)
    subscription: Mapped[str | None] = mapped_column(Id)
    event: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal | None] = mapped_column(Money)
    rule: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    operation: Mapped[int | None] = mapped_column(BigInteger)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    balance: Mapped[Decimal | None] = mapped_column(Money)
    unbilled: Mapped[Decimal | None] = mapped_column(Money)
    __table_args__ = (
        Index("history_subscription", "subscription", "seq"),
        Index("history_account", "account", "seq"),
        Index("history_at", "at", postgresql_using="brin", postgresql_with={"pages_per_range": 16}),
        Index(
            "history_seldom",
            "account",
            "event",
            "seq",
            postgresql_where=text(f"balance IS NOT NULL AND event <> '{Event.RENEWED}'"),
        ),
        _one_of("event", Event, "history_event"),
        _one_of("rule", Rule, "history_rule"),
    )


class RefusalRow(Base):
    """A command that a rule has refused. It has changed nothing else (Rule 2). Never changed.

    `account` is the account that was meant, empty where the seller has no such account. The newest
    refusals of an account are kept (`core.ledger.refusals`). `at` is the instant of the request.
    """

    __tablename__ = "refusals"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    seller: Mapped[str] = mapped_column(Id)
    account: Mapped[str] = mapped_column(Id)
    subject_kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Id)
    do: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Id)
    rule: Mapped[str] = mapped_column(Text)
    sentence: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        Index("refusals_account", "seller", "account", "id"),
        Index("refusals_subject", "seller", "subject", "id"),
        UniqueConstraint("seller", "request_id", "at", "do", "rule", name="refusals_once"),
        CheckConstraint(f"length(sentence) <= {LONGEST_TEXT}", name="refusals_sentence"),
        _one_of("subject_kind", SubjectKind, "refusals_subject_kind"),
        _one_of("rule", Rule, "refusals_rule"),
    )


class Message(Base):
    """The outbox: a notice and the instant it is due. It is checked again then (Rule 12)."""

    __tablename__ = "messages"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    subscription: Mapped[str] = mapped_column(Id, ForeignKey("subscriptions.id"))
    account: Mapped[str] = mapped_column(Id)
    clock: Mapped[str | None] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(Text)
    expiry: Mapped[date]
    due: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(Text, server_default=MessageState.PLANNED)
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    why: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        UniqueConstraint("subscription", "expiry", "kind", name="messages_once"),
        Index(
            "messages_due",
            "due",
            postgresql_where=text(f"state = '{MessageState.PLANNED}' AND clock IS NULL"),
        ),
        Index(
            "messages_due_on_clock",
            "clock",
            "due",
            postgresql_where=text(f"state = '{MessageState.PLANNED}' AND clock IS NOT NULL"),
        ),
        _one_of("kind", Notice, "messages_kind"),
        _one_of("state", MessageState, "messages_state"),
    )


class Endpoint(Base):
    """Where messages of a seller go: a webhook of its platform, or e-mails.

    The e-mails are those to customers, or the alarms of the seller. See Rule 12 and
    docs/decisions/0025.

    `url`, `salt`, `key`: of a webhook.
    `sender`, `seller_address`: of e-mails. Who they are from, and where the seller gets its own.
    `events`: the events that it gets. NULL is all of them.
    `test_clocks`: whether it gets events of accounts on test clocks.
    `salt`, `key`: its secret is derived from the key of this fingerprint, and the salt.
    `old_salt`, `old_key`, `old_until`: the secret before, which signs as well until then.
    `failures`, `failing_since`: attempts in a row without a success. `paused_until`: it is left
    alone for so long.
    `off_at`, `off_why`: it was switched off. Nothing is kept for it while it is off.
    """

    __tablename__ = "endpoints"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"))
    name: Mapped[str] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    sender: Mapped[str | None] = mapped_column(Text)
    seller_address: Mapped[str | None] = mapped_column(Text)
    events: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    test_clocks: Mapped[bool] = mapped_column(server_default="false")
    salt: Mapped[str | None] = mapped_column(Text)
    key: Mapped[str | None] = mapped_column(Text)
    old_salt: Mapped[str | None] = mapped_column(Text)
    old_key: Mapped[str | None] = mapped_column(Text)
    old_until: Mapped[datetime | None] = mapped_column(Instant)
    added_at: Mapped[datetime] = mapped_column(Instant)
    added_by: Mapped[str] = mapped_column(Text)
    failures: Mapped[int] = mapped_column(server_default="0")
    failing_since: Mapped[datetime | None] = mapped_column(Instant)
    paused_until: Mapped[datetime | None] = mapped_column(Instant)
    off_at: Mapped[datetime | None] = mapped_column(Instant)
    off_why: Mapped[str | None] = mapped_column(Text)
    removed_at: Mapped[datetime | None] = mapped_column(Instant)
    __table_args__ = (
        Index(
            "endpoints_name",
            "seller",
            "name",
            unique=True,
            postgresql_where=text("removed_at IS NULL"),
        ),
        _one_of("kind", EndpointKind, "endpoints_kind"),
        CheckConstraint(
            f"kind = '{EndpointKind.WEBHOOK}' AND url IS NOT NULL AND salt IS NOT NULL "
            f"AND key IS NOT NULL OR kind = '{EndpointKind.MAIL}' AND sender IS NOT NULL "
            f"OR kind = '{EndpointKind.ALARMS}' AND sender IS NOT NULL "
            "AND seller_address IS NOT NULL",
            name="endpoints_whole",
        ),
    )


class AlarmRow(Base):
    """What a seller is told of its own business. The same `key` is raised once (Rule 12).

    `seq`: a number of the history, so that both are in one order.
    `account`: whom it is about, NULL for the whole business.
    """

    __tablename__ = "alarms"
    seq: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, server_default=text("nextval('history_seq_seq')")
    )
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"))
    kind: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    account: Mapped[str | None] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(Instant)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    __table_args__ = (
        UniqueConstraint("seller", "kind", "key", name="alarms_once"),
        Index("alarms_newest", "seller", "kind", "seq"),
        Index("alarms_old", "at"),
        _one_of("kind", Alarm, "alarms_kind"),
    )


class Delivery(Base):
    """A line of the history that goes to an endpoint, or an alarm that goes to the seller.

    The guard `tell_endpoints` writes it.

    `event`: the line of the history or the alarm. `account`: NULL for the whole business.
    `subject`: the subscription, account or kind of alarm in whose order it goes.
    `first_at`: when it was to go out. `next_at`: when it is tried next, or when another worker may
    take it over.
    `status`, `error`: the HTTP status of the last attempt, and what went wrong.
    """

    __tablename__ = "deliveries"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    endpoint: Mapped[int] = mapped_column(ForeignKey("endpoints.id"))
    event: Mapped[int] = mapped_column(BigInteger)
    account: Mapped[str | None] = mapped_column(Id)
    subject: Mapped[str] = mapped_column(Id)
    state: Mapped[str] = mapped_column(Text, server_default=DeliveryState.PENDING)
    attempts: Mapped[int] = mapped_column(server_default="0")
    first_at: Mapped[datetime] = mapped_column(Instant, server_default=text("now()"))
    next_at: Mapped[datetime] = mapped_column(Instant, server_default=text("now()"))
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    status: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        UniqueConstraint("endpoint", "event", name="deliveries_once"),
        Index(
            "deliveries_due",
            "endpoint",
            "next_at",
            "event",
            postgresql_where=text(f"state = '{DeliveryState.PENDING}'"),
        ),
        Index(
            "deliveries_in_order",
            "endpoint",
            "subject",
            "event",
            postgresql_where=text(f"state = '{DeliveryState.PENDING}'"),
        ),
        Index(
            "deliveries_failed",
            "endpoint",
            "event",
            postgresql_where=text(f"state = '{DeliveryState.FAILED}'"),
        ),
        Index(
            "deliveries_done",
            "done_at",
            postgresql_where=text(
                f"state = '{DeliveryState.DELIVERED}' OR state = '{DeliveryState.DROPPED}'"
            ),
        ),
        Index("deliveries_account", "account", "event"),
        _one_of("state", DeliveryState, "deliveries_state"),
    )


class ImportRow(Base):
    """An import of a file, which can be undone (docs/decisions/0021). Never changed.

    `digest` is that of the file and its mapping. The same file with the same choices continues an
    import that was interrupted. `prefix` stands before the ids of the file. `as_of` is the day on
    which Perennial takes over, NULL for the day of the import.
    """

    __tablename__ = "imports"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"))
    kind: Mapped[str] = mapped_column(Text)
    file: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(Id)
    clock: Mapped[str | None] = mapped_column(Id)
    as_of: Mapped[date | None]
    actor: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Instant)
    __table_args__ = (
        _own_clock("imports_own_clock"),
        Index("imports_seller", "seller", "id"),
        _one_of("kind", ImportKind, "imports_kind"),
    )


class ImportedRow(Base):
    """What came in with an import: a subscription and its account, or a number without one.

    `undone_at` is set when it was taken back. `ended` is set when the workflow has ended after
    that. Until then the id cannot be imported again.
    """

    __tablename__ = "imported"
    import_id: Mapped[int] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    account: Mapped[str] = mapped_column(Id, primary_key=True)
    subject: Mapped[str] = mapped_column(Id, primary_key=True)
    undone_at: Mapped[datetime | None] = mapped_column(Instant)
    ended: Mapped[bool] = mapped_column(server_default="false")
    __table_args__ = (
        Index(
            "imported_not_ended",
            "subject",
            postgresql_where=text("undone_at IS NOT NULL AND NOT ended"),
        ),
    )


class CardCharge(Base):
    """A card charge. It is written before the gateway is called and settled afterwards.

    `key` is the idempotency key at the gateway. `calls` counts how often the gateway may have been
    called. `booked` says that the ledger holds the outcome: the credit, or the record of the
    decline. An account has one open charge at a time, so a retry finds that charge.
    """

    __tablename__ = "card_charges"
    key: Mapped[str] = mapped_column(Id, primary_key=True)
    account: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id"))
    subscription: Mapped[str | None] = mapped_column(Id)
    card: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(Money)
    currency: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    outcome: Mapped[str] = mapped_column(Text, server_default=ChargeOutcome.PENDING)
    reason: Mapped[str | None] = mapped_column(Text)
    calls: Mapped[int] = mapped_column(server_default="0")
    booked: Mapped[bool] = mapped_column(server_default="false")
    __table_args__ = (
        Index("card_charges_one_open", "account", unique=True, postgresql_where=text("NOT booked")),
        Index("card_charges_account", "account", "key"),
        Index(
            "card_charges_never_made",
            "asked_at",
            "key",
            postgresql_where=text(f"reason = '{NEVER_MADE}'"),
        ),
        CheckConstraint("amount > 0", name="card_charges_amount"),
        _one_of("outcome", ChargeOutcome, "card_charges_outcome"),
        CheckConstraint(
            f"NOT booked OR outcome <> '{ChargeOutcome.PENDING}'", name="card_charges_booked"
        ),
    )


class VerifiedBalance(Base):
    """What reconciliation has verified of an account's wallet.

    `balance` is the sum of the wallet's postings of all operations in the account's history up to
    `seq`, and `sums` the same by purpose (core/ledger/movements.py). `differs` says that the
    balance of the account was another one when last compared. There is no foreign key, because it
    would wait for the lock of the account.
    """

    __tablename__ = "verified_balances"
    account: Mapped[str] = mapped_column(Id, primary_key=True)
    balance: Mapped[Decimal] = mapped_column(Money)
    seq: Mapped[int] = mapped_column(BigInteger)
    differs: Mapped[bool]
    sums: Mapped[dict[str, list[Any]]] = mapped_column(JSONB)
    __table_args__ = (
        Index("verified_balances_differ", "account", postgresql_where=text("differs")),
    )


class ReconciliationMark(Base):
    """How far reconciliation has looked at something.

    `number` is the last number that needs no further look, `key` the last id. Rows of the history
    up to `seen` were read while transactions below `seen_by` may still have been running.
    """

    __tablename__ = "reconciliation_marks"
    name: Mapped[str] = mapped_column(Id, primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, server_default="0")
    key: Mapped[str] = mapped_column(Id, server_default="")
    seen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    seen_by: Mapped[int] = mapped_column(BigInteger, server_default="0")


class CampaignRow(Base):
    """A campaign: one command on many subscriptions (docs/campaigns.md).

    `do`, `options`: the command that every row carries out. `selection`: the filter in words, or
    how many ids were listed. `rate`: rows per second, at most. `settled`: the rows that have an
    outcome. `told`: its workflow runs, and knows of the last change of the state.
    """

    __tablename__ = "campaigns"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"))
    request_id: Mapped[str] = mapped_column(Id)
    fingerprint: Mapped[str] = mapped_column(Text)
    do: Mapped[str] = mapped_column(Text)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    actor: Mapped[str] = mapped_column(Text)
    selection: Mapped[str] = mapped_column(Text)
    rows: Mapped[int]
    settled: Mapped[int] = mapped_column(server_default="0")
    rate: Mapped[int]
    state: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    told: Mapped[bool] = mapped_column(server_default="false")
    __table_args__ = (
        UniqueConstraint("seller", "request_id", name="campaigns_once_per_request"),
        Index("campaigns_newest", "seller", "started_at", "id"),
        Index("campaigns_untold", "id", postgresql_where=text("NOT told")),
        Index(
            "campaigns_running",
            "id",
            postgresql_where=text(f"state = '{CampaignState.RUNNING}'"),
        ),
        CheckConstraint("settled BETWEEN 0 AND rows", name="campaigns_settled"),
        CheckConstraint("rate > 0", name="campaigns_rate"),
        _one_of("state", CampaignState, "campaigns_state"),
    )


class CampaignItem(Base):
    """A row of a campaign, with its outcome once it has one.

    `row` counts from 1 and is a part of the request id. `line` is the line of the file. `amount` is
    what was paid, negative for what was given back. `sentence`: what was done, or why not.
    """

    __tablename__ = "campaign_rows"
    campaign: Mapped[str] = mapped_column(Id, ForeignKey("campaigns.id"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int]
    subscription: Mapped[str] = mapped_column(Id)
    outcome: Mapped[str | None] = mapped_column(Text)
    amount: Mapped[Decimal | None] = mapped_column(Money)
    currency: Mapped[str | None] = mapped_column(Text)
    rule: Mapped[str | None] = mapped_column(Text)
    sentence: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime | None] = mapped_column(Instant)
    __table_args__ = (
        Index(
            "campaign_rows_open",
            "campaign",
            "row",
            postgresql_where=text(f"outcome IS NULL OR outcome = '{RowOutcome.UNKNOWN}'"),
        ),
        UniqueConstraint("campaign", "subscription", name="campaign_rows_once"),
        _one_of("outcome", RowOutcome, "campaign_rows_outcome"),
    )


class ApiKey(Base):
    """A key of the HTTP API (docs/api.md). It belongs to a seller and has one role.

    `id` is public, a part of the key and its prefix. `digest` is the SHA-256 of the key's secret in
    hexadecimal. The secret itself is never stored. `expires_at` is never moved to a later
    instant. `used_at` is exact to a minute. `rotated_to` is the key that replaces it. `scopes`: the
    operations that it is narrowed to. NULL: all of its role.
    """

    __tablename__ = "api_keys"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"))
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    scopes: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    digest: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
    rotated_to: Mapped[str | None] = mapped_column(Id, ForeignKey("api_keys.id"))
    __table_args__ = (
        Index("api_keys_seller", "seller", "created_at", "id"),
        CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="api_keys_digest"),
        _one_of("role", Role, "api_keys_role"),
    )


class Staff(Base):
    """A person who signs in (docs/staff.md). The person belongs to a seller and has one role.

    `email` is in small letters. `password` is an argon2id hash, NULL for a person without one.
    `failures` are the wrong attempts in a row. The secret of the codes is derived from `code_salt`
    and the key of the environment whose fingerprint is `code_key`. The codes are asked for since
    `code_since`. `code_step` is the time step of the code that was used last.
    """

    __tablename__ = "staff"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"))
    email: Mapped[str] = mapped_column(Id)
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    password: Mapped[str | None] = mapped_column(Text)
    code_key: Mapped[str | None] = mapped_column(Text)
    code_salt: Mapped[str | None] = mapped_column(Text)
    code_since: Mapped[datetime | None] = mapped_column(Instant)
    code_step: Mapped[int | None] = mapped_column(BigInteger)
    failures: Mapped[int] = mapped_column(server_default="0")
    locked_until: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    created_by: Mapped[str] = mapped_column(Text)
    signed_in_at: Mapped[datetime | None] = mapped_column(Instant)
    off_at: Mapped[datetime | None] = mapped_column(Instant)
    __table_args__ = (
        UniqueConstraint("seller", "email", name="staff_email"),
        CheckConstraint("email = lower(email)", name="staff_email_small"),
        CheckConstraint("password LIKE '$argon2id$%'", name="staff_password"),
        CheckConstraint("failures >= 0", name="staff_failures"),
        _one_of("role", Role, "staff_role"),
    )


class RecoveryCode(Base):
    """A code for the day on which the app is lost. It is deleted when it is used."""

    __tablename__ = "recovery_codes"
    staff: Mapped[str] = mapped_column(Id, ForeignKey("staff.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"))


class StaffRules(Base):
    """What a seller demands of its staff.

    `codes`: whether people of roles of money sign in with a code only.
    """

    __tablename__ = "staff_rules"
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"), primary_key=True)
    codes: Mapped[bool] = mapped_column(server_default="false")


class Session(Base):
    """A session of a person of the staff. `id` is public, `digest` the SHA-256 of its secret.

    `how`: how the person has signed in. `address`: where from. `seen_at` is exact to a minute.
    """

    __tablename__ = "sessions"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"))
    staff: Mapped[str] = mapped_column(Id, ForeignKey("staff.id"))
    digest: Mapped[str] = mapped_column(Text)
    how: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    __table_args__ = (
        Index("sessions_living", "seller", "id", postgresql_where=text("ended_at IS NULL")),
        Index("sessions_of", "staff", postgresql_where=text("ended_at IS NULL")),
        CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="sessions_digest"),
        CheckConstraint("char_length(address) <= 100", name="sessions_address"),
    )


class ApiRequest(Base):
    """A request of the HTTP API that was no command: what it did, by its idempotency key.

    The transaction that did it has written the row. `fingerprint` is a salted hash of what was
    asked. `document` is what the caller was told. It never holds a secret. Never changed.
    """

    __tablename__ = "api_requests"
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"), primary_key=True)
    request_id: Mapped[str] = mapped_column(Id, primary_key=True)
    do: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(Text)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        Index(
            "api_requests_account",
            text("(document ->> 'account')"),
            postgresql_where=text("\"do\" = 'open_account'"),
        ),
    )


class BackgroundRequest(Base):
    """A request of the HTTP API that goes on after its response.

    `run`: a random word of the process that works on it. Only this one tells of it. `about`: what
    was settled when it was asked for first. `told_at`: when that process has last told how far it
    is. `stopped`: it has given up. The row is deleted when a row of `api_requests` says what the
    request did.
    """

    __tablename__ = "background_requests"
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"), primary_key=True)
    request_id: Mapped[str] = mapped_column(Id, primary_key=True)
    do: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    told_at: Mapped[datetime] = mapped_column(Instant)
    run: Mapped[str] = mapped_column(Text)
    about: Mapped[dict[str, Any]] = mapped_column(JSONB)
    done: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int] = mapped_column(server_default="0")
    stopped: Mapped[bool] = mapped_column(server_default="false")


class MoneyLimitRow(Base):
    """What each program or person of a role moves without a second person (docs/staff.md)."""

    __tablename__ = "money_limits"
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"), primary_key=True)
    role: Mapped[str] = mapped_column(Text, primary_key=True)
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    per_command: Mapped[Decimal] = mapped_column(Money)
    per_day: Mapped[Decimal] = mapped_column(Money)
    __table_args__ = (
        CheckConstraint("per_command >= 0 AND per_day >= 0", name="money_limits_amounts"),
        _one_of("role", Role, "money_limits_role"),
    )


class MoneyMoved(Base):
    """What a limited program or person has moved by itself. `who`: the key or the person."""

    __tablename__ = "money_moved"
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"), primary_key=True)
    request_id: Mapped[str] = mapped_column(Id, primary_key=True)
    who: Mapped[str] = mapped_column(Id)
    day: Mapped[date]
    currency: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(Money)
    __table_args__ = (
        Index("money_moved_day", "seller", "who", "day"),
        CheckConstraint("amount >= 0", name="money_moved_amount"),
    )


class Approval(Base):
    """A command that needs a second person (docs/staff.md).

    `values`: its fields. `who`: the key or the person that has asked, `decided_who` the one that
    has decided. `asked_by` and `decided_by` are the same for people. `amount`: what it would move.
    """

    __tablename__ = "approvals"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"))
    do: Mapped[str] = mapped_column(Text)
    values: Mapped[dict[str, Any]] = mapped_column(JSONB)
    request_id: Mapped[str] = mapped_column(Id)
    fingerprint: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(Id)
    asked_by: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(Money)
    currency: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[str | None] = mapped_column(Text)
    decided_who: Mapped[str | None] = mapped_column(Id)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    outcome: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        UniqueConstraint("seller", "request_id", name="approvals_once_per_request"),
        Index("approvals_newest", "seller", "asked_at", "id"),
        Index("approvals_state", "seller", "state", "asked_at", "id"),
        CheckConstraint("state <> 'approved' OR decided_who <> who", name="approvals_second"),
        CheckConstraint("(state = 'open') = (decided_who IS NULL)", name="approvals_decided"),
        _one_of("role", Role, "approvals_role"),
    )


class TermEffect(Base):
    """What new terms would change for a sample of accounts (docs/decisions/0040).

    `kind`: of which terms. `draft`: the new terms, as the editor has them. `told_at`: when the
    process that works it out has last told how far it is. `found`: the effect, when it is there.
    `error`: why there is none.
    """

    __tablename__ = "term_effects"
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"), primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    draft: Mapped[dict[str, Any]] = mapped_column(JSONB)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    asked_by: Mapped[str] = mapped_column(Text)
    told_at: Mapped[datetime] = mapped_column(Instant)
    done: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int] = mapped_column(server_default="0")
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    found: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    error: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        Index("term_effects_newest", "seller", "asked_at", "id"),
        CheckConstraint("done >= 0 AND total >= done", name="term_effects_progress"),
    )


class Audit(Base):
    """An act of a person or a program, chained by hash (`core.ledger.audit`, docs/staff.md).

    `position` counts from 1 in its chain. `hash` is the SHA-256 of the other columns but `id`.
    `previous` is the hash of the record before it in the chain.
    """

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    seller: Mapped[str] = mapped_column(Id, primary_key=True)
    chain: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Id)
    act: Mapped[str] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Id)
    outcome: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    previous: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        Index("audit_newest", "seller", "id"),
        Index("audit_actor", "seller", "actor", "id"),
        Index("audit_subject", "seller", "subject", "id"),
        Index("audit_act", "seller", "act", "id"),
        CheckConstraint("position > 0", name="audit_position"),
    )
