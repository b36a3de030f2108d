-- A person of the staff keeps the seller, the address and who has added them for ever, and is never
-- deleted, so that the record of who has acted stays complete. A session keeps its person and its
-- digest, and once ended it stays ended. The functions are those of allowed_changes.sql.

CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON staff
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete();

CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON sessions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete();

CREATE TRIGGER fixed_columns
  BEFORE UPDATE OF id, seller, email, created_at, created_by ON staff FOR EACH ROW
  WHEN ((OLD.id, OLD.seller, OLD.email, OLD.created_at, OLD.created_by)
        IS DISTINCT FROM (NEW.id, NEW.seller, NEW.email, NEW.created_at, NEW.created_by))
  EXECUTE FUNCTION refuse_this_change('a person stays who it is', 'docs/staff.md');

CREATE TRIGGER fixed_columns
  BEFORE UPDATE OF id, seller, staff, digest, how, address, created_at ON sessions FOR EACH ROW
  WHEN ((OLD.id, OLD.seller, OLD.staff, OLD.digest, OLD.how, OLD.address, OLD.created_at)
        IS DISTINCT FROM
        (NEW.id, NEW.seller, NEW.staff, NEW.digest, NEW.how, NEW.address, NEW.created_at))
  EXECUTE FUNCTION refuse_this_change('a session stays what it was begun as', 'docs/staff.md');

CREATE TRIGGER final_ended_at BEFORE UPDATE OF ended_at ON sessions FOR EACH ROW
  WHEN (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at)
  EXECUTE FUNCTION refuse_this_change('a session that has ended stays ended', 'docs/staff.md');
