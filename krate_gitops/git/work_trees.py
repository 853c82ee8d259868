"""Moves a branch together with the work tree it is checked out in, where nothing of somebody's work is in the way.

The order is: lock the branch on the commit that was seen, bring index and files to the new commit, move the branch.
Whoever is stopped before the last step leaves the new files staged on the old commit, which the same call again takes
for what it is. Files that somebody changed to exactly what the new commit holds count as unchanged.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from krate_gitops.errors import DeniedError
from krate_gitops.git.command import GitFailedError, complaint_text, run_git, start_git
from krate_gitops.git.local import Repository, find_repository

_LOCK_WAIT_MS = 10_000
_IN_PROGRESS = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD")
_SHOWN = 5
_SAID_BYTES = 64_000


class RefMovedError(Exception):
    """The branch doesn't stand where it was seen, or somebody holds its lock. ``said`` are git's words."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


def checked_out_at(repository: Repository) -> dict[str, Path]:
    """Full names of branches with a work tree of their own, and where that is; a bare repository's HEAD has none."""
    listed = run_git(repository.common_dir, ["worktree", "list", "--porcelain", "-z"]).decode(
        "utf-8", "surrogateescape"
    )
    found: dict[str, Path] = {}
    for block in listed.split("\0\0"):
        lines = block.strip("\0").split("\0")
        places = [line.removeprefix("worktree ") for line in lines if line.startswith("worktree ")]
        if "bare" not in lines and places:
            found |= {line.removeprefix("branch "): Path(places[0]) for line in lines if line.startswith("branch ")}
    return found


def move_with_work_tree(place: Path, ref: str, new: str, expected: str) -> None:
    """Moves ``ref``, checked out at ``place``, from commit ``expected`` to ``new``, and its files with it.

    Raises ``RefMovedError``; ``DeniedError(PUSH_REFUSED)`` with nothing moved where work that isn't committed is in the
    way.
    """
    tree = _WorkTree(place, find_repository(place).git_dir)
    with _locked(tree.git_dir, ref, new, expected):
        tree.refuse_in_progress(ref)
        same = tree.changed_alike(ref, new, expected)
        try:
            # Files that are as committed, but were copied or touched since, are no work of anybody's.
            tree.git(["update-index", "-q", "--refresh", "--ignore-submodules"], bad=1)
            if same:
                tree.git(["update-index", "-q", "--add", "--remove", "-z", "--stdin"], stdin=_listed(same))
            tree.git(["read-tree", "-m", "-u", expected, new])
        except GitFailedError as error:
            raise _in_the_way(ref, place, error.detail) from None


class _WorkTree(NamedTuple):
    place: Path
    git_dir: Path

    def git(self, arguments: Sequence[str], *, stdin: bytes = b"", index: Path | None = None, bad: int = 0) -> bytes:
        """Output of git in the work tree; ``bad`` is an exit status that is no failure."""
        where = ["-C", str(self.place), f"--work-tree={self.place}"]
        environment = {} if index is None else {"GIT_INDEX_FILE": str(index)}
        return run_git(self.git_dir, [*where, *arguments], stdin=stdin, environment=environment, answers=(0, bad))

    def refuse_in_progress(self, ref: str) -> None:
        """Raises ``DeniedError(PUSH_REFUSED)`` while a merge or the like waits to be finished there."""
        begun = [name for name in _IN_PROGRESS if (self.git_dir / name).exists()]
        if begun:
            raise _in_the_way(ref, self.place, f"{begun[0]} says that something is still to be finished there")

    def changed_alike(self, ref: str, new: str, expected: str) -> list[bytes]:
        """Paths whose files aren't those of ``expected`` but already those of ``new``.

        Raises ``DeniedError(PUSH_REFUSED)`` where there are others. Nothing is written: the index is a copy.
        """
        with tempfile.TemporaryDirectory() as folder:
            index = Path(folder) / "index"
            if (self.git_dir / "index").exists():
                shutil.copyfile(self.git_dir / "index", index)
            self.git(["update-index", "-q", "--refresh", "--ignore-submodules"], index=index, bad=1)
            changed = {*self._different(index, expected), *self._different(index, expected, "--cached")}
            coming = ["diff-tree", "-r", "-z", "--name-only", "--diff-filter=A", expected, new]
            for path in _split(self.git(coming)):
                full = os.path.join(os.fsencode(self.place), path)
                if os.path.isdir(full) and not os.path.islink(full):
                    raise _in_the_way(ref, self.place, _shown([path]))
                if os.path.lexists(full):
                    changed.add(path)
            if not changed:
                return []
            self.git(["update-index", "-q", "--add", "--remove", "-z", "--stdin"], stdin=_listed(changed), index=index)
            others = changed & set(self._different(index, new, "--cached"))
        if others:
            raise _in_the_way(ref, self.place, _shown(others))
        return sorted(changed)

    def _different(self, index: Path, commit: str, *options: str) -> list[bytes]:
        arguments = ["diff-index", "-z", "--name-only", "--ignore-submodules", *options, commit, "--"]
        return _split(self.git(arguments, index=index))


@contextmanager
def _locked(git_dir: Path, ref: str, new: str, expected: str) -> Iterator[None]:
    """Within it the branch is locked on ``expected``; it moves when the block ends well, and stays when it doesn't.

    Git holds the lock: it gives it up when this process is gone.
    """
    options = ["-c", f"core.filesRefLockTimeout={_LOCK_WAIT_MS}"]
    with start_git(git_dir, [*options, "update-ref", "--stdin"]) as (stdin, stdout, complaints):
        _said(stdin, stdout, complaints, b"start\n", b"start: ok")
        _said(stdin, stdout, complaints, b"update %s %s %s\nprepare\n" % _words(ref, new, expected), b"prepare: ok")
        try:
            yield
        except BaseException:
            _said(stdin, stdout, complaints, b"abort\n", b"abort: ok")
            raise
        _said(stdin, stdout, complaints, b"commit\n", b"commit: ok")


def _said(stdin: IO[bytes], stdout: IO[bytes], complaints: IO[bytes], order: bytes, answer: bytes) -> None:
    try:
        stdin.write(order)
        stdin.flush()
        said = stdout.readline()
    except BrokenPipeError:
        said = b""
    if said.strip() != answer:
        complaints.seek(0)
        raise RefMovedError(complaint_text(complaints.read(_SAID_BYTES)))


def _words(ref: str, *ids: str) -> tuple[bytes, ...]:
    return (os.fsencode(ref), *(one.encode("ascii") for one in ids))


def _split(output: bytes) -> list[bytes]:
    return output.split(b"\0")[:-1]


def _listed(paths: Iterable[bytes]) -> bytes:
    return b"".join(path + b"\0" for path in sorted(paths))


def _shown(paths: Iterable[bytes]) -> str:
    names = sorted(path.decode("utf-8", "replace") for path in paths)
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + rest


def _in_the_way(ref: str, place: Path, what: str) -> DeniedError:
    return DeniedError(
        "PUSH_REFUSED",
        f"{ref} is checked out at {place}, and work there isn't committed: {what}",
        hint="commit, stash or remove it there (`git status` tells more), and do the same again",
        location=ref,
    )
