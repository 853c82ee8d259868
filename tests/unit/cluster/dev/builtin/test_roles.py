"""Roles and their bindings: defaults, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cluster.dev.builtin.pipeline import faults, kind_of, written

GROUP = "rbac.authorization.k8s.io"
ROLE, CLUSTER_ROLE = kind_of("roles", GROUP), kind_of("clusterroles", GROUP)
BINDING, CLUSTER_BINDING = kind_of("rolebindings", GROUP), kind_of("clusterrolebindings", GROUP)
NO_VERBS = "rules[0].verbs: Required value: verbs must contain at least one value"
NO_GROUPS = "rules[0].apiGroups: Required value: resource rules must supply at least one api group"
NO_RESOURCES = "rules[0].resources: Required value: resource rules must supply at least one resource"


@pytest.mark.parametrize("body", [{}, {"rules": []}, {"rules": None}])
@pytest.mark.parametrize("kind", [ROLE, CLUSTER_ROLE], ids=lambda kind: kind.kind)
def test_no_rules_are_null(kind: Any, body: dict[str, Any]) -> None:
    assert written(kind, body)["rules"] is None
    assert faults(kind, body) == []


@pytest.mark.parametrize(
    ("rule", "of_role", "of_cluster_role"),
    [
        ({"apiGroups": ["x"], "resources": ["birds"], "verbs": ["fly"]}, [], []),
        ({"apiGroups": [""], "resources": ["pods"]}, [NO_VERBS], [NO_VERBS]),
        ({"resources": ["pods"], "verbs": ["get"]}, [NO_GROUPS], [NO_GROUPS]),
        ({"apiGroups": [""], "verbs": ["get"]}, [NO_RESOURCES], [NO_RESOURCES]),
        ({}, [NO_VERBS, NO_GROUPS, NO_RESOURCES], [NO_VERBS, NO_GROUPS, NO_RESOURCES]),
        (
            {"nonResourceURLs": ["/x"], "verbs": ["get"]},
            ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs'],
            [],
        ),
        (
            {"nonResourceURLs": ["/x"], "resources": ["pods"], "verbs": ["get"]},
            ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs'],
            [
                'rules[0].nonResourceURLs: Invalid value: ["/x"]: '
                "rules cannot apply to both regular resources and non-resource URLs"
            ],
        ),
    ],
)
def test_rules_say_verbs_groups_and_resources(
    rule: dict[str, Any], of_role: list[str], of_cluster_role: list[str]
) -> None:
    assert faults(ROLE, {"rules": [rule]}) == of_role
    assert faults(CLUSTER_ROLE, {"rules": [rule]}) == of_cluster_role


def test_groups_of_subjects_and_roles_are_filled_in() -> None:
    made = written(
        BINDING,
        {
            "roleRef": {"kind": "Role", "name": "r"},
            "subjects": [{"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "s", "namespace": "n"}],
        },
    )
    assert made["roleRef"] == {"apiGroup": GROUP, "kind": "Role", "name": "r"}
    assert made["subjects"] == [
        {"kind": "User", "name": "u", "apiGroup": GROUP},
        {"kind": "ServiceAccount", "name": "s", "namespace": "n"},
    ]


def test_no_subjects_are_left_out() -> None:
    assert "subjects" not in written(BINDING, {"roleRef": {"kind": "Role", "name": "r"}, "subjects": []})


@pytest.mark.parametrize(
    ("subject", "wrong"),
    [
        ({"kind": "User", "name": "u"}, []),
        ({"kind": "ServiceAccount", "name": "s"}, []),
        ({"kind": "User", "name": ""}, ["subjects[0].name: Required value"]),
        (
            {"kind": "Robot", "name": "s"},
            ['subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"'],
        ),
        (
            {"kind": "User", "name": "u", "apiGroup": "v1"},
            [f'subjects[0].apiGroup: Unsupported value: "v1": supported values: "{GROUP}"'],
        ),
        (
            {"kind": "ServiceAccount", "name": "s", "apiGroup": GROUP},
            [f'subjects[0].apiGroup: Unsupported value: "{GROUP}": supported values: ""'],
        ),
    ],
)
def test_subjects_are_checked(subject: dict[str, Any], wrong: list[str]) -> None:
    assert faults(BINDING, {"roleRef": {"kind": "Role", "name": "r"}, "subjects": [subject]}) == wrong


def test_a_service_account_needs_a_namespace_where_there_is_none() -> None:
    body = {"roleRef": {"kind": "ClusterRole", "name": "r"}, "subjects": [{"kind": "ServiceAccount", "name": "s"}]}
    assert faults(CLUSTER_BINDING, body) == ["subjects[0].namespace: Required value"]


@pytest.mark.parametrize(
    ("role", "wrong"),
    [
        (
            {"kind": "User", "name": "r"},
            ['roleRef.kind: Unsupported value: "User": supported values: "Role", "ClusterRole"'],
        ),
        (
            {"kind": "Role", "name": "r", "apiGroup": "v1"},
            [f'roleRef.apiGroup: Unsupported value: "v1": supported values: "{GROUP}"'],
        ),
        ({"kind": "Role"}, ["roleRef.name: Required value"]),
        (
            None,
            [
                'roleRef.kind: Unsupported value: "": supported values: "Role", "ClusterRole"',
                "roleRef.name: Required value",
            ],
        ),
    ],
)
def test_the_role_is_checked(role: dict[str, Any] | None, wrong: list[str]) -> None:
    assert faults(BINDING, {"roleRef": role}) == wrong


def test_a_binding_of_the_cluster_takes_roles_of_the_cluster() -> None:
    assert faults(CLUSTER_BINDING, {"roleRef": {"kind": "Role", "name": "r"}}) == [
        'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'
    ]


def test_the_role_never_changes() -> None:
    old = written(BINDING, {"roleRef": {"kind": "Role", "name": "r"}})
    assert faults(BINDING, {"roleRef": {"kind": "Role", "name": "other"}}, old) == [
        f'roleRef: Invalid value: {{"APIGroup":"{GROUP}","Kind":"Role","Name":"other"}}: cannot change roleRef'
    ]
