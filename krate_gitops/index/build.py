"""The index of one commit: found, completed from an older commit's, or built."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from krate_gitops.errors import UnavailableError
from krate_gitops.git.history import read_commit
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import TreeProblem, diff_trees, list_tree
from krate_gitops.index.columns import Columns
from krate_gitops.index.judge import Judge
from krate_gitops.index.manifest import Manifest, TreeIssue
from krate_gitops.index.plan import Planned, plan_changes, plan_cold
from krate_gitops.index.shard import DamagedError, Entry, Summary
from krate_gitops.index.source import Source, Target, open_source
from krate_gitops.index.store import Store
from krate_gitops.index.verdict import Judging, Verdict
from krate_gitops.index.worker import Setting, Task, run_all
from krate_gitops.progress import Progress, silent

_ANCESTORS = 20
"""How far back a parent that is indexed already is looked for."""


class BuildStats(msgspec.Struct, rename="camel"):
    """What a build did: shards in all, built and reused; milliseconds in all and by phase.

    Phases of worker processes (read, parse, index, write, and their part of validate) are summed, so that together they
    may exceed the whole.
    """

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


class _Clock:
    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._start = self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        """Ends a stretch and counts it for a phase; for none where its parts were added apart."""
        now = time.perf_counter()
        if phase:
            self.add(phase, now - self._last)
        self._last = now

    def add(self, phase: str, seconds: float) -> None:
        self._seconds[phase] = self._seconds.get(phase, 0.0) + seconds

    @property
    def phases(self) -> dict[str, int]:
        """Milliseconds by phase."""
        return {phase: round(seconds * 1000) for phase, seconds in self._seconds.items()}

    def total(self) -> int:
        return round((time.perf_counter() - self._start) * 1000)


class Builder:
    """Builds indexes into the store under ``home``; ``jobs`` 0 means a process for each processor."""

    def __init__(self, home: Path, *, organization: str = "local", jobs: int = 0) -> None:
        self.store = Store(home)
        self._home = home
        self._organization = organization
        self._jobs = jobs
        self._judging = Judging(self.store, organization)

    def build(self, target: Target, *, force: bool = False, progress: Progress = silent) -> Built:
        """The index of a commit, complete when this returns. ``force`` builds every shard anew.

        Raises ``UnavailableError`` when the repository can't be read or the store can't be written.
        """
        clock = _Clock()
        with ObjectReader(target.repository) as reader:
            source = open_source(target, reader, self.store, organization=self._organization)
            known = None if force else self._known(source)
            if known is not None:
                total = len(known.shards)
                return Built(known, source, BuildStats(total, 0, clock.total(), clock.phases))
            plan = self._plan(source, reader, force)
            clock.lap("list")
            shards, built = self._complete(source, plan.shards, reader, clock, force, progress)
        clock.lap("")
        manifest = _manifest(source, shards, plan.issues, self._judging.verdict(source, plan.base, shards, plan.issues))
        clock.lap("validate")
        self.store.write_manifest(manifest)
        clock.lap("write")
        return Built(manifest, source, BuildStats(len(shards), built, clock.total(), clock.phases))

    def repair(self, target: Target) -> int:
        """Removes the damaged shards of a commit, so that the next build makes them anew; returns how many."""
        with ObjectReader(target.repository) as reader:
            source = open_source(target, reader, self.store, organization=self._organization)
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
        return self._judging.judge(source, columns, issues)

    def columns(self, shards: Iterable[Summary]) -> Columns:
        """Columns of stored shards. Raises ``DamagedError``."""
        return self._judging.columns(shards)

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
            try:
                parents = read_commit(reader, commit).parents
            except UnavailableError:
                return None  # history may be cut off here, as in a shallow clone; no older commit is needed
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
        self,
        source: Source,
        planned: list[Planned],
        reader: ObjectReader,
        clock: _Clock,
        force: bool,
        progress: Progress,
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
            if not self.store.has_verdict(summary.key, source.judge):
                tasks.append(summary)
        documents = sum(len(task.entries) if isinstance(task, Task) else task.documents for task in tasks)
        setting = Setting(source.target.repository, self._home, source.ontology, source.profile, self._organization)
        done = 0

        def report(finished: int) -> None:
            nonlocal done
            done += finished
            progress("indexing", done, documents)

        made, spent = run_all(setting, tasks, self._jobs, report, reader)
        found |= made
        built = sum(isinstance(task, Task) for task in tasks)
        for phase, seconds in spent.items():
            clock.add(phase, seconds)
        return tuple(found[item.key] for item in planned), built

    def _stored(self, task: Task, force: bool) -> Summary | None:
        if force:
            self.store.remove_shard(task.key)
            return None
        return self.store.summary(task.key)


def _manifest(source: Source, shards: tuple[Summary, ...], issues: tuple[TreeIssue, ...], verdict: Verdict) -> Manifest:
    return Manifest(
        commit=source.target.commit,
        variant=source.variant,
        repository=source.target.repository.name,
        root=source.root,
        commit_time=source.commit_time,
        ontology_digest=source.ontology.digest,
        ontology_version=source.ontology.version,
        judge=source.judge,
        profile_digest=source.profile_digest,
        shards=shards,
        issues=issues,
        result=verdict.tally.result(source.ontology.rules.fail_on),
        findings=verdict.tally.rows(),
        holds=verdict.holds,
        catalog=verdict.catalog,
    )


def _issues(problems: Iterable[TreeProblem]) -> tuple[TreeIssue, ...]:
    return tuple(TreeIssue(problem.path, problem.reason) for problem in problems)
