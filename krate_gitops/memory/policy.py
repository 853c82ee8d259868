"""Source policies: which records and documents a caller may read.

Two channels. A record is admitted when its kind is included or its path matches; a document when its path matches, or
when it is the Markdown form of a record admitted by kind. Excludes, sensitivity and status are then taken off both.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import msgspec

from krate_gitops.brain.base_fields import SENSITIVITIES, STATUSES
from krate_gitops.brain.globs import compile_globs
from krate_gitops.digest import json_digest
from krate_gitops.errors import DeniedError
from krate_gitops.memory.request import Consumer

DEFAULT_MODE = "graph-and-grep"
MODES = ("graph-only", "grep-only", "graph-and-grep", "document-read")
MAX_DEPTH = 5
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
    max_depth: int = MAX_DEPTH


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


class Grant(msgspec.Struct, frozen=True):
    """What one source admits. ``everything``: its read policy is ``allow-all``, so kinds and paths do not matter.

    Sources are kept apart: one that admits everything public must not widen another that admits restricted runbooks.
    """

    include: Include
    everything: bool


class EffectivePolicy(msgspec.Struct, frozen=True, rename="camel", dict=True):
    """All matching sources together: union of what they admit, less the union of what they exclude.

    ``within`` is a second policy that must admit it too.
    """

    sources: tuple[SourceRef, ...]
    grants: tuple[Grant, ...]
    exclude_paths: tuple[str, ...]
    exclude_kinds: tuple[str, ...]
    query_mode: str
    max_context_bytes: int
    max_depth: int
    required: bool
    require_ontology_valid: bool
    current_only: bool
    within: EffectivePolicy | None = None

    def narrowed(self, other: EffectivePolicy) -> EffectivePolicy:
        """What both admit, under the tighter limits of the two; the answers' form is this one's."""
        return msgspec.structs.replace(
            self,
            max_context_bytes=min(self.max_context_bytes, other.max_context_bytes),
            max_depth=min(self.max_depth, other.max_depth),
            required=self.required or other.required,
            require_ontology_valid=self.require_ontology_valid or other.require_ontology_valid,
            within=other if self.within is None else self.within.narrowed(other),
        )

    @cached_property
    def digest(self) -> str:
        """Digest of the effective policy."""
        return json_digest(msgspec.to_builtins(self))

    def admits_record(self, *, kind: str, path: str, sensitivity: str, status: str | None) -> bool:
        """Whether one record may be read; ``Admission`` says the same of a whole commit at once."""
        if kind in self.exclude_kinds or compile_globs(self.exclude_paths)(path):
            return False
        if self.within and not self.within.admits_record(kind=kind, path=path, sensitivity=sensitivity, status=status):
            return False
        return any(
            (grant.everything or kind in grant.include.graph_kinds or compile_globs(grant.include.paths)(path))
            and sensitivity in grant.include.sensitivity
            and (status or "draft") in grant.include.statuses
            for grant in self.grants
        )

    def denies_kind(self, kind: str) -> bool:
        """Whether no record of the kind can be read, wherever it stands."""
        if kind in self.exclude_kinds or (self.within and self.within.denies_kind(kind)):
            return True
        return not any(g.everything or g.include.paths or kind in g.include.graph_kinds for g in self.grants)

    def denies_glob(self, glob: str) -> bool:
        """Whether every path that a glob can match is excluded, as far as the glob's own text shows."""
        folders = tuple(path[:-2] for path in self.exclude_paths if path.endswith("/**") and "*" not in path[:-2])
        if self.within and self.within.denies_glob(glob):
            return True
        return glob in self.exclude_paths or "**" in self.exclude_paths or glob.startswith(folders)


def owner_policy() -> EffectivePolicy:
    """What the owner of a local repository may read: everything but the values behind ``secret-metadata``."""
    grant = Grant(Include(sensitivity=SENSITIVITIES, statuses=STATUSES), everything=True)
    return EffectivePolicy((), (grant,), (), (), DEFAULT_MODE, 1 << 30, MAX_DEPTH, False, False, False)


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
        grants=tuple(Grant(spec.include, spec.read_policy.mode == "allow-all") for spec in specs),
        exclude_paths=tuple(sorted({path for spec in specs for path in spec.exclude.paths})),
        exclude_kinds=tuple(sorted({kind for spec in specs for kind in spec.exclude.graph_kinds})),
        query_mode=first.spec.default_query_mode,
        max_context_bytes=min(spec.max_context_bytes for spec in specs),
        max_depth=min(spec.read_policy.max_depth for spec in specs),
        required=any(spec.required for spec in specs),
        require_ontology_valid=any(spec.require_ontology_valid for spec in specs),
        current_only=any(spec.current_only for spec in specs),
    )
