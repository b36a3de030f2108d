-- A card charge becomes credits once, for its own amount (Rules 5.3, 11.3).
--
-- A charge begins as pending. It is charged or declined once. Only a charge that was closed as
-- never made may turn out to be charged after all. A charge that is booked as charged has exactly
-- one operation, which credits its amount to its account (operations_once_per_charge holds "one").

CREATE FUNCTION refuse_charge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    RAISE EXCEPTION 'card charge % does not begin as pending (rule 5.3)', NEW.key
      USING ERRCODE = 'check_violation';
  END IF;
  RAISE EXCEPTION 'card charge % is % and cannot become % (rule 5.3)',
    NEW.key, OLD.outcome, NEW.outcome USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER begins_as_pending BEFORE INSERT ON card_charges FOR EACH ROW
  WHEN (NEW.outcome <> 'pending' OR NEW.booked OR NEW.calls <> 0 OR NEW.reason IS NOT NULL)
  EXECUTE FUNCTION refuse_charge();
CREATE TRIGGER settled_once BEFORE UPDATE OF outcome, reason, calls ON card_charges FOR EACH ROW
  WHEN (
    OLD.outcome <> 'pending'
    AND (OLD.outcome, OLD.reason, OLD.calls) IS DISTINCT FROM (NEW.outcome, NEW.reason, NEW.calls)
    AND NOT (
      OLD.reason IS NOT DISTINCT FROM 'never made' AND NEW.reason IS NULL
      AND NEW.outcome = 'charged' AND NEW.booked AND OLD.calls = NEW.calls
    )
  )
  EXECUTE FUNCTION refuse_charge();

CREATE FUNCTION check_credit(checked text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  charge card_charges := (SELECT c FROM card_charges c WHERE c.key = checked);
  credit record;
BEGIN
  SELECT o.account, coalesce(sum(p.amount), 0) AS amount INTO credit
    FROM operations o
    LEFT JOIN postings p ON p.operation = o.id AND p.book = 'wallet' AND p.account = o.account
                        AND p.currency = charge.currency
    WHERE o.charge = checked GROUP BY o.id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'card charge % is booked and was never credited (rule 5.3)', checked
      USING ERRCODE = 'check_violation';
  END IF;
  IF charge.outcome <> 'charged' OR NOT charge.booked
     OR (credit.account, credit.amount) IS DISTINCT FROM (charge.account, charge.amount) THEN
    RAISE EXCEPTION 'the credit of card charge % is not what was charged (rule 5.3)', checked
      USING ERRCODE = 'check_violation';
  END IF;
END $$;

CREATE FUNCTION charge_is_credited() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM check_credit(NEW.key);
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER charge_is_credited AFTER INSERT OR UPDATE ON card_charges
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.booked AND NEW.outcome = 'charged')
  EXECUTE FUNCTION charge_is_credited();

CREATE FUNCTION credit_has_charge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM check_credit(NEW.charge);
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER credit_has_charge AFTER INSERT ON operations
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.charge IS NOT NULL)
  EXECUTE FUNCTION credit_has_charge();
