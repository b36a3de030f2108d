-- What happened is never changed or deleted (Rule 11.3). Policies and catalogue entries are
-- versions that others refer to, so they are never changed either (Rules 3.5, 14). A trial that an
-- account has had stays on record for ever (Rule 4.3). An import that is undone takes its own rows
-- back, but not the history (docs/decisions/0021). Documents stay as they were first made, and so
-- do the profiles and taxes that they show (docs/decisions/0024). What a request of the API has
-- done stays, too (docs/decisions/0030), and so does a record of the audit (docs/decisions/0032).
-- The personal data of an account can be erased from it, and nothing but that
-- (docs/decisions/0038).

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND TG_TABLE_NAME IN ('operations', 'postings', 'periods', 'trials')
     AND being_undone() THEN
    RETURN NULL;
  END IF;
  IF being_erased() IS NOT NULL
     AND (TG_OP = 'UPDATE' AND TG_TABLE_NAME IN (SELECT name FROM erasable())
          OR TG_OP = 'DELETE' AND TG_TABLE_NAME = 'documents') THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'rows of % are never changed or deleted (rule 11.3)', TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$;

DO $$
DECLARE
  kept text;
BEGIN
  FOREACH kept IN ARRAY ARRAY[
    'policies', 'catalog_entries', 'operations', 'postings', 'periods', 'period_charges', 'refunds',
    'history', 'number_history', 'trials', 'seller_credits', 'seller_profiles', 'customer_profiles',
    'tax_rates', 'documents', 'api_requests', 'audit'
  ]
  LOOP
    EXECUTE format(
      'CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
      'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', kept);
  END LOOP;
END $$;
