-- Reports of money (docs/reports.md). Each sums to the ledger. The program reads them, and so may a
-- reporting role (deploy/postgres/roles.sql).
--
-- A month is that of the operation's instant in UTC, by its first day. A condition on `month`
-- reaches the index `operations_month`, so a report reads the operations of the asked months only.
-- `on_test_clock` tells made-up accounts from real ones.

CREATE VIEW report_movements AS
  SELECT o.seller, p.currency, date_trunc('month', o.at AT TIME ZONE 'UTC')::date AS month,
         a.clock IS NOT NULL AS on_test_clock, p.book, o.purpose, p.amount
    FROM operations o
    JOIN postings p ON p.operation = o.id
    JOIN accounts a ON a.id = p.account
    WHERE o.seller = ANY (ARRAY(SELECT id FROM seen_sellers));

CREATE VIEW report_books AS
  SELECT seller, currency, month, on_test_clock, book, count(*) AS postings, sum(amount) AS amount
    FROM report_movements
    GROUP BY seller, currency, month, on_test_clock, book;

CREATE VIEW report_money_in AS
  SELECT seller, currency, month, on_test_clock, book AS source, purpose,
         count(*) AS movements, -sum(amount) AS amount
    FROM report_movements
    WHERE book IN ('opening', 'bank', 'card', 'transfers', 'adjustments')
    GROUP BY seller, currency, month, on_test_clock, book, purpose;

CREATE VIEW report_fees AS
  SELECT seller, currency, month, on_test_clock, purpose, count(*) AS movements,
         sum(amount) AS amount
    FROM report_movements
    WHERE book IN ('revenue', 'usage')
    GROUP BY seller, currency, month, on_test_clock, purpose;

CREATE VIEW report_refunds AS
  SELECT seller, currency, month, on_test_clock, purpose,
         count(*) FILTER (WHERE book = 'refunds') AS refunds,
         coalesce(-sum(amount) FILTER (WHERE book = 'refunds'), 0) AS given,
         coalesce(sum(amount) FILTER (WHERE book = 'fees'), 0) AS kept,
         -sum(amount) AS to_wallets
    FROM report_movements
    WHERE book IN ('refunds', 'fees')
    GROUP BY seller, currency, month, on_test_clock, purpose;

CREATE VIEW report_margin AS
  SELECT seller, currency, month, on_test_clock,
         coalesce(sum(amount) FILTER (WHERE book = 'revenue'), 0) AS fees,
         coalesce(sum(amount) FILTER (WHERE book = 'usage'), 0) AS used,
         coalesce(-sum(amount) FILTER (WHERE book = 'refunds'), 0) AS refunds,
         coalesce(sum(amount) FILTER (WHERE book = 'fees'), 0) AS kept,
         coalesce(sum(amount) FILTER (WHERE book = 'suppliers'), 0) AS cost,
         sum(CASE book WHEN 'suppliers' THEN -amount ELSE amount END) AS margin
    FROM report_movements
    WHERE book IN ('revenue', 'usage', 'refunds', 'fees', 'suppliers')
    GROUP BY seller, currency, month, on_test_clock;

