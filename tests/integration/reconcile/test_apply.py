"""From a commit to the cluster: what is written, in which order, and that nothing is written twice."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.client.api import Api
from krate_gitops.reconcile.opening import find_source
from krate_gitops.reconcile.plan import Op
from krate_gitops.reconcile.run_pass import run_pass
from krate_gitops.reconcile.tools import Tools
from tests.clusters import FULL_RULES, World

STACK: dict[str, Any] = {
    "baseAgent": "codex",
    "adapter": "codex",
    "runtimeIdentity": {"serviceAccountRef": "runner"},
    "toolProfileRef": "readonly",
}
PROFILE = {"filesystemPolicy": "read-only", "approvalPolicyByTool": {"git": "allow"}}


def whole(world: World) -> dict[str, str]:
    """An account, its binding, a tool profile and a stack that needs all of them."""
    account = world.document(
        "AgentServiceAccount", "runner", {"namespace": world.namespace, "serviceAccountName": "runner"}
    )
    binding = world.document(
        "AgentRoleBinding",
        "runner",
        {
            "subject": {"kind": "service-account", "name": "runner"},
            "roleRef": {"kind": "RoleTemplate", "name": "krate-agent-readonly"},
            "scope": {"kind": "namespace", "name": world.namespace},
        },
    )
    return {
        "a-stack.yaml": world.text(world.document("AgentStack", "triage", STACK)),
        "b-profile.yaml": world.text(world.document("AgentToolProfile", "readonly", PROFILE)),
        "c-identity.yaml": world.text(account, binding),
    }


def test_a_commit_becomes_the_state_of_the_cluster_in_one_pass(world: World) -> None:
    commit = world.commit(whole(world))
    world.install()
    outcome = world.reconcile()
    assert outcome.stop is None, outcome.stop
    assert outcome.counts == {"created": 4, "updated": 0, "unchanged": 0, "pruned": 0, "held": 0, "failed": 0}
    stack = world.get("AgentStack", "triage")
    assert stack is not None
    assert stack["spec"]["approvalMode"] == "prompt", "defaults are written out"
    assert stack["metadata"]["labels"]["krate.a5c.ai/org"] == world.slug
    assert stack["metadata"]["labels"]["krate.a5c.ai/namespace"] == world.namespace
    assert stack["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "krate-gitops"
    assert stack["metadata"]["annotations"]["krate.a5c.ai/source-path"] == "a-stack.yaml#0"
    assert commit not in str(stack), "a commit is not stamped on objects"
    source = world.source()
    assert source.last_applied == commit
    assert world.condition("Applied") == ("True", "Applied")
    assert world.inventory() == [
        "AgentRoleBinding/runner",
        "AgentServiceAccount/runner",
        "AgentStack/triage",
        "AgentToolProfile/readonly",
    ]
    waves = [item["wave"] for item in source.status["inventory"]]
    assert waves == sorted(waves)
    assert all(item["uid"] for item in source.status["inventory"])


def test_what_needs_others_is_applied_after_them(world: World) -> None:
    world.commit(whole(world))
    world.install()
    world.reconcile()
    versions = {
        kind: int(found["metadata"]["resourceVersion"])
        for kind, name in (("AgentServiceAccount", "runner"), ("AgentRoleBinding", "runner"),
                           ("AgentToolProfile", "readonly"), ("AgentStack", "triage"))
        if (found := world.get(kind, name))
    }  # fmt: skip
    assert list(versions) == sorted(versions, key=versions.__getitem__)


def test_a_second_pass_writes_nothing(world: World) -> None:
    world.commit(whole(world))
    world.install()
    world.reconcile()
    before = {one: world.get(*one) for one in (("AgentStack", "triage"), ("GitOpsSource", "main"))}

    async def again(api: Api) -> dict[str, int]:
        source = await find_source(api, f"{world.namespace}/main", organization=world.slug)
        await api.discovery()
        await run_pass(Tools(api=api, settings=world.settings, repository=str(world.repo.path)), source)
        return dict(api.calls.requests)

    calls = world.run(again)
    assert not {"apply", "create", "patch", "delete", "merge_patch", "update"} & calls.keys(), calls
    assert sum(calls.values()) <= 10 + 4, calls
    assert {one: world.get(*one) for one in before} == before


def test_one_changed_object_is_one_write(world: World) -> None:
    world.commit({"labels.yaml": world.text(*(world.label(f"l{number}") for number in range(20)))})
    world.install()
    world.reconcile()
    world.commit({"labels.yaml": world.text(*(world.label(f"l{n}", "Changed." if n == 7 else "Look at the logs first.")
                                              for n in range(20)))})  # fmt: skip
    outcome = world.reconcile()
    assert (outcome.counts["updated"], outcome.counts["unchanged"]) == (1, 19)
    [changed] = [step for step in outcome.draft.steps if step.op is Op.UPDATE]  # type: ignore[union-attr]
    assert changed.changed_fields == ("metadata.annotations.krate.a5c.ai/content-digest", "spec.promptFragment")
    revisions = [item["revision"] for item in world.source().status["inventory"]]
    assert len(set(revisions)) == 2, "only the entry of the object that changed is written anew"


def test_a_dry_run_writes_no_object_and_plans_the_same(world: World) -> None:
    world.commit(whole(world))
    world.install()
    dry = world.reconcile(dry_run=True)
    assert world.list("AgentStack") == []
    assert world.source().status["planDigest"] == dry.plan.plan_digest  # type: ignore[union-attr]
    assert world.reconcile().plan == dry.plan


def test_a_moved_file_changes_its_mark_and_nothing_else(world: World) -> None:
    world.commit({"one.yaml": world.text(world.label("x"))})
    world.install()
    world.reconcile()
    uid = world.get("AgentContextLabel", "x")["metadata"]["uid"]  # type: ignore[index]
    world.commit({"one.yaml": None, "two.yaml": world.text(world.label("x"))})
    outcome = world.reconcile()
    assert outcome.counts["pruned"] == 0
    live = world.get("AgentContextLabel", "x")
    assert live is not None
    assert live["metadata"]["uid"] == uid
    assert live["metadata"]["annotations"]["krate.a5c.ai/source-path"] == "two.yaml#0"


def test_a_field_that_git_no_longer_says_goes(world: World) -> None:
    world.commit({"a.yaml": world.text(world.document("AgentSkill", "s", {
        "format": "inline", "sourceRef": {"kind": "inline"}, "promptFragment": "x", "owner": "dana"}))})  # fmt: skip
    world.install()
    world.reconcile()
    world.commit({"a.yaml": world.text(world.document("AgentSkill", "s", {
        "format": "inline", "sourceRef": {"kind": "inline"}, "promptFragment": "x"}))})  # fmt: skip
    world.reconcile()
    assert "owner" not in world.get("AgentSkill", "s")["spec"]  # type: ignore[index]


def test_an_unknown_field_is_told_and_left_out_where_the_source_is_lenient(world: World) -> None:
    world.commit({"a.yaml": world.text(world.document("AgentContextLabel", "x", {
        "promptFragment": "x", "allowedSources": ["job"], "surprise": 1}))})  # fmt: skip
    world.install(validation={"strict": False})
    outcome = world.reconcile()
    assert outcome.stop is None
    assert [(one.code, one.effect.value) for one in outcome.diagnostics] == [("KR012", "warn")]
    assert world.reconcile().counts["unchanged"] == 1
    world.patch("GitOpsSource", "main", {"spec": {"validation": {"strict": True}}})
    assert world.reconcile().stop.code == "KR012"  # type: ignore[union-attr]


def test_a_config_map_is_applied_where_the_source_admits_it(world: World) -> None:
    value = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}
    world.commit({"a.yaml": world.text(value)})
    world.install()
    assert world.reconcile().stop.code == "KR017"  # type: ignore[union-attr]
    world.patch("GitOpsSource", "main", {"spec": {"allowedNativeKinds": ["ConfigMap"]}})
    assert world.reconcile().stop is None
    live = world.get("ConfigMap", "c")
    assert live is not None
    assert live["data"] == {"a": "1"}
    assert world.reconcile().counts["unchanged"] == 1


def test_an_identity_without_rights_writes_nothing_and_is_named_kr724(world: World) -> None:
    world.commit(whole(world))
    world.install()
    world.set_rules({**FULL_RULES[0], "verbs": ["get", "list", "watch"]})
    outcome = world.reconcile()
    assert outcome.counts["held"] == 4
    assert {code for step in outcome.draft.steps for code in step.codes} == {"KR724"}  # type: ignore[union-attr]
    assert world.condition("PermissionsReviewed") == ("False", "ApplyDenied")
    assert world.list("AgentStack") == []
    world.set_rules(*FULL_RULES)
    assert world.reconcile().counts["created"] == 4
    assert world.condition("PermissionsReviewed")[0] == "True"


def test_events_tell_of_transitions_only(world: World) -> None:
    world.commit({"a.yaml": world.text(world.label("x"))})
    world.install()
    world.reconcile()
    first = world.list("Event")
    assert {one["reason"] for one in first} >= {"Applied", "Resolved"}
    world.reconcile()
    assert len(world.list("Event")) == len(first)


def test_audit_has_an_intent_before_and_an_outcome_after(world: World) -> None:
    world.commit(whole(world))
    world.install()
    world.reconcile()
    found = [(entry.type, entry.stage.value) for entry in world.audited]
    assert found[0] == ("ConfigApplied", "intent")
    assert ("ConfigApplied", "outcome") in found
    assert ("AgentRoleBindingApplied", "outcome") in found
    assert ("AgentStackSaved", "outcome") in found
    count = len(world.audited)
    world.reconcile()
    assert len(world.audited) == count


def test_a_closed_audit_log_stops_every_write(world: World) -> None:
    def refuse(_: Any) -> None:
        raise OSError("the disk is full")

    world.commit({"a.yaml": world.text(world.label("x"))})
    world.install()
    with pytest.raises(OSError, match="disk"):
        world.reconcile(audit=refuse)
    assert world.list("AgentContextLabel") == []


def test_a_suspended_source_does_nothing(world: World) -> None:
    world.commit({"a.yaml": world.text(world.label("x"))})
    world.install(suspend=True)
    assert world.reconcile().phase == "Suspended"
    assert world.condition("Suspended")[0] == "True"
    assert world.list("AgentContextLabel") == []
    world.patch("GitOpsSource", "main", {"spec": {"suspend": False}})
    assert world.reconcile().counts["created"] == 1
    assert world.condition("Suspended")[0] == "False"


def test_an_account_its_binding_and_a_stack_are_applied_at_once_by_a_limited_identity(world: World) -> None:
    world.set_rules({**FULL_RULES[0], "verbs": ["get", "list", "create", "patch", "bind"]}, FULL_RULES[2])
    world.commit(whole(world))
    world.install()
    tried = world.reconcile(dry_run=True)
    assert tried.stop is None
    assert tried.plan is not None
    assert {entry.op for entry in tried.plan.entries} == {"create"}
    assert world.get("AgentStack", "triage") is None
    done = world.reconcile()
    assert done.stop is None
    assert done.plan is not None
    assert done.plan.plan_digest == tried.plan.plan_digest
    assert (done.counts["created"], done.counts["held"], done.counts["failed"]) == (len(tried.plan.entries), 0, 0)
