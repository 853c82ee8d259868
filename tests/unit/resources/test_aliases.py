"""Other ways to write memory kinds mean the same as the canonical ones."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.resources.kinds.aliases import canonical_spec
from tests.unit.resources.sample import check, codes, document

ALIASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("AgentMemoryRepository", {"repositoryRef": {"owner": "a", "name": "b"}}, {"repositoryRef": "a/b"}),
    ("AgentMemoryRepository", {"layoutProfile": "standard"}, {"layoutProfile": "atlas-md-yaml-v1"}),
    ("AgentMemorySource", {"memoryRepository": "brain"}, {"repositoryRef": "brain"}),
    ("AgentMemorySource", {"appliesTo": {"kind": "AgentStack", "name": "x"}}, {"appliesTo": {"stacks": ["x"]}}),
    ("AgentMemorySource", {"include": ["a/**"]}, {"include": {"paths": ["a/**"]}}),
    ("AgentMemorySource", {"include": {"kinds": ["Team"]}}, {"include": {"graphKinds": ["Team"]}}),
    ("AgentMemorySource", {"paths": ["a"]}, {"include": {"paths": ["a"]}}),
    ("AgentMemorySource", {"excludedPaths": ["b"]}, {"exclude": {"paths": ["b"]}}),
    ("AgentMemoryOntology", {"requiredFields": ["id"]}, {"requiredFields": {"*": ["id"]}}),
    ("AgentMemoryAssociation", {"memoryRef": "team:core"}, {"memoryRef": {"id": "team:core"}}),
    ("AgentMemoryAssociation", {"memoryRef": "a/b:c.md"}, {"memoryRef": {"path": "a/b:c.md"}}),
    ("AgentMemoryAssociation", {"targetRef": "Repository/x"}, {"targetRef": {"kind": "Repository", "name": "x"}}),
]


@pytest.mark.parametrize(("kind", "written", "canonical"), ALIASES)
def test_an_alias_means_its_canonical_form(kind: str, written: dict[str, Any], canonical: dict[str, Any]) -> None:
    before = repr(written)
    assert canonical_spec(kind, written) == canonical
    assert canonical_spec(kind, canonical) == canonical
    assert repr(written) == before


@pytest.mark.parametrize("value", [None, 7, "x", [], [7], {"kind": [], "name": {}}])
@pytest.mark.parametrize(
    "field", ["appliesTo", "include", "exclude", "paths", "memoryRef", "targetRef", "requiredFields", "repositoryRef"]
)
def test_values_of_wrong_types_are_left_for_validation(field: str, value: Any) -> None:
    for kind in ("AgentMemoryRepository", "AgentMemorySource", "AgentMemoryOntology", "AgentMemoryAssociation"):
        canonical_spec(kind, {field: value})


def test_what_is_said_twice_is_refused() -> None:
    text = document(
        "AgentMemorySource",
        "repositoryRef: brain",
        "memoryRepository: other",
        "appliesTo: {stacks: ['*']}",
        "include: {paths: ['**']}",
    )
    assert "KR012" in codes(check(text))
