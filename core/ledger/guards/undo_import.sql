-- Takes accounts back that came in with imports, with all that is theirs (docs/decisions/0021).
--
-- This is the only way in which rows of the ledger are ever deleted. An account goes as a whole,
-- and only if nothing has happened to it: all its subscriptions came in with these imports, all its
-- operations are those of the imports, its history tells of nothing else, no notice was sent, and
-- no invoice was made, and no card was charged. A renewal shows in the history. The history stays.
-- The caller holds the locks of the accounts.
--
-- The function runs with the rights of its owner. The role of the workers may call it, but it may
-- not delete. It looks itself whether the accounts are those of the seller in force.

CREATE FUNCTION undo_import(undone bigint[], wanted text[], instant timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  touched text := (
    SELECT a.id FROM accounts a WHERE a.id = ANY (wanted) AND (
      coalesce(current_setting('perennial.seller', true), '') NOT IN (a.seller, '*')
      OR a.suspended OR a.closed_on IS NOT NULL
      OR EXISTS (SELECT 1 FROM subscriptions s WHERE s.account = a.id AND NOT EXISTS (
        SELECT 1 FROM imported i WHERE i.import_id = ANY (undone) AND i.account = a.id
          AND i.subject = s.id AND i.undone_at IS NULL))
      OR EXISTS (SELECT 1 FROM operations o WHERE o.account = a.id AND o.purpose <> 'import'
        AND o.purpose <> 'next cycle')
      OR EXISTS (SELECT 1 FROM history h WHERE h.account = a.id
        AND h.event NOT IN ('imported', 'import_undone'))
      OR EXISTS (SELECT 1 FROM invoices i WHERE i.account = a.id)
      OR EXISTS (SELECT 1 FROM messages m JOIN subscriptions s ON s.id = m.subscription
        WHERE s.account = a.id AND m.state = 'sent')
      OR EXISTS (SELECT 1 FROM card_charges c WHERE c.account = a.id)
      OR EXISTS (SELECT 1 FROM numbers n WHERE n.account = a.id))
    LIMIT 1);
  gone text[] := ARRAY(SELECT id FROM subscriptions WHERE account = ANY (wanted));
BEGIN
  IF touched IS NOT NULL THEN
    RAISE EXCEPTION 'account % has more than its import, so it stays (rule 11.3)', touched
      USING ERRCODE = 'restrict_violation';
  END IF;
  PERFORM set_config('perennial.undo', pg_current_xact_id()::text, true);
  DELETE FROM tellings WHERE subject_kind = 'subscription' AND subject = ANY (gone)
    OR subject_kind = 'account' AND subject = ANY (wanted);
  DELETE FROM steps WHERE account = ANY (wanted);
  DELETE FROM messages WHERE subscription = ANY (gone);
  DELETE FROM trials WHERE account = ANY (wanted);
  DELETE FROM periods WHERE subscription = ANY (gone);
  DELETE FROM postings USING operations o
   WHERE o.account = ANY (wanted) AND o.purpose = 'import' AND operation = o.id;
  DELETE FROM operations WHERE account = ANY (wanted) AND purpose = 'import';
  DELETE FROM subscriptions WHERE account = ANY (wanted);
  DELETE FROM refusals r USING accounts a
   WHERE a.id = ANY (wanted) AND r.seller = a.seller AND r.account = a.id;
  DELETE FROM verified_balances WHERE account = ANY (wanted);
  DELETE FROM accounts WHERE id = ANY (wanted);
  PERFORM set_config('perennial.undo', '', true);
  UPDATE imported SET undone_at = instant
   WHERE import_id = ANY (undone) AND account = ANY (wanted) AND undone_at IS NULL;
END $$;

-- A posting or a period of an operation that was taken back would have been seen above, because who
-- adds one holds the lock of the account.
REVOKE ALL ON FUNCTION undo_import(bigint[], text[], timestamptz) FROM PUBLIC;
