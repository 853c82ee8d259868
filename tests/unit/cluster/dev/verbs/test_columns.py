"""Cells of tables."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.ages import short_duration
from krate_gitops.cluster.dev.verbs.columns import custom_columns, reader

VALUE: dict[str, Any] = {
    "metadata": {"name": "x", "creationTimestamp": "2001-01-01T00:00:00Z"},
    "spec": {"size": 1, "on": True, "labels": {"a.b/c": "d"}, "list": [{"n": "x", "v": 1}, {"n": "y", "v": 2}]},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.size", 1),
        ("{.spec.size}", 1),
        (".spec.nothing", None),
        (".spec.size.deeper", None),
        (".spec.labels.a\\.b/c", "d"),
        (".spec.labels['a.b/c']", "d"),
        (".spec.list[1].v", 2),
        (".spec.list[7].v", None),
        (".spec.list[*].v", 1),
        ('.spec.list[?(@.n=="y")].v', 2),
        ('.spec.list[?(@.n == "z")].v', None),
    ],
)
def test_reads_paths(path: str, found: object) -> None:
    assert reader(path)(VALUE) == found


@pytest.mark.parametrize(
    ("type_", "path", "cell"),
    [
        ("integer", ".spec.size", 1),
        ("string", ".spec.size", "1"),
        ("integer", ".spec.labels", None),
        ("boolean", ".spec.on", True),
        ("boolean", ".spec.size", None),
        ("string", ".spec.on", "true"),
        ("string", ".spec.labels", '{"a.b/c":"d"}'),
        ("number", ".spec.nothing", None),
    ],
)
def test_cells_are_of_the_type_of_their_column(type_: str, path: str, cell: object) -> None:
    column = custom_columns([{"name": "C", "type": type_, "jsonPath": path}])[1]
    assert column.cell(VALUE) == cell


def test_without_columns_there_is_an_age() -> None:
    assert [column.name for column in custom_columns(None)] == ["Name", "Age"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (150, "2m30s"),
        (3600, "60m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 300, "3h5m"),
        (47 * 3600, "47h"),
        (49 * 3600, "2d1h"),
        (30 * 86400, "30d"),
        (800 * 86400, "2y"),
    ],
)
def test_durations_are_short(seconds: int, text: str) -> None:
    assert short_duration(seconds) == text
