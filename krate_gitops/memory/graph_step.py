"""The graph step of a query: the best records, and what edges lead to from them."""

from __future__ import annotations

from itertools import islice

import numpy as np

from krate_gitops.brain.base_fields import STATUSES
from krate_gitops.brain.links import OWNER, REPOSITORY, Array, id_key
from krate_gitops.memory.first import first_of
from krate_gitops.memory.question import Question

MAX_SEEDS = 200


def best_records(question: Question) -> tuple[list[int], int]:
    """Records in ranking order, as many as asked for, and how many there are beside them.

    Seeds are the strongest matches that pass the filters; from them, and from the records of the consumer, edges are
    followed. Filters choose what may come back, not only where the walk starts.
    """
    columns, admitted = question.columns, question.admission.records
    passing, tags = admitted & _filtered(question), _tags(question)
    reached = np.flatnonzero(_walked(question, _starts(question, passing, tags)) & passing & ~question.excluded.records)
    if tags:
        reached = reached[np.array([_has_tag(question, record, tags) for record in reached.tolist()], dtype=bool)]
    limit = question.request.limits.max_records
    units = question.ranking.best_first(columns.record_unit[reached], limit)
    return columns.unit_record[units].tolist(), max(0, len(reached) - limit)


def _starts(question: Question, passing: Array, tags: frozenset[str]) -> Array:
    strength = question.matches.strength[question.columns.record_unit]
    seeds = np.flatnonzero(passing & (strength > 0))
    most = len(seeds) if tags else MAX_SEEDS
    seeds = seeds[first_of(len(seeds), [lambda at: -strength[seeds[at]], lambda at: at], most)]
    if tags:
        tagged = (record for record in seeds.tolist() if _has_tag(question, record, tags))
        seeds = np.fromiter(islice(tagged, MAX_SEEDS), dtype=np.int64)
    return np.concatenate((seeds, np.array(sorted(question.ranking.associations), dtype=np.int64)))


def _walked(question: Question, starts: Array) -> Array:
    """Mask of the records within reach."""
    graph = question.request.graph
    distance = question.opened.graph.walk(
        starts,
        graph.edge_depth,
        admitted=question.admission.records,
        direction=graph.direction,
        kinds=question.opened.graph.kinds_mask(graph.edge_kinds),
    )
    mask: Array = distance >= 0
    return mask


def _filtered(question: Question) -> Array:
    """Records that pass the filters that columns can answer."""
    graph, columns = question.request.graph, question.columns
    links = columns.links
    keep = np.ones(links.records, dtype=bool)
    if graph.kinds:
        keep &= np.array([name in graph.kinds for name in links.names], dtype=bool)[links.record_kind]
    if graph.statuses:
        table = [*(name in graph.statuses for name in STATUSES), "draft" in graph.statuses]
        # Of a secret the status is not told, so it can't be asked for.
        keep &= np.array(table, dtype=bool)[links.record_status] & ~question.admission.secret
    if graph.ids:
        keep &= np.isin(links.record_id, _keys(graph.ids))
    for role, values in ((OWNER, graph.owners), (REPOSITORY, graph.repo_refs)):
        if values:
            refs = np.flatnonzero((links.ref_role == role) & np.isin(links.ref_target, _keys(values)))
            having = np.zeros(links.records, dtype=bool)
            having[links.ref_record[refs]] = True
            keep &= having if role == OWNER else having & ~question.admission.secret
    return keep


def _keys(identifiers: tuple[str, ...]) -> Array:
    return np.array([id_key(identifier) for identifier in identifiers], dtype=np.uint64)


def _tags(question: Question) -> frozenset[str]:
    ontology = question.opened.ontology
    return frozenset(ontology.canonical_term("tags", tag) for tag in question.request.graph.tags)


def _has_tag(question: Question, record: int, tags: frozenset[str]) -> bool:
    """Whether a record has one of the tags asked for. Tags are no column: only records that matter are looked at."""
    if question.admission.secret[record]:
        return False
    ontology = question.opened.ontology
    return any(ontology.canonical_term("tags", tag) in tags for tag in question.columns.record(record).tags)
