-- A trial is on record for ever (Rule 4.3).
--
-- The key of `trials` allows an account one trial of an application. So no subscription may begin
-- as a trial without its row there. The trigger looks at the end of the transaction. Only trials
-- pay for it.

CREATE FUNCTION trial_on_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT 1 FROM trials WHERE account = NEW.account AND subscription = NEW.id) THEN
    RAISE EXCEPTION 'trial % is not on record (rule 4.3)', NEW.id
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER trial_on_record AFTER INSERT ON subscriptions
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.trial)
  EXECUTE FUNCTION trial_on_record();
