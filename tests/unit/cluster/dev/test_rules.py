"""What custom objects may have as metadata, whatever a client sends."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.rules import CustomRules
from krate_gitops.cluster.dev.schemas.structural import compile_schema


def rules() -> CustomRules:
    schema = {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": {"size": {"type": "integer"}}},
            "status": {"type": "object", "properties": {"ready": {"type": "integer"}}},
        },
    }
    version = "example.com/v1"
    return CustomRules(compile_schema(schema), version, "Widget", stored_version=version, namespaced=True, status=True)


def widget(**metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x", **metadata}}


@pytest.mark.parametrize(
    "metadata",
    [
        {"name": 1},
        {"labels": {"a": 1}},
        {"annotations": ["a"]},
        {"finalizers": "a"},
        {"finalizers": [{}]},
        {"ownerReferences": ["a"]},
        {"ownerReferences": [{"kind": {}}]},
        {"ownerReferences": [{"controller": "yes"}]},
        {"generation": True},
    ],
)
def test_metadata_of_a_wrong_type_is_refused(metadata: dict[str, Any]) -> None:
    with pytest.raises(ApiFailure) as caught:
        rules().decode(widget(**metadata))
    assert caught.value.code == 400
    assert caught.value.message.startswith('Widget in version "v1" cannot be handled as a Widget: ')


def test_nothing_in_metadata_is_empty_text_where_there_must_be_some() -> None:
    value, unknown = rules().decode(
        widget(labels={"a": None}, finalizers=[None], ownerReferences=[{"name": "o", "kind": None}], annotations=None)
    )
    assert unknown == []
    assert value["metadata"] == {
        "name": "x",
        "labels": {"a": ""},
        "finalizers": [""],
        "ownerReferences": [{"apiVersion": "", "kind": "", "name": "o", "uid": ""}],
    }


@pytest.mark.parametrize(
    ("subresource", "change", "is_typed"),
    [
        ("", {"status": {"ready": "no"}}, False),
        ("", {"status": {"ready": 2}}, True),
        ("", {"spec": {"size": "big"}}, True),
        ("status", {"spec": {"size": "big"}}, False),
        ("status", {"status": {"ready": "no"}}, True),
    ],
)
def test_only_what_a_path_does_not_write_costs_the_owners(
    subresource: str, change: dict[str, Any], is_typed: bool
) -> None:
    old = {**widget(), "spec": {"size": 1}, "status": {"ready": 1}}
    assert rules().is_typed({**old, **change}, old, subresource) is is_typed
