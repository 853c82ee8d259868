"""Triggers that refuse to change or delete rows: what was recorded stays as it was recorded."""

from __future__ import annotations

from sqlalchemy import Connection, text

_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION krate_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME;
END $$
"""


def make_append_only(connection: Connection, *tables: str) -> None:
    """Puts the triggers on tables; the names are ours, never a caller's."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(_POSTGRESQL_FUNCTION))
        for table in tables:
            connection.execute(
                text(
                    f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                    "FOR EACH STATEMENT EXECUTE FUNCTION krate_refuse_change()"
                )
            )
        return
    for table in tables:
        for verb in ("UPDATE", "DELETE"):
            connection.execute(
                text(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed'); END"
                )
            )
