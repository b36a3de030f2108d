"""The tables, typed. What the database itself guarantees beyond keys (balanced postings, nothing changed or deleted, no refund above
what was paid, nothing spent beyond usable) stands in the triggers of the migrations.

Instants are `timestamptz`, days are local dates of the account, money is `numeric` in the account's currency.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Identity,
    Index,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Money = Numeric(20, 5)
Instant = TIMESTAMP(timezone=True)
#: Ids are compared by code points, whatever the database's locale (Rule 1.7).
Id = Text(collation="C")


class Base(DeclarativeBase):
    """All tables of the ledger."""


class Seller(Base):
    """Everything belongs to a seller. The two counters name the policy in force and the newest state of the catalogue."""

    __tablename__ = "sellers"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    policy_version: Mapped[int] = mapped_column(server_default="0")
    catalog_revision: Mapped[int] = mapped_column(server_default="0")


class PolicyVersion(Base):
    """A policy, never changed: only what differs from the defaults (Rule 14)."""

    __tablename__ = "policies"
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)


class CatalogEntry(Base):
    """One entry of the catalogue as it was loaded: a SKU, or a later version of one (Rule 3.5). Never changed."""

    __tablename__ = "catalog_entries"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"))
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    __table_args__ = (Index("catalog_entries_seller", "seller", "id"),)


class Clock(Base):
    """A test clock: a virtual now for the accounts attached to it."""

    __tablename__ = "clocks"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    now: Mapped[datetime] = mapped_column(Instant)


class AccountRow(Base):
    """One customer organisation. `balance` is written by the trigger on postings alone; `credit_limit_until` is the limit's last day and
    `credit_limit_ends` the first instant after it."""

    __tablename__ = "accounts"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"))
    currency: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    clock: Mapped[str | None] = mapped_column(Id, ForeignKey("clocks.id"))
    owner: Mapped[str | None] = mapped_column(Text)
    billing_email: Mapped[str | None] = mapped_column(Text)
    balance: Mapped[Decimal] = mapped_column(Money, server_default="0")
    reserved: Mapped[Decimal] = mapped_column(Money, server_default="0")
    liability: Mapped[Decimal] = mapped_column(Money, server_default="0")
    credit_limit: Mapped[Decimal] = mapped_column(Money, server_default="0")
    credit_limit_until: Mapped[date | None]
    credit_limit_ends: Mapped[datetime | None] = mapped_column(Instant)
    card: Mapped[str | None] = mapped_column(Text)
    renew_by_card: Mapped[bool] = mapped_column(server_default="false")
    suspended: Mapped[bool] = mapped_column(server_default="false")
    __table_args__ = (
        Index("accounts_clock", "clock", "timezone", postgresql_where=text("clock IS NOT NULL")),
    )


class SubscriptionRow(Base):
    """One subscription, its state and its next step. `workflow_started` is set when its workflow has been seen to exist."""

    __tablename__ = "subscriptions"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    account: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id"))
    clock: Mapped[str | None] = mapped_column(Id)
    sku: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int]
    multiplier: Mapped[int]
    addons: Mapped[dict[str, int]] = mapped_column(JSONB)
    legacy: Mapped[bool]
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
    next_kind: Mapped[str | None] = mapped_column(Text)
    next_due: Mapped[datetime | None] = mapped_column(Instant)
    next_rule: Mapped[str | None] = mapped_column(Text)
    next_why: Mapped[str | None] = mapped_column(Text)
    workflow_started: Mapped[bool] = mapped_column(server_default="false")
    __table_args__ = (
        Index("subscriptions_account", "account", "renewal_date"),
        Index(
            "subscriptions_account_due",
            "account",
            "next_due",
            postgresql_where=text("next_due IS NOT NULL"),
        ),
        Index(
            "subscriptions_due", "clock", "next_due", postgresql_where=text("next_due IS NOT NULL")
        ),
        Index("subscriptions_unstarted", "id", postgresql_where=text("NOT workflow_started")),
    )


class Operation(Base):
    """What lies behind every movement. Unique by (subscription, cycle, purpose) and by the seller's request id; its `result` answers every
    repetition (Rules 4.2, 11.3). `cycle` is the day before the cycle that was paid: the expiry date it moved. Never changed."""

    __tablename__ = "operations"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seller: Mapped[str] = mapped_column(Id)
    account: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id"))
    subscription: Mapped[str | None] = mapped_column(Id)
    cycle: Mapped[date | None]
    purpose: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Id)
    fingerprint: Mapped[str | None] = mapped_column(Text)
    external_invoice: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Instant)
    result: Mapped[dict[str, Any]] = mapped_column(JSONB)
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
        Index("operations_account", "account", "at"),
    )


class Posting(Base):
    """One side of a double entry. An operation's postings sum to zero (Rule 11.3). Never changed."""

    __tablename__ = "postings"
    operation: Mapped[int] = mapped_column(ForeignKey("operations.id"), primary_key=True)
    line: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    book: Mapped[str] = mapped_column(Text)
    account: Mapped[str] = mapped_column(Id)
    currency: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(Money)


