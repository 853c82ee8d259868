"""Rules about records: their kinds, ids, dates and names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from krate_gitops.brain.base_fields import STATUSES
from krate_gitops.brain.links import ALIAS, NO_TIME, Array
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.brain.rules.across.case import Across, Hit

DAY = 86_400
_APPROVED = STATUSES.index("approved")


def unknown_kind(case: Across) -> Iterator[Hit]:
    if not case.index.ontology.node_kinds:
        return  # an ontology that could not be read says nothing of kinds
    known = case.per_name(lambda name: not name or name in case.index.ontology.node_kinds)
    for record in case.records[~known[case.links.record_kind[case.records]]].tolist():
        yield Hit("KB025", record)


def deprecated_kind(case: Across) -> Iterator[Hit]:
    nodes, edges = case.index.ontology.node_kinds, case.index.ontology.edge_kinds
    old = case.per_name(lambda name: name in nodes and nodes[name].state == "deprecated")
    for record in case.records[old[case.links.record_kind[case.records]]].tolist():
        yield Hit("KB055", record)
    old = case.per_name(lambda name: name in edges and edges[name].state == "deprecated")
    refs = case.edges()
    for ref in refs[old[case.links.ref_kind[refs]]].tolist():
        yield Hit("KB055", int(case.links.ref_record[ref]), ref)


def prefix_mismatch(case: Across) -> Iterator[Hit]:
    rows = case.records
    fits = case.per_combination((case.links.record_kind[rows], case.links.record_prefix[rows]), case.index.prefix_fits)
    for record in rows[~fits].tolist():
        yield Hit("KB032", record)


def duplicate_id(case: Across) -> Iterator[Hit]:
    links, found = case.links, case.found
    rows = case.records[found.defines[case.records] & ~found.served[case.records]]
    if not len(rows):
        return
    candidates = np.flatnonzero(found.defines & ~found.served)
    groups: dict[int, list[int]] = {}
    for record in candidates.tolist():
        groups.setdefault(int(links.record_fold[record]), []).append(record)
    for record in rows.tolist():
        group = groups[int(links.record_fold[record])]
        other = group[0] if group[0] != record else group[1]
        yield Hit("KB033", record, other=other, value=len(group))


def stale(case: Across) -> Iterator[Hit]:
    links = case.links
    days = review_days(case.index, links.names)
    rows = case.records[
        (links.record_status[case.records] == _APPROVED) & (links.record_updated[case.records] != NO_TIME)
    ]
    age = (case.commit.time - links.record_updated[rows]) // DAY
    late = age > days[links.record_kind[rows]]
    for record, value in zip(rows[late].tolist(), age[late].tolist(), strict=True):
        yield Hit("KB053", record, value=value)


def review_days(index: OntologyIndex, names: Sequence[str]) -> Array:
    """Days after which an approved record of each kind is stale."""
    kinds, default = index.ontology.node_kinds, index.ontology.rules.stale_after_days
    stated = (kinds[name].review_after_days if name in kinds else None for name in names)
    return np.array([default if days is None else days for days in stated], dtype=np.int64)


def future(case: Across) -> Iterator[Hit]:
    ahead = case.links.record_updated[case.records] - (case.commit.time + DAY)
    for record in case.records[(ahead > 0) & (case.links.record_updated[case.records] != NO_TIME)].tolist():
        yield Hit("KB059", record, value=int((case.links.record_updated[record] - case.commit.time) // DAY))


def alias_collision(case: Across) -> Iterator[Hit]:
    refs, links = case.by_role[ALIAS], case.links
    if not len(refs):
        return
    titles = np.flatnonzero(links.record_title)
    order = titles[np.argsort(links.record_title[titles], kind="stable")]
    titled, wanted = links.record_title[order], links.ref_target[refs]
    starts, ends = np.searchsorted(titled, wanted), np.searchsorted(titled, wanted, side="right")
    for ref, start, end in zip(refs.tolist(), starts.tolist(), ends.tolist(), strict=True):
        own = links.record_id[links.ref_record[ref]]
        other = next((record for record in order[start:end].tolist() if links.record_id[record] != own), None)
        if other is not None:
            yield Hit("KB056", int(links.ref_record[ref]), ref, other)
    all_aliases = np.flatnonzero(links.ref_role == ALIAS)
    first: dict[int, int] = {}
    for ref in all_aliases.tolist():
        record = int(links.ref_record[ref])
        known = first.setdefault(int(links.ref_target[ref]), record)
        if links.record_id[known] != links.record_id[record]:
            yield Hit("KB056", record, ref, known)
