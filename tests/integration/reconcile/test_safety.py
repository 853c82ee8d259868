"""Each guard, shown by trying the disaster."""

from __future__ import annotations

import pytest

from krate_gitops.reconcile.plan import Op
from tests.clusters import FULL_RULES, World

HEAD = "apiVersion: krate.a5c.ai/v1alpha1\nkind: AgentContextLabel\n"
SECRET = "ghp_" + "x9Kq2LmV7TzR4wYb8NcD3eFgH5jPaS6uQ1oI"


def labels(world: World, *names: str) -> str:
    return world.text(*(world.label(name) for name in names))


def applied(world: World, count: int = 8, **spec: object) -> None:
    """A source with objects in the cluster."""
    world.commit({f"all/l{number}.yaml": labels(world, f"l{number}") for number in range(count)})
    world.install(**spec)
    assert world.reconcile().counts["created"] == count


def names(world: World) -> list[str]:
    return sorted(one["metadata"]["name"] for one in world.list("AgentContextLabel"))


def test_an_empty_directory_deletes_nothing_kr711(world: World) -> None:
    applied(world)
    world.commit({"all": None, "README.md": "nothing here"})
    outcome = world.reconcile()
    assert outcome.stop is not None
    assert outcome.stop.code == "KR711"
    assert len(names(world)) == 8
    assert len(world.inventory()) == 8


def test_a_wrong_path_deletes_nothing_kr710(world: World) -> None:
    applied(world)
    world.patch("GitOpsSource", "main", {"spec": {"source": {"path": "elsewhere"}}})
    outcome = world.reconcile()
    assert outcome.stop is not None
    assert (outcome.stop.code, world.condition("Rendered")) == ("KR710", ("False", "PathMissing"))
    assert len(names(world)) == 8


def test_one_unreadable_file_deletes_nothing_kr001(world: World) -> None:
    applied(world)
    world.commit({"all/l0.yaml": "spec: [broken", "all/l1.yaml": None})
    outcome = world.reconcile()
    assert outcome.stop is not None
    assert (outcome.stop.code, world.condition("Rendered")) == ("KR001", ("False", "ParseFailed"))
    assert outcome.stop.location.startswith("all/l0.yaml:1:")
    assert len(names(world)) == 8


def test_another_organization_in_a_file_is_refused_kr102_and_not_named(world: World) -> None:
    applied(world)
    stranger = world.label("l0")
    stranger["spec"]["organizationRef"] = "someone-else"
    world.commit({"all/l0.yaml": world.text(stranger)})
    outcome = world.reconcile()
    assert outcome.stop is not None
    assert outcome.stop.code == "KR102"
    assert "someone-else" not in str(world.source().status)


def test_another_namespace_in_a_file_is_refused_kr103(world: World) -> None:
    world.commit({"a.yaml": world.text(world.label("x", namespace="kube-system"))})
    world.install()
    assert world.reconcile().stop.code == "KR103"  # type: ignore[union-attr]


def test_a_force_pushed_branch_waits_for_a_person_kr707(world: World) -> None:
    applied(world)
    before = world.source().last_applied
    other = world.repo.commit({"all/l0.yaml": labels(world, "l0")}, parents=[])
    outcome = world.reconcile()
    assert outcome.stop is not None
    assert (outcome.stop.code, world.condition("SourceResolved")) == ("KR707", ("False", "HistoryRewritten"))
    assert len(names(world)) == 8
    assert world.source().last_applied == before
    world.annotate("GitOpsSource", "main", accept_rewind="0" * 40)
    assert world.reconcile().stop is not None, "consent to another commit is none"
    world.annotate("GitOpsSource", "main", accept_rewind=other)
    outcome = world.reconcile()
    assert outcome.stop is None
    assert "ConfigRewindAccepted" in [entry.type for entry in world.audited]
    assert len(names(world)) == 8, "the prune guard still holds"


def test_half_the_objects_removed_wait_for_an_approval_of_that_plan_kr730(world: World) -> None:
    applied(world, 12)
    world.commit({f"all/l{number}.yaml": None for number in range(7)})
    outcome = world.reconcile()
    assert (outcome.counts["pruned"], len(names(world))) == (0, 12)
    assert world.condition("Pruned") == ("False", "PruneGuard")
    world.annotate("GitOpsSource", "main", approve_plan="sha256:" + "0" * 64)
    assert world.reconcile().counts["pruned"] == 0
    digest = world.source().status["planDigest"]
    world.annotate("GitOpsSource", "main", approve_plan=digest)
    world.commit({"all/l7.yaml": None})
    assert world.reconcile().counts["pruned"] == 0, "another commit is another plan"
    world.annotate("GitOpsSource", "main", approve_plan=world.source().status["planDigest"])
    assert world.reconcile().counts["pruned"] == 8
    assert len(names(world)) == 4
    assert world.condition("Pruned")[0] == "True"


