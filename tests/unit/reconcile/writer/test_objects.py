"""Which objects and fields a change touches, and what is shown of them."""

from __future__ import annotations

from typing import Any

from krate_gitops.reconcile.writer.objects import HIDDEN, FieldChange, compare
from krate_gitops.resources.manifest import Manifest


def manifest(kind: str = "AgentStack", name: str = "a", path: str = "a.yaml", **value: Any) -> Manifest:
    whole = {"apiVersion": "krate.a5c.ai/v1alpha1", "kind": kind, "metadata": {"name": name}, **value}
    return Manifest(path, 0, whole)


def fields(old: dict[str, Any], new: dict[str, Any], kind: str = "AgentStack") -> list[tuple[str, str, str]]:
    [change] = compare([manifest(kind, **old)], [manifest(kind, **new)])
    return [(one.field, one.old, one.new) for one in change.fields]


def test_objects_are_created_updated_and_deleted_by_kind_and_name() -> None:
    old = [manifest(name="gone"), manifest(name="kept", spec={"x": 1}), manifest(name="moved", path="old.yaml")]
    new = [manifest(name="kept", spec={"x": 2}), manifest(name="moved", path="new.yaml"), manifest(name="new")]
    assert [(one.operation, one.name) for one in compare(old, new)] == [
        ("delete", "gone"), ("update", "kept"), ("create", "new"),
    ]  # fmt: skip


def test_fields_are_told_where_they_differ() -> None:
    assert fields(
        {"spec": {"a": 1, "l": [1, 2], "m": {"k.x": "y"}, "gone": True}},
        {"spec": {"a": 1.5, "l": [1, 3], "m": {"k.x": "z"}, "new": [1]}},
    ) == [
        ("spec.a", "1", "1.5"), ("spec.l[1]", "2", "3"), ('spec.m["k.x"]', "y", "z"), ("spec.gone", "true", ""),
        ("spec.new", "", "[1]"),
    ]  # fmt: skip
    assert fields({"spec": {"l": [1]}}, {"spec": {"l": [1, 2]}}) == [("spec.l", "[1]", "[1,2]")]
    assert fields({"spec": {"a": True}}, {"spec": {"a": 1}}) == [("spec.a", "true", "1")]


def test_values_of_native_objects_and_what_looks_like_a_credential_are_hidden() -> None:
    assert fields({"data": {"a": "x"}}, {"data": {"a": "y"}}, "ConfigMap") == [("data.a", HIDDEN, HIDDEN)]
    token = "ghp_" + "Zk3Xq9Lm2Vb7Tn4Rw8Yc1Pd6Hs5Jf0Ag" + "9x2Q"
    [(_, old, new)] = fields({"spec": {"a": token}}, {"spec": {"a": "x"}})
    assert (old, new) == (HIDDEN, "x")
    [(field, _, _)] = fields({"spec": {token: "a"}}, {"spec": {token: "b"}})
    assert token not in field


def test_much_is_cut() -> None:
    [(_, _, new)] = fields({"spec": {"a": "x"}}, {"spec": {"a": "y" * 1000}})
    assert len(new) < 300
    old = {"spec": {f"f{number}": 1 for number in range(500)}}
    [change] = compare([manifest(**old)], [manifest(spec={f"f{number}": 2 for number in range(500)})])
    assert len(change.fields) == 101
    assert change.fields[-1] == FieldChange(field="…", old="", new="")


def test_what_is_recorded_has_no_values() -> None:
    [change] = compare([manifest(spec={"a": "hush"})], [manifest(spec={"a": "other"})])
    assert "hush" not in str(change.recorded())
    assert change.recorded().fields == ("spec.a",)
