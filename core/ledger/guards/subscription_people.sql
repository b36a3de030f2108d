-- The people of a subscription by e-mail address in small letters: its assignee and its members.
--
-- They are rows of their own, as the words of accounts are, so that an address finds its
-- subscriptions, also by how it begins. Only a change of people writes them, and never a renewal.
-- The function runs with the rights of its owner, so the role of the workers may read them only.

CREATE FUNCTION keep_subscription_people() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  DELETE FROM subscription_people WHERE subscription = NEW.id;
  INSERT INTO subscription_people (subscription, email, seller)
  SELECT DISTINCT NEW.id, lower(email), a.seller
    FROM accounts a, (
      SELECT NEW.assigned_to UNION ALL SELECT jsonb_array_elements_text(NEW.members)
    ) AS person (email)
   WHERE a.id = NEW.account AND email IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER new_subscription_people AFTER INSERT ON subscriptions
  FOR EACH ROW WHEN (NEW.assigned_to IS NOT NULL OR NEW.members IS NOT NULL)
  EXECUTE FUNCTION keep_subscription_people();
CREATE TRIGGER keep_subscription_people AFTER UPDATE OF assigned_to, members ON subscriptions
  FOR EACH ROW
  WHEN (NEW.assigned_to IS DISTINCT FROM OLD.assigned_to
        OR NEW.members IS DISTINCT FROM OLD.members)
  EXECUTE FUNCTION keep_subscription_people();
