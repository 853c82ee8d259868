"""Reading AgentMemorySource documents: aliases resolved, everything else that is not understood refused.

A policy that is read wrongly shows what it should hide. So what is said twice in two ways is refused rather than
guessed, and no field is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from krate_gitops.brain.base_fields import SENSITIVITIES, STATUSES
from krate_gitops.errors import UsageError
from krate_gitops.memory.policy import MAX_DEPTH, MODES, Source, SourceSpec

MAX_FILE_BYTES = 262_144
_MOST_BYTES = 1 << 30
_MOST_GENERATION = 2**53 - 1

_TOP_ALIASES = (("memoryRepository", "repositoryRef"),)
_PARTS = (("include", "paths"), ("exclude", "excludedPaths"))
"""A part of the spec, and the alias beside it for its ``paths``."""

_DIMENSION_OF_KIND = {
    "Repository": "repositories",
    "Team": "teams",
    "AgentStack": "stacks",
    "AgentTriggerRule": "triggers",
    "User": "users",
}


def load_sources(path: Path) -> list[Source]:
    """Sources of a YAML file with one or several AgentMemorySource documents.

    Raises ``UsageError(INVALID_REQUEST)`` with the file as its location.
    """
    try:
        documents = _documents(path)
        if not documents:
            raise ValueError("the file holds no document")
        return [_source(path, document) for document in documents]
    except OSError as error:
        raise _invalid(path, error.strerror or str(error)) from error
    except (
        yaml.YAMLError,
        msgspec.ValidationError,
        ValueError,
    ) as error:  # the YAML library lets through that 2026-13-45 is no date
        raise _invalid(path, " ".join(str(error).split())) from error
    except RecursionError:
        raise _invalid(path, "it is nested too deeply") from None


def _documents(path: Path) -> list[Any]:
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise ValueError("the file is too large")
    return [document for document in yaml.safe_load_all(data) if document is not None]


def _source(path: Path, document: Any) -> Source:
    if not isinstance(document, dict) or document.get("kind") != "AgentMemorySource":
        raise ValueError("expected kind AgentMemorySource")
    metadata, spec = _map(document, "metadata"), _map(document, "spec")
    parsed = msgspec.convert(_without_aliases(spec), SourceSpec)
    _check(parsed)
    name = metadata.get("name", path.stem)
    generation = metadata.get("generation", 1)
    if not isinstance(name, str) or not name:
        raise ValueError("metadata.name is a text")
    if type(generation) is not int or not 0 <= generation <= _MOST_GENERATION:
        raise ValueError("metadata.generation is a number")
    return Source(name, generation, parsed)


def _map(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A member that is a map, empty where it is absent."""
    found = value.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ValueError(f"{name} is a map")
    return dict(found)


def _without_aliases(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical form of a spec that may use the accepted aliases."""
    result = dict(spec)
    for alias, name in _TOP_ALIASES:
        _rename(result, alias, name)
    for part, alias in _PARTS:
        result[part] = _part(result, part, alias)
    if "appliesTo" in result:
        result["appliesTo"] = _applies_to(result["appliesTo"])
    return result


def _part(spec: dict[str, Any], part: str, alias: str) -> dict[str, Any]:
    """``include`` or ``exclude`` as a map, with the paths given beside it taken in."""
    value = {"paths": spec[part]} if isinstance(spec.get(part), list) else _map(spec, part)
    _rename(value, "kinds", "graphKinds")
    if alias in spec:
        if "paths" in value and value["paths"] != spec[alias]:
            raise ValueError(f"{alias} and {part}.paths say different things; write {part}.paths")
        value["paths"] = spec.pop(alias)
    return value


def _rename(value: dict[str, Any], alias: str, name: str) -> None:
    if alias not in value:
        return
    given = value.pop(alias)
    if name in value and value[name] != given:
        raise ValueError(f"{alias} and {name} say different things; write {name}")
    value[name] = given


def _applies_to(value: Any) -> Any:
    """``appliesTo`` as lists, from the form that names one consumer too."""
    if not isinstance(value, dict) or set(value) != {"kind", "name"}:
        return value
    kind = value["kind"]
    if not isinstance(kind, str) or kind not in (*_DIMENSION_OF_KIND, *_DIMENSION_OF_KIND.values()):
        raise ValueError(f"appliesTo.kind is one of {', '.join(_DIMENSION_OF_KIND)}")
    return {_DIMENSION_OF_KIND.get(kind, kind): [value["name"]]}


def _check(spec: SourceSpec) -> None:
    if spec.read_policy.mode not in ("allow-list", "allow-all"):
        raise ValueError("readPolicy.mode is allow-list or allow-all")
    if spec.read_policy.mode != "allow-all" and not (spec.include.paths or spec.include.graph_kinds):
        raise ValueError("include.paths or include.graphKinds must not be empty")
    if spec.default_query_mode not in MODES:
        raise ValueError(f"defaultQueryMode is one of {', '.join(MODES)}")
    if not 0 <= spec.read_policy.max_depth <= MAX_DEPTH:
        raise ValueError(f"readPolicy.maxDepth is from 0 to {MAX_DEPTH}")
    if not 0 <= spec.max_context_bytes <= _MOST_BYTES:
        raise ValueError(f"maxContextBytes is from 0 to {_MOST_BYTES}")
    for noun, names, known in (
        ("sensitivity", spec.include.sensitivity, SENSITIVITIES),
        ("status", spec.include.statuses, STATUSES),
    ):
        for name in names:
            if name not in known:
                raise ValueError(f"unknown {noun} {name}; known are {', '.join(known)}")


def _invalid(path: Path, why: str) -> UsageError:
    return UsageError(
        "INVALID_REQUEST",
        f"not a usable policy: {why}",
        hint="a policy is an AgentMemorySource document",
        location=str(path),
    )
