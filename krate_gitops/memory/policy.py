"""Source policies: which records and documents a caller may read.

Two channels. A record is admitted when its kind is included or its path matches; a document when its path matches, or
when it is the Markdown form of a record admitted by kind. Excludes, sensitivity and status are then taken off both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from krate_gitops.brain.normalise import SENSITIVITIES, STATUSES
from krate_gitops.digest import json_digest
from krate_gitops.errors import DeniedError, UsageError
from krate_gitops.memory.request import Consumer

DEFAULT_MODE = "graph-and-grep"
MODES = ("graph-only", "grep-only", "graph-and-grep", "document-read")
_POLICY_BYTES = 262_144
_DIMENSIONS = ("repositories", "teams", "stacks", "triggers", "users")


class AppliesTo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Consumers a source is for: dimensions are ANDed, values ORed; none at all matches nobody."""

    repositories: tuple[str, ...] | None = None
    teams: tuple[str, ...] | None = None
    stacks: tuple[str, ...] | None = None
    triggers: tuple[str, ...] | None = None
    users: tuple[str, ...] | None = None

    def constrained(self) -> int:
        """How many dimensions are named."""
        return sum(getattr(self, name) is not None for name in _DIMENSIONS)

    def matches(self, consumer: Consumer) -> bool:
        """Whether the consumer is meant. A dimension it does not have matches only ``*`` or an absent one."""
        values = {
            "repositories": consumer.repository,
            "teams": consumer.team,
            "stacks": consumer.stack,
            "triggers": consumer.trigger,
            "users": consumer.user,
        }
        if not self.constrained():
            return False
        for name in _DIMENSIONS:
            wanted = getattr(self, name)
            if wanted is not None and "*" not in wanted and values[name] not in wanted:
                return False
        return True


