"""The memory block of a context bundle, and the prompt section that shows it, both made from a snapshot alone."""

from __future__ import annotations

import msgspec

from krate_gitops.digest import json_digest
from krate_gitops.git.request import RefMode
from krate_gitops.memory.banners import standing
from krate_gitops.memory.material import Item, Material, source_kind
from krate_gitops.memory.recall import Kept
from krate_gitops.memory.render import Section, render
from krate_gitops.memory.response import ExcerptItem

LAYER_BYTES = 64 << 10
"""Ceiling of one prompt layer."""


class BlockSource(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    kind: str
    id: str | None = None
    path: str
    line_start: int | None = None
    line_end: int | None = None
    digest: str


class BlockResolution(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    mode: RefMode
    resolved_ref: str | None = None
    commit_time: str
    resolved_at: str
    approved: bool
    commits_behind: int | None = None


class BlockLimits(msgspec.Struct, frozen=True, rename="camel"):
    max_memory_bytes: int
    bytes: int
    truncated: bool


class MemoryBlock(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """``AgentContextBundle.spec.memory``. ``warnings`` are codes; items carry their own."""

    enabled: bool = msgspec.field(default_factory=lambda: True)
    repository_ref: str
    requested_ref: str
    requested_at: str | None = None
    resolved_commit: str
    current_commit_at_dispatch: str
    stale_by_seconds: int
    ref_resolution: BlockResolution
    snapshot_ref: str
    query_manifest_digest: str
    ontology_digest: str
    index_digest: str
    selected_records_digest: str
    selected_excerpts_digest: str
    selected_documents_digest: str
    sources: tuple[BlockSource, ...]
    limits: BlockLimits
    warnings: tuple[str, ...]

    @property
    def digest(self) -> str:
        """What the bundle's own digest takes in."""
        return json_digest(msgspec.to_builtins(self))


def memory_block(kept: Kept) -> MemoryBlock:
    """The block of a snapshot. The same snapshot gives the same block, until it becomes known to be bad."""
    spec, resolution, material = kept.snapshot.spec, kept.snapshot.spec.ref_resolution, kept.material
    return MemoryBlock(
        repository_ref=spec.memory_repository,
        requested_ref=spec.requested_ref,
        requested_at=spec.requested_at,
        resolved_commit=spec.resolved_commit,
        current_commit_at_dispatch=spec.current_commit_at_dispatch,
        stale_by_seconds=resolution.stale_by_seconds,
        ref_resolution=BlockResolution(
            mode=resolution.mode,
            resolved_ref=resolution.resolved_ref,
            commit_time=resolution.commit_time,
            resolved_at=resolution.resolved_at,
            approved=resolution.approved,
            commits_behind=resolution.commits_behind,
        ),
        snapshot_ref=kept.snapshot.metadata.name,
        query_manifest_digest=spec.query_manifest_digest,
        ontology_digest=spec.ontology_digest,
        index_digest=spec.index_digest,
        selected_records_digest=spec.selected_records_digest,
        selected_excerpts_digest=spec.selected_excerpts_digest,
        selected_documents_digest=spec.selected_documents_digest,
        sources=tuple(map(_source, material.items())),
        limits=BlockLimits(material.limits.max_bytes, material.limits.bytes, material.limits.truncated),
        warnings=_warnings(kept, material),
    )


def _warnings(kept: Kept, material: Material) -> tuple[str, ...]:
    marked = ["known-bad"] * (kept.snapshot.status.known_bad is not None)
    return tuple(dict.fromkeys([*marked, *standing(kept.snapshot.spec.ref_resolution), *material.warnings]))


def _source(item: Item) -> BlockSource:
    lines = (item.line_start, item.line_end) if isinstance(item, ExcerptItem) else (None, None)
    identifier = item.record_id if isinstance(item, ExcerptItem) else item.id
    return BlockSource(
        kind=source_kind(item),
        id=identifier,
        path=item.path,
        line_start=lines[0],
        line_end=lines[1],
        digest=item.digest,
    )


def prompt_section(kept: Kept) -> str:
    """The section of a prompt for a snapshot: what its block lists and nothing else, under the ceilings of both."""
    spec, material = kept.snapshot.spec, kept.material
    section = Section(
        repository=spec.memory_repository,
        resolution=spec.ref_resolution,
        manifest_digest=spec.query_manifest_digest,
        warnings=_warnings(kept, material),
        records=material.records,
        documents=material.documents,
        excerpts=material.excerpts,
        omitted=material.limits.omitted,
        reason=material.limits.reason,
        mark=kept.snapshot.status.known_bad,
    )
    most = min(material.policy.max_context_bytes, LAYER_BYTES)
    return render(section, fence=kept.origin.fence or spec.query_manifest_digest[-6:], max_bytes=most)
