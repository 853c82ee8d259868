"""The files of a checkout as a commit that exists nowhere else, without touching the repository.

Contents that differ from what is staged, the folders and the commit are written into a repository of their own, which
borrows everything else from the real one. So whatever reads commits can read files that nobody has committed yet.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from krate_gitops.errors import UnavailableError, UsageError
from krate_gitops.git.command import run_git
from krate_gitops.git.local import Repository, init_git_dir, repository_at
from krate_gitops.git.trees import EXECUTABLE_MODE, FILE_MODE, SUBMODULE_MODE, SYMLINK_MODE

_FOLDER_MODE = 0o040000
_CHUNK_BYTES = 1 << 20
_SKIPPED = b"S"
"""Tag of a tracked file that a sparse checkout leaves out: absent from disk and not deleted."""


class Snapshot(NamedTuple):
    """A borrowed repository and the commit in it, whose parent is the real repository's HEAD."""

    repository: Repository
    commit: str


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


def borrow(repository: Repository, git_dir: Path) -> Repository:
    """A new bare repository that has the objects of another one and no ref; what is written to it stays in it."""
    init_git_dir(git_dir, object_format=repository.object_format)
    (git_dir / "objects" / "info").mkdir(exist_ok=True)
    (git_dir / "objects" / "info" / "alternates").write_bytes(_alternate(repository.common_dir / "objects"))
    return repository_at(git_dir, name=repository.name)


def fill_work_tree(repository: Repository) -> None:
    """Writes the files of HEAD into the work tree, whatever lies there; nothing for a bare repository."""
    if repository.work_tree is not None:
        place = ["-C", str(repository.work_tree), f"--work-tree={repository.work_tree}"]
        run_git(repository.git_dir, [*place, "reset", "--quiet", "--hard"])


def _take(repository: Repository, work_tree: Path, root: str, git_dir: Path, now: int) -> Snapshot:
    borrowed = msgspec.structs.replace(borrow(repository, git_dir), work_tree=work_tree)
    prefix = os.fsencode(root) + b"/" if root else b""
    objects = _Objects(git_dir / "objects", repository.object_format)
    tree = _Tree(objects)
    listing = _Listing(repository, work_tree, prefix)
    for path, mode, oid in _on_disk(os.fsencode(work_tree), listing, objects):
        tree.add(path, mode, oid)
    # Whoever looks for an older index walks back from here, and would stumble where a shallow clone ends.
    parent = None if repository.is_shallow else _head(repository)
    return Snapshot(borrowed, objects.write(b"commit", _commit(tree.write(), parent, now)))


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
    """Path, mode and object of each listed file that is there; no link is followed, neither to a file nor a folder."""
    real = {b""}
    for folder in sorted(listing.folders):
        above = folder.rpartition(b"/")[0]
        if above in real and _is_folder(os.path.join(work_tree, folder)):
            real.add(folder)
    for path in listing.paths:
        tracked = listing.tracked.get(path)
        if tracked and tracked[0] == SUBMODULE_MODE:
            yield path, *tracked
            continue
        found = None
        if path.rpartition(b"/")[0] in real:
            found = _read_file(os.path.join(work_tree, path), tracked, objects)
        if found is None and path in listing.skipped:
            found = tracked
        if found is not None:
            yield path, *found


def _is_folder(path: bytes) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _read_file(path: bytes, tracked: tuple[int, str] | None, objects: _Objects) -> tuple[int, str] | None:
    """Mode and object of a file or link; None for what is gone or is neither."""
    known = tracked[1] if tracked else ""
    try:
        if stat.S_ISLNK(os.lstat(path).st_mode):
            return SYMLINK_MODE, objects.write(b"blob", os.readlink(path))
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    with open(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        mode = EXECUTABLE_MODE if status.st_mode & 0o100 else FILE_MODE
        if status.st_size > _CHUNK_BYTES:
            return mode, objects.stream(file, status.st_size, known)
        return mode, objects.write(b"blob", file.read(), known)


class _Objects:
    """Loose objects of the borrowed repository."""

    def __init__(self, folder: Path, object_format: str) -> None:
        self._folder = folder
        self._format = object_format

    def write(self, kind: bytes, data: bytes, known: str = "") -> str:
        """Id of an object, which is written unless it is ``known`` to exist."""
        whole = b"%s %d\0%s" % (kind, len(data), data)
        oid = hashlib.new(self._format, whole, usedforsecurity=False).hexdigest()
        if oid != known:
            self._place(oid).write_bytes(zlib.compress(whole, 1))
        return oid

    def stream(self, file: IO[bytes], size: int, known: str) -> str:
        """The same for a large file, of which a piece at a time is in memory."""
        digest, packer = hashlib.new(self._format, usedforsecurity=False), zlib.compressobj(1)
        temporary = self._folder / "large"
        left = size
        piece = b"blob %d\0" % size
        with temporary.open("wb") as out:
            while piece:
                digest.update(piece)
                out.write(packer.compress(piece))
                piece = file.read(min(left, _CHUNK_BYTES))
                left -= len(piece)
            out.write(packer.flush())
        if left:
            raise OSError(errno.EIO, "a file shrank while it was read", file.name)
        oid = digest.hexdigest()
        if oid == known:
            temporary.unlink()
        else:
            temporary.replace(self._place(oid))
        return oid

    def _place(self, oid: str) -> Path:
        folder = self._folder / oid[:2]
        folder.mkdir(exist_ok=True)
        return folder / oid[2:]


class _Folder(dict[bytes, "tuple[int, str] | _Folder"]):
    """Files and folders by name."""


class _Tree:
    """The files of a snapshot by folder."""

    def __init__(self, objects: _Objects) -> None:
        self._objects = objects
        self._top = _Folder()

    def add(self, path: bytes, mode: int, oid: str) -> None:
        *folders, name = path.split(b"/")
        here = self._top
        for folder in folders:
            below = here.setdefault(folder, _Folder())
            if not isinstance(below, _Folder):
                return  # a submodule whose files are staged too: git would refuse it
            here = below
        here.setdefault(name, (mode, oid))

    def write(self) -> str:
        """Id of the tree; folders are written from the innermost outwards, however deep they lie."""
        order = [self._top]
        for folder in order:
            order.extend(item for item in folder.values() if isinstance(item, _Folder))
        written: dict[int, str] = {}
        for folder in reversed(order):
            entries = []
            for name, item in folder.items():
                mode, oid = (_FOLDER_MODE, written[id(item)]) if isinstance(item, _Folder) else item
                entries.append((name + b"/" if mode == _FOLDER_MODE else name, mode, name, oid))
            data = b"".join(b"%o %s\0%s" % (mode, name, bytes.fromhex(oid)) for _, mode, name, oid in sorted(entries))
            written[id(folder)] = self._objects.write(b"tree", data)
        return written[id(self._top)]
