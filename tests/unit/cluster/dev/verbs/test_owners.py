"""Owners that are named twice."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.verbs.metadata import without_double_owners
from tests.proportion import assert_in_proportion


def owner(uid: str, name: str = "o") -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid}


def test_an_owner_that_is_named_twice_is_kept_once_and_told_of() -> None:
    value: dict[str, Any] = {"metadata": {"ownerReferences": [owner("a"), owner("b"), owner("a")]}}
    assert without_double_owners(value).endswith("duplicate UID(s) observed: a")
    assert value["metadata"]["ownerReferences"] == [owner("a"), owner("b")]


def test_owners_that_differ_stay() -> None:
    value: dict[str, Any] = {"metadata": {"ownerReferences": [owner("a"), owner("a", "p"), owner("b")]}}
    assert without_double_owners(value) == ""
    assert len(value["metadata"]["ownerReferences"]) == 3


@pytest.mark.slow
def test_many_owners_are_looked_through_once() -> None:
    assert_in_proportion(
        lambda size: without_double_owners(
            {"metadata": {"ownerReferences": [owner("a", str(n)) for n in range(size)]}}
        ),
        2000,
    )
