"""``verify`` finds whatever was changed behind the back of the triggers."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import zstandard
from sqlalchemy.exc import DBAPIError

from krate_gitops.digest import sha256_digest
from krate_gitops.errors import KrateError
from krate_gitops.memory.material import encode
from krate_gitops.memory.recall import file_form, read_file
from krate_gitops.memory.verify import require_whole, verify_all, verify_one
from krate_gitops.records.consumers import MOST
from krate_gitops.settings import Settings
from tests.snapshots import Desk


@pytest.fixture
def desk(tmp_path: Path, database_settings: Settings) -> Desk:
    return Desk(tmp_path, database_settings)


DAMAGE = {
    "spec": "UPDATE snapshots SET spec = REPLACE(spec, 'main', 'other')",
    "spec that is none": "UPDATE snapshots SET spec = '{'",
    "origin that is none": "UPDATE snapshots SET origin = '[]'",
    "digest": "UPDATE snapshots SET digest = 'sha256:00'",
    "name": "UPDATE snapshots SET name = 'ams-000000000000'",
    "commit it is found by": "UPDATE snapshots SET resolved_commit = 'abc'",
    "repository it is found by": "UPDATE snapshots SET memory_repository = 'other'",
    "run it is found by": "UPDATE snapshots SET dispatch_run = 'adr-9'",
    "selection it names": "UPDATE snapshots SET selection_digest = 'sha256:00'",
    "material that is missing": "DELETE FROM objects",
    "size of the material": "UPDATE objects SET bytes = 3",
    "source that is missing": "DELETE FROM consumed WHERE number = 1",
    "source too many": "INSERT INTO consumed SELECT snapshot_id, 99, organization, 'service:x', 'x.md'"
    " FROM consumed WHERE number = 1",
    "record of a source": "UPDATE consumed SET record_id = 'service:x' WHERE number = 1",
    "path of a source": "UPDATE consumed SET path = 'x.md' WHERE number = 1",
    "query that is missing": "DELETE FROM queries",
    "name of the query": "UPDATE queries SET name = 'amq-000000000000-1'",
    "text of the query": "UPDATE queries SET spec = REPLACE(spec, 'needle', 'noodle')",
    "limits of the query": "UPDATE queries SET spec = REPLACE(spec, '64000', '64001')",
    "result of the query": "UPDATE queries SET status = REPLACE(status, 'sha256:', 'sha256:0')",
    "counts of the query": "UPDATE queries SET status = REPLACE(status, 'records', 'documents')",
    "phase of the query": "UPDATE queries SET status = REPLACE(status, 'Completed', 'Failed')",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_every_kind_of_damage_is_found_and_named_by_its_snapshot(tmp_path: Path, home: Path, damage: str) -> None:
    desk = Desk(tmp_path, Settings(home=home))
    name = desk.take(run="adr-1").snapshot.metadata.name
    assert verify_all(desk.database, "local").faults == ()
    desk.execute(damage)
    found = verify_all(desk.database, "local")
    assert found.snapshots == 1
    assert found.faults
    assert {fault.snapshot for fault in found.faults} <= {name, "ams-000000000000"}
    assert all(fault.what for fault in found.faults)
    if "ams-0" not in damage:
        assert verify_one(desk.database, name, "local").faults == found.faults


def test_damage_is_found_on_both_databases_beside_what_is_sound(desk: Desk) -> None:
    kept = [desk.take(request_id=str(number)) for number in range(3)]
    assert verify_all(desk.database, "local").faults == ()
    bad = kept[1].snapshot.metadata.name
    desk.execute("UPDATE snapshots SET digest = 'sha256:00' WHERE name = :name", name=bad)
    found = verify_all(desk.database, "local")
    assert (found.snapshots, {fault.snapshot for fault in found.faults}) == (3, {bad})
    assert verify_all(desk.database, "other").snapshots == 0


def test_material_that_was_exchanged_for_other_material_is_found(desk: Desk) -> None:
    kept = desk.take()
    text = msgspec.structs.replace(kept.material.excerpts[0], text="Another line.")
    forged = encode(msgspec.structs.replace(kept.material, excerpts=(text, *kept.material.excerpts[1:])))
    desk.execute(
        "UPDATE objects SET content = :content, bytes = :size",
        content=zstandard.ZstdCompressor().compress(forged),
        size=len(forged),
    )
    [fault] = verify_all(desk.database, "local").faults
    assert fault.what == "the stored selection was changed"
    with pytest.raises(KrateError) as caught:
        desk.again(kept)
    assert caught.value.code == "MEMORY_SNAPSHOT_FAILED"
    # Whoever gives the forged material its own digest is found out by the digests that cover it.
    digest = sha256_digest(forged)
    desk.execute(
        "UPDATE objects SET digest = :digest",
        "UPDATE snapshots SET selection_digest = :digest, spec = REPLACE(spec, :old, :digest)",
        digest=digest,
        old=kept.snapshot.spec.selection_digest,
    )
    whats = [fault.what for fault in verify_all(desk.database, "local").faults]
    assert "the spec is not the one that its digest covers" in whats
    assert any("is not the one its digest covers" in what for what in whats)


def test_rows_can_only_be_changed_when_the_triggers_are_gone(desk: Desk) -> None:
    from sqlalchemy import text

    desk.take()
    for table in ("snapshots", "objects", "queries", "consumed"):
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET organization = 'x'"):
            with pytest.raises((DBAPIError, KrateError)), desk.database.writing() as connection:
                connection.execute(text(statement))
    assert verify_all(desk.database, "local").faults == ()


def test_more_snapshots_than_a_page_are_all_looked_at(tmp_path: Path, home: Path) -> None:
    desk = Desk(tmp_path, Settings(home=home))
    desk.take()
    desk.execute(
        "INSERT INTO snapshots (organization, name, memory_repository, resolved_commit, created_at, selection_digest,"
        " spec, digest, origin) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 450)"
        " SELECT organization, 'ams-' || n, memory_repository, resolved_commit, created_at, selection_digest, spec,"
        " digest, origin FROM snapshots, c"
    )
    found = verify_all(desk.database, "local")
    assert found.snapshots == 451 > 2 * MOST
    assert len({fault.snapshot for fault in found.faults}) == 450


def test_a_file_that_was_changed_is_not_used(tmp_path: Path, home: Path) -> None:
    desk = Desk(tmp_path, Settings(home=home))
    file = tmp_path / "told.json"
    whole = msgspec.json.encode(file_form(desk.take()))
    file.write_bytes(whole)
    require_whole(read_file(file, "local"))
    assert verify_one(None, str(file), "local").faults == ()
    for old, new in (
        (b"needle here", b"poison here"),
        (b'"recordCount":2', b'"recordCount":3'),
        (b'"User"', b'"Robot"'),
    ):
        file.write_bytes(whole.replace(old, new))
        if old == b'"User"':
            require_whole(read_file(file, "local"))
            continue
        assert verify_one(None, str(file), "local").faults
        with pytest.raises(KrateError) as caught:
            require_whole(read_file(file, "local"))
        assert caught.value.code == "MEMORY_SNAPSHOT_FAILED"
