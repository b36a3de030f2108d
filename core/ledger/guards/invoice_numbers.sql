-- Invoice numbers are gap-free by seller (Rule 11.4).
--
-- A new invoice has no number. A statement that gives numbers continues after the last one. Numbers
-- never change and invoices are never deleted, so no gap can appear later.

CREATE FUNCTION refuse_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a new invoice has no number (rule 11.4)' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER unnumbered_at_first BEFORE INSERT ON invoices FOR EACH ROW
  WHEN (NEW.number IS NOT NULL) EXECUTE FUNCTION refuse_number();

CREATE FUNCTION refuse_gap() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  bad record;
BEGIN
  SELECT seller, min(number) AS first, max(number) AS last INTO bad
    FROM (SELECT n.seller, n.number FROM new_rows n JOIN old_rows b ON b.id = n.id
           WHERE b.number IS NULL AND n.number IS NOT NULL) AS numbered
    GROUP BY seller
    HAVING max(number) - min(number) + 1 <> count(*) OR min(number) < 1
      OR min(number) > 1 AND NOT EXISTS (
        SELECT 1 FROM invoices i
         WHERE i.seller = numbered.seller AND i.number = min(numbered.number) - 1)
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'invoice numbers % to % of seller % leave a gap (rule 11.4)',
      bad.first, bad.last, bad.seller USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER gap_free AFTER UPDATE ON invoices
  REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_gap();
