"""The ledger: tables, and the guarantees that the database itself gives (triggers)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NEVER_CHANGED = (
    "policies",
    "catalog_entries",
    "operations",
    "postings",
    "periods",
    "refunds",
    "invoices",
    "invoice_numbers",
    "history",
)

GUARDS = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed or deleted (rule 11.3)', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

-- Every operation sums to zero, currency by currency; the wallet's movement reaches the balance; a movement down never passes usable.
CREATE FUNCTION post() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  bad record;
  moved record;
  usable numeric;
BEGIN
  SELECT p.operation INTO bad FROM postings p WHERE p.operation IN (SELECT operation FROM added)
   GROUP BY p.operation, p.currency HAVING sum(p.amount) <> 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'operation % is not balanced (rule 11.3)', bad.operation USING ERRCODE = 'check_violation';
  END IF;
  FOR moved IN
    SELECT a.account, a.currency, sum(a.amount) AS amount, max(o.at) AS at
      FROM added a JOIN operations o ON o.id = a.operation WHERE a.book = 'wallet' GROUP BY a.account, a.currency ORDER BY a.account
  LOOP
    UPDATE accounts SET balance = balance + moved.amount WHERE id = moved.account AND currency = moved.currency
      RETURNING balance - reserved - liability
        + CASE WHEN credit_limit_ends IS NULL OR moved.at < credit_limit_ends THEN credit_limit ELSE 0 END INTO usable;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'account % has no wallet in %', moved.account, moved.currency USING ERRCODE = 'check_violation';
    END IF;
    IF moved.amount < 0 AND usable < 0 THEN
      RAISE EXCEPTION 'account % would spend % beyond usable (rule 11.1)', moved.account, -usable USING ERRCODE = 'check_violation';
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
CREATE TRIGGER post AFTER INSERT ON postings REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION post();

CREATE FUNCTION refuse_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the balance of % changes by postings alone (rule 11.3)', NEW.id USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER balance_by_postings BEFORE UPDATE OF balance ON accounts FOR EACH ROW
  WHEN (OLD.balance IS DISTINCT FROM NEW.balance AND pg_trigger_depth() < 1) EXECUTE FUNCTION refuse_balance();
CREATE TRIGGER balance_starts_at_zero BEFORE INSERT ON accounts FOR EACH ROW WHEN (NEW.balance <> 0) EXECUTE FUNCTION refuse_balance();

-- What is given back of a period never exceeds what was paid for it, whoever else is giving back at the same time.
CREATE FUNCTION cap_refunds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  bad record;
BEGIN
  PERFORM 1 FROM periods WHERE id IN (SELECT period FROM added) ORDER BY id FOR UPDATE;
  SELECT p.id INTO bad FROM periods p JOIN refunds r ON r.period = p.id WHERE p.id IN (SELECT period FROM added)
   GROUP BY p.id, p.paid HAVING sum(r.amount) > p.paid LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the refunds of period % would exceed what was paid (rule 8.4)', bad.id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER cap_refunds AFTER INSERT ON refunds REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION cap_refunds();
ALTER TABLE refunds ADD CHECK (amount > 0);
ALTER TABLE periods ADD CHECK (paid >= 0), ADD CHECK (start <= expiry);
ALTER TABLE subscriptions
  ADD CHECK (status IN ('ACTIVE', 'EXPIRED', 'TERMINATED')),
  ADD CHECK ((status = 'TERMINATED') = (next_due IS NULL)),
  ADD CHECK (NOT renewal_failed OR status = 'ACTIVE');
ALTER TABLE card_charges ADD CHECK (outcome IN ('pending', 'charged', 'declined')), ADD CHECK (amount > 0), ADD CHECK (NOT booked OR outcome <> 'pending');

-- Ids are handed out in blocks, so that rows know them before they are written (core/ledger/ids.py).
CREATE SEQUENCE ids INCREMENT BY 1000;
"""

