"""What holds for every built-in kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from krate_gitops.cluster.dev.builtin.kind import BuiltIn
from krate_gitops.cluster.dev.builtin.registry import built_in_kinds
from krate_gitops.cluster.dev.fields.shapes import shape_of
from tests.unit.cluster.dev.builtin.pipeline import written


def _each(kinds: Iterable[BuiltIn]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: f"{kind.plural}.{kind.group}")


KINDS = _each(built_in_kinds())
STORED_KINDS = _each([kind for kind in built_in_kinds() if kind.is_stored])


def nodes(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every node of a schema with its path."""
    yield path, schema
    for name, one in (schema.get("properties") or {}).items():
        yield from nodes(one, f"{path}.{name}")
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from nodes(schema[name], f"{path}[]")


def test_no_two_kinds_are_at_one_path() -> None:
    paths = [(kind.group, kind.version, kind.plural) for kind in built_in_kinds()]
    assert len(set(paths)) == len(paths)


@KINDS
def test_schemas_show_nothing_private(kind: BuiltIn) -> None:
    private = [f"{path}: {name}" for path, node in nodes(kind.schema) for name in node if name.startswith("~")]
    assert private == []


@KINDS
def test_lists_say_how_they_merge_and_keys_are_there(kind: BuiltIn) -> None:
    for path, node in nodes(kind.schema):
        if node.get("type") != "array":
            continue
        assert node.get("x-kubernetes-list-type") in ("atomic", "set", "map"), path
        for key in node.get("x-kubernetes-list-map-keys", ()):
            assert key in node["items"].get("properties", {key: {}}), path
    shape_of(kind.schema)


@KINDS
def test_unknown_fields_are_dropped_and_told(kind: BuiltIn) -> None:
    body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "x", "odd": 1}, "strange": {}}
    fresh, unknown = kind.decode(body)
    assert unknown == ["metadata.odd", "strange"]
    assert "strange" not in fresh
    assert "odd" not in fresh["metadata"]


@STORED_KINDS
def test_writing_what_was_read_changes_nothing(kind: BuiltIn) -> None:
    made = written(kind, {})
    assert kind.decode(made) == (made, [])
    assert written(kind, made, made) == made


@KINDS
def test_an_empty_object_can_be_shown_in_a_table(kind: BuiltIn) -> None:
    made = written(kind, {})
    cells = [column.cell(made) for column in kind.columns]
    assert all(isinstance(cell, str | int) for cell in cells)
    assert all(column.name and column.description for column in kind.columns)
