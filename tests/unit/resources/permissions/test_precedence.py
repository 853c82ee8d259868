"""Which grant counts for a key, by the order of precedence, and what strangers' code may have."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.resources.permissions.grants import Granted
from tests.unit.resources.permissions.world import World, codes, config_grant, grant

_SUBJECTS = [
    {"kind": "service-account", "name": "agent"},
    {"kind": "agent-stack", "name": "triage"},
    {"kind": "mcp-server", "name": "logs"},
    {"kind": "team", "name": "maintainers"},
    {"kind": "runner-pool", "name": "untrusted-linux"},
]
"""From the narrowest to the broadest."""
_PULL = "refs/pull/7/head"


def needed(world: World) -> Granted:
    """What became of the one Secret that the log server needs."""
    [found] = world.review().required_secrets
    return found


def alone() -> World:
    """A world without a grant for the Secret, whose stack runs unprivileged."""
    world = World()
    del world.objects["AgentSecretGrant", "log-token"]
    return world


@pytest.mark.parametrize("at", range(len(_SUBJECTS)))
def test_the_narrowest_subject_counts(at: int) -> None:
    world = alone()
    # Names are given backwards, so that their order can't be what decides.
    for rank, subject in list(enumerate(_SUBJECTS))[at:]:
        world.put(grant(f"grant-{9 - rank}", subject))
    assert (needed(world).result, needed(world).grant) == ("allowed", f"grant-{9 - at}")


@pytest.mark.parametrize(
    "subject",
    [
        {"kind": "mcp-server", "name": "logs", "stackRef": "triage"},
        {"kind": "mcp-server", "name": "logs", "serviceAccountRef": "agent"},
        {"kind": "user", "name": "dana"},
    ],
)
def test_a_capability_within_the_stack_and_the_caller_are_exact_subjects(subject: dict[str, Any]) -> None:
    world = alone()
    world.put(grant("a-stack", {"kind": "agent-stack", "name": "triage"}), grant("exact", subject))
    assert needed(world).grant == "exact"


@pytest.mark.parametrize(
    "subject",
    [
        {"kind": "service-account", "name": "other"},
        {"kind": "agent-stack", "name": "other"},
        {"kind": "mcp-server", "name": "other"},
        {"kind": "mcp-server", "name": "logs", "stackRef": "other"},
        {"kind": "mcp-server", "name": "logs", "serviceAccountRef": "other"},
        {"kind": "skill", "name": "logs"},
        {"kind": "tool", "name": "readonly"},
        {"kind": "team", "name": "others"},
        {"kind": "user", "name": "robin"},
        {"kind": "runner-pool", "name": "big"},
    ],
)
def test_a_grant_to_somebody_else_is_none(subject: dict[str, Any]) -> None:
    world = alone()
    world.put(grant("other", subject))
    assert needed(world).result == "missing-grant"


@pytest.mark.parametrize(
    "spec",
    [
        {"purpose": "git-credential"},
        {"allowedRepositories": ["web"]},
        {"allowedRefs": {"include": ["refs/heads/release/*"]}},
        {"allowedTriggerSources": ["ci"]},
        {"secretRef": {"name": "log-login", "keys": ["other"]}},
        {"secretRef": {"name": "other", "keys": ["token"]}},
        {"secretRef": {"name": "log-login", "keys": ["token"], "namespace": "krate-org-other"}},
    ],
)
def test_a_candidate_must_fit_in_everything(spec: dict[str, Any]) -> None:
    world = World()
    world.ask(trigger_source="manual")
    world.put(grant(**spec))
    found = world.review()
    assert codes(found) == ["MissingSecretGrant"]
    assert [(one.kind, one.name, one.keys) for one in found.missing_grants] == [
        ("AgentSecretGrant", "log-login", ("token",))
    ]


@pytest.mark.parametrize(
    ("include", "ref"),
    [
        (["refs/heads/main"], "main"),
        (["main"], "refs/heads/main"),
        (["refs/heads/release/*"], "release/9"),
        (["refs/**"], "refs/tags/v1"),
        (["**"], "main"),
    ],
)
def test_refs_are_compared_in_full_and_as_branches(include: list[str], ref: str) -> None:
    world = World()
    world.ask(ref=ref)
    world.put(grant(allowedRefs={"include": include}))
    assert needed(world).result == "allowed"


def test_an_unready_grant_gives_way_to_a_broader_one() -> None:
    world = World()
    world.put(grant("exact", {"kind": "service-account", "name": "agent"}))
    world.status("AgentSecretGrant", "exact", metadataVersion="20")
    assert needed(world).grant == "log-token"
    del world.objects["AgentSecretGrant", "log-token"]
    assert needed(world).result == "stale-grant"


@pytest.mark.parametrize("subject", _SUBJECTS)
@pytest.mark.parametrize("how", ["revoked", "excluded", "filtered"])
def test_no_grant_overrides_a_deny(subject: dict[str, Any], how: str) -> None:
    world = World()
    for at, one in enumerate(_SUBJECTS):
        world.put(grant(f"grant-{at}", one))
    if how == "filtered":
        world.spec("AgentStack", "triage")["secretPolicy"] = {"allowedSecretRefs": ["other"]}
    else:
        refs = {"include": ["refs/heads/main"], "exclude": ["refs/heads/main"]} if how == "excluded" else None
        world.put(grant("deny", subject, **({"allowedRefs": refs} if refs else {})))
        if how == "revoked":
            world.status("AgentSecretGrant", "deny", phase="Revoked", stale=True)
    assert needed(world).result == "denied"
    assert codes(world.review()) == ["SecretDenied"]


def test_a_deny_counts_before_a_missing_target_and_that_before_grants() -> None:
    world = World()
    del world.natives["Secret", "log-login"]
    assert needed(world).result == "missing-target"
    del world.objects["AgentSecretGrant", "log-token"]
    assert needed(world).result == "missing-target"
    world.spec("AgentStack", "triage")["secretPolicy"] = {"allowedSecretRefs": ["other"]}
    assert needed(world).result == "denied"


def test_keys_of_one_need_may_have_grants_of_their_own() -> None:
    world = World()
    world.spec("AgentMcpServer", "logs")["secretRefs"] = [{"name": "log-login", "keys": ["token", "user", "pin"]}]
    world.native("Secret", "log-login", keys=("pin", "token", "user"))
    world.put(grant("users", secretRef={"name": "log-login", "keys": ["user"]}))
    found = {one.keys: (one.result, one.grant) for one in world.review().required_secrets}
    assert found == {
        ("token",): ("allowed", "log-token"),
        ("user",): ("allowed", "users"),
        ("pin",): ("missing-grant", ""),
    }


@pytest.mark.parametrize(
    ("asked", "ref", "expected"),
    [
        ("never", "main", "allowed"),
        ("on-untrusted-ref", "main", "allowed"),
        ("always", "main", "requires-approval"),
        ("never", _PULL, "requires-approval"),
        ("on-untrusted-ref", _PULL, "requires-approval"),
        ("always", _PULL, "requires-approval"),
    ],
)
def test_who_approves(asked: str, ref: str, expected: str) -> None:
    world = World()
    world.ask(ref=ref)
    world.spec("AgentStack", "triage")["secretPolicy"] = {"allowOnForks": True}
    world.put(grant(requiredApproval=asked, allowedRefs={"include": ["refs/heads/main", "refs/pull/**"]}))
    world.put(config_grant(requiredApproval="never", allowedRefs={"include": ["refs/heads/main", "refs/pull/**"]}))
    found = world.review()
    assert (needed(world).result, found.decision) == (expected, expected)
    assert bool(found.approval_requirements) == (expected == "requires-approval")


@pytest.mark.parametrize(
    ("allow_on_forks", "include", "request_", "code"),
    [
        (True, ["refs/pull/*/head"], {"ref": _PULL}, None),
        (True, ["refs/pull/*/head"], {"ref": "pull/7/head"}, None),
        (True, ["refs/pull/**"], {"ref": _PULL, "is_fork": True}, None),
        (False, ["refs/pull/*/head"], {"ref": _PULL}, "UntrustedRefDenied"),
        (True, ["refs/pull/8/head"], {"ref": _PULL}, "UntrustedRefDenied"),
        (True, ["**"], {"ref": _PULL}, "UntrustedRefDenied"),
        (True, ["refs/**"], {"ref": _PULL}, "UntrustedRefDenied"),
        (True, ["refs/p*/**"], {"ref": _PULL}, "UntrustedRefDenied"),
        (True, None, {"ref": _PULL}, "UntrustedRefDenied"),
        (True, ["refs/heads/main"], {"ref": "main", "is_fork": True}, "UntrustedRefDenied"),
        (True, ["refs/heads/main"], {"ref": "main", "source_untrusted": True}, "UntrustedRefDenied"),
        (True, ["refs/merge-requests/**"], {"ref": "refs/merge-requests/3/head"}, None),
        (True, ["refs/pull/**"], {"ref": "", "is_fork": True}, "UntrustedRefDenied"),
    ],
)
def test_strangers_get_a_secret_by_a_named_exception_only(
    allow_on_forks: bool, include: list[str] | None, request_: dict[str, Any], code: str | None
) -> None:
    world = World()
    world.ask(**request_)
    world.spec("AgentStack", "triage")["secretPolicy"] = {"allowOnForks": allow_on_forks}
    world.spec("AgentMcpServer", "logs")["configMapRefs"] = []
    world.put(grant(**({"allowedRefs": {"include": include}} if include else {})))
    found = world.review()
    assert codes(found) == ([code] if code else [])
    assert found.trust == "untrusted"
    assert found.decision == ("denied" if code else "requires-approval")
    assert found.untrusted_warnings


@pytest.mark.parametrize(
    "ref",
    [
        "refs//pull/7/head",
        "/refs/pull/7/head",
        "refs/heads/../pull/7/head",
        "refs/heads/main ",
        "refs/heads/a:b",
        "a\n",
    ],
)
def test_what_git_takes_for_no_ref_is_not_trusted(ref: str) -> None:
    world = World()
    world.ask(ref=ref)
    assert world.review().trust == "untrusted"


@pytest.mark.parametrize("ref", ["", "main", "refs/heads/pulls", "refs/tags/v1.0", "a" * 40, "feature/pull/7"])
def test_branches_tags_and_commits_are_trusted(ref: str) -> None:
    world = World()
    world.ask(ref=ref)
    assert world.review().trust == "trusted"


def test_configuration_for_strangers_needs_a_named_ref_and_no_exception() -> None:
    world = World()
    world.ask(ref=_PULL)
    world.spec("AgentMcpServer", "logs")["secretRefs"] = []
    assert codes(world.review()) == ["UntrustedRefDenied"]
    world.put(config_grant(allowedRefs={"include": ["refs/pull/**"]}, requiredApproval="never"))
    assert world.review().decision == "allowed"


@pytest.mark.parametrize(
    ("role", "rules", "is_denied"),
    [
        ("krate-agent-readonly", [], False),
        ("krate-agent-ci-diagnoser", [], False),
        ("krate-agent-readonly", [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}], False),
        ("krate-agent-readonly", [{"verbs": ["patch"], "apiGroups": [""], "resources": ["pods"]}], True),
        ("krate-agent-repository-repair", [], True),
    ],
)
def test_a_privileged_account_runs_nothing_of_strangers(
    role: str, rules: list[dict[str, Any]], is_denied: bool
) -> None:
    world = World()
    world.ask(ref=_PULL)
    world.spec("AgentStack", "triage").update(mcpServerRefs=[], subagentRefs=[])
    world.spec("AgentToolProfile", "readonly")["requiredRoles"] = []
    world.spec("AgentRoleBinding", "reader").update(roleRef={"kind": "RoleTemplate", "name": role}, resourceRules=rules)
    assert codes(world.review()) == (["UntrustedRefDenied"] if is_denied else [])


def test_a_provider_token_is_needed_where_a_configuration_names_one() -> None:
    from tests.unit.resources.permissions.world import make

    world = World()
    world.spec("AgentStack", "triage")["provider"] = "lab"
    config = make(
        "AgentProviderConfig", "lab-config", provider="lab", authType="token",
        secretRef={"name": "lab-login", "keys": ["api-key"]},
    )  # fmt: skip
    world.put(config)
    world.native("Secret", "lab-login", keys=("api-key",))
    assert codes(world.review()) == ["MissingSecretGrant"]
    world.put(
        grant(
            "lab", {"kind": "agent-stack", "name": "triage"}, purpose="model-provider-token",
            secretRef={"name": "lab-login", "keys": ["api-key"]},
        )
    )  # fmt: skip
    assert codes(world.review()) == []
    config["spec"]["authType"] = "none"
    assert [one.name for one in world.review().required_secrets] == ["log-login"]


def test_a_provider_token_is_needed_where_the_deployment_mode_names_one() -> None:
    world = World()
    world.settle(provider_secret="model-login", provider_keys=("key",))
    world.native("Secret", "model-login", keys=("key",))
    found = world.review()
    assert [(one.name, one.purpose) for one in found.missing_grants] == [("model-login", "model-provider-token")]


def test_a_field_that_does_not_say_which_takes_a_config_map_where_only_that_is_known() -> None:
    world = World()
    world.spec("AgentMcpServer", "logs").update(configMapRefs=[], envFrom=[{"name": "log-settings", "keys": ["url"]}])
    found = world.review()
    assert ([one.name for one in found.required_configs], found.decision) == (["log-settings"], "allowed")


def test_narrowing_takes_needs_away() -> None:
    world = World()
    del world.objects["AgentSecretGrant", "log-token"]
    world.spec("AgentStack", "triage")["subagentRefs"] = []
    world.ask(mcp_server_refs=())
    found = world.review()
    assert (found.decision, found.required_secrets, found.capabilities.mcp_servers) == ("allowed", (), ())


def test_a_request_names_tools_in_either_spelling() -> None:
    world = World()
    world.ask(tool_refs=("code-search",))
    assert world.review().capabilities.tools == ("codeSearch",)


def test_a_narrower_workspace_may_be_asked_for() -> None:
    from tests.unit.resources.permissions.world import make

    world = World()
    world.spec("AgentSubagent", "helper")["workspaceScope"] = "no-workspace"
    world.put(make("AgentWorkspacePolicy", "none", mode="no-workspace", retentionPolicy={}, maxConcurrentSessions=1))
    world.ask(workspace_policy_ref="none")
    found = world.review()
    assert (found.decision, found.capabilities.workspace_policy) == ("allowed", "none")


@pytest.mark.parametrize(("pool", "is_trusted"), [("untrusted-linux", False), ("untrusted-arm", False), ("big", True)])
def test_a_pool_is_untrusted_by_the_settings_or_by_its_name(pool: str, is_trusted: bool) -> None:
    world = World()
    world.ask(runner_pool=pool, is_fork=True)
    assert ("UntrustedRunnerRequired" in codes(world.review())) == is_trusted
