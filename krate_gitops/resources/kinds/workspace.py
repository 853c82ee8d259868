"""``AgentWorkspacePolicy``: where an agent works, and when that is cleaned up."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from krate_gitops.resources.kinds.common import Count, Duration, OrgSpec, Part, Strings, Text


class RetentionPolicy(Part, frozen=True):
    """How long and how many workspaces are kept."""

    max_age: Duration | None = None
    max_count: Count | None = None
    cleanup_schedule: Annotated[Text, Meta(description="Cron, five fields, UTC.")] | None = None
    keep_pinned: bool = False


class AgentWorkspacePolicySpec(OrgSpec, frozen=True):
    """Mode, trust and limits of workspaces."""

    mode: Literal["isolated-worktree", "branch-local", "read-only", "no-workspace"]
    retention_policy: RetentionPolicy
    trust_tier: Literal["trusted", "untrusted"] = "untrusted"
    cleanup_policy: Annotated[dict[str, Any], Meta(description="Paths in it stay below the workspace.")] | None = None
    storage_class_name: Text | None = None
    default_capacity: Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?([EPTGMk]i?)?$")] = "10Gi"
    max_concurrent_sessions: Annotated[Count, Meta(description="0: none allowed.")] | None = None
    allowed_tools: Strings = ()
    denied_tools: Strings = ()
