-- Each new line of the history goes to the endpoints of its seller, in the transaction that writes
-- it (Rule 12, docs/decisions/0025). So an endpoint gets what was committed, all of it, and nothing
-- else. An account on a test clock tells those endpoints only that ask for it.

CREATE FUNCTION tell_endpoints() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM endpoints WHERE off_at IS NULL AND removed_at IS NULL) THEN
    INSERT INTO deliveries (endpoint, event, account, subject)
    SELECT e.id, h.seq, h.account, coalesce(h.subscription, h.account)
      FROM added h JOIN accounts a ON a.id = h.account JOIN endpoints e ON e.seller = a.seller
     WHERE e.off_at IS NULL AND e.removed_at IS NULL
       AND (a.clock IS NULL OR e.test_clocks)
       AND (e.events IS NULL OR e.events @> to_jsonb(h.event))
     ORDER BY h.seq;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER tell_endpoints AFTER INSERT ON history REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION tell_endpoints();
