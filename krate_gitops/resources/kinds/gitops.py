"""``GitOpsSource``: a repository whose commits are applied."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from krate_gitops.resources.kinds.common import (
    Agreement,
    Count,
    Duration,
    OrganizationRef,
    Part,
    RelativePath,
    Status,
    Strings,
    Text,
)


class RepositorySource(Part, frozen=True):
    """Which commit and which files of it."""

    repo_url: Annotated[
        str,
        Meta(
            pattern=r"^(https://[^/?#@\s]+|http://(127\.0\.0\.1|\[::1\]|[a-z0-9]([-a-z0-9]*[a-z0-9])?"
            r"|([-a-z0-9]+\.)+(svc|cluster\.local))(:[0-9]{1,5})?"
            r"|ssh://([^/?#@:\s]+@)?[^/?#@\s]+)/\S+$|^git@[^/?#@:\s]+:\S+$",
            extra={"bad": "KR704"},
            description="https, ssh, or http in the cluster; no credentials.",
        ),
    ] = msgspec.field(name="repoURL")
    target_revision: Annotated[str, Meta(min_length=1, description="Branch, tag or full commit id.")] = "main"
    path: RelativePath = "."
    include: Strings = ("**/*.yaml", "**/*.yml", "**/*.json")
    exclude: Strings = ()
    credentials_secret_ref: (
        Annotated[str, Meta(min_length=1, description="Secret in the source's namespace.")] | None
    ) = None
    rewind_policy: Literal["deny", "allow"] = "deny"


class Verify(Part, frozen=True):
    """Whether commits must be signed."""

    mode: Literal["none", "signed-commits"] = "none"
    keys_ref: Text | None = None


class Automated(Part, frozen=True):
    """What is done without being asked."""

    prune: bool = True
    self_heal: bool = True


class PruneGuard(Part, frozen=True):
    """More than both of these at once is not pruned unasked."""

    max_percent: Annotated[int, Meta(ge=0, le=100)] = 50
    min_count: Count = 5


class SyncPolicy(Part, frozen=True):
    """How the cluster follows the commit."""

    automated: Automated = Automated()
    create_namespace: bool = True
    prune: PruneGuard = PruneGuard()


class Apply(Part, frozen=True):
    """What is done about conflicts of field managers."""

    force_conflicts: bool = False


class Drift(Part, frozen=True):
    """What is done about changed privileges."""

    privileged: Literal["block", "revert"] = "block"


class ValidationPolicy(Part, frozen=True):
    """How strictly a revision is looked at."""

    strict: bool = True
    require_ready_stacks: bool = False


class ApprovalPolicy(Part, frozen=True):
    """Which plans wait for an approval."""

    require_for: tuple[Literal["privilege-increase", "prune"], ...] = ()


class WritePolicy(Part, frozen=True):
    """How edits get into Git."""

    mode: Literal["pull-request", "direct", "disabled"] = "pull-request"
    branch_prefix: Text = "krate/config/"
    reviewers: Strings = ()


class GitOpsSourceSpec(Part, frozen=True):
    """A path of a repository that is kept applied, by an identity of its own."""

    agreements = (
        Agreement(
            "organizationRef",
            "organizationRef is required for a source of an organization",
            lambda spec: spec.scope == "platform" or spec.organization_ref is not None,
            "(has(self.scope) && self.scope == 'platform') || has(self.organizationRef)",
        ),
        Agreement(
            "verify.keysRef",
            "verify.keysRef is required with signed-commits",
            lambda spec: spec.verify.mode == "none" or spec.verify.keys_ref is not None,
            "!has(self.verify) || !has(self.verify.mode) || self.verify.mode == 'none' || has(self.verify.keysRef)",
        ),
    )

    source: RepositorySource
    organization_ref: OrganizationRef | None = None
    scope: Annotated[Literal["org", "platform"], Meta(description="`platform` only in the platform namespace.")] = "org"
    verify: Verify = Verify()
    service_account_name: Text = "krate-gitops"
    interval: Annotated[Duration, Meta(description="At least 30s.")] = "5m"
    timeout: Duration = "60s"
    suspend: bool = False
    dry_run: bool = False
    allowed_kinds: Annotated[Strings, Meta(description="May only narrow.")] | None = None
    allowed_native_kinds: tuple[Literal["ConfigMap"], ...] = ()
    sync_policy: SyncPolicy = SyncPolicy()
    apply: Apply = Apply()
    drift: Drift = Drift()
    validation: ValidationPolicy = ValidationPolicy()
    approval: ApprovalPolicy = ApprovalPolicy()
    write_policy: WritePolicy = WritePolicy()
    deletion_policy: Literal["Orphan", "Delete"] = "Orphan"
    health_timeout: Duration = "5m"


SourcePhase = Literal["Pending", "Reconciling", "Ready", "Blocked", "Error", "Suspended"]


class GitOpsSourceStatus(Status, frozen=True):
    """The last pass, and what it owns."""

    # Wider than that of the other kinds.
    phase: SourcePhase | None = None  # type: ignore[assignment]
    resolved_revision: str | None = None
    last_applied_revision: str | None = None
    last_attempted_revision: str | None = None
    last_success_at: str | None = None
    plan_digest: str | None = None
    content_digest: str | None = None
    counts: dict[str, int] | None = None
    inventory: tuple[dict[str, Any], ...] = ()
    diagnostics: tuple[dict[str, Any], ...] = ()
    diagnostics_total: Count | None = None
    failure_count: Count | None = None
    next_attempt_at: str | None = None
