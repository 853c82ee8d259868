"""What an installation and an organization allow: the part of a review that no resource of the organization says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

FILESYSTEM = ("no-fs", "read-only", "repo-write", "workspace-write")
"""File access from narrow to broad."""
NETWORK = ("deny", "repository-host-only", "unrestricted-with-approval")
"""Network access from narrow to broad."""
WORKSPACE_MODES = ("no-workspace", "read-only", "branch-local", "isolated-worktree")
"""Modes of workspaces from narrow to broad."""
CACHED_FOR_SECONDS = 24 * 3600
"""How long the manifest of an adapter counts while its gateway is down."""

_UNTRUSTED_NAMES = ("untrusted-",)
Gateway = Literal["not-configured", "up", "down"]


class Limits(msgspec.Struct, frozen=True):
    """The broadest access to files and network that is admitted somewhere."""

    filesystem: str = FILESYSTEM[-1]
    network: str = NETWORK[-1]


class AdapterManifest(msgspec.Struct, frozen=True):
    """What an adapter says it can do; None where it doesn't say. ``age_seconds`` is since it said so."""

    base_agents: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    tools: tuple[str, ...] | None = None
    skills: bool | None = None
    subagents: bool | None = None
    approval_modes: tuple[str, ...] | None = None
    max_parallel_tasks: int | None = None
    age_seconds: int = 0


class ReviewPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the installation, as far as they bear on permissions.

    ``untrusted_pools`` are the runner pools that code of strangers may run on; so are those whose names say it.
    ``repository_limits`` are by the name of a repository. ``external_gateway`` says that a gateway executes runs, so
    that no runner account is needed. ``provider_secret`` is the name of the Secret, ``provider_keys`` its keys, that
    the deployment mode needs for a model's provider. ``applier`` is the user who binds roles for the organization,
    empty where nobody is asked about. ``metadata_blind`` admits targets whose key names can't be read. ``adapters``
    are manifests by adapter.
    """

    allowed_approval_modes: tuple[str, ...] = ("prompt", "deny")
    allow_cluster_role_bindings: bool = False
    default_runner_pool: str = "untrusted-linux"
    default_workspace_policy: str = "isolated-worktree-default"
    runner_account_prefix: str = "runner-"
    untrusted_pools: tuple[str, ...] = ("untrusted-linux",)
    untrusted_limits: Limits = Limits(network="repository-host-only")
    repository_limits: Mapping[str, Limits] = msgspec.field(default_factory=dict)
    external_gateway: bool = False
    provider_secret: str = ""
    provider_keys: tuple[str, ...] = ()
    applier: str = ""
    metadata_blind: bool = False
    gateway: Gateway = "not-configured"
    adapters: Mapping[str, AdapterManifest] = msgspec.field(default_factory=dict)

    def is_untrusted_pool(self, pool: str) -> bool:
        """Whether code of strangers may run on a pool."""
        return pool in self.untrusted_pools or pool.startswith(_UNTRUSTED_NAMES)


def manifest_of(capabilities: Mapping[str, Any]) -> AdapterManifest:
    """The manifest that ``AgentAdapter.spec.capabilities`` spells out; members of other types say nothing."""

    def texts(name: str) -> tuple[str, ...] | None:
        value = capabilities.get(name)
        is_list = isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value)
        return tuple(value) if is_list and value is not None else None

    def flag(name: str) -> bool | None:
        value = capabilities.get(name)
        return value if isinstance(value, bool) else None

    parallel = capabilities.get("maxParallelTasks")
    return AdapterManifest(
        base_agents=texts("baseAgents"),
        models=texts("models"),
        tools=texts("tools"),
        skills=flag("skills"),
        subagents=flag("subagents"),
        approval_modes=texts("approvalModes"),
        max_parallel_tasks=parallel if isinstance(parallel, int) and not isinstance(parallel, bool) else None,
    )


def is_broader(value: str, limit: str, scale: tuple[str, ...]) -> bool:
    """Whether a value lies above a limit on a scale from narrow to broad; unknown words count as the broadest."""
    return (scale.index(value) if value in scale else len(scale)) > (scale.index(limit) if limit in scale else 0)
