#!/bin/sh
# Creates the role of the workers, or sets its password, and grants it what roles.sql says.
# A second run changes nothing else.
# Environment variables:
#   OWNER_URL     the database, as the owner of the schema
#   APP_PASSWORD  the password of the role perennial_app
#   PSQL          the program, default psql
set -eu

here=$(dirname "$0")
run() { "${PSQL:-psql}" "$OWNER_URL" --no-psqlrc --quiet --set=ON_ERROR_STOP=1 "$@"; }

run <<'SQL'
\getenv password APP_PASSWORD
SELECT 'CREATE ROLE perennial_app'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'perennial_app') \gexec
ALTER ROLE perennial_app LOGIN PASSWORD :'password';
SQL
run --file="$here/roles.sql"
