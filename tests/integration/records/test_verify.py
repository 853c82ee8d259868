"""Somebody who owns the database drops the triggers and changes the log: verification says where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, delete, insert, select, text, update

from krate_gitops.digest import canonical_json, sha256_digest
from krate_gitops.records.audit import append
from krate_gitops.records.audit_verify import BreakKind, Verification, verify
from krate_gitops.records.database import Database, open_database
from krate_gitops.records.tables import audit_groups, audit_heads, audit_records
from krate_gitops.settings import Settings
from tests.unit.records.sample import APPROVAL, NOW, entry

RECORDS = 6
RECORD = audit_records.c


def drop_triggers(connection: Connection) -> None:
    for table in ("audit_records", "audit_groups"):
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            continue
        for verb in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER {table}_no_{verb}"))


def change_text(connection: Connection) -> None:
    body = connection.scalar(select(RECORD.body).where(RECORD.sequence == 3))
    connection.execute(update(audit_records).where(RECORD.sequence == 3).values(body=body.replace("rivera", "nobody")))


def change_text_and_hash(connection: Connection) -> None:
    body = connection.scalar(select(RECORD.body).where(RECORD.sequence == 3))
    record = msgspec.json.decode(body)
    record["decision"]["reason"] = "Forged"
    forged = canonical_json(record)
    connection.execute(
        update(audit_records).where(RECORD.sequence == 3).values(body=forged.decode(), hash=sha256_digest(forged))
    )


def change_to_no_record(connection: Connection) -> None:
    connection.execute(update(audit_records).where(RECORD.sequence == 3).values(body="{}", hash=sha256_digest(b"{}")))


def swap(connection: Connection) -> None:
    rows = connection.execute(select(audit_records).where(RECORD.sequence.in_((3, 4))).order_by("sequence")).all()
    for row, sequence in zip(rows, (4, 3), strict=True):
        values = {"body": row.body, "hash": row.hash}
        connection.execute(update(audit_records).where(RECORD.sequence == sequence).values(values))


def remove(*sequences: int) -> Callable[[Connection], None]:
    def act(connection: Connection) -> None:
        connection.execute(delete(audit_groups).where(audit_groups.c.sequence.in_(sequences)))
        connection.execute(delete(audit_records).where(RECORD.sequence.in_(sequences)))

    return act


def remove_and_close_the_gap(connection: Connection) -> None:
    remove(4)(connection)
    connection.execute(delete(audit_groups).where(audit_groups.c.sequence > 4))
    for sequence in (5, 6):
        connection.execute(update(audit_records).where(RECORD.sequence == sequence).values(sequence=sequence - 1))


def hide_from_queries(connection: Connection) -> None:
    connection.execute(update(audit_records).where(RECORD.sequence == 3).values(actor="nobody", allowed=False))


def hide_from_a_group(connection: Connection) -> None:
    connection.execute(delete(audit_groups).where(audit_groups.c.sequence == 3))


def turn_back_the_head(connection: Connection) -> None:
    row = connection.execute(select(audit_records).where(RECORD.sequence == 5)).one()
    connection.execute(update(audit_heads).values(sequence=5, hash=row.hash))


def remove_the_head(connection: Connection) -> None:
    connection.execute(delete(audit_heads))


def put_one_before_the_first(connection: Connection) -> None:
    row = connection.execute(select(audit_records).where(RECORD.sequence == 1)).one()
    connection.execute(insert(audit_records).values({**row._mapping, "sequence": -1}))


TAMPERED: list[tuple[Any, int, BreakKind]] = [
    (change_text, 3, BreakKind.CHANGED),
    (change_text_and_hash, 4, BreakKind.UNCHAINED),
    (change_to_no_record, 3, BreakKind.CHANGED),
    (swap, 3, BreakKind.MOVED),
    (remove(1), 1, BreakKind.MISSING),
    (remove(3), 3, BreakKind.MISSING),
    (remove_and_close_the_gap, 4, BreakKind.MOVED),
    (remove(6), 6, BreakKind.TRUNCATED),
    (remove(5, 6), 5, BreakKind.TRUNCATED),
    (remove(*range(1, RECORDS + 1)), 1, BreakKind.TRUNCATED),
    (hide_from_queries, 3, BreakKind.COLUMNS),
    (hide_from_a_group, 3, BreakKind.COLUMNS),
    (turn_back_the_head, 6, BreakKind.HEAD),
    (remove_the_head, 6, BreakKind.HEAD),
    (put_one_before_the_first, 1, BreakKind.MISSING),
]


def logged(settings: Settings) -> Database:
    database = open_database(settings)
    with database.writing() as connection:
        append(connection, [APPROVAL] * RECORDS, now=NOW)
    return database


def verified(database: Database, organization: str = "acme") -> Verification:
    with database.reading() as connection:
        return verify(connection, organization)


def test_a_log_that_nobody_touched_is_sound(database_settings: Settings) -> None:
    database = logged(database_settings)
    found = verified(database)
    assert (found.ok, found.records, found.first_break) == (True, RECORDS, None)
    assert found.last_hash.startswith("sha256:")
    assert verified(database, "nobody").ok


@pytest.mark.parametrize(
    ("tamper", "sequence", "what"),
    TAMPERED,
    ids=[f"{getattr(case[0], '__name__', '')}-{case[1]}-{case[2]}" for case in TAMPERED],
)
def test_the_first_break_is_named(
    tamper: Callable[[Connection], None], sequence: int, what: BreakKind, database_settings: Settings
) -> None:
    database = logged(database_settings)
    with database.writing() as connection:
        drop_triggers(connection)
        tamper(connection)
        append(connection, [entry(organization_ref="globex")], now=NOW)
    found = verified(database)
    assert found.first_break is not None
    assert (found.ok, found.first_break.sequence, found.first_break.what) == (False, sequence, what)
    assert found.records == sequence - (what != BreakKind.HEAD)
    assert verified(database, "globex").ok


def test_a_long_log_is_read_in_pieces_and_tells_how_far_it_is(
    database_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("krate_gitops.records.audit_verify._CHUNK", 2)
    database = logged(database_settings)
    told: list[tuple[str, int, int]] = []
    with database.reading() as connection:
        found = verify(connection, "acme", progress=lambda *step: told.append(step))
    assert (found.ok, found.records) == (True, RECORDS)
    assert told == [("verify", 2, 6), ("verify", 4, 6), ("verify", 6, 6)]
