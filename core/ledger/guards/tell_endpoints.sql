-- Each new line of the history goes to the endpoints of its seller, in the transaction that writes
-- it (Rule 12, docs/decisions/0025). So an endpoint gets what was committed, all of it, and nothing
-- else. An account on a test clock tells those endpoints only that ask for it.
--
-- A failed renewal raises an alarm of the seller, once for each account and expiry date. Retries
-- and the other members of a group find it raised (docs/decisions/0029).

CREATE FUNCTION tell_endpoints() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM endpoints WHERE off_at IS NULL AND removed_at IS NULL) THEN
    INSERT INTO deliveries (endpoint, event, account, subject)
    SELECT e.id, h.seq, h.account, coalesce(h.subscription, h.account)
      FROM added h JOIN accounts a ON a.id = h.account JOIN endpoints e ON e.seller = a.seller
     WHERE e.off_at IS NULL AND e.removed_at IS NULL AND e.kind <> 'alarms'
       AND (a.clock IS NULL OR e.test_clocks)
       AND (e.events IS NULL OR e.events @> to_jsonb(h.event))
     ORDER BY h.seq;
    INSERT INTO alarms (seller, kind, key, account, at, facts)
    SELECT DISTINCT a.seller, 'alarm_renewals_failed', a.id || ' ' || s.expiry, a.id, h.at,
           jsonb_build_object('expiry', s.expiry)
      FROM added h JOIN accounts a ON a.id = h.account JOIN endpoints e ON e.seller = a.seller
      JOIN subscriptions s ON s.id = h.subscription
     WHERE h.event = 'renewal_failed' AND e.off_at IS NULL AND e.removed_at IS NULL
       AND e.kind = 'alarms' AND (a.clock IS NULL OR e.test_clocks)
        ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER tell_endpoints AFTER INSERT ON history REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION tell_endpoints();

CREATE FUNCTION tell_alarms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO deliveries (endpoint, event, account, subject)
  SELECT e.id, r.seq, r.account, coalesce(r.account, r.kind)
    FROM added r JOIN endpoints e ON e.seller = r.seller
   WHERE e.off_at IS NULL AND e.removed_at IS NULL AND e.kind = 'alarms'
   ORDER BY r.seq;
  RETURN NULL;
END $$;
CREATE TRIGGER tell_alarms AFTER INSERT ON alarms REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION tell_alarms();
