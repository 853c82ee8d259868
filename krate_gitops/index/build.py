"""The index of one commit: found, completed from an older commit's, or built."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from krate_gitops.brain.links import concatenate
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.brain.rules.collisions import Spellings
from krate_gitops.brain.rules.record import RecordRules
from krate_gitops.brain.rules.severity import Severities
from krate_gitops.brain.rules.words import bare_finding
from krate_gitops.git.history import read_commit
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import TreeProblem, diff_trees, list_tree
from krate_gitops.index.carry import Change, Rest, Span, span_of, touched_hits
from krate_gitops.index.catalog import catalog_bytes
from krate_gitops.index.columns import Columns
from krate_gitops.index.judge import Judge, Place, judge_files
from krate_gitops.index.manifest import Manifest, TreeIssue
from krate_gitops.index.plan import Planned, plan_changes, plan_cold
from krate_gitops.index.shard import DamagedError, Entry, Findings, Outline, Shard, Summary
from krate_gitops.index.source import Source, Target, open_source
from krate_gitops.index.store import Store
from krate_gitops.index.tally import Tally
from krate_gitops.index.worker import Setting, Task, run_all
from krate_gitops.progress import Progress, silent

_ANCESTORS = 20
"""How far back a parent that is indexed already is looked for."""
_MOST_LATER = 64
"""Shards newer than a catalog that are read one by one before a new catalog is written."""


class BuildStats(msgspec.Struct, rename="camel"):
    """What a build did: shards in all, built and reused; milliseconds in all and by phase."""

    total: int
    built: int
    duration_ms: int
    phases: dict[str, int]

    @property
    def reused(self) -> int:
        return self.total - self.built


class Built(msgspec.Struct, frozen=True):
    """An index and how it came about."""

    manifest: Manifest
    source: Source
    stats: BuildStats


class _Plan(NamedTuple):
    """Shards of the new commit, what of its tree can't be read, and the older manifest it starts from."""

    shards: list[Planned]
    issues: tuple[TreeIssue, ...]
    base: Manifest | None


class _Verdict(NamedTuple):
    """Counted findings, the commit times they hold for, and the catalog that serves the next commit."""

    tally: Tally
    holds: Span
    catalog: str


class _Clock:
    def __init__(self) -> None:
        self.phases: dict[str, int] = {}
        self._start = self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        now = time.perf_counter()
        self.phases[phase] = round((now - self._last) * 1000)
        self._last = now

    def total(self) -> int:
        return round((time.perf_counter() - self._start) * 1000)


