-- Views for people with a console and for reports. The program itself does not read them.

CREATE VIEW subscription_list AS
  SELECT s.id, s.account, a.seller, a.owner, a.billing_email,
         sku_on(s, (coalesce(c.now, now()) AT TIME ZONE a.timezone)::date) AS sku,
         s.quantity, s.trial, s.status, s.auto_renew, s.renewal_failed, s.failure, s.expiry,
         CASE WHEN s.status = 'ACTIVE' AND NOT s.trial THEN s.renewal_date END AS renewal_date,
         n.kind AS next_kind, n.due AS next_due, n.rule AS next_rule, n.why AS next_why,
         a.currency, a.timezone, a.suspended, a.clock
    FROM subscriptions s
    JOIN accounts a ON a.id = s.account
    LEFT JOIN clocks c ON c.id = a.clock
    LEFT JOIN steps n ON n.subject_kind = 'subscription' AND n.subject = s.id
    WHERE a.seller = ANY (ARRAY(SELECT id FROM seen_sellers));

CREATE VIEW account_list AS
  SELECT a.id, a.seller, a.owner, a.currency, a.balance, a.reserved, a.liability, a.credit_limit,
         a.credit_limit_until, usable(a, coalesce(c.now, now())) AS usable, a.suspended, a.clock,
         counted.active, counted.failed, counted.expired
    FROM accounts a
    LEFT JOIN clocks c ON c.id = a.clock
    CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE s.status = 'ACTIVE') AS active,
             count(*) FILTER (WHERE s.renewal_failed) AS failed,
             count(*) FILTER (WHERE s.status = 'EXPIRED') AS expired
        FROM subscriptions s WHERE s.account = a.id
    ) counted
    WHERE a.seller = ANY (ARRAY(SELECT id FROM seen_sellers));

CREATE VIEW money_by_day AS
  SELECT o.seller, p.currency, (o.at AT TIME ZONE 'UTC')::date AS day, o.purpose, p.book,
         sum(p.amount) AS amount
    FROM postings p JOIN operations o ON o.id = p.operation
    WHERE o.seller = ANY (ARRAY(SELECT id FROM seen_sellers))
    GROUP BY 1, 2, 3, 4, 5;
