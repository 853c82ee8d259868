"""The form of a review: its digest, its order, its previews, and what is never in it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from krate_gitops.encoding import plain
from krate_gitops.resources.permissions.natives import NativeObject, Natives, native_of
from krate_gitops.resources.permissions.overlay import overlay
from krate_gitops.resources.permissions.readiness import readiness, readiness_access
from krate_gitops.resources.permissions.reasons import order_of
from krate_gitops.resources.permissions.review import required_access, review
from krate_gitops.resources.permissions.state import ReviewState
from tests.proportion import assert_in_proportion
from tests.unit.resources.permissions.world import NOW, World, codes, config_grant, grant, make
from tests.unit.resources.sample import check

_SECRET = "hunter2-the-planted-value"


def test_the_answer_has_the_fields_of_the_contract_and_no_others() -> None:
    assert list(plain(World().review())) == [
        "decision", "organizationRef", "actor", "repository", "ref", "agentStack", "taskKind", "approvalMode", "trust",
        "capabilities", "runtimeIdentity", "runnerIdentity", "requiredRoles", "requiredSecrets", "requiredConfigs",
        "missingGrants", "approvalRequirements", "crossOrgDenials", "untrustedWarnings", "driftedNativeObjects",
        "yamlPreview", "reasons", "digest", "reviewedAt",
    ]  # fmt: skip


def test_reasons_are_sorted_and_blocking_ones_come_first() -> None:
    world = World()
    world.ask(ref="refs/pull/7/head")
    world.put(grant(allowedRepositories=[]), config_grant(allowedRepositories=[]))
    del world.objects["AgentServiceAccount", "agent"]
    found = world.review().reasons
    assert list(found) == sorted(found, key=order_of)
    assert [one.blocking for one in found] == sorted((one.blocking for one in found), reverse=True)
    assert len(found) > 3


@pytest.mark.parametrize("identity", sorted(World().objects))
def test_the_digest_changes_with_the_generation_of_each_thing_that_is_used(identity: tuple[str, str]) -> None:
    world = World()
    before = world.review().digest
    world.objects[identity]["metadata"]["generation"] = 2
    assert world.review().digest != before


@pytest.mark.parametrize("identity", sorted(World().natives))
def test_the_digest_changes_with_the_metadata_version_of_each_target(identity: tuple[str, str]) -> None:
    world = World()
    before = world.review().digest
    world.native(*identity, version="99")
    assert world.review().digest != before


def test_the_digest_is_of_what_decides_and_not_of_words_or_time() -> None:
    world = World()
    del world.objects["AgentSecretGrant", "log-token"]
    before = world.review()
    world.put(make("AgentSecretGrant", "elsewhere", **grant(subject={"kind": "tool", "name": "x"})["spec"]))
    assert world.review().digest == before.digest
    state = ReviewState.build(
        world.objects.values(), Natives(world.natives.values()),
        world.answers(required_access(world.request, world.state())),
        organization="acme", now=NOW + 60, policy=world.policy,
    )  # fmt: skip
    later = review(world.request, state)
    assert later.reviewed_at != before.reviewed_at
    # The preview's words hang on the objects alone, messages on nothing that is digested.
    assert later.digest == before.digest
    assert before.digest.startswith("sha256:")


def test_messages_are_outside_of_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    from krate_gitops.resources.permissions import roles

    world = World()
    world.native("RoleBinding", "reader", drifted=True)
    before = world.review()
    monkeypatch.setitem(roles._SAYS, "drifted", "other words about {}")
    after = world.review()
    assert [one.message for one in before.reasons] != [one.message for one in after.reasons]
    assert after.digest == before.digest


def test_what_is_asked_is_all_that_is_answered() -> None:
    world = World()
    world.settle(applier="system:serviceaccount:krate-org-acme:krate-gitops")
    state = world.state()
    asked = required_access(world.request, state)
    assert asked
    found = review(world.request, state.with_access(dict.fromkeys(asked, True)))
    assert found.decision == "allowed"
    for missing in asked:
        answers = {one: True for one in asked if one != missing}
        again = review(world.request, state.with_access(answers))
        assert again.decision in ("allowed", "denied")
    assert codes(review(world.request, state.with_access({}))).count("AccessReviewUnavailable") > 0


def test_questions_about_accounts_name_their_groups() -> None:
    asked = required_access(World().request, World().state())
    users = {one.user: one.groups for one in asked}
    assert users[""] == ()
    assert users["system:serviceaccount:krate-org-acme:agent"] == (
        "system:authenticated", "system:serviceaccounts", "system:serviceaccounts:krate-org-acme",
    )  # fmt: skip


def test_hostile_rules_are_refused_and_not_asked_one_by_one() -> None:
    world = World()
    words = [f"w{number}" for number in range(1000)]
    world.spec("AgentRoleBinding", "reader")["resourceRules"] = [{"verbs": words, "resources": words}]
    assert len(required_access(world.request, world.state())) < 10
    assert codes(world.review()) == ["RoleDenied"]


def test_without_a_cluster_its_checks_are_left_out_and_the_answer_says_so() -> None:
    world = World()
    state = ReviewState.build(world.objects.values(), organization="acme", now=NOW, converged=True)
    found = review(world.request, state)
    assert (found.decision, codes(found, blocking=False)) == ("allowed", ["ClusterNotConsulted"])
    assert required_access(world.request, state) == frozenset()


def test_no_secret_value_gets_into_an_answer() -> None:
    world = World()
    world.spec("AgentStack", "triage")["prompt"] = {"system": _SECRET, "task": _SECRET}
    world.spec("AgentMcpServer", "logs")["args"] = [_SECRET]
    world.spec("AgentSkill", "reading")["promptFragment"] = _SECRET
    for one in world.objects.values():
        one["metadata"]["annotations"] = {"note": _SECRET}
        one["metadata"]["labels"] = {"note": _SECRET}
        one["status"] = {"message": _SECRET, "observedGeneration": 1, "conditions": [
            {"type": "Ready", "status": "False", "reason": _SECRET, "message": _SECRET}]}  # fmt: skip
    whole_secret = {
        "kind": "Secret",
        "metadata": {"name": "log-login", "resourceVersion": "9", "annotations": {"last": _SECRET}},
        "data": {"other": _SECRET},
        "stringData": {"more": _SECRET},
    }
    world.natives["Secret", "log-login"] = native_of(whole_secret)
    del world.objects["AgentConfigGrant", "log-settings"]
    found = world.review()
    state = world.answered()
    assert codes(found) == ["GrantStale", "MissingConfigGrant"]
    for shown in (plain(found), plain(readiness("triage", state)), repr(found), repr(list(state.natives))):
        assert _SECRET not in json.dumps(shown)


def test_native_objects_have_no_field_for_values() -> None:
    assert set(NativeObject.__struct_fields__) == {
        "kind", "name", "version", "keys", "rules", "rotated_at", "drifted", "deleting",
    }  # fmt: skip


def test_key_names_are_read_from_the_managers_of_metadata() -> None:
    partial: dict[str, Any] = {
        "kind": "PartialObjectMetadata",
        "metadata": {
            "name": "log-login", "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z",
            "managedFields": [
                {
                    "manager": "kubectl", "time": "2026-05-01T00:00:00Z",
                    "fieldsV1": {"f:data": {".": {}, "f:token": {}}, "f:type": {}},
                },
                {"manager": "other", "fieldsV1": {"f:data": {"f:user": {}}, "f:metadata": {"f:labels": {}}}},
            ],
        },
    }  # fmt: skip
    found = native_of(partial, kind="Secret")
    assert (found.keys, found.version) == (("token", "user"), "7")
    assert found.rotated_at == "2026-05-01T00:00:00Z"
    del partial["metadata"]["managedFields"]
    assert native_of(partial, kind="Secret").keys is None
    assert native_of(partial, kind="Secret").rotated_at == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("junk", [{}, {"metadata": 1}, {"metadata": {"managedFields": [3]}}, {"rules": [1, {}]}])
def test_natives_of_odd_shapes_are_read_as_nothing(junk: dict[str, Any]) -> None:
    assert native_of(junk, kind="Secret").rules == ()
    assert native_of(junk, kind="Role").name == ""


def _broken() -> World:
    world = World()
    for identity in (
        ("AgentServiceAccount", "agent"), ("AgentServiceAccount", "runner"), ("AgentRoleBinding", "reader"),
        ("AgentSecretGrant", "log-token"), ("AgentConfigGrant", "log-settings"),
    ):  # fmt: skip
        del world.objects[identity]
    world.spec("AgentToolProfile", "readonly").update(
        requiredRoles=["krate-agent-ci-diagnoser"], requiredSecretRefs=[{"name": "Tool.Login", "keys": ["t"]}]
    )
    world.natives["Secret", "Tool.Login"] = NativeObject(kind="Secret", name="Tool.Login", keys=("t",))
    return world


@pytest.mark.parametrize("fields", [{}, {"repository": "", "ref": ""}])
def test_previews_pass_our_own_validation_and_mend_what_they_are_for(fields: dict[str, Any]) -> None:
    import yaml

    world = _broken()
    world.ask(**fields)
    found = world.review()
    assert found.decision == "denied"
    assert len(found.yaml_preview) == 6
    problems = [
        one for one in check("---\n".join(found.yaml_preview), org="acme")
        if one.severity == "error" or one.code not in ("KR201", "KR311")
    ]  # fmt: skip
    assert problems == []
    for text in found.yaml_preview:
        one = yaml.safe_load(text)
        one["metadata"]["generation"] = 1
        world.put(one)
    world.natives["ServiceAccount", "runner-untrusted-linux"] = NativeObject(
        kind="ServiceAccount", name="runner-untrusted-linux"
    )
    assert world.review().decision == "allowed"


def test_previews_grant_no_more_than_is_needed() -> None:
    import yaml

    world = World()
    del world.objects["AgentSecretGrant", "log-token"]
    [text] = world.review().yaml_preview
    assert yaml.safe_load(text)["spec"] == {
        "organizationRef": "acme",
        "subject": {"kind": "mcp-server", "name": "logs", "stackRef": "triage"},
        "secretRef": {"name": "log-login", "keys": ["token"]},
        "purpose": "mcp-server",
        "allowedRepositories": ["payments"],
        "allowedRefs": {"include": ["refs/heads/main"]},
    }


def test_a_commit_over_what_is_live_reviews_as_it_will_when_controllers_are_done() -> None:
    live = World()
    live.settle(applier="git")
    desired = [{key: value for key, value in one.items() if key != "status"} for one in live.objects.values()]
    for one in desired:
        one["metadata"] = {"name": one["metadata"]["name"]}
    # Nothing is there yet but Secret and ConfigMap, which no controller makes.
    before = Natives([live.natives["Secret", "log-login"], live.natives["ConfigMap", "log-settings"]])
    ahead = ReviewState.build(
        overlay(desired, []), before, organization="acme", now=NOW, policy=live.policy, converged=True
    )
    asked = readiness_access("triage", ahead)
    predicted = readiness("triage", ahead.with_access(dict.fromkeys(asked, True)))
    state = live.state()
    found = readiness("triage", state.with_access(dict.fromkeys(readiness_access("triage", state), True)))
    assert predicted.conditions == found.conditions
    assert predicted.ready


def test_a_changed_spec_makes_its_status_stale_as_it_will() -> None:
    world = World()
    world.status("AgentSecretGrant", "log-token", ("PolicyAdmitted", "False"))
    live = list(world.objects.values())
    same = {**grant(), "metadata": {"name": "log-token"}}
    kept, changed = (
        next(one for one in overlay([one], live) if one["metadata"]["name"] == "log-token")
        for one in (same, grant(requiredApproval="always"))
    )
    assert (kept["metadata"]["generation"], changed["metadata"]["generation"]) == (1, 2)
    assert kept["status"] == changed["status"]
    assert len(overlay([], live, removed=[("AgentSecretGrant", "log-token")])) == len(live) - 1


def _many(needs: int) -> World:
    world = World()
    refs = []
    for at in range(needs):
        name = f"login-{at}"
        refs.append({"name": name, "keys": ["token"]})
        world.put(grant(f"grant-{at}", secretRef={"name": name, "keys": ["token"]}))
        world.native("Secret", name, keys=("token",), version=str(at))
    world.spec("AgentMcpServer", "logs")["secretRefs"] = refs
    return world


def test_two_hundred_needs_ask_no_more_than_one() -> None:
    one, many = _many(1), _many(200)
    assert required_access(many.request, many.state()) == required_access(one.request, one.state())
    found = many.review()
    assert (found.decision, len(found.required_secrets)) == ("allowed", 200)


def test_work_grows_with_needs_and_no_faster() -> None:
    worlds = {count: _many(count) for count in (200, 1600)}
    states = {count: world.answered() for count, world in worlds.items()}
    assert_in_proportion(lambda count: review(worlds[count].request, states[count]), 200)


def test_building_a_state_grows_with_its_objects_and_no_faster() -> None:
    objects = {count: list(_many(count).objects.values()) for count in (100, 800)}
    assert_in_proportion(lambda count: ReviewState.build(objects[count], organization="acme", now=NOW), 100)


def test_objects_of_other_organizations_are_never_looked_at() -> None:
    world = World()
    foreign = grant("foreign", {"kind": "service-account", "name": "agent"})
    foreign["spec"]["organizationRef"] = "other"
    before = world.review()
    world.put(foreign)
    assert world.review() == before
    world.spec("AgentStack", "triage")["runtimeIdentity"] = {"serviceAccountRef": "other/agent"}
    found = world.review()
    assert {"CrossOrgDenied", "MissingServiceAccount"} <= set(codes(found))
    assert [(one.kind, one.field) for one in found.cross_org_denials] == [
        ("AgentServiceAccount", "spec.runtimeIdentity.serviceAccountRef")
    ]


def _sharing(**status: Any) -> dict[str, Any]:
    one: dict[str, Any] = make(
        "OrgSharingPolicy", "skills", sourceOrg="acme", targetOrg="other",
        allowedRefs=[{"kind": "AgentSkill", "name": "reading"}, {"kind": "AgentServiceAccount", "name": "agent"}],
        expiresAt="2030-01-01T00:00:00Z",
    )  # fmt: skip
    del one["spec"]["organizationRef"]
    return {**one, "status": {"observedGeneration": 1, **status}}


def test_a_sharing_policy_admits_once_it_is_approved_and_never_identities() -> None:
    world = World()
    world.spec("AgentStack", "triage")["skillRefs"] = ["other/reading"]
    world.objects["Shared", "reading"] = make("AgentSkill", "reading", **world.spec("AgentSkill", "reading"))
    world.objects["Shared", "reading"]["spec"]["organizationRef"] = "other"
    world.put(_sharing())
    assert codes(world.review()) == ["CrossOrgDenied"]
    world.put(_sharing(phase="Ready"))
    assert world.review().decision == "allowed"
    world.spec("AgentStack", "triage")["runtimeIdentity"] = {"serviceAccountRef": "other/agent"}
    assert "CrossOrgDenied" in codes(world.review())


def test_a_request_in_any_order_of_groups_is_the_same() -> None:
    world = World()
    world.ask(actor=msgspec.structs.replace(world.request.actor, groups=("b", "a", "b")))
    first = world.review()
    world.ask(actor=msgspec.structs.replace(world.request.actor, groups=("a", "b")))
    assert world.review() == first


def test_the_reason_of_readiness_says_what_kind_of_thing_fails() -> None:
    world = World()
    world.spec("AgentMcpServer", "logs")["enabled"] = False
    assert readiness("triage", world.answered()).conditions[-1].reason in (
        "DependenciesNotReady", "PermissionRequirementsBlocked",
    )  # fmt: skip
    state = ReviewState.build(world.objects.values(), organization="acme", now=NOW, converged=True)
    assert readiness("triage", state).conditions[-1].reason == "DependenciesNotReady"
    del world.objects["AgentSecretGrant", "log-token"]
    state = ReviewState.build(world.objects.values(), organization="acme", now=NOW, converged=True)
    assert readiness("triage", state).conditions[-1].reason == "PermissionRequirementsBlocked"


@pytest.mark.parametrize(("gateway", "reason"), [("not-configured", "AdapterNotProbed"), ("down", "AdapterCached")])
def test_capabilities_say_how_they_are_known(gateway: Any, reason: str) -> None:
    from krate_gitops.resources.permissions.policy import AdapterManifest

    world = World()
    world.settle(gateway=gateway, adapters={"codex": AdapterManifest(age_seconds=60)})
    [first, *_] = readiness("triage", world.answered()).conditions
    assert (first.type, first.status, first.reason) == ("CapabilitiesResolved", "True", reason)


@pytest.mark.parametrize(
    "status",
    [
        {"observedGeneration": 1, "conditions": [{"type": "PolicyAdmitted", "status": "False"}]},
        {"observedGeneration": 1, "metadataVersion": "20"},
        {"conditions": [{"type": "PolicyAdmitted", "status": "False"}]},
        {
            "observedGeneration": 2,
            "conditions": [{"type": "PolicyAdmitted", "status": "False", "observedGeneration": 1}],
        },
    ],
)
def test_a_status_of_an_earlier_generation_says_nothing(status: dict[str, Any]) -> None:
    world = World()
    one = world.objects["AgentSecretGrant", "log-token"]
    one["metadata"]["generation"] = 2
    one["status"] = status
    assert world.review().decision == "allowed"
    one["metadata"]["generation"] = 1
    one["status"] = {**status, "observedGeneration": 1}
    assert codes(world.review()) == ["GrantStale"]


def test_without_a_cluster_nobody_is_asked_who_may_bind() -> None:
    world = World()
    world.settle(applier="git")
    state = ReviewState.build(world.objects.values(), organization="acme", now=NOW, policy=world.policy, converged=True)
    assert required_access(world.request, state) == frozenset()
    assert review(world.request, state).decision == "allowed"
