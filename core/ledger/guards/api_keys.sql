-- A key of the HTTP API keeps its seller, its role and its digest for ever. It is never deleted, so
-- that the record of who has acted stays complete. A key that was revoked stays revoked, and an
-- expiry never moves to a later instant. The functions are those of allowed_changes.sql.

CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON api_keys
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_delete();

CREATE TRIGGER fixed_columns
  BEFORE UPDATE OF id, seller, name, role, scopes, digest, created_at, created_by ON api_keys
  FOR EACH ROW
  WHEN ((OLD.id, OLD.seller, OLD.name, OLD.role,
         OLD.scopes, OLD.digest, OLD.created_at, OLD.created_by)
        IS DISTINCT FROM
        (NEW.id, NEW.seller, NEW.name, NEW.role,
         NEW.scopes, NEW.digest, NEW.created_at, NEW.created_by))
  EXECUTE FUNCTION refuse_this_change('a key stays what it was made as', 'docs/api.md');

CREATE TRIGGER final_revoked_at BEFORE UPDATE OF revoked_at ON api_keys FOR EACH ROW
  WHEN (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at)
  EXECUTE FUNCTION refuse_this_change('revoked is final', 'docs/api.md');

CREATE TRIGGER final_rotated_to BEFORE UPDATE OF rotated_to ON api_keys FOR EACH ROW
  WHEN (OLD.rotated_to IS NOT NULL AND NEW.rotated_to IS DISTINCT FROM OLD.rotated_to)
  EXECUTE FUNCTION refuse_this_change('a key is rotated once', 'docs/api.md');

CREATE TRIGGER never_later_expires_at BEFORE UPDATE OF expires_at ON api_keys FOR EACH ROW
  WHEN (OLD.expires_at IS NOT NULL
        AND (NEW.expires_at IS NULL OR NEW.expires_at > OLD.expires_at))
  EXECUTE FUNCTION refuse_this_change('an expiry never moves to a later instant', 'docs/api.md');
