"""One write: the request with everything that is decided once, and the names that follow from it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from krate_gitops.git.command import redact_credentials
from krate_gitops.git.instants import format_instant
from krate_gitops.git.local import Repository
from krate_gitops.git.lookup import read_refs
from krate_gitops.reconcile.writer.digests import idempotency_key
from krate_gitops.reconcile.writer.draft import Draft
from krate_gitops.reconcile.writer.ports import Ports, PreviewResult
from krate_gitops.reconcile.writer.request import Mode, WriteRequest
from krate_gitops.reconcile.writer.target import SourceTarget
from krate_gitops.records.config_changes import ConfigChange
from krate_gitops.settings import Settings


class Task(NamedTuple):
    """A checked request. ``digest`` is that of its changes."""

    request: WriteRequest
    mode: Mode
    digest: str
    settings: Settings
    ports: Ports
    now: datetime

    @property
    def target(self) -> SourceTarget:
        """Where the change goes."""
        return self.request.target

    @property
    def seconds(self) -> int:
        """Now, in seconds since 1970."""
        return int(self.now.timestamp())

    @property
    def branch(self) -> str:
        """Short name of the branch that is pushed to."""
        if self.mode is Mode.DIRECT:
            return self.target.branch
        return f"{self.target.branch_prefix}{self.target.owner}/{self.digest.removeprefix('sha256:')[:12]}"

    def tip(self, repository: Repository) -> str | None:
        """Where that branch stands; None where there is none yet."""
        name = f"refs/heads/{self.branch}"
        return read_refs(repository, [name]).get(name)

    def key(self, base: str) -> str:
        """The idempotency key of the change on a base commit."""
        # Where the caller may choose, a proposal doesn't keep the same change from being made directly.
        is_chosen = self.target.any_mode and self.mode is Mode.DIRECT
        change = f"{self.digest} {self.mode}" if is_chosen else self.digest
        return idempotency_key(owner=self.target.owner, source_uid=self.target.uid, base_commit=base, change=change)

    def change(self, drafted: Draft, preview: PreviewResult, commit: str) -> ConfigChange:
        """What is recorded of it."""
        key = self.key(drafted.base_commit)
        return ConfigChange(
            name=f"config-{key.removeprefix('sha256:')[:16]}",
            organization=self.target.owner,
            source=self.target.name,
            source_uid=self.target.uid,
            repository=redact_credentials(self.target.location),
            path=self.target.path,
            target_branch=self.target.branch,
            branch=self.branch,
            mode=self.mode.value,
            base_commit=drafted.base_commit,
            commit=commit,
            change_digest=self.digest,
            idempotency_key=key,
            actor=self.request.actor.name,
            message=self.request.message.strip(),
            correlation_id=self.request.correlation_id,
            created_at=format_instant(self.seconds),
            paths=tuple(drafted.files),
            objects=tuple(one.recorded() for one in drafted.objects),
            request_id=self.request.request_id,
            plan_digest=preview.plan_digest,
        )
