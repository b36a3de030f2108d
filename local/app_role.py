"""The role of the workers in a throwaway database, as an installation has it (deploy/postgres/)."""

import psycopg
from sqlalchemy.engine import make_url

from settings import PROJECT

_CREATE = (
    "DO $$ BEGIN CREATE ROLE perennial_app LOGIN; "
    "EXCEPTION WHEN duplicate_object THEN NULL; WHEN unique_violation THEN NULL; END $$"
)
_GRANT = PROJECT / "deploy" / "postgres" / "roles.sql"


def as_workers(url: str) -> str:
    """The URL of a migrated database for the role `perennial_app`.

    `url`: that of its owner, an administrator of the server. Each call grants the rights anew.
    """
    owner = make_url(url)
    with psycopg.connect(
        owner.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
    ) as connection:
        connection.execute(_CREATE)
        connection.execute(_GRANT.read_bytes())
    return owner.set(username="perennial_app").render_as_string(hide_password=False)
