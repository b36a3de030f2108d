-- Grant the workers' role no more than Perennial needs. Run it after each migration, as the owner
-- of the schema, in the database of Perennial. The role `perennial_app` must exist:
--
--   psql "$OWNER_URL" -c "CREATE ROLE perennial_app LOGIN PASSWORD '…'"
--   psql "$OWNER_URL" -f deploy/postgres/roles.sql
--
-- What a granted UPDATE may change is held by the guards in core/ledger/guards/ as well. The tables
-- `simulated_…` are for the simulated card gateway only.

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM perennial_app;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM perennial_app;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
-- A temporary table would stand before the real one of its name, also for the guards.
DO $$ BEGIN
  EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC, perennial_app', current_database());
  IF has_database_privilege('perennial_app', current_database(), 'TEMPORARY') THEN
    RAISE EXCEPTION
      'perennial_app may make temporary tables; run this as the owner of the database';
  END IF;
END $$;
GRANT USAGE ON SCHEMA public TO perennial_app;

GRANT SELECT ON ALL TABLES IN SCHEMA public TO perennial_app;
REVOKE SELECT ON subscription_list, account_list, money_by_day FROM perennial_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO perennial_app;

GRANT INSERT ON
  sellers, seller_wallets, seller_credits, policies, catalog_entries, clocks, accounts,
  subscriptions, erasures, trials, numbers, number_history, steps, tellings, operations, postings,
  periods,
  period_charges, refunds, invoices, monthly_amounts, history, messages, card_charges, imports,
  imported, campaigns, campaign_rows, seller_profiles, customer_profiles, tax_rates, documents,
  endpoints, alarms, deliveries, api_keys, api_requests, refusals,
  staff, recovery_codes, staff_rules, sessions, money_limits, money_moved, approvals, term_effects,
  background_requests, audit,
  verified_balances, reconciliation_marks, simulated_charges, simulated_gateway
  TO perennial_app;

GRANT UPDATE (policy_version, catalog_revision) ON sellers TO perennial_app;
GRANT UPDATE (balance) ON seller_wallets TO perennial_app;
GRANT UPDATE (now) ON clocks TO perennial_app;
-- The guards move the balance and what is unbilled with the rights of the worker.
GRANT UPDATE (
  owner, billing_email, mode, balance, unbilled, credit_limit, credit_limit_until,
  credit_limit_ends, card, renew_by_card, auto_top_up, last_top_up, auto_topped_up,
  auto_topped_up_on, top_up_at, suspended, closed_on, closed_for_good, erased_on, uninvoiced,
  version
) ON accounts TO perennial_app;
GRANT UPDATE (
  account, sku, quantity, multiplier, addons, numbers, coming, trial, status, auto_renew,
  renewal_failed, failure, anchor, months_paid, cycle_months, expiry, cycles_paid, planned_at,
  attempted_at, expired_on, terminated_on, policy_version, version, renewal_date, assigned_to,
  members, workflow_started
) ON subscriptions TO perennial_app;
-- The guards hold what may change in a number.
GRANT UPDATE ON numbers TO perennial_app;
GRANT UPDATE (invoice) ON monthly_amounts TO perennial_app;
GRANT UPDATE, DELETE ON steps, tellings TO perennial_app;
GRANT UPDATE (account, due, state, done_at, why) ON messages TO perennial_app;
GRANT UPDATE (
  url, sender, seller_address, events, test_clocks, salt, key, old_salt, old_key, old_until,
  failures, failing_since, paused_until, off_at, off_why, removed_at
) ON endpoints TO perennial_app;
GRANT UPDATE (state, attempts, first_at, next_at, done_at, status, error) ON deliveries
  TO perennial_app;
-- What was delivered is forgotten after some weeks.
GRANT DELETE ON deliveries, alarms TO perennial_app;
GRANT UPDATE (outcome, reason, calls, booked) ON card_charges TO perennial_app;
GRANT UPDATE (number, seller_profile, customer_profile, tax) ON invoices TO perennial_app;
-- A refund locks the periods. A lock needs this right. The guard still refuses every change.
GRANT UPDATE (id) ON periods TO perennial_app;
-- The oldest refusals of an account make room for new ones. The lock needs a right to update.
GRANT DELETE, UPDATE (id) ON refusals TO perennial_app;
-- Which ids are taken, by whomever. The rows of other sellers are not seen (docs/decisions/0033).
GRANT EXECUTE ON FUNCTION taken_subscriptions(text[]), taken_accounts(text[]) TO perennial_app;
-- How many subscriptions an account of the seller has. Their rows need not be looked at one by one.
GRANT EXECUTE ON FUNCTION counted_subscriptions(text) TO perennial_app;
-- What an import brought in is deleted by this function alone, if nothing has happened to it.
GRANT EXECUTE ON FUNCTION undo_import(bigint[], text[], timestamptz) TO perennial_app;
-- Personal data is erased by this function alone, of an account that is marked as erased.
GRANT EXECUTE ON FUNCTION erase_page(text, text, text, integer, date) TO perennial_app;
GRANT UPDATE (erased_at, again_on) ON erasures TO perennial_app;
GRANT UPDATE (undone_at, ended) ON imported TO perennial_app;
GRANT UPDATE (settled, rate, state, ended_at, told) ON campaigns TO perennial_app;
GRANT UPDATE (outcome, amount, currency, rule, sentence, at) ON campaign_rows TO perennial_app;
GRANT UPDATE (expires_at, used_at, revoked_at, rotated_to) ON api_keys TO perennial_app;
GRANT UPDATE (
  name, role, password, code_key, code_salt, code_since, code_step, failures, locked_until,
  signed_in_at, off_at
) ON staff TO perennial_app;
GRANT DELETE ON recovery_codes TO perennial_app;
GRANT UPDATE (per_command, per_day), DELETE ON money_limits TO perennial_app;
GRANT UPDATE (who, day, currency, amount) ON money_moved TO perennial_app;
GRANT UPDATE (state, decided_by, decided_who, decided_at, outcome) ON approvals TO perennial_app;
GRANT UPDATE (told_at, done, total, ended_at, found, error), DELETE ON term_effects
  TO perennial_app;
GRANT UPDATE (told_at, run, done, total, stopped), DELETE ON background_requests TO perennial_app;
GRANT UPDATE (codes) ON staff_rules TO perennial_app;
GRANT UPDATE (seen_at, ended_at) ON sessions TO perennial_app;
GRANT UPDATE ON verified_balances, reconciliation_marks TO perennial_app;
GRANT UPDATE, DELETE ON simulated_charges, simulated_gateway TO perennial_app;

-- A role for reports and dashboards, if it exists (`CREATE ROLE perennial_reports LOGIN …`). It
-- reads views only: no table, so no card token, no e-mail address beyond those of
-- `subscription_list`.
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'perennial_reports') THEN
    REVOKE ALL ON ALL TABLES IN SCHEMA public FROM perennial_reports;
    GRANT USAGE ON SCHEMA public TO perennial_reports;
    -- Whose rows the views show: every seller's, unless the role was given one seller before.
    IF NOT EXISTS (SELECT FROM pg_db_role_setting s, unnest(s.setconfig) one
      WHERE s.setrole = 'perennial_reports'::regrole AND one LIKE 'perennial.seller=%') THEN
      ALTER ROLE perennial_reports SET perennial.seller = '*';
    END IF;
    GRANT SELECT ON
      subscription_list, account_list, money_by_day, report_movements, report_books,
      report_money_in, report_fees, report_refunds, report_margin, report_deferred,
      report_receivables
      TO perennial_reports;
  END IF;
END $$;