-- What was paid for periods and is not served yet, day by day. A charge is served evenly from the
-- first day of its period, or from the day of the charge if that is later, to the period's last
-- day. A termination ends it. What is not given back then is served on that day.
CREATE VIEW report_deferred AS
  SELECT f.seller, f.currency, m.month, f.on_test_clock, round(sum(f.before), 5) AS before,
         sum(f.paid) AS paid, sum(f.refunded) AS refunded,
         round(sum(f.before + f.paid - f.refunded - f.after), 5) AS served,
         round(sum(f.after), 5) AS deferred
    FROM (
      SELECT begin::date AS month, begin::date - 1 AS day_before,
             (begin + interval '1 month')::date - 1 AS last_day
        FROM generate_series(
               timestamp '2000-01-01',
               greatest(now(), (SELECT max(now) FROM clocks)) AT TIME ZONE 'UTC',
               interval '1 month') begin
    ) m
    CROSS JOIN LATERAL (
      SELECT a.seller, a.currency, a.clock IS NOT NULL AS on_test_clock,
             CASE WHEN date_trunc('month', o.at AT TIME ZONE 'UTC')::date < m.month
                   AND (s.terminated_on IS NULL OR s.terminated_on > m.day_before)
               THEN c.amount * (p.expiry - greatest(m.day_before, d.first - 1))
                    / (p.expiry - d.first + 1)
               ELSE 0
             END AS before,
             0::numeric AS paid, 0::numeric AS refunded,
             CASE WHEN p.expiry > m.last_day
                   AND (s.terminated_on IS NULL OR s.terminated_on > m.last_day)
               THEN c.amount * (p.expiry - greatest(m.last_day, d.first - 1))
                    / (p.expiry - d.first + 1)
               ELSE 0
             END AS after
        FROM periods p
        JOIN subscriptions s ON s.id = p.subscription
        JOIN period_charges c ON c.period = p.id
        JOIN operations o ON o.id = c.operation
        JOIN accounts a ON a.id = o.account
        CROSS JOIN LATERAL (
          SELECT greatest(p.start, (o.at AT TIME ZONE a.timezone)::date) AS first
        ) d
       WHERE p.expiry > m.day_before
         AND date_trunc('month', o.at AT TIME ZONE 'UTC')::date <= m.month
      UNION ALL
      SELECT a.seller, a.currency, a.clock IS NOT NULL, 0, c.amount, 0, 0
        FROM operations o
        JOIN period_charges c ON c.operation = o.id
        JOIN accounts a ON a.id = o.account
       WHERE date_trunc('month', o.at AT TIME ZONE 'UTC')::date = m.month
      UNION ALL
      SELECT a.seller, a.currency, a.clock IS NOT NULL, 0, 0, r.amount, 0
        FROM operations o
        JOIN refunds r ON r.operation = o.id
        JOIN accounts a ON a.id = o.account
       WHERE date_trunc('month', o.at AT TIME ZONE 'UTC')::date = m.month
    ) f
    WHERE f.seller = ANY (ARRAY(SELECT id FROM seen_sellers))
    GROUP BY f.seller, f.currency, m.month, f.on_test_clock;

-- What postpaid accounts owe on consolidated invoices now (Rule 11.6). A payment pays the oldest
-- invoice first. `month` is that of the invoice, `age` the days since its date.
CREATE VIEW report_receivables AS
  SELECT a.seller, a.currency, date_trunc('month', i.date)::date AS month,
         a.clock IS NOT NULL AS on_test_clock,
         CASE
           WHEN i.today - i.date <= 30 THEN '0 to 30'
           WHEN i.today - i.date <= 60 THEN '31 to 60'
           WHEN i.today - i.date <= 90 THEN '61 to 90'
           ELSE 'over 90'
         END AS age,
         count(*) AS invoices, sum(least(i.total, owed.amount - i.newer)) AS amount
    FROM accounts a
    LEFT JOIN clocks k ON k.id = a.clock
    CROSS JOIN LATERAL (SELECT -(a.balance + a.unbilled) AS amount) owed
    CROSS JOIN LATERAL (
      SELECT v.date, v.total, (coalesce(k.now, now()) AT TIME ZONE a.timezone)::date AS today,
             coalesce(sum(v.total) OVER (
               ORDER BY v.date DESC, v.seq DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
             ), 0) AS newer
        FROM invoices v WHERE v.account = a.id AND v.kind = 'consolidated'
    ) i
    WHERE a.seller = ANY (ARRAY(SELECT id FROM seen_sellers))
      AND a.mode = 'postpaid' AND owed.amount > 0 AND i.newer < owed.amount
    GROUP BY 1, 2, 3, 4, 5;
