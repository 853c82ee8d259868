"""What an index is made from: a commit, the memory root in it, and the ontology that applies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from krate_gitops.brain.globs import compile_globs
from krate_gitops.brain.layout import DEFAULT_ROOT, Classifier
from krate_gitops.brain.model import Ontology
from krate_gitops.brain.ontology import load_ontology, ontology_digest
from krate_gitops.brain.parse import Profile
from krate_gitops.digest import json_digest
from krate_gitops.errors import UsageError
from krate_gitops.git.history import read_commit
from krate_gitops.git.local import Repository
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import TreeEntry, list_tree, tree_oid
from krate_gitops.index.manifest import judge_name, variant_of
from krate_gitops.index.shard import Entry

_ONTOLOGY_BYTES = 1_048_576
INDEXES = "indexes/"
"""Folder of derived files, which are never an input."""


class Target(msgspec.Struct, frozen=True):
    """What is asked for. ``root`` None: the default root where the commit has it, else the top level."""

    repository: Repository
    commit: str
    root: str | None = None
    ontology_dir: Path | None = None


class Source(msgspec.Struct, frozen=True):
    """What was found. ``root`` is empty for the top level."""

    target: Target
    root: str
    root_present: bool
    commit_time: int
    ontology: Ontology
    profile: Profile
    profile_digest: str
    variant: str
    judge: str
    """Name of who judges: this ontology for this organisation."""

    @property
    def outside(self) -> bool:
        """Whether the ontology is kept outside the brain."""
        return self.target.ontology_dir is not None

    def entries(self, found: Iterable[TreeEntry]) -> list[Entry]:
        """Documents among the files of a tree."""
        classify = Classifier(self.profile.foreign, compile_globs)
        return [
            Entry(item.path, item.oid, item.mode, item.size, classify(item.path))
            for item in found
            if not item.path.startswith(INDEXES)
        ]


class OntologyCache(Protocol):
    """Keeps ontologies by digest; reading one again is parsing and checking its files again."""

    def ontology(self, digest: str, *, outside: bool) -> Ontology | None: ...

    def write_ontology(self, ontology: Ontology, *, outside: bool) -> None: ...


def open_source(
    target: Target, reader: ObjectReader, cache: OntologyCache | None = None, *, organization: str = "local"
) -> Source:
    """Reads the ontology of a commit. Raises ``UsageError`` for an ontology folder that cannot be read."""
    root, present = _find_root(target, reader)
    files = _from_folder(target.ontology_dir) if target.ontology_dir else _from_commit(target, reader, root, present)
    ontology = _ontology(files, target.ontology_dir is not None, cache)
    rules = ontology.rules
    profile = Profile(rules.foreign, rules.limits)
    settings = [profile, rules.secret_scan, rules.prompt_injection]
    profile_digest = json_digest(msgspec.to_builtins(settings, str_keys=True))
    return Source(
        target=target,
        root=root,
        root_present=present,
        commit_time=read_commit(reader, target.commit).committer_time,
        ontology=ontology,
        profile=profile,
        profile_digest=profile_digest,
        variant=variant_of(root, ontology.digest, profile_digest, organization),
        judge=judge_name(ontology.digest, organization),
    )


def _ontology(files: Mapping[str, bytes], outside: bool, cache: OntologyCache | None) -> Ontology:
    known = cache.ontology(ontology_digest(files), outside=outside) if cache else None
    if known is not None:
        return known
    ontology = load_ontology(files, outside=outside)
    if cache is not None:
        cache.write_ontology(ontology, outside=outside)
    return ontology


def _find_root(target: Target, reader: ObjectReader) -> tuple[str, bool]:
    if target.root is not None:
        root = target.root.strip("/")
        root = "" if root == "." else root
        return root, not root or tree_oid(reader, target.commit, root) is not None
    present = tree_oid(reader, target.commit, DEFAULT_ROOT) is not None
    return (DEFAULT_ROOT if present else ""), True


def _from_folder(folder: Path) -> dict[str, bytes]:
    try:
        files = {
            f"ontology/{path.relative_to(folder).as_posix()}": path.read_bytes()
            for path in sorted(folder.rglob("*.y*ml"))
            if path.is_file() and path.stat().st_size <= _ONTOLOGY_BYTES
        }
    except OSError as error:
        raise UsageError("INVALID_REQUEST", f"cannot read the ontology: {error}", location=str(folder)) from error
    if "ontology/node-kinds.yaml" not in files:
        raise UsageError(
            "INVALID_REQUEST",
            f"{folder} holds no node-kinds.yaml",
            hint="name the folder with the four ontology files",
            location=str(folder),
        )
    return files


def _from_commit(target: Target, reader: ObjectReader, root: str, present: bool) -> dict[str, bytes]:
    folder = f"{root}/ontology".strip("/")
    if not present or tree_oid(reader, target.commit, folder) is None:
        return {}
    entries = [
        entry
        for entry in list_tree(reader, target.commit, folder).entries
        if entry.path.endswith((".yaml", ".yml"))
        and entry.size
        and entry.size <= _ONTOLOGY_BYTES
        and entry.mode < 0o120000
    ]
    stream = reader.stream([entry.oid for entry in entries])
    return {f"ontology/{entry.path}": data or b"" for entry, (_, _, _, data) in zip(entries, stream, strict=True)}
