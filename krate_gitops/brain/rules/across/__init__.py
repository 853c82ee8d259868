"""Rules that look across records, on the columns of ``links``.

Each rule is a function from a case to ``Hit`` rows. A row names a record, maybe one of its references and maybe another
record; words are found later, and only for the rows that are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from krate_gitops.brain.rules.across.case import Across, Commit, Hit
from krate_gitops.brain.rules.across.cycles import cycle, cycles
from krate_gitops.brain.rules.across.edges import (
    cardinality,
    dangling,
    domain,
    duplicate_edge,
    range_of_records,
    self_edge,
    superseded,
    unknown_edge_kind,
)
from krate_gitops.brain.rules.across.records import (
    DAY,
    alias_collision,
    deprecated_kind,
    duplicate_id,
    future,
    prefix_mismatch,
    review_days,
    stale,
    unknown_kind,
)
from krate_gitops.brain.rules.across.references import owner, unresolved
from krate_gitops.brain.rules.across.resolution import Resolution, resolve

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


def hits(case: Across) -> list[Hit]:
    """Findings of every rule in no particular order."""
    return [hit for rule in RULES for hit in rule(case)]


__all__ = ["DAY", "RULES", "Across", "Commit", "Hit", "Resolution", "cycles", "hits", "resolve", "review_days"]
