-- How a number of the inventory changes (Rules 10.1 to 10.3).
--
-- Its version grows by one with each change, so a change that has not seen the one before it is
-- refused. A number in use goes to another subscription only when it was given back. One that an
-- account has goes to another account only when it was released, or with its subscription. At the
-- end of the transaction, a number in use is in a subscription of its account.

CREATE FUNCTION check_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.version <> OLD.version + 1 THEN
    RAISE EXCEPTION 'number % has changed since it was read (rule 10.3)', OLD.number
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.state = 'in_use' AND NEW.state = 'in_use'
     AND OLD.subscription IS DISTINCT FROM NEW.subscription THEN
    RAISE EXCEPTION 'number % is in use by % (rule 10.3)', OLD.number, OLD.subscription
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.account IS NOT NULL AND NEW.account IS NOT NULL AND OLD.account <> NEW.account
     AND OLD.subscription IS DISTINCT FROM NEW.subscription THEN
    RAISE EXCEPTION 'number % is % for account % (rule 10.2)', OLD.number, OLD.state, OLD.account
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER changes BEFORE UPDATE ON numbers
  FOR EACH ROW EXECUTE FUNCTION check_number();

CREATE FUNCTION number_is_its_accounts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wrong text := (
    SELECT n.number FROM numbers n LEFT JOIN subscriptions s ON s.id = n.subscription
     WHERE n.seller = NEW.seller AND n.number = NEW.number AND n.state = 'in_use'
       AND (s.account IS DISTINCT FROM n.account OR s.status = 'TERMINATED'));
BEGIN
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'number % is in use, but not by a subscription of its account (rule 10.3)',
      wrong USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER account_of_new_number AFTER INSERT ON numbers
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'in_use')
  EXECUTE FUNCTION number_is_its_accounts();
CREATE CONSTRAINT TRIGGER account_of_number AFTER UPDATE OF state, account, subscription ON numbers
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.state = 'in_use')
  EXECUTE FUNCTION number_is_its_accounts();

CREATE FUNCTION numbers_of_subscription() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT 1 FROM subscriptions s JOIN numbers n ON n.subscription = s.id AND n.state = 'in_use'
     WHERE s.id = NEW.id AND (n.account <> s.account OR s.status = 'TERMINATED')
  ) THEN
    RAISE EXCEPTION 'subscription % is % of %, and a number is still in use by it (rule 10.2)',
      NEW.id, NEW.status, NEW.account USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER numbers_of_moved AFTER UPDATE OF account ON subscriptions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.account IS DISTINCT FROM NEW.account)
  EXECUTE FUNCTION numbers_of_subscription();
CREATE CONSTRAINT TRIGGER numbers_of_ended AFTER UPDATE OF status ON subscriptions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status AND NEW.status = 'TERMINATED')
  EXECUTE FUNCTION numbers_of_subscription();
