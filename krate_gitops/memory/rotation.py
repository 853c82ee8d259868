"""Whether another repository is the same brain, so that agents may be given that one instead.

Each gate is a value that is read on both sides, from the objects themselves: refs, commits, files, snapshot tags. The
index of the other repository is built from its files, in a store of its own, and questions that agents were answered
lately are answered again on both sides, at their current commits.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from krate_gitops.digest import json_digest
from krate_gitops.git.locks import exclusive_lock
from krate_gitops.git.repository import open_repository
from krate_gitops.index.formats import INDEXER_VERSION
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.rotation_questions import Assembly, recent_assemblies
from krate_gitops.memory.rotation_side import Side, look
from krate_gitops.progress import Progress, silent
from krate_gitops.records.database import Database
from krate_gitops.settings import Settings

MOST_DIFFERENCES = 20
"""Of one gate; more would not help."""


class Gate(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One value on both sides; counts say how many things a digest covers."""

    name: str
    repository: str
    other: str
    match: bool
    repository_count: int | None = None
    other_count: int | None = None
    differences: tuple[str, ...] = ()


class Replayed(msgspec.Struct, frozen=True):
    """The question of one snapshot, answered anew on both sides: digests by name, or the code of an error."""

    snapshot: str
    repository: dict[str, str]
    other: dict[str, str]
    match: bool


class Parity(msgspec.Struct, frozen=True, rename="camel"):
    """Whether every gate is passed."""

    repository: str
    other: str
    match: bool
    indexer_version: str
    gates: tuple[Gate, ...]
    replays: tuple[Replayed, ...]


def verify_mirror(
    brain: Brain,
    other: str,
    database: Database | None,
    *,
    ontology: Path | None = None,
    root: str | None = None,
    most: int = 20,
    progress: Progress = silent,
) -> Parity:
    """Compares a brain with the repository that ``other`` names; ``most`` recent questions are asked on both.

    Raises what opening and indexing raise. What one side lacks is a difference and no error.
    """
    settings = brain.settings
    repository = open_repository(other, settings=settings)
    assemblies = (
        [] if database is None else recent_assemblies(database, settings.organization, brain.repository.name, most)
    )
    here = look(brain, assemblies, progress=progress)
    with _scratch(settings) as home:
        apart = msgspec.structs.replace(settings, home=home)
        there = look(
            Brain(other, settings=apart, root=root, ontology_dir=ontology, progress=progress, repository=repository),
            assemblies,
            progress=progress,
        )
    replays = tuple(_replays(assemblies, here, there))
    gates = tuple(_gates(here, there, replays))
    match = all(gate.match for gate in gates)
    return Parity(brain.spec, other, match, INDEXER_VERSION, gates, replays)


@contextlib.contextmanager
def _scratch(settings: Settings) -> Iterator[Path]:
    """An empty home for the other side's index; what a killed run left of its own is deleted."""
    folder = settings.home / "rotation"
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(settings.home / "rotation.lock", deadline=settings.deadline_seconds):
        for left in folder.iterdir():
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=folder) as home:
            yield Path(home)


def _gates(here: Side, there: Side, replays: Sequence[Replayed]) -> Iterator[Gate]:
    yield _plain("defaultBranch", here.branch, there.branch)
    yield _set("refs", here.refs, there.refs)
    yield _counted("commits", here.commits_digest, there.commits_digest, here.commits, there.commits)
    yield _plain("objects", here.objects, there.objects)
    yield _plain("commit", here.commit, there.commit)
    yield _set("fileSetDigest", here.files, there.files)
    yield _plain("ontologyDigest", here.ontology_digest, there.ontology_digest)
    yield _plain("indexDigest", here.index_digest, there.index_digest)
    yield _set("snapshotTags", here.snapshot_tags, there.snapshot_tags)
    if replays:
        yield Gate(
            "selections",
            json_digest([one.repository for one in replays]),
            json_digest([one.other for one in replays]),
            all(one.match for one in replays),
            len(replays),
            len(replays),
            tuple(one.snapshot for one in replays if not one.match)[:MOST_DIFFERENCES],
        )


def _plain(name: str, here: str, there: str) -> Gate:
    return Gate(name, here, there, here == there)


def _counted(name: str, here: str, there: str, here_count: int, there_count: int) -> Gate:
    return Gate(name, here, there, here == there, here_count, there_count)


def _set(name: str, here: Mapping[str, str], there: Mapping[str, str]) -> Gate:
    different = sorted(key for key in here.keys() | there.keys() if here.get(key) != there.get(key))
    return Gate(
        name, _digest(here), _digest(there), not different, len(here), len(there), tuple(different[:MOST_DIFFERENCES])
    )


def _digest(found: Mapping[str, str]) -> str:
    """The digest of sorted pairs; for files that is the file-set digest."""
    return json_digest([[name, value] for name, value in sorted(found.items())])


def _replays(assemblies: Sequence[Assembly], here: Side, there: Side) -> Iterator[Replayed]:
    for assembly, ours, theirs in zip(assemblies, here.selections, there.selections, strict=True):
        yield Replayed(assembly.snapshot, ours, theirs, ours == theirs)
