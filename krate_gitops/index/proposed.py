"""A change that somebody proposes and nobody has written anywhere yet: committed on trial, and validated.

The trial commit is made in a repository that borrows the objects of the real one. Both are gone afterwards, and so is
what the index store kept under the commit's name; shards stay for the commit that will hold the files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from krate_gitops.errors import UnavailableError
from krate_gitops.git.checkout import borrow
from krate_gitops.git.local import Repository
from krate_gitops.index.build import Builder
from krate_gitops.index.source import Target
from krate_gitops.index.validate import Validation, validate
from krate_gitops.index.worktree import forget_commit
from krate_gitops.progress import Progress, silent

Changes = Mapping[str, bytes | None]
"""Paths below the memory root with their new contents, ``None`` to delete."""


class Proposed(NamedTuple):
    """A repository that borrows the objects of the real one, and the trial commit in it."""

    repository: Repository
    commit: str


class Trial(NamedTuple):
    """The base and the trial commit, both read from the borrowed repository."""

    base: Target
    head: Target


@contextmanager
def proposed_commit(
    repository: Repository,
    base_commit: str,
    changes: Changes,
    *,
    root: str,
    home: Path,
    now: datetime | None = None,
) -> Iterator[Proposed]:
    """The changes committed on top of ``base_commit``, its only parent, until the block ends.

    ``root`` is the memory root, empty for the top; ``home`` has the folder for what is short-lived; ``now`` is the time
    of the commit, so equal arguments make an equal commit. Whoever opens its index forgets it too (see ``trial``), and
    closes it before the block ends. Raises ``UsageError(INVALID_REQUEST)`` for a path that may not be written or can't
    be deleted, ``UnavailableError`` for an unknown base or where nothing can be written.
    """
    scratch = home / "worktrees"
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=scratch, prefix="proposed-", ignore_cleanup_errors=True)
    except OSError as error:
        raise _unwritable(scratch, error) from error
    with folder as place:
        yield _commit(repository, base_commit, changes, root, Path(place) / "borrowed.git", now)


def _commit(
    repository: Repository, base_commit: str, changes: Changes, root: str, git_dir: Path, now: datetime | None
) -> Proposed:
    from krate_gitops.git.commits import write_commit  # loads dulwich, which nothing that only reads needs

    prefix = f"{root}/" if root else ""
    try:
        borrowed = borrow(repository, git_dir)
        commit = write_commit(
            borrowed.git_dir,
            {prefix + path: content for path, content in changes.items()},
            parents=[base_commit],
            message="proposed change",
            author="krate-gitops <>",
            time=now or datetime.now(UTC),
            branch="proposed",
        )
    except OSError as error:
        raise _unwritable(git_dir, error) from error
    return Proposed(borrowed, commit)


def _unwritable(place: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        "INDEX_STORE_UNAVAILABLE",
        f"a trial commit cannot be written: {error.strerror or error}",
        hint="check space and rights, or choose another --home",
        location=str(place),
    )


@contextmanager
def trial(
    builder: Builder,
    base: Target,
    changes: Changes,
    *,
    root: str,
    home: Path,
    now: datetime | None = None,
) -> Iterator[Trial]:
    """The same as targets whose indexes may be built; that of the trial commit is forgotten when the block ends.

    Raises as ``proposed_commit`` does.
    """
    with proposed_commit(base.repository, base.commit, changes, root=root, home=home, now=now) as proposed:
        before = msgspec.structs.replace(base, repository=proposed.repository)
        try:
            yield Trial(before, msgspec.structs.replace(before, commit=proposed.commit))
        finally:
            forget_commit(builder.store, proposed.commit)


def validate_proposed(
    builder: Builder,
    base: Target,
    changes: Changes,
    *,
    root: str,
    home: Path,
    now: datetime | None = None,
    progress: Progress = silent,
) -> Validation:
    """What ``validate`` would say (profile U) if the changes were committed on top of ``base``.

    The report names no commit. Raises as ``trial`` and ``validate`` do.
    """
    with trial(builder, base, changes, root=root, home=home, now=now) as tried:
        found = validate(builder, tried.head, base=tried.base, committed_indexes=False, progress=progress)
    return found._replace(report=msgspec.structs.replace(found.report, commit=""))
