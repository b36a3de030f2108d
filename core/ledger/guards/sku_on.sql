-- The plan that a subscription holds on a day (Rule 9).
--
-- The views use this function. `Subscription.contents_on` computes the same in Python, and a test
-- compares the two. A change that was paid for holds from its day on. One that is pending has none.

CREATE FUNCTION sku_on(subscription subscriptions, day date) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce(
    (SELECT change ->> 'sku'
       FROM jsonb_array_elements(subscription.coming) WITH ORDINALITY AS come(change, number)
      WHERE change ->> 'item' = 'plan' AND (change ->> 'since')::date <= day
      ORDER BY number DESC LIMIT 1),
    subscription.sku)
$$
