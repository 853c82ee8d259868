"""Structural schemas against objects of every shape: no surprise, nothing changed twice."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krate_gitops.cluster.dev.schemas.faults import invalid
from krate_gitops.cluster.dev.schemas.metadata import validate_metadata
from krate_gitops.cluster.dev.schemas.structural import compile_schema

_FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_NAMES = st.sampled_from(["a", "b", "c", "metadata", "kind", "apiVersion", "name", "x-y", ""])
_PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=6),
    st.sampled_from(["a", "b"]),
)
_VALUES = st.recursive(
    _PLAIN,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=4)),
    max_leaves=12,
)
_OBJECTS = st.dictionaries(_NAMES, _VALUES, max_size=5)

_SCALARS = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "minLength": st.integers(0, 3),
            "maxLength": st.integers(0, 3),
            "pattern": st.sampled_from(["^a", "b$", "."]),
            "enum": st.just(["a", "b"]),
            "format": st.sampled_from(["date", "date-time", "uri", "byte", "uuid", "unheard-of"]),
            "nullable": st.booleans(),
            "default": st.just("a"),
        },
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number"])},
        optional={
            "minimum": st.integers(-3, 3),
            "maximum": st.integers(-3, 3),
            "exclusiveMinimum": st.booleans(),
            "multipleOf": st.sampled_from([1, 2, 0.5]),
            "format": st.sampled_from(["int32", "int64", "float"]),
            "default": st.just(1),
        },
    ),
    st.fixed_dictionaries({"type": st.just("boolean")}, optional={"default": st.just(True)}),
    st.just({"x-kubernetes-int-or-string": True}),
    st.just({"x-kubernetes-preserve-unknown-fields": True}),
)


def _composed(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Nodes around others."""
    return st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("array"), "items": inner},
            optional={
                "minItems": st.integers(0, 2),
                "maxItems": st.integers(0, 2),
                "uniqueItems": st.booleans(),
                "x-kubernetes-list-type": st.sampled_from(["atomic", "set"]),
            },
        ),
        st.fixed_dictionaries({"type": st.just("object"), "additionalProperties": inner}),
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(_NAMES, inner, max_size=3)},
            optional={
                "required": st.lists(_NAMES, max_size=2, unique=True),
                "x-kubernetes-preserve-unknown-fields": st.booleans(),
                "x-kubernetes-embedded-resource": st.just(True),
                "default": st.just({}),
                "anyOf": st.just([{"required": ["a"]}, {"minProperties": 1}]),
                "not": st.just({"required": ["b"]}),
            },
        ),
    )


_NODES = st.recursive(_SCALARS, _composed, max_leaves=6)
_SCHEMAS = st.builds(
    lambda members: {"type": "object", "properties": members},
    st.dictionaries(_NAMES.filter(lambda name: name not in ("metadata", "kind", "apiVersion")), _NODES, max_size=4),
)


def same(one: Any, other: Any) -> bool:
    """Whether two values are written alike, numbers that are none included."""
    return repr(one) == repr(other)


@_FEW
@given(_SCHEMAS, _OBJECTS, st.one_of(st.none(), _OBJECTS))
def test_any_object_gets_faults_and_never_an_exception(schema: Any, obj: Any, old: Any) -> None:
    structural = compile_schema(schema)
    before = deepcopy(obj)
    found = structural.validate(obj, old)
    assert same(obj, before)
    if found:
        assert invalid("Widget", "example.com", "x", found).status()["code"] == 422


@_FEW
@given(_SCHEMAS, _OBJECTS)
def test_completing_an_object_twice_changes_nothing_and_the_given_one_is_left_alone(schema: Any, obj: Any) -> None:
    structural = compile_schema(schema)
    before = deepcopy(obj)
    pruned, unknown = structural.prune(obj)
    again, left = structural.prune(pruned)
    assert again is pruned
    assert not left
    assert (pruned is obj) == (not unknown)
    cleaned = structural.drop_nulls(pruned)
    assert structural.drop_nulls(cleaned) is cleaned
    done = structural.default(cleaned)
    assert same(structural.default(done), done)
    assert structural.prune(done)[0] is done
    assert same(obj, before)


@_FEW
@given(_SCHEMAS, _OBJECTS)
def test_what_did_not_change_stays_allowed(schema: Any, obj: Any) -> None:
    found = compile_schema(schema).validate(obj, deepcopy(obj))
    # What embedded objects must say is asked for every time, as on a real server.
    assert [fault for fault in found if not fault.field.endswith(("apiVersion", "kind"))] == []


_META_TEXT = st.one_of(st.text(max_size=5), st.sampled_from(["a", "example.com/a", "orphan", "foregroundDeletion"]))
_META = st.fixed_dictionaries(
    {},
    optional={
        "name": _META_TEXT,
        "generateName": _META_TEXT,
        "namespace": _META_TEXT,
        "generation": st.integers(-1, 3),
        "labels": st.dictionaries(_META_TEXT, _META_TEXT, max_size=3),
        "annotations": st.dictionaries(_META_TEXT, _META_TEXT, max_size=3),
        "finalizers": st.lists(_META_TEXT, max_size=3),
        "ownerReferences": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "apiVersion": st.sampled_from(["v1", "a/v1", ""]),
                    "kind": st.sampled_from(["Event", "K", ""]),
                    "name": _META_TEXT,
                    "uid": _META_TEXT,
                    "controller": st.booleans(),
                },
            ),
            max_size=2,
        ),
    },
)


@_FEW
@given(_META, st.one_of(st.none(), _META), st.booleans(), st.sampled_from(["subdomain", "label", "path-segment"]))
def test_any_metadata_gets_faults_and_never_an_exception(new: Any, old: Any, namespaced: bool, rule: str) -> None:
    before = None if old is None else {"metadata": old}
    found = validate_metadata({"metadata": new}, before, namespaced=namespaced, name_rule=rule)
    assert all(fault.field.startswith("metadata.") for fault in found)
