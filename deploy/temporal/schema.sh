#!/bin/sh
# Brings both databases of the Temporal server to the version of this image. A second run changes
# nothing. The tool reads the address and the password of PostgreSQL from SQL_HOST, SQL_PORT,
# SQL_USER, SQL_PASSWORD and SQL_PLUGIN.
set -eu

# prepare DATABASE SCHEMA: the schema is a path inside the tool.
prepare() {
    echo "database $1"
    temporal-sql-tool --database "$1" create-database
    temporal-sql-tool --database "$1" setup-schema --version 0.0
    temporal-sql-tool --database "$1" update-schema --schema-name "$2"
}

prepare temporal postgresql/v12/temporal
prepare temporal_visibility postgresql/v12/visibility