class PeriodRow(Base):
    """One paid cycle and what was paid for it from the wallet (Rules 1.2, 8.2). Never changed."""

    __tablename__ = "periods"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    operation: Mapped[int] = mapped_column(ForeignKey("operations.id"))
    subscription: Mapped[str] = mapped_column(Id, ForeignKey("subscriptions.id"))
    account: Mapped[str] = mapped_column(Id)
    sku: Mapped[str] = mapped_column(Text)
    start: Mapped[date]
    expiry: Mapped[date]
    months: Mapped[int]
    scheduled_start: Mapped[date]
    paid: Mapped[Decimal] = mapped_column(Money)
    __table_args__ = (
        UniqueConstraint("subscription", "expiry", name="periods_subscription_expiry"),
    )


class RefundRow(Base):
    """What was given back of a period; their sum never exceeds what was paid (Rule 8.4). Never changed."""

    __tablename__ = "refunds"
    operation: Mapped[int] = mapped_column(ForeignKey("operations.id"), primary_key=True)
    period: Mapped[int] = mapped_column(ForeignKey("periods.id"), primary_key=True)
    amount: Mapped[Decimal] = mapped_column(Money)


class Invoice(Base):
    """An invoice or credit note, its lines in it (Rule 11.4). `seq` is the order of issue; its number is in `invoice_numbers`. Never changed."""

    __tablename__ = "invoices"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    seller: Mapped[str] = mapped_column(Id)
    account: Mapped[str] = mapped_column(Id)
    operation: Mapped[int] = mapped_column(ForeignKey("operations.id"), unique=True)
    kind: Mapped[str] = mapped_column(Text)
    date: Mapped[date]
    currency: Mapped[str] = mapped_column(Text)
    total: Mapped[Decimal] = mapped_column(Money)
    lines: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    __table_args__ = (Index("invoices_account", "account", "seq"),)


class InvoiceNumber(Base):
    """The gap-free number of an invoice, given after its commit, in batches (Rule 11.4). Never changed."""

    __tablename__ = "invoice_numbers"
    seller: Mapped[str] = mapped_column(Id, ForeignKey("sellers.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    invoice: Mapped[int] = mapped_column(ForeignKey("invoices.id"), unique=True)


class History(Base):
    """Who did what, when, by which rule, and what it did to the balance. The timeline of a scenario is read from it. Never changed."""

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
    __table_args__ = (
        Index("history_subscription", "subscription", "seq"),
        Index("history_account", "account", "seq"),
    )


class Message(Base):
    """The outbox: a notice and the instant it is due, checked again then (Rule 12). `state` is planned, sent or dropped."""

    __tablename__ = "messages"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    subscription: Mapped[str] = mapped_column(Id, ForeignKey("subscriptions.id"))
    account: Mapped[str] = mapped_column(Id)
    clock: Mapped[str | None] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(Text)
    expiry: Mapped[date]
    due: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(Text, server_default="planned")
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    why: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        UniqueConstraint("subscription", "expiry", "kind", name="messages_once"),
        Index("messages_due", "clock", "due", postgresql_where=text("state = 'planned'")),
    )


class CardCharge(Base):
    """A card charge: written before the gateway is called, settled after. `key` is what the gateway knows it by, `calls` how often it may have
    been called. `booked` says that the ledger has taken the outcome up: the credit posted, or the decline put on record. An account has
    one open charge at a time, so a repetition finds the one that was made."""

    __tablename__ = "card_charges"
    key: Mapped[str] = mapped_column(Id, primary_key=True)
    account: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id"))
    subscription: Mapped[str | None] = mapped_column(Id)
    card: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(Money)
    currency: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    outcome: Mapped[str] = mapped_column(Text, server_default="pending")
    reason: Mapped[str | None] = mapped_column(Text)
    calls: Mapped[int] = mapped_column(server_default="0")
    booked: Mapped[bool] = mapped_column(server_default="false")
    __table_args__ = (
        Index("card_charges_one_open", "account", unique=True, postgresql_where=text("NOT booked")),
    )
