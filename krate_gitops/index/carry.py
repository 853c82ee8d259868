"""The verdict on a commit whose older neighbour is judged: only what a change can touch is judged again.

A change takes some shards away and brings others. Of the rest of the commit, only records that share an id with a
changed record, and references that point at one, can be judged differently than before. These, together with the
changed shards, are judged in the world before and in the world after; the counts differ by what those two verdicts
differ. Where a rule could reach further (a closed cycle, a name that others use, paths that clash), nothing is carried
and the commit is judged whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from krate_gitops.brain.arrays import among, distinct
from krate_gitops.brain.layout import EXPECTED_ENTRIES, REQUIRED_ENTRIES
from krate_gitops.brain.links import ALIAS, EDGE, NO_TIME, SOURCE, Array, Links, concatenate, select
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.brain.rules.across import DAY, Across, Commit, Hit, hits, review_days
from krate_gitops.brain.rules.collisions import Spellings, spellings
from krate_gitops.brain.rules.run_memory import RUNS
from krate_gitops.index.shard import Outline


class Span(msgspec.Struct, frozen=True, array_like=True):
    """Commit times, in seconds, for which what dates say of the records holds: ``first`` <= time < ``end``."""

    first: int = -(1 << 62)
    end: int = 1 << 62

    def holds(self, time: int) -> bool:
        return self.first <= time < self.end

    def within(self, other: Span) -> Span:
        """Times in both."""
        return Span(max(self.first, other.first), min(self.end, other.end))


def span_of(links: Links, index: OntologyIndex, time: int) -> Span:
    """Times around ``time`` at which the same records are stale or ahead of their time."""
    dated = np.flatnonzero(links.record_updated != NO_TIME)
    updated = links.record_updated[dated]
    days = review_days(index, links.names)[links.record_kind[dated]]
    turns = np.concatenate((updated + (days + 1) * DAY, updated - DAY))
    before, after = turns[turns <= time], turns[turns > time]
    default = Span()
    return Span(int(before.max()) if len(before) else default.first, int(after.min()) if len(after) else default.end)


class Rest(NamedTuple):
    """Everything of a commit that a change leaves as it is: columns, and which of their rows still stand."""

    links: Links
    records: Array
    refs: Array
    spellings: Spellings


class Change(NamedTuple):
    """Shards a change took away and brought, and the commit times before and after."""

    old: Sequence[Outline]
    new: Sequence[Outline]
    old_time: int
    new_time: int


class Hits(NamedTuple):
    """Findings across records of the part that a change can touch, by code and severity, before and after it."""

    before: list[Hit]
    after: list[Hit]


def touched_hits(change: Change, rest: Rest, index: OntologyIndex) -> Hits | None:
    """Findings that the change may have made or ended, or None when the whole commit must be judged."""
    old, new = _joined(change.old), _joined(change.new)
    if not _paths_apart(change, rest) or not _names_apart(old, new, rest, index):
        return None
    ids = _changed_ids(old, new)
    same = rest.records & among(rest.links.record_fold, np.concatenate((old.record_fold, new.record_fold)))
    near = _Near(
        records=np.flatnonzero(same),
        refs=np.flatnonzero(rest.refs & (among(rest.links.ref_target, ids) | same[rest.links.ref_record])),
    )
    if _may_close_cycles(old, new, rest, index):
        return None
    return Hits(
        _judge(old, near, rest, index, change.old_time),
        _judge(new, near, rest, index, change.new_time),
    )


class _Near(NamedTuple):
    """Rows of the rest that are judged again: records of one id with the changed part, and references of or to them."""

    records: Array
    refs: Array


def _joined(outlines: Sequence[Outline]) -> Links:
    return concatenate([outline.links for outline in outlines])[0]


def _changed_ids(old: Links, new: Links) -> Array:
    """Ids of the records that are not the same on both sides, as far as a reference to them can tell."""
    before, after = Counter(_rows(old)), Counter(_rows(new))
    different = {row[0] for row in ((before - after) + (after - before))}
    return np.array(sorted(different), dtype=np.uint64)


def _rows(links: Links) -> Iterable[tuple[Any, ...]]:
    names = links.names
    return zip(
        links.record_id.tolist(),
        links.record_fold.tolist(),
        (names[number] for number in links.record_kind.tolist()),
        links.record_status.tolist(),
        links.record_patch.tolist(),
        strict=True,
    )


def _paths_apart(change: Change, rest: Rest) -> bool:
    """Whether added and removed paths matter to no other file: no clash of spellings, no run, no expected entry."""
    before = {path for outline in change.old for path in outline.paths}
    after = {path for outline in change.new for path in outline.paths}
    differing = before ^ after
    if any(path.startswith(RUNS) for path in (*before, *after)):
        return False
    if not differing:
        return True
    if any(path in differing for path in (*REQUIRED_ENTRIES, *EXPECTED_ENTRIES)):
        return False
    mine = spellings(sorted(before | after))
    order = np.argsort(mine.fold)
    at = np.searchsorted(mine.fold[order], rest.spellings.fold)
    at[at == len(order)] = 0
    twin = order[at]
    same_fold = mine.fold[twin] == rest.spellings.fold
    clash = bool(np.any(same_fold & (mine.exact[twin] != rest.spellings.exact)))
    return not clash and len(distinct(mine.fold)) == len(mine.fold)


def _names_apart(old: Links, new: Links, rest: Rest, index: OntologyIndex) -> bool:
    """Whether titles and aliases that changed are used by no alias, and no reference asks whether a file is there."""
    for links, alive in ((old, ...), (new, ...), (rest.links, rest.refs)):
        if _asks_for_files(links, alive, index):
            return False
    aliases = [Counter(links.ref_target[links.ref_role == ALIAS].tolist()) for links in (old, new)]
    if aliases[0] != aliases[1]:
        return False
    titles = [Counter(links.record_title.tolist()) for links in (old, new)]
    changed = set((titles[0] - titles[1]) + (titles[1] - titles[0])) - {0}
    used = set(aliases[0]) | set(rest.links.ref_target[rest.refs & (rest.links.ref_role == ALIAS)].tolist())
    return not changed & used


def _asks_for_files(links: Links, alive: Any, index: OntologyIndex) -> bool:
    """Whether any of the references is a ``path:`` that is looked up among the files."""
    numbers = [number for number, name in enumerate(links.names) if name == "path"]
    if not numbers:
        return False
    roles = (EDGE, SOURCE) if "path" in index.ontology.external_prefixes else (SOURCE,)
    return bool(np.any(np.isin(links.ref_prefix, numbers)[alive] & np.isin(links.ref_role, roles)[alive]))


def _may_close_cycles(old: Links, new: Links, rest: Rest, index: OntologyIndex) -> bool:
    """Whether an edge that came or went could be part of a cycle: its source is itself pointed at by such an edge.

    A record that comes or goes also makes edges of the rest come and go.
    """
    acyclic = {name for name, kind in index.ontology.edge_kinds.items() if kind.acyclic != "no"}
    before, after = Counter(_edges(old, acyclic)), Counter(_edges(new, acyclic))
    sources = {source for source, _, _ in (before - after) + (after - before)}
    sources |= set(old.record_id.tolist()) ^ set(new.record_id.tolist())
    if not sources:
        return False
    numbers = [number for number, name in enumerate(rest.links.names) if name in acyclic]
    follows = rest.refs & (rest.links.ref_role == EDGE) & np.isin(rest.links.ref_kind, numbers)
    targets = {target for _, _, target in (*before, *after)}
    if sources & targets:
        return True
    return bool(among(rest.links.ref_target[follows], np.array(sorted(sources), dtype=np.uint64)).any())


def _edges(links: Links, kinds: set[str]) -> Iterable[tuple[int, str, int]]:
    numbers = [number for number, name in enumerate(links.names) if name in kinds]
    for ref in np.flatnonzero((links.ref_role == EDGE) & np.isin(links.ref_kind, numbers)).tolist():
        source = int(links.record_id[links.ref_record[ref]])
        yield source, links.names[int(links.ref_kind[ref])], int(links.ref_target[ref])


def _judge(part: Links, near: _Near, rest: Rest, index: OntologyIndex, time: int) -> list[Hit]:
    """Findings of the changed part and of the rows near it, in a small world that holds all they depend on."""
    links = rest.links
    targets = np.concatenate((part.ref_target, links.ref_target[near.refs]))
    chosen = np.zeros(links.records, dtype=bool)
    chosen[near.records] = True
    chosen[links.ref_record[near.refs]] = True
    chosen |= rest.records & (among(links.record_id, targets) | among(links.record_fold, part.record_fold))
    world, rows, refs = select(links, np.flatnonzero(chosen), near.refs)
    joined, _, ref_bases = concatenate([part, world])
    records = np.concatenate((np.arange(part.records), part.records + np.searchsorted(rows, near.records)))
    judged_refs = np.concatenate((np.arange(len(part.ref_target)), ref_bases[1] + np.arange(len(refs))))
    return hits(Across(joined, index, Commit(time, _nothing), records=records, refs=judged_refs))


def _nothing(_: int) -> bool:
    return False
