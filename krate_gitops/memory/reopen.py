"""Finds the commit of a snapshot again, years later: where it was, where it is now, or among the pins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from krate_gitops.errors import KrateError, UnavailableError
from krate_gitops.git.local import Repository
from krate_gitops.git.pins import holds, pinned_repository
from krate_gitops.git.remotes import is_url
from krate_gitops.git.repository import open_repository
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.recall import Kept
from krate_gitops.progress import Progress, silent
from krate_gitops.settings import Settings


def reopen(
    kept: Kept,
    *,
    settings: Settings,
    spec: str | None = None,
    root: str | None = None,
    ontology: Path | None = None,
    progress: Progress = silent,
) -> Brain:
    """A brain that holds the snapshot's commit; ``spec``, ``root`` and ``ontology`` go before what was recorded.

    A mirror is asked before its remote. Raises ``UnavailableError`` with what went wrong where the repository was
    expected, or MEMORY_REF_NOT_FOUND when it is there and the commit is gone.
    """
    location = spec or kept.origin.location
    repository = _repository(kept, location, settings)
    recorded = Path(kept.origin.ontology) if kept.origin.ontology else None
    return Brain(
        location,
        settings=settings,
        root=root or kept.origin.root,
        ontology_dir=ontology or recorded,
        progress=progress,
        repository=repository,
    )


def _repository(kept: Kept, location: str, settings: Settings) -> Repository:
    commit = kept.snapshot.spec.resolved_commit
    failure: KrateError | None = None
    try:
        for repository in _candidates(location, settings):
            if holds(repository, commit):
                return repository
    except UnavailableError as error:
        failure = error
    pinned = pinned_repository(kept.snapshot.spec.memory_repository, commit, settings=settings)
    if pinned is not None:
        return pinned
    raise failure or UnavailableError(
        "MEMORY_REF_NOT_FOUND",
        f"the pinned commit {commit} is in no repository at hand",
        hint="name a clone that has it with --repo",
        location=commit,
    )


def _candidates(location: str, settings: Settings) -> Iterator[Repository]:
    """The repository as it is, then, for an address, as it is over there now."""
    if not location:
        return
    yield open_repository(location, settings=settings, refresh=False)
    if is_url(location) and not Path(location).exists():
        yield open_repository(location, settings=settings, refresh=True)
