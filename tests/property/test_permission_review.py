"""Laws of the permission review, on worlds with random faults."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krate_gitops.resources.permissions.natives import Natives
from krate_gitops.resources.permissions.reach import stacks_reached
from krate_gitops.resources.permissions.readiness import readiness
from krate_gitops.resources.permissions.review import required_access, review
from krate_gitops.resources.permissions.state import ReviewState
from tests.unit.resources.permissions.world import NOW, World, config_grant, grant

_SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_SUBJECTS = st.sampled_from(
    [
        {"kind": "service-account", "name": "agent"},
        {"kind": "agent-stack", "name": "triage"},
        {"kind": "mcp-server", "name": "logs"},
        {"kind": "mcp-server", "name": "logs", "stackRef": "triage"},
        {"kind": "team", "name": "maintainers"},
        {"kind": "runner-pool", "name": "untrusted-linux"},
        {"kind": "user", "name": "robin"},
    ]
)
_REFS = st.sampled_from(
    [
        None,
        {"include": ["refs/heads/main"]},
        {"include": ["refs/pull/**"]},
        {"include": ["**"], "exclude": ["refs/heads/main"]},
        {"include": ["refs/**"], "exclude": ["refs/pull/**"]},
    ]
)
_ORDER = {"denied": 0, "requires-approval": 1, "allowed": 2}


@st.composite
def grants(draw: st.DrawFn) -> dict[str, Any]:
    """A grant that may or may not be of use."""
    refs = draw(_REFS)
    spec: dict[str, Any] = {"requiredApproval": draw(st.sampled_from(["never", "on-untrusted-ref", "always"]))}
    if refs is not None:
        spec["allowedRefs"] = refs
    name, subject = f"grant-{draw(st.integers(0, 10**6))}", draw(_SUBJECTS)
    of_secret = draw(st.booleans())
    one = grant(name, subject, **spec) if of_secret else config_grant(name, subject=subject, **spec)
    if draw(st.integers(0, 4)) == 0:
        one["status"] = {"phase": draw(st.sampled_from(["Revoked", "Blocked"])), "observedGeneration": 1}
    return one


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A world with some things gone, some grants added, and some request."""
    world = World()
    for identity in draw(st.lists(st.sampled_from(sorted(world.objects)), max_size=2)):
        world.objects.pop(identity, None)
    for native in draw(st.lists(st.sampled_from(sorted(world.natives)), max_size=1)):
        world.natives.pop(native, None)
    world.put(*draw(st.lists(grants(), max_size=5)))
    if ("AgentStack", "triage") in world.objects:
        world.spec("AgentStack", "triage")["secretPolicy"] = {"allowOnForks": draw(st.booleans())}
    world.ask(
        ref=draw(st.sampled_from(["", "main", "refs/heads/main", "refs/pull/7/head", "release/1"])),
        is_fork=draw(st.booleans()),
        repository=draw(st.sampled_from(["", "payments", "web"])),
    )
    return world


@_SETTINGS
@given(world=worlds(), seed=st.integers(0, 10**6))
def test_the_order_of_objects_and_natives_says_nothing(world: World, seed: int) -> None:
    found = world.review()
    objects, natives = list(world.objects.values()), list(world.natives.values())
    random.Random(seed).shuffle(objects)
    random.Random(seed).shuffle(natives)
    state = ReviewState.build(objects, Natives(natives), organization="acme", now=NOW, policy=world.policy)
    answers = world.answers(required_access(world.request, state))
    assert review(world.request, state.with_access(answers)) == found


@_SETTINGS
@given(world=worlds(), data=st.data())
def test_taking_a_grant_away_never_admits_what_was_denied(world: World, data: st.DataObject) -> None:
    """A grant that denies (it is revoked, or excludes the ref) aside: that is what it is for."""
    removable = [
        identity
        for identity, one in world.objects.items()
        if identity[0] in ("AgentSecretGrant", "AgentConfigGrant")
        and one.get("status", {}).get("phase") != "Revoked"
        and not one["spec"].get("allowedRefs", {}).get("exclude")
    ]
    before = world.review().decision
    if removable:
        del world.objects[data.draw(st.sampled_from(sorted(removable)))]
    after = world.review().decision
    assert not (before == "denied" and after != "denied")


@_SETTINGS
@given(world=worlds(), more=st.lists(grants(), max_size=4), how=st.sampled_from(["revoked", "filtered"]))
def test_a_deny_is_never_overridden(world: World, more: list[dict[str, Any]], how: str) -> None:
    world.put(*World().objects.values())
    if how == "filtered":
        world.spec("AgentStack", "triage")["secretPolicy"] = {"allowOnForks": True, "allowedSecretRefs": ["other"]}
    else:
        deny = grant("deny", {"kind": "runner-pool", "name": "untrusted-linux"}, allowedRepositories=[])
        world.put({**deny, "status": {"phase": "Revoked"}})
    world.put(*more)
    found = world.review()
    assert found.decision == "denied"
    assert [one.result for one in found.required_secrets] == ["denied"]


@_SETTINGS
@given(world=worlds())
def test_strangers_never_get_a_secret_unasked(world: World) -> None:
    world.ask(is_fork=True)
    found = world.review()
    results = {one.result for one in found.required_secrets}
    assert "allowed" not in results
    assert _ORDER[found.decision] <= _ORDER["requires-approval"] or not results


@_SETTINGS
@given(world=worlds())
def test_every_blocking_reason_denies_and_nothing_else_does(world: World) -> None:
    found = world.review()
    assert (found.decision == "denied") == any(one.blocking for one in found.reasons)
    assert (found.decision == "requires-approval") <= bool(found.approval_requirements)


_JUNK: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=5), inner, max_size=2)),
    max_leaves=4,
)


@_SETTINGS
@given(world=worlds(), data=st.data())
def test_whatever_objects_hold_there_is_an_answer(world: World, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        one = world.objects[data.draw(st.sampled_from(sorted(world.objects)))]
        part = data.draw(st.sampled_from(["metadata", "spec", "status"]))
        held = one.get(part)
        if isinstance(held, dict) and held and data.draw(st.booleans()):
            held[data.draw(st.sampled_from(sorted(held)))] = data.draw(_JUNK)
        else:
            one[part] = data.draw(_JUNK)
    found = world.review()
    assert found.decision in _ORDER
    assert found.digest.startswith("sha256:")
    assert readiness("triage", world.state()).conditions[-1].type == "Ready"
    assert set(stacks_reached(world.state(), world.objects.values())) <= {"triage"}
