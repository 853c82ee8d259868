"""Bundle files: a repository in one file, unpacked once under the home folder and never written to."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import msgspec

from krate_gitops.errors import UnavailableError
from krate_gitops.git.command import GitFailedError, run_git, run_git_with_remote
from krate_gitops.git.local import ID_LENGTHS, Repository, init_git_dir, repository_at
from krate_gitops.git.mirrors import REFSPECS
from krate_gitops.settings import Settings

_SIGNATURES = (b"# v2 git bundle\n", b"# v3 git bundle\n")
_LONGEST_LINE = 4_096
_MOST_LINES = 1_000_000


class _Header(msgspec.Struct):
    """What a bundle says before its pack."""

    object_format: str = "sha1"
    is_partial: bool = False
    needs: int = 0
    head: str | None = None
    branches: dict[str, str] = {}
    has_notes: bool = False


def is_bundle(path: Path) -> bool:
    """Whether a file starts as bundles do."""
    with path.open("rb") as file:
        return file.read(len(_SIGNATURES[0])) in _SIGNATURES


def open_bundle(path: Path, *, settings: Settings) -> Repository:
    """The content of a bundle as a repository, found again by the bundle's digest.

    Raises ``UnavailableError(MEMORY_REPOSITORY_UNAVAILABLE)`` for a damaged bundle and for one that only continues
    another repository.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    folder = settings.home / "bundles"
    git_dir = folder / f"{digest[:40]}.git"
    if not git_dir.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _unpack(path, git_dir, settings.deadline_seconds)
    elif _read_header(path).has_notes and not run_git(git_dir, ["for-each-ref", "--count=1", "refs/notes/"]):
        # Older releases unpacked branches and tags alone.
        _fill(path, git_dir, settings.deadline_seconds)
    return repository_at(git_dir, name=path.name.removesuffix(".bundle"))


def _unpack(path: Path, git_dir: Path, deadline: float) -> None:
    """Makes ``git_dir`` in one step; of several processes that try, one wins and the others take its result."""
    header = _read_header(path)
    if header.needs or header.is_partial:
        what = "needs commits it doesn't contain" if header.needs else "leaves objects out"
        raise _unusable(path, f"it {what}", "make a complete one: git bundle create FILE --all")
    with tempfile.TemporaryDirectory(prefix=".new-", dir=git_dir.parent) as temporary:
        new = Path(temporary) / "repository.git"
        init_git_dir(new, object_format=header.object_format)
        _fill(path, new, deadline)
        branch = _default_branch(header)
        if branch:
            run_git(new, ["symbolic-ref", "HEAD", branch])
        try:
            os.rename(new, git_dir)
        except OSError:
            if not git_dir.is_dir():
                raise


def _fill(path: Path, git_dir: Path, deadline: float) -> None:
    try:
        arguments = ["fetch", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--quiet", "--"]
        run_git_with_remote(git_dir, [*arguments, str(path), *REFSPECS], protocols=["file"], deadline=deadline)
    except GitFailedError as error:
        raise _unusable(path, error.detail, "check it with `git bundle verify`, or copy it again") from None


def _default_branch(header: _Header) -> str | None:
    """The branch HEAD stood on. Bundles name only HEAD's commit, so that of several branches ``main`` comes first."""
    same = sorted(name for name, oid in header.branches.items() if header.head in (None, oid))
    preferred = [name for name in ("refs/heads/main", "refs/heads/master") if name in same]
    if header.head is None and len(same) > 1:
        return preferred[0] if preferred else None
    return next(iter(preferred + same), None)


def _read_header(path: Path) -> _Header:
    header = _Header(branches={})
    with path.open("rb") as file:
        file.readline(_LONGEST_LINE)
        for _ in range(_MOST_LINES):
            line = file.readline(_LONGEST_LINE).decode("utf-8", "surrogateescape").rstrip("\n")
            if not line:
                break
            if line.startswith("@"):
                name, _, value = line[1:].partition("=")
                header.object_format = (
                    value if name == "object-format" and value in ID_LENGTHS else header.object_format
                )
                header.is_partial |= name == "filter"
            elif line.startswith("-"):
                header.needs += 1
            else:
                oid, _, name = line.partition(" ")
                header.head = oid if name == "HEAD" else header.head
                header.has_notes |= name.startswith("refs/notes/")
                if name.startswith("refs/heads/"):
                    header.branches[name] = oid
    return header


def _unusable(path: Path, why: str, hint: str) -> UnavailableError:
    return UnavailableError(
        "MEMORY_REPOSITORY_UNAVAILABLE", f"{path.name} can't be read: {why}", hint=hint, location=str(path)
    )