VIEWS = """
CREATE VIEW subscription_list AS
  SELECT s.id, s.account, a.seller, a.owner, a.billing_email, s.sku, s.quantity, s.status, s.auto_renew, s.renewal_failed, s.failure, s.expiry,
         CASE WHEN s.status = 'ACTIVE' THEN s.renewal_date END AS renewal_date, s.next_kind, s.next_due, s.next_rule, s.next_why,
         a.currency, a.timezone, a.suspended, a.clock
    FROM subscriptions s JOIN accounts a ON a.id = s.account;
CREATE VIEW account_list AS
  SELECT a.id, a.seller, a.owner, a.currency, a.balance, a.reserved, a.liability, a.credit_limit, a.credit_limit_until, a.suspended, a.clock,
         count(s.id) FILTER (WHERE s.status = 'ACTIVE') AS active, count(s.id) FILTER (WHERE s.renewal_failed) AS failed,
         count(s.id) FILTER (WHERE s.status = 'EXPIRED') AS expired
    FROM accounts a LEFT JOIN subscriptions s ON s.account = a.id GROUP BY a.id;
CREATE VIEW money_by_day AS
  SELECT o.seller, p.currency, (o.at AT TIME ZONE 'UTC')::date AS day, o.purpose, p.book, sum(p.amount) AS amount
    FROM postings p JOIN operations o ON o.id = p.operation GROUP BY 1, 2, 3, 4, 5;
"""


