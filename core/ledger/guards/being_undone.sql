-- Whether this transaction is taking back an import (docs/decisions/0021). Only `undo_import` says
-- so, while it deletes. The guards that refuse to delete let it pass then.

CREATE FUNCTION being_undone() RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT current_setting('perennial.undo', true) IS NOT DISTINCT FROM pg_current_xact_id()::text
$$;
