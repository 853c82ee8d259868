"""The audit log on both databases: numbers, times and hashes, one transaction, no change ever after."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from sqlalchemy import delete, event, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from krate_gitops.errors import KrateError, UnavailableError
from krate_gitops.records.audit import append
from krate_gitops.records.audit_head import NO_HASH, read_head
from krate_gitops.records.audit_rows import record_of
from krate_gitops.records.database import open_database
from krate_gitops.records.tables import audit_groups, audit_heads, audit_records, objects
from krate_gitops.settings import Settings
from tests.unit.records.sample import APPROVAL, NOW, entry


def test_records_are_numbered_and_chained_for_each_organisation(database_settings: Settings) -> None:
    database = open_database(database_settings)
    other = entry(organization_ref="globex", namespace="krate-org-globex")
    with database.writing() as connection:
        first = append(connection, [APPROVAL, APPROVAL], now=NOW)
    with database.writing() as connection:
        second = append(connection, [APPROVAL], now=NOW)
        foreign = append(connection, [other], now=NOW)
        assert append(connection, [], now=NOW) == []
    records = [*first, *second]
    assert [record.id for record in records] == [f"aud-000000000000000{n}" for n in (1, 2, 3)]
    assert [record.previous_hash for record in records] == [NO_HASH, records[0].hash, records[1].hash]
    assert (foreign[0].sequence, foreign[0].previous_hash) == (1, NO_HASH)
    with database.reading() as connection:
        rows = connection.execute(select(audit_records).order_by("organization", "sequence")).all()
        assert [record_of(row.body, row.hash) for row in rows] == [*records, *foreign]
        assert read_head(connection, "acme").hash == records[-1].hash
        assert read_head(connection, "nobody").sequence == 0
        assert connection.scalar(select(func.count()).select_from(audit_groups)) == 4


def test_time_never_goes_back(database_settings: Settings) -> None:
    database = open_database(database_settings)
    with database.writing() as connection:
        times = [
            append(connection, [APPROVAL], now=NOW + timedelta(seconds=seconds))[0].time for seconds in (0, -3600, 1)
        ]
    assert times == ["2026-03-02T09:15:04.120Z", "2026-03-02T09:15:04.120Z", "2026-03-02T09:15:05.120Z"]


def test_what_is_done_and_its_record_are_stored_together_or_not_at_all(database_settings: Settings) -> None:
    database = open_database(database_settings)
    with contextlib.suppress(KeyError), database.writing() as connection:
        connection.execute(insert(objects).values(organization="acme", digest="d", bytes=0, content=b""))
        append(connection, [APPROVAL], now=NOW)
        raise KeyError
    with database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(objects)) == 0
        assert read_head(connection, "acme").sequence == 0
    with database.writing() as connection:
        assert append(connection, [APPROVAL], now=NOW)[0].sequence == 1


def test_one_bad_entry_and_nothing_is_written(database_settings: Settings) -> None:
    database = open_database(database_settings)
    for bad in (entry(class_="gossip"), entry(organization_ref="globex")):
        with database.writing() as connection, pytest.raises(KrateError) as caught:
            append(connection, [APPROVAL, bad], now=NOW)
        assert caught.value.code == "AUDIT_RECORD_INVALID"
    with database.reading() as connection:
        assert read_head(connection, "acme").sequence == 0


@pytest.mark.parametrize("table", [audit_records, audit_groups])
def test_a_record_is_neither_changed_nor_deleted(table: object, database_settings: Settings) -> None:
    database = open_database(database_settings)
    with database.writing() as connection:
        append(connection, [APPROVAL], now=NOW)
    statements = [update(table).values(organization="x"), delete(table)]  # type: ignore[arg-type]
    if database_settings.records:
        statements.append(text(f"TRUNCATE {table} CASCADE"))  # type: ignore[arg-type]
    for statement in statements:
        with pytest.raises(UnavailableError, match="never changed") as caught, database.writing() as connection:
            connection.execute(statement)
        assert isinstance(caught.value.__cause__, DBAPIError)
    with database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(audit_records)) == 1


def test_a_long_batch_takes_one_look_at_the_head(database_settings: Settings) -> None:
    database = open_database(database_settings)
    statements: list[str] = []
    with database.writing() as connection:
        append(connection, [APPROVAL], now=NOW)
        event.listen(connection, "before_cursor_execute", lambda *about: statements.append(about[2].split()[0]))
        append(connection, [APPROVAL] * 500, now=NOW)
        assert connection.scalar(select(audit_heads.c.sequence)) == 501
    assert statements == ["SELECT", "INSERT", "INSERT", "UPDATE", "SELECT"]
