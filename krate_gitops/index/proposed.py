"""Validation of a change that somebody proposes and nobody has written anywhere yet."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from krate_gitops.git.checkout import borrow
from krate_gitops.index.build import Builder
from krate_gitops.index.source import Target
from krate_gitops.index.validate import Validation, validate
from krate_gitops.index.worktree import forget_commit
from krate_gitops.progress import Progress, silent


def validate_proposed(
    builder: Builder,
    base: Target,
    changes: Mapping[str, bytes | None],
    *,
    root: str,
    home: Path,
    now: datetime | None = None,
    progress: Progress = silent,
) -> Validation:
    """What ``validate`` would say (profile U) if the changes were committed on top of ``base``.

    ``changes`` maps paths below the memory root ``root`` to contents, ``None`` to delete. The commit is made in a
    repository that borrows the objects of the real one, and is gone afterwards; the report names none. Raises
    ``UsageError(INVALID_REQUEST)`` for a path that may not be written or can't be deleted, and as ``validate`` does.
    """
    from krate_gitops.git.commits import write_commit  # loads dulwich, which nothing that only reads needs

    prefix = f"{root}/" if root else ""
    scratch = home / "worktrees"
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        borrowed = borrow(base.repository, Path(folder) / "borrowed.git")
        commit = write_commit(
            borrowed.git_dir,
            {prefix + path: content for path, content in changes.items()},
            parents=[base.commit],
            message="proposed change",
            author="krate-gitops <>",
            time=now or datetime.now(UTC),
            branch="proposed",
        )
        before = msgspec.structs.replace(base, repository=borrowed)
        after = msgspec.structs.replace(before, commit=commit)
        try:
            found = validate(builder, after, base=before, committed_indexes=False, progress=progress)
        finally:
            forget_commit(builder.store, commit)
    return found._replace(report=msgspec.structs.replace(found.report, commit=""))
