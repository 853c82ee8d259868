"""Defaults, nulls and unknown fields of custom objects."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from krate_gitops.cluster.dev.schemas.structural import Structural, compile_schema

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "size": {"type": "integer", "default": 3},
                "mode": {"type": "string", "default": "auto", "nullable": True},
                "inner": {
                    "type": "object",
                    "properties": {"a": {"type": "string", "default": "A"}, "b": {"type": "string"}},
                },
                "made": {"type": "object", "default": {}, "properties": {"a": {"type": "string", "default": "A"}}},
                "rows": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"p": {"type": "string", "default": "T"}}},
                },
                "map": {
                    "type": "object",
                    "additionalProperties": {"type": "object", "properties": {"x": {"type": "integer", "default": 1}}},
                },
                "free": {
                    "type": "object",
                    "x-kubernetes-preserve-unknown-fields": True,
                    "properties": {"closed": {"type": "object", "properties": {"a": {"type": "string"}}}},
                },
                "template": {
                    "type": "object",
                    "x-kubernetes-embedded-resource": True,
                    "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                },
                "plain": {"type": "string"},
            },
        }
    },
}


@pytest.fixture(scope="module")
def structural() -> Structural:
    return compile_schema(SCHEMA)


def spec(**members: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x"}, "spec": members}


FILLED = {"size": 3, "mode": "auto", "made": {"a": "A"}}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, FILLED),
        ({"size": 5, "made": {"a": "B"}}, {**FILLED, "size": 5, "made": {"a": "B"}}),
        ({"inner": {"b": "B"}}, {**FILLED, "inner": {"a": "A", "b": "B"}}),
        ({"rows": [{}, {"p": "U"}]}, {**FILLED, "rows": [{"p": "T"}, {"p": "U"}]}),
        ({"map": {"m": {}, "n": {"x": 2}}}, {**FILLED, "map": {"m": {"x": 1}, "n": {"x": 2}}}),
        ({"size": None, "mode": None, "made": None}, {**FILLED, "mode": None}),
    ],
)
def test_a_default_fills_what_is_missing_where_its_parent_is(
    structural: Structural, given: dict[str, Any], wanted: dict[str, Any]
) -> None:
    assert structural.default(spec(**given))["spec"] == wanted


def test_a_missing_specification_stays_missing(structural: Structural) -> None:
    assert structural.default({"kind": "Widget"}) == {"kind": "Widget"}


def test_two_objects_do_not_share_a_default(structural: Structural) -> None:
    first, second = structural.default(spec()), structural.default(spec())
    first["spec"]["made"]["a"] = "changed"
    assert second["spec"]["made"] == {"a": "A"}
    assert structural.default(spec())["spec"]["made"] == {"a": "A"}


def test_what_is_complete_is_not_copied(structural: Structural) -> None:
    done = structural.default(spec())
    assert structural.default(done) is done
    assert structural.prune(done)[0] is done
    assert structural.drop_nulls(done) is done


def test_nulls_go_where_none_may_be_and_nothing_takes_their_place(structural: Structural) -> None:
    cleaned = structural.drop_nulls(spec(plain=None, inner=None, size=None, mode=None, map={"m": None}))
    assert cleaned["spec"] == {"size": None, "mode": None, "map": {}}


def test_unknown_fields_are_dropped_and_named_in_the_order_of_the_server(structural: Structural) -> None:
    given = spec(
        zoo=1,
        rows=[{"p": "T", "q": 1}],
        map={"m": {"y": 1}},
        free={"any": {"thing": [None]}, "closed": {"a": "1", "b": "2"}},
        template={
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "t", "odd": 1},
            "data": {},
            "spec": {"x": 1},
        },
    )
    given["metadata"]["nothing"] = 1
    given["extra"] = {}
    before = deepcopy(given)
    pruned, unknown = structural.prune(given)
    assert unknown == [
        "metadata.nothing",
        "extra",
        "spec.free.closed.b",
        "spec.map.m.y",
        "spec.rows[0].q",
        "spec.template.data",
        "spec.zoo",
        "spec.template.metadata.odd",
    ]
    assert pruned == {
        **spec(
            rows=[{"p": "T"}],
            map={"m": {}},
            free={"any": {"thing": [None]}, "closed": {"a": "1"}},
            template={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "t"}, "spec": {"x": 1}},
        )
    }
    assert given == before


def test_fields_of_owners_and_field_managers_are_known(structural: Structural) -> None:
    given = spec()
    given["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "K", "name": "n", "uid": "u", "odd": 1}]
    given["metadata"]["managedFields"] = [{"manager": "m", "fieldsV1": {"f:spec": {"f:any": {}}}}]
    pruned, unknown = structural.prune(given)
    assert unknown == ["metadata.ownerReferences[0].odd"]
    assert pruned["metadata"]["managedFields"] == given["metadata"]["managedFields"]
