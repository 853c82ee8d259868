"""The schema of the record store and the steps that lead to it.

A store that is current is recognised by one small query; only a new or older one loads the migration engine.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from krate_gitops.errors import UnavailableError

HEAD = "0005"
"""The newest migration; a test compares it with the folder."""

_MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(engine: Engine, writing: Callable[[], AbstractContextManager[Connection]]) -> None:
    """Brings the store to the current schema; of several processes one does it and the others wait.

    Raises ``UnavailableError(SERVICE_UNAVAILABLE)`` for a store that a newer program has migrated.
    """
    with engine.connect() as connection:
        if _version(connection) == HEAD:
            return
    with writing() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('krate-gitops records'))"))
        found = _version(connection)
        if found != HEAD:
            _upgrade(connection, found)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection, found: str | None) -> None:
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    scripts = ScriptDirectory(str(_MIGRATIONS))
    try:
        scripts.get_revisions(found or "base")
    except CommandError:
        raise UnavailableError(
            "SERVICE_UNAVAILABLE",
            f"the record store has schema {found}, which this program does not know",
            hint="a newer krate-gitops has used it: upgrade this one",
        ) from None
    # What `alembic upgrade head` does, without its configuration file and environment script.
    context = MigrationContext.configure(connection, opts={"fn": lambda at, _: scripts._upgrade_revs(HEAD, at)})
    with Operations.context(context):
        context.run_migrations()
