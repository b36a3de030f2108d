"""The check of an operation's balance reads the rows that were added, and nothing else.

Every statement that adds postings has to be balanced by itself, operation by operation and currency by currency; so everything is. To sum up the
whole operation, as before, a session whose plan was made while the table was small read the table from end to end at every renewal.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

POST = """
CREATE OR REPLACE FUNCTION post() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  bad record;
  moved record;
  usable numeric;
BEGIN
  SELECT operation INTO bad FROM added GROUP BY operation, currency HAVING sum(amount) <> 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'operation % is not balanced (rule 11.3)', bad.operation USING ERRCODE = 'check_violation';
  END IF;
  FOR moved IN
    SELECT a.account, a.currency, sum(a.amount) AS amount, max((SELECT o.at FROM operations o WHERE o.id = a.operation)) AS at
      FROM added a WHERE a.book = 'wallet' GROUP BY a.account, a.currency ORDER BY a.account
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
"""


def upgrade() -> None:
    op.execute(POST)


def downgrade() -> None:
    raise RuntimeError("the way back to version 0001 is a backup from before")
