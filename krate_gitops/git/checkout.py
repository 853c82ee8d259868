"""The files of a checkout as a commit that exists nowhere else, without touching the repository.

Contents that differ from what is staged, the folders and the commit are written into a repository of their own, which
borrows everything else from the real one. So whatever reads commits can read files that nobody has committed yet.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from krate_gitops.errors import UnavailableError, UsageError
from krate_gitops.git.command import run_git
from krate_gitops.git.local import Repository, init_git_dir, repository_at
from krate_gitops.git.trees import EXECUTABLE_MODE, FILE_MODE, SUBMODULE_MODE, SYMLINK_MODE

_FOLDER_MODE = 0o040000
_CHUNK_BYTES = 1 << 20
_SKIPPED = b"S"
"""Tag of a tracked file that a sparse checkout leaves out: absent from disk and not deleted."""


class Snapshot(NamedTuple):
    """A borrowed repository and the commit in it; ``head`` is the real commit it stands on, if there is one."""

    repository: Repository
    commit: str
    head: str | None


@contextmanager
def snapshot_checkout(repository: Repository, root: str, *, scratch: Path, now: int) -> Iterator[Snapshot]:
    """Tracked files and files that are not ignored below folder ``root`` (empty: the top), as they are on disk.

    Links are taken as links and never followed. Everything is written below ``scratch`` and gone when the block ends.
    ``now`` is the time of the commit. Raises ``UsageError(INVALID_REQUEST)`` for a repository without a work tree,
    ``UnavailableError`` when files can't be read or written.
    """
    if repository.work_tree is None:
        raise UsageError(
            "INVALID_REQUEST",
            f"{repository.name} has no work tree",
            hint="give a checkout, or leave --worktree out",
            location=str(repository.git_dir),
        )
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            yield _take(repository, repository.work_tree, root, Path(folder) / "borrowed.git", now)
    except OSError as error:
        raise UnavailableError(
            "WORKTREE_UNREADABLE",
            f"the checkout cannot be read: {error.strerror or error}",
            hint="check rights and space",
            location=str(error.filename or repository.work_tree),
        ) from error


def _take(repository: Repository, work_tree: Path, root: str, git_dir: Path, now: int) -> Snapshot:
    init_git_dir(git_dir, object_format=repository.object_format)
    (git_dir / "objects" / "info").mkdir(exist_ok=True)
    (git_dir / "objects" / "info" / "alternates").write_bytes(_alternate(repository.common_dir / "objects"))
    borrowed = repository_at(git_dir, name=repository.name, work_tree=work_tree)
    prefix = os.fsencode(root) + b"/" if root else b""
    objects = _Objects(git_dir / "objects", repository.object_format)
    tree = _Tree(objects)
    listing = _Listing(repository, work_tree, prefix)
    for path, mode, oid in _on_disk(os.fsencode(work_tree), listing, objects):
        tree.add(path, mode, oid)
    head = _head(repository)
    return Snapshot(borrowed, objects.write(b"commit", _commit(tree.write(), head, now)), head)


def _head(repository: Repository) -> str | None:
    answer = run_git(repository.git_dir, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], answers=(0, 1))
    return answer.decode("ascii").strip() or None


def _commit(tree: str, parent: str | None, now: int) -> bytes:
    parents = f"parent {parent}\n" if parent else ""
    who = f"krate-gitops <> {now} +0000"
    return f"tree {tree}\n{parents}author {who}\ncommitter {who}\n\nuncommitted files\n".encode()


def _alternate(objects: Path) -> bytes:
    """A line of ``objects/info/alternates``, quoted as git quotes odd paths."""
    line = os.fsencode(objects.resolve())
    if line.startswith((b'"', b"#")) or b"\n" in line:
        line = b'"' + line.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'
    return line + b"\n"


class _Listing:
    """What git knows of the files below a prefix: the staged mode and object of tracked ones, and untracked names."""

    def __init__(self, repository: Repository, work_tree: Path, prefix: bytes) -> None:
        self._git_dir = repository.git_dir
        self._place = ["-C", str(work_tree), f"--work-tree={work_tree}", "ls-files", "-z"]
        self.tracked: dict[bytes, tuple[int, str]] = {}
        self.skipped: set[bytes] = set()
        for line in self._lines("--stage", "-t"):
            head, _, path = line.partition(b"\t")
            tag, mode, oid, _ = head.split(b" ")
            if path.startswith(prefix):
                self.tracked[path] = (int(mode, 8), oid.decode("ascii"))
                if tag == _SKIPPED:
                    self.skipped.add(path)
        untracked = (path for path in self._lines("--others", "--exclude-standard") if not path.endswith(b"/"))
        self.paths = self.tracked.keys() | {path for path in untracked if path.startswith(prefix)}
        self.folders = {b""}
        for path in self.paths:
            while path := path.rpartition(b"/")[0]:
                if path in self.folders:
                    break
                self.folders.add(path)

    def _lines(self, *options: str) -> list[bytes]:
        return run_git(self._git_dir, [*self._place, *options]).split(b"\0")[:-1]


def _on_disk(work_tree: bytes, listing: _Listing, objects: _Objects) -> Iterator[tuple[bytes, int, str]]:
    """Path, mode and object of each listed file; folders are opened one inside the other, links never followed."""
    for path, (mode, oid) in listing.tracked.items():
        if mode == SUBMODULE_MODE:
            yield path, mode, oid
    seen: set[bytes] = set()
    for folder, folders, files, descriptor in os.fwalk(work_tree):
        base = folder[len(work_tree) :].lstrip(b"/")
        base = base + b"/" if base else b""
        folders[:] = [name for name in folders if base + name in listing.folders]
        # A link to a folder is listed among the folders.
        links = [name for name in listing_names(listing, base) if name not in files]
        for name in (*files, *links):
            path = base + name
            if path in listing.paths and path not in seen:
                taken = _take_file(name, descriptor, listing.tracked.get(path), objects)
                if taken:
                    seen.add(path)
                    yield path, *taken
    for path in listing.skipped - seen:
        yield path, *listing.tracked[path]
