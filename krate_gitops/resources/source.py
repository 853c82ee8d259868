"""Opening what a command names as a config repository: a commit, the files of a checkout, or a folder outside Git."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from krate_gitops.errors import UnavailableError, UsageError
from krate_gitops.git.checkout import snapshot_checkout
from krate_gitops.git.local import Repository, find_repository
from krate_gitops.git.refs import resolve
from krate_gitops.git.repository import open_repository
from krate_gitops.git.request import RefRequest
from krate_gitops.resources.load import Loaded, load_commit, load_folder
from krate_gitops.settings import Settings


class Opened(NamedTuple):
    """What was loaded. ``commit`` is empty for files that are no commit, ``base`` for the top of the repository."""

    loaded: Loaded
    name: str
    commit: str
    base: str


def open_source(spec: str, *, request: RefRequest | None, path: str, settings: Settings, now: datetime) -> Opened:
    """The manifests that ``spec`` names, below folder ``path`` of it.

    ``spec`` is a path or URL. A folder inside a checkout means that folder, not the whole of it. Without a ``request``
    the files are read as they are on disk: those that git doesn't ignore. Raises
    ``UsageError(INVALID_REQUEST)`` for a ``path`` that leads elsewhere, and what ``open_repository``, ``resolve``,
    ``snapshot_checkout`` and ``load_commit`` raise.
    """
    names = _names(path)
    folder = Path(spec).expanduser()
    if folder.is_dir() and not _is_in_git(folder):
        return Opened(load_folder(folder.joinpath(*names)), folder.resolve().name, "", "")
    repository = open_repository(spec, settings=settings)
    base = "/".join([*_start(repository, folder), *names])
    if request is not None:
        commit = resolve(repository, request, now=now, settings=settings).resolved_commit
        return Opened(load_commit(repository, commit, base), repository.name, commit, base)
    scratch, seconds = settings.home / "worktrees", int(now.timestamp())
    with snapshot_checkout(repository, base, scratch=scratch, now=seconds) as snapshot:
        return Opened(load_commit(snapshot.repository, snapshot.commit, base), repository.name, "", base)


def _is_in_git(folder: Path) -> bool:
    try:
        find_repository(folder)
    except UnavailableError:
        return False
    return True


def _start(repository: Repository, folder: Path) -> list[str]:
    """Names that lead from the top of the repository to the folder that was named."""
    if repository.work_tree is None or not folder.is_dir():
        return []
    here, top = folder.resolve(), repository.work_tree.resolve()
    return list(here.relative_to(top).parts) if here.is_relative_to(top) else []


def _names(path: str) -> list[str]:
    names = [name for name in path.split("/") if name not in ("", ".")]
    if path.startswith("/") or ".." in names:
        raise UsageError(
            "INVALID_REQUEST",
            "the folder of a source is a relative path without ..",
            hint="give it from the top of the repository",
            location=path,
        )
    return names
