"""Every reason that a review can give: one table, from which conditions of stacks are computed as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Severity = Literal["error", "warning", "info"]
_ORDER: Mapping[str, int] = {"error": 0, "warning": 1, "info": 2}


class Owner(msgspec.Struct, frozen=True, order=True):
    """The object that a reason is about."""

    kind: str
    name: str


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One finding. ``blocking`` decides; ``message`` is for people and never parsed. ``field`` is below the owner."""

    code: str
    severity: Severity
    blocking: bool
    field: str
    owner: Owner
    message: str


class ReasonKind(msgspec.Struct, frozen=True):
    """What a code means. ``condition`` of a stack is False, with ``condition_reason``, where the code blocks readiness.

    ``blocking`` is for dispatch; a reason may block readiness alone, as an unreachable gateway does.
    """

    code: str
    condition: str
    condition_reason: str
    says: str
    blocking: bool = True
    severity: Severity = "error"


def _kind(condition: str, code: str, says: str, reason: str = "", *, blocking: bool = True) -> ReasonKind:
    return ReasonKind(code, condition, reason or code, says, blocking, "error" if blocking else "warning")


def _note(code: str, says: str, severity: Severity) -> ReasonKind:
    return ReasonKind(code, "", "", says, False, severity)


_CAPABILITIES, _TOOLS, _MCP, _SKILLS = "CapabilitiesResolved", "ToolsAdmitted", "McpHealthy", "SkillsValidated"
_SUBAGENTS, _LABELS, _MEMORY = "SubagentsValid", "ContextLabelsValid", "MemoryBound"
_IDENTITY, _ROLES, _SECRETS, _CONFIG = "RuntimeIdentityReady", "RolesAdmitted", "SecretsAdmitted", "ConfigAdmitted"
_POLICY = "PolicyAdmitted"

CONDITIONS = (
    _CAPABILITIES, _TOOLS, _MCP, _SKILLS, _SUBAGENTS, _LABELS, _MEMORY, _IDENTITY, _ROLES, _SECRETS, _CONFIG, _POLICY,
)  # fmt: skip
"""Conditions of a stack beside Ready, in the order in which they are shown."""

