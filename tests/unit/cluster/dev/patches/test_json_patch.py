"""JSON patch."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.patches import json_patch

DOCUMENT: dict[str, Any] = {"a": 1, "list": ["x", "y"], "map": {"a/b": "1", "c~d": "2"}, "nothing": None}


@pytest.mark.parametrize(
    ("operation", "changed"),
    [
        ({"op": "add", "path": "/b", "value": 2}, {"b": 2}),
        ({"op": "add", "path": "/b"}, {"b": None}),
        ({"op": "add", "path": "/a", "value": 2}, {"a": 2}),
        ({"op": "add", "path": "/list/-", "value": "z"}, {"list": ["x", "y", "z"]}),
        ({"op": "add", "path": "/list/1", "value": "z"}, {"list": ["x", "z", "y"]}),
        ({"op": "add", "path": "/list/2", "value": "z"}, {"list": ["x", "y", "z"]}),
        ({"op": "replace", "path": "/list/1", "value": "z"}, {"list": ["x", "z"]}),
        ({"op": "replace", "path": "/missing", "value": 1}, {"missing": 1}),
        ({"op": "remove", "path": "/list/0"}, {"list": ["y"]}),
        ({"op": "remove", "path": "/map/a~1b"}, {"map": {"c~d": "2"}}),
        ({"op": "replace", "path": "/map/c~0d", "value": "3"}, {"map": {"a/b": "1", "c~d": "3"}}),
        ({"op": "copy", "from": "/list", "path": "/b"}, {"b": ["x", "y"]}),
        ({"op": "move", "from": "/list/0", "path": "/list/1"}, {"list": ["y", "x"]}),
        ({"op": "test", "path": "/a", "value": 1}, {}),
        ({"op": "test", "path": "/nothing", "value": None}, {}),
    ],
)
def test_an_operation(operation: Any, changed: dict[str, Any]) -> None:
    before = copy.deepcopy(DOCUMENT)
    assert json_patch(DOCUMENT, [operation]) == {**DOCUMENT, **changed}
    assert before == DOCUMENT


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "test", "path": "/a", "value": True},
        {"op": "test", "path": "/missing", "value": 1},
        {"op": "remove", "path": "/missing"},
        {"op": "remove", "path": "/list/2"},
        {"op": "remove", "path": ""},
        {"op": "remove"},
        {"op": "add", "path": "/missing/a", "value": 1},
        {"op": "add", "path": "/a/b", "value": 1},
        {"op": "add", "path": "/list/9", "value": 1},
        {"op": "add", "path": "/list/x", "value": 1},
        {"op": "add", "path": "/list/٣", "value": 1},
        {"op": "add", "path": "b", "value": 1},
        {"op": "copy", "path": "/b"},
        {"op": "copy", "from": "/missing", "path": "/b"},
        {"op": "merge", "path": "/a"},
        {"op": ["add"], "path": "/a"},
        {},
    ],
)
def test_every_failure_is_one_answer(operation: Any) -> None:
    with pytest.raises(ApiFailure) as caught:
        json_patch(DOCUMENT, [operation])
    status = caught.value.status()
    assert (status["code"], status["reason"], status["details"]) == (422, "Invalid", {})
    assert status["message"] == "the server rejected our request due to an error in our request"


@pytest.mark.parametrize("patch", [{}, "x", None, ["x"], 1])
def test_what_is_no_list_of_operations_is_400(patch: Any) -> None:
    with pytest.raises(ApiFailure) as caught:
        json_patch(DOCUMENT, patch)
    assert caught.value.code == 400


def test_operations_go_on_from_each_other_or_not_at_all() -> None:
    steps = [{"op": "add", "path": "/b", "value": {}}, {"op": "add", "path": "/b/c", "value": 1}]
    assert json_patch(DOCUMENT, steps)["b"] == {"c": 1}


def test_copies_of_copies_end() -> None:
    double = [
        {"op": "add", "path": "/b", "value": ["x" * 1000]},
        *[{"op": "copy", "from": "/b", "path": "/b/-"} for _ in range(40)],
    ]
    with pytest.raises(ApiFailure) as caught:
        json_patch(DOCUMENT, double)
    assert caught.value.code == 422


def test_too_many_operations_are_413() -> None:
    with pytest.raises(ApiFailure) as caught:
        json_patch(DOCUMENT, [{"op": "test", "path": "/a", "value": 1}] * 10_001)
    assert caught.value.code == 413
