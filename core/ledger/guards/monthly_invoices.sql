-- Amounts that wait for the monthly invoice (Rules 10.1, 11.4).
--
-- An amount that waits has its month among those that the account plans to invoice, and the
-- account has a next step. So no amount is forgotten. A monthly invoice holds amounts of its own
-- account and month, and its total is their sum. An amount is on one invoice, for good.
--
-- What a postpaid account has unbilled is the sum of its consolidated amounts that wait
-- (Rule 11.6). Only the triggers here change it. An amount never leaves usable below zero.

CREATE FUNCTION amount_is_planned() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  bad record;
BEGIN
  SELECT DISTINCT w.account, w.month INTO bad FROM added w
    WHERE w.invoice IS NULL AND NOT EXISTS (
      SELECT 1 FROM accounts a
        JOIN steps s ON s.subject_kind = 'account' AND s.subject = a.id
       WHERE a.id = w.account AND a.uninvoiced @> to_jsonb(w.month::text))
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'account % does not plan the monthly invoice of % (rule 11.4)',
      bad.account, bad.month USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER amount_is_planned AFTER INSERT ON monthly_amounts REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION amount_is_planned();

CREATE FUNCTION months_still_wait() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  forgotten date := (
    SELECT min(w.month) FROM monthly_amounts w
     WHERE w.account = NEW.id AND w.invoice IS NULL
       AND NOT coalesce(NEW.uninvoiced @> to_jsonb(w.month::text), false));
BEGIN
  IF forgotten IS NOT NULL THEN
    RAISE EXCEPTION 'amounts of account % still wait for the monthly invoice of % (rule 11.4)',
      NEW.id, forgotten USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER months_still_wait AFTER UPDATE OF uninvoiced ON accounts FOR EACH ROW
  WHEN (OLD.uninvoiced IS DISTINCT FROM NEW.uninvoiced) EXECUTE FUNCTION months_still_wait();

CREATE FUNCTION monthly_invoice_holds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  bad record;
BEGIN
  SELECT i.id INTO bad FROM invoices i
    JOIN monthly_amounts w ON w.invoice = i.id
    WHERE i.id IN (SELECT invoice FROM changed)
    GROUP BY i.id
    HAVING sum(w.amount) <> i.total
      OR bool_or(i.kind <> CASE WHEN w.consolidated THEN 'consolidated' ELSE 'monthly' END)
      OR bool_or(w.account <> i.account OR w.month <> date_trunc('month', i.date)::date)
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'invoice % is not the monthly invoice of its amounts (rule 11.4)', bad.id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER monthly_invoice_holds AFTER UPDATE ON monthly_amounts
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION monthly_invoice_holds();
CREATE TRIGGER monthly_invoice_holds_new AFTER INSERT ON monthly_amounts
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION monthly_invoice_holds();

CREATE FUNCTION bill_later() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  moved record;
  left_over numeric;
BEGIN
  FOR moved IN
    SELECT a.account, sum(a.amount) AS amount, max(o.at) AS at
      FROM added a JOIN operations o ON o.id = a.operation
     WHERE a.consolidated AND a.invoice IS NULL GROUP BY a.account ORDER BY a.account
  LOOP
    UPDATE accounts SET unbilled = unbilled + moved.amount WHERE id = moved.account
      RETURNING usable(accounts, moved.at) INTO left_over;
    IF left_over < 0 THEN
      RAISE EXCEPTION 'account % would spend % beyond usable (rule 11.6)', moved.account, -left_over
        USING ERRCODE = 'check_violation';
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
CREATE TRIGGER bill_later AFTER INSERT ON monthly_amounts REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION bill_later();

CREATE FUNCTION bill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE accounts a SET unbilled = a.unbilled - billed.amount
    FROM (SELECT n.account, sum(n.amount) AS amount FROM new_rows n JOIN old_rows o
            ON o.operation = n.operation AND o.line = n.line
           WHERE n.consolidated AND o.invoice IS NULL AND n.invoice IS NOT NULL
           GROUP BY n.account) billed
    WHERE a.id = billed.account;
  RETURN NULL;
END $$;
CREATE TRIGGER bill AFTER UPDATE ON monthly_amounts
  REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION bill();

CREATE FUNCTION refuse_unbilled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what % has unbilled changes by monthly amounts alone (rule 11.6)', NEW.id
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER unbilled_by_amounts BEFORE UPDATE OF unbilled ON accounts FOR EACH ROW
  WHEN (OLD.unbilled IS DISTINCT FROM NEW.unbilled AND pg_trigger_depth() < 1)
  EXECUTE FUNCTION refuse_unbilled();
CREATE TRIGGER unbilled_starts_at_zero BEFORE INSERT ON accounts FOR EACH ROW
  WHEN (NEW.unbilled <> 0) EXECUTE FUNCTION refuse_unbilled();
