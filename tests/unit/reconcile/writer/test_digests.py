"""What a write is known by."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.errors import UsageError
from krate_gitops.reconcile.writer.digests import change_digest, digest_of, idempotency_key
from krate_gitops.reconcile.writer.normal import normal_changes
from krate_gitops.reconcile.writer.request import Apply, Assign, Change, Delete, Restore, changes_of


def digest(*changes: Change) -> str:
    return change_digest(normal_changes(changes))


OBJECT = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "1"}}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Assign(kind="as", name="a", fields={"x": 1}), Assign(kind="AgentStack", name="a", fields={"spec.x": 1})),
        (Assign(kind="as", name="a", remove=("x",)), Assign(kind="agentstacks", name="a", remove=("spec.x",))),
        (Delete(kind="atp", name="a"), Delete(kind="AgentToolProfile", name="a")),
        (Apply(object=OBJECT), Apply(object={**dict(reversed(OBJECT.items())), "status": {}})),
    ],
)
def test_what_means_the_same_has_one_digest(one: Change, other: Change) -> None:
    assert digest(one) == digest(other)


def test_what_differs_in_anything_has_another_digest() -> None:
    different: list[tuple[Change, ...]] = [
        (Assign(kind="as", name="a", fields={"x": value}),)  # type: ignore[list-item]
        for value in (1, "1", True, 1.0, [1], {"a": 1}, 2**53 - 1, 1e300, "")
    ]
    different += [
        (Assign(kind="as", name="a", remove=("x",)),),
        (Assign(kind="as", name="b", fields={"x": 1}),),
        (Assign(kind="atp", name="a", fields={"x": 1}),),
        (Delete(kind="as", name="a"),),
        (Delete(kind="as", name="a"), Delete(kind="as", name="b")),
        (Delete(kind="as", name="b"), Delete(kind="as", name="a")),
        (Apply(object=OBJECT),),
        (Apply(object=OBJECT, path="x.yaml"),),
        (Restore(path="", commit="a" * 40),),
        (Restore(path="", commit="b" * 40),),
    ]
    assert len({digest(*changes) for changes in different}) == len(different)


def test_odd_numbers_have_digests_too() -> None:
    values = [float("nan"), float("inf"), -float("inf"), 2**60, -(2**60), 0.1, None, [None], {"a": None}]
    assert len({digest_of(value) for value in values}) == len(values)


def test_each_part_of_the_key_counts() -> None:
    parts = {"owner": "acme", "source_uid": "u", "base_commit": "c", "change": "d"}
    keys = {idempotency_key(**{**parts, name: "other"}) for name in parts} | {idempotency_key(**parts)}
    assert len(keys) == len(parts) + 1


@pytest.mark.parametrize(
    "value",
    [
        5, [5], [{"op": "rename"}], [{"op": "set", "kind": "as"}], [{"op": "delete", "kind": "as", "name": 1}],
        [{"op": "apply", "object": []}], [{"op": "apply", "object": {}, "more": 1}], [{"kind": "as", "name": "a"}],
    ],
)  # fmt: skip
def test_changes_that_are_none_are_refused(value: Any) -> None:
    with pytest.raises(UsageError):
        changes_of(value)


def test_changes_are_read_from_plain_data() -> None:
    assert changes_of(
        [
            {"op": "set", "kind": "as", "name": "a", "fields": {"x": 1}, "remove": ["y"]},
            {"op": "delete", "kind": "as", "name": "a"},
            {"op": "apply", "object": OBJECT},
            {"op": "restore", "path": "x", "commit": "c"},
        ]
    ) == (
        Assign(kind="as", name="a", fields={"x": 1}, remove=("y",)),
        Delete(kind="as", name="a"),
        Apply(object=OBJECT),
        Restore(path="x", commit="c"),
    )
