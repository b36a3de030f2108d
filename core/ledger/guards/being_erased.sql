-- What an erased row looks like, and which account this transaction is erasing, if any
-- (docs/decisions/0038). Only `erase_page` says so. The guards that refuse a change let a row pass
-- then that becomes exactly its erased self, of that account, and nothing else.

CREATE FUNCTION being_erased() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN split_part(said, ' ', 1) = pg_current_xact_id()::text
              THEN substr(said, strpos(said, ' ') + 1) END
    FROM (SELECT current_setting('perennial.erase', true)) AS found(said)
$$;

-- The columns with personal data, by table. `core.ledger.personal_data` says the same, and a test
-- compares. The word stands where something had stood.
CREATE FUNCTION erasable() RETURNS TABLE (name text, columns text[]) LANGUAGE sql IMMUTABLE AS $$
  VALUES
    ('accounts', ARRAY['owner', 'billing_email', 'card']),
    ('api_requests', ARRAY['fingerprint']),
    ('approvals', ARRAY['values', 'fingerprint', 'why', 'outcome']),
    ('card_charges', ARRAY['card']),
    ('customer_profiles', ARRAY['document', 'actor']),
    ('deliveries', ARRAY['error']),
    ('history', ARRAY['facts', 'actor']),
    ('invoices', ARRAY['lines']),
    ('monthly_amounts', ARRAY['description']),
    ('number_history', ARRAY['account', 'subscription', 'remark', 'actor']),
    ('operations', ARRAY['result', 'fingerprint']),
    ('subscriptions', ARRAY['assigned_to', 'members', 'numbers'])
$$;

CREATE FUNCTION erased_value(found jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE jsonb_typeof(found) WHEN 'string' THEN '"erased"' WHEN 'array' THEN '[]'
              WHEN 'object' THEN '{}' ELSE found END
$$;

-- An object without the texts of keys that are not known to be free of personal data. Numbers and
-- flags stay. So a new key is erased until it is listed.
CREATE FUNCTION erased_but(found jsonb, kept text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(jsonb_object_agg(key,
           CASE WHEN key = ANY (kept) THEN value ELSE erased_value(value) END), '{}')
    FROM jsonb_each(found)
$$;

-- The program itself, its keys and the seller's staff stay on record. Others may be the customer.
CREATE FUNCTION erased_actor(actor text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN actor IN ('perennial', 'platform', 'command line')
      OR EXISTS (SELECT FROM api_keys k WHERE k.id = substring(actor FROM ' \(key ([0-9a-f]+)\)$')
                 AND actor = k.name || ' (key ' || k.id || ')')
      OR EXISTS (SELECT FROM staff s WHERE s.email = lower(substring(actor FROM '<([^<>]+)>$')))
    THEN actor ELSE 'erased' END
$$;

CREATE FUNCTION erased_row(of text, was jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  word CONSTANT jsonb := '"erased"';
  said jsonb := '{}';
BEGIN
  said := CASE of
    WHEN 'accounts' THEN jsonb_build_object('owner', word, 'billing_email', NULL, 'card', NULL)
    WHEN 'api_requests' THEN jsonb_build_object('fingerprint', word)
    WHEN 'approvals' THEN jsonb_build_object(
      'values', erased_but(was -> 'values', ARRAY['account', 'subscription', 'amount']),
      'fingerprint', word, 'why', word, 'outcome', word)
    WHEN 'card_charges' THEN jsonb_build_object('card', word)
    WHEN 'customer_profiles' THEN jsonb_build_object(
      'document', erased_but(was -> 'document', ARRAY['country', 'language']),
      'actor', erased_actor(was ->> 'actor'))
    WHEN 'deliveries' THEN jsonb_build_object('error', word)
    WHEN 'history' THEN jsonb_build_object(
      'facts', erased_but(was -> 'facts',
        ARRAY['expiry', 'until', 'external_invoice', 'when', 'sku', 'quantity', 'months',
              'withdrawn', 'partner']
        || CASE was ->> 'event'
             WHEN 'given_away' THEN ARRAY['to']
             WHEN 'owner_changed' THEN ARRAY['before']
             WHEN 'renewal_failed' THEN ARRAY['reason']
             WHEN 'expired' THEN ARRAY['reason']
             WHEN 'card_declined' THEN ARRAY['reason']
             ELSE ARRAY[]::text[] END),
      'actor', erased_actor(was ->> 'actor'))
    WHEN 'invoices' THEN jsonb_build_object('lines', (
      SELECT coalesce(jsonb_agg(erased_but(line, ARRAY['amount']) ORDER BY place), '[]')
        FROM jsonb_array_elements(was -> 'lines') WITH ORDINALITY AS lines(line, place)))
    WHEN 'monthly_amounts' THEN jsonb_build_object('description', word)
    WHEN 'number_history' THEN jsonb_build_object(
      'account', NULL, 'subscription', NULL, 'remark', word,
      'actor', erased_actor(was ->> 'actor'))
    WHEN 'operations' THEN jsonb_build_object(
      'result', erased_but(was -> 'result',
        ARRAY['do', 'account', 'subscription', 'expiry', 'until', 'before', 'amount', 'currency',
              'external_invoice', 'credits', 'activation_fees', 'activation_fee', 'refund',
              'receivable', 'sku', 'mode', 'credit_limit', 'credit_limit_until', 'kept_until',
              'charge']),
      'fingerprint', CASE WHEN was -> 'result' ->> 'do' = 'erase_account'
        THEN was -> 'fingerprint' ELSE word END)
    WHEN 'subscriptions' THEN
      jsonb_build_object('assigned_to', NULL, 'members', NULL, 'numbers', NULL)
  END;
  -- What is empty stays empty.
  RETURN was || (
    SELECT jsonb_object_agg(key,
             CASE WHEN was -> key = 'null' THEN 'null' ELSE value END)
      FROM jsonb_each(said));
END $$;

CREATE FUNCTION only_erased(of text, before jsonb, after jsonb) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN being_erased() IS NULL THEN false
    ELSE coalesce(before ->> 'account', being_erased()) = being_erased()
         AND of IN (SELECT name FROM erasable()) AND after = erased_row(of, before) END
$$;
