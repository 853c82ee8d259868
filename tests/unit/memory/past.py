"""Repositories whose commits are opened one by one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from krate_gitops.git.repository import open_repository
from krate_gitops.index.build import Builder
from krate_gitops.index.source import Target
from krate_gitops.memory.compare import Comparison, compare
from krate_gitops.memory.history import record_versions
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy, owner_policy
from krate_gitops.settings import Settings
from tests.repos import Content, RepoBuilder
from tests.unit.memory.world import ONTOLOGY, RULES, record


class Past:
    """A repository whose commits are opened on demand."""

    def __init__(self, folder: Path, stack: ExitStack, *, root: str = "") -> None:
        self.repo = RepoBuilder(folder / "brain")
        self._folder = folder
        self._stack = stack
        self._root = f"{root}/" if root else ""
        self._ontology: Path | None = None
        self._builder = Builder(folder / "home", jobs=1)

    def foreign(self) -> None:
        """From here on read as a brain of files with several records."""
        self._ontology = self._folder / "ontology"
        self._ontology.mkdir()
        for path, content in ONTOLOGY.items():
            (self._folder / path).write_text(str(content))
        (self._ontology / "validation-rules.yaml").write_text(
            f"{RULES}foreign: {{multiDocument: true, required: []}}\n"
        )

    def commit(self, files: Mapping[str, Content], **how: Any) -> str:
        known = {} if self.repo.tip() else ONTOLOGY
        return self.repo.commit({self._root + path: content for path, content in {**known, **files}.items()}, **how)

    def open(self, commit: str | None = None) -> OpenIndex:
        repository = open_repository(str(self.repo.path), settings=Settings(home=self._folder / "home"))
        target = Target(repository, commit or self.repo.tip() or "", ontology_dir=self._ontology)
        return self._stack.enter_context(OpenIndex(self._builder, self._builder.build(target)))

    def log(self, identifier: str, policy: EffectivePolicy | None = None) -> list[str]:
        """``message: change path < old path``, newest first."""
        versions = record_versions(self.open(), identifier, policy or owner_policy())
        return [f"{v.message}: {v.change} {v.path}" + (f" < {v.old_path}" if v.old_path else "") for v in versions]

    def diff(self, old: str, new: str, policy: EffectivePolicy | None = None, *, patch: bool = False) -> Comparison:
        return compare(self.open(old), self.open(new), policy or owner_policy(), patch=patch)

    def changes(self, old: str, new: str, policy: EffectivePolicy | None = None) -> list[str]:
        """``change item id path < old path``, as listed."""
        return [
            " ".join((c.type, c.item, *([c.id] if c.id else []), c.path, *(["<", c.old_path] if c.old_path else [])))
            for c in self.diff(old, new, policy).changes
        ]


A, A2, A3 = (record("Service", "service:a", title="A", summary=text) for text in ("one", "two", "three"))
