"""Copies a whole repository: every branch, tag and note, every commit by its id, and the default branch.

The copy is a bare repository on this machine or an address that may be pushed to. It must be empty or an older copy:
nothing that was written there is ever overwritten. A new copy on this machine is complete or absent; one that exists
moves all its refs in one transaction, after all objects are there. Doing it again finishes what was interrupted, and
changes nothing where nothing is to be done.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from krate_gitops.errors import KrateError, UnavailableError, UsageError
from krate_gitops.git.command import run_git
from krate_gitops.git.every_ref import Refs, read_every_ref
from krate_gitops.git.local import Repository, init_git_dir, repository_at
from krate_gitops.git.locks import exclusive_lock
from krate_gitops.git.lookup import find_default_branch
from krate_gitops.git.mirror_plan import Plan
from krate_gitops.git.mirror_push import mirror_to_remote
from krate_gitops.git.mirror_source import Mirrored, Source, check_equal, move_refs, result, unwritable
from krate_gitops.git.mirrors import remove_leftovers
from krate_gitops.git.packs import copy_objects, held_commits, is_complete
from krate_gitops.git.push import is_remote, refuse_bundle
from krate_gitops.git.remotes import parse_remote
from krate_gitops.progress import Progress, silent
from krate_gitops.settings import Settings

__all__ = ["Mirrored", "mirror"]


def mirror(
    repository: Repository, to: str, *, settings: Settings, prune: bool = False, progress: Progress = silent
) -> Mirrored:
    """Makes ``to``, a path or an address, equal to ``repository`` in all branches, tags and notes.

    ``prune`` deletes what an older copy has and the source no longer. Raises ``KrateError``: MIRROR_DIVERGED where
    something of ``to`` would get lost, MEMORY_REF_STALE where it moved meanwhile; ``UsageError(INVALID_REQUEST)`` for a
    place that can be no mirror; ``DeniedError(PUSH_REFUSED)``; ``UnavailableError(MEMORY_REPOSITORY_UNAVAILABLE)`` for
    a place that can't be reached or written, and for a source with missing objects.
    """
    source = Source(repository, read_every_ref(repository), find_default_branch(repository))
    if source.head not in source.refs:
        raise UnavailableError(
            "MEMORY_REF_NOT_FOUND", f"{repository.name} has no commits on {source.branch}: there is nothing to mirror"
        )
    try:
        if is_remote(to):
            remote = parse_remote(to, allow_file_protocol=settings.allow_file_protocol)
            return mirror_to_remote(source, remote, settings, prune, progress)
        return _to_path(source, to, settings, prune, progress)
    except OSError as error:
        raise unwritable(to, error.strerror or str(error)) from None


def _to_path(source: Source, to: str, settings: Settings, prune: bool, progress: Progress) -> Mirrored:
    refuse_bundle(to)
    place = Path(os.path.abspath(Path(to).expanduser()))
    _check_place(place, to)
    with _alone_at(place, settings):
        if (place / "HEAD").is_file():
            return _into(source, _existing(source, place, to), to, prune, progress)
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_name(f".new-{place.name}")
        try:
            done = _into(source, _prepared(source, new), to, prune, progress)
        except KrateError:
            shutil.rmtree(new, ignore_errors=True)
            raise
        os.rename(new, place)
        return done


def _prepared(source: Source, new: Path) -> Repository:
    """An empty repository, or what an interrupted copy has left of one. We hold the lock: nobody is at work in it."""
    object_format = source.repository.object_format
    if (new / "HEAD").is_file():
        remove_leftovers(new)
        with contextlib.suppress(KrateError):
            found = repository_at(new, name=new.name)
            if found.object_format == object_format:
                return found
    shutil.rmtree(new, ignore_errors=True)
    init_git_dir(new, default_branch=source.branch, object_format=object_format)
    return repository_at(new, name=new.name.removeprefix(".new-"))


def _check_place(place: Path, to: str) -> None:
    if (place / ".git").exists():
        why, hint = "it has a work tree, which a mirror would leave behind", "name a bare repository or a new folder"
    elif place.is_dir() and any(place.iterdir()) and not (place / "HEAD").is_file():
        why, hint = "there are other files in it", "name a new folder"
    elif place.exists() and not place.is_dir():
        why, hint = "it is no folder", "name a new folder"
    else:
        return
    raise UsageError("INVALID_REQUEST", f"{place.name} can't be a mirror: {why}", hint=hint, location=to)


@contextlib.contextmanager
def _alone_at(place: Path, settings: Settings) -> Iterator[None]:
    folder = settings.home / "mirroring"
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(os.fsencode(place)).hexdigest()[:16]
    with exclusive_lock(folder / f"{name}.lock", deadline=settings.deadline_seconds):
        yield


def _existing(source: Source, place: Path, to: str) -> Repository:
    target = repository_at(place, name=place.name)
    if target.common_dir.resolve() == source.repository.common_dir.resolve():
        raise UsageError("INVALID_REQUEST", "a repository can't be its own mirror", location=to)
    if target.object_format != source.repository.object_format:
        raise UsageError(
            "INVALID_REQUEST",
            f"{place.name} uses {target.object_format} ids and {source.repository.name} "
            f"{source.repository.object_format}: commits could not keep theirs",
            hint="name a new folder",
            location=to,
        )
    if run_git(place, ["config", "--bool", "core.bare"], answers=(0, 1)).strip() == b"false":
        raise UsageError("INVALID_REQUEST", f"{place.name} is not bare", hint="name a bare repository", location=to)
    return target


def _into(source: Source, target: Repository, to: str, prune: bool, progress: Progress) -> Mirrored:
    before = read_every_ref(target)
    plan = source.plan(before, target.name, prune=prune)
    if plan.wanted and not is_complete(target.git_dir, plan.wanted):
        _copy(source, target, plan, before, progress)
    progress("refs", 0, len(source.refs))
    move_refs(target.git_dir, plan)
    run_git(target.git_dir, ["symbolic-ref", "HEAD", source.head])
    check_equal(source, read_every_ref(target), to)
    progress("refs", len(source.refs), len(source.refs))
    return result(source, plan, to, source.branch)


def _copy(source: Source, target: Repository, plan: Plan, before: Refs, progress: Progress) -> None:
    known = held_commits(source.repository.git_dir, sorted(set(before.values())))
    said = copy_objects(
        source.repository.git_dir,
        target.git_dir,
        plan.wanted,
        known=known,
        listen=lambda copied: progress("megabytes", copied >> 20, 0),
    )
    if said is None and is_complete(target.git_dir, plan.wanted):
        return
    raise UnavailableError(
        "MEMORY_REPOSITORY_UNAVAILABLE",
        f"{source.repository.name} could not be copied: {said or 'objects are missing'}",
        hint="run `git fsck` in both repositories, and check free space; no ref was moved",
    )
