-- A subscription changes its account only as Rule 9 allows, and nothing of it stays behind.
--
-- The new account has the same seller, currency and clock. Neither a trial nor a TERMINATED
-- subscription is given away. A planned notice changes its account and its instant with its
-- subscription, and in no other way. At the end of the transaction its step and its planned notices
-- are those of the new account.

CREATE FUNCTION refuse_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.trial OR OLD.status = 'TERMINATED' THEN
    RAISE EXCEPTION 'subscription % cannot have another owner (rules 2, 4.3)', NEW.id
      USING ERRCODE = 'restrict_violation';
  END IF;
  PERFORM 1 FROM accounts giver JOIN accounts taker
      ON taker.seller = giver.seller AND taker.currency = giver.currency
     AND taker.clock IS NOT DISTINCT FROM giver.clock
   WHERE giver.id = OLD.account AND taker.id = NEW.account
     AND NOT taker.suspended AND taker.closed_on IS NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'account % cannot have subscription % of account % (rules 9, 11.8)',
      NEW.account, NEW.id, OLD.account USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER new_owner BEFORE UPDATE OF account ON subscriptions FOR EACH ROW
  WHEN (OLD.account IS DISTINCT FROM NEW.account) EXECUTE FUNCTION refuse_owner();

CREATE FUNCTION all_has_moved() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  owner text := (SELECT account FROM subscriptions WHERE id = NEW.id);
BEGIN
  PERFORM check_next_step(NEW.id);
  IF EXISTS (SELECT 1 FROM messages
              WHERE subscription = NEW.id AND state = 'planned' AND account <> owner) THEN
    RAISE EXCEPTION 'a planned notice of subscription % is left in another account (rule 9)',
      NEW.id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER all_has_moved AFTER UPDATE OF account ON subscriptions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.account IS DISTINCT FROM NEW.account)
  EXECUTE FUNCTION all_has_moved();

CREATE FUNCTION refuse_notice_to_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'planned' OR OLD.account = NEW.account
     OR NEW.account <> (SELECT account FROM subscriptions WHERE id = NEW.subscription) THEN
    RAISE EXCEPTION 'a notice of subscription % moves with its subscription only (rules 9, 12)',
      NEW.subscription USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER moves_with_its_subscription BEFORE UPDATE OF account, due ON messages FOR EACH ROW
  WHEN (OLD.account IS DISTINCT FROM NEW.account OR OLD.due IS DISTINCT FROM NEW.due)
  EXECUTE FUNCTION refuse_notice_to_move();
