"""What has changed since a snapshot, and whether it had told of it."""

from __future__ import annotations

import msgspec

from krate_gitops.errors import UsageError
from krate_gitops.git.pins import holds, pin_commit, pinned_repository
from krate_gitops.git.request import RefMode, RefRequest
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.compare import Change, compare
from krate_gitops.memory.material import Material
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.recall import Kept, recall
from krate_gitops.memory.reference import snapshot_reference
from krate_gitops.memory.reopen import reopen
from krate_gitops.records.database import Database


class SnapshotDiff(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Changes from the snapshot's commit to another; ``selected`` counts those of its own selection."""

    snapshot: str
    from_commit: str
    to_commit: str
    counts: dict[str, int]
    selected: int
    changes: tuple[Change, ...]


def other_commit(brain: Brain, database: Database | None, kept: Kept, against: str) -> str:
    """The commit that ``against`` means: ``current``, another snapshot, or a ref, which may be any commit.

    Raises what resolving and recalling raise, and ``UsageError(INVALID_REQUEST)`` for a snapshot of another repository.
    """
    if snapshot_reference(against, brain.settings.organization) is not None:
        other = recall(database, against, brain.settings.organization).snapshot.spec
        if other.memory_repository != kept.snapshot.spec.memory_repository:
            raise UsageError(
                "INVALID_REQUEST",
                "the snapshots are of different repositories",
                hint="compare snapshots of one repository",
                location=against,
            )
        return other.resolved_commit
    if against == "current":
        return brain.resolve(RefRequest()).current_commit
    request = RefRequest(mode=RefMode.EXPLICIT_REF, requested_ref=against, require_approved_commit=False)
    return brain.resolve(request).resolved_commit


def diff_snapshot(
    brain: Brain, kept: Kept, commit: str, *, patch: bool = False, only_selected: bool = False
) -> SnapshotDiff:
    """Compares a snapshot's commit with another of the brain's repository.

    Where that repository has lost the pinned commit, both are read from copies side by side under the home folder.
    """
    pinned = kept.snapshot.spec.resolved_commit
    if not holds(brain.repository, pinned):
        for repository, oid in ((reopen(kept, settings=brain.settings).repository, pinned), (brain.repository, commit)):
            pin_commit(repository, oid, settings=brain.settings, apart=True)
        both = pinned_repository(brain.repository.name, pinned, settings=brain.settings)
        brain = brain if both is None else brain.within(both)
    return brain.read(
        pinned,
        lambda before: brain.read(
            commit,
            lambda after: compare_snapshot(
                kept.snapshot.metadata.name, kept.material, before, after, patch=patch, only_selected=only_selected
            ),
        ),
    )


def compare_snapshot(
    name: str,
    material: Material,
    pinned: OpenIndex,
    other: OpenIndex,
    *,
    patch: bool = False,
    only_selected: bool = False,
) -> SnapshotDiff:
    """Compares under the snapshot's own policy: nothing is told that it could not have told."""
    found = compare(pinned, other, material.policy, patch=patch)
    ids = {item.id for item in material.records}
    paths = {item.path for item in material.items()}
    changes = [msgspec.structs.replace(change, in_selection=_held(change, ids, paths)) for change in found.changes]
    return SnapshotDiff(
        snapshot=name,
        from_commit=found.from_commit,
        to_commit=found.to_commit,
        counts=found.counts,
        selected=sum(bool(change.in_selection) for change in changes),
        changes=tuple(change for change in changes if change.in_selection or not only_selected),
    )


def _held(change: Change, ids: set[str], paths: set[str]) -> bool:
    return change.id in ids if change.item == "record" else (change.old_path or change.path) in paths
