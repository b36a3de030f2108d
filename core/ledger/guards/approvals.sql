-- What was asked for of a second person stays as it was asked, and is never deleted. It is decided
-- once, never by the one who has asked, and what is decided stays decided. What was done stays
-- done. The functions are those of allowed_changes.sql.

CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON approvals
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete();

CREATE FUNCTION what_was_asked(approval approvals) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT to_jsonb(approval)
    - ARRAY['state', 'decided_by', 'decided_who', 'decided_at', 'outcome']
$$;

CREATE TRIGGER fixed_columns BEFORE UPDATE ON approvals FOR EACH ROW
  WHEN (what_was_asked(OLD) IS DISTINCT FROM what_was_asked(NEW))
  EXECUTE FUNCTION refuse_this_change('what was asked for stays as it was asked', 'docs/staff.md');

CREATE TRIGGER decided_once BEFORE UPDATE ON approvals FOR EACH ROW
  WHEN (OLD.decided_at IS NOT NULL
        AND (OLD.decided_at, OLD.decided_by, OLD.decided_who)
            IS DISTINCT FROM (NEW.decided_at, NEW.decided_by, NEW.decided_who))
  EXECUTE FUNCTION refuse_this_change('it is decided once', 'docs/staff.md');

CREATE TRIGGER next_state BEFORE UPDATE OF state ON approvals FOR EACH ROW
  WHEN (NOT (
    NEW.state = OLD.state
    OR (OLD.state = 'open' AND NEW.state IN ('approved', 'refused'))
    OR (OLD.state = 'approved' AND NEW.state IN ('done', 'failed'))
    OR (OLD.state = 'failed' AND NEW.state = 'done')))
  EXECUTE FUNCTION refuse_this_change('this state does not follow', 'docs/staff.md');
