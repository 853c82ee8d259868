"""Commits that change one file, as people make them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime

from krate_gitops.git.commits import write_commit
from tests.bench.corpora import Corpus
from tests.repos import git

_TRIES = 1_000
_AUTHOR = "A Writer <writer@example.com>"
Files = dict[str, bytes | None]


class Editor:
    """Writes one-file commits on top of a brain's tip, each on a branch of its own and unlike all others."""

    def __init__(self, corpus: Corpus, seed: int = 1) -> None:
        self._corpus = corpus
        self._rng = random.Random(f"edits:{seed}")
        listed = git(corpus.git_dir, "ls-tree", "-r", "-z", "--name-only", corpus.commit).decode().split("\0")[:-1]
        self._runbooks = [path for path in listed if path.startswith("runbooks/") and path.endswith(".md")]
        self._services = [path for path in listed if path.startswith("graph/services/")]
        self._time = int(git(corpus.git_dir, "log", "-1", "--format=%ct", corpus.commit).decode())
        self._count = 0

    def commit(self, kind: str) -> str:
        """A commit that makes a change of one of the ``KINDS``; the full name of its branch."""
        self._count += 1
        branch = f"bench-{self._count}"
        git(self._corpus.git_dir, "update-ref", "-d", f"refs/heads/{branch}")
        write_commit(
            self._corpus.git_dir,
            KINDS[kind](self),
            parents=[self._corpus.commit],
            message=kind,
            author=_AUTHOR,
            time=datetime.fromtimestamp(self._time + self._count, UTC),
            branch=branch,
        )
        return f"refs/heads/{branch}"

    def change_body(self) -> Files:
        path = self._rng.choice(self._runbooks)
        return {path: self._read(path) + f"\nStep {self._count} was added after the last outage.\n".encode()}

    def change_status(self) -> Files:
        for _ in range(_TRIES):
            path = self._rng.choice(self._services)
            text = self._read(path)
            changed = text.replace(b"status: approved", b"status: deprecated", 1)
            if changed != text:
                return {path: changed}
        raise LookupError("the brain has no approved service")

    def add_record(self) -> Files:
        for _ in range(_TRIES):
            path = self._rng.choice(self._runbooks)
            old = re.search(rb"^id: (\S+)$", self._read(path), re.MULTILINE)
            if old:
                added = b"%s-new-%d" % (old[1], self._count)
                text = self._read(path).replace(b"id: " + old[1], b"id: " + added, 1)
                return {f"{path.removesuffix('.md')}-new-{self._count}.md": text}
        raise LookupError("the brain has no runbook with an id")

    def delete_record(self) -> Files:
        return {self._rng.choice(self._runbooks): None}

    def _read(self, path: str) -> bytes:
        return git(self._corpus.git_dir, "cat-file", "blob", f"{self._corpus.commit}:{path}")


KINDS: dict[str, Callable[[Editor], Files]] = {
    "body changed": Editor.change_body,
    "status changed": Editor.change_status,
    "record added": Editor.add_record,
    "record deleted": Editor.delete_record,
}
"""Kinds of change."""
