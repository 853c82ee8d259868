"""``AgentSecretGrant`` and ``AgentConfigGrant``: which keys of which native object somebody may use, and when."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from krate_gitops.resources.kinds.common import (
    OrgSpec,
    Part,
    Positive,
    ServiceAccountRef,
    StackRef,
    Status,
    Strings,
    Text,
)


class GrantSubject(Part, frozen=True):
    """Who may use the keys."""

    kind: Literal["agent-stack", "service-account", "runner-pool", "user", "team", "tool", "skill", "mcp-server"]
    name: Text
    stack_ref: StackRef | None = None
    service_account_ref: ServiceAccountRef | None = None


class GrantTarget(Part, frozen=True):
    """A native object of the org namespace, and keys in it; never values."""

    name: Annotated[str, Meta(min_length=1, max_length=253)]
    keys: Annotated[
        Strings, Meta(min_length=1, extra={"missing": "KR304"}, description="Named one by one, without wildcards.")
    ]
    namespace: Annotated[str, Meta(max_length=63, description="The org namespace, which it is without it.")] | None = (
        None
    )


class RefPatterns(Part, frozen=True):
    """Globs over Git refs: ``*`` is one segment, ``**`` any number; exclude wins."""

    include: Strings = ()
    exclude: Strings = ()


class RotationPolicy(Part, frozen=True):
    """How old a value may get."""

    max_age_days: Positive | None = None


class _Grant(OrgSpec, frozen=True):
    subject: GrantSubject


class AgentSecretGrantSpec(_Grant, frozen=True):
    """Keys of a Secret for a subject and a purpose."""

    secret_ref: GrantTarget
    purpose: Literal[
        "model-provider-token",
        "git-credential",
        "mcp-server",
        "tool",
        "skill",
        "webhook-signing",
        "image-pull",
        "cache",
        "deployment",
    ]
    allowed_repositories: Annotated[Strings, Meta(description="Empty: every repository, with a warning.")] = ()
    allowed_refs: Annotated[RefPatterns, Meta(description="Every trusted ref without it.")] | None = None
    allowed_trigger_sources: Annotated[Strings, Meta(description="Empty: any.")] = ()
    mount_policy: Literal["env", "file", "projected-volume", "never-mount-pass-by-reference"] = (
        "never-mount-pass-by-reference"
    )
    required_approval: Literal["never", "on-untrusted-ref", "always"] = "on-untrusted-ref"
    rotation_policy: RotationPolicy | None = None


class AgentConfigGrantSpec(_Grant, frozen=True):
    """Keys of a ConfigMap for a subject and a purpose."""

    config_map_ref: GrantTarget
    purpose: Literal[
        "tool-config", "skill-config", "mcp-config", "runner-config", "prompt-template", "repository-policy"
    ]
    allowed_repositories: Annotated[Strings, Meta(description="Empty: every repository, with a warning.")] = ()
    allowed_refs: Annotated[RefPatterns, Meta(description="Every trusted ref without it.")] | None = None
    allowed_trigger_sources: Annotated[Strings, Meta(description="Empty: any.")] = ()
    mount_policy: Literal["env", "file", "projected-volume", "api-read"] = "file"
    required_approval: Literal["never", "on-untrusted-ref", "always"] = "on-untrusted-ref"
    rotation_policy: RotationPolicy | None = None


class GrantStatus(Status, frozen=True):
    """What is known of the target: names and versions, never values."""

    # Wider than that of the other kinds.
    phase: Literal["Pending", "Ready", "Blocked", "Error", "Revoked"] | None = None  # type: ignore[assignment]
    metadata_version: str | None = None
    key_names: Strings = ()
    last_rotated_at: str | None = None
    consumers: Strings = ()
