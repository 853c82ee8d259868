"""Rules that look across records, on the columns of ``links``.

Each rule is a function from the columns to ``Hit`` rows. A row names a record, maybe one of its references and maybe
another record; words are found later, and only for the rows that are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from krate_gitops.brain.links import ALIAS, EDGE, NO_TIME, OWNER, REPOSITORY, SOURCE, Links, id_key
from krate_gitops.brain.normalise import STATUSES
from krate_gitops.brain.ontology import OntologyIndex

DAY = 86_400
_APPROVED = STATUSES.index("approved")
_RETIRED = (STATUSES.index("deprecated"), STATUSES.index("archived"))

Array = npt.NDArray[Any]


class Hit(NamedTuple):
    """One finding: code, record, reference (-1: the record itself), other record (-1: none), a number for the words.

    For a required edge that is missing (KB042), ``other`` is -2 less the position of the edge kind in the ontology.
    """

    code: str
    record: int
    ref: int = -1
    other: int = -1
    value: int = 0


class Resolution(NamedTuple):
    """What ids resolve to.

    ``defines``: records that define their id (patches only add edges to one that does). ``target``: defining record of
    each reference, -1 where there is none. ``served``: records that own their id alone, ignoring case.
    """

    defines: Array
    target: Array
    served: Array
    definer: Array
    """For each record, the record that defines its id (itself for most)."""


def resolve(links: Links) -> Resolution:
    """Resolves every reference and finds duplicated ids."""
    defines = ~links.record_patch
    if links.record_patch.any():
        promoted = links.record_patch & ~np.isin(links.record_id, links.record_id[defines])
        defines = defines | promoted
    rows = np.flatnonzero(defines)
    order = rows[np.argsort(links.record_id[rows], kind="stable")]
    keys = links.record_id[order]
    served = np.zeros(links.records, dtype=bool)
    served[rows] = _alone(links.record_fold[rows])
    return Resolution(defines, _look_up(keys, order, links.ref_target), served, _look_up(keys, order, links.record_id))


def _look_up(keys: Array, order: Array, wanted: Array) -> Array:
    if not len(keys):
        return np.full(len(wanted), -1, dtype=np.int64)
    at = np.searchsorted(keys, wanted)
    at[at == len(keys)] = 0
    return np.where(keys[at] == wanted, order[at], -1)


def _alone(keys: Array) -> Array:
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return counts[inverse] == 1


class Commit(NamedTuple):
    """The world the columns are judged in. ``knows_path`` answers for a reference whether its ``path:`` file exists."""

    time: int
    knows_path: Callable[[int], bool]


class Across:
    """All rules of one commit, or of the part of it that changed.

    ``records`` and ``refs`` say which rows are judged (all when None); the columns always hold the whole commit.
    """

    def __init__(
        self,
        links: Links,
        index: OntologyIndex,
        commit: Commit,
        *,
        records: Array | None = None,
        refs: Array | None = None,
        resolution: Resolution | None = None,
    ) -> None:
        self.links = links
        self.index = index
        self.commit = commit
        self.found = resolution or resolve(links)
        self.records = np.arange(links.records) if records is None else records
        all_refs = np.arange(len(links.ref_record)) if refs is None else refs
        self.by_role = {
            role: all_refs[links.ref_role[all_refs] == role] for role in (EDGE, OWNER, REPOSITORY, SOURCE, ALIAS)
        }

    def hits(self) -> list[Hit]:
        """Findings of every rule in no particular order."""
        return [hit for rule in RULES for hit in rule(self)]

    # -- questions the rules share

    def edges(self) -> Array:
        return self.by_role[EDGE]

    def source_kind(self, refs: Array) -> Array:
        return self.links.record_kind[self.links.ref_record[refs]]

    def per_name(self, answer: Callable[[str], bool]) -> Array:
        """An answer for each name number."""
        return np.array([answer(name) for name in self.links.names], dtype=bool)

    def per_combination(self, columns: tuple[Array, ...], answer: Callable[..., bool]) -> Array:
        """An answer for each row of name numbers, asked once for each distinct combination."""
        size = len(self.links.names)
        mixed = columns[0].astype(np.int64)
        for column in columns[1:]:
            mixed = mixed * size + column
        distinct, inverse = np.unique(mixed, return_inverse=True)
        names = self.links.names
        answers = np.zeros(len(distinct), dtype=bool)
        for at, value in enumerate(distinct.tolist()):
            numbers = []
            for _ in columns:
                value, number = divmod(value, size)
                numbers.append(number)
            answers[at] = answer(*(names[number] for number in reversed(numbers)))
        result: Array = answers[inverse]
        return result


# -- records


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
    owner = _look_up(links.record_title[order], order, links.ref_target[refs])
    for ref, other in zip(refs.tolist(), owner.tolist(), strict=True):
        if (
            other >= 0
            and other != links.ref_record[ref]
            and links.record_id[other] != links.record_id[links.ref_record[ref]]
        ):
            yield Hit("KB056", int(links.ref_record[ref]), ref, other)
    all_aliases = np.flatnonzero(links.ref_role == ALIAS)
    first: dict[int, int] = {}
    for ref in all_aliases.tolist():
        record = int(links.ref_record[ref])
        known = first.setdefault(int(links.ref_target[ref]), record)
        if links.record_id[known] != links.record_id[record]:
            yield Hit("KB056", record, ref, known)


# -- edges


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
    owners = _owner_keys(index)
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


def _owner_keys(index: OntologyIndex) -> frozenset[int]:
    owners = index.vocabulary("owners")
    return frozenset(id_key(owner) for owner in owners.values) if owners else frozenset()


def self_edge(case: Across) -> Iterator[Hit]:
    refs = case.edges()
    own = case.links.record_id[case.links.ref_record[refs]] == case.links.ref_target[refs]
    for ref in refs[own].tolist():
        yield Hit("KB039", int(case.links.ref_record[ref]), ref)


def duplicate_edge(case: Across) -> Iterator[Hit]:
    refs = case.edges()
    if not len(refs):
        return
    links = case.links
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
                ref = int(edges[owner == record][kind.max_per_source])
                yield Hit("KB042", record, ref, value=int(counts[record]))
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


def cycle(case: Across) -> Iterator[Hit]:
    links, found = case.links, case.found
    judged = np.zeros(links.records, dtype=bool)
    judged[case.records] = True
    for name, kind in case.index.ontology.edge_kinds.items():
        if kind.acyclic == "no" or name not in links.names:
            continue
        number = links.names.index(name)
        refs = np.flatnonzero((links.ref_role == EDGE) & (links.ref_kind == number) & (found.target >= 0))
        source = found.definer[links.ref_record[refs]]
        target = found.target[refs]
        keep = source != target
        for component in cycles(source[keep], target[keep], links.records):
            members = set(component)
            for ref, start, end in zip(refs.tolist(), source.tolist(), target.tolist(), strict=True):
                if start in members and end in members and start != end and judged[start]:
                    yield Hit("KB040", int(links.ref_record[ref]), ref, end, 2 if kind.acyclic == "error" else 1)


def cycles(source: Array, target: Array, nodes: int) -> list[list[int]]:
    """Strongly connected components of more than one node.

    Nodes without a way in or a way out are peeled off first, which in a healthy brain leaves nothing to search.
    """
    while len(source):
        has_in = np.zeros(nodes, dtype=bool)
        has_out = np.zeros(nodes, dtype=bool)
        has_in[target] = True
        has_out[source] = True
        keep = has_in[source] & has_out[target]
        if keep.all():
            break
        source, target = source[keep], target[keep]
    adjacent: dict[int, list[int]] = {}
    for start, end in zip(source.tolist(), target.tolist(), strict=True):
        adjacent.setdefault(start, []).append(end)
    return [component for component in _components(adjacent) if len(component) > 1]


def _components(adjacent: dict[int, list[int]]) -> Iterator[list[int]]:
    """Tarjan's algorithm without recursion: chains may be long."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in adjacent:
        if root in index:
            continue
        work = [(root, iter(adjacent[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, children = work[-1]
            for child in children:
                if child not in index:
                    index[child] = low[child] = len(index)
                    stack.append(child)
                    on_stack.add(child)
                    work.append((child, iter(adjacent.get(child, ()))))
                    break
                if child in on_stack:
                    low[node] = min(low[node], index[child])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        component.append(member)
                        if member == node:
                            break
                    yield component


# -- other references


def owner(case: Across) -> Iterator[Hit]:
    refs, links, index = case.by_role[OWNER], case.links, case.index
    if not len(refs):
        return
    team = case.per_name(lambda name: name in ("Team", "User"))
    target = case.found.target[refs]
    good = (target >= 0) & team[links.record_kind[np.maximum(target, 0)]] if links.records else target >= 0
    owners = _owner_keys(index)
    vocabulary = index.vocabulary("owners")
    closed = vocabulary is not None and vocabulary.closed
    user = case.per_name(lambda name: name == "user" and not closed)
    rest = refs[~good & ~user[links.ref_prefix[refs]]]
    for ref in rest.tolist():
        if int(links.ref_target[ref]) not in owners:
            yield Hit("KB051", int(links.ref_record[ref]), ref)


def unresolved(case: Across) -> Iterator[Hit]:
    links, external = case.links, case.index.ontology.external_prefixes
    owners = _owner_keys(case.index)
    for role in (REPOSITORY, SOURCE):
        refs = case.by_role[role]
        for ref in refs[case.found.target[refs] < 0].tolist():
            prefix = links.names[links.ref_prefix[ref]]
            known = prefix in external and role == SOURCE
            if prefix == "path" and role == SOURCE:
                known = case.commit.knows_path(ref)
            if not known and int(links.ref_target[ref]) not in owners:
                yield Hit("KB044", int(links.ref_record[ref]), ref)


RULES: tuple[Callable[[Across], Iterator[Hit]], ...] = (
    unknown_kind,
    deprecated_kind,
    prefix_mismatch,
    duplicate_id,
    stale,
    future,
    alias_collision,
    unknown_edge_kind,
    domain,
    range_of_records,
    dangling,
    self_edge,
    duplicate_edge,
    cardinality,
    superseded,
    cycle,
    owner,
    unresolved,
)
