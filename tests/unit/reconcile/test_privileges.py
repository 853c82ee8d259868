"""Which changes give more rights than there were."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.reconcile.privileges import privilege_increases

MORE: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("AgentRoleBinding", {"subject": {"name": "a"}}, {"subject": {"name": "b"}}, "spec.subject"),
    ("AgentRoleBinding", {"roleRef": {"name": "a"}}, {"roleRef": {"name": "b"}}, "spec.roleRef"),
    ("AgentRoleBinding", {"scope": {"kind": "repository"}}, {"scope": {"kind": "organization"}}, "spec.scope"),
    ("AgentRoleBinding", {}, {"resourceRules": [{"verbs": ["get"]}]}, "spec.resourceRules"),
    ("AgentRoleBinding", {}, {"escalationPolicy": "allow-if-owner"}, "spec.escalationPolicy"),
    ("AgentServiceAccount", {}, {"allowedRepositories": ["x"]}, "spec.allowedRepositories"),
    ("AgentServiceAccount", {}, {"allowedRunnerPools": ["x"]}, "spec.allowedRunnerPools"),
    ("AgentServiceAccount", {}, {"automountServiceAccountToken": True}, "spec.automountServiceAccountToken"),
    ("AgentSecretGrant", {"secretRef": {"keys": ["a"]}}, {"secretRef": {"keys": ["a", "b"]}}, "spec.secretRef.keys"),
    ("AgentSecretGrant", {"allowedRepositories": ["a"]}, {"allowedRepositories": []}, "spec.allowedRepositories"),
    ("AgentSecretGrant", {"allowedRepositories": ["a"]}, {"allowedRepositories": ["b"]}, "spec.allowedRepositories"),
    ("AgentSecretGrant", {"allowedRefs": {"include": ["main"]}}, {}, "spec.allowedRefs.include"),
    ("AgentSecretGrant", {"allowedRefs": {"exclude": ["x"]}}, {"allowedRefs": {}}, "spec.allowedRefs.exclude"),
    ("AgentSecretGrant", {"allowedTriggerSources": ["ci"]}, {}, "spec.allowedTriggerSources"),
    ("AgentSecretGrant", {}, {"mountPolicy": "env"}, "spec.mountPolicy"),
    ("AgentSecretGrant", {"requiredApproval": "always"}, {"requiredApproval": "never"}, "spec.requiredApproval"),
    ("AgentConfigGrant", {"configMapRef": {"name": "a"}}, {"configMapRef": {"name": "b"}}, "spec.configMapRef.name"),
    ("AgentStack", {"approvalMode": "prompt"}, {"approvalMode": "yolo"}, "spec.approvalMode"),
    ("AgentStack", {}, {"secretPolicy": {"allowOnForks": True}}, "spec.secretPolicy.allowOnForks"),
    ("AgentStack", {}, {"writeBackPolicy": {"requireApproval": False}}, "spec.writeBackPolicy.requireApproval"),
    ("AgentStack", {}, {"writeBackPolicy": {"allowedTargets": ["x"]}}, "spec.writeBackPolicy.allowedTargets"),
    ("AgentStack", {"deniedCommands": ["rm *"]}, {}, "spec.deniedCommands"),
    (
        "AgentToolProfile",
        {"filesystemPolicy": "read-only"},
        {"filesystemPolicy": "repo-write"},
        "spec.filesystemPolicy",
    ),
    ("AgentToolProfile", {}, {"networkPolicy": {"allowHosts": ["x"]}}, "spec.networkPolicy.allowHosts"),
    ("AgentToolProfile", {"nativeTools": {"shell": False}}, {"nativeTools": {"shell": True}}, "spec.nativeTools"),
    (
        "AgentToolProfile",
        {"approvalPolicyByTool": {"git": "deny"}},
        {"approvalPolicyByTool": {}},
        "spec.approvalPolicyByTool",
    ),
    ("AgentMcpServer", {"allowedAgentStacks": ["a"]}, {}, "spec.allowedAgentStacks"),
    ("AgentTriggerRule", {"approvalPolicy": {"requireFor": ["write-back"]}}, {}, "spec.approvalPolicy.requireFor"),
    ("AgentWorkspacePolicy", {"trustTier": "untrusted"}, {"trustTier": "trusted"}, "spec.trustTier"),
]


@pytest.mark.parametrize(("kind", "before", "after", "field"), MORE, ids=[f"{one[0]} {one[3]}" for one in MORE])
def test_more_rights_are_told_by_their_field(
    kind: str, before: dict[str, Any], after: dict[str, Any], field: str
) -> None:
    assert privilege_increases(kind, {"spec": before}, {"spec": after}) == (field,)


LESS = [one for one in MORE if one[3] not in ("spec.subject", "spec.roleRef", "spec.scope", "spec.configMapRef.name")]


@pytest.mark.parametrize(("kind", "before", "after", "field"), LESS, ids=[f"{one[0]} {one[3]}" for one in LESS])
def test_the_way_back_is_no_increase(kind: str, before: dict[str, Any], after: dict[str, Any], field: str) -> None:
    if before.get("allowedRepositories") == ["a"] and after.get("allowedRepositories") == ["b"]:
        return  # Another repository is more in both directions.
    assert field not in privilege_increases(kind, {"spec": after}, {"spec": before})


def test_what_grants_by_being_there_is_an_increase_as_a_whole() -> None:
    for kind in ("AgentRoleBinding", "AgentServiceAccount", "AgentSecretGrant", "AgentConfigGrant"):
        assert privilege_increases(kind, None, {"spec": {}}) == ("spec",)
    assert privilege_increases("AgentContextLabel", None, {"spec": {"promptFragment": "x"}}) == ()


def test_the_same_object_gives_nothing() -> None:
    for kind, before, _, _ in MORE:
        assert privilege_increases(kind, {"spec": before}, {"spec": before}) == ()
