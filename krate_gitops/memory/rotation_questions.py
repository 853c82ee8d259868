"""Questions that agents were answered lately, to be asked on two repositories."""

from __future__ import annotations

import msgspec

from krate_gitops.index.strength import FORMULAS
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.recall import load
from krate_gitops.memory.request import QueryRequest
from krate_gitops.records.consumers import MOST, SnapshotFilter, list_snapshots
from krate_gitops.records.database import Database


class Assembly(msgspec.Struct, frozen=True):
    """What was asked, under which policy, and the snapshot that froze the answer."""

    snapshot: str
    request: QueryRequest
    policy: EffectivePolicy


def recent_assemblies(database: Database, organization: str, repository: str, most: int) -> list[Assembly]:
    """The questions of the newest snapshots of a repository, each once, at most ``most``.

    No more than the newest ``consumers.MOST`` snapshots are looked at. A question for a ranking that this program
    doesn't have is passed over. Raises ``KrateError(MEMORY_SNAPSHOT_FAILED)`` for a damaged snapshot.
    """
    found: dict[bytes, Assembly] = {}
    if most <= 0:
        return []
    with database.reading() as connection:
        page = list_snapshots(connection, organization, SnapshotFilter(memory_repository=repository), limit=MOST)
        for stored in page.items:
            material = load(connection, stored).material
            if material.request.ranking_version not in FORMULAS:
                continue
            key = msgspec.json.encode((material.request, material.policy.digest))
            found.setdefault(key, Assembly(stored.snapshot.name, material.request, material.policy))
            if len(found) == most:
                break
    return list(found.values())
