"""Where an account may be used: what it lists, and what its owner has."""

from __future__ import annotations

from krate_gitops.resources.kinds.identity import AgentServiceAccountSpec


def admits_pool(spec: AgentServiceAccountSpec, pool: str, stack: str) -> bool:
    """Whether an account may use a runner pool. Nothing is listed: none but what its owner has."""
    return pool in spec.allowed_runner_pools or _by_owner(spec, "RunnerPool", pool, stack)


def admits_repository(spec: AgentServiceAccountSpec, repository: str, stack: str) -> bool:
    """Whether an account may be used for a repository."""
    return repository in spec.allowed_repositories or _by_owner(spec, "Repository", repository, stack)


def _by_owner(spec: AgentServiceAccountSpec, kind: str, name: str, stack: str) -> bool:
    """An account of the whole organization has all of it, an account of one stack what that stack uses."""
    owner = spec.owner
    if owner is None:
        return False
    return owner.kind == "Organization" or (owner.kind, owner.name) in ((kind, name), ("AgentStack", stack))
