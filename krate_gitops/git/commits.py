"""Writes commits without a work tree: blobs, trees and the commit go straight into the object database.

No checkout, no index, no hooks, no filters. The branch moves by compare-and-swap, so that of two writers one is told.
Importing this module loads dulwich; nothing on the way of a read does.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from dulwich.file import FileLocked
from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tree
from dulwich.repo import Repo

from krate_gitops.errors import KrateError, UnavailableError, UsageError
from krate_gitops.git.command import GitFailedError, run_git
from krate_gitops.git.local import Repository, init_git_dir, repository_at
from krate_gitops.git.names import escape_name, find_fault
from krate_gitops.git.request import check_ref_name
from krate_gitops.git.trees import EXECUTABLE_MODE, FILE_MODE

_FOLDER_MODE = 0o040000
Changes = Mapping[str, bytes | None]
_Kind = TypeVar("_Kind", bound=ShaFile)


def init_repository(
    path: Path, *, bare: bool = False, default_branch: str = "main", object_format: str = "sha1"
) -> Repository:
    """A new empty repository, without hooks. Raises ``UsageError(INVALID_REQUEST)`` where one exists already."""
    check_ref_name(default_branch)
    git_dir = path if bare else path / ".git"
    if (git_dir / "HEAD").exists():
        raise UsageError("INVALID_REQUEST", f"{path} is a Git repository already", hint="choose another folder")
    git_dir.parent.mkdir(parents=True, exist_ok=True)
    init_git_dir(git_dir, is_bare=bare, default_branch=default_branch, object_format=object_format)
    return repository_at(git_dir, name=path.name.removesuffix(".git"), work_tree=None if bare else path)


def write_commit(
    git_dir: Path,
    files: Changes,
    *,
    parents: Sequence[str],
    message: str,
    author: str,
    time: datetime,
    branch: str,
) -> str:
    """Commits ``files`` on top of the first parent's content and moves ``branch`` there; the new commit's id.

    ``files`` maps paths to contents, ``None`` to delete; without parents it is the whole content. ``author``, who is
    the committer too, is ``Name <address>``; ``time`` keeps its offset. A new branch is created; one that exists must
    stand on the first parent. Raises ``UsageError(INVALID_REQUEST)`` for a path that may not be written or can't be
    deleted, ``KrateError(MEMORY_REF_STALE)`` when the branch has moved, ``UnavailableError`` for an unknown parent.
    """
    check_ref_name(branch)
    base = parents[0] if parents else None
    oid = build_commit(
        git_dir, files, base=base, parents=parents, message=message, author=author, committer=author, time=time
    )
    _move_branch(git_dir, f"refs/heads/{branch}", oid, base)
    return oid


def build_commit(
    git_dir: Path,
    files: Changes,
    *,
    base: str | None,
    parents: Sequence[str],
    message: str,
    author: str,
    committer: str,
    time: datetime,
    only_files: bool = False,
) -> str:
    """Writes the objects of a commit and moves nothing; its id.

    Its content is that of commit ``base`` with ``files`` changed, its parents may be others. With ``only_files`` a
    path must be a file or free: nothing else, such as a link or a folder, is replaced. Raises as ``write_commit``.
    """
    with Repo(str(git_dir)) as repo:
        tree = _read(repo, ObjectID(base.encode()), Commit).tree if base else None
        commit = Commit()
        commit.tree = _Writer(repo, only_files).folder(tree, _by_folder(files), "") or _store(repo, Tree())
        commit.parents = [ObjectID(parent.encode()) for parent in parents]
        commit.author, commit.committer = author.encode(), committer.encode()
        commit.author_time = commit.commit_time = int(time.timestamp())
        offset = time.utcoffset()
        commit.author_timezone = commit.commit_timezone = int(offset.total_seconds()) if offset else 0
        commit.message = message.encode() if message.endswith("\n") else message.encode() + b"\n"
        return _store(repo, commit).decode()


class _Folder(dict[str, "bytes | _Folder | None"]):
    """Changes below one folder: contents, folders, and deletions, by name."""


def _by_folder(files: Changes) -> _Folder:
    top = _Folder()
    # Contents first: then a deleted name is free to become a folder, whichever was named earlier.
    for path, content in sorted(files.items(), key=lambda item: item[1] is None):
        *folders, name = path.split("/")
        for fault in map(find_fault, path.encode("utf-8", "surrogatepass").split(b"/")):
            if fault:
                raise _refused(path, fault)
        here = top
        for folder in folders:
            below = here.setdefault(folder, _Folder())
            if not isinstance(below, _Folder):
                raise _refused(path, f"{escape_name(folder)} is written as a file too")
            here = below
        if content is not None and name in here:
            raise _refused(path, "it is written as a folder too")
        here.setdefault(name, content)
    return top


class _Writer:
    """Writes changed trees of one repository."""

    def __init__(self, repo: Repo, only_files: bool) -> None:
        self._repo = repo
        self._only_files = only_files

    def folder(self, base: ObjectID | None, changes: _Folder, place: str) -> ObjectID | None:
        """The changed tree's id; ``None`` when nothing is left in it."""
        tree = _read(self._repo, base, Tree) if base else Tree()
        old = {entry.path: (entry.mode, entry.sha) for entry in tree.items()}
        for text, change in changes.items():
            name = text.encode()
            mode, oid = old.get(name, (0, None))
            self._check(mode, change, place + text)
            if isinstance(change, _Folder):
                below = self.folder(oid if mode == _FOLDER_MODE else None, change, f"{place}{text}/")
                mode = _FOLDER_MODE
            elif change is None:
                if name not in old:
                    raise _refused(place + text, "it can't be deleted, for it doesn't exist")
                below = None
            else:
                mode = EXECUTABLE_MODE if mode == EXECUTABLE_MODE else FILE_MODE
                below = _store(self._repo, Blob.from_string(change))
            if below:
                tree.add(name, mode, below)
            elif name in old:
                del tree[name]
        return _store(self._repo, tree) if len(tree) else None

    def _check(self, mode: int | None, change: bytes | _Folder | None, path: str) -> None:
        if not self._only_files or not mode:
            return
        if isinstance(change, _Folder) and mode != _FOLDER_MODE:
            raise _refused(path, "it is no folder")
        if not isinstance(change, _Folder) and mode not in (FILE_MODE, EXECUTABLE_MODE):
            raise _refused(path, "it is no plain file")


