"""Metadata: what a new object may have, and what an update may change."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.schemas.faults import invalid
from krate_gitops.cluster.dev.schemas.metadata import validate_metadata

UID = "11111111-2222-4333-8444-555555555555"
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": UID}


def faults(metadata: dict[str, Any], old: dict[str, Any] | None = None, **how: Any) -> list[tuple[str, str]]:
    """The faults of an object with this metadata, each as (field, message)."""
    given = {"name": "x", "namespace": "n", **metadata}
    before = None if old is None else {"metadata": {"name": "x", "namespace": "n", **old}}
    found = validate_metadata({"metadata": given}, before, **{"namespaced": True, **how})
    return [(fault.field, fault.message) for fault in found]


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"labels": {"a": "", "example.com/Name_1.x": "V_1.x-y"}},
        {"annotations": {"Example.com/A": '{"x": [1]}\n ü'}},
        {"finalizers": ["example.com/a", "foregroundDeletion"]},
        {"ownerReferences": [{**OWNER, "controller": True}, {**OWNER, "uid": "another"}]},
    ],
)
def test_metadata_that_is_right_has_no_fault(metadata: dict[str, Any]) -> None:
    assert faults(metadata) == []
    assert faults(metadata, metadata) == []


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"name": "Upper"}, "metadata.name"),
        ({"generateName": "Upper-"}, "metadata.generateName"),
        ({"namespace": "Upper"}, "metadata.namespace"),
        ({"generation": -1}, "metadata.generation"),
        ({"labels": {"a b": ""}}, "metadata.labels"),
        ({"labels": {"a": "b c"}}, "metadata.labels"),
        ({"annotations": {"a b": ""}}, "metadata.annotations"),
        ({"annotations": {"a": "x" * 262144}}, "metadata.annotations"),
        ({"finalizers": ["a b/c"]}, "metadata.finalizers"),
        ({"finalizers": ["orphan", "foregroundDeletion"]}, "metadata.finalizers"),
        ({"finalizers": ["mine"]}, "metadata.finalizers[0]"),
        ({"ownerReferences": [{**OWNER, "apiVersion": ""}]}, "metadata.ownerReferences.apiVersion"),
        ({"ownerReferences": [{**OWNER, "kind": ""}]}, "metadata.ownerReferences.kind"),
        ({"ownerReferences": [{**OWNER, "name": ""}]}, "metadata.ownerReferences.name"),
        ({"ownerReferences": [{**OWNER, "uid": ""}]}, "metadata.ownerReferences.uid"),
        ({"ownerReferences": [{**OWNER, "kind": "Event"}]}, "metadata.ownerReferences"),
        ({"ownerReferences": [{**OWNER, "controller": True}] * 2}, "metadata.ownerReferences"),
    ],
)
def test_a_wrong_part_is_named(metadata: dict[str, Any], field: str) -> None:
    assert [where for where, _ in faults(metadata)] == [field]


def test_an_object_needs_a_name() -> None:
    assert faults({"name": ""}) == [("metadata.name", "Required value: name or generateName is required")]


def test_a_cluster_scoped_object_has_no_namespace() -> None:
    assert faults({}, namespaced=False) == [("metadata.namespace", "Forbidden: not allowed on this type")]


def test_custom_kinds_may_have_finalizers_of_any_name() -> None:
    assert faults({"finalizers": ["mine"]}, qualified_finalizers=False) == []


def test_two_controllers_are_both_named() -> None:
    references = [{**OWNER, "controller": True}, {**OWNER, "name": "p", "controller": True}]
    ((_, message),) = faults({"ownerReferences": references})
    assert message.endswith('Found "true" in references for ConfigMap/o and ConfigMap/p')


@pytest.mark.parametrize("field", ["uid", "deletionTimestamp", "deletionGracePeriodSeconds", "creationTimestamp"])
def test_what_the_server_decides_can_not_be_changed_and_is_told_twice(field: str) -> None:
    found = faults({field: "new"}, {field: "old"})
    assert found == [(f"metadata.{field}", 'Invalid value: "new": field is immutable')] * 2


def test_a_fault_told_twice_is_once_in_the_message() -> None:
    found = validate_metadata(
        {"metadata": {"name": "x", "uid": "b"}}, {"metadata": {"name": "x", "uid": "a"}}, namespaced=False
    )
    failure = invalid("Widget", "example.com", "x", found)
    assert failure.message == 'Widget.example.com "x" is invalid: metadata.uid: Invalid value: "b": field is immutable'
    assert len(failure.causes) == 2


def test_an_object_that_is_being_deleted_gets_no_new_finalizers() -> None:
    gone = {"deletionTimestamp": "2001-01-01T00:00:00Z"}
    found = faults(
        {**gone, "finalizers": ["example.com/b", "example.com/a"]}, {**gone, "finalizers": ["example.com/b"]}
    )
    assert found[0] == (
        "metadata.finalizers",
        "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers "
        '[]string{"example.com/a"}',
    )
    assert faults({**gone, "finalizers": []}, {**gone, "finalizers": ["example.com/b"]}) == []
