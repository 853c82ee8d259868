"""Rules about declared edges: their kinds, ends, number and repetition."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from krate_gitops.brain.base_fields import STATUSES
from krate_gitops.brain.links import EDGE
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.brain.rules.across.case import Across, Hit
from krate_gitops.brain.rules.across.references import owner_keys

_APPROVED = STATUSES.index("approved")


def unknown_edge_kind(case: Across) -> Iterator[Hit]:
    refs = case.edges()
    known = case.per_name(lambda name: name in case.index.ontology.edge_kinds)
    for ref in refs[~known[case.links.ref_kind[refs]]].tolist():
        yield Hit("KB035", int(case.links.ref_record[ref]), ref)


def domain(case: Across) -> Iterator[Hit]:
    refs = case.edges()
    nodes = case.index.ontology.node_kinds
    fits = case.per_combination(
        (case.links.ref_kind[refs], case.source_kind(refs)),
        lambda edge, kind: kind not in nodes or case.index.admits_source(edge, kind),
    )
    for ref in refs[~fits].tolist():
        yield Hit("KB036", int(case.links.ref_record[ref]), ref)


def range_of_records(case: Across) -> Iterator[Hit]:
    refs = case.edges()
    refs = refs[case.found.target[refs] >= 0]
    target = case.found.target[refs]
    nodes = case.index.ontology.node_kinds
    fits = case.per_combination(
        (case.links.ref_kind[refs], case.source_kind(refs), case.links.record_kind[target]),
        lambda edge, kind, other: other not in nodes or case.index.admits_target(edge, kind, other),
    )
    fits |= ~case.found.served[target]  # which of several records is meant, nobody can say
    for ref in refs[~fits].tolist():
        yield Hit("KB037", int(case.links.ref_record[ref]), ref, int(case.found.target[ref]))


def dangling(case: Across) -> Iterator[Hit]:
    refs = case.edges()
    refs = refs[case.found.target[refs] < 0]
    if not len(refs):
        return
    links, index = case.links, case.index
    external = index.ontology.external_prefixes
    known_kind = case.per_name(lambda name: name in index.ontology.edge_kinds)
    owners = owner_keys(index)
    for ref in refs.tolist():
        prefix = links.names[links.ref_prefix[ref]]
        record = int(links.ref_record[ref])
        if int(links.ref_target[ref]) in owners:
            continue
        if prefix not in external:
            yield Hit("KB038", record, ref)
        elif known_kind[links.ref_kind[ref]] and not index.admits_external(links.names[links.ref_kind[ref]], prefix):
            yield Hit("KB037", record, ref)
        elif prefix == "path" and not case.commit.knows_path(ref):
            yield Hit("KB044", record, ref)


def self_edge(case: Across) -> Iterator[Hit]:
    refs = case.edges()
    own = case.links.record_id[case.links.ref_record[refs]] == case.links.ref_target[refs]
    for ref in refs[own].tolist():
        yield Hit("KB039", int(case.links.ref_record[ref]), ref)


def duplicate_edge(case: Across) -> Iterator[Hit]:
    refs, links = case.edges(), case.links
    # Of an id that several define, each may well say the same.
    refs = refs[case.found.served[case.found.definer[links.ref_record[refs]]]]
    if not len(refs):
        return
    owner = links.record_id[links.ref_record[refs]]
    order = np.lexsort((links.ref_target[refs], links.ref_kind[refs], owner))
    owner, kind, target = owner[order], links.ref_kind[refs][order], links.ref_target[refs][order]
    again = (owner[1:] == owner[:-1]) & (kind[1:] == kind[:-1]) & (target[1:] == target[:-1])
    for ref in refs[order[1:][again]].tolist():
        yield Hit("KB041", int(links.ref_record[ref]), ref)


def cardinality(case: Across) -> Iterator[Hit]:
    links, found, index = case.links, case.found, case.index
    number = {name: at for at, name in enumerate(links.names)}
    judged = np.zeros(links.records, dtype=bool)
    judged[case.records] = True
    for position, (name, kind) in enumerate(index.ontology.edge_kinds.items()):
        if not kind.min_per_source and kind.max_per_source is None:
            continue
        edges = np.flatnonzero((links.ref_role == EDGE) & (links.ref_kind == number.get(name, -1)))
        owner = found.definer[links.ref_record[edges]]
        counts = np.bincount(owner[owner >= 0], minlength=links.records)
        if kind.max_per_source is not None:
            for record in np.flatnonzero((counts > kind.max_per_source) & judged).tolist():
                # The first edge too many; it may stand in a patch of the record.
                ref = int(edges[owner == record][kind.max_per_source])
                yield Hit("KB042", int(links.ref_record[ref]), ref, value=int(counts[record]))
        if kind.min_per_source:
            held = case.per_name(_is_source(index, name))
            short = (counts < kind.min_per_source) & held[links.record_kind] & found.defines & judged
            for record in np.flatnonzero(short).tolist():
                yield Hit("KB042", record, other=-2 - position, value=int(counts[record]))


def _is_source(index: OntologyIndex, edge: str) -> Callable[[str], bool]:
    return lambda kind: kind in index.ontology.node_kinds and index.admits_source(edge, kind)


def superseded(case: Across) -> Iterator[Hit]:
    refs, links = case.edges(), case.links
    refs = refs[(case.found.target[refs] >= 0) & case.per_name(lambda name: name == "supersedes")[links.ref_kind[refs]]]
    target = case.found.target[refs]
    for ref, other in zip(refs.tolist(), target.tolist(), strict=True):
        if links.record_status[other] == _APPROVED and links.record_id[other] != links.record_id[links.ref_record[ref]]:
            yield Hit("KB043", int(links.ref_record[ref]), ref, other)
