"""Merge commits, made as objects: no work tree, and no merge programs that a repository's own configuration names."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path

from krate_gitops.git.command import GitFailedError, run_git
from krate_gitops.git.local import Repository, init_git_dir
from krate_gitops.git.push import descends


def merge_commit(
    repository: Repository, ours: str, theirs: str, *, message: str, author: str, time: datetime
) -> str | None:
    """Writes a commit with parents ``ours`` and ``theirs`` and what a merge of both gives; None where they conflict.

    ``author``, who is the committer too, is ``Name <address>``. Moves nothing. Raises ``UnavailableError``.
    """
    if descends(repository, theirs, ours):
        tree: str | None = run_git(repository.git_dir, ["rev-parse", "--verify", f"{theirs}^{{tree}}"]).decode().strip()
    else:
        tree = _merged_tree(repository, ours, theirs)
    if tree is None:
        return None
    name, _, address = author.rpartition(" <")
    when = f"{int(time.timestamp())} {time.strftime('%z') or '+0000'}"
    identity = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", name), ("EMAIL", address.rstrip(">")), ("DATE", when))
    }
    text = (message if message.endswith("\n") else f"{message}\n").encode()
    arguments = ["commit-tree", tree, "-p", ours, "-p", theirs]
    return run_git(repository.git_dir, arguments, stdin=text, environment=identity).decode().strip()


def _merged_tree(repository: Repository, ours: str, theirs: str) -> str | None:
    """A repository of our own, for as long as it takes, brings the configuration; the objects are the real ones."""
    with tempfile.TemporaryDirectory(prefix="krate-merge-") as folder:
        git_dir = Path(folder) / "merge.git"
        init_git_dir(git_dir, object_format=repository.object_format)
        objects = {"GIT_OBJECT_DIRECTORY": str((repository.common_dir / "objects").resolve())}
        arguments = ["merge-tree", "--write-tree", "--no-messages", "--name-only", ours, theirs]
        try:
            answer = run_git(git_dir, arguments, answers=(0, 1), environment=objects)
        except GitFailedError as error:
            if "unrelated histories" in error.detail:
                return None
            raise
    # The tree of a conflict has markers in it, and the paths follow it.
    lines = answer.decode("utf-8", "replace").split("\n")
    return lines[0] if len([line for line in lines if line]) == 1 else None
