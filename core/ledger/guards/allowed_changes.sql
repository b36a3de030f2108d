-- What may change in the rows that do change, and how (Rules 2, 11.1, 11.3, 11.4, 12).
--
-- Rows of these tables are never deleted, except by the undoing of an import (docs/decisions/0021).
-- Fixed columns never change. Counters and clocks only grow. Final values stay: TERMINATED, no
-- longer a trial, closed for good, an invoice's number, a notice that is done, a booked card
-- charge, the monthly invoice of an amount, the outcome of a campaign's row. A trigger names its
-- columns, so a statement that does not set them pays nothing for it.
--
-- A row from which the personal data of its account is erased passes (docs/decisions/0038). The
-- rows that never change otherwise become exactly what `erased_row` says.
--
-- Nothing sets `reserved` and `liability` yet, so they are fixed, too.

CREATE FUNCTION refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND TG_TABLE_NAME IN ('accounts', 'subscriptions', 'messages')
     AND being_undone() THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'rows of % are never deleted (rule 11.3)', TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION refuse_this_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND being_erased() IS NOT NULL
     AND only_erased(TG_TABLE_NAME, to_jsonb(OLD), to_jsonb(NEW)) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '%: % (%)', TG_TABLE_NAME, TG_ARGV[0], TG_ARGV[1]
    USING ERRCODE = 'restrict_violation';
END $$;

DO $$
DECLARE
  entry record;
BEGIN
  FOR entry IN SELECT unnest(ARRAY[
    'sellers', 'clocks', 'accounts', 'subscriptions', 'messages', 'card_charges', 'invoices',
    'monthly_amounts', 'numbers', 'imports', 'imported',
    'campaigns', 'campaign_rows', 'endpoints'
  ]) AS name
  LOOP
    EXECUTE format(
      'CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON %I '
      'FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete()', entry.name);
  END LOOP;

  FOR entry IN SELECT * FROM (VALUES
    ('sellers', 'id', 'rule 11.3'),
    ('clocks', 'id, seller', 'rule 11.3'),
    ('accounts', 'id, seller, currency, timezone, clock, reserved, liability', 'rule 11.1'),
    ('subscriptions', 'id, clock, legacy, align, discount, discount_cycles, contract',
     'rule 2'),
    ('numbers', 'seller, number', 'rule 10.3'),
    ('messages', 'id, subscription, clock, kind, expiry', 'rule 12'),
    ('endpoints', 'id, seller, name, kind, added_at, added_by', 'rule 12'),
    ('deliveries', 'id, endpoint, event, account, subject', 'rule 12'),
    ('imports', 'id, seller, kind, file, digest, prefix, clock, as_of, actor, at', 'rule 11.3'),
    ('imported', 'import_id, account, subject', 'rule 11.3'),
    ('card_charges', 'key, account, subscription, card, amount, currency, asked_at', 'rule 5.3'),
    ('invoices',
     'id, seq, seller, account, operation, kind, date, currency, total, lines, due',
     'rule 11.4'),
    ('monthly_amounts',
     'operation, line, account, month, consolidated, description, amount', 'rule 11.4'),
    ('campaigns',
     'id, seller, request_id, fingerprint, "do", options, actor, selection, rows, started_at',
     'rule 4.2'),
    ('campaign_rows', 'campaign, row, line, subscription', 'rule 4.2')
  ) AS fixed(name, columns, rule)
  LOOP
    EXECUTE format(
      'CREATE TRIGGER fixed_columns BEFORE UPDATE OF %s ON %I FOR EACH ROW WHEN (%s) '
      'EXECUTE FUNCTION refuse_this_change(%L, %L)',
      entry.columns, entry.name,
      (SELECT string_agg(format('OLD.%1$s IS DISTINCT FROM NEW.%1$s', trim(one)), ' OR ')
         FROM regexp_split_to_table(entry.columns, ',') AS one),
      entry.columns || ' never change', entry.rule);
  END LOOP;

  FOR entry IN SELECT * FROM (VALUES
    ('sellers', 'policy_version', 'rule 14'),
    ('sellers', 'catalog_revision', 'rule 3.5'),
    ('clocks', 'now', 'rule 1.6'),
    ('accounts', 'version', 'rule 11.8'),
    ('subscriptions', 'version', 'rule 2'),
    ('card_charges', 'calls', 'rule 5.3'),
    ('campaigns', 'settled', 'rule 4.2')
  ) AS growing(name, col, rule)
  LOOP
    EXECUTE format(
      'CREATE TRIGGER only_grows_%2$s BEFORE UPDATE OF %2$I ON %1$I FOR EACH ROW '
      'WHEN (NEW.%2$I < OLD.%2$I) EXECUTE FUNCTION refuse_this_change(%3$L, %4$L)',
      entry.name, entry.col, entry.col || ' only grows', entry.rule);
  END LOOP;

  FOR entry IN SELECT * FROM (VALUES
    ('subscriptions', 'status', 'OLD.status = ''TERMINATED''', 'TERMINATED is final', 'rule 2'),
    ('subscriptions', 'trial', 'NOT OLD.trial', 'a paid one becomes no trial', 'rule 4.3'),
    ('accounts', 'closed_for_good', 'OLD.closed_for_good', 'closed for good is final', 'rule 11.8'),
    ('accounts', 'erased_on', 'OLD.erased_on IS NOT NULL', 'it is erased once', 'rule 11.8'),
    ('invoices', 'number', 'OLD.number IS NOT NULL', 'a number is final', 'rule 11.4'),
    ('invoices', 'seller_profile', 'OLD.number IS NOT NULL', 'final with the number', 'rule 11.4'),
    ('invoices', 'customer_profile', 'OLD.number IS NOT NULL', 'final with the number',
     'rule 11.4'),
    ('invoices', 'tax', 'OLD.number IS NOT NULL', 'final with the number', 'rule 11.4'),
    ('monthly_amounts', 'invoice', 'OLD.invoice IS NOT NULL', 'it is on one invoice', 'rule 11.4'),
    ('imported', 'undone_at', 'OLD.undone_at IS NOT NULL', 'it is undone once', 'rule 11.3'),
    ('messages', 'state', 'OLD.state <> ''planned''', 'a notice is done once', 'rule 12'),
    ('card_charges', 'booked', 'OLD.booked', 'a charge is booked once', 'rule 11.3'),
    ('campaigns', 'state', 'OLD.state = ''stopped''', 'stopped is final', 'rule 4.2'),
    ('campaign_rows', 'outcome', 'OLD.outcome <> ''unknown''', 'an outcome is final', 'rule 4.2')
  ) AS final(name, col, reached, why, rule)
  LOOP
    EXECUTE format(
      'CREATE TRIGGER final_%2$s BEFORE UPDATE OF %2$I ON %1$I FOR EACH ROW '
      'WHEN (OLD.%2$I IS DISTINCT FROM NEW.%2$I AND %3$s) '
      'EXECUTE FUNCTION refuse_this_change(%4$L, %5$L)',
      entry.name, entry.col, entry.reached, entry.why, entry.rule);
  END LOOP;

  FOR entry IN SELECT unnest(ARRAY[
    'operations', 'history', 'number_history', 'customer_profiles', 'api_requests'
  ]) AS name
  LOOP
    EXECUTE format(
      'CREATE TRIGGER only_erased BEFORE UPDATE ON %I FOR EACH ROW '
      'EXECUTE FUNCTION refuse_this_change(''rows never change'', ''rule 11.3'')', entry.name);
  END LOOP;
END $$;
