"""What a commit changes of another: findings in files that differ, and findings elsewhere that the change causes."""

from __future__ import annotations

from collections import Counter

import numpy as np

from krate_gitops.brain.links import EDGE, id_key
from krate_gitops.brain.model import Ontology
from krate_gitops.brain.ontology import Usage
from krate_gitops.brain.rules.change import Version, check_change, check_ontology_change
from krate_gitops.brain.rules.severity import Severities
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import diff_trees
from krate_gitops.index.columns import Columns
from krate_gitops.index.diagnose import Found
from krate_gitops.index.judged import Judged
from krate_gitops.index.source import INDEXES

_OF_TIME = frozenset(("KB053", "KB059"))
"""What a file becomes guilty of by the passing of time alone; no change elsewhere is to blame for it."""


def touched_paths(reader: ObjectReader, base: Judged, head: Judged) -> frozenset[str]:
    """Documents that differ between two commits, present or not."""
    changes = diff_trees(reader, base.manifest.commit, head.manifest.commit, head.source.root).changes
    return frozenset(change.path for change in changes if not change.path.startswith(INDEXES))


def changed_findings(
    base: Judged, head: Judged, touched: frozenset[str], *, owner_approved: bool = False
) -> list[Found]:
    """Findings of profile U.

    Those of the new commit in files that differ, those in other files that the base did not have, and those of the
    rules about changes. ``owner_approved`` says that a memory owner approved the change.
    """
    known = {
        (path, finding.code, finding.field, finding.record_id, finding.offset)
        for path, finding, _ in base.judge.findings()
        if path not in touched
    }
    found: list[Found] = []
    for path, finding, severity in head.judge.findings():
        key = (path, finding.code, finding.field, finding.record_id, finding.offset)
        if path in touched or (key not in known and finding.code not in _OF_TIME):
            found.append((path, finding, severity))
    severities = Severities(head.ontology.rules)
    placed = check_change(
        _version(base, touched),
        _version(head, touched),
        untouched=_Untouched(head.columns, touched),
        owner_approved=owner_approved,
    )
    placed += check_ontology_change(base.ontology, head.ontology, _usage(head, base.ontology))
    for path, finding in placed:
        level = severities.of(finding, path)
        if level is not None:
            found.append((path, finding, level))
    return found


def owner_matters(base: Judged, head: Judged, touched: frozenset[str]) -> list[Found]:
    """Findings of profile U that are none once a memory owner has approved the change."""
    versions = _version(base, touched), _version(head, touched)
    untouched = _Untouched(head.columns, touched)
    allowed = check_change(*versions, untouched=untouched, owner_approved=True)
    severities = Severities(head.ontology.rules)
    placed = [one for one in check_change(*versions, untouched=untouched) if one not in allowed]
    return [(path, finding, level) for path, finding in placed if (level := severities.of(finding, path)) is not None]


def _version(side: Judged, touched: frozenset[str]) -> Version:
    files = {path: file for path in sorted(touched) if (file := side.file(path)) is not None}
    return Version(files, side.ontology_index())


class _Untouched:
    """Whether a file that does not differ holds the record of an id."""

    def __init__(self, columns: Columns, touched: frozenset[str]) -> None:
        links = columns.links
        differs = np.zeros(len(columns.paths), dtype=bool)
        differs[[columns.file_number[path] for path in touched if path in columns.file_number]] = True
        kept = ~differs[columns.record_file] & ~links.record_patch
        self._keys = frozenset(links.record_id[kept].tolist())

    def __call__(self, identifier: str) -> bool:
        return id_key(identifier) in self._keys


def _usage(side: Judged, old: Ontology) -> Usage:
    """How often the new commit uses what its ontology may have lost."""
    if old.digest == side.ontology.digest:
        return Usage()
    links = side.columns.links
    kinds = Counter(links.names[number] for number in links.record_kind.tolist())
    edges = Counter(links.names[number] for number in links.ref_kind[links.ref_role == EDGE].tolist())
    return Usage(kinds, edges, _attribute_usage(side, old))


def _attribute_usage(side: Judged, old: Ontology) -> Counter[tuple[str, str]]:
    """Uses of attributes that are gone; only records of kinds that lost one are looked at."""
    new = side.ontology.node_kinds
    lost = {
        name: gone
        for name, kind in old.node_kinds.items()
        if name in new and (gone := kind.attributes.keys() - new[name].attributes.keys())
    }
    uses: Counter[tuple[str, str]] = Counter()
    links = side.columns.links
    numbers = [at for at, name in enumerate(links.names) if name in lost]
    for record in np.flatnonzero(np.isin(links.record_kind, numbers)).tolist():
        found = side.columns.record(record)
        uses.update((found.kind, name) for name in lost[found.kind] & found.attributes.keys())
    return uses
