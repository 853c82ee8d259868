"""A small brain without faults, and validation of commits that spoil it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from krate_gitops.brain.model import Diagnostic
from krate_gitops.brain.seed import base_ontology
from krate_gitops.git.repository import open_repository
from krate_gitops.index.build import Builder
from krate_gitops.index.source import Target
from krate_gitops.index.validate import Validation, validate
from krate_gitops.settings import Settings
from tests.repos import Content, RepoBuilder

LEDGER = """\
nodeKind: Service
id: service:ledger
attributes:
  title: Ledger
  status: approved
  owners: ["team:core"]
  updatedAt: 2025-12-30T09:15:00Z
edges:
  depends_on:
    - target: service:fx-rates
"""

RUNBOOK = """\
---
id: runbook:refunds
kind: Runbook
title: Replaying refunds
status: approved
owners: [team:core]
related:
  depends_on: [service:ledger]
updatedAt: 2025-12-30T09:15:00Z
---
# Replaying refunds

Stop the worker first.
"""


def graph(kind: str, identifier: str, *, status: str = "approved", more: str = "") -> str:
    """A complete graph record; ``more`` are further lines, at their own indentation."""
    return (
        f"nodeKind: {kind}\nid: {identifier}\nattributes:\n  title: {identifier.partition(':')[2]}\n"
        f"  status: {status}\n  owners: [team:core]\n  updatedAt: 2025-12-30T09:15:00Z\n{more}"
    )


def sound_files() -> dict[str, Content]:
    """A brain that no rule has anything to say about."""
    return {
        **base_ontology(),
        "README.md": "# Brain\n",
        "babysitter/MEMORY.md": "# Memory\n\nShared practices.\n",
        "graph/teams/core.yaml": graph("Team", "team:core"),
        "graph/services/ledger.yaml": LEDGER,
        "graph/services/fx-rates.yaml": graph("Service", "service:fx-rates"),
        "runbooks/refunds.md": RUNBOOK,
        "notes/meeting.md": "# Meeting\n\nWe talked.\n",
    }


class Brain:
    """A repository at the top of which a brain lies, and a store of its own."""

    def __init__(self, folder: Path, *, root: str = "", bare: bool = True, **options: str) -> None:
        self.root = root
        self.repo = RepoBuilder(folder / "brain", bare=bare, **options)
        self.home = folder / "home"
        self.builder = Builder(self.home, jobs=1)

    def commit(self, files: Mapping[str, Content], **how: object) -> str:
        """A commit of files named from the memory root."""
        prefix = f"{self.root}/" if self.root else ""
        return self.repo.commit({prefix + path: content for path, content in files.items()}, **how)  # type: ignore[arg-type]

    def target(self, commit: str) -> Target:
        repository = open_repository(str(self.repo.path), settings=Settings(home=self.home))
        return Target(repository, commit, self.root or None)

    def validate(self, commit: str, *, base: str | None = None, **options: object) -> Validation:
        against = self.target(base) if base else None
        return validate(self.builder, self.target(commit), base=against, **options)  # type: ignore[arg-type]

    def found(self, commit: str, *, base: str | None = None, **options: object) -> list[str]:
        """What is found, a line each: code, path, line and column."""
        return [line(found) for found in self.validate(commit, base=base, **options).report.diagnostics]


def line(found: Diagnostic) -> str:
    return f"{found.code} {found.path}:{found.line}:{found.column}"
