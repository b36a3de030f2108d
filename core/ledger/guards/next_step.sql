-- A subscription that is not TERMINATED has a next step, a TERMINATED one has none (Rule 1.5).
--
-- The triggers look at the end of the transaction. They fire when a subscription is created, when
-- its status changes, and when a step is added, deleted or given to another subject. A renewal does
-- none of this, so it pays nothing for the guard.

CREATE FUNCTION check_next_step(checked text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  state text := (SELECT status FROM subscriptions WHERE id = checked);
  has_step boolean := EXISTS (
    SELECT 1 FROM steps WHERE subject_kind = 'subscription' AND subject = checked);
  elsewhere boolean := EXISTS (
    SELECT 1 FROM steps t JOIN subscriptions s ON s.id = t.subject
     WHERE t.subject_kind = 'subscription' AND t.subject = checked AND t.account <> s.account);
BEGIN
  IF elsewhere THEN
    RAISE EXCEPTION 'the step of subscription % is in the order of another account (rule 1.7)',
      checked USING ERRCODE = 'check_violation';
  END IF;
  IF state = 'TERMINATED' AND has_step THEN
    RAISE EXCEPTION 'subscription % is TERMINATED and has a next step (rule 1.5)', checked
      USING ERRCODE = 'check_violation';
  END IF;
  IF state <> 'TERMINATED' AND NOT has_step THEN
    RAISE EXCEPTION 'subscription % is % and has no next step (rule 1.5)', checked, state
      USING ERRCODE = 'check_violation';
  END IF;
  IF state IS NULL AND has_step THEN
    RAISE EXCEPTION 'there is no subscription % to have a next step (rule 1.5)', checked
      USING ERRCODE = 'foreign_key_violation';
  END IF;
END $$;

CREATE FUNCTION subscription_has_next_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM check_next_step(NEW.id);
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER next_step_of_new AFTER INSERT ON subscriptions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION subscription_has_next_step();
CREATE CONSTRAINT TRIGGER next_step_of_changed AFTER UPDATE OF status ON subscriptions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
  EXECUTE FUNCTION subscription_has_next_step();

CREATE FUNCTION step_has_subscription() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'DELETE' AND NEW.subject_kind = 'subscription' THEN
    PERFORM check_next_step(NEW.subject);
  END IF;
  IF TG_OP <> 'INSERT' AND OLD.subject_kind = 'subscription' THEN
    PERFORM check_next_step(OLD.subject);
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER subject_of_step AFTER INSERT OR DELETE ON steps
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION step_has_subscription();
CREATE CONSTRAINT TRIGGER subject_of_changed_step AFTER UPDATE OF subject_kind, subject ON steps
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION step_has_subscription();
CREATE CONSTRAINT TRIGGER account_of_changed_step AFTER UPDATE OF account ON steps
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.account IS DISTINCT FROM NEW.account)
  EXECUTE FUNCTION step_has_subscription();

CREATE FUNCTION refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'every living subscription has a next step (rule 1.5)'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON steps
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
