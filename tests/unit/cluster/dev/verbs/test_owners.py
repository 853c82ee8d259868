"""Owners that are named twice."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.verbs.metadata import without_double_owners


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
