"""The authorizer: which bindings count for whom, and that it keeps in step with the store."""

from __future__ import annotations

import pytest

from krate_gitops.cluster.dev.access.attributes import Attributes
from krate_gitops.cluster.dev.access.identity import User
from krate_gitops.cluster.dev.failure import ApiFailure
from tests.proportion import assert_in_proportion
from tests.unit.cluster.dev.access.shelf import binding, on, refused, role, rule, user, world

READ = rule("get list", "configmaps")
BOT = User("system:serviceaccount:n:bot", ("system:serviceaccounts", "system:serviceaccounts:n"))


@pytest.mark.parametrize(
    ("subject", "who", "allowed"),
    [
        (("User", "jane"), user("jane"), True),
        (("User", "jane"), user("joe"), False),
        (("Group", "team"), user("joe", "team"), True),
        (("Group", "jane"), user("jane"), False),
        (("Group", "system:authenticated"), user("anyone"), True),
        (("ServiceAccount", "n", "bot"), BOT, True),
        (("ServiceAccount", "m", "bot"), BOT, False),
        (("ServiceAccount", "bot"), BOT, True),
        (("User", "system:serviceaccount:n:bot"), BOT, True),
        (("Group", "system:serviceaccounts:n"), BOT, True),
    ],
)
def test_a_binding_counts_for_its_subjects(subject: tuple[str, ...], who: User, allowed: bool) -> None:
    _, access = world(role("r", READ, namespace="n"), binding("b", "r", subject, namespace="n"))
    assert access.decide(who, on("list")).allowed is allowed


def test_a_role_binding_counts_in_its_namespace_only() -> None:
    _, access = world(role("r", READ), binding("b", "r", ("User", "jane"), namespace="n", cluster_role=True))
    assert access.decide(user(), on("list")).allowed
    assert not access.decide(user(), on("list", namespace="m")).allowed
    assert not access.decide(user(), on("list", namespace="")).allowed


def test_a_cluster_role_binding_counts_everywhere() -> None:
    _, access = world(role("r", READ), binding("b", "r", ("User", "jane")))
    assert access.decide(user(), on("list", namespace="m")).allowed
    assert access.decide(user(), on("list", namespace="")).allowed


def test_paths_are_granted_by_cluster_role_bindings_only() -> None:
    paths = role("r", rule("get", urls="/metrics"))
    _, access = world(paths, binding("b", "r", ("User", "jane"), namespace="n", cluster_role=True))
    assert refused(access, user(), Attributes("get", path="/metrics", namespace="n")) == (
        'forbidden: User "jane" cannot get path "/metrics"'
    )
    _, access = world(paths, binding("b", "r", ("User", "jane")))
    assert not refused(access, user(), Attributes("get", path="/metrics"))


def test_masters_may_do_anything_without_a_reason() -> None:
    _, access = world()
    decision = access.decide(user("x", "system:masters"), on("delete", "nothings"))
    assert (decision.allowed, decision.reason) == (True, "")


def test_the_reason_names_the_binding_the_role_and_the_subject() -> None:
    _, access = world(
        role("r", READ, namespace="n"),
        binding("b", "r", ("ServiceAccount", "n", "bot"), namespace="n"),
        role("c", READ),
        binding("d", "c", ("Group", "team")),
    )
    assert access.decide(BOT, on("list")).reason == (
        'RBAC: allowed by RoleBinding "b/n" of Role "r" to ServiceAccount "bot/n"'
    )
    assert access.decide(user("x", "team"), on("list")).reason == (
        'RBAC: allowed by ClusterRoleBinding "d" of ClusterRole "c" to Group "team"'
    )


def test_a_binding_to_a_missing_role_allows_nothing_and_is_named() -> None:
    shelf, access = world(binding("b", "none", ("User", "jane"), namespace="n"), binding("c", "gone", ("User", "joe")))
    role_text = 'role.rbac.authorization.k8s.io "none" not found'
    assert refused(access, user(), on("list")).endswith(f'in the namespace "n": RBAC: {role_text}')
    assert access.decide(user("joe"), on("list")).reason == (
        'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found'
    )
    shelf.put(binding("c", "gone", ("User", "jane")))
    assert access.decide(user(), on("list")).reason == (
        f'RBAC: [clusterrole.rbac.authorization.k8s.io "gone" not found, {role_text}]'
    )


def test_every_change_of_roles_and_bindings_counts_at_once() -> None:
    shelf, access = world()
    reader, bound = role("r", READ, namespace="n"), binding("b", "r", ("User", "jane"), namespace="n")

    def may() -> bool:
        return access.decide(user(), on("list")).allowed

    assert not may()
    shelf.put(bound)
    assert not may()
    shelf.put(reader)
    assert may()
    shelf.put(role("r", rule("get", "secrets"), namespace="n"))
    assert not may()
    shelf.put(reader)
    shelf.put(binding("b", "r", ("User", "joe"), namespace="n"))
    assert not may()
    shelf.put(bound)
    assert may()
    shelf.remove(reader)
    assert not may()
    shelf.put(reader)
    shelf.remove(bound)
    assert not may()


def test_a_subject_that_is_named_twice_is_forgotten_with_its_binding() -> None:
    shelf, access = world(role("r", READ))
    twice = binding("b", "r", ("User", "jane"), ("User", "jane"))
    shelf.put(twice)
    assert access.decide(user(), on("list")).allowed
    shelf.remove(twice)
    assert not access.decide(user(), on("list")).allowed


@pytest.mark.parametrize("reference", [None, {}, {"kind": "Role", "name": "r"}, {"kind": "Thing", "name": "r"}])
def test_a_cluster_binding_to_no_cluster_role_binds_nothing(reference: dict[str, str] | None) -> None:
    shelf, access = world(role("r", READ, namespace="n"))
    shelf.put({**binding("b", "r", ("User", "jane")), "roleRef": reference})
    assert not access.decide(user(), on("list")).allowed


@pytest.mark.parametrize(
    ("what", "message", "details"),
    [
        (
            on("list"),
            'configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" '
            'in the namespace "n"',
            {"kind": "configmaps"},
        ),
        (
            on("get", "widgets/status", "x", "", "example.com"),
            'widgets.example.com "x" is forbidden: User "jane" cannot get resource "widgets/status" in API group '
            '"example.com" at the cluster scope',
            {"name": "x", "group": "example.com", "kind": "widgets"},
        ),
        (Attributes("get", path="/x"), 'forbidden: User "jane" cannot get path "/x"', {}),
    ],
)
def test_a_refusal_says_who_may_not_do_what(what: Attributes, message: str, details: dict[str, str]) -> None:
    _, access = world()
    with pytest.raises(ApiFailure) as refusal:
        access.authorize(user(), what)
    assert (refusal.value.code, refusal.value.reason, refusal.value.message) == (403, "Forbidden", message)
    assert refusal.value.details == details


def test_a_decision_costs_nothing_for_the_bindings_of_others() -> None:
    def decide_for_everybody(count: int) -> None:
        bound = [binding(f"b{number}", "r", ("User", f"u{number}"), namespace="n") for number in range(count)]
        _, access = world(role("r", READ, namespace="n"), *bound)
        for number in range(count):
            assert access.decide(user(f"u{number}"), on("list")).allowed

    assert_in_proportion(decide_for_everybody, 200)