class Include(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is admitted."""

    graph_kinds: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    sensitivity: tuple[str, ...] = ("public", "internal")
    statuses: tuple[str, ...] = ("approved", "draft", "deprecated")


class Exclude(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is taken off again."""

    paths: tuple[str, ...] = ()
    graph_kinds: tuple[str, ...] = ()


class ReadPolicy(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """``allow-all`` admits everything that is not excluded; ``max_depth`` caps how far edges are followed."""

    mode: str = "allow-list"
    max_depth: int = 5


class SourceSpec(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """``spec`` of an AgentMemorySource, aliases resolved."""

    organization_ref: str
    repository_ref: str
    applies_to: AppliesTo
    include: Include = Include()
    exclude: Exclude = Exclude()
    default_query_mode: str = DEFAULT_MODE
    max_context_bytes: int = 128_000
    required: bool = False
    require_ontology_valid: bool = False
    current_only: bool = False
    read_policy: ReadPolicy = ReadPolicy()


class SourceRef(msgspec.Struct, frozen=True, rename="camel"):
    """A source that took part in a decision."""

    name: str
    generation: int
    policy_digest: str


class Source(msgspec.Struct, frozen=True):
    """An AgentMemorySource."""

    name: str
    generation: int
    spec: SourceSpec

    def reference(self) -> SourceRef:
        return SourceRef(self.name, self.generation, json_digest(msgspec.to_builtins(self.spec)))


class EffectivePolicy(msgspec.Struct, frozen=True, rename="camel"):
    """All matching sources together: union of what they admit, less the union of what they exclude."""

    sources: tuple[SourceRef, ...]
    includes: tuple[Include, ...]
    allow_all: bool
    exclude_paths: tuple[str, ...]
    exclude_kinds: tuple[str, ...]
    query_mode: str
    max_context_bytes: int
    max_depth: int
    required: bool
    require_ontology_valid: bool
    current_only: bool

    @property
    def digest(self) -> str:
        """Digest of the effective policy."""
        return json_digest(msgspec.to_builtins(self))


def owner_policy() -> EffectivePolicy:
    """What the owner of a local repository may read: everything but the values behind ``secret-metadata``."""
    include = Include(sensitivity=SENSITIVITIES, statuses=STATUSES)
    return EffectivePolicy((), (include,), True, (), (), DEFAULT_MODE, 1 << 30, 5, False, False, False)


def effective_policy(sources: Sequence[Source], consumer: Consumer) -> EffectivePolicy:
    """The policy for a consumer. Raises ``DeniedError(MEMORY_SOURCE_NOT_FOUND)`` when no source is for it."""
    matching = [source for source in sources if source.spec.applies_to.matches(consumer)]
    if not matching:
        raise DeniedError(
            "MEMORY_SOURCE_NOT_FOUND",
            "no memory source applies to this consumer",
            hint="name the consumer (--repository, …) as the policy's appliesTo expects it",
        )
    matching.sort(key=lambda source: source.name)
    first = max(matching, key=lambda source: source.spec.applies_to.constrained())
    specs = [source.spec for source in matching]
    return EffectivePolicy(
        sources=tuple(source.reference() for source in matching),
        includes=tuple(spec.include for spec in specs),
        allow_all=any(spec.read_policy.mode == "allow-all" for spec in specs),
        exclude_paths=tuple(sorted({path for spec in specs for path in spec.exclude.paths})),
        exclude_kinds=tuple(sorted({kind for spec in specs for kind in spec.exclude.graph_kinds})),
        query_mode=first.spec.default_query_mode,
        max_context_bytes=min(spec.max_context_bytes for spec in specs),
        max_depth=min(spec.read_policy.max_depth for spec in specs),
        required=any(spec.required for spec in specs),
        require_ontology_valid=any(spec.require_ontology_valid for spec in specs),
        current_only=any(spec.current_only for spec in specs),
    )


def load_sources(path: Path) -> list[Source]:
    """Sources of a YAML file with one or several AgentMemorySource documents. Raises ``UsageError``."""
    try:
        data = path.read_bytes()
        if len(data) > _POLICY_BYTES:
            raise _invalid(path, "the file is too large")
        documents = [document for document in yaml.safe_load_all(data) if document is not None]
    except OSError as error:
        raise _invalid(path, error.strerror or str(error)) from error
    except yaml.YAMLError as error:
        raise _invalid(path, " ".join(str(error).split())) from error
    if not documents:
        raise _invalid(path, "the file holds no document")
    return [_source(path, document) for document in documents]


def _source(path: Path, document: Any) -> Source:
    if not isinstance(document, dict) or document.get("kind") != "AgentMemorySource":
        raise _invalid(path, "expected kind AgentMemorySource")
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    spec = document.get("spec")
    try:
        parsed = msgspec.convert(_without_aliases(spec if isinstance(spec, dict) else {}), SourceSpec)
    except msgspec.ValidationError as error:
        raise _invalid(path, str(error)) from error
    _check(path, parsed)
    return Source(str(metadata.get("name", path.stem)), int(metadata.get("generation", 1)), parsed)


def _without_aliases(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical form of a spec that may use the accepted aliases."""
    result = dict(spec)
    for alias, name in (("organization", "organizationRef"), ("memoryRepository", "repositoryRef")):
        if alias in result:
            result.setdefault(name, result.pop(alias))
    for part, alias in (("include", "paths"), ("exclude", "excludedPaths")):
        value = result.get(part, {})
        value = {"paths": value} if isinstance(value, list) else dict(value or {})
        if alias in result:
            value.setdefault("paths", result.pop(alias))
        if "kinds" in value:
            value.setdefault("graphKinds", value.pop("kinds"))
        result[part] = value
    applies = result.get("appliesTo")
    if isinstance(applies, dict) and set(applies) == {"kind", "name"}:
        plural = {
            "Repository": "repositories",
            "Team": "teams",
            "AgentStack": "stacks",
            "AgentTriggerRule": "triggers",
            "User": "users",
        }
        result["appliesTo"] = {plural.get(applies["kind"], applies["kind"]): [applies["name"]]}
    return result


def _check(path: Path, spec: SourceSpec) -> None:
    if spec.read_policy.mode not in ("allow-list", "allow-all"):
        raise _invalid(path, "readPolicy.mode is allow-list or allow-all")
    if spec.read_policy.mode != "allow-all" and not (spec.include.paths or spec.include.graph_kinds):
        raise _invalid(path, "include.paths or include.graphKinds must not be empty")
    if spec.default_query_mode not in MODES:
        raise _invalid(path, f"defaultQueryMode is one of {', '.join(MODES)}")
    for name in spec.include.sensitivity:
        if name not in SENSITIVITIES:
            raise _invalid(path, f"unknown sensitivity {name}")
    for name in spec.include.statuses:
        if name not in STATUSES:
            raise _invalid(path, f"unknown status {name}")


def _invalid(path: Path, why: str) -> UsageError:
    return UsageError("INVALID_REQUEST", f"not a usable policy: {why}", location=str(path))
