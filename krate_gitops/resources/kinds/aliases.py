"""Other forms in which some memory kinds may be written; everything behind sees the one canonical form.

An alias beside its canonical field is left alone: it is then an unknown field, which is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Spec = dict[str, Any]

_DIMENSIONS = {
    "Repository": "repositories",
    "Team": "teams",
    "AgentStack": "stacks",
    "AgentTriggerRule": "triggers",
    "User": "users",
}


def canonical_spec(kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the spec in canonical form. Values of wrong types stay as they are."""
    result = dict(spec)
    for change in _ALIASES.get(kind, ()):
        change(result)
    return result


def _repository(spec: Spec) -> None:
    """``repositoryRef: {owner, name}`` and the layout profile ``standard``."""
    value = spec.get("repositoryRef")
    if isinstance(value, dict) and set(value) == {"owner", "name"} and all(isinstance(v, str) for v in value.values()):
        spec["repositoryRef"] = f"{value['owner']}/{value['name']}"
    if spec.get("layoutProfile") == "standard":
        spec["layoutProfile"] = "atlas-md-yaml-v1"


def _source(spec: Spec) -> None:
    """``memoryRepository``, ``appliesTo: {kind, name}``, bare lists, ``kinds``, and paths beside their part."""
    _rename(spec, "memoryRepository", "repositoryRef")
    applies = spec.get("appliesTo")
    if isinstance(applies, dict) and set(applies) == {"kind", "name"}:
        dimension = _DIMENSIONS.get(applies["kind"]) if isinstance(applies["kind"], str) else None
        if dimension is not None:
            spec["appliesTo"] = {dimension: [applies["name"]]}
    for name, beside in (("include", "paths"), ("exclude", "excludedPaths")):
        _part(spec, name, beside)


def _part(spec: Spec, name: str, beside: str) -> None:
    part = spec.get(name)
    if isinstance(part, list):
        part = {"paths": part}
    if part is None and beside in spec:
        part = {}
    if not isinstance(part, dict):
        return
    part = dict(part)
    _rename(part, "kinds", "graphKinds")
    if beside in spec and "paths" not in part:
        part["paths"] = spec.pop(beside)
    spec[name] = part


def _rename(spec: Spec, alias: str, name: str) -> None:
    if alias in spec and name not in spec:
        spec[name] = spec.pop(alias)


def _ontology(spec: Spec) -> None:
    """``requiredFields`` as a list for all kinds."""
    if isinstance(spec.get("requiredFields"), list):
        spec["requiredFields"] = {"*": spec["requiredFields"]}


def _association(spec: Spec) -> None:
    """``memoryRef`` as an id or a path, ``targetRef`` as ``Kind/name``."""
    memory, target = spec.get("memoryRef"), spec.get("targetRef")
    if isinstance(memory, str):
        is_id = ":" in memory.partition("/")[0]
        spec["memoryRef"] = {"id" if is_id else "path": memory}
    if isinstance(target, str) and "/" in target:
        kind, _, name = target.partition("/")
        spec["targetRef"] = {"kind": kind, "name": name}


_ALIASES: Mapping[str, tuple[Callable[[Spec], None], ...]] = {
    "AgentMemoryRepository": (_repository,),
    "AgentMemorySource": (_source,),
    "AgentMemoryOntology": (_ontology,),
    "AgentMemoryAssociation": (_association,),
}
