"""Checks stored snapshots without Git: whether anything of them was changed since they were written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection

from krate_gitops.digest import json_digest, sha256_digest
from krate_gitops.errors import KrateError
from krate_gitops.memory.freeze import consumed_by, outcome
from krate_gitops.memory.recall import Kept, load, recall
from krate_gitops.memory.reference import no_such_snapshot, snapshot_reference
from krate_gitops.memory.replay import recorded_digests
from krate_gitops.memory.snapshot import AgentMemoryQuery, metadata, query_name
from krate_gitops.progress import Progress, silent
from krate_gitops.records.consumers import MOST, SnapshotFilter, list_snapshots
from krate_gitops.records.database import Database
from krate_gitops.records.snapshots import StoredSnapshot, find_consumed, find_snapshot, spoilt


class Fault(msgspec.Struct, frozen=True):
    """Something that is not as it was written."""

    snapshot: str
    what: str


class Verified(msgspec.Struct, frozen=True):
    """How many snapshots were looked at, and what is wrong with them."""

    snapshots: int
    faults: tuple[Fault, ...]


def verify_all(database: Database, organization: str, *, progress: Progress = silent) -> Verified:
    """Checks every snapshot of an organisation, page by page, so that memory does not grow with their number."""
    faults: list[Fault] = []
    count, before = 0, None
    while True:
        with database.reading() as connection:
            page = list_snapshots(connection, organization, SnapshotFilter(), limit=MOST, before=before)
            for stored in page.items:
                faults += _stored_faults(connection, stored)
        count += len(page.items)
        progress("verify", count, 0)
        before = page.next_before
        if before is None:
            return Verified(count, tuple(faults))


def verify_one(database: Database | None, text: str, organization: str) -> Verified:
    """Checks the snapshot that a name or a file means. Raises what ``recall`` raises but for damage."""
    name = snapshot_reference(text, organization)
    if name is None or database is None:
        return Verified(1, tuple(_faults(recall(database, text, organization))))
    with database.reading() as connection:
        stored = find_snapshot(connection, organization, name)
        if stored is None:
            raise no_such_snapshot()
        return Verified(1, tuple(_stored_faults(connection, stored)))


def _stored_faults(connection: Connection, stored: StoredSnapshot) -> list[Fault]:
    try:
        kept = load(connection, stored)
        return [*_faults(kept), *_row_faults(stored, kept), *_consumed_faults(connection, kept)]
    except KrateError as error:
        return [Fault(stored.snapshot.name, error.message)]


def require_whole(kept: Kept) -> None:
    """Raises ``KrateError(MEMORY_SNAPSHOT_FAILED)`` for a snapshot that is not as it was made; a file can be anything.

    What comes from the store was checked as it was read.
    """
    fault = None if kept.number else next(_faults(kept), None)
    if fault is not None:
        raise spoilt("snapshot", f"is not as it was made: {fault.what}", location=fault.snapshot)


def _faults(kept: Kept) -> Iterator[Fault]:
    name, spec, material = kept.snapshot.metadata.name, kept.snapshot.spec, kept.material
    digests = {**material.digests(), "selectionDigest": sha256_digest(kept.stored)}
    recorded = recorded_digests(kept)
    for digest, value in digests.items():
        if recorded[digest] != value:
            yield Fault(name, f"{digest} is {value}, recorded was {recorded[digest]}")
    if json_digest(msgspec.to_builtins(spec)) != kept.snapshot.status.digest:
        yield Fault(name, "the spec is not the one that its digest covers")
    for excerpt in material.excerpts:
        if sha256_digest(excerpt.text.encode()) != excerpt.digest:
            yield Fault(name, f"the text of {excerpt.path}:{excerpt.line_start} is not the one its digest covers")
    if kept.query.metadata.name != query_name(name) or kept.query.spec.snapshot_ref != name:
        yield Fault(name, "its query belongs to another snapshot")
    if _query_facts(kept.query) != _expected_query(kept):
        yield Fault(name, "its query is not the one that was answered")
    counts = (spec.record_count, spec.excerpt_count, spec.document_count, spec.bytes)
    if counts != (len(material.records), len(material.excerpts), len(material.documents), material.limits.bytes):
        yield Fault(name, "its counts are not those of its selection")
    manifest = {name: material.manifest.get(name) for name in ("organization", "memoryRepository", "resolvedCommit")}
    if list(manifest.values()) != [spec.organization_ref, spec.memory_repository, spec.resolved_commit]:
        yield Fault(name, "its selection is of another organization, repository or commit")
    if kept.snapshot.metadata != metadata(name, spec.organization_ref, spec.dispatch_run):
        yield Fault(name, "its labels are those of another one")


def _query_facts(query: AgentMemoryQuery) -> Any:
    spec, status = msgspec.to_builtins(query.spec), msgspec.structs.asdict(query.status)
    return _plain([spec["organizationRef"], spec["query"], spec["limits"], status])


def _expected_query(kept: Kept) -> Any:
    """What a query says besides when it was asked, for how long and by whom."""
    request = msgspec.to_builtins(kept.material.request)
    status = msgspec.structs.asdict(kept.query.status) | {"phase": "Completed"} | outcome(kept.material)
    return _plain([kept.snapshot.spec.organization_ref, request, request["limits"], status])


def _plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def _row_faults(stored: StoredSnapshot, kept: Kept) -> Iterator[Fault]:
    """Columns repeat the spec, so that it can be searched."""
    row, spec = stored.snapshot, kept.snapshot.spec
    columns = (row.organization, row.memory_repository, row.resolved_commit, row.dispatch_run, row.session_ref)
    if columns != (
        spec.organization_ref,
        spec.memory_repository,
        spec.resolved_commit,
        spec.dispatch_run,
        spec.session_ref,
    ) or (row.selection_digest != spec.selection_digest):
        yield Fault(row.name, "what it is found by is not what its spec says")


def _consumed_faults(connection: Connection, kept: Kept) -> Iterator[Fault]:
    if find_consumed(connection, kept.number) != consumed_by(kept.material):
        yield Fault(kept.snapshot.metadata.name, "what it is found by as consumed is not what it selected")
