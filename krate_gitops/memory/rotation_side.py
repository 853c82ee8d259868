"""One of two repositories that are compared: everything that must be equal, read from its objects."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from krate_gitops.digest import json_digest, sha256_digest
from krate_gitops.errors import KrateError
from krate_gitops.git.command import GitFailedError
from krate_gitops.git.every_ref import Refs, escape_ref, reachable_objects, read_every_ref
from krate_gitops.git.local import Repository
from krate_gitops.git.lookup import find_default_branch, peel
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.refs import RefResolution
from krate_gitops.git.request import SNAPSHOT_TAGS, RefRequest
from krate_gitops.git.trees import SUBMODULE_MODE, list_tree
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.material import ask
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.query import Scope
from krate_gitops.memory.question import Question
from krate_gitops.memory.rotation_questions import Assembly
from krate_gitops.progress import Progress

_MOST_BYTES = 64 << 20
"""Larger files enter the file-set digest by their object id."""
_SELECTED = ("selectedRecordsDigest", "selectedExcerptsDigest", "selectedDocumentsDigest")


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What was read. Refs and snapshot tags map names to ids, ``files`` paths to digests.

    ``objects`` is a number, or why not all objects are there. ``selections`` are digests of the answers, by name.
    """

    branch: str
    refs: dict[str, str]
    commits: int
    commits_digest: str
    objects: str
    commit: str
    files: dict[str, str]
    ontology_digest: str
    index_digest: str
    snapshot_tags: dict[str, str]
    selections: list[dict[str, str]]


def look(brain: Brain, assemblies: Sequence[Assembly], *, progress: Progress) -> Side:
    """Reads one side: its index is built where it is not there, and the questions are asked at its current commit."""
    repository = brain.repository
    progress("refs", 0, 0)
    refs = read_every_ref(repository)
    resolution = brain.resolve(RefRequest())
    commits, objects = _objects(repository, refs)

    def read(opened: OpenIndex) -> Side:
        return Side(
            branch=escape_ref(find_default_branch(repository)),
            refs={escape_ref(name): oid for name, oid in refs.items()},
            commits=len(commits),
            commits_digest=json_digest(commits),
            objects=objects,
            commit=resolution.resolved_commit,
            files=_files(repository, resolution.resolved_commit, opened.manifest.root),
            ontology_digest=opened.manifest.ontology_digest,
            index_digest=opened.manifest.index_digest,
            snapshot_tags=_snapshot_tags(repository, refs),
            selections=_selections(opened, brain, resolution, assemblies, progress),
        )

    return brain.read(resolution.resolved_commit, read)


def _objects(repository: Repository, refs: Refs) -> tuple[list[str], str]:
    try:
        commits, count = reachable_objects(repository, refs)
    except GitFailedError as error:
        return [], f"incomplete: {error.detail}"
    return commits, str(count)


def _files(repository: Repository, commit: str, root: str) -> dict[str, str]:
    with ObjectReader(repository) as reader:
        entries = list_tree(reader, commit, root).entries
        stored = [entry for entry in entries if entry.mode != SUBMODULE_MODE]
        contents = reader.stream(
            [entry.oid for entry in stored], max_bytes=_MOST_BYTES, sizes=[entry.size for entry in stored]
        )
        found = {
            entry.path: _by_id(oid) if data is None else sha256_digest(data)
            for entry, (oid, _, _, data) in zip(stored, contents, strict=True)
        }
        return found | {entry.path: _by_id(entry.oid) for entry in entries if entry.mode == SUBMODULE_MODE}


def _by_id(oid: str) -> str:
    return "sha256:" + hashlib.sha256(f"git-object:{oid}".encode()).hexdigest()


def _snapshot_tags(repository: Repository, refs: Refs) -> dict[str, str]:
    """The commit behind each snapshot tag, and whether it is annotated, as it must be."""
    found = {}
    with ObjectReader(repository) as reader:
        for name, oid in refs.items():
            if not name.startswith(SNAPSHOT_TAGS):
                continue
            try:
                peeled = peel(reader, oid, name=name)
            except KrateError as error:
                found[escape_ref(name)] = error.code
            else:
                found[escape_ref(name)] = peeled.commit if peeled.tag is not None else f"{peeled.commit} not annotated"
    return found


def _selections(
    opened: OpenIndex,
    brain: Brain,
    resolution: RefResolution,
    assemblies: Sequence[Assembly],
    progress: Progress,
) -> list[dict[str, str]]:
    scope = Scope(brain.settings.organization, brain.repository.name, resolution)
    found = []
    for number, assembly in enumerate(assemblies):
        progress("replay", number, len(assemblies))
        try:
            digests = ask(Question(opened, assembly.request, assembly.policy), scope).digests()
        except KrateError as error:
            # That a question can't be answered any more is an answer; both sides must give the same.
            found.append({"error": error.code})
        else:
            found.append({name: digests[name] for name in _SELECTED})
    return found
