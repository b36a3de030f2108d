-- An operation has its account. A period, an invoice and an amount of a monthly invoice have their
-- operation (Rule 11.3).
--
-- The triggers hold what foreign keys would hold. They look once for all rows of a statement, and
-- they lock nothing. Foreign keys would need two more indexes for the undoing of an import
-- (docs/decisions/0021), and every renewal would write into them, and the lock of its operation.
-- Accounts and operations are deleted by that undoing alone, with all that is theirs.

CREATE FUNCTION account_exists() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  missing text;
BEGIN
  SELECT account INTO missing FROM added
    WHERE (SELECT a.id FROM accounts a WHERE a.id = added.account) IS NULL LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'there is no account % for an operation (rule 11.3)', missing
      USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER account_exists AFTER INSERT ON operations REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION account_exists();

CREATE FUNCTION operation_exists() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  missing bigint;
BEGIN
  SELECT operation INTO missing FROM added
    WHERE (SELECT o.id FROM operations o WHERE o.id = added.operation) IS NULL LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'there is no operation % for a row of % (rule 11.3)', missing, TG_TABLE_NAME
      USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER operation_exists AFTER INSERT ON periods REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION operation_exists();
CREATE TRIGGER operation_exists AFTER INSERT ON invoices REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION operation_exists();
CREATE TRIGGER operation_exists AFTER INSERT ON monthly_amounts REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION operation_exists();
