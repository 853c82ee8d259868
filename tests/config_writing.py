"""A config repository and everything that is needed to write to it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from krate_gitops.reconcile.writer.ports import Ports
from krate_gitops.reconcile.writer.request import Change, Mode, WriteRequest
from krate_gitops.reconcile.writer.result import WriteResult
from krate_gitops.reconcile.writer.target import SourceTarget, target_of_repository
from krate_gitops.reconcile.writer.write import draft_config, write_config
from krate_gitops.records.audit_filter import AuditFilter
from krate_gitops.records.audit_query import query
from krate_gitops.records.audit_record import Actor, AuditRecord
from krate_gitops.records.config_changes import StoredChange, list_changes
from krate_gitops.records.correlation import new_correlation_id
from krate_gitops.records.database import Database, open_database
from krate_gitops.settings import Settings
from tests.repos import RepoBuilder, git
from tests.unit.resources.sample import ACCOUNT, BINDING, stack, stream

STACK = stack(name="triage")
FILES = {
    "README.md": "# Config\n",
    "orgs/acme/identity.yaml": stream(ACCOUNT, BINDING),
    "orgs/acme/triage.yaml": f"# The first stack\n{STACK}",
    "orgs/other/notes.yaml": "not: ours\n",
}


class Writer:
    """A repository at ``folder/config.git`` with one commit, and a home of its own."""

    def __init__(self, folder: Path, settings: Settings, files: dict[str, Any] | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        self.repo = RepoBuilder(folder / "config.git")
        self.first = self.repo.commit(dict(FILES if files is None else files))
        self.location = str(self.repo.path)

    @property
    def database(self) -> Database:
        return open_database(self.settings)

    def target(self, **changed: Any) -> SourceTarget:
        found = target_of_repository(
            self.location, organization="acme", path="orgs/acme", branch="main", settings=self.settings
        )
        return msgspec.structs.replace(found, **changed)

    def request(self, *changes: Change, mode: str | None = None, target: Any = None, **more: Any) -> WriteRequest:
        given = {
            "actor": Actor(kind="User", name="Dana"),
            "author": "Dana <dana@acme.example>",
            "message": "Change what is asked for",
            "correlation_id": new_correlation_id(now=datetime.now(UTC)),
        } | more
        return WriteRequest(target=target or self.target(), changes=changes, mode=Mode(mode) if mode else None, **given)

    def write(self, *changes: Change, ports: Ports | None = None, **how: Any) -> WriteResult:
        options = {"ports": ports} if ports else {}
        return write_config(self.request(*changes, **how), settings=self.settings, database=self.database, **options)

    def draft(self, *changes: Change, **how: Any) -> WriteResult:
        return draft_config(self.request(*changes, **how), settings=self.settings).result

    def tip(self, branch: str = "main") -> str:
        return git(self.repo.git_dir, "rev-parse", f"refs/heads/{branch}").decode().strip()

    def content(self, path: str, ref: str = "main") -> str:
        return git(self.repo.git_dir, "show", f"{ref}:{path}").decode()

    def branches(self) -> list[str]:
        return git(self.repo.git_dir, "for-each-ref", "--format=%(refname:short)", "refs/heads").decode().split()

    def objects(self) -> set[str]:
        listed = git(self.repo.git_dir, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
        return set(listed.decode().split())

    def stored(self) -> list[StoredChange]:
        with self.database.reading() as connection:
            return list_changes(connection, "acme")

    def records(self) -> list[AuditRecord]:
        """Oldest first."""
        with self.database.reading() as connection:
            return list(reversed(query(connection, AuditFilter(organization="acme"), limit=200).items))
