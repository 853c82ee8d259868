"""What field sets prove about an apply that hasn't happened."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.fields import (
    Foreign,
    applied_at,
    changed_fields,
    folded,
    foreign_fields,
    is_unchanged,
    own_fields,
    projection,
)

LABELS = {"krate.a5c.ai/org": "acme"}


def entry(manager: str, fields: dict[str, Any], operation: str = "Apply", **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields, **more}


def widget(spec: dict[str, Any], *entries: dict[str, Any], labels: dict[str, str] | None = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": "x", "namespace": "n", "labels": labels or LABELS, "managedFields": [*entries]}
    return {"apiVersion": "e/v1", "kind": "Widget", "metadata": metadata, "spec": spec}


def desired(spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "x", "namespace": "n", "labels": LABELS}
    return {"apiVersion": "e/v1", "kind": "Widget", "metadata": metadata, "spec": spec}


def owns(**spec: Any) -> dict[str, Any]:
    return {"f:metadata": {"f:labels": {"f:krate.a5c.ai/org": {}}}, "f:spec": {f"f:{k}": v for k, v in spec.items()}}


def test_the_same_fields_with_the_same_values_are_unchanged() -> None:
    live = widget({"size": 1, "defaulted": True}, entry("krate-gitops", owns(size={})))
    assert is_unchanged(desired({"size": 1}), live)


@pytest.mark.parametrize(
    ("spec", "owned", "wanted"),
    [
        pytest.param({"size": 2}, owns(size={}), {"size": 1}, id="another value"),
        pytest.param({"size": 1, "old": 1}, owns(size={}, old={}), {"size": 1}, id="a field we own and don't want"),
        pytest.param({"size": 1, "new": 1}, owns(size={}), {"size": 1, "new": 1}, id="a value of somebody else"),
        pytest.param({}, owns(size={}), {"size": 1}, id="a field that is owned and gone"),
        pytest.param({"on": True}, owns(on={}), {"on": 1}, id="true is not 1"),
        pytest.param({"on": []}, owns(on={}), {"on": {}}, id="an empty list is no empty map"),
        pytest.param({"list": [1, 2]}, owns(list={}), {"list": [2, 1]}, id="order of a list"),
    ],
)
def test_anything_else_is_not_proven(spec: dict[str, Any], owned: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert not is_unchanged(desired(wanted), widget(spec, entry("krate-gitops", owned)))


def test_an_update_or_another_manager_proves_nothing() -> None:
    fields = owns(size={})
    for one in (
        entry("krate-gitops", fields, "Update"),
        entry("kubectl", fields),
        entry("krate-gitops", fields, subresource="status"),
    ):
        assert not is_unchanged(desired({"size": 1}), widget({"size": 1}, one))


def test_lists_with_keys_and_sets_are_compared_item_by_item() -> None:
    owned = owns(
        ports={'k:{"name":"a"}': {".": {}, "f:name": {}, "f:port": {}}, 'k:{"name":"b"}': {".": {}, "f:name": {}}},
        tags={'v:"x"': {}},
    )
    live = widget(
        {"ports": [{"name": "b"}, {"name": "a", "port": 1, "more": 2}, {"name": "c"}], "tags": ["z", "x"]},
        entry("krate-gitops", owned),
    )
    assert is_unchanged(desired({"ports": [{"name": "a", "port": 1}, {"name": "b"}], "tags": ["x"]}), live)
    assert not is_unchanged(desired({"ports": [{"name": "a", "port": 2}, {"name": "b"}], "tags": ["x"]}), live)
    assert not is_unchanged(desired({"ports": [{"name": "a", "port": 1}], "tags": ["x"]}), live)
    assert not is_unchanged(desired({"ports": [{"name": "a", "port": 1}, {"name": "b"}], "tags": ["y"]}), live)


def test_a_torn_field_set_is_no_proof_and_no_crash() -> None:
    live = widget({"tags": ["x"]}, entry("krate-gitops", owns(tags={"v:{": {}, "k:7": {}, "odd": {}})))
    assert not is_unchanged(desired({"tags": ["x", "y", "z"]}), live)


def test_changed_fields_are_new_other_and_dropped_ones() -> None:
    live = widget({"a": 1, "b": 1, "c": {"d": 1}}, entry("krate-gitops", owns(a={}, b={}, c={"f:d": {}})))
    wanted = {"a": 2, "c": {"e": 1}, "f": 1}
    assert changed_fields(desired(wanted), live) == ["spec.a", "spec.b", "spec.c.d", "spec.c.e", "spec.f"]
    assert changed_fields(desired(wanted), None) == []


def test_foreign_fields_are_those_of_peoples_tools_that_git_does_not_say() -> None:
    live = widget(
        {"a": 1, "hand": 1},
        entry("krate-gitops", owns(a={})),
        entry("kubectl-edit", {"f:spec": {"f:hand": {}, "f:a": {}}, "f:status": {"f:x": {}}}, "Update"),
        entry("some-controller", {"f:spec": {"f:other": {}}}, "Update"),
    )
    assert foreign_fields(desired({"a": 1}), live) == [Foreign("spec.hand", "kubectl-edit")]


def test_folding_takes_over_the_fields_of_peoples_tools_alone() -> None:
    live = widget(
        {},
        entry("krate-gitops", owns(a={})),
        entry("kubectl-client-side-apply", {"f:spec": {"f:b": {}}}, "Update"),
        entry("some-controller", {"f:spec": {"f:c": {}}}, "Update"),
    )
    result = folded(live)
    assert result is not None
    assert [one["manager"] for one in result] == ["some-controller", "krate-gitops"]
    assert result[1]["fieldsV1"]["f:spec"] == {"f:a": {}, "f:b": {}}
    assert own_fields({"metadata": {"managedFields": result}}) == result[1]["fieldsV1"]
    assert folded(widget({}, entry("some-controller", {}))) is None


def test_the_first_fold_makes_an_apply_entry_of_an_update() -> None:
    result = folded(widget({}, entry("kubectl-create", {"f:spec": {"f:b": {}}}, "Update", time="2026-01-01T00:00:00Z")))
    assert result is not None
    assert [(one["manager"], one["operation"]) for one in result] == [("krate-gitops", "Apply")]


def test_projection_keeps_what_is_spoken_of() -> None:
    live = widget({"a": {"b": 1, "c": 2}, "list": [{"x": 1, "y": 2}]})
    wanted = desired({"a": {"b": 7}, "list": [{"x": 1}]})
    assert projection(wanted, live)["spec"] == {"a": {"b": 1}, "list": [{"x": 1, "y": 2}]}


def test_time_of_our_apply() -> None:
    assert applied_at(widget({}, entry("krate-gitops", {}, time="2026-01-01T00:00:00Z"))) == "2026-01-01T00:00:00Z"
    assert applied_at(widget({})) == ""
