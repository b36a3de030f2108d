-- Usable: balance − reserved − liability + credit limit (Rule 11.1). Of a postpaid account it is
-- credit limit − unbilled − reserved + overpayment (Rule 11.6).
--
-- The guards and the views use this function. `Account.usable` computes the same in Python, and a
-- test compares the two. The limit counts until `credit_limit_ends`, the first instant after its
-- last day.

CREATE FUNCTION usable(account accounts, at timestamptz) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE account.mode
      WHEN 'postpaid'
        THEN greatest(0, account.balance + account.unbilled) - account.unbilled - account.reserved
      ELSE account.balance - account.reserved - account.liability
    END
    + CASE
        WHEN account.credit_limit_ends IS NULL OR at < account.credit_limit_ends
        THEN account.credit_limit
        ELSE 0
      END
$$;