_KINDS = (
    # The stack and the request
    ReasonKind("StackNotFound", _CAPABILITIES, "MissingRefs", "the stack is not there, or not readable"),
    _kind(_POLICY, "InvalidApprovalMode", "the approval mode is none", "ForbiddenApprovalMode"),
    _kind(_POLICY, "ApprovalModeDeny", "the stack refuses every dispatch", "ForbiddenApprovalMode"),
    _kind(_POLICY, "ForbiddenApprovalMode", "the organization does not allow the approval mode"),
    _kind(_CAPABILITIES, "CrossOrgDenied", "something of another organization is referenced", "MissingRefs"),
    ReasonKind("RequestWidensStack", "", "", "the request asks for more than the stack has"),
    # Trust
    _kind(_POLICY, "UntrustedRunnerRequired", "untrusted code runs on untrusted pools", "RepositoryNotTrusted"),
    _kind(_POLICY, "UntrustedRefDenied", "untrusted code gets no privileges", "PrivilegedSecretsOnFork"),
    _kind(_POLICY, "WorkspaceTrustMismatch", "workspace and runner pool differ in trust", "RepositoryNotTrusted"),
    # Capabilities
    _kind(_CAPABILITIES, "MissingRefs", "a reference leads nowhere"),
    _kind(_CAPABILITIES, "UnsupportedBaseAgent", "the adapter cannot run the stack"),
    _kind(_CAPABILITIES, "AdapterUnavailable", "the gateway is down and nothing is known of the adapter",
          blocking=False),
    _kind(_CAPABILITIES, "StaleCapabilities", "what is known of the adapter is too old", blocking=False),
    _kind(_TOOLS, "ToolPolicyMissing", "the tool profile is not there"),
    _kind(_TOOLS, "DeniedCommand", "the stack allows a command that its tool profile does not"),
    _kind(_TOOLS, "FilesystemTooBroad", "more access to files than repository or runner permit"),
    _kind(_TOOLS, "NetworkPolicyDenied", "more access to the network than repository or runner permit"),
    _kind(_TOOLS, "ToolDeniedByWorkspacePolicy", "the workspace policy denies a tool", "DeniedCommand"),
    _kind(_MCP, "MissingMcpServers", "an MCP server is not there"),
    _kind(_MCP, "McpDenied", "an MCP server is off, denied, or not for this stack"),
    _kind(_MCP, "ProbeFailed", "an MCP server did not answer its last probe", blocking=False),
    _kind(_SKILLS, "MissingSkills", "a skill is not there"),
    _kind(_SKILLS, "InvalidSkill", "a skill is not for this stack or base agent"),
    _kind(_SKILLS, "RequiredToolNotAdmitted", "a skill needs a tool or server that the stack has not"),
    _kind(_SUBAGENTS, "MissingSubagents", "a subagent is not there"),
    _kind(_SUBAGENTS, "SubagentWidensPermissions", "a subagent has more than its stack"),
    _kind(_SUBAGENTS, "ParallelismExceeded", "a subagent runs more at once than is admitted"),
    _kind(_SUBAGENTS, "SubagentsUnsupported", "the adapter has no subagents"),
    _kind(_SUBAGENTS, "InvalidTaskKinds", "a subagent is not readable, or has no kind of task"),
    _kind(_LABELS, "MissingContextLabels", "a context label is not there"),
    _kind(_LABELS, "UnsafeFragment", "a context label is not approved, or not for this stack or repository"),
    _kind(_LABELS, "ContextLabelDrifted", "a context label is not the text of the snapshot", blocking=False),
    _kind(_MEMORY, "MissingMemoryRepositories", "a memory repository is not there"),
    _kind(_MEMORY, "MemoryScopeDenied", "no memory source admits the stack"),
    # Identity
    _kind(_IDENTITY, "MissingServiceAccount", "the runtime account is not there, or not synced"),
    _kind(_IDENTITY, "ServiceAccountDrifted", "the native account is not as it was written"),
    _kind(_IDENTITY, "ServiceAccountCannotUseRunner", "the account may not use the pool or repository"),
    _kind(_IDENTITY, "TokenProjectionForbidden", "tokens of the account can not be projected"),
    _kind(_IDENTITY, "MissingRunnerServiceAccount", "the runner pool has no account", "MissingServiceAccount"),
    # Roles
    _kind(_ROLES, "MissingRoleBinding", "no binding names the stack or its account, or a required role is not bound"),
    _kind(_ROLES, "RoleDenied", "the native access review refuses what a role should give", "MissingRoleBinding"),
    _kind(_ROLES, "AccessReviewUnavailable", "the native access review gave no answer"),
    _kind(_ROLES, "RoleBindingDrifted", "a native binding is not as it was written"),
    _kind(_ROLES, "EscalationDenied", "a binding gives more than its author may give"),
    # Secrets and configuration
    _kind(_SECRETS, "MissingSecretGrant", "no grant covers a Secret key"),
    _kind(_SECRETS, "ToolSecretNotGranted", "no grant covers a Secret key that a tool needs", "MissingSecretGrant"),
    _kind(_SECRETS, "SecretDenied", "a Secret is denied to the stack", "MissingSecretGrant"),
    _kind(_SECRETS, "SecretMissing", "the Secret is not there"),
    _kind(_SECRETS, "SecretKeyMissing", "the Secret lacks a key, or its keys can not be read"),
    _kind(_CONFIG, "MissingConfigGrant", "no grant covers a ConfigMap key"),
    _kind(_CONFIG, "ConfigDenied", "a ConfigMap is denied to the stack", "MissingConfigGrant"),
    _kind(_CONFIG, "ConfigMapMissing", "the ConfigMap is not there"),
    _kind(_CONFIG, "ConfigKeyMissing", "the ConfigMap lacks a key, or its keys can not be read"),
    ReasonKind("GrantStale", "", "GrantStale", "a grant is not ready, or its target has changed since"),
    # Workspaces
    _kind(_POLICY, "NoSessionsAllowed", "the workspace policy admits no session"),
    # Notes
    _note("ApprovalRequired", "a person has to approve", "info"),
    _note("BroadGrant", "a grant holds for every repository", "warning"),
    _note("UntrustedGrant", "a grant names refs that anybody may push to", "warning"),
    _note("RotationOverdue", "a value is older than its grant allows", "warning"),
    _note("MetadataBlind", "key names can not be read, which an exception admits", "warning"),
    _note("UntrustedSource", "the code comes from strangers", "warning"),
    _note("ClusterNotConsulted", "no cluster was asked about accounts, roles, Secrets and ConfigMaps", "info"),
)  # fmt: skip

REASONS: Mapping[str, ReasonKind] = {kind.code: kind for kind in _KINDS}
"""All reasons by code."""


def condition_of(reason: Reason) -> str:
    """The condition that a reason bears on; that of a stale grant follows the kind of grant."""
    if reason.code == "GrantStale":
        return _SECRETS if reason.owner.kind == "AgentSecretGrant" else _CONFIG
    return REASONS[reason.code].condition


def order_of(reason: Reason) -> tuple[bool, int, str, Owner, str, str]:
    """The order in which reasons are told."""
    return not reason.blocking, _ORDER[reason.severity], reason.code, reason.owner, reason.field, reason.message
