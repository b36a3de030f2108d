-- The words by which people find an account: those of its id, its owner and its billing address.
--
-- A word is in small letters, without accents. PostgreSQL's extension for similar words is not
-- needed: `doors/queries/search.py` compares a mistyped word with those that begin like it.
--
-- The words are rows of their own. So an index of them is written when an account is opened or is
-- given another owner or address, and never by a renewal. The function runs with the rights of its
-- owner, so the role of the workers may read the words only.

CREATE FUNCTION words_of(found text) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  SELECT DISTINCT left(word, 40)
    FROM regexp_split_to_table(
      lower(regexp_replace(normalize(found, NFKD), U&'[\0300-\036F]', '', 'g')),
      U&'[\0001-/:-@[-`{-\00BF]+') AS word
   WHERE word <> ''
   LIMIT 40
$$;

CREATE FUNCTION keep_account_words() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  DELETE FROM account_words WHERE account = NEW.id;
  INSERT INTO account_words (seller, word, account)
  SELECT NEW.seller, word, NEW.id
    FROM words_of(concat_ws(' ', NEW.id, NEW.owner, NEW.billing_email)) AS word;
  RETURN NULL;
END $$;
CREATE TRIGGER new_account_words AFTER INSERT ON accounts
  FOR EACH ROW EXECUTE FUNCTION keep_account_words();
CREATE TRIGGER keep_account_words AFTER UPDATE OF owner, billing_email ON accounts
  FOR EACH ROW
  WHEN (NEW.owner IS DISTINCT FROM OLD.owner
        OR NEW.billing_email IS DISTINCT FROM OLD.billing_email)
  EXECUTE FUNCTION keep_account_words();
