-- Erases the personal data of an account, page by page (docs/decisions/0038).
--
-- It erases only an account that is marked as erased, of the seller in force. It runs with the
-- rights of its owner. The role of the workers may call it, but it may not change these columns.
-- `part` names a table, or the receipts among the documents. `kept_since` is the first day whose
-- invoices the law keeps, with their lines, documents, and the profiles that they show. It returns
-- how many rows it has looked at, and where the next page begins, NULL after the last one.

CREATE FUNCTION erase_rows(of text, keyed text, type text, keys text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  columns text := (SELECT string_agg(quote_ident(one), ', ')
                     FROM erasable() e, unnest(e.columns) AS one WHERE e.name = of);
BEGIN
  EXECUTE format(
    'UPDATE %1$I AS t SET (%2$s) = (SELECT %2$s FROM '
    'jsonb_populate_record(t, erased_row(%1$L, to_jsonb(t)))) '
    'WHERE %3$I = ANY ($1::%4$s[]) AND to_jsonb(t) <> erased_row(%1$L, to_jsonb(t))',
    of, columns, keyed, type) USING keys;
END $$;

-- Invoices whose years are over, with their lines and documents.
CREATE FUNCTION erase_invoices(ids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM erase_rows('invoices', 'id', 'bigint', ids);
  PERFORM erase_rows('monthly_amounts', 'invoice', 'bigint', ids);
  DELETE FROM documents WHERE kind = 'invoice' AND reference = ANY (ids::bigint[]);
END $$;

CREATE FUNCTION erase_page(
  wanted text, part text, after text, most integer, kept_since date,
  OUT looked_at integer, OUT last text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  of_seller text := (
    SELECT a.seller FROM accounts a WHERE a.id = wanted AND a.erased_on IS NOT NULL
       AND coalesce(current_setting('perennial.seller', true), '') IN (a.seller, '*'));
  keys text[];
BEGIN
  IF of_seller IS NULL THEN
    RAISE EXCEPTION 'account % is not marked as erased (rule 11.8)', wanted
      USING ERRCODE = 'restrict_violation';
  END IF;
  PERFORM set_config('perennial.erase', pg_current_xact_id()::text || ' ' || wanted, true);
  CASE part
    WHEN 'accounts' THEN
      keys := ARRAY[wanted];
      PERFORM erase_rows('accounts', 'id', 'text', keys);
      DELETE FROM refusals WHERE seller = of_seller AND account = wanted;
      UPDATE api_requests SET fingerprint = 'erased'
       WHERE seller = of_seller AND "do" = 'open_account' AND document ->> 'account' = wanted;
      PERFORM erase_rows('approvals', 'id', 'text', ARRAY(
        SELECT id FROM approvals p WHERE p.seller = of_seller AND (
          p.values ->> 'account' = wanted
          OR EXISTS (SELECT FROM subscriptions s
                      WHERE s.id = p.values ->> 'subscription' AND s.account = wanted)))::text[]);
    WHEN 'subscriptions' THEN
      keys := ARRAY(SELECT id FROM subscriptions WHERE account = wanted AND id > coalesce(after, '')
                     ORDER BY id LIMIT most);
      PERFORM erase_rows('subscriptions', 'id', 'text', keys);
    WHEN 'history' THEN
      keys := ARRAY(SELECT seq FROM history
                     WHERE account = wanted AND seq > coalesce(after, '0')::bigint
                     ORDER BY seq LIMIT most);
      PERFORM erase_rows('history', 'seq', 'bigint', keys);
      PERFORM erase_rows('operations', 'id', 'bigint', ARRAY(
        SELECT o.id FROM history h JOIN operations o ON o.id = h.operation AND o.account = wanted
         WHERE h.seq = ANY (keys::bigint[]))::text[]);
    WHEN 'operations' THEN
      keys := ARRAY(SELECT id FROM operations
                     WHERE account = wanted AND purpose <> 'next cycle'
                       AND id > coalesce(after, '0')::bigint
                     ORDER BY id LIMIT most);
      PERFORM erase_rows('operations', 'id', 'bigint', keys);
    WHEN 'number_history' THEN
      keys := ARRAY(SELECT seq FROM number_history
                     WHERE account = wanted AND seq > coalesce(after, '0')::bigint
                     ORDER BY seq LIMIT most);
      PERFORM erase_rows('number_history', 'seq', 'bigint', keys);
    WHEN 'deliveries' THEN
      keys := ARRAY(SELECT DISTINCT event FROM deliveries
                     WHERE account = wanted AND event > coalesce(after, '0')::bigint
                     ORDER BY event LIMIT most);
      PERFORM erase_rows('deliveries', 'id', 'bigint', ARRAY(
        SELECT id FROM deliveries WHERE account = wanted AND event = ANY (keys::bigint[]))::text[]);
    WHEN 'card_charges' THEN
      keys := ARRAY(SELECT key FROM card_charges
                     WHERE account = wanted AND key > coalesce(after, '') ORDER BY key LIMIT most);
      PERFORM erase_rows('card_charges', 'key', 'text', keys);
    WHEN 'invoices' THEN
      keys := ARRAY(SELECT seq FROM invoices
                     WHERE account = wanted AND seq > coalesce(after, '0')::bigint
                     ORDER BY seq LIMIT most);
      PERFORM erase_invoices(ARRAY(
        SELECT id FROM invoices WHERE seq = ANY (keys::bigint[]) AND account = wanted
           AND date < kept_since)::text[]);
    WHEN 'receipts' THEN
      keys := ARRAY(SELECT id FROM operations
                     WHERE account = wanted
                       AND purpose = ANY ('{top_up,card charge,payment}'::text[])
                       AND id > coalesce(after, '0')::bigint
                     ORDER BY id LIMIT most);
      DELETE FROM documents d USING operations o
       WHERE o.id = ANY (keys::bigint[]) AND o.at < kept_since
         AND d.kind = 'receipt' AND d.reference = o.id;
    WHEN 'customer_profiles' THEN
      keys := ARRAY(SELECT version FROM customer_profiles
                     WHERE account = wanted AND version > coalesce(after, '0')::integer
                     ORDER BY version LIMIT most);
      UPDATE customer_profiles t SET (document, actor) = (
        SELECT document, actor
          FROM jsonb_populate_record(t, erased_row('customer_profiles', to_jsonb(t))))
       WHERE account = wanted AND version = ANY (keys::integer[]) AND NOT EXISTS (
         SELECT FROM invoices i WHERE i.account = wanted AND i.customer_profile = t.version
            AND i.date >= kept_since);
  END CASE;
  PERFORM set_config('perennial.erase', '', true);
  looked_at := cardinality(keys);
  last := CASE WHEN looked_at = most THEN keys[most] END;
END $$;

-- The other functions run with the rights of their caller, so they change nothing by themselves.
REVOKE ALL ON FUNCTION erase_page(text, text, text, integer, date) FROM PUBLIC;
