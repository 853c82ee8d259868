"""Organizations, their namespaces, and what they share. Authored by the platform, in its own namespace."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from krate_gitops.resources.kinds.common import (
    NAME_PATTERN,
    MemoryRepositoryRef,
    OrganizationRef,
    Part,
    Status,
    Strings,
    Text,
)

Slug = Annotated[
    str,
    Meta(
        pattern=NAME_PATTERN,
        max_length=53,
        extra={"bad": "KR105"},
        description="At most 53 characters, in normal form.",
    ),
]
Namespace = Annotated[str, Meta(pattern=NAME_PATTERN, description="`krate-org-<slug>` without it.")]


class OrganizationSpec(Part, frozen=True):
    """An organization."""

    kept = ("namespaceName",)

    display_name: Text
    namespace_name: Namespace | None = None
    slug: Slug | None = None
    default_visibility: Literal["private", "internal", "public"] = "private"
    memory_repository_ref: MemoryRepositoryRef | None = None
    policy_profile_ref: Text | None = None
    description: str | None = None
    owners: Strings = ()
    teams: Strings = ()


class OrganizationStatus(Status, frozen=True):
    """Whether its namespace is there."""

    namespace_ready: bool | None = None


class ServiceAccountPolicy(Part, frozen=True):
    """How accounts are named."""

    default_runner_prefix: Text = "runner-"
    default_agent_prefix: Text = "agent-"


class OrgNamespaceBindingSpec(Part, frozen=True):
    """The one namespace of an organization."""

    organization_ref: OrganizationRef
    namespace: Namespace | None = None
    create_namespace: bool = True
    labels: dict[str, str] = field(default_factory=dict)
    service_account_policy: ServiceAccountPolicy = ServiceAccountPolicy()


class SharedRef(Part, frozen=True):
    """One object, and what may be done with it."""

    kind: Text
    name: Text
    permissions: Strings = ()


class SharingApproval(Part, frozen=True):
    """Who of the owning organization must agree."""

    required_approvers: Strings = ()


class OrgSharingPolicySpec(Part, frozen=True):
    """Lets one organization use objects of another, for a time; never values of Secrets or ConfigMaps."""

    source_org: Annotated[OrganizationRef, Meta(description="The org that consumes.")]
    target_org: Annotated[OrganizationRef, Meta(description="The org that owns.")]
    allowed_refs: Annotated[tuple[SharedRef, ...], Meta(min_length=1)]
    expires_at: Annotated[
        str,
        Meta(
            pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$", description="RFC 3339 in UTC with Z."
        ),
    ]
    approval_policy: SharingApproval = SharingApproval()