class Builder:
    """Builds indexes into the store under ``home``; ``jobs`` 0 means a process for each processor."""

    def __init__(self, home: Path, *, organization: str = "local", jobs: int = 0) -> None:
        self.store = Store(home)
        self._home = home
        self._organization = organization
        self._jobs = jobs

    def build(self, target: Target, *, force: bool = False, progress: Progress = silent) -> Built:
        """The index of a commit, complete when this returns. ``force`` builds every shard anew.

        Raises ``UnavailableError`` when the repository can't be read or the store can't be written.
        """
        clock = _Clock()
        with ObjectReader(target.repository) as reader:
            source = open_source(target, reader, self.store)
            known = None if force else self._known(source)
            if known is not None:
                total = len(known.shards)
                return Built(known, source, BuildStats(total, 0, clock.total(), clock.phases))
            plan = self._plan(source, reader, force)
            clock.lap("list")
            shards, built = self._complete(source, plan.shards, reader, force, progress)
        clock.lap("index")
        manifest = self._judged(source, plan.base, shards, plan.issues)
        clock.lap("validate")
        self.store.write_manifest(manifest)
        clock.lap("write")
        return Built(manifest, source, BuildStats(len(shards), built, clock.total(), clock.phases))

    def repair(self, target: Target) -> int:
        """Removes the damaged shards of a commit, so that the next build makes them anew; returns how many."""
        with ObjectReader(target.repository) as reader:
            source = open_source(target, reader, self.store)
        manifest = self.store.manifest(target.commit, source.variant)
        damaged = 0
        for summary in manifest.shards if manifest else ():
            try:
                self.store.shard(summary).verify()
            except DamagedError:
                self.store.remove_shard(summary.key)
                damaged += 1
        return damaged

    def judge(self, source: Source, columns: Columns, issues: Iterable[TreeIssue]) -> Judge:
        """The judge of a commit whose shards are complete."""
        rules = RecordRules(OntologyIndex(source.ontology), self._organization)
        verdicts = [self._verdict(shard, source.ontology.digest, rules) for shard in columns.shards]
        place = Place(source.commit_time, source.root, source.root_present, source.outside)
        return Judge(columns, source.ontology, verdicts, tuple(issues), place)

    def _verdict(self, shard: Shard, ontology_digest: str, rules: RecordRules) -> Findings:
        """The stored verdict of a shard; one that is gone or damaged is given again."""
        verdict = self.store.verdict(shard.summary.key, ontology_digest)
        if verdict is None:
            verdict = judge_files(rules, shard.facts())
            self.store.write_verdict(shard.summary.key, ontology_digest, verdict)
        return verdict

    def columns(self, shards: Iterable[Summary]) -> Columns:
        """Columns of stored shards. Raises ``DamagedError``."""
        return Columns([self.store.shard(summary) for summary in shards])

    def _known(self, source: Source) -> Manifest | None:
        manifest = self.store.manifest(source.target.commit, source.variant)
        if manifest is None or not all(self.store.has_shard(shard.key) for shard in manifest.shards):
            return None
        return manifest

    # -- which shards

    def _plan(self, source: Source, reader: ObjectReader, force: bool) -> _Plan:
        base = None if force else self._base(source, reader)
        if base is not None:
            try:
                return self._plan_from(base, source, reader)
            except DamagedError:
                pass  # the base lost a shard; the whole tree tells as much
        if not source.root_present:
            return _Plan([], (), None)
        listing = list_tree(reader, source.target.commit, source.root)
        shards = plan_cold(source.entries(listing.entries), source.profile_digest)
        return _Plan(shards, _issues(listing.problems), None)

    def _base(self, source: Source, reader: ObjectReader) -> Manifest | None:
        """Manifest of the nearest first-parent ancestor that is indexed under the same root and profile."""
        commit = source.target.commit
        for _ in range(_ANCESTORS):
            for manifest in self.store.manifests_of(commit):
                if manifest.root == source.root and manifest.profile_digest == source.profile_digest:
                    return manifest
            parents = read_commit(reader, commit).parents
            if not parents:
                return None
            commit = parents[0]
        return None

    def _plan_from(self, base: Manifest, source: Source, reader: ObjectReader) -> _Plan:
        if not all(self.store.has_shard(summary.key) for summary in base.shards):
            raise DamagedError("a shard of the older commit is gone")
        difference = diff_trees(reader, base.commit, source.target.commit, source.root)
        changes: dict[str, Entry | None] = {change.path: None for change in difference.changes}
        changes |= {
            entry.path: entry for entry in source.entries(change.new for change in difference.changes if change.new)
        }
        changes = {path: entry for path, entry in changes.items() if not path.startswith("indexes/")}
        planned = plan_changes(base.shards, changes, self._entries_of, source.profile_digest)
        gone = {(problem.path, problem.reason) for problem in difference.old_problems}
        kept = [issue for issue in base.issues if (issue.path, issue.reason) not in gone]
        return _Plan(planned, (*kept, *_issues(difference.new_problems)), base)

    def _entries_of(self, summary: Summary) -> list[Entry]:
        return self.store.shard(summary).entries()

    # -- shards and verdict

    def _complete(
        self, source: Source, planned: list[Planned], reader: ObjectReader, force: bool, progress: Progress
    ) -> tuple[tuple[Summary, ...], int]:
        """Summaries of all shards in order, and how many were built."""
        found: dict[str, Summary] = {}
        tasks: list[Task | Summary] = []
        for item in planned:
            summary = item if isinstance(item, Summary) else self._stored(item, force)
            if summary is None:
                tasks.append(item)
                continue
            found[summary.key] = summary
            if not self.store.has_verdict(summary.key, source.ontology.digest):
                tasks.append(summary)
        documents = sum(len(task.entries) if isinstance(task, Task) else task.documents for task in tasks)
        setting = Setting(source.target.repository, self._home, source.ontology, source.profile, self._organization)
        done = 0

        def report(finished: int) -> None:
            nonlocal done
            done += finished
            progress("indexing", done, documents)

        found |= run_all(setting, tasks, self._jobs, report, reader)
        built = sum(isinstance(task, Task) for task in tasks)
        return tuple(found[item.key] for item in planned), built

    def _stored(self, task: Task, force: bool) -> Summary | None:
        if force:
            self.store.remove_shard(task.key)
            return None
        return self.store.summary(task.key)

    def _judged(
        self, source: Source, base: Manifest | None, shards: tuple[Summary, ...], issues: tuple[TreeIssue, ...]
    ) -> Manifest:
        carried = self._carried(source, base, shards, issues) if base else None
        verdict = carried or self._judged_whole(source, shards, issues)
        return Manifest(
            commit=source.target.commit,
            variant=source.variant,
            repository=source.target.repository.name,
            root=source.root,
            commit_time=source.commit_time,
            ontology_digest=source.ontology.digest,
            ontology_version=source.ontology.version,
            profile_digest=source.profile_digest,
            shards=shards,
            issues=issues,
            result=verdict.tally.result(source.ontology.rules.fail_on),
            findings=verdict.tally.rows(),
            holds=verdict.holds,
            catalog=verdict.catalog,
        )

    def _judged_whole(self, source: Source, shards: tuple[Summary, ...], issues: tuple[TreeIssue, ...]) -> _Verdict:
        columns = self.columns(shards)
        tally = self.judge(source, columns, issues).tally()
        name = f"{source.target.commit}-{source.variant}"
        self.store.write_catalog(name, catalog_bytes([shard.key for shard in shards], columns.outlines))
        return _Verdict(tally, span_of(columns.links, OntologyIndex(source.ontology), source.commit_time), name)

    def _carried(
        self, source: Source, base: Manifest, shards: tuple[Summary, ...], issues: tuple[TreeIssue, ...]
    ) -> _Verdict | None:
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
        return _Verdict(tally, holds, base.catalog)

    def _add_files(
        self, tally: Tally, source: Source, index: OntologyIndex, shards: Iterable[tuple[Shard, Outline]], sign: int
    ) -> None:
        """Counts the findings of single files of some shards."""
        rules = RecordRules(index, self._organization)
        for shard, outline in shards:
            for found in (shard.findings(), self._verdict(shard, source.ontology.digest, rules)):
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


def _issues(problems: Iterable[TreeProblem]) -> tuple[TreeIssue, ...]:
    return tuple(TreeIssue(problem.path, problem.reason) for problem in problems)