def test_an_object_of_somebody_else_is_neither_changed_nor_owned_kr720(world: World) -> None:
    mine = world.label("x", "Mine.")
    mine["metadata"]["namespace"] = world.namespace
    world.create(mine)
    world.commit({"a.yaml": labels(world, "x")})
    world.install()
    outcome = world.reconcile()
    assert [step.codes for step in outcome.draft.steps] == [("KR720",)]  # type: ignore[union-attr]
    live = world.get("AgentContextLabel", "x")
    assert live is not None
    assert live["spec"]["promptFragment"] == "Mine."
    assert world.inventory() == []
    assert world.condition("Applied") == ("False", "ObjectsHeld")


def test_an_object_is_adopted_with_consent_and_is_then_as_git_says(world: World) -> None:
    mine = world.label("x", "Mine.", labels={"added": "by-hand"})
    mine["metadata"]["namespace"] = world.namespace
    world.create(mine)
    world.commit({"a.yaml": labels(world, "x")})
    world.install()
    world.annotate("AgentContextLabel", "x", adopt="main")
    outcome = world.reconcile()
    assert outcome.counts["updated"] == 1, outcome.conditions
    live = world.get("AgentContextLabel", "x")
    assert live is not None
    assert live["spec"]["promptFragment"] == "Look at the logs first."
    assert "added" not in live["metadata"]["labels"], "what Git doesn't say is removed on adoption"
    assert world.inventory() == ["AgentContextLabel/x"]
    assert world.reconcile().counts["unchanged"] == 1


def test_an_object_of_another_source_is_left_to_it_kr722(world: World) -> None:
    world.commit({"a/x.yaml": labels(world, "x"), "b/x.yaml": labels(world, "x")})
    world.install("a", path="a")
    world.install("b", path="b")
    world.reconcile("a")
    outcome = world.reconcile("b")
    assert [step.codes for step in outcome.draft.steps] == [("KR722",)]  # type: ignore[union-attr]
    assert world.inventory("a") == ["AgentContextLabel/x"]
    assert world.inventory("b") == []


def test_stolen_ownership_marks_do_not_make_an_object_ours(world: World) -> None:
    applied(world, 2)
    live = world.get("AgentContextLabel", "l0")
    assert live is not None
    copy = {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": {key: live["metadata"][key] for key in ("namespace", "labels", "annotations")} | {"name": "copy"},
        "spec": live["spec"],
    }
    world.create(copy)
    world.commit({"all/l1.yaml": None})
    outcome = world.reconcile()
    assert outcome.counts["pruned"] == 1
    assert names(world) == ["copy", "l0"]
    assert world.inventory() == ["AgentContextLabel/l0"]


def test_nobody_grants_by_a_commit_what_the_identity_may_not_grant_kr313(world: World) -> None:
    binding = world.document("AgentRoleBinding", "wide", {
        "subject": {"kind": "user", "name": "mallory"},
        "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
        "scope": {"kind": "namespace", "name": world.namespace},
    })  # fmt: skip
    world.commit({"a.yaml": world.text(binding, world.label("x"))})
    world.install()
    world.set_rules(*FULL_RULES[:2])
    outcome = world.reconcile()
    held = {step.id.kind: step.codes for step in outcome.draft.steps if step.op is Op.HOLD}  # type: ignore[union-attr]
    assert held == {"AgentRoleBinding": ("KR313",)}
    assert names(world) == ["x"], "what is independent goes on"
    assert world.list("AgentRoleBinding") == []
    assert world.condition("PermissionsReviewed") == ("False", "EscalationDenied")
    denied = [entry for entry in world.audited if not entry.decision.allowed]
    assert [entry.type for entry in denied] == ["AgentRoleBindingApplied"]


def test_rules_of_a_binding_must_be_had_by_the_identity_itself_kr313(world: World) -> None:
    def binding(verb: str, resource: str) -> str:
        return world.text(world.document("AgentRoleBinding", "rules", {
            "subject": {"kind": "user", "name": "dana"},
            "roleRef": {"kind": "RoleTemplate", "name": "krate-agent-readonly"},
            "scope": {"kind": "namespace", "name": world.namespace},
            "resourceRules": [{"verbs": [verb], "apiGroups": [""], "resources": [resource]}],
        }))  # fmt: skip

    world.commit({"a.yaml": binding("delete", "pods")})
    world.install()
    assert "delete on pods" in world.reconcile().draft.steps[0].reason  # type: ignore[union-attr]
    world.commit({"a.yaml": binding("get", "configmaps")})
    assert world.reconcile().counts["created"] == 1


