-- Refunds never exceed what was paid (Rule 8.4).
--
-- What was paid for a period is the sum of its charges. The trigger locks the periods, so that two
-- concurrent refunds of one period wait for each other and the second sees the first.

CREATE FUNCTION cap_refunds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  bad record;
BEGIN
  PERFORM 1 FROM periods WHERE id IN (SELECT period FROM added) ORDER BY id FOR UPDATE;
  SELECT r.period INTO bad FROM refunds r WHERE r.period IN (SELECT period FROM added)
    GROUP BY r.period
    HAVING sum(r.amount) >
      (SELECT coalesce(sum(c.amount), 0) FROM period_charges c WHERE c.period = r.period)
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the refunds of period % would exceed what was paid (rule 8.4)', bad.period
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER cap_refunds AFTER INSERT ON refunds REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION cap_refunds();

-- The foreign key finds the operation of any seller, and this one that of the seller in force only.
CREATE TRIGGER operation_exists AFTER INSERT ON refunds REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION operation_exists();
