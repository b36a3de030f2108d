"""The baseline: what tables.py says, and the guards.

The guards are SQL files in core/ledger/guards. This list names them in the order of their needs.
The words that a column may hold are not here: they follow the enumerations
(`core.ledger.allowed_words`).
"""

from pathlib import Path

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

GUARDS = Path(__file__).parents[2] / "guards"
IN_ORDER = (
    "ids",
    "usable",
    "sku_on",
    "double_entry",
    "operations",
    "period_charges",
    "refunds",
    "next_step",
    "numbers",
    "trials",
    "being_undone",
    "being_erased",
    "never_changed",
    "allowed_changes",
    "undo_import",
    "erase_account",
    "change_of_owner",
    "card_charges",
    "invoice_numbers",
    "monthly_invoices",
    "last_line_before",
    "account_words",
    "subscription_people",
    "tell_endpoints",
    "api_keys",
    "staff",
    "approvals",
    "sellers",
    "views",
    "reports",
)

ID = Text(collation="C")
MONEY = Numeric(20, 5)
INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Create the tables, then the guards."""
    _sellers()
    _accounts()
    _subscriptions()
    _numbers()
    _money()
    _profiles()
    _records()
    _deliveries()
    _imports()
    _reconciliation()
    _campaigns()
    _refusals()
    _api_keys()
    _staff()
    _second_person()
    _term_effects()
    _audit()
    _simulated_gateway()
    for name in IN_ORDER:
        op.execute((GUARDS / f"{name}.sql").read_text())


def downgrade() -> None:
    """There is nothing before the baseline."""
    raise RuntimeError("the baseline has no version before it: drop the database instead")


def _sellers() -> None:
    """Sellers with their policies and catalogues."""
    op.create_table(
        "sellers",
        Column("id", ID, primary_key=True),
        Column("policy_version", Integer, nullable=False, server_default="0"),
        Column("catalog_revision", Integer, nullable=False, server_default="0"),
        CheckConstraint("id <> '*'", name="sellers_id"),
    )
    op.create_table(
        "seller_wallets",
        Column("seller", ID, ForeignKey("sellers.id"), primary_key=True),
        Column("currency", Text, primary_key=True),
        Column("part", SmallInteger, primary_key=True, autoincrement=False),
        Column("balance", MONEY, nullable=False),
        CheckConstraint("balance >= 0", name="seller_wallets_balance"),
    )
    op.create_table(
        "seller_credits",
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("seller", ID, ForeignKey("sellers.id"), nullable=False),
        Column("currency", Text, nullable=False),
        Column("amount", MONEY, nullable=False),
        Column("at", INSTANT, nullable=False),
        Column("request_id", ID, nullable=False),
        Column("actor", Text, nullable=False),
        UniqueConstraint("seller", "request_id", name="seller_credits_once"),
        CheckConstraint("amount > 0", name="seller_credits_amount"),
    )
    op.create_table(
        "policies",
        Column("seller", ID, ForeignKey("sellers.id"), primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("document", JSONB, nullable=False),
    )
    op.create_table(
        "catalog_entries",
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("seller", ID, ForeignKey("sellers.id"), nullable=False),
        Column("document", JSONB, nullable=False),
    )
    op.create_index("catalog_entries_seller", "catalog_entries", ["seller", "id"])


def _accounts() -> None:
    """Test clocks and accounts."""
    op.create_table(
        "clocks",
        Column("id", ID, primary_key=True),
        Column(
            "seller", ID, nullable=False, server_default=text("current_setting('perennial.seller')")
        ),
        Column("now", INSTANT, nullable=False),
        UniqueConstraint("id", "seller", name="clocks_of_seller"),
        CheckConstraint("seller <> '*'", name="clocks_seller"),
    )
    op.create_table(
        "accounts",
        Column("id", ID, primary_key=True),
        Column("seller", ID, ForeignKey("sellers.id"), nullable=False),
        Column("currency", Text, nullable=False),
        Column("timezone", Text, nullable=False),
        Column("clock", ID),
        Column("owner", Text),
        Column("billing_email", Text),
        Column("mode", Text, nullable=False, server_default="prepaid"),
        Column("balance", MONEY, nullable=False, server_default="0"),
        Column("unbilled", MONEY, nullable=False, server_default="0"),
        Column("reserved", MONEY, nullable=False, server_default="0"),
        Column("liability", MONEY, nullable=False, server_default="0"),
        Column("credit_limit", MONEY, nullable=False, server_default="0"),
        Column("credit_limit_until", Date),
        Column("credit_limit_ends", INSTANT),
        Column("card", Text),
        Column("renew_by_card", Boolean, nullable=False, server_default="false"),
        Column("auto_top_up", Boolean, nullable=False, server_default="false"),
        Column("last_top_up", MONEY),
        Column("auto_topped_up", MONEY),
        Column("auto_topped_up_on", Date),
        Column("top_up_at", INSTANT),
        Column("suspended", Boolean, nullable=False, server_default="false"),
        Column("closed_on", Date),
        Column("closed_for_good", Boolean, nullable=False, server_default="false"),
        Column("erased_on", Date),
        Column("uninvoiced", JSONB),
        Column("version", Integer, nullable=False, server_default="1"),
        ForeignKeyConstraint(
            ["clock", "seller"], ["clocks.id", "clocks.seller"], name="accounts_own_clock"
        ),
        CheckConstraint(
            "reserved >= 0 AND liability >= 0 AND credit_limit >= 0 AND unbilled >= 0",
            name="accounts_amounts",
        ),
        CheckConstraint("unbilled = 0 OR mode = 'postpaid'", name="accounts_unbilled"),
    )
    op.create_index(
        "accounts_clock",
        "accounts",
        ["clock", "timezone"],
        postgresql_where=text("clock IS NOT NULL"),
    )
    op.create_table(
        "account_words",
        Column("account", ID, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
        Column("word", ID, primary_key=True),
        Column("seller", ID, nullable=False),
    )
    op.create_index("account_words_word", "account_words", ["seller", "word", "account"])
    op.create_table(
        "erasures",
        Column("account", ID, ForeignKey("accounts.id"), primary_key=True),
        Column("seller", ID, nullable=False),
        Column("asked_at", INSTANT, nullable=False),
        Column("years", Integer, nullable=False),
        Column("kept_until", Date),
        Column("erased_at", INSTANT),
        Column("again_on", Date),
        CheckConstraint("years >= 0", name="erasures_years"),
    )
    op.create_index(
        "erasures_to_do",
        "erasures",
        ["asked_at", "account"],
        postgresql_where=text("erased_at IS NULL OR again_on IS NOT NULL"),
    )


def _subscriptions() -> None:
    """Subscriptions, their next steps and their notices."""
    op.create_table(
        "subscriptions",
        Column("id", ID, primary_key=True),
        Column("account", ID, ForeignKey("accounts.id"), nullable=False),
        Column("clock", ID),
        Column("sku", Text, nullable=False),
        Column("quantity", Integer, nullable=False),
        Column("multiplier", Integer, nullable=False),
        Column("addons", JSONB, nullable=False),
        Column("numbers", JSONB),
        Column("coming", JSONB),
        Column("legacy", Boolean, nullable=False),
        Column("align", Boolean, nullable=False),
        Column("discount", Numeric(8, 5)),
        Column("discount_cycles", Integer),
        Column("trial", Boolean, nullable=False),
        Column("contract", Text),
        Column("status", Text, nullable=False),
        Column("auto_renew", Boolean, nullable=False),
        Column("renewal_failed", Boolean, nullable=False),
        Column("failure", Text),
        Column("anchor", Date, nullable=False),
        Column("months_paid", Integer, nullable=False),
        Column("cycle_months", Integer, nullable=False),
        Column("expiry", Date, nullable=False),
        Column("cycles_paid", Integer, nullable=False),
        Column("planned_at", INSTANT, nullable=False),
        Column("attempted_at", INSTANT),
        Column("expired_on", Date),
        Column("terminated_on", Date),
        Column("policy_version", Integer, nullable=False),
        Column("version", Integer, nullable=False),
        Column("renewal_date", Date, nullable=False),
        Column("assigned_to", Text),
        Column("members", JSONB),
        Column("workflow_started", Boolean, nullable=False, server_default="false"),
        CheckConstraint("NOT renewal_failed OR status = 'ACTIVE'", name="subscriptions_failed"),
        CheckConstraint("coming IS NULL OR status <> 'TERMINATED'", name="subscriptions_coming"),
        CheckConstraint("jsonb_array_length(members) <= 100", name="subscriptions_members"),
    )
    op.create_index("subscriptions_account", "subscriptions", ["account", "id"])
    op.create_index(
        "subscriptions_failed",
        "subscriptions",
        ["account", "id"],
        postgresql_where=text("renewal_failed = true"),
    )
    op.create_index(
        "subscriptions_expired",
        "subscriptions",
        ["account", "id"],
        postgresql_where=text("status = 'EXPIRED'"),
    )
    op.create_index(
        "subscriptions_unstarted",
        "subscriptions",
        ["id"],
        postgresql_where=text("NOT workflow_started"),
    )
    op.create_table(
        "subscription_people",
        Column(
            "subscription", ID, ForeignKey("subscriptions.id", ondelete="CASCADE"), primary_key=True
        ),
        Column("email", ID, primary_key=True),
        Column("seller", ID, nullable=False),
    )
    op.create_index(
        "subscription_people_email", "subscription_people", ["seller", "email", "subscription"]
    )
    op.create_table(
        "trials",
        Column("account", ID, ForeignKey("accounts.id"), primary_key=True),
        Column("tried", ID, primary_key=True),
        Column("subscription", ID, ForeignKey("subscriptions.id"), nullable=False),
    )
    op.create_index("trials_subscription", "trials", ["subscription"])
    op.create_table(
        "steps",
        Column("subject_kind", Text, primary_key=True),
        Column("subject", ID, primary_key=True),
        Column("account", ID, ForeignKey("accounts.id"), nullable=False),
        Column("clock", ID),
        Column("kind", Text, nullable=False),
        Column("rank", SmallInteger, nullable=False),
        Column("by_date", Date),
        Column("due", INSTANT, nullable=False),
        Column("rule", Text, nullable=False),
        Column("why", Text, nullable=False),
        Column("version", Integer, nullable=False),
        CheckConstraint(
            "subject_kind <> 'account' OR subject = account", name="steps_of_the_account"
        ),
    )
    op.create_index("steps_account_due", "steps", ["account", "due"])
    op.create_index(
        "steps_due", "steps", ["clock", "due"], postgresql_where=text("clock IS NOT NULL")
    )
    op.create_index(
        "steps_by_kind",
        "steps",
        ["kind", "due"],
        postgresql_where=text("clock IS NULL"),
    )
    op.create_table(
        "tellings",
        Column("subject_kind", Text, primary_key=True),
        Column("subject", ID, primary_key=True),
        Column("clock", ID),
        Column("version", Integer, nullable=False),
        Column("soon", Boolean, nullable=False, server_default="true"),
    )
    op.create_index(
        "tellings_soon", "tellings", ["subject_kind", "subject"], postgresql_where=text("soon")
    )
    op.create_table(
        "messages",
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("subscription", ID, ForeignKey("subscriptions.id"), nullable=False),
        Column("account", ID, nullable=False),
        Column("clock", ID),
        Column("kind", Text, nullable=False),
        Column("expiry", Date, nullable=False),
        Column("due", INSTANT, nullable=False),
        Column("state", Text, nullable=False, server_default="planned"),
        Column("done_at", INSTANT),
        Column("why", Text),
        UniqueConstraint("subscription", "expiry", "kind", name="messages_once"),
    )
    op.create_index(
        "messages_due",
        "messages",
        ["due"],
        postgresql_where=text("state = 'planned' AND clock IS NULL"),
    )
    op.create_index(
        "messages_due_on_clock",
        "messages",
        ["clock", "due"],
        postgresql_where=text("state = 'planned' AND clock IS NOT NULL"),
    )


def _numbers() -> None:
    """The inventory of numbers and its history."""
    op.create_table(
        "numbers",
        Column("seller", ID, ForeignKey("sellers.id"), primary_key=True),
        Column("number", ID, primary_key=True),
        Column("sku", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("hold", Text, nullable=False),
        Column("account", ID, ForeignKey("accounts.id")),
        Column("subscription", ID, ForeignKey("subscriptions.id")),
        Column("since", Date, nullable=False),
        Column("until", Date),
        Column("cause", Text),
        Column("remark", Text),
        Column("returned_at", INSTANT),
        Column("returned_by", ID),
        Column("version", Integer, nullable=False),
        CheckConstraint(
            "CASE state WHEN 'in_use' "
            "THEN account IS NOT NULL AND subscription IS NOT NULL "
            "WHEN 'held' "
            "THEN num_nulls(account, subscription, until, cause) = 0 "
            "WHEN 'reserved' "
            "THEN num_nulls(account, until, cause) = 0 AND subscription IS NULL "
            "ELSE num_nonnulls(account, subscription, until, cause, remark) = 0 END",
            name="numbers_whose",
        ),
    )
    op.create_index(
        "numbers_free",
        "numbers",
        ["seller", "sku", "number"],
        postgresql_where=text("state = 'free'"),
    )
    op.create_index(
        "numbers_account",
        "numbers",
        ["account", "number"],
        postgresql_where=text("account IS NOT NULL"),
    )
    op.create_index(
        "numbers_subscription",
        "numbers",
        ["subscription", "number"],
        postgresql_where=text("subscription IS NOT NULL"),
    )
    op.create_table(
        "number_history",
        Column("seq", BigInteger, Identity(), primary_key=True),
        Column("seller", ID, nullable=False),
        Column("number", ID, nullable=False),
        Column("at", INSTANT, nullable=False),
        Column("what", Text, nullable=False),
        Column("account", ID),
        Column("subscription", ID),
        Column("until", Date),
        Column("cause", Text),
        Column("remark", Text),
        Column("actor", Text, nullable=False),
    )
    op.create_index("number_history_number", "number_history", ["seller", "number", "seq"])
    op.create_index(
        "number_history_account",
        "number_history",
        ["account", "seq"],
        postgresql_where=text("account IS NOT NULL"),
    )


def _money() -> None:
    """Card charges, and operations with their postings, periods and refunds."""
    op.create_table(
        "card_charges",
        Column("key", ID, primary_key=True),
        Column("account", ID, ForeignKey("accounts.id"), nullable=False),
        Column("subscription", ID),
        Column("card", Text, nullable=False),
        Column("amount", MONEY, nullable=False),
        Column("currency", Text, nullable=False),
        Column("asked_at", INSTANT, nullable=False),
        Column("outcome", Text, nullable=False, server_default="pending"),
        Column("reason", Text),
        Column("calls", Integer, nullable=False, server_default="0"),
        Column("booked", Boolean, nullable=False, server_default="false"),
        CheckConstraint("amount > 0", name="card_charges_amount"),
        CheckConstraint("NOT booked OR outcome <> 'pending'", name="card_charges_booked"),
    )
    op.create_index(
        "card_charges_one_open",
        "card_charges",
        ["account"],
        unique=True,
        postgresql_where=text("NOT booked"),
    )
    op.create_index("card_charges_account", "card_charges", ["account", "key"])
    op.create_index(
        "card_charges_never_made",
        "card_charges",
        ["asked_at", "key"],
        postgresql_where=text("reason = 'never made'"),
    )
    op.create_table(
        "operations",
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("seller", ID, nullable=False),
        Column("account", ID, nullable=False),
        Column("subscription", ID),
        Column("cycle", Date),
        Column("purpose", Text, nullable=False),
        Column("request_id", ID),
        Column("fingerprint", Text),
        Column("external_invoice", Text),
        Column("charge", ID, ForeignKey("card_charges.key")),
        Column("at", INSTANT, nullable=False),
        Column("result", JSONB, nullable=False),
        Column("policy_version", Integer),
        Column("catalog_revision", Integer),
        CheckConstraint(
            "(purpose = 'card charge') = (charge IS NOT NULL)", name="operations_charge"
        ),
    )
    op.create_index(
        "operations_once_per_cycle",
        "operations",
        ["subscription", "cycle", "purpose"],
        unique=True,
        postgresql_where=text("subscription IS NOT NULL AND cycle IS NOT NULL"),
    )
    op.create_index(
        "operations_once_per_request",
        "operations",
        ["seller", "request_id"],
        unique=True,
        postgresql_where=text("request_id IS NOT NULL"),
    )
    op.create_index(
        "operations_once_per_charge",
        "operations",
        ["charge"],
        unique=True,
        postgresql_where=text("charge IS NOT NULL"),
    )
    op.create_index(
        "operations_account",
        "operations",
        ["account", "id"],
        postgresql_where=text("purpose <> 'next cycle'"),
    )
    op.create_index(
        "operations_received",
        "operations",
        ["account", "id"],
        postgresql_where=text("purpose = ANY ('{top_up,card charge,payment}'::text[])"),
    )
    op.create_index(
        "operations_external_invoice",
        "operations",
        ["seller", "external_invoice"],
        postgresql_where=text("external_invoice IS NOT NULL"),
    )
    op.create_index(
        "operations_opening",
        "operations",
        ["account"],
        postgresql_where=text("purpose = 'opening credits'"),
    )
    op.create_index(
        "operations_month",
        "operations",
        [text("(date_trunc('month'::text, (at AT TIME ZONE 'UTC'::text))::date)")],
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 16},
    )
    op.create_table(
        "postings",
        Column("operation", BigInteger, primary_key=True, autoincrement=False),
        Column("line", SmallInteger, primary_key=True, autoincrement=False),
        Column("book", Text, nullable=False),
        Column("account", ID, nullable=False),
        Column("currency", Text, nullable=False),
        Column("amount", MONEY, nullable=False),
    )
    op.create_index(
        "postings_of_sellers",
        "postings",
        ["account"],
        postgresql_include=["currency", "amount"],
        postgresql_where=text("book = 'seller wallet'"),
    )
    op.create_table(
        "periods",
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("operation", BigInteger, nullable=False),
        Column("subscription", ID, ForeignKey("subscriptions.id"), nullable=False),
        Column("account", ID, nullable=False),
        Column("start", Date, nullable=False),
        Column("expiry", Date, nullable=False),
        Column("months", Integer, nullable=False),
        Column("scheduled_start", Date, nullable=False),
        Column("left_over", SmallInteger),
        Column("left_over_of", SmallInteger),
        Column("discount", Numeric(8, 5)),
        UniqueConstraint("subscription", "expiry", name="periods_subscription_expiry"),
        CheckConstraint("start <= expiry", name="periods_start"),
    )
    op.create_index(
        "periods_expiry",
        "periods",
        ["expiry"],
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 16},
    )
    op.create_table(
        "period_charges",
        Column("period", BigInteger, primary_key=True, autoincrement=False),
        Column("operation", BigInteger, primary_key=True, autoincrement=False),
        Column("amount", MONEY, nullable=False),
        CheckConstraint("amount >= 0", name="period_charges_amount"),
    )
    op.create_table(
        "refunds",
        Column(
            "period", BigInteger, ForeignKey("periods.id"), primary_key=True, autoincrement=False
        ),
        Column(
            "operation",
            BigInteger,
            ForeignKey("operations.id"),
            primary_key=True,
            autoincrement=False,
        ),
        Column("amount", MONEY, nullable=False),
        CheckConstraint("amount > 0", name="refunds_amount"),
    )
    op.create_index("refunds_operation", "refunds", ["operation"])


def _records() -> None:
    """Invoices and the history."""
    op.create_table(
        "invoices",
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("seq", BigInteger, Identity(), nullable=False),
        Column("seller", ID, nullable=False),
        Column("account", ID, nullable=False),
        Column("operation", BigInteger, nullable=False, unique=True),
        Column("kind", Text, nullable=False),
        Column("date", Date, nullable=False),
        Column("currency", Text, nullable=False),
        Column("total", MONEY, nullable=False),
        Column("lines", JSONB, nullable=False),
        Column("due", MONEY, nullable=False, server_default="0"),
        Column("number", BigInteger),
        Column("seller_profile", Integer),
        Column("customer_profile", Integer),
        Column("tax", BigInteger, ForeignKey("tax_rates.id")),
    )
    op.create_index("invoices_account", "invoices", ["account", "seq"])
    op.create_index(
        "invoices_number",
        "invoices",
        ["seller", "number"],
        unique=True,
        postgresql_where=text("number IS NOT NULL"),
    )
    op.create_index(
        "invoices_unnumbered",
        "invoices",
        ["seller", "seq"],
        postgresql_where=text("number IS NULL"),
    )
    op.create_index(
        "invoices_one_a_month",
        "invoices",
        ["account", "date", "kind"],
        unique=True,
        postgresql_where=text("kind = 'monthly' OR kind = 'consolidated'"),
    )
    op.create_table(
        "monthly_amounts",
        Column("operation", BigInteger, primary_key=True, autoincrement=False),
        Column("line", SmallInteger, primary_key=True, autoincrement=False),
        Column("account", ID, nullable=False),
        Column("month", Date, nullable=False),
        Column("consolidated", Boolean, nullable=False),
        Column("description", Text, nullable=False),
        Column("amount", MONEY, nullable=False),
        Column("invoice", BigInteger, ForeignKey("invoices.id")),
        CheckConstraint("amount > 0", name="monthly_amounts_amount"),
        CheckConstraint("extract(day FROM month) = 1", name="monthly_amounts_month"),
    )
    op.create_index(
        "monthly_amounts_waiting",
        "monthly_amounts",
        ["account", "month"],
        postgresql_where=text("invoice IS NULL"),
    )
    op.create_index(
        "monthly_amounts_invoice",
        "monthly_amounts",
        ["invoice"],
        postgresql_where=text("invoice IS NOT NULL"),
    )
    op.create_table(
        "history",
        Column("seq", BigInteger, Identity(), primary_key=True),
        Column("at", INSTANT, nullable=False),
        Column("account", ID, nullable=False),
        Column("subscription", ID),
        Column("event", Text, nullable=False),
        Column("amount", MONEY),
        Column("rule", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("operation", BigInteger),
        Column("facts", JSONB, nullable=False),
        Column("balance", MONEY),
        Column("unbilled", MONEY),
    )
    op.create_index(
        "history_seldom",
        "history",
        ["account", "event", "seq"],
        postgresql_where=text("balance IS NOT NULL AND event <> 'renewed'"),
    )
    op.create_index("history_account", "history", ["account", "seq"])
    op.create_index("history_subscription", "history", ["subscription", "seq"])
    op.create_index(
        "history_at",
        "history",
        ["at"],
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 16},
    )


def _deliveries() -> None:
    """The endpoints of a seller, its alarms, and what goes to the endpoints."""
    op.create_table(
        "endpoints",
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("seller", ID, ForeignKey("sellers.id"), nullable=False),
        Column("name", ID, nullable=False),
        Column("kind", Text, nullable=False),
        Column("url", Text),
        Column("sender", Text),
        Column("seller_address", Text),
        Column("events", JSONB),
        Column("test_clocks", Boolean, nullable=False, server_default="false"),
        Column("salt", Text),
        Column("key", Text),
        Column("old_salt", Text),
        Column("old_key", Text),
        Column("old_until", INSTANT),
        Column("added_at", INSTANT, nullable=False),
        Column("added_by", Text, nullable=False),
        Column("failures", Integer, nullable=False, server_default="0"),
        Column("failing_since", INSTANT),
        Column("paused_until", INSTANT),
        Column("off_at", INSTANT),
        Column("off_why", Text),
        Column("removed_at", INSTANT),
        CheckConstraint(
            "kind = 'webhook' AND url IS NOT NULL AND salt IS NOT NULL "
            "AND key IS NOT NULL OR kind = 'mail' AND sender IS NOT NULL "
            "OR kind = 'alarms' AND sender IS NOT NULL AND seller_address IS NOT NULL",
            name="endpoints_whole",
        ),
    )
    op.create_index(
        "endpoints_name",
        "endpoints",
        ["seller", "name"],
        unique=True,
        postgresql_where=text("removed_at IS NULL"),
    )
    op.create_table(
        "alarms",
        Column(
            "seq", BigInteger, primary_key=True, server_default=text("nextval('history_seq_seq')")
        ),
        Column("seller", ID, ForeignKey("sellers.id"), nullable=False),
        Column("kind", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("account", ID),
        Column("at", INSTANT, nullable=False),
        Column("facts", JSONB, nullable=False),
        UniqueConstraint("seller", "kind", "key", name="alarms_once"),
    )
    op.create_index("alarms_newest", "alarms", ["seller", "kind", "seq"])
    op.create_index("alarms_old", "alarms", ["at"])
    op.create_table(
        "deliveries",
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("endpoint", BigInteger, ForeignKey("endpoints.id"), nullable=False),
        Column("event", BigInteger, nullable=False),
        Column("account", ID),
        Column("subject", ID, nullable=False),
        Column("state", Text, nullable=False, server_default="pending"),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("first_at", INSTANT, nullable=False, server_default=text("now()")),
        Column("next_at", INSTANT, nullable=False, server_default=text("now()")),
        Column("done_at", INSTANT),
        Column("status", Integer),
        Column("error", Text),
        UniqueConstraint("endpoint", "event", name="deliveries_once"),
    )
    for name, columns, state in (
        ("deliveries_due", ["endpoint", "next_at", "event"], "pending"),
        ("deliveries_in_order", ["endpoint", "subject", "event"], "pending"),
        ("deliveries_failed", ["endpoint", "event"], "failed"),
        ("deliveries_done", ["done_at"], "delivered' OR state = 'dropped"),
    ):
        op.create_index(name, "deliveries", columns, postgresql_where=text(f"state = '{state}'"))
    op.create_index("deliveries_account", "deliveries", ["account", "event"])


def _imports() -> None:
    """Imports, and what came in with each."""
    op.create_table(
        "imports",
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("seller", ID, ForeignKey("sellers.id"), nullable=False),
        Column("kind", Text, nullable=False),
        Column("file", Text, nullable=False),
        Column("digest", Text, nullable=False),
        Column("prefix", ID, nullable=False),
        Column("clock", ID),
        Column("as_of", Date),
        Column("actor", Text, nullable=False),
        Column("at", INSTANT, nullable=False),
        ForeignKeyConstraint(
            ["clock", "seller"], ["clocks.id", "clocks.seller"], name="imports_own_clock"
        ),
    )
    op.create_index("imports_seller", "imports", ["seller", "id"])
    op.create_table(
        "imported",
        Column(
            "import_id",
            BigInteger,
            ForeignKey("imports.id"),
            primary_key=True,
            autoincrement=False,
        ),
        Column("account", ID, primary_key=True),
        Column("subject", ID, primary_key=True),
        Column("undone_at", INSTANT),
        Column("ended", Boolean, nullable=False, server_default="false"),
    )
    op.create_index(
        "imported_not_ended",
        "imported",
        ["subject"],
        postgresql_where=text("undone_at IS NOT NULL AND NOT ended"),
    )


def _profiles() -> None:
    """What documents show of the seller and the customer, and the taxes."""
    op.create_table(
        "seller_profiles",
        Column("seller", ID, ForeignKey("sellers.id"), primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("document", JSONB, nullable=False),
        Column("logo", LargeBinary),
        Column("at", INSTANT, nullable=False),
        Column("actor", Text, nullable=False),
        CheckConstraint("octet_length(logo) <= 200000", name="seller_profiles_logo"),
    )
    op.create_table(
        "customer_profiles",
        Column("account", ID, ForeignKey("accounts.id"), primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("document", JSONB, nullable=False),
        Column("at", INSTANT, nullable=False),
        Column("actor", Text, nullable=False),
    )
    op.create_table(
        "tax_rates",
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("seller", ID, ForeignKey("sellers.id"), nullable=False),
        Column("country", Text, nullable=False),
        Column("since", Date, nullable=False),
        Column("percent", Numeric(8, 5), nullable=False),
        Column("name", Text, nullable=False),
        Column("shown", Text, nullable=False),
        Column("at", INSTANT, nullable=False),
        Column("actor", Text, nullable=False),
        CheckConstraint("percent >= 0 AND percent <= 100", name="tax_rates_percent"),
    )
    op.create_index("tax_rates_country", "tax_rates", ["seller", "country", "since", "id"])
    op.create_table(
        "documents",
        Column("kind", Text, primary_key=True),
        Column("reference", BigInteger, primary_key=True, autoincrement=False),
        Column("format", Text, primary_key=True),
        Column("content", LargeBinary, nullable=False),
        Column("sha256", Text, nullable=False),
        Column("at", INSTANT, nullable=False),
        CheckConstraint("sha256 = encode(sha256(content), 'hex')", name="documents_sha256"),
    )


def _reconciliation() -> None:
    """How far reconciliation has looked."""
    op.create_table(
        "verified_balances",
        Column("account", ID, primary_key=True),
        Column("balance", MONEY, nullable=False),
        Column("seq", BigInteger, nullable=False),
        Column("differs", Boolean, nullable=False),
        Column("sums", JSONB, nullable=False),
    )
    op.create_index(
        "verified_balances_differ",
        "verified_balances",
        ["account"],
        postgresql_where=text("differs"),
    )
    op.create_table(
        "reconciliation_marks",
        Column("name", ID, primary_key=True),
        Column("number", BigInteger, nullable=False, server_default="0"),
        Column("key", ID, nullable=False, server_default=""),
        Column("seen", BigInteger, nullable=False, server_default="0"),
        Column("seen_by", BigInteger, nullable=False, server_default="0"),
    )


def _campaigns() -> None:
    """One command on many subscriptions."""
    op.create_table(
        "campaigns",
        Column("id", ID, primary_key=True),
        Column("seller", ID, ForeignKey("sellers.id"), nullable=False),
        Column("request_id", ID, nullable=False),
        Column("fingerprint", Text, nullable=False),
        Column("do", Text, nullable=False),
        Column("options", JSONB, nullable=False),
        Column("actor", Text, nullable=False),
        Column("selection", Text, nullable=False),
        Column("rows", Integer, nullable=False),
        Column("settled", Integer, nullable=False, server_default="0"),
        Column("rate", Integer, nullable=False),
        Column("state", Text, nullable=False),
        Column("started_at", INSTANT, nullable=False),
        Column("ended_at", INSTANT),
        Column("told", Boolean, nullable=False, server_default="false"),
        UniqueConstraint("seller", "request_id", name="campaigns_once_per_request"),
        CheckConstraint("settled BETWEEN 0 AND rows", name="campaigns_settled"),
        CheckConstraint("rate > 0", name="campaigns_rate"),
    )
    op.create_index("campaigns_newest", "campaigns", ["seller", "started_at", "id"])
    op.create_index("campaigns_untold", "campaigns", ["id"], postgresql_where=text("NOT told"))
    op.create_index(
        "campaigns_running", "campaigns", ["id"], postgresql_where=text("state = 'running'")
    )
    op.create_table(
        "campaign_rows",
        Column("campaign", ID, ForeignKey("campaigns.id"), primary_key=True),
        Column("row", Integer, primary_key=True, autoincrement=False),
        Column("line", Integer, nullable=False),
        Column("subscription", ID, nullable=False),
        Column("outcome", Text),
        Column("amount", MONEY),
        Column("currency", Text),
        Column("rule", Text),
        Column("sentence", Text),
        Column("at", INSTANT),
        UniqueConstraint("campaign", "subscription", name="campaign_rows_once"),
    )
    op.create_index(
        "campaign_rows_open",
        "campaign_rows",
        ["campaign", "row"],
        postgresql_where=text("outcome IS NULL OR outcome = 'unknown'"),
    )


def _refusals() -> None:
    """Commands that a rule has refused."""
    op.create_table(
        "refusals",
        Column("id", BigInteger, Identity(), primary_key=True),
        Column("seller", ID, nullable=False),
        Column("account", ID, nullable=False),
        Column("subject_kind", Text, nullable=False),
        Column("subject", ID, nullable=False),
        Column("do", Text, nullable=False),
        Column("request_id", ID),
        Column("rule", Text, nullable=False),
        Column("sentence", Text, nullable=False),
        Column("at", INSTANT, nullable=False),
        Column("actor", Text, nullable=False),
        UniqueConstraint("seller", "request_id", "at", "do", "rule", name="refusals_once"),
        CheckConstraint("length(sentence) <= 1000", name="refusals_sentence"),
    )
    op.create_index("refusals_account", "refusals", ["seller", "account", "id"])
    op.create_index("refusals_subject", "refusals", ["seller", "subject", "id"])


def _api_keys() -> None:
    """The keys of the HTTP API, and its requests that were no commands."""
    op.create_table(
        "api_keys",
        Column("id", ID, primary_key=True),
        Column("seller", ID, ForeignKey("sellers.id"), nullable=False),
        Column("name", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("scopes", ARRAY(Text)),
        Column("digest", Text, nullable=False),
        Column("created_at", INSTANT, nullable=False),
        Column("created_by", Text, nullable=False),
        Column("expires_at", INSTANT),
        Column("used_at", INSTANT),
        Column("revoked_at", INSTANT),
        Column("rotated_to", ID, ForeignKey("api_keys.id")),
        CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="api_keys_digest"),
    )
    op.create_index("api_keys_seller", "api_keys", ["seller", "created_at", "id"])
    op.create_table(
        "api_requests",
        Column("seller", ID, ForeignKey("sellers.id"), primary_key=True),
        Column("request_id", ID, primary_key=True),
        Column("do", Text, nullable=False),
        Column("fingerprint", Text, nullable=False),
        Column("document", JSONB, nullable=False),
        Column("at", INSTANT, nullable=False),
        Column("actor", Text, nullable=False),
    )
    op.create_index(
        "api_requests_account",
        "api_requests",
        [text("(document ->> 'account')")],
        postgresql_where=text("\"do\" = 'open_account'"),
    )
    op.create_table(
        "background_requests",
        Column("seller", ID, ForeignKey("sellers.id"), primary_key=True),
        Column("request_id", ID, primary_key=True),
        Column("do", Text, nullable=False),
        Column("fingerprint", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("asked_at", INSTANT, nullable=False),
        Column("told_at", INSTANT, nullable=False),
        Column("run", Text, nullable=False),
        Column("about", JSONB, nullable=False),
        Column("done", Integer, nullable=False, server_default="0"),
        Column("total", Integer, nullable=False, server_default="0"),
        Column("stopped", Boolean, nullable=False, server_default="false"),
    )


def _staff() -> None:
    """The people who sign in, and their sessions."""
    op.create_table(
        "staff",
        Column("id", ID, primary_key=True),
        Column("seller", ID, ForeignKey("sellers.id"), nullable=False),
        Column("email", ID, nullable=False),
        Column("name", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("password", Text),
        Column("code_key", Text),
        Column("code_salt", Text),
        Column("code_since", INSTANT),
        Column("code_step", BigInteger),
        Column("failures", Integer, nullable=False, server_default="0"),
        Column("locked_until", INSTANT),
        Column("created_at", INSTANT, nullable=False),
        Column("created_by", Text, nullable=False),
        Column("signed_in_at", INSTANT),
        Column("off_at", INSTANT),
        UniqueConstraint("seller", "email", name="staff_email"),
        CheckConstraint("email = lower(email)", name="staff_email_small"),
        CheckConstraint("password LIKE '$argon2id$%'", name="staff_password"),
        CheckConstraint("failures >= 0", name="staff_failures"),
    )
    op.create_table(
        "recovery_codes",
        Column("staff", ID, ForeignKey("staff.id"), primary_key=True),
        Column("digest", Text, primary_key=True),
        Column("seller", ID, ForeignKey("sellers.id"), nullable=False),
    )
    op.create_table(
        "staff_rules",
        Column("seller", ID, ForeignKey("sellers.id"), primary_key=True),
        Column("codes", Boolean, nullable=False, server_default="false"),
    )
    op.create_table(
        "sessions",
        Column("id", ID, primary_key=True),
        Column("seller", ID, ForeignKey("sellers.id"), nullable=False),
        Column("staff", ID, ForeignKey("staff.id"), nullable=False),
        Column("digest", Text, nullable=False),
        Column("how", Text, nullable=False),
        Column("address", Text, nullable=False),
        Column("created_at", INSTANT, nullable=False),
        Column("seen_at", INSTANT, nullable=False),
        Column("ended_at", INSTANT),
        CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="sessions_digest"),
        CheckConstraint("char_length(address) <= 100", name="sessions_address"),
    )
    living = text("ended_at IS NULL")
    op.create_index("sessions_living", "sessions", ["seller", "id"], postgresql_where=living)
    op.create_index("sessions_of", "sessions", ["staff"], postgresql_where=living)


def _second_person() -> None:
    """Limits of money, and commands that wait for a second person."""
    op.create_table(
        "money_limits",
        Column("seller", ID, ForeignKey("sellers.id"), primary_key=True),
        Column("role", Text, primary_key=True),
        Column("currency", Text, primary_key=True),
        Column("per_command", MONEY, nullable=False),
        Column("per_day", MONEY, nullable=False),
        CheckConstraint("per_command >= 0 AND per_day >= 0", name="money_limits_amounts"),
    )
    op.create_table(
        "money_moved",
        Column("seller", ID, ForeignKey("sellers.id"), primary_key=True),
        Column("request_id", ID, primary_key=True),
        Column("who", ID, nullable=False),
        Column("day", Date, nullable=False),
        Column("currency", Text, nullable=False),
        Column("amount", MONEY, nullable=False),
        CheckConstraint("amount >= 0", name="money_moved_amount"),
    )
    op.create_index("money_moved_day", "money_moved", ["seller", "who", "day"])
    op.create_table(
        "approvals",
        Column("id", ID, primary_key=True),
        Column("seller", ID, ForeignKey("sellers.id"), nullable=False),
        Column("do", Text, nullable=False),
        Column("values", JSONB, nullable=False),
        Column("request_id", ID, nullable=False),
        Column("fingerprint", Text, nullable=False),
        Column("who", ID, nullable=False),
        Column("asked_by", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("amount", MONEY, nullable=False),
        Column("currency", Text, nullable=False),
        Column("why", Text, nullable=False),
        Column("asked_at", INSTANT, nullable=False),
        Column("state", Text, nullable=False),
        Column("decided_by", Text),
        Column("decided_who", ID),
        Column("decided_at", INSTANT),
        Column("outcome", Text),
        UniqueConstraint("seller", "request_id", name="approvals_once_per_request"),
        CheckConstraint("state <> 'approved' OR decided_who <> who", name="approvals_second"),
        CheckConstraint("(state = 'open') = (decided_who IS NULL)", name="approvals_decided"),
    )
    op.create_index("approvals_newest", "approvals", ["seller", "asked_at", "id"])
    op.create_index("approvals_state", "approvals", ["seller", "state", "asked_at", "id"])


def _term_effects() -> None:
    """What new terms would change for a sample of accounts."""
    op.create_table(
        "term_effects",
        Column("seller", ID, ForeignKey("sellers.id"), primary_key=True),
        Column("id", ID, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("draft", JSONB, nullable=False),
        Column("asked_at", INSTANT, nullable=False),
        Column("asked_by", Text, nullable=False),
        Column("told_at", INSTANT, nullable=False),
        Column("done", Integer, nullable=False, server_default="0"),
        Column("total", Integer, nullable=False, server_default="0"),
        Column("ended_at", INSTANT),
        Column("found", JSONB),
        Column("error", Text),
        CheckConstraint("done >= 0 AND total >= done", name="term_effects_progress"),
    )
    op.create_index("term_effects_newest", "term_effects", ["seller", "asked_at", "id"])


def _audit() -> None:
    """Acts of people and programs, chained by hash."""
    op.create_table(
        "audit",
        Column("id", BigInteger, Identity(), nullable=False, unique=True),
        Column("seller", ID, primary_key=True),
        Column("chain", SmallInteger, primary_key=True, autoincrement=False),
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        Column("at", INSTANT, nullable=False),
        Column("actor", Text, nullable=False),
        Column("by", Text, nullable=False),
        Column("address", Text, nullable=False),
        Column("request_id", ID),
        Column("act", Text, nullable=False),
        Column("subject", ID),
        Column("outcome", Text, nullable=False),
        Column("before", JSONB),
        Column("after", JSONB),
        Column("previous", Text, nullable=False),
        Column("hash", Text, nullable=False),
        CheckConstraint("position > 0", name="audit_position"),
    )
    op.create_index("audit_newest", "audit", ["seller", "id"])
    op.create_index("audit_actor", "audit", ["seller", "actor", "id"])
    op.create_index("audit_subject", "audit", ["seller", "subject", "id"])
    op.create_index("audit_act", "audit", ["seller", "act", "id"])


def _simulated_gateway() -> None:
    """What the simulated card gateway remembers (`core.gateways.simulated_cards`)."""
    op.create_table(
        "simulated_charges",
        Column("key", Text, primary_key=True),
        Column("card", Text),
        Column("amount", MONEY),
        Column("currency", Text),
        Column("charged", Boolean),
        Column("reason", Text),
        Column("calls", Integer),
        Column("refunded", MONEY),
    )
    op.create_table(
        "simulated_gateway",
        Column("id", Integer, primary_key=True),
        Column("down", Boolean),
    )
