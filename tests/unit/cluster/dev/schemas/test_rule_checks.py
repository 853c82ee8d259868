"""Fields that a rule names and its schema doesn't have."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.schemas.rule_checks import unknown_member

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "size": {"type": "integer"},
        "a-b": {"type": "string"},
        "names": {
            "type": "object",
            "additionalProperties": {"type": "object", "properties": {"x": {"type": "string"}}},
        },
        "free": {"x-kubernetes-preserve-unknown-fields": True},
    },
}


@pytest.mark.parametrize(
    ("rule", "missing"),
    [
        ("self.size > 1 && oldSelf.size > 1", ""),
        ("self.sise > 1", "sise"),
        ("has(oldSelf.nothing)", "nothing"),
        ("self.size.big > 1", "big"),
        ("self.a__dash__b.startsWith('a')", ""),
        ("self.names.anything.x == 'a'", ""),
        ("self.names.anything.y == 'a'", "y"),
        ("self.free.anything == 1", ""),
        ("'self.nothing' == self.a__dash__b", ""),
        ("self.names.all(name, name.size() > 1)", ""),
        ("itself.nothing == 1", ""),
    ],
)
def test_a_field_that_is_not_there_is_found(rule: str, missing: str) -> None:
    assert unknown_member(rule, SCHEMA) == missing
