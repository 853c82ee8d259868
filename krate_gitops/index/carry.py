"""The verdict on a commit whose older neighbour is judged: what changed is judged, the rest is carried over.

Rules across records look at ids, kinds, statuses, titles and references. When the changed shards say the same of these
as before (a text was edited, a date moved on), no finding in any other shard can differ, and only the changed shards
are counted anew. Dates are the exception: a record turns stale as commits go by, so a verdict holds for a span of
commit times that is kept with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from krate_gitops.brain.links import NO_TIME, Links
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.brain.rules.across import DAY, future, review_days, stale, timed_case
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


def interface(outlines: Sequence[Outline]) -> tuple[Counter[Any], Counter[Any], list[str]]:
    """What other records can see of some shards: records, references, paths."""
    records: Counter[Any] = Counter()
    refs: Counter[Any] = Counter()
    paths: list[str] = []
    for outline in outlines:
        links = outline.links
        names = links.names
        identifiers = links.record_id.tolist()
        rows = zip(
            identifiers,
            links.record_fold.tolist(),
            (names[number] for number in links.record_kind.tolist()),
            (names[number] for number in links.record_prefix.tolist()),
            links.record_status.tolist(),
            links.record_title.tolist(),
            links.record_patch.tolist(),
            strict=True,
        )
        records.update(rows)
        references = zip(
            (identifiers[record] for record in links.ref_record.tolist()),
            links.ref_role.tolist(),
            (names[number] for number in links.ref_kind.tolist()),
            links.ref_target.tolist(),
            strict=True,
        )
        refs.update(references)
        paths += outline.paths
    return records, refs, paths


def can_carry(old: Sequence[Outline], new: Sequence[Outline]) -> bool:
    """Whether the new shards look to the rest of the commit as the old ones did."""
    before, after = interface(old), interface(new)
    return before == after and not any(path.startswith(RUNS) for path in after[2])


def dated_hits(outlines: Sequence[Outline], index: OntologyIndex, time: int) -> list[tuple[str, str]]:
    """Path and code of the findings that hang on dates."""
    found = []
    for outline in outlines:
        case = timed_case(outline.links, index, time)
        for rule in (stale, future):
            for hit in rule(case):
                found.append((outline.paths[int(outline.links.record_file[hit.record])], hit.code))
    return found
