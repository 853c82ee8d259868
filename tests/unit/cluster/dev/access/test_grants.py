"""Nobody grants what he doesn't hold."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.access.access import Access
from krate_gitops.cluster.dev.access.identity import User
from krate_gitops.cluster.dev.access.reader import Object
from krate_gitops.cluster.dev.failure import ApiFailure
from tests.unit.cluster.dev.access.shelf import RBAC, binding, role, rule, user, world

JANE = ("User", "jane")
HELD = role("held", rule("get list", "configmaps"), namespace="n")
HOLDING = binding("held", "held", JANE, namespace="n")
SMALL = role("small", rule("get", "configmaps"), namespace="n")
BIG = role("big", rule("get delete", "configmaps"), rule("list", "secrets"), namespace="n")


def refusal(access: Access, new: Object, old: Object | None = None, who: User | None = None, **more: Any) -> ApiFailure:
    with pytest.raises(ApiFailure) as caught:
        access.check_grant(who or user(), new, old, **more)
    return caught.value


def test_a_role_within_ones_own_rights_may_be_written() -> None:
    _, access = world(HELD, HOLDING)
    access.check_grant(user(), SMALL, None)
    access.check_grant(user(), role("none", namespace="n"), BIG)


def test_a_bigger_role_is_refused_with_what_is_missing() -> None:
    _, access = world(HELD, HOLDING)
    found = refusal(access, BIG)
    assert (found.code, found.reason) == (403, "Forbidden")
    assert found.details == {"name": "big", "group": RBAC, "kind": "roles"}
    assert found.message == (
        'roles.rbac.authorization.k8s.io "big" is forbidden: user "jane" (groups=["system:authenticated"]) '
        "is attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["configmaps"], Verbs:["delete"]}\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["list"]}'
    )


def test_any_change_of_a_bigger_role_is_a_grant_but_of_what_holds_it_back() -> None:
    _, access = world(HELD, HOLDING)
    labelled = {**BIG, "metadata": {**BIG["metadata"], "labels": {"a": "b"}}}
    refusal(access, labelled, BIG)
    released = {**BIG, "metadata": {**BIG["metadata"], "finalizers": ["x/y"]}}
    access.check_grant(user(), BIG, released)


def test_rights_of_another_namespace_do_not_count() -> None:
    _, access = world(HELD, HOLDING)
    refusal(access, role("small", rule("get", "configmaps"), namespace="m"))
    refusal(access, role("small", rule("get", "configmaps")))


def test_escalate_lifts_the_check_for_the_names_it_is_given_for() -> None:
    escalate = role("held", rule("escalate", "roles", groups=RBAC, names="big"), namespace="n")
    _, access = world(escalate, HOLDING)
    access.check_grant(user(), BIG, SMALL)
    refusal(access, BIG)  # a creation has no name in its path
    access.check_grant(user(), BIG, None, name="big")
    refusal(access, {**BIG, "metadata": {"name": "other", "namespace": "n"}}, BIG)


def test_masters_and_other_kinds_are_not_checked() -> None:
    _, access = world()
    access.check_grant(user("x", "system:masters"), BIG, None)
    access.check_grant(user(), {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}, None)
    access.check_grant(user(), {**BIG, "apiVersion": "example.com/v1"}, None)


@pytest.mark.parametrize("subjects", [(), (("User", "someone"),)])
def test_a_bigger_role_may_not_be_bound(subjects: tuple[tuple[str, str], ...]) -> None:
    _, access = world(HELD, HOLDING, SMALL, BIG)
    access.check_grant(user(), binding("b", "small", *subjects, namespace="n"), None)
    found = refusal(access, binding("b", "big", *subjects, namespace="n"))
    assert found.message.startswith('rolebindings.rbac.authorization.k8s.io "b" is forbidden: user "jane"')
    assert found.details == {"name": "b", "group": RBAC, "kind": "rolebindings"}


def test_bind_lifts_the_check_for_the_roles_it_is_given_for() -> None:
    may_bind = role("held", rule("bind", "roles", groups=RBAC, names="big"), namespace="n")
    _, access = world(may_bind, HOLDING, SMALL, BIG)
    access.check_grant(user(), binding("b", "big", namespace="n"), None)
    refusal(access, binding("b", "small", namespace="n"))


def test_bind_on_cluster_roles_in_a_namespace_is_for_bindings_there() -> None:
    may_bind = role("held", rule("bind", "clusterroles", groups=RBAC), namespace="n")
    _, access = world(may_bind, HOLDING, role("all", rule("*", "*", groups="*")))
    access.check_grant(user(), binding("b", "all", namespace="n", cluster_role=True), None)
    refusal(access, binding("b", "all"))


def test_a_missing_role_is_not_found_in_the_name_of_the_binding() -> None:
    _, access = world(HELD, HOLDING)
    found = refusal(access, binding("b", "none", namespace="n"))
    assert (found.code, found.message) == (404, 'rolebindings.rbac.authorization.k8s.io "b" not found')
    access.check_grant(user("x", "system:masters"), binding("b", "none", namespace="n"), None)


def test_an_aggregating_role_takes_all_rights() -> None:
    _, access = world(HELD, HOLDING, role("all", rule("*", "*", groups="*"), rule("*", urls="*")))
    gathering = {**role("g"), "aggregationRule": {"clusterRoleSelectors": []}}
    assert "must have cluster-admin privileges to use the aggregationRule" in refusal(access, gathering).message
    _, access = world(role("all", rule("*", "*", groups="*"), rule("*", urls="*")), binding("b", "all", JANE))
    access.check_grant(user(), gathering, None)


def test_a_missing_role_among_ones_own_is_told_with_the_refusal() -> None:
    _, access = world(HELD, HOLDING, binding("gone", "gone", JANE, namespace="n"))
    assert refusal(access, BIG).message.endswith(
        '; resolution errors: [role.rbac.authorization.k8s.io "gone" not found]'
    )