def upgrade() -> None:
    op.create_table(
        "clocks",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("now", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "history",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("account", sa.Text(collation="C"), nullable=False),
        sa.Column("subscription", sa.Text(collation="C"), nullable=True),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=20, scale=5), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("operation", sa.BigInteger(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("history_account", "history", ["account", "seq"], unique=False)
    op.create_index("history_subscription", "history", ["subscription", "seq"], unique=False)
    op.create_table(
        "sellers",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("policy_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("catalog_revision", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "simulated_charges",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("card", sa.Text(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=20, scale=5), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("charged", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("calls", sa.Integer(), nullable=True),
        sa.Column("refunded", sa.Numeric(precision=20, scale=5), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "simulated_gateway",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("down", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("seller", sa.Text(collation="C"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("clock", sa.Text(collation="C"), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("billing_email", sa.Text(), nullable=True),
        sa.Column("balance", sa.Numeric(precision=20, scale=5), server_default="0", nullable=False),
        sa.Column(
            "reserved", sa.Numeric(precision=20, scale=5), server_default="0", nullable=False
        ),
        sa.Column(
            "liability", sa.Numeric(precision=20, scale=5), server_default="0", nullable=False
        ),
        sa.Column(
            "credit_limit", sa.Numeric(precision=20, scale=5), server_default="0", nullable=False
        ),
        sa.Column("credit_limit_until", sa.Date(), nullable=True),
        sa.Column("credit_limit_ends", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("card", sa.Text(), nullable=True),
        sa.Column("renew_by_card", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("suspended", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(
            ["clock"],
            ["clocks.id"],
        ),
        sa.ForeignKeyConstraint(
            ["seller"],
            ["sellers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "accounts_clock",
        "accounts",
        ["clock", "timezone"],
        unique=False,
        postgresql_where=sa.text("clock IS NOT NULL"),
    )
    op.create_table(
        "catalog_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("seller", sa.Text(collation="C"), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["seller"],
            ["sellers.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("catalog_entries_seller", "catalog_entries", ["seller", "id"], unique=False)
    op.create_table(
        "policies",
        sa.Column("seller", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["seller"],
            ["sellers.id"],
        ),
        sa.PrimaryKeyConstraint("seller", "version"),
    )
    op.create_table(
        "card_charges",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("account", sa.Text(collation="C"), nullable=False),
        sa.Column("subscription", sa.Text(collation="C"), nullable=True),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=20, scale=5), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("asked_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="pending", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("booked", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(
            ["account"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(
        "card_charges_one_open",
        "card_charges",
        ["account"],
        unique=True,
        postgresql_where=sa.text("NOT booked"),
    )
    op.create_table(
        "operations",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seller", sa.Text(collation="C"), nullable=False),
        sa.Column("account", sa.Text(collation="C"), nullable=False),
        sa.Column("subscription", sa.Text(collation="C"), nullable=True),
        sa.Column("cycle", sa.Date(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(collation="C"), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("external_invoice", sa.Text(), nullable=True),
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("operations_account", "operations", ["account", "at"], unique=False)
    op.create_index(
        "operations_once_per_cycle",
        "operations",
        ["subscription", "cycle", "purpose"],
        unique=True,
        postgresql_where=sa.text("subscription IS NOT NULL AND cycle IS NOT NULL"),
    )
    op.create_index(
        "operations_once_per_request",
        "operations",
        ["seller", "request_id"],
        unique=True,
        postgresql_where=sa.text("request_id IS NOT NULL"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("account", sa.Text(collation="C"), nullable=False),
        sa.Column("clock", sa.Text(collation="C"), nullable=True),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("multiplier", sa.Integer(), nullable=False),
        sa.Column("addons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("legacy", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("auto_renew", sa.Boolean(), nullable=False),
        sa.Column("renewal_failed", sa.Boolean(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("anchor", sa.Date(), nullable=False),
        sa.Column("months_paid", sa.Integer(), nullable=False),
        sa.Column("cycle_months", sa.Integer(), nullable=False),
        sa.Column("expiry", sa.Date(), nullable=False),
        sa.Column("cycles_paid", sa.Integer(), nullable=False),
        sa.Column("planned_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("attempted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("expired_on", sa.Date(), nullable=True),
        sa.Column("terminated_on", sa.Date(), nullable=True),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("renewal_date", sa.Date(), nullable=False),
        sa.Column("next_kind", sa.Text(), nullable=True),
        sa.Column("next_due", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("next_rule", sa.Text(), nullable=True),
        sa.Column("next_why", sa.Text(), nullable=True),
        sa.Column("workflow_started", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(
            ["account"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "subscriptions_account", "subscriptions", ["account", "renewal_date"], unique=False
    )
    op.create_index(
        "subscriptions_due",
        "subscriptions",
        ["clock", "next_due"],
        unique=False,
        postgresql_where=sa.text("next_due IS NOT NULL"),
    )
    op.create_index(
        "subscriptions_unstarted",
        "subscriptions",
        ["id"],
        unique=False,
        postgresql_where=sa.text("NOT workflow_started"),
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("seller", sa.Text(collation="C"), nullable=False),
        sa.Column("account", sa.Text(collation="C"), nullable=False),
        sa.Column("operation", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total", sa.Numeric(precision=20, scale=5), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation"],
            ["operations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("operation"),
        sa.UniqueConstraint("seq"),
    )
    op.create_index("invoices_account", "invoices", ["account", "seq"], unique=False)
    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("subscription", sa.Text(collation="C"), nullable=False),
        sa.Column("account", sa.Text(collation="C"), nullable=False),
        sa.Column("clock", sa.Text(collation="C"), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("expiry", sa.Date(), nullable=False),
        sa.Column("due", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default="planned", nullable=False),
        sa.Column("done_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscription"],
            ["subscriptions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("subscription", "expiry", "kind", name="messages_once"),
    )
    op.create_index(
        "messages_due",
        "messages",
        ["clock", "due"],
        unique=False,
        postgresql_where=sa.text("state = 'planned'"),
    )
    op.create_table(
        "periods",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("operation", sa.BigInteger(), nullable=False),
        sa.Column("subscription", sa.Text(collation="C"), nullable=False),
        sa.Column("account", sa.Text(collation="C"), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("expiry", sa.Date(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("scheduled_start", sa.Date(), nullable=False),
        sa.Column("paid", sa.Numeric(precision=20, scale=5), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation"],
            ["operations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["subscription"],
            ["subscriptions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("subscription", "expiry", name="periods_subscription_expiry"),
    )
    op.create_table(
        "postings",
        sa.Column("operation", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.SmallInteger(), nullable=False),
        sa.Column("book", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(collation="C"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=20, scale=5), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation"],
            ["operations.id"],
        ),
        sa.PrimaryKeyConstraint("operation", "line"),
    )
    op.create_table(
        "invoice_numbers",
        sa.Column("seller", sa.Text(collation="C"), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("invoice", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice"],
            ["invoices.id"],
        ),
        sa.ForeignKeyConstraint(
            ["seller"],
            ["sellers.id"],
        ),
        sa.PrimaryKeyConstraint("seller", "number"),
        sa.UniqueConstraint("invoice"),
    )
    op.create_table(
        "refunds",
        sa.Column("operation", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=20, scale=5), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation"],
            ["operations.id"],
        ),
        sa.ForeignKeyConstraint(
            ["period"],
            ["periods.id"],
        ),
        sa.PrimaryKeyConstraint("operation", "period"),
    )

    op.execute(GUARDS)
    for table in NEVER_CHANGED:
        op.execute(
            f"CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(VIEWS)


def downgrade() -> None:
    raise RuntimeError("the first version has nothing before it: drop the database")
