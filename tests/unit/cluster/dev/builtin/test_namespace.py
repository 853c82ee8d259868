"""Namespaces: what they get, and which path may write what."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cluster.dev.builtin.pipeline import faults, kind_of, written

KIND = kind_of("namespaces")
LABEL = "kubernetes.io/metadata.name"


def test_a_new_one_is_active_and_has_a_finalizer_and_its_name_as_label() -> None:
    made = written(
        KIND, {"metadata": {"name": "demo", "labels": {"a": "b", LABEL: "other"}}, "status": {"phase": "Odd"}}
    )
    assert made["metadata"]["labels"] == {"a": "b", LABEL: "demo"}
    assert made["spec"] == {"finalizers": ["kubernetes"]}
    assert made["status"] == {"phase": "Active"}


def test_finalizers_that_are_said_come_first() -> None:
    made = written(KIND, {"spec": {"finalizers": ["example.com/x", "kubernetes"]}})
    assert made["spec"] == {"finalizers": ["example.com/x", "kubernetes"]}


@pytest.mark.parametrize("said", [{}, {"spec": {"finalizers": []}}, {"metadata": {"labels": {LABEL: "other"}}}])
def test_an_update_changes_neither_finalizers_nor_the_label(said: dict[str, Any]) -> None:
    old = written(KIND, {})
    new = written(KIND, said, old)
    assert new["spec"] == old["spec"]
    assert new["status"] == old["status"]
    assert new["metadata"]["labels"] == {LABEL: "x"}


def test_the_path_of_finalizers_changes_them() -> None:
    old = written(KIND, {})
    assert written(KIND, {"spec": {"finalizers": []}}, old, subresource="finalize")["spec"] == {}


@pytest.mark.parametrize("name", ["a" * 63, "0", "a-b"])
def test_names_that_can_be_labels_are_fine(name: str) -> None:
    assert faults(KIND, {"metadata": {"name": name}}) == []


@pytest.mark.parametrize("name", ["a" * 64, "A", "a.b", "a_b", "-a", "a-"])
def test_other_names_are_refused(name: str) -> None:
    assert faults(KIND, {"metadata": {"name": name}})
