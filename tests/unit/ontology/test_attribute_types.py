"""What declared types accept, by table."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.brain.attribute_types import EXPECTED, expected, fits
from krate_gitops.brain.model import ATTRIBUTE_TYPES, AttributeType

HALF = {"$number": "0.5"}

TABLE: list[tuple[str, list[Any], list[Any]]] = [
    ("string", ["", "a line", "a line\n"], [1, True, HALF, ["a"], {}, "two\nlines"]),
    ("text", ["two\nlines"], [1, ["a"]]),
    ("integer", [0, -3], [True, "1", HALF]),
    ("boolean", [True, False], [0, "true"]),
    ("timestamp", ["2026-06-02T09:15:00Z", "2026-06-02T09:15:00+02:00"], ["2026-06-02", "2026-06-02T09:15:00", 1]),
    ("date", ["2026-06-02"], ["2026-02-30", "2026-06-02T09:15:00Z"]),
    ("id", ["service:a", "pull-request:payments/318"], ["a", "service:", 1, "Service:a"]),
    ("id-list", [[], ["team:a", "user:b"]], ["team:a", ["team:a", "b"], [1]]),
    ("string-list", [[], ["a", "b"]], ["a", ["a", 1], [{"$null": True}]]),
    ("digest", ["sha256:" + "0f" * 32], ["sha256:0f", "0f" * 32, "md5:" + "0" * 32]),
    ("url", ["https://acme.example/x?y#z"], ["acme.example", "https://", "https://a b"]),
    ("object", [{}, [1, {}], "a", 1, HALF], []),
]


@pytest.mark.parametrize(("name", "good", "bad"), TABLE)
def test_a_type_accepts_its_values_and_no_others(name: str, good: list[Any], bad: list[Any]) -> None:
    kind = AttributeType(name)
    assert [value for value in good if not fits(kind, value)] == []
    assert [value for value in bad if fits(kind, value)] == []
    assert fits(kind, None)


def test_an_enum_accepts_its_terms_however_yaml_types_them() -> None:
    kind = AttributeType("enum", ("low", "2", "true", "0.5"))
    assert all(fits(kind, value) for value in ("low", 2, "2", True, HALF))
    assert not any(fits(kind, value) for value in ("high", 3, False, ["low"]))
    assert expected(kind) == "one of low, 2, true, 0.5"


def test_relaxed_ids_follow_the_foreign_grammar() -> None:
    assert fits(AttributeType("id"), "agentVersion:codex@1", relaxed_ids=True)
    assert not fits(AttributeType("id"), "agentVersion:codex@1")


def test_every_type_can_say_what_it_expects() -> None:
    assert set(EXPECTED) | {"enum"} == set(ATTRIBUTE_TYPES)
