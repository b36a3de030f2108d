-- One seller never sees another's rows (docs/decisions/0033).
--
-- The setting `perennial.seller` names the seller whose rows are seen, or is `*` for every seller
-- (`core.ledger.row_security`). Without it no row is seen. This holds for every role but the owner
-- of the tables, who migrates them, and superusers.
--
-- A table with a column `seller` is covered by that column, another with a column `account` by the
-- seller of the account. The rest is listed. So a new table is covered, or a test finds it.
--
-- An account is looked up by a scalar subquery, because PostgreSQL would read all accounts for an
-- EXISTS of a query that it believes to be large. The comparison stands inside it, or inside a
-- coalesce, because PostgreSQL believes a bare one to hold for one row in 100, and then sorts where
-- it could follow an index. Rows of one statement do not see each other. So who adds a charge or a
-- refund is checked by the guards of period_charges.sql and refunds.sql, which find neither the
-- period nor the operation of another seller.

DO $$
DECLARE
  of_seller CONSTANT text :=
    'coalesce(current_setting(''perennial.seller'', true) IN (%s, ''*''), false)';
  of_account CONSTANT text := 'current_setting(''perennial.seller'', true) = ''*'' OR '
    '(SELECT looked.up = current_setting(''perennial.seller'', true) FROM (%s) looked(up))';
  account CONSTANT text := 'SELECT a.seller FROM accounts a WHERE a.id = %I.account';
  operation CONSTANT text := 'SELECT o.seller FROM operations o WHERE o.id = operation';
  special CONSTANT jsonb := jsonb_build_object(
    'sellers', format(of_seller, 'id'),
    'reconciliation_marks', 'current_setting(''perennial.seller'', true) = ''*''',
    'tellings', format(of_account,
      'SELECT a.seller FROM accounts a WHERE a.id = CASE subject_kind '
      'WHEN ''account'' THEN subject '
      'ELSE (SELECT s.account FROM subscriptions s WHERE s.id = subject) END'),
    'documents', format(of_account,
      'SELECT CASE kind WHEN ''invoice'' '
      'THEN (SELECT i.seller FROM invoices i WHERE i.id = reference) '
      'ELSE (SELECT o.seller FROM operations o WHERE o.id = reference) END'),
    'deliveries', format(of_account, 'SELECT e.seller FROM endpoints e WHERE e.id = endpoint'),
    'imported', format(of_account, 'SELECT i.seller FROM imports i WHERE i.id = import_id'),
    'campaign_rows', format(of_account, 'SELECT c.seller FROM campaigns c WHERE c.id = campaign'),
    'period_charges', format(of_account, operation),
    'refunds', format(of_account, operation)
  );
  by_guards CONSTANT text[] := ARRAY['period_charges', 'refunds'];
  of record;
  seen text;
BEGIN
  FOR of IN
    SELECT c.relname AS name,
           bool_or(k.attname = 'seller') AS has_seller,
           bool_or(k.attname = 'account') AS has_account
      FROM pg_class c JOIN pg_attribute k ON k.attrelid = c.oid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND k.attnum > 0
     GROUP BY c.relname
  LOOP
    seen := CASE
      WHEN special ? of.name THEN special ->> of.name
      WHEN of.has_seller THEN format(of_seller, 'seller')
      WHEN of.has_account THEN format(of_account, format(account, of.name))
    END;
    CONTINUE WHEN seen IS NULL;
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', of.name);
    IF of.name = ANY (by_guards) THEN
      EXECUTE format('CREATE POLICY of_seller ON %I FOR SELECT USING (%s)', of.name, seen);
      EXECUTE format('CREATE POLICY added ON %I FOR INSERT WITH CHECK (true)', of.name);
    ELSE
      EXECUTE format('CREATE POLICY of_seller ON %I USING (%s)', of.name, seen);
    END IF;
  END LOOP;
END $$;

-- The views run with the rights of their owner, so they ask this themselves. The role of reports
-- has the setting of its own (deploy/postgres/roles.sql).
CREATE VIEW seen_sellers AS
  SELECT id FROM sellers
   WHERE current_setting('perennial.seller', true) IN (id, '*')
      OR NOT row_security_active('sellers');

-- Ids of subscriptions and accounts are those of one installation. These say which ids are taken,
-- by whomever, and nothing else.
CREATE FUNCTION taken_subscriptions(ids text[]) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT id FROM subscriptions WHERE id = ANY (ids)
$$;
CREATE FUNCTION taken_accounts(ids text[]) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT id FROM accounts WHERE id = ANY (ids)
$$;
REVOKE ALL ON FUNCTION taken_subscriptions(text[]), taken_accounts(text[]) FROM PUBLIC;

-- How many subscriptions an account has, by status, and how many of them failed to renew. It asks
-- for the seller of the account once. The policy would ask for it with each subscription.
CREATE FUNCTION counted_subscriptions(wanted text)
RETURNS TABLE (status text, counted bigint, failed bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT s.status, count(*), count(*) FILTER (WHERE s.renewal_failed)
    FROM subscriptions s
   WHERE s.account = wanted AND EXISTS (
     SELECT FROM accounts a WHERE a.id = wanted
        AND coalesce(current_setting('perennial.seller', true), '') IN (a.seller, '*'))
   GROUP BY s.status
$$;
REVOKE ALL ON FUNCTION counted_subscriptions(text) FROM PUBLIC;
