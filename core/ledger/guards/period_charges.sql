-- A charge belongs to a period and an operation (Rules 8.2, 11.3).
--
-- The trigger holds what two foreign keys would hold. It looks once for all rows of a statement,
-- and it locks nothing. That is enough, because periods and operations are never deleted.

CREATE FUNCTION charge_exists() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  bad record;
BEGIN
  SELECT period, operation INTO bad FROM added
    WHERE (SELECT p.id FROM periods p WHERE p.id = added.period) IS NULL
       OR (SELECT o.id FROM operations o WHERE o.id = added.operation) IS NULL
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'there is no period % or no operation % to charge (rule 11.3)',
      bad.period, bad.operation USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER charge_exists AFTER INSERT ON period_charges REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION charge_exists();
