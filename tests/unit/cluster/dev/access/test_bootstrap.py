"""The roles and bindings that are there from the start."""

from __future__ import annotations

import pytest

from krate_gitops.cluster.dev.access.attributes import Attributes
from krate_gitops.cluster.dev.access.bootstrap import bootstrap_objects
from krate_gitops.cluster.dev.access.identity import NOBODY, User
from tests.unit.cluster.dev.access.shelf import RBAC, binding, on, user, world


@pytest.mark.parametrize(
    ("who", "what", "allowed"),
    [
        (user(), Attributes("get", path="/version"), True),
        (user(), Attributes("get", path="/api/v1"), True),
        (user(), Attributes("get", path="/openapi/v3/api/v1"), True),
        (user(), Attributes("get", path="/metrics"), False),
        (user(), on("create", "selfsubjectaccessreviews", namespace="", group="authorization.k8s.io"), True),
        (user(), on("create", "selfsubjectreviews", namespace="", group="authentication.k8s.io"), True),
        (user(), on("create", "subjectaccessreviews", namespace="", group="authorization.k8s.io"), False),
        (user(), on("list"), False),
        (user("x", "system:monitoring"), Attributes("get", path="/metrics"), True),
        (NOBODY, Attributes("get", path="/version"), True),
        (NOBODY, Attributes("get", path="/livez"), True),
        (NOBODY, Attributes("get", path="/api"), False),
        (NOBODY, on("create", "selfsubjectreviews", namespace="", group="authentication.k8s.io"), False),
    ],
)
def test_everybody_may_look_around(who: User, what: Attributes, allowed: bool) -> None:
    _, access = world(bootstrap=True)
    assert access.decide(who, what).allowed is allowed


@pytest.mark.parametrize(
    ("role", "what", "allowed"),
    [
        ("view", on("list"), True),
        ("view", on("list", "secrets"), False),
        ("view", on("create"), False),
        ("edit", on("create"), True),
        ("edit", on("get", "secrets"), True),
        ("edit", on("create", "roles", group=RBAC), False),
        ("admin", on("create", "roles", group=RBAC), True),
        ("admin", on("escalate", "roles", group=RBAC), False),
        ("cluster-admin", on("delete", "nothings", group="example.com"), True),
        ("cluster-admin", on("escalate", "roles", group=RBAC), True),
    ],
)
def test_the_roles_for_people_grow_from_view_to_cluster_admin(role: str, what: Attributes, allowed: bool) -> None:
    _, access = world(binding("b", role, ("User", "jane"), namespace="n", cluster_role=True), bootstrap=True)
    assert access.decide(user(), what).allowed is allowed


def test_an_administrator_of_a_namespace_may_bind_the_smaller_roles() -> None:
    _, access = world(binding("b", "admin", ("User", "jane"), namespace="n", cluster_role=True), bootstrap=True)
    for smaller in ("view", "edit", "admin"):
        access.check_grant(user(), binding("c", smaller, ("User", "joe"), namespace="n", cluster_role=True), None)


def test_roles_come_before_what_binds_them_and_share_nothing() -> None:
    objects = bootstrap_objects()
    roles = {each["metadata"]["name"] for each in objects if each["kind"] == "ClusterRole"}
    kinds = [each["kind"] for each in objects]
    assert kinds == sorted(kinds)
    assert {each["roleRef"]["name"] for each in objects if each["kind"] == "ClusterRoleBinding"} <= roles
    objects[0]["metadata"]["labels"]["x"] = "y"
    assert "x" not in objects[1]["metadata"]["labels"]
