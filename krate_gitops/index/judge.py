"""The verdict on a commit: findings of its files, of the ontology's rules, and across records."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.model import Finding, Ontology, Severity
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.brain.rules.across import Across, Commit, Hit, hits
from krate_gitops.brain.rules.collisions import check_collisions, colliding
from krate_gitops.brain.rules.layout import check_entries, tree_problem
from krate_gitops.brain.rules.record import RecordRules
from krate_gitops.brain.rules.run_memory import RUNS, check_runs
from krate_gitops.brain.rules.severity import Severities
from krate_gitops.brain.rules.words import Words, bare_finding
from krate_gitops.index.columns import Columns
from krate_gitops.index.manifest import TreeIssue
from krate_gitops.index.shard import Findings
from krate_gitops.index.tally import Tally

Placed = tuple[str, Finding]


class Place(msgspec.Struct, frozen=True):
    """Where and when a commit is judged."""

    commit_time: int
    root: str
    root_present: bool
    outside: bool
    """Whether the ontology is kept outside the brain."""


class Judge:
    """Findings of one commit. ``verdicts`` are, shard by shard, what the rules of the ontology said of its files."""

    def __init__(
        self,
        columns: Columns,
        ontology: Ontology,
        verdicts: Sequence[Findings],
        issues: Sequence[TreeIssue],
        place: Place,
    ) -> None:
        self._columns = columns
        self._ontology = ontology
        self._index = OntologyIndex(ontology)
        self._verdicts = verdicts
        self._issues = issues
        self._place = place
        self._severities = Severities(ontology.rules)
        self._words = Words(columns, self._index)

    def findings(self) -> Iterator[tuple[str, Finding, Severity]]:
        """Every finding with its path and severity, in no particular order; what the brain has disabled is left out."""
        for path, finding in self._placed():
            severity = self._severities.of(finding, path)
            if severity is not None:
                yield path, finding, severity

    def tally(self) -> Tally:
        """All findings, counted; no words are made for them."""
        tally = Tally(self._severities)
        for path, finding in self._apart_from_records():
            tally.add(path, finding)
        for hit in self.hits():
            tally.add(self._columns.path_of_record(hit.record), bare_finding(hit))
        return tally

    def _placed(self) -> Iterator[Placed]:
        yield from self._apart_from_records()
        for hit in self.hits():
            yield self._words.finding(hit)

    def _apart_from_records(self) -> Iterator[Placed]:
        """Findings of files, of the ontology and of the layout."""
        columns = self._columns
        files = columns.shard_files()
        for number, shard in enumerate(columns.shards):
            for found in (shard.findings(), self._verdicts[number]):
                for position, findings in found:
                    path = columns.paths[files[number] + position]
                    for finding in findings:
                        yield path, finding
        for item in self._ontology.findings:
            yield item.path, item.finding
        for issue in self._issues:
            yield issue.path, tree_problem(issue.path, issue.reason)
        yield from check_entries(
            columns.file_number.__contains__,
            root=self._place.root,
            root_present=self._place.root_present,
            outside=self._place.outside,
        )
        folds = colliding(columns.spellings)
        if folds:
            yield from check_collisions(columns.paths, folds)
        yield from check_runs(columns.file(number) for number in _folder(columns.paths, RUNS))

    def hits(self) -> list[Hit]:
        """Findings across records."""
        commit = Commit(self._place.commit_time, self._knows_path)
        return hits(Across(self._columns.links, self._index, commit, resolution=self._columns.resolution))

    def _knows_path(self, ref: int) -> bool:
        return self._columns.target_text(ref).partition(":")[2] in self._columns.file_number


def judge_files(rules: RecordRules, files: Iterable[ParsedFile]) -> Findings:
    """What the rules of an ontology say of a shard's files."""
    verdict: Findings = []
    for position, file in enumerate(files):
        found = rules.check_file(file)
        if found:
            verdict.append((position, found))
    return verdict


def _folder(paths: Sequence[str], folder: str) -> range:
    """Positions of the paths below a folder, which ends with a slash, among sorted paths."""
    return range(bisect_left(paths, folder), bisect_left(paths, folder[:-1] + "0"))
