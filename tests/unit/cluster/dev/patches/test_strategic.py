"""Strategic merge patch."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.patches import strategic_merge

ITEM = {"type": "object", "properties": {"name": {"type": "string"}}}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "keyed": {
            "type": "array", "items": ITEM, "x-kubernetes-patch-strategy": "merge",
            "x-kubernetes-patch-merge-key": "name",
        },
        "values": {"type": "array", "items": {"type": "string"}, "x-kubernetes-patch-strategy": "merge"},
        "plain": {"type": "array", "items": ITEM},
        "map": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}  # fmt: skip
DOCUMENT: dict[str, Any] = {
    "keyed": [{"name": "a", "x": 1}, {"name": "b", "x": 2}],
    "values": ["a", "b"],
    "plain": [{"name": "a"}],
    "map": {"a": "1", "b": "2"},
}


@pytest.mark.parametrize(
    ("patch", "changed"),
    [
        ({}, {}),
        ({"keyed": [{"name": "b", "y": 3}]}, {"keyed": [{"name": "a", "x": 1}, {"name": "b", "x": 2, "y": 3}]}),
        ({"keyed": [{"name": "b", "x": None}]}, {"keyed": [{"name": "a", "x": 1}, {"name": "b"}]}),
        ({"keyed": [{"name": "a", "$patch": "delete"}]}, {"keyed": [{"name": "b", "x": 2}]}),
        ({"keyed": [{"$patch": "replace"}, {"name": "z"}]}, {"keyed": [{"name": "z"}]}),
        ({"keyed": [{"name": "a", "$patch": "replace", "y": 1}]}, {"keyed": []}),
        ({"keyed": [{"name": "c"}]}, {"keyed": [{"name": "c"}, {"name": "a", "x": 1}, {"name": "b", "x": 2}]}),
        ({"values": ["c"]}, {"values": ["c", "a", "b"]}),
        ({"values": ["b"]}, {"values": ["a", "b"]}),
        ({"$deleteFromPrimitiveList/values": ["a", "z"]}, {"values": ["b"]}),
        ({"$setElementOrder/values": ["c", "b", "a"], "values": ["b", "c"]}, {"values": ["c", "a", "b"]}),
        ({"plain": [{"name": "b"}]}, {"plain": [{"name": "b"}]}),
        ({"map": {"a": None, "c": "3"}}, {"map": {"b": "2", "c": "3"}}),
        ({"map": {"$patch": "replace", "c": "3"}}, {"map": {"c": "3"}}),
        ({"map": {"$patch": "delete"}}, {"map": {}}),
        ({"map": {"$retainKeys": ["b", "c"], "c": "3"}}, {"map": {"b": "2", "c": "3"}}),
        ({"new": {"a": None, "b": 1}}, {"new": {"b": 1}}),
        ({"values": [{"odd": 1}]}, {"values": [{"odd": 1}, "a", "b"]}),
    ],
)
def test_a_patch(patch: Any, changed: dict[str, Any]) -> None:
    before = repr(DOCUMENT)
    assert strategic_merge(DOCUMENT, patch, SCHEMA) == {**DOCUMENT, **changed}
    assert repr(DOCUMENT) == before


def test_null_removes_a_member() -> None:
    assert "values" not in strategic_merge(DOCUMENT, {"values": None}, SCHEMA)


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ({"map": {"$patch": "explode"}}, "unknown patch type: explode in map: map[$patch:explode]"),
        ({"keyed": [{"x": 1}]}, "map: map[x:1] does not contain declared merge key: name"),
        ({"keyed": ["text"]}, "map: text does not contain declared merge key: name"),
        (
            {"$setElementOrder/keyed": ["a"], "keyed": [{"name": "a"}]},
            "map: a does not contain declared merge key: name",
        ),
    ],
)
def test_a_wrong_directive_or_an_item_without_its_key_is_500(patch: Any, message: str) -> None:
    with pytest.raises(ApiFailure) as caught:
        strategic_merge(DOCUMENT, patch, SCHEMA)
    assert (caught.value.code, caught.value.message) == (500, message)


@pytest.mark.parametrize("patch", [[], "x", None])
def test_a_patch_that_is_no_object_is_400(patch: Any) -> None:
    with pytest.raises(ApiFailure) as caught:
        strategic_merge(DOCUMENT, patch, SCHEMA)
    assert caught.value.code == 400
