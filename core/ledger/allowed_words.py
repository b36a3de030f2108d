"""The words that a column may hold, as check constraints that follow the enumerations.

`tables.py` marks such a constraint with `WORDS`. `migrate` calls `allow_words` after the
migrations. A constraint is made anew when its enumeration has changed, so a new event, purpose or
kind of step needs no migration. The comment of a constraint keeps the words that it allows.
"""

from sqlalchemy import CheckConstraint, Connection, MetaData, text

WORDS = "words"
"""The key in `CheckConstraint.info` of a constraint that follows an enumeration."""

_ALLOWED = text(
    "SELECT c.conname, obj_description(c.oid, 'pg_constraint') AS words FROM pg_constraint c "
    "JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace "
    "WHERE c.contype = 'c' AND t.relname = :table AND n.nspname = current_schema()"
)


def allow_words(connection: Connection, tables: MetaData) -> None:
    """Make the constraints of words what the enumerations say.

    A constraint that is as it should be is left alone. A new one checks the rows that are written
    from now on. It does not read the table, so writers wait only for a moment.
    """
    for table in tables.sorted_tables:
        wanted = {
            str(constraint.name): str(constraint.sqltext)
            for constraint in table.constraints
            if isinstance(constraint, CheckConstraint) and constraint.info.get(WORDS)
        }
        if not wanted:
            continue
        rows = connection.execute(_ALLOWED, {"table": table.name})
        found = {row.conname: row.words for row in rows}
        for name, condition in wanted.items():
            if found.get(name) == condition:
                continue
            literal = condition.replace("'", "''")
            for statement in (
                f"ALTER TABLE {table.name} DROP CONSTRAINT IF EXISTS {name}",
                f"ALTER TABLE {table.name} ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID",
                f"COMMENT ON CONSTRAINT {name} ON {table.name} IS '{literal}'",
            ):
                connection.exec_driver_sql(statement.replace("%", "%%"))