def test_more_rights_wait_for_an_approval_where_the_source_wants_it_kr726(world: World) -> None:
    account = world.document(
        "AgentServiceAccount", "runner", {"namespace": world.namespace, "serviceAccountName": "runner"}
    )
    world.commit({"a.yaml": world.text(account, world.label("x"))})
    world.install(approval={"requireFor": ["privilege-increase"]})
    outcome = world.reconcile()
    assert outcome.stop is not None
    assert outcome.stop.code == "KR726"
    assert names(world) == []
    assert world.condition("PermissionsReviewed") == ("False", "ApprovalRequired")
    world.annotate("GitOpsSource", "main", approve_plan=outcome.plan.plan_digest)  # type: ignore[union-attr]
    assert world.reconcile().counts["created"] == 2


@pytest.mark.parametrize(
    "text",
    [
        "promptFragment: token {secret}",
        "promptFragment: x\n  password: {secret}",
        "promptFragment: x\n  owner: {secret}",
    ],
)
def test_a_secret_in_a_manifest_is_refused_and_shown_nowhere(world: World, text: str) -> None:
    body = text.format(secret=SECRET)
    world.commit({"a.yaml": f"{HEAD}metadata: {{name: x}}\nspec:\n  organizationRef: {world.slug}\n"
                            f"  allowedSources: [job]\n  {body}\n"})  # fmt: skip
    world.install()
    outcome = world.reconcile()
    assert outcome.stop is not None
    assert outcome.stop.code in ("KR301", "KR302")
    assert SECRET not in str(outcome.stop) + str(outcome.diagnostics) + str(world.source().status)
    assert SECRET not in str(world.list("Event")) + str(world.audited)
    assert names(world) == []


def test_a_native_secret_in_git_is_refused_kr303(world: World) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": SECRET}}
    world.commit({"a.yaml": world.text(secret)})
    world.install()
    outcome = world.reconcile()
    assert outcome.stop is not None
    assert outcome.stop.code in ("KR302", "KR303")
    assert world.get("Secret", "s") is None


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ("uid: x", "KR014"),
        ("resourceVersion: '1'", "KR014"),
        ("managedFields: []", "KR014"),
        ("finalizers: [x/y]", "KR014"),
        ("labels: {krate.a5c.ai/gitops-source: other}", "KR019"),
        ("annotations: {krate.a5c.ai/gitops-source-uid: stolen}", "KR019"),
        ("annotations: {krate.a5c.ai/approve-plan: x}", "KR019"),
    ],
)
def test_what_belongs_to_the_server_or_to_people_is_refused_before_any_write(
    world: World, extra: str, code: str
) -> None:
    world.commit({"a.yaml": f"apiVersion: krate.a5c.ai/v1alpha1\nkind: AgentContextLabel\nmetadata:\n  name: x\n"
                            f"  {extra}\nspec:\n  organizationRef: {world.slug}\n  allowedSources: [job]\n"
                            "  promptFragment: x\n", "b.yaml": labels(world, "y")})  # fmt: skip
    world.install()
    outcome = world.reconcile()
    assert outcome.stop is not None
    assert outcome.stop.code == code
    assert outcome.stop.location.startswith("a.yaml:")
    assert names(world) == []


def test_the_same_object_twice_is_refused_kr015(world: World) -> None:
    world.commit({"a.yaml": labels(world, "x"), "b.yaml": labels(world, "x")})
    world.install()
    assert world.reconcile().stop.code == "KR015"  # type: ignore[union-attr]


def test_an_unreachable_remote_leaves_everything_in_force_kr701(world: World) -> None:
    applied(world, 2)
    world.patch("AgentContextLabel", "l0", {"spec": {"promptFragment": "Changed by hand."}})
    outcome = world.reconcile(repository=str(world.repo.path) + "-gone")
    assert outcome.stop is not None
    assert outcome.stop.code == "KR701"
    assert len(names(world)) == 2
    assert world.condition("SourceResolved") == ("False", "Unreachable")


@pytest.mark.parametrize(
    ("revision", "code", "reason"),
    [("nowhere", "KR702", "RefNotFound"), ("abcdef1", "KR702", "RefNotFound"), ("both", "KR703", "AmbiguousRef")],
)
def test_a_revision_that_means_no_commit_stops_the_pass(world: World, revision: str, code: str, reason: str) -> None:
    commit = world.commit({"a.yaml": labels(world, "x")})
    world.repo.branch("both", commit)
    world.repo.tag("both", commit)
    world.install(source={"targetRevision": revision})
    outcome = world.reconcile()
    assert outcome.stop is not None
    assert (outcome.stop.code, world.condition("SourceResolved")) == (code, ("False", reason))
