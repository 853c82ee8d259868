"""JSON merge patch."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.patches import merge_patch


@pytest.mark.parametrize(
    ("document", "patch", "patched"),
    [
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, {"a": None}, {}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": 3}}, {"a": {"c": 2, "d": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": "text"}, {"a": {"b": 1, "c": None}}, {"a": {"b": 1}}),
        ({}, {"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
        ({}, {"a": None}, {}),
        ({"a": {"b": 1}}, {"a": "text"}, {"a": "text"}),
        ({}, {"a": [None, {"b": None}]}, {"a": [None, {"b": None}]}),
    ],
)
def test_null_removes_and_what_is_no_object_replaces(document: Any, patch: Any, patched: Any) -> None:
    before = repr(document)
    assert merge_patch(document, patch) == patched
    assert repr(document) == before


@pytest.mark.parametrize("patch", [[], "x", None, 1])
def test_a_patch_that_is_no_object_is_400(patch: Any) -> None:
    with pytest.raises(ApiFailure) as caught:
        merge_patch({}, patch)
    assert caught.value.code == 400
