"""What has changed since a snapshot, and whether it had told of it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from krate_gitops.errors import UsageError
from krate_gitops.git.local import Repository
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


class Other(NamedTuple):
    """A side of a comparison: its commit, and where that is found: by the snapshot that names it, or in a brain."""

    commit: str
    kept: Kept | None = None
    brain: Brain | None = None


def other_snapshot(database: Database | None, organization: str, repository: str, against: str) -> Other | None:
    """The commit of the snapshot that ``against`` names; None where it names none.

    Raises what recalling raises, and ``UsageError(INVALID_REQUEST)`` for a snapshot of another repository.
    """
    if snapshot_reference(against, organization) is None:
        return None
    other = recall(database, against, organization)
    if other.snapshot.spec.memory_repository != repository:
        raise UsageError(
            "INVALID_REQUEST",
            "the snapshots are of different repositories",
            hint="compare snapshots of one repository",
            location=against,
        )
    return Other(other.snapshot.spec.resolved_commit, other)


def other_ref(brain: Brain, against: str) -> Other:
    """The commit that ``current`` or a ref means; a ref may mean any commit."""
    if against == "current":
        return Other(brain.resolve(RefRequest()).current_commit)
    request = RefRequest(mode=RefMode.EXPLICIT_REF, requested_ref=against, require_approved_commit=False)
    return Other(brain.resolve(request).resolved_commit)


def beside(brain: Brain, *sides: Other) -> Brain:
    """The brain in a repository that has the commits of all sides: its own or, where it lacks one, that of the copies.

    Raises what finding a commit raises.
    """
    if all(holds(brain.repository, side.commit) for side in sides):
        return brain
    for side in sides:
        pin_commit(_home(brain, side), side.commit, settings=brain.settings, apart=True)
    both = pinned_repository(brain.repository.name, sides[0].commit, settings=brain.settings)
    return brain if both is None else brain.within(both)


def _home(brain: Brain, side: Other) -> Repository:
    """A repository that has the commit of a side."""
    if side.brain is not None:
        return side.brain.repository
    if side.kept is None or holds(brain.repository, side.commit):
        return brain.repository
    return reopen(side.kept, settings=brain.settings).repository


def diff_snapshot(
    brain: Brain, kept: Kept, other: Other, *, patch: bool = False, only_selected: bool = False
) -> SnapshotDiff:
    """Compares a snapshot's commit with another of its repository."""
    pinned = Other(kept.snapshot.spec.resolved_commit, kept)
    brain = beside(brain, pinned, other)
    return brain.read(
        pinned.commit,
        lambda before: brain.read(
            other.commit,
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
