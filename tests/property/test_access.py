"""Rights never grow by what takes rights away, and nobody grants what he doesn't hold."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.cluster.dev.access.access import Access
from krate_gitops.cluster.dev.access.attributes import Attributes
from krate_gitops.cluster.dev.access.identity import User
from krate_gitops.cluster.dev.access.reader import Object
from krate_gitops.cluster.dev.access.rules import missing_rights, read_rules
from krate_gitops.cluster.dev.failure import ApiFailure
from tests.unit.cluster.dev.access.shelf import binding, role, world

NAMESPACES = ("n", "m")
VERBS = ("get", "list", "delete", "*")
GROUPS = ("", "apps", "*")
RESOURCES = ("pods", "pods/log", "secrets", "*/log", "*")
NAMES = ("a", "b")
PATHS = ("/x", "/x/*", "/x/y", "*")
SUBJECTS = (("User", "jane"), ("Group", "team"), ("ServiceAccount", "n", "bot"), ("User", "joe"))
USERS = (
    User("jane", ("team", "system:authenticated")),
    User("joe", ("system:authenticated",)),
    User("system:serviceaccount:n:bot", ("system:authenticated",)),
)


def some(values: tuple[Any, ...], *, least: int = 1) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), min_size=least, max_size=2, unique=True)


resource_rules = st.fixed_dictionaries(
    {"verbs": some(VERBS), "apiGroups": some(GROUPS), "resources": some(RESOURCES)},
    optional={"resourceNames": some(NAMES)},
)
path_rules = st.fixed_dictionaries({"verbs": some(VERBS), "nonResourceURLs": some(PATHS)})
rule_lists = st.lists(st.one_of(resource_rules, path_rules), max_size=3)
places = st.sampled_from(("", *NAMESPACES))
requests = st.one_of(
    st.builds(
        Attributes,
        st.sampled_from(("get", "list", "delete")),
        st.sampled_from(("", "apps")),
        st.sampled_from(("pods", "secrets")),
        st.sampled_from(("", "log")),
        st.sampled_from(("", *NAMES)),
        places,
    ),
    st.builds(Attributes, st.just("get"), path=st.sampled_from(("/x", "/x/y", "/z"))),
)


@st.composite
def granting(draw: st.DrawFn) -> list[Object]:
    """Some roles and bindings, some of them to roles that aren't there."""
    objects: list[Object] = []
    for index in range(draw(st.integers(1, 4))):
        namespace = draw(places)
        if draw(st.booleans()):
            objects.append(role(f"r{index}", *draw(rule_lists), namespace=namespace))
        by_cluster_role = draw(st.booleans())
        name = f"r{draw(st.integers(0, 3))}"
        subjects = draw(some(SUBJECTS, least=0))
        objects.append(binding(f"b{index}", name, *subjects, namespace=namespace, cluster_role=by_cluster_role))
    return list({(each["kind"], *each["metadata"].items()): each for each in objects}.values())


def allowed(access: Access, what: Attributes) -> list[bool]:
    return [access.decide(user, what).allowed for user in USERS]


@given(granting(), st.data(), st.lists(requests, min_size=1, max_size=8))
def test_nobody_gains_by_the_removal_of_a_role_or_binding(
    objects: list[Object], data: st.DataObject, asked: list[Attributes]
) -> None:
    shelf, access = world(*objects)
    before = [allowed(access, what) for what in asked]
    shelf.remove(data.draw(st.sampled_from(objects)))
    after = [allowed(access, what) for what in asked]
    for had, has in zip(before, after, strict=True):
        assert all(old or not new for old, new in zip(had, has, strict=True))


@given(granting(), st.data(), st.lists(requests, min_size=1, max_size=8))
def test_following_changes_decides_as_reading_everything_anew(
    objects: list[Object], data: st.DataObject, asked: list[Attributes]
) -> None:
    shelf, followed = world()
    for value in objects:
        shelf.put(value)
    for value in data.draw(st.lists(st.sampled_from(objects), max_size=3, unique_by=id)):
        allowed(followed, asked[0])
        shelf.remove(value)
        if data.draw(st.booleans()):
            shelf.put(value)
    fresh = Access(shelf, None)
    assert [allowed(followed, what) for what in asked] == [allowed(fresh, what) for what in asked]


@given(rule_lists, rule_lists, requests)
def test_rules_that_cover_others_allow_all_that_these_allow(
    held: list[dict[str, Any]], wanted: list[dict[str, Any]], what: Attributes
) -> None:
    owned, granted = read_rules({"rules": held}), read_rules({"rules": wanted})
    if not missing_rights(owned, granted) and any(rule.allows(what) for rule in granted):
        assert any(rule.allows(what) for rule in owned)


@given(rule_lists, rule_lists)
def test_what_is_missing_together_with_what_is_held_covers_everything(
    held: list[dict[str, Any]], wanted: list[dict[str, Any]]
) -> None:
    owned, granted = read_rules({"rules": held}), read_rules({"rules": wanted})
    assert missing_rights((*owned, *missing_rights(owned, granted)), granted) == []
    assert missing_rights(owned, owned) == []


@given(granting(), rule_lists, places, requests)
def test_whoever_may_write_a_role_gains_nothing_by_being_bound_to_it(
    objects: list[Object], rules: list[dict[str, Any]], namespace: str, what: Attributes
) -> None:
    shelf, access = world(*objects)
    jane = USERS[0]
    new = role("new", *rules, namespace=namespace)
    try:
        access.check_grant(jane, new, None)
    except ApiFailure:
        return
    before = access.decide(jane, what).allowed
    escalates = access.decide(jane, Attributes("escalate", "rbac.authorization.k8s.io", "roles", namespace=namespace))
    shelf.put(new)
    shelf.put(binding("new", "new", ("User", "jane"), namespace=namespace))
    # Who may escalate may do anything; random rules allow it by their stars.
    assert escalates.allowed or before or not access.decide(jane, what).allowed
