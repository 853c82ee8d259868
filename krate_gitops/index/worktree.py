"""Validation of files that nobody has committed yet."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from krate_gitops.brain.layout import DEFAULT_ROOT
from krate_gitops.git.checkout import snapshot_checkout
from krate_gitops.git.local import Repository
from krate_gitops.index.build import Builder
from krate_gitops.index.source import Target
from krate_gitops.index.store import Store
from krate_gitops.index.validate import Selection, Validation, validate
from krate_gitops.progress import Progress, silent


def validate_worktree(
    builder: Builder,
    repository: Repository,
    *,
    home: Path,
    root: str | None = None,
    ontology_dir: Path | None = None,
    base: Target | None = None,
    selection: Selection | None = None,
    fail_on: str | None = None,
    now: int | None = None,
    progress: Progress = silent,
) -> Validation:
    """What ``validate`` would say if all files of a checkout were committed now.

    What a commit has in common with them is taken from its index; what is parsed here is there when it gets committed.
    The report names no commit. Raises as ``snapshot_checkout`` and ``validate`` do.
    """
    place = _root(repository, root)
    time_of_judgement = int(time.time()) if now is None else now
    with snapshot_checkout(repository, place, scratch=home / "worktrees", now=time_of_judgement) as snapshot:
        target = Target(snapshot.repository, snapshot.commit, place or ".", ontology_dir)
        try:
            found = validate(
                builder,
                target,
                base=msgspec.structs.replace(base, repository=snapshot.repository) if base else None,
                selection=selection,
                fail_on=fail_on,
                committed_indexes=False,
                progress=progress,
            )
        finally:
            forget_commit(builder.store, snapshot.commit)
    return found._replace(report=msgspec.structs.replace(found.report, commit=""))


def forget_commit(store: Store, commit: str) -> None:
    """Removes manifests of a commit that exists nowhere; its shards stay for the commit that will hold the files."""
    for manifest in store.manifests_of(commit):
        path = store.manifest_path(commit, manifest.variant)
        for file in (path, store.root / "catalogs" / path.name):
            file.unlink(missing_ok=True)


def _root(repository: Repository, root: str | None) -> str:
    if root is not None:
        return "" if root.strip("/") == "." else root.strip("/")
    folder = repository.work_tree / DEFAULT_ROOT if repository.work_tree else None
    return DEFAULT_ROOT if folder and folder.is_dir() and not folder.is_symlink() else ""
