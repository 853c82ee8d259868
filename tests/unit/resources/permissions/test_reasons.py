"""Every reason of a review by the smallest edit that brings it up: what blocks, which condition of a stack it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from krate_gitops.resources.permissions.access import AccessQuestion
from krate_gitops.resources.permissions.policy import AdapterManifest, Limits
from krate_gitops.resources.permissions.readiness import readiness, readiness_access
from krate_gitops.resources.permissions.reasons import CONDITIONS, REASONS
from tests.unit.resources.permissions.world import World, codes, config_grant, grant, make

Edit = Callable[[World], object]


class Case(NamedTuple):
    """An edit of a world in which all is well, and what it brings up.

    ``condition`` of the stack fails with ``reason``; empty where readiness, being for no particular repository, ref
    or caller, isn't touched. ``blocks`` says whether dispatch is denied.
    """

    code: str
    edit: Edit
    condition: str = ""
    reason: str = ""
    blocks: bool = True
    also: tuple[str, ...] = ()


def _set(kind: str, name: str, **fields: Any) -> Edit:
    return lambda world: world.spec(kind, name).update(fields)


def _stack(**fields: Any) -> Edit:
    return _set("AgentStack", "triage", **fields)


def _drop(kind: str, name: str) -> Edit:
    return lambda world: world.objects.pop((kind, name))


def _ask(**fields: Any) -> Edit:
    return lambda world: world.ask(**fields)


def _refuse(**fields: str) -> Edit:
    def refuse(world: World) -> None:
        world.refused = lambda question: all(getattr(question, name) == value for name, value in fields.items())

    return refuse


def _both(*edits: Edit) -> Edit:
    def run(world: World) -> None:
        for edit in edits:
            edit(world)

    return run


def _no_answer(world: World) -> None:
    world.answer = None


_UNTRUSTED = _ask(ref="refs/pull/7/head")
_SELF = ("PolicyAdmitted", "ForbiddenApprovalMode")

CASES = (
    # The stack and the request
    Case("StackNotFound", _drop("AgentStack", "triage"), "CapabilitiesResolved", "MissingRefs"),
    Case("StackNotFound", _stack(surprise=1), "CapabilitiesResolved", "MissingRefs"),
    Case("InvalidApprovalMode", _stack(approvalMode="ask"), *_SELF),
    Case("ApprovalModeDeny", _stack(approvalMode="deny"), *_SELF),
    Case("ForbiddenApprovalMode", _stack(approvalMode="yolo"), *_SELF),
    Case("CrossOrgDenied", _ask(repository="other/payments")),
    Case("CrossOrgDenied", _ask(organization_ref="other")),
    Case("CrossOrgDenied", _stack(skillRefs=["other/reading"]), "CapabilitiesResolved", "MissingRefs"),
    Case(
        "CrossOrgDenied", _set("AgentServiceAccount", "agent", namespace="krate-org-other"),
        "CapabilitiesResolved", "MissingRefs",
    ),
    Case("RequestWidensStack", _ask(mcp_server_refs=("logs", "shell"))),
    Case("RequestWidensStack", _ask(tool_refs=("shell",))),
    Case("RequestWidensStack", _ask(skill_refs=("other",))),
    Case("RequestWidensStack", _ask(context_label_refs=("other",))),
    Case(
        "RequestWidensStack",
        _both(
            lambda world: world.put(make("AgentWorkspacePolicy", "wide", mode="branch-local", retentionPolicy={})),
            _ask(workspace_policy_ref="wide"),
        ),
    ),
    # Trust
    Case(
        "UntrustedRunnerRequired",
        _both(
            _set("AgentServiceAccount", "agent", allowedRunnerPools=["big"]),
            _set("AgentServiceAccount", "runner", owner={"kind": "RunnerPool", "name": "big"}),
            _set("AgentWorkspacePolicy", "look-only", trustTier="trusted"),
            _stack(runnerPool="big", mcpServerRefs=[], subagentRefs=[]),
            _UNTRUSTED,
        ),
    ),
    Case("UntrustedRefDenied", _both(_stack(subagentRefs=[]), _UNTRUSTED)),
    Case("UntrustedRefDenied", _ask(is_fork=True)),
    Case("UntrustedRefDenied", _ask(source_untrusted=True)),
    Case(
        "UntrustedRefDenied",
        _both(
            _stack(mcpServerRefs=[], subagentRefs=[]), _UNTRUSTED,
            _set("AgentRoleBinding", "reader", resourceRules=[{"verbs": ["create"], "resources": ["pods"]}]),
        ),
    ),
    Case(
        "WorkspaceTrustMismatch", _set("AgentWorkspacePolicy", "look-only", trustTier="trusted"),
        "PolicyAdmitted", "RepositoryNotTrusted",
    ),
    # Capabilities
    Case("MissingRefs", _drop("AgentWorkspacePolicy", "look-only"), "CapabilitiesResolved", "MissingRefs"),
    Case(
        "UnsupportedBaseAgent",
        lambda world: world.settle(gateway="up", adapters={"codex": AdapterManifest(base_agents=("gemini",))}),
        "CapabilitiesResolved", "UnsupportedBaseAgent",
    ),
    Case(
        "UnsupportedBaseAgent",
        lambda world: world.put(
            make(
                "AgentAdapter", "codex", adapterType="remote", transport="http", capabilities={"baseAgents": ["gemini"]}
            )
        ),
        "CapabilitiesResolved", "UnsupportedBaseAgent",
    ),
    Case("AdapterUnavailable", lambda world: world.settle(gateway="down"), "CapabilitiesResolved",
         "AdapterUnavailable", False),
    Case("AdapterUnavailable", lambda world: world.settle(gateway="up"), "CapabilitiesResolved",
         "AdapterUnavailable", False),
    Case(
        "StaleCapabilities",
        lambda world: world.settle(gateway="down", adapters={"codex": AdapterManifest(age_seconds=86_400)}),
        "CapabilitiesResolved", "StaleCapabilities", False,
    ),
    Case(
        "ToolPolicyMissing", _drop("AgentToolProfile", "readonly"), "ToolsAdmitted", "ToolPolicyMissing",
    ),
    Case(
        "DeniedCommand",
        _both(_set("AgentToolProfile", "readonly", deniedCommands=["rm"]), _stack(allowedCommands=["rm"])),
        "ToolsAdmitted", "DeniedCommand",
    ),
    Case(
        "DeniedCommand",
        _both(_set("AgentToolProfile", "readonly", allowedCommands=["ls"]), _stack(allowedCommands=["cat"])),
        "ToolsAdmitted", "DeniedCommand",
    ),
    Case(
        "FilesystemTooBroad", lambda world: world.settle(untrusted_limits=Limits(filesystem="no-fs")),
        "ToolsAdmitted", "FilesystemTooBroad",
    ),
    Case(
        "FilesystemTooBroad",
        lambda world: world.settle(repository_limits={"payments": Limits(filesystem="no-fs")}),
    ),
    Case(
        "NetworkPolicyDenied",
        _set("AgentToolProfile", "readonly", networkPolicy={"default": "unrestricted-with-approval"}),
        "ToolsAdmitted", "NetworkPolicyDenied",
    ),
    Case(
        "ToolDeniedByWorkspacePolicy", _set("AgentWorkspacePolicy", "look-only", deniedTools=["code-search"]),
        "ToolsAdmitted", "DeniedCommand",
    ),
    Case(
        "ToolDeniedByWorkspacePolicy", _set("AgentWorkspacePolicy", "look-only", allowedTools=["git"]),
        "ToolsAdmitted", "DeniedCommand",
    ),
    Case("MissingMcpServers", _drop("AgentMcpServer", "logs"), "McpHealthy", "MissingMcpServers"),
    Case(
        "InvalidSkill",
        _set("AgentSkill", "reading", promptFragment="approvalMode: yolo"),
        "SkillsValidated",
        "InvalidSkill",
    ),
    Case(
        "UnsafeFragment",
        _set("AgentContextLabel", "money", promptFragment="Use ${{ secrets.LOGIN }}."),
        "ContextLabelsValid",
        "UnsafeFragment",
    ),
    Case("RequestWidensStack", _ask(workspace_policy_ref="other/look-only")),
    Case(
        "CrossOrgDenied",
        _both(
            lambda world: world.put(
                grant("far", secretRef={"name": "log-login", "keys": ["token"], "namespace": "krate-org-other"})
            ),
            _stack(permissionRefs={"secretGrants": ["far"]}),
        ),
        "CapabilitiesResolved",
        "MissingRefs",
    ),
    Case(
        "RoleDenied",
        _both(
            _set("AgentRoleBinding", "reader", roleRef={"kind": "RoleTemplate", "name": "root"}),
            _set("AgentToolProfile", "readonly", requiredRoles=["root"]),
        ),
        "RolesAdmitted",
        "MissingRoleBinding",
    ),
    Case(
        "GrantStale",
        lambda world: world.status("AgentSecretGrant", "log-token", ("Ready", "False")),
        "SecretsAdmitted",
        "GrantStale",
    ),
    Case("McpDenied", _set("AgentMcpServer", "logs", enabled=False), "McpHealthy", "McpDenied"),
    Case("McpDenied", _set("AgentMcpServer", "logs", approvalPolicy="deny"), "McpHealthy", "McpDenied"),
    Case("McpDenied", _set("AgentMcpServer", "logs", allowedAgentStacks=["other"]), "McpHealthy", "McpDenied"),
    Case(
        "McpDenied", lambda world: world.status("AgentMcpServer", "logs", health="Denied"), "McpHealthy", "McpDenied"
    ),
    Case("ProbeFailed", _set("AgentMcpServer", "logs", lazy=False), "McpHealthy", "ProbeFailed", False),
    Case("MissingSkills", _drop("AgentSkill", "reading"), "SkillsValidated", "MissingSkills"),
    Case("InvalidSkill", _set("AgentSkill", "reading", allowedAgentStacks=["other"]), "SkillsValidated",
         "InvalidSkill"),
    Case("InvalidSkill", _set("AgentSkill", "reading", compatibleBaseAgents=["gemini"]), "SkillsValidated",
         "InvalidSkill"),
    Case("RequiredToolNotAdmitted", _set("AgentSkill", "reading", requiredTools=["shell"]), "SkillsValidated",
         "RequiredToolNotAdmitted"),
    Case("RequiredToolNotAdmitted", _set("AgentSkill", "reading", requiredMcpServers=["web"]), "SkillsValidated",
         "RequiredToolNotAdmitted"),
    Case("MissingSubagents", _drop("AgentSubagent", "helper"), "SubagentsValid", "MissingSubagents"),
    Case("SubagentWidensPermissions", _set("AgentSubagent", "helper", mcpServerRefs=["web"]), "SubagentsValid",
         "SubagentWidensPermissions"),
    Case("SubagentWidensPermissions", _set("AgentSubagent", "helper", skillRefs=["web"]), "SubagentsValid",
         "SubagentWidensPermissions"),
    Case("SubagentWidensPermissions", _set("AgentSubagent", "helper", toolRefs=["shell"]), "SubagentsValid",
         "SubagentWidensPermissions"),
    Case("ParallelismExceeded", _set("AgentSubagent", "helper", maxParallelTasks=5), "SubagentsValid",
         "ParallelismExceeded"),
    Case(
        "SubagentWidensPermissions",
        _set("AgentSubagent", "helper", workspaceScope="branch-local"),
        "SubagentsValid",
        "SubagentWidensPermissions",
    ),
    Case(
        "ParallelismExceeded",
        _both(
            lambda world: world.settle(gateway="up", adapters={"codex": AdapterManifest(max_parallel_tasks=1)}),
            _set("AgentSubagent", "helper", maxParallelTasks=2),
        ),
        "SubagentsValid", "ParallelismExceeded",
    ),
    Case(
        "SubagentsUnsupported",
        lambda world: world.settle(gateway="up", adapters={"codex": AdapterManifest(subagents=False)}),
        "SubagentsValid", "SubagentsUnsupported",
    ),
    Case("InvalidTaskKinds", _set("AgentSubagent", "helper", taskKinds=[]), "SubagentsValid", "InvalidTaskKinds"),
    Case("MissingContextLabels", _drop("AgentContextLabel", "money"), "ContextLabelsValid", "MissingContextLabels"),
    Case("UnsafeFragment", _set("AgentContextLabel", "money", reviewedBy=[]), "ContextLabelsValid", "UnsafeFragment"),
    Case("UnsafeFragment", _set("AgentContextLabel", "money", allowedAgentStacks=["other"]), "ContextLabelsValid",
         "UnsafeFragment"),
    Case("UnsafeFragment", _set("AgentContextLabel", "money", allowedRepositories=["web"])),
    Case(
        "UnsafeFragment", lambda world: world.status("AgentContextLabel", "money", patternCheck="failed"),
        "ContextLabelsValid", "UnsafeFragment",
    ),
    Case("ContextLabelDrifted", _ask(label_digests={"money": "sha256:" + "0" * 64}), blocks=False),
    Case("MissingMemoryRepositories", _drop("AgentMemoryRepository", "brain"), "MemoryBound",
         "MissingMemoryRepositories"),
    Case("MemoryScopeDenied", _drop("AgentMemorySource", "all"), "MemoryBound", "MemoryScopeDenied"),
    Case("MemoryScopeDenied", _set("AgentMemorySource", "all", appliesTo={"stacks": ["other"]}), "MemoryBound",
         "MemoryScopeDenied"),
    Case("MemoryScopeDenied", _set("AgentMemoryRepository", "brain", accessMode="Disabled"), "MemoryBound",
         "MemoryScopeDenied"),
    # Identity
    Case("MissingServiceAccount", _drop("AgentServiceAccount", "agent"), "RuntimeIdentityReady",
         "MissingServiceAccount"),
    Case("MissingServiceAccount", lambda world: world.natives.pop(("ServiceAccount", "agent")),
         "RuntimeIdentityReady", "MissingServiceAccount"),
    Case("MissingServiceAccount", lambda world: world.native("ServiceAccount", "agent", deleting=True),
         "RuntimeIdentityReady", "MissingServiceAccount"),
    Case("MissingServiceAccount", _set("AgentSubagent", "helper", runtimeIdentityOverride="nobody"),
         "RuntimeIdentityReady", "MissingServiceAccount"),
    Case(
        "ServiceAccountDrifted", lambda world: world.native("ServiceAccount", "agent", drifted=True),
        "RuntimeIdentityReady", "ServiceAccountDrifted",
    ),
    Case(
        "ServiceAccountDrifted",
        lambda world: world.status("AgentServiceAccount", "agent", ("ServiceAccountDrifted", "True")),
        "RuntimeIdentityReady", "ServiceAccountDrifted",
    ),
    Case(
        "ServiceAccountCannotUseRunner", _set("AgentServiceAccount", "agent", allowedRunnerPools=["big"]),
        "RuntimeIdentityReady", "ServiceAccountCannotUseRunner",
    ),
    Case("ServiceAccountCannotUseRunner", _set("AgentServiceAccount", "agent", allowedRepositories=[])),
    Case("TokenProjectionForbidden", _refuse(subresource="token"), "RuntimeIdentityReady",
         "TokenProjectionForbidden"),
    Case("MissingRunnerServiceAccount", _drop("AgentServiceAccount", "runner"), "RuntimeIdentityReady",
         "MissingServiceAccount"),
    Case("MissingRunnerServiceAccount", lambda world: world.natives.pop(("ServiceAccount", "runner")),
         "RuntimeIdentityReady", "MissingServiceAccount"),
    Case("MissingRunnerServiceAccount",
         _both(_drop("AgentServiceAccount", "runner"), lambda world: world.settle(external_gateway=True)),
         blocks=False),
    # Roles
    Case("MissingRoleBinding", _drop("AgentRoleBinding", "reader"), "RolesAdmitted", "MissingRoleBinding"),
    Case("MissingRoleBinding", _set("AgentRoleBinding", "reader", subject={"kind": "user", "name": "agent"}),
         "RolesAdmitted", "MissingRoleBinding"),
    Case("MissingRoleBinding", _set("AgentRoleBinding", "reader", scope={"kind": "repository", "name": "web"})),
    Case("MissingRoleBinding", _set("AgentRoleBinding", "reader", scope={"kind": "cluster", "name": "x"}),
         "RolesAdmitted", "MissingRoleBinding"),
    Case("MissingRoleBinding", _set("AgentToolProfile", "readonly", requiredRoles=["krate-agent-approver"]),
         "RolesAdmitted", "MissingRoleBinding"),
    Case("MissingRoleBinding", _stack(permissionRefs={"roleBindings": ["writer"]}), "RolesAdmitted",
         "MissingRoleBinding"),
    Case("RoleDenied", _refuse(resource="pipelines", verb="watch"), "RolesAdmitted", "MissingRoleBinding"),
    Case(
        "RoleDenied", _both(
            _set("AgentRoleBinding", "reader", roleRef={"kind": "Role", "name": "gone"}),
            _set("AgentToolProfile", "readonly", requiredRoles=[]),
        ), "RolesAdmitted", "MissingRoleBinding",
    ),
    Case("AccessReviewUnavailable", _no_answer, "RolesAdmitted", "AccessReviewUnavailable"),
    Case(
        "RoleBindingDrifted", lambda world: world.native("RoleBinding", "reader", drifted=True),
        "RolesAdmitted", "RoleBindingDrifted",
    ),
    Case(
        "RoleBindingDrifted",
        lambda world: world.status("AgentRoleBinding", "reader", ("NativeBindingDrifted", "True")),
        "RolesAdmitted", "RoleBindingDrifted",
    ),
    Case(
        "RoleBindingDrifted",
        _both(
            lambda world: world.put(
                make(
                    "AgentRoleBinding", "extra", subject={"kind": "agent-stack", "name": "triage"},
                    roleRef={"kind": "RoleTemplate", "name": "krate-agent-ci-diagnoser"},
                    scope={"kind": "organization", "name": "acme"},
                )
            ),
            lambda world: world.native("RoleBinding", "extra", drifted=True),
        ),
        blocks=False,
    ),
    Case(
        "EscalationDenied",
        lambda world: world.status("AgentRoleBinding", "reader", ("EscalationAdmitted", "False")),
        "RolesAdmitted", "EscalationDenied",
    ),
    Case(
        "EscalationDenied", _both(lambda world: world.settle(applier="git"), _refuse(user="git")),
        "RolesAdmitted", "EscalationDenied",
    ),
    # Secrets and configuration
    Case("MissingSecretGrant", _drop("AgentSecretGrant", "log-token"), "SecretsAdmitted", "MissingSecretGrant"),
    Case("MissingSecretGrant", _stack(permissionRefs={"secretGrants": ["other"]}), "SecretsAdmitted",
         "MissingSecretGrant"),
    Case(
        "ToolSecretNotGranted",
        _both(
            _set("AgentToolProfile", "readonly", requiredSecretRefs=[{"name": "tool-login", "keys": ["token"]}]),
            lambda world: world.native("Secret", "tool-login", keys=("token",)),
        ),
        "SecretsAdmitted", "MissingSecretGrant",
    ),
    Case("SecretDenied", _stack(secretPolicy={"allowedSecretRefs": ["other"]}), "SecretsAdmitted",
         "MissingSecretGrant"),
    Case("SecretMissing", lambda world: world.natives.pop(("Secret", "log-login")), "SecretsAdmitted",
         "SecretMissing"),
    Case("SecretKeyMissing", lambda world: world.native("Secret", "log-login", keys=("other",)), "SecretsAdmitted",
         "SecretKeyMissing"),
    Case("SecretKeyMissing", lambda world: world.native("Secret", "log-login", keys=None), "SecretsAdmitted",
         "SecretKeyMissing"),
    Case("MissingConfigGrant", _drop("AgentConfigGrant", "log-settings"), "ConfigAdmitted", "MissingConfigGrant"),
    Case("MissingConfigGrant", _stack(permissionRefs={"configGrants": ["other"]}), "ConfigAdmitted",
         "MissingConfigGrant"),
    Case(
        "ConfigDenied", lambda world: world.put(config_grant(allowedRefs={"exclude": ["refs/heads/main"]})),
    ),
    Case("ConfigDenied", lambda world: world.status("AgentConfigGrant", "log-settings", phase="Revoked"),
         "ConfigAdmitted", "MissingConfigGrant"),
    Case("ConfigMapMissing", lambda world: world.natives.pop(("ConfigMap", "log-settings")), "ConfigAdmitted",
         "ConfigMapMissing"),
    Case("ConfigKeyMissing", lambda world: world.native("ConfigMap", "log-settings", keys=()), "ConfigAdmitted",
         "ConfigKeyMissing"),
    Case("GrantStale", lambda world: world.status("AgentSecretGrant", "log-token", metadataVersion="20"),
         "SecretsAdmitted", "GrantStale"),
    Case("GrantStale", lambda world: world.status("AgentConfigGrant", "log-settings", ("GrantTargetDrifted", "True")),
         "ConfigAdmitted", "GrantStale"),
    Case("GrantStale", lambda world: world.status("AgentSecretGrant", "log-token", ("PolicyAdmitted", "False")),
         "SecretsAdmitted", "GrantStale"),
    Case(
        "GrantStale",
        _both(
            lambda world: world.put(grant("unused", {"kind": "agent-stack", "name": "triage"}, purpose="cache")),
            lambda world: world.status("AgentSecretGrant", "unused", metadataVersion="20"),
        ),
        blocks=False,
    ),
    # Workspaces
    Case(
        "NoSessionsAllowed",
        _both(_stack(subagentRefs=[]), _set("AgentWorkspacePolicy", "look-only", maxConcurrentSessions=0)),
        "PolicyAdmitted", "NoSessionsAllowed",
    ),
    # Notes
    Case("ApprovalRequired", lambda world: world.put(grant(requiredApproval="always")), blocks=False),
    Case("ApprovalRequired", _stack(writeBackPolicy={"allowedTargets": ["branch-push"]}), blocks=False),
    Case("BroadGrant", lambda world: world.put(grant(allowedRepositories=[])), blocks=False),
    Case("UntrustedGrant", lambda world: world.put(grant(allowedRefs={"include": ["refs/**"]})), blocks=False),
    Case(
        "RotationOverdue",
        _both(
            lambda world: world.put(grant(rotationPolicy={"maxAgeDays": 30})),
            lambda world: world.native("Secret", "log-login", rotated_at="2026-01-01T00:00:00Z"),
        ),
        blocks=False,
    ),
    Case(
        "MetadataBlind",
        _both(
            lambda world: world.settle(metadata_blind=True),
            lambda world: world.native("Secret", "log-login", keys=None),
        ),
        blocks=False,
    ),
    Case("UntrustedSource", _both(_UNTRUSTED, _stack(mcpServerRefs=[], subagentRefs=[])), blocks=False),
)  # fmt: skip
_IDS = [f"{case.code}-{sum(other.code == case.code for other in CASES[:at])}" for at, case in enumerate(CASES)]


@pytest.mark.parametrize("case", CASES, ids=_IDS)
def test_an_edit_brings_up_its_reason(case: Case) -> None:
    world = World()
    assert world.review().reasons == ()
    case.edit(world)
    found = world.review()
    assert case.code in codes(found, blocking=case.blocks)
    assert (found.decision == "denied") == case.blocks
    assert set(codes(found)) <= {case.code, *case.also, *_FOLLOWING.get(case.code, ())}


_FOLLOWING = {
    # What hangs on a thing that is missing is told as well.
    "MissingMcpServers": (),
    "MissingServiceAccount": ("MissingRoleBinding",),
    "UntrustedRefDenied": ("UntrustedRefDenied",),
    "CrossOrgDenied": ("MissingSkills",),
    "ToolPolicyMissing": (),
}


@pytest.mark.parametrize("case", CASES, ids=_IDS)
def test_readiness_follows_from_reasons(case: Case) -> None:
    world = World()
    case.edit(world)
    state = world.state()
    asked: frozenset[AccessQuestion] = readiness_access("triage", state)
    found = readiness("triage", state.with_access(world.answers(asked)))
    assert [one.type for one in found.conditions] == [*CONDITIONS, "Ready"]
    bad = {one.type: one.reason for one in found.conditions if one.status != "True"}
    assert found.ready == (not case.condition)
    if case.condition:
        assert bad[case.condition] == case.reason
        assert set(bad) <= {case.condition, "Ready", *_ALSO.get(case.code, ())}


_ALSO = {"AccessReviewUnavailable": (), "MissingServiceAccount": ("RolesAdmitted",)}


def test_every_reason_has_a_case_or_a_test_of_its_own() -> None:
    assert {case.code for case in CASES} | {"ClusterNotConsulted"} == set(REASONS)


@pytest.mark.parametrize("code", REASONS)
def test_the_table_says_what_a_reason_means(code: str) -> None:
    kind = REASONS[code]
    assert kind.code == code
    assert kind.says
    assert kind.condition in (*CONDITIONS, "")
    assert bool(kind.condition_reason) == (bool(kind.condition) or code == "GrantStale")
