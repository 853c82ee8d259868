"""Asks a snapshot's question again, at its commit, under its policy, and compares every digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from krate_gitops.digest import sha256_digest
from krate_gitops.errors import KrateError
from krate_gitops.index.formats import INDEXER_VERSION
from krate_gitops.index.strength import FORMULAS
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.material import Item, Material, ask, encode
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.query import Scope
from krate_gitops.memory.question import Question
from krate_gitops.memory.recall import Kept
from krate_gitops.memory.redact import REDACTION_VERSION
from krate_gitops.memory.response import ExcerptItem


class DigestCheck(msgspec.Struct, frozen=True):
    """One digest as recorded and as it came out now; None where there was nothing to compare."""

    name: str
    recorded: str
    replayed: str | None
    match: bool


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a replay does not match: a stable reason, words for people, and the item it is about."""

    reason: str
    message: str
    item: str = ""


class Replay(msgspec.Struct, frozen=True):
    """Whether a snapshot could be told again, digest by digest. Without differences everything matched."""

    snapshot: str
    commit: str
    match: bool
    digests: tuple[DigestCheck, ...]
    differences: tuple[Difference, ...] = ()


class _Again(NamedTuple):
    material: Material
    ontology_digest: str
    index_digest: str

    def digests(self) -> dict[str, str]:
        return {
            **self.material.digests(),
            "selectionDigest": sha256_digest(encode(self.material)),
            "ontologyDigest": self.ontology_digest,
            "indexDigest": self.index_digest,
        }


def replay(brain: Brain, kept: Kept) -> Replay:
    """The comparison. A version that this program has not is a difference of its own, and nothing else is compared.

    Raises what reading the commit raises.
    """
    material = kept.material
    unknown = tuple(_unknown_versions(material))
    if unknown:
        return _result(kept, {}, unknown)
    try:
        again = brain.read(kept.snapshot.spec.resolved_commit, lambda opened: _ask_again(opened, kept, material))
    except KrateError as error:
        if error.code not in _ANSWERS:
            raise
        # The question was answered once; that it can't be now is a difference, not a fault of whoever replays.
        return _result(kept, {}, (Difference(error.code, error.message, error.location),))
    replayed = again.digests()
    return _result(kept, replayed, tuple(_differences(kept, material, again, replayed)))


_ANSWERS = ("INVALID_REQUEST", "POLICY_DENIED", "MEMORY_LIMIT_EXCEEDED", "MEMORY_REDACTION_FAILED")


def _ask_again(opened: OpenIndex, kept: Kept, material: Material) -> _Again:
    spec = kept.snapshot.spec
    scope = Scope(spec.organization_ref, spec.memory_repository, spec.ref_resolution)
    again = ask(Question(opened, material.request, material.policy), scope)
    return _Again(again, opened.manifest.ontology_digest, opened.manifest.index_digest)


def _unknown_versions(material: Material) -> Iterator[Difference]:
    ranking = material.request.ranking_version
    if ranking not in FORMULAS:
        yield Difference("ranking-version", f"ranking version {ranking} is not known to this program")
    redaction = material.manifest.get("redactionVersion")
    if redaction != REDACTION_VERSION:
        yield Difference(
            "redaction-version", f"redaction version {redaction} was used, this program has only {REDACTION_VERSION}"
        )


def _result(kept: Kept, replayed: Mapping[str, str], differences: tuple[Difference, ...]) -> Replay:
    checks = tuple(
        DigestCheck(name, recorded, replayed.get(name), replayed.get(name) == recorded)
        for name, recorded in recorded_digests(kept).items()
    )
    match = all(check.match for check in checks) and not differences
    return Replay(kept.snapshot.metadata.name, kept.snapshot.spec.resolved_commit, match, checks, differences)


def recorded_digests(kept: Kept) -> dict[str, str]:
    """Digests by name: the spec's own, and for those it does not hold, what the query and its manifest say."""
    spec, material = kept.snapshot.spec, kept.material
    return {
        "queryManifestDigest": spec.query_manifest_digest,
        "policyDigest": str(material.manifest.get("policyDigest")),
        "selectedRecordsDigest": spec.selected_records_digest,
        "selectedExcerptsDigest": spec.selected_excerpts_digest,
        "selectedDocumentsDigest": spec.selected_documents_digest,
        "resultDigest": kept.query.status.result_digest,
        "redactionDigest": material.digests()["redactionDigest"],
        "selectionDigest": spec.selection_digest,
        "ontologyDigest": spec.ontology_digest,
        "indexDigest": spec.index_digest,
    }


def _differences(kept: Kept, material: Material, again: _Again, replayed: Mapping[str, str]) -> Iterator[Difference]:
    recorded = recorded_digests(kept)
    was = material.manifest.get("indexerVersion")
    if was != INDEXER_VERSION:
        yield Difference(
            "indexer-version", f"the index was made by version {was}, this program makes {INDEXER_VERSION}"
        )
    elif recorded["indexDigest"] != replayed["indexDigest"]:
        yield Difference("index", "the same commit gives another index: memory root or repository differ")
    if recorded["ontologyDigest"] != replayed["ontologyDigest"]:
        yield Difference("ontology", "the ontology is another one; for a foreign brain name its folder with --ontology")
    if recorded["policyDigest"] != replayed["policyDigest"]:
        yield Difference("policy", "the stored policy is not the one that was in force")
    yield from _item_differences(material, again.material)


def _item_differences(before: Material, after: Material) -> Iterator[Difference]:
    olds, news = _by_key(before), _by_key(after)
    paths = {item.path for item in news.values()}
    for (kind, key), old in olds.items():
        new = news.get((kind, key))
        if new is None:
            where = "is still read, but not this of it" if old.path in paths else "is not selected any more"
            yield Difference("item-missing", f"{old.path} {where}", key)
        elif new.digest != old.digest:
            yield Difference("item-changed", f"content of {old.path} differs", key)
        elif new != old:
            changed = [name for name in old.__struct_fields__ if getattr(old, name) != getattr(new, name)]
            yield Difference("item-changed", f"{', '.join(changed)} of {old.path} differ", key)
    for (kind, key), new in news.items():
        if (kind, key) not in olds:
            yield Difference("item-added", f"{new.path} was not selected", key)


def _by_key(material: Material) -> dict[tuple[str, str], Item]:
    return {(type(item).__name__, item_key(item)): item for item in material.items()}


def item_key(item: Item) -> str:
    """What an item is called: its id, its path, or its lines."""
    if isinstance(item, ExcerptItem):
        return f"{item.path}:{item.line_start}-{item.line_end}"
    return item.id or item.path
