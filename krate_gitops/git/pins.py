"""Keeps commits that snapshots name: a pinned commit outlives force-pushes, garbage collection and deleted branches.

A mirror or an unpacked bundle of ours gets a ref ``refs/krate/pins/<commit>``. Somebody's own repository is read in
place and never written to; what is pinned of it is copied into one repository for each object format under the home
folder, history included, each object once.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from krate_gitops.errors import UnavailableError
from krate_gitops.git.command import run_git
from krate_gitops.git.local import Repository, init_git_dir, repository_at
from krate_gitops.git.locks import exclusive_lock
from krate_gitops.git.packs import copy_objects, held_commits
from krate_gitops.settings import Settings

PINS = "refs/krate/pins/"


def pin_commit(repository: Repository, commit: str, *, settings: Settings, apart: bool = False) -> None:
    """Keeps a commit from being lost; costs one look-up when it is pinned already.

    ``apart`` copies it even from a repository of ours, to where commits of several lie side by side. Raises
    ``UnavailableError(MEMORY_REPOSITORY_UNAVAILABLE)`` when the commit is not there or the home folder can't be
    written.
    """
    keeper = repository if not apart and _is_ours(repository, settings) else _keeper(repository.object_format, settings)
    if _has_pin(keeper.git_dir, commit):
        return
    if keeper is not repository:
        with exclusive_lock(_lock(keeper.git_dir), deadline=settings.deadline_seconds):
            _copy(repository.git_dir, keeper.git_dir, commit)
    run_git(keeper.git_dir, ["update-ref", PINS + commit, commit])


def pinned_repository(name: str, commit: str, *, settings: Settings) -> Repository | None:
    """A repository of ours that holds a pinned commit, under ``name``; ``None`` when none does.

    Copies come first. An unpacked bundle is found by what its file held then, and a mirror by its address then: both
    may be another one now.
    """
    for folder in ("pins", "bundles", "mirrors"):
        for git_dir in sorted((settings.home / folder).glob("[!.]*.git")):
            if _has_pin(git_dir, commit):
                return repository_at(git_dir, name=name)
    return None


def holds(repository: Repository, commit: str) -> bool:
    """Whether a repository has the commit."""
    if not repository.is_object_id(commit):
        return False
    return bool(held_commits(repository.git_dir, [commit]))


def _is_ours(repository: Repository, settings: Settings) -> bool:
    return settings.home.resolve() in repository.common_dir.resolve().parents


def _keeper(object_format: str, settings: Settings) -> Repository:
    git_dir = settings.home / "pins" / f"{object_format}.git"
    try:
        if not git_dir.is_dir():
            git_dir.parent.mkdir(parents=True, exist_ok=True)
            with exclusive_lock(_lock(git_dir), deadline=settings.deadline_seconds):
                if not git_dir.is_dir():
                    _make(git_dir, object_format)
    except OSError as error:
        raise UnavailableError(
            "MEMORY_REPOSITORY_UNAVAILABLE",
            f"pinned commits can't be kept: {error.strerror or error}",
            hint="check permissions and free space of the home folder",
            location=str(git_dir.parent),
        ) from None
    return repository_at(git_dir, name="pins")


def _make(git_dir: Path, object_format: str) -> None:
    new = git_dir.with_name(f".new-{git_dir.name}")
    shutil.rmtree(new, ignore_errors=True)
    init_git_dir(new, object_format=object_format)
    new.rename(git_dir)


def _copy(source: Path, keeper: Path, commit: str) -> None:
    """Brings a commit and all it stands on over, but for what earlier pins brought."""
    if copy_objects(source, keeper, [commit], known=held_commits(source, _pins(keeper))) is not None:
        raise UnavailableError(
            "MEMORY_REPOSITORY_UNAVAILABLE",
            f"commit {commit} could not be copied",
            hint="run `git fsck` in the repository, and check free space of the home folder",
            location=commit,
        )


def _pins(git_dir: Path) -> list[str]:
    return run_git(git_dir, ["for-each-ref", "--format=%(objectname)", PINS]).decode("ascii").split()


def _has_pin(git_dir: Path, commit: str) -> bool:
    found = run_git(git_dir, ["show-ref", "--verify", "--hash", PINS + commit], answers=(0, 1, 128))
    return found.strip() == commit.encode()


def _lock(git_dir: Path) -> Path:
    return git_dir.with_name(f"{git_dir.name}.lock")