def _move_branch(git_dir: Path, ref: str, oid: str, parent: str | None) -> None:
    """Compare-and-swap by git itself: it waits for other writers' locks, and knows every way refs are stored."""
    nothing = "0" * len(oid)
    expected = nothing if _tip(git_dir, ref) is None else parent or nothing
    try:
        run_git(git_dir, ["update-ref", ref, oid, expected])
    except GitFailedError:
        if (_tip(git_dir, ref) or nothing) == expected:
            raise
        raise KrateError(
            "MEMORY_REF_STALE",
            f"{ref} has moved since {'it was found absent' if expected == nothing else expected[:12]}",
            hint="read the branch again and repeat the change on its new tip",
            location=ref,
        ) from None


def _tip(git_dir: Path, ref: str) -> str | None:
    return run_git(git_dir, ["show-ref", "--verify", "--hash", ref], answers=(0, 128)).decode("ascii").strip() or None


def _read(repo: Repo, oid: ObjectID, kind: type[_Kind]) -> _Kind:
    try:
        found = repo.object_store[oid]
    except KeyError:
        found = None
    if not isinstance(found, kind):
        raise UnavailableError("MEMORY_REPOSITORY_UNAVAILABLE", f"there is no {kind.__name__.lower()} {oid.decode()}")
    return found


def _store(repo: Repo, item: ShaFile) -> ObjectID:
    oid = ObjectID(item.get_id(repo.object_format))
    try:
        repo.object_store.add_object(item)
    except FileLocked:
        # Left by a writer that was killed, or held by one that writes the same bytes this moment. A file under a name
        # of its own is in nobody's way, and whichever is renamed last holds the same.
        folder = Path(os.fsdecode(repo.object_store.path)) / oid[:2].decode()
        handle, name = tempfile.mkstemp(dir=folder, prefix="tmp_obj_")
        with os.fdopen(handle, "wb") as file:
            file.write(item.as_legacy_object())
            os.fchmod(handle, 0o444)
        os.replace(name, folder / oid[2:].decode())
    return oid


def _refused(path: str, why: str) -> UsageError:
    return UsageError("INVALID_REQUEST", f"{escape_name(path)} can't be written: {why}", location=escape_name(path))
