-- Double entry (Rules 11.1, 11.3).
--
-- Every statement that adds postings is balanced, operation by operation and currency by currency.
-- The trigger reads the added rows only. A posting to the wallet moves the account's balance, and a
-- movement down never leaves usable below zero. Only postings change a balance.
--
-- The trigger also holds what a foreign key would hold: each posting has its operation. Operations
-- are never deleted, so one look for all rows of a statement is enough.

CREATE FUNCTION post() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  bad record;
  moved record;
  left_over numeric;
BEGIN
  SELECT operation, sum(amount) AS off INTO bad FROM added GROUP BY operation, currency
    HAVING sum(amount) <> 0 OR (SELECT o.id FROM operations o WHERE o.id = added.operation) IS NULL
    LIMIT 1;
  IF FOUND THEN
    IF bad.off = 0 THEN
      RAISE EXCEPTION 'there is no operation % to post (rule 11.3)', bad.operation
        USING ERRCODE = 'foreign_key_violation';
    END IF;
    RAISE EXCEPTION 'operation % is not balanced (rule 11.3)', bad.operation
      USING ERRCODE = 'check_violation';
  END IF;
  FOR moved IN
    SELECT a.account, a.currency, sum(a.amount) AS amount,
           max((SELECT o.at FROM operations o WHERE o.id = a.operation)) AS at
      FROM added a WHERE a.book = 'wallet' GROUP BY a.account, a.currency ORDER BY a.account
  LOOP
    UPDATE accounts SET balance = balance + moved.amount
      WHERE id = moved.account AND currency = moved.currency
      RETURNING usable(accounts, moved.at) INTO left_over;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'account % has no wallet in %', moved.account, moved.currency
        USING ERRCODE = 'check_violation';
    END IF;
    IF moved.amount < 0 AND left_over < 0 THEN
      RAISE EXCEPTION 'account % would spend % beyond usable (rule 11.1)', moved.account, -left_over
        USING ERRCODE = 'check_violation';
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
CREATE TRIGGER post AFTER INSERT ON postings REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION post();

CREATE FUNCTION refuse_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the balance of % changes by postings alone (rule 11.3)', NEW.id
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER balance_by_postings BEFORE UPDATE OF balance ON accounts FOR EACH ROW
  WHEN (OLD.balance IS DISTINCT FROM NEW.balance AND pg_trigger_depth() < 1)
  EXECUTE FUNCTION refuse_balance();
CREATE TRIGGER balance_starts_at_zero BEFORE INSERT ON accounts FOR EACH ROW
  WHEN (NEW.balance <> 0) EXECUTE FUNCTION refuse_balance();
