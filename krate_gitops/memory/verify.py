"""Checks stored snapshots without Git: whether anything of them was changed since they were written."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection

from krate_gitops.digest import json_digest, sha256_digest
from krate_gitops.errors import KrateError
from krate_gitops.memory.freeze import item_rows
from krate_gitops.memory.recall import Kept, load
from krate_gitops.memory.replay import recorded_digests
from krate_gitops.memory.snapshot import query_name
from krate_gitops.progress import Progress, silent
from krate_gitops.records.consumers import MOST, SnapshotFilter, list_snapshots
from krate_gitops.records.database import Database
from krate_gitops.records.snapshots import StoredSnapshot, find_items


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


def verify_one(database: Database | None, kept: Kept) -> Verified:
    """Checks one snapshot; of one that came from a file, the file."""
    faults = list(_faults(kept))
    if database is not None and kept.number:
        with database.reading() as connection:
            faults += _item_faults(connection, kept)
    return Verified(1, tuple(faults))


def _stored_faults(connection: Connection, stored: StoredSnapshot) -> list[Fault]:
    try:
        kept = load(connection, stored)
        return [*_faults(kept), *_item_faults(connection, kept)]
    except KrateError as error:
        return [Fault(stored.snapshot.name, error.message)]
    except msgspec.DecodeError as error:
        return [Fault(stored.snapshot.name, f"its rows can't be read: {error}")]


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
    counts = (spec.record_count, spec.excerpt_count, spec.document_count)
    if counts != (len(material.records), len(material.excerpts), len(material.documents)):
        yield Fault(name, "its counts are not those of its selection")


def _item_faults(connection: Connection, kept: Kept) -> Iterator[Fault]:
    if find_items(connection, kept.number) != item_rows(kept.material):
        yield Fault(kept.snapshot.metadata.name, "the list of its items is not that of its selection")
