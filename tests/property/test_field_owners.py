"""Laws of owned fields and of patches."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.fields import track_update
from krate_gitops.cluster.dev.fields.comparing import compare
from krate_gitops.cluster.dev.fields.sets import checked, difference, intersection, paths, union
from krate_gitops.cluster.dev.fields.shapes import shape_of
from krate_gitops.cluster.dev.fields.typed import field_set
from krate_gitops.cluster.dev.patches import json_patch, merge_patch
from tests.unit.cluster.dev.fields.widgets import LATER, SCHEMA, applied, owners, widget

_MANY = settings(max_examples=200, deadline=None)
NAMES, VALUES = st.sampled_from("abc"), st.sampled_from("12")


def _some(low: int, members: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(NAMES, members, min_size=low, max_size=3)


def _keyed(item: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": name, **members} for name, members in item.items()]


_ITEMS = _some(1, st.fixed_dictionaries({}, optional={"value": VALUES, "extra": VALUES})).map(_keyed)
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "size": st.integers(0, 2),
        "note": VALUES,
        "labels": _some(1, VALUES),
        "inner": st.dictionaries(st.sampled_from("ab"), VALUES, min_size=1),
        "granular": _some(1, st.dictionaries(st.sampled_from("ab"), VALUES, min_size=1)),
        "atomicMap": _some(0, VALUES),
        "plain": st.lists(NAMES, max_size=3),
        "set": st.lists(NAMES, min_size=1, max_size=3, unique=True),
        "map": _ITEMS,
    },
).filter(bool)
MANAGERS = st.sampled_from(["alpha", "beta", "gamma"])
SETS: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.just({}), lambda below: st.dictionaries(st.sampled_from([".", "f:a", "f:b", 'v:"c"']), below, max_size=4)
).map(lambda fields: checked({name: node for name, node in fields.items() if name != "."}))
APPLIES = st.lists(st.tuples(MANAGERS, SPECS, st.booleans()), min_size=1, max_size=5)


def members(fields: dict[str, Any]) -> set[tuple[str, ...]]:
    """A set as a set."""
    return set(paths(fields))


def tried(live: Any, spec: Any, manager: str, **more: Any) -> dict[str, Any] | ApiFailure:
    """An object after an apply, or why not."""
    try:
        return applied(live, spec, manager, **more)
    except ApiFailure as failure:
        return failure


def built(applies: Any) -> dict[str, Any]:
    """An object after some applies; those that conflict are left out."""
    live: dict[str, Any] | None = None
    for manager, spec, force in applies:
        got = tried(live, spec, manager, force=force)
        if isinstance(got, ApiFailure):
            assert got.code == 409
        else:
            live = got
    assert live is not None
    return live


def unordered(value: Any) -> Any:
    """A value with merging lists in one order."""
    if isinstance(value, dict):
        return {
            name: sorted(item, key=repr) if name in ("set", "map") else unordered(item) for name, item in value.items()
        }
    return value


@_MANY
@given(SETS, SETS)
def test_difference_and_intersection_part_a_set(left: Any, right: Any) -> None:
    assert members(difference(left, right)) == members(left) - members(right)
    assert members(intersection(left, right)) == members(left) & members(right)
    assert members(union(left, right)) == members(left) | members(right)
    assert members(union(difference(left, right), intersection(left, right))) == members(left)


@_MANY
@given(APPLIES, MANAGERS, SPECS)
def test_a_second_equal_apply_changes_nothing(applies: Any, manager: str, spec: Any) -> None:
    live = applied(built(applies), spec, manager, force=True)
    assert applied(live, spec, manager, now=LATER) is live
    assert applied(live, spec, manager, now=LATER, force=True) is live


@_MANY
@given(APPLIES, SPECS)
def test_an_apply_that_is_taken_back_leaves_the_object_as_it_was(applies: Any, spec: Any) -> None:
    live = built(applies)
    between = tried(live, spec, "visitor")
    if isinstance(between, ApiFailure):
        return
    after = applied(between, None, "visitor")
    assert unordered(after["spec"]) == unordered(live["spec"])
    assert owners(after) == owners(live)


@_MANY
@given(APPLIES)
def test_owned_fields_are_there_and_all_fields_are_owned(applies: Any) -> None:
    live = built(applies)
    there = members(field_set({"spec": live["spec"]}, shape_of(SCHEMA)))
    owned: set[tuple[str, ...]] = set()
    for fields in owners(live).values():
        owned |= members(fields)
    assert owned == there


@_MANY
@given(APPLIES, MANAGERS, SPECS)
def test_what_was_applied_is_there_and_a_conflict_is_about_it(applies: Any, manager: str, spec: Any) -> None:
    live = built(applies)
    shape = shape_of(SCHEMA)
    got = applied(live, spec, manager, force=True)
    wanted = field_set({"spec": spec}, shape)
    changed = compare({"spec": got["spec"]}, {"spec": spec}, shape)
    assert not members(changed.modified) & members(wanted)
    assert not members(changed.added)
    refused = tried(live, spec, manager)
    if isinstance(refused, ApiFailure):
        assert refused.causes
        assert len({(cause.message, cause.field) for cause in refused.causes}) == len(refused.causes)


@_MANY
@given(APPLIES, SPECS)
def test_after_an_update_each_changed_field_has_one_owner(applies: Any, spec: Any) -> None:
    live = built(applies)
    new = widget(spec, managedFields=live["metadata"].get("managedFields", []))
    found = compare({"spec": live["spec"]}, {"spec": spec}, shape_of(SCHEMA))
    got = owners(track_update(live, new, manager="editor", schema=SCHEMA, now=LATER))
    changed = members(found.modified) | members(found.added)
    assert members(got.pop("editor/Update", {})) == changed
    for fields in got.values():
        assert not members(fields) & (changed | members(found.removed))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | VALUES,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=3),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(NAMES, JSON, max_size=3)


@_MANY
@given(DOCUMENTS, DOCUMENTS)
def test_a_merge_patch_twice_is_the_patch_once(document: Any, patch: Any) -> None:
    once = merge_patch(document, patch)
    assert merge_patch(once, patch) == once
    assert merge_patch(document, {}) == document


@_MANY
@given(DOCUMENTS, JSON)
def test_what_was_added_can_be_tested_and_removed(document: Any, value: Any) -> None:
    steps = [
        {"op": "add", "path": "/new", "value": value},
        {"op": "test", "path": "/new", "value": value},
        {"op": "copy", "from": "/new", "path": "/other"},
        {"op": "move", "from": "/other", "path": "/third"},
        {"op": "remove", "path": "/third"},
        {"op": "remove", "path": "/new"},
    ]
    assert json_patch(document, steps) == document
