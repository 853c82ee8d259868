"""Which changes of an object give more rights than there are now.

Each row names a field and how its values compare. What isn't listed gives no rights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Comparison = Callable[[Any, Any], bool]
"""Whether the second value, against the first, gives more; None for a field that isn't there."""


def _changed(before: Any, after: Any) -> bool:
    return bool(before != after and after is not None)


def _more(before: Any, after: Any) -> bool:
    """A list that names what is allowed: each new item is more."""
    return any(item not in (before or ()) for item in after or ())


def _more_or_any(before: Any, after: Any) -> bool:
    """A list that narrows: an empty one allows everything."""
    return bool(before) and (not after or _more(before, after))


def _fewer(before: Any, after: Any) -> bool:
    """A list that names what is denied, or needs approval: each item less is more."""
    return _more(after, before)


def _became_true(before: Any, after: Any) -> bool:
    return after is True and before is not True


def _became_false(before: Any, after: Any) -> bool:
    return after is False and before is not False


def _greater(before: Any, after: Any) -> bool:
    return after is not None and (before is None or after > before)


def _up(*order: str) -> Comparison:
    """A choice that comes later in ``order`` than before; the first is what an absent one means."""

    def compare(before: Any, after: Any) -> bool:
        return _rank(order, after) > _rank(order, before)

    return compare


def _rank(order: Sequence[str], value: Any) -> int:
    return order.index(value) if value in order else 0


def _each_up(*order: str) -> Comparison:
    """A map of choices; one that isn't in the map counts as ``prompt``."""

    def compare(before: Any, after: Any) -> bool:
        then, now = before or {}, after or {}
        names = {*then, *now}
        return any(_rank(order, now.get(one, "prompt")) > _rank(order, then.get(one, "prompt")) for one in names)

    return compare


def _any_true(before: Any, after: Any) -> bool:
    return any(_became_true((before or {}).get(name), value) for name, value in (after or {}).items())


_APPROVALS = ("deny", "prompt", "prompt-on-denied-or-privileged", "allow-workspace", "allow")
_GRANT: tuple[tuple[str, Comparison], ...] = (
    ("subject", _changed),
    ("purpose", _changed),
    ("allowedRepositories", _more_or_any),
    ("allowedRefs.include", _more_or_any),
    ("allowedRefs.exclude", _fewer),
    ("allowedTriggerSources", _more_or_any),
    ("requiredApproval", _up("always", "on-untrusted-ref", "never")),
)

_ROWS: Mapping[str, tuple[tuple[str, Comparison], ...]] = {
    "AgentRoleBinding": (
        ("subject", _changed),
        ("roleRef", _changed),
        ("scope", _changed),
        ("resourceRules", _more),
        ("escalationPolicy", _up("deny", "require-admin-approval", "allow-if-owner")),
    ),
    "AgentServiceAccount": (
        ("serviceAccountName", _changed),
        ("owner", _changed),
        ("allowedRepositories", _more),
        ("allowedRunnerPools", _more),
        ("imagePullSecretRefs", _more),
        ("tokenExpirationSeconds", _greater),
        ("tokenAudience", _changed),
        ("automountServiceAccountToken", _became_true),
    ),
    "AgentSecretGrant": (
        *_GRANT,
        ("secretRef.name", _changed),
        ("secretRef.keys", _more),
        ("mountPolicy", _up("never-mount-pass-by-reference", "projected-volume", "file", "env")),
    ),
    "AgentConfigGrant": (
        *_GRANT,
        ("configMapRef.name", _changed),
        ("configMapRef.keys", _more),
        ("mountPolicy", _up("api-read", "projected-volume", "file", "env")),
    ),
    "AgentStack": (
        ("runtimeIdentity", _changed),
        ("toolProfileRef", _changed),
        ("mcpServerRefs", _more),
        ("skillRefs", _more),
        ("subagentRefs", _more),
        ("runnerPool", _changed),
        ("workspacePolicyRef", _changed),
        ("approvalMode", _up("deny", "prompt", "yolo")),
        ("allowedCommands", _more),
        ("deniedCommands", _fewer),
        ("permissionRefs.roleBindings", _more),
        ("permissionRefs.secretGrants", _more),
        ("permissionRefs.configGrants", _more),
        ("secretPolicy.allowOnForks", _became_true),
        ("secretPolicy.allowedSecretRefs", _more_or_any),
        ("writeBackPolicy.requireApproval", _became_false),
        ("writeBackPolicy.allowedTargets", _more),
    ),
    "AgentToolProfile": (
        ("nativeTools", _any_true),
        ("filesystemPolicy", _up("no-fs", "read-only", "repo-write", "workspace-write")),
        ("networkPolicy.default", _up("deny", "repository-host-only", "unrestricted-with-approval")),
        ("networkPolicy.allowHosts", _more),
        ("allowedCommands", _more),
        ("deniedCommands", _fewer),
        ("approvalPolicyByTool", _each_up(*_APPROVALS)),
        ("requiredRoles", _more),
        ("requiredSecretRefs", _more),
    ),
    "AgentMcpServer": (
        ("transport", _changed),
        ("url", _changed),
        ("command", _changed),
        ("args", _changed),
        ("scope", _up("dispatch", "stack", "repository", "org", "global")),
        ("secretRefs", _more),
        ("envFrom", _more),
        ("headersFrom", _more),
        ("allowedAgentStacks", _more_or_any),
        ("approvalPolicy", _up("deny", "prompt", "readonly-auto-write-prompt")),
    ),
    "AgentSubagent": (
        ("toolRefs", _more),
        ("mcpServerRefs", _more),
        ("skillRefs", _more),
        ("workspaceScope", _up("no-workspace", "read-only", "isolated-worktree", "branch-local")),
        ("contextPolicy", _up("no-context", "artifact-only", "summary-only", "selected-sources", "full-redacted")),
        ("runtimeIdentityOverride", _changed),
    ),
    "AgentTriggerRule": (
        ("sources", _more),
        ("agentStack", _changed),
        ("runnerPool", _changed),
        ("approvalPolicy.requireFor", _fewer),
        ("writeBackPolicy.allowedTargets", _more),
        ("match.allowedActors", _more_or_any),
    ),
    "AgentWorkspacePolicy": (
        ("mode", _up("no-workspace", "read-only", "isolated-worktree", "branch-local")),
        ("trustTier", _up("untrusted", "trusted")),
        ("allowedTools", _more_or_any),
        ("deniedTools", _fewer),
    ),
    "OrgSharingPolicy": (("allowedRefs", _more), ("sourceOrg", _changed), ("expiresAt", _changed)),
}
_NEW_IS_MORE = frozenset(
    {"AgentRoleBinding", "AgentServiceAccount", "AgentSecretGrant", "AgentConfigGrant", "OrgSharingPolicy"}
)
"""Kinds that give rights by being there."""


def privilege_increases(kind: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> tuple[str, ...]:
    """Fields, below ``spec``, by which an object gives more than before; ``before`` None for a new one.

    A new object of a kind that grants something is an increase as a whole: ``spec``.
    """
    if before is None and kind in _NEW_IS_MORE:
        return ("spec",)
    then, now = (before or {}).get("spec") or {}, after.get("spec") or {}
    return tuple(_increases(_ROWS.get(kind, ()), then, now))


def _increases(
    rows: Sequence[tuple[str, Comparison]], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[str]:
    for path, compare in rows:
        if compare(_at(before, path), _at(after, path)):
            yield f"spec.{path}"


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
