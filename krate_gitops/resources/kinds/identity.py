"""``AgentServiceAccount`` and ``AgentRoleBinding``: who an agent is in the cluster, and what it may do there."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from krate_gitops.resources.kinds.common import Name, OrgSpec, Part, ServiceAccountRef, Status, Strings, Text


class Owner(Part, frozen=True):
    """What an account is for; a soft reference that no order of apply follows."""

    kind: Literal["AgentStack", "RunnerPool", "Repository", "Organization"]
    name: Text


class AgentServiceAccountSpec(OrgSpec, frozen=True):
    """A native ServiceAccount of the org namespace, and where it may be used."""

    namespace: Annotated[str, Meta(min_length=1, max_length=63, description="The org namespace.")]
    service_account_name: Annotated[str, Meta(min_length=1, max_length=253)]
    owner: Owner | None = None
    allowed_repositories: Annotated[Strings, Meta(description="Empty: none beyond the owner's.")] = ()
    allowed_runner_pools: Annotated[Strings, Meta(description="Empty: none beyond the owner's.")] = ()
    token_audience: Text = "krate-agent-dispatch"  # noqa: S105 - a name
    token_expiration_seconds: Annotated[int, Meta(ge=600, le=86_400)] = 3600
    image_pull_secret_refs: Strings = ()
    automount_service_account_token: bool = False


class AgentServiceAccountStatus(Status, frozen=True):
    """The native account that was written."""

    synced_service_account: str | None = None


class BindingSubject(Part, frozen=True):
    """Who gets the role."""

    kind: Literal["user", "group", "team", "agent-stack", "runner-pool", "service-account"]
    name: Text
    service_account_ref: ServiceAccountRef | None = None


class BindingScope(Part, frozen=True):
    """Where the role holds."""

    kind: Annotated[
        Literal["namespace", "repository", "organization", "cluster"],
        Meta(description="`cluster` only where the installation allows cluster role bindings."),
    ]
    name: Text


class RoleRef(Part, frozen=True):
    """A native role, or a template of this program."""

    kind: Literal["Role", "ClusterRole", "RoleTemplate"]
    name: Text


class ResourceRule(Part, frozen=True):
    """One native RBAC rule, without wildcards."""

    verbs: Annotated[Strings, Meta(min_length=1)]
    api_groups: tuple[str, ...] = ()
    resources: Strings = ()
    resource_names: Strings = ()
    non_resource_urls: Annotated[Strings, Meta(description="Paths outside of resources.")] = msgspec.field(
        default=(), name="nonResourceURLs"
    )


class AgentRoleBindingSpec(OrgSpec, frozen=True):
    """Binds a subject to a role within a scope."""

    subject: BindingSubject
    role_ref: RoleRef
    scope: BindingScope
    resource_rules: tuple[ResourceRule, ...] = ()
    native_role_binding_name: Name | None = None
    escalation_policy: Literal["deny", "require-admin-approval", "allow-if-owner"] = "deny"


class AgentRoleBindingStatus(Status, frozen=True):
    """The native bindings that were written, and whether they are still as written."""

    synced_role_refs: Strings = ()
    desired_hash: str | None = None
    observed_hash: str | None = None


ROLE_TEMPLATES = (
    "krate-agent-readonly",
    "krate-agent-ci-diagnoser",
    "krate-agent-repository-repair",
    "krate-agent-workspace-manager",
    "krate-runner-untrusted",
    "krate-runner-trusted",
    "krate-secret-grant-admin",
    "krate-agent-approver",
)
"""Templates that compile to native roles."""
