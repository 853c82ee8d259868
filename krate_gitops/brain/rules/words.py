"""Words and places for findings across records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from krate_gitops.brain.links import ALIAS, OWNER, REPOSITORY, SOURCE, Links
from krate_gitops.brain.model import Finding, Record, Related, Severity
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.brain.rules.across import Hit


def bare_finding(hit: Hit) -> Finding:
    """A hit's code and severity, for counting."""
    return Finding(hit.code, "", severity=_severity(hit))


def _severity(hit: Hit) -> Severity | None:
    return Severity(hit.value) if hit.code == "KB040" else None


class World(Protocol):
    """What the words need to know of a commit."""

    links: Links

    def record(self, number: int) -> Record: ...

    def path_of_record(self, number: int) -> str: ...

    def target_text(self, ref: int) -> str: ...

    def ordinal_of_record(self, number: int) -> int: ...


_FIELDS = {OWNER: "owners", REPOSITORY: "repoRefs", SOURCE: "sourceRefs", ALIAS: "aliases"}


class Words:
    """Turns hits into findings with their path."""

    def __init__(self, world: World, index: OntologyIndex) -> None:
        self._world = world
        self._index = index

    def finding(self, hit: Hit) -> tuple[str, Finding]:
        """Path and finding of a hit."""
        world = self._world
        record = world.record(hit.record)
        message, hint = _WORDS[hit.code](self, hit, record)
        related: tuple[Related, ...] = ()
        if hit.other >= 0:
            other = world.record(hit.other)
            related = (Related(world.path_of_record(hit.other), other.id),)
        return world.path_of_record(hit.record), Finding(
            hit.code,
            message,
            world.ordinal_of_record(hit.record),
            self._field(hit, record),
            severity=_severity(hit),
            record_id=record.id,
            related=related,
            hint=hint,
            at_key=hit.code in ("KB035", "KB055") and hit.ref >= 0,
        )

    def _field(self, hit: Hit, record: Record) -> str:
        graph = record.form == "graph"
        if hit.ref < 0:
            prefix = "attributes." if graph else ""
            if hit.code in ("KB053", "KB059"):
                return prefix + "updatedAt"
            if hit.code in ("KB025", "KB055"):
                return "nodeKind" if graph else "kind"
            return "" if hit.code == "KB042" else "id"
        role, place = int(self._world.links.ref_role[hit.ref]), int(self._world.links.ref_place[hit.ref])
        if role in _FIELDS:
            return f"{'attributes.' if graph else ''}{_FIELDS[role]}[{place}]"
        kind = record.edges[place].kind
        at = sum(edge.kind == kind for edge in record.edges[:place])
        return f"{'edges' if graph else 'related'}.{kind}[{at}]"

    def edge_kind(self, hit: Hit) -> str:
        return self._world.links.names[int(self._world.links.ref_kind[hit.ref])]

    def target(self, hit: Hit) -> str:
        return self._world.target_text(hit.ref)


def _unknown_kind(words: Words, hit: Hit, record: Record) -> tuple[str, str]:
    near = words._index.suggest_node_kind(record.kind)
    hint = f'did you mean "{near}"?' if near else ""
    return f'kind "{record.kind[:80]}" is not in the ontology', hint


def _prefix(words: Words, hit: Hit, record: Record) -> tuple[str, str]:
    kind = words._index.ontology.node_kinds[record.kind]
    return f'{record.kind} ids start with "{kind.id_prefix}:"', ""


def _duplicate(words: Words, hit: Hit, record: Record) -> tuple[str, str]:
    other = words._world.record(hit.other)
    place = words._world.path_of_record(hit.other)
    if other.id != record.id:
        return f"{record.id} differs only in case from {other.id} in {place}", ""
    more = f" and {hit.value - 2} more" if hit.value > 2 else ""
    return f"{record.id} is also defined in {place}{more}", ""


def _deprecated(words: Words, hit: Hit, record: Record) -> tuple[str, str]:
    ontology = words._index.ontology
    if hit.ref >= 0:
        name = words.edge_kind(hit)
        replacement = ontology.edge_kinds[name].replaced_by
        return f"edge kind {name} is deprecated" + (f", use {replacement}" if replacement else ""), ""
    replacement = ontology.node_kinds[record.kind].replaced_by
    return f"kind {record.kind} is deprecated" + (f", use {replacement}" if replacement else ""), ""


def _unknown_edge(words: Words, hit: Hit, record: Record) -> tuple[str, str]:
    name = words.edge_kind(hit)
    near = words._index.suggest_edge_kind(name)
    return f'edge kind "{name[:80]}" is not in the ontology', f'did you mean "{near}"?' if near else ""


def _range(words: Words, hit: Hit, record: Record) -> tuple[str, str]:
    kind = f" ({words._world.record(hit.other).kind})" if hit.other >= 0 else ""
    return f"{words.edge_kind(hit)} cannot target {words.target(hit)}{kind}", ""


def _cardinality(words: Words, hit: Hit, record: Record) -> tuple[str, str]:
    kinds = words._index.ontology.edge_kinds
    if hit.ref >= 0:
        kind = kinds[words.edge_kind(hit)]
        return f"at most {kind.max_per_source} {kind.name} allowed, found {hit.value}", ""
    kind = list(kinds.values())[-2 - hit.other]
    least = "exactly" if kind.max_per_source == kind.min_per_source else "at least"
    return f"{least} {kind.min_per_source} {kind.name} required, found {hit.value}", ""


def _unresolved(words: Words, hit: Hit, record: Record) -> tuple[str, str]:
    return f"{words.target(hit)} does not exist", ""


_WORDS: dict[str, Callable[[Words, Hit, Record], tuple[str, str]]] = {
    "KB025": _unknown_kind,
    "KB032": _prefix,
    "KB033": _duplicate,
    "KB035": _unknown_edge,
    "KB036": lambda words, hit, record: (f"{record.kind} cannot have {words.edge_kind(hit)}", ""),
    "KB037": _range,
    "KB038": _unresolved,
    "KB039": lambda words, hit, record: (f"record points at itself by {words.edge_kind(hit)}", ""),
    "KB040": lambda words, hit, record: (f"{words.edge_kind(hit)} cycle: {record.id} → {words.target(hit)} → …", ""),
    "KB041": lambda words, hit, record: (f"{words.edge_kind(hit)} {words.target(hit)} listed twice", ""),
    "KB042": _cardinality,
    "KB043": lambda words, hit, record: (f"{words.target(hit)} is still approved", "deprecate the superseded record"),
    "KB044": _unresolved,
    "KB051": lambda words, hit, record: (f"{words.target(hit)} is unknown", "name a team record or a listed user"),
    "KB053": lambda words, hit, record: (f"not reviewed for {hit.value} days", ""),
    "KB055": _deprecated,
    "KB056": lambda words, hit, record: (f'alias "{words.target(hit)[:80]}" is also used by another record', ""),
    "KB059": lambda words, hit, record: (f"updatedAt is {hit.value} days ahead", ""),
}
"""Message and hint (empty: the rule's own) by code."""

CODES: Sequence[str] = tuple(_WORDS)
