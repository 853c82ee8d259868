"""What large objects cost, right or wrong: in proportion to their size."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.schemas.metadata import validate_metadata
from krate_gitops.cluster.dev.schemas.structural import compile_schema
from tests.proportion import assert_in_proportion

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "texts": {"type": "object", "additionalProperties": {"type": "string", "default": "a"}},
        "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "rows": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["k"],
            "items": {"type": "object", "properties": {"k": {"type": "string"}, "v": {"type": "integer"}}},
        },
    },
}
pytestmark = pytest.mark.slow


def large(size: int) -> dict[str, Any]:
    """An object with a fault in every member."""
    return {
        "texts": {f"t{number}": number for number in range(size)},
        "set": ["same"] * size,
        "rows": [{"k": str(number), "v": "wrong", "odd": 1} for number in range(size)],
    }


def test_faults_of_a_large_object() -> None:
    schema = compile_schema(SCHEMA)
    assert_in_proportion(lambda size: schema.validate(large(size)), 500)


def test_faults_of_a_large_object_that_changed_a_little() -> None:
    schema = compile_schema(SCHEMA)
    assert_in_proportion(lambda size: schema.validate(large(size), {**large(size), "more": 1}), 500)
    assert_in_proportion(lambda size: schema.validate(large(size), large(size + 1)), 500)


def test_completing_a_large_object() -> None:
    schema = compile_schema(SCHEMA)
    assert_in_proportion(lambda size: schema.default(schema.drop_nulls(schema.prune(large(size))[0])), 1000)


def test_faults_of_large_metadata() -> None:
    def work(size: int) -> None:
        metadata = {
            "name": "x",
            "labels": {f"l {number}": "-" for number in range(size)},
            "finalizers": [f"f{number}" for number in range(size)],
            "ownerReferences": [{"controller": True, "uid": str(number)} for number in range(2)],
        }
        validate_metadata({"metadata": metadata}, None, namespaced=False)

    assert_in_proportion(work, 500)
