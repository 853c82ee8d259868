"""Verdicts on commits: whole, or carried over from an older commit with what changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from krate_gitops.brain.links import concatenate
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.brain.rules.collisions import Spellings
from krate_gitops.brain.rules.record import RecordRules
from krate_gitops.brain.rules.severity import Severities
from krate_gitops.brain.rules.words import bare_finding
from krate_gitops.index.carry import Change, Rest, Span, span_of, touched_hits
from krate_gitops.index.catalog import catalog_bytes
from krate_gitops.index.columns import Columns
from krate_gitops.index.judge import Judge, Place, judge_files
from krate_gitops.index.manifest import Manifest, TreeIssue
from krate_gitops.index.shard import DamagedError, Findings, Outline, Shard, Summary
from krate_gitops.index.source import Source
from krate_gitops.index.store import Store
from krate_gitops.index.tally import Tally

_MOST_LATER = 64
"""Shards newer than a catalog that are read one by one before a new catalog is written."""


class Verdict(NamedTuple):
    """Counted findings, the commit times they hold for, and the catalog that serves the next commit."""

    tally: Tally
    holds: Span
    catalog: str


class Judging:
    """Judges commits whose shards are stored."""

    def __init__(self, store: Store, organization: str) -> None:
        self.store = store
        self._organization = organization

    def columns(self, shards: Iterable[Summary]) -> Columns:
        """Columns of stored shards. Raises ``DamagedError``."""
        return Columns([self.store.shard(summary) for summary in shards])

    def verdict(
        self, source: Source, base: Manifest | None, shards: tuple[Summary, ...], issues: tuple[TreeIssue, ...]
    ) -> Verdict:
        """The verdict on a commit, starting from that on ``base`` where this is enough."""
        carried = self._carried(source, base, shards, issues) if base else None
        return carried or self._judged_whole(source, shards, issues)

    def judge(self, source: Source, columns: Columns, issues: Iterable[TreeIssue]) -> Judge:
        """The judge of a commit whose shards are complete."""
        rules = RecordRules(OntologyIndex(source.ontology), self._organization)
        verdicts = [self._verdict(shard, source.judge, rules) for shard in columns.shards]
        place = Place(source.commit_time, source.root, source.root_present, source.outside)
        return Judge(columns, source.ontology, verdicts, tuple(issues), place)

    def _verdict(self, shard: Shard, judge: str, rules: RecordRules) -> Findings:
        """The stored verdict of a shard; one that is gone or damaged is given again."""
        verdict = self.store.verdict(shard.summary.key, judge)
        if verdict is None:
            verdict = judge_files(rules, shard.facts())
            self.store.write_verdict(shard.summary.key, judge, verdict)
        return verdict

    def _judged_whole(self, source: Source, shards: tuple[Summary, ...], issues: tuple[TreeIssue, ...]) -> Verdict:
        columns = self.columns(shards)
        tally = self.judge(source, columns, issues).tally()
        name = f"{source.target.commit}-{source.variant}"
        self.store.write_catalog(name, catalog_bytes([shard.key for shard in shards], columns.outlines))
        return Verdict(tally, span_of(columns.links, OntologyIndex(source.ontology), source.commit_time), name)

    def _carried(
        self, source: Source, base: Manifest, shards: tuple[Summary, ...], issues: tuple[TreeIssue, ...]
    ) -> Verdict | None:
        """Counts of an older commit with what the change can touch counted anew; None where all must be judged."""
        if base.variant != source.variant or base.issues != issues or not base.holds.holds(source.commit_time):
            return None
        if source.ontology.rules.disabled_paths:
            return None  # what is counted then hangs on paths, which a catalog does not hold
        known = {summary.key for summary in base.shards}
        keys = {summary.key for summary in shards}
        old = [self.store.shard(summary) for summary in base.shards if summary.key not in keys]
        new = [self.store.shard(summary) for summary in shards if summary.key not in known]
        common = [summary for summary in shards if summary.key in known]
        try:
            rest = self._rest(base.catalog, common)
            change = Change(
                [shard.outline() for shard in old],
                [shard.outline() for shard in new],
                base.commit_time,
                source.commit_time,
            )
            index = OntologyIndex(source.ontology)
            hits = touched_hits(change, rest, index) if rest else None
            if hits is None:
                return None
            tally = Tally(Severities(source.ontology.rules))
            tally.add_rows(base.findings)
            self._add_files(tally, source, index, zip(old, change.old, strict=True), -1)
            self._add_files(tally, source, index, zip(new, change.new, strict=True), 1)
        except DamagedError:
            return None
        for found, sign in ((hits.before, -1), (hits.after, 1)):
            for hit in found:
                tally.add("", bare_finding(hit), sign)
        holds = base.holds
        for outline in change.new:
            holds = holds.within(span_of(outline.links, index, source.commit_time))
        return Verdict(tally, holds, base.catalog)

    def _add_files(
        self, tally: Tally, source: Source, index: OntologyIndex, shards: Iterable[tuple[Shard, Outline]], sign: int
    ) -> None:
        """Counts the findings of single files of some shards."""
        rules = RecordRules(index, self._organization)
        for shard, outline in shards:
            for found in (shard.findings(), self._verdict(shard, source.judge, rules)):
                for position, findings in found:
                    for finding in findings:
                        tally.add(outline.paths[position], finding, sign)

    def _rest(self, name: str, common: Sequence[Summary]) -> Rest | None:
        """Columns of the shards that a change leaves alone: from the catalog, and from shards that came after it.

        None when so many came after it that a new catalog is due.
        """
        catalog = self.store.catalog(name)
        if catalog is None:
            return None
        kept = set(catalog.keys)
        later = [summary for summary in common if summary.key not in kept]
        if len(later) > _MOST_LATER:
            return None
        links, records, refs, spellings = catalog.rest({summary.key for summary in common})
        if not later:
            return Rest(links, records, refs, spellings)
        outlines = [self.store.shard(summary).outline() for summary in later]
        joined, _, _ = concatenate([links, *(outline.links for outline in outlines)])
        return Rest(
            joined,
            np.concatenate((records, np.ones(joined.records - links.records, dtype=bool))),
            np.concatenate((refs, np.ones(len(joined.ref_record) - len(links.ref_record), dtype=bool))),
            Spellings(
                np.concatenate((spellings.fold, *(outline.spellings.fold for outline in outlines))),
                np.concatenate((spellings.exact, *(outline.spellings.exact for outline in outlines))),
            ),
        )
