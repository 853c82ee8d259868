"""The schema: what the migrations make is what the code expects, from nothing and from every earlier one."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, inspect, select, text

from krate_gitops.errors import UnavailableError
from krate_gitops.records import schema
from krate_gitops.records.audit import append
from krate_gitops.records.database import close_databases, open_database
from krate_gitops.records.snapshots import find_consumed, find_snapshots
from krate_gitops.records.tables import metadata, snapshots
from krate_gitops.settings import Settings
from tests.unit.records.sample import APPROVAL, NOW

MIGRATIONS = Path(schema.__file__).parent / "migrations"
SNAPSHOT = dict.fromkeys(
    [column.name for column in snapshots.columns if not column.nullable and column.name != "id"], "a text"
)


def test_the_newest_migration_is_the_one_that_is_asked_for() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == schema.HEAD


def test_the_migrations_make_the_tables_of_the_code(database_settings: Settings) -> None:
    with open_database(database_settings).engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_migrations_make_the_indexes_of_the_code(database_settings: Settings) -> None:
    """The comparison above passes over the columns of an index and the condition of a partial one."""
    with open_database(database_settings).engine.connect() as connection:
        here = inspect(connection)
        made = {
            index["name"]: (index["column_names"], f"{connection.dialect.name}_where" in index["dialect_options"])
            for table in metadata.tables
            for index in here.get_indexes(table)
            if not index["unique"]
        }
        expected = {
            index.name: (
                [column.name for column in index.columns],
                index.dialect_options[connection.dialect.name]["where"] is not None,
            )
            for table in metadata.tables.values()
            for index in table.indexes
        }
    assert made == expected


def test_a_store_of_an_earlier_release_is_brought_up_to_date(
    database_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(schema, "HEAD", "0001")
        earlier = open_database(database_settings)
        with earlier.writing() as connection:
            connection.execute(insert(snapshots).values(SNAPSHOT))
        with earlier.reading() as connection:
            assert not inspect(connection).has_table("audit_records")
        close_databases()
    database = open_database(database_settings)
    with database.writing() as connection:
        assert connection.execute(select(snapshots)).one().name == "a text"
        assert append(connection, [APPROVAL], now=NOW)[0].sequence == 1
    with pytest.raises(UnavailableError, match="never changed"), database.writing() as connection:
        connection.execute(text("DELETE FROM snapshots"))


def test_what_was_consumed_is_taken_from_the_items_of_before(
    database_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [
        *(("note", None, "notes/n.md"), ("line", "runbook:b", "b.md"), ("line", "runbook:a", "a.md")),
        *(("record", "runbook:b", "b.md"), ("line", None, "notes/n.md"), ("record", "runbook:c", "b.md")),
    ]
    with monkeypatch.context() as patch:
        patch.setattr(schema, "HEAD", "0002")
        with open_database(database_settings).writing() as connection:
            for name in ("one", "two"):
                number = connection.execute(
                    insert(snapshots).values({**SNAPSHOT, "name": name}).returning(snapshots.c.id)
                ).scalar_one()
                connection.execute(
                    text(
                        "INSERT INTO snapshot_items (snapshot_id, rank, organization, kind, record_id, path, digest)"
                        " VALUES (:snapshot, :rank, 'local', :kind, :record, :path, 'x')"
                    ),
                    [
                        {"snapshot": number, "rank": rank, "kind": kind, "record": record, "path": path}
                        for rank, (kind, record, path) in enumerate(items if name == "one" else items[:1], 1)
                    ],
                )
        close_databases()
    database = open_database(database_settings)
    with database.reading() as connection:
        found = find_snapshots(connection, SNAPSHOT["organization"], ["one", "two"])
        assert find_consumed(connection, found["one"].id) == (
            *((None, "notes/n.md"), ("runbook:b", "b.md"), ("runbook:a", "a.md"), ("runbook:c", "b.md")),
        )
        assert find_consumed(connection, found["two"].id) == ((None, "notes/n.md"),)
        assert not inspect(connection).has_table("snapshot_items")
    with pytest.raises(UnavailableError, match="never changed"), database.writing() as connection:
        connection.execute(text("DELETE FROM consumed"))


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    database_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("krate_gitops.records.append_only._POSTGRESQL_FUNCTION", "no SQL")
        patch.setattr("krate_gitops.records.append_only.text", lambda _: text("no SQL"))
        with pytest.raises(UnavailableError):
            open_database(database_settings)
    with open_database(database_settings).reading() as connection:
        assert connection.execute(select(snapshots)).all() == []


def test_a_store_of_a_newer_program_is_left_alone(database_settings: Settings) -> None:
    with open_database(database_settings).writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    close_databases()
    with pytest.raises(UnavailableError, match="schema 9999, which this program does not know") as caught:
        open_database(database_settings)
    assert caught.value.code == "SERVICE_UNAVAILABLE"
    assert "upgrade" in caught.value.hint
