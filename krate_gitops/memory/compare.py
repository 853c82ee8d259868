"""What changed between two commits: records by identity, documents by path."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.model import Record
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import diff_trees
from krate_gitops.memory.admission import Admission
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.redact import RedactionConfig, redact

ADDED, REMOVED, CHANGED, MOVED = "added", "removed", "changed", "moved"


class Change(msgspec.Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """One record or document. ``moved`` may have changed too: then its digests differ."""

    type: str
    item: str
    id: str | None = None
    kind: str | None = None
    path: str
    old_path: str | None = None
    old_digest: str | None = None
    new_digest: str | None = None
    old_status: str | None = None
    new_status: str | None = None
    patch: str | None = None


class Comparison(msgspec.Struct, frozen=True, rename="camel"):
    """Changes by path, records before documents."""

    from_commit: str
    to_commit: str
    counts: dict[str, int]
    changes: tuple[Change, ...]


class _Side(NamedTuple):
    opened: OpenIndex
    admission: Admission

    def file(self, path: str) -> tuple[int, ParsedFile] | None:
        """An admitted file by path."""
        number = self.opened.columns.file_number.get(path)
        if number is None or not self.admission.files[number]:
            return None
        return number, self.opened.columns.file(number)

    def records(self, paths: Sequence[str]) -> dict[str, tuple[str, Record]]:
        """Admitted records of the files, by id."""
        columns = self.opened.columns
        found: dict[str, tuple[str, Record]] = {}
        for path in paths:
            number = columns.file_number.get(path)
            if number is None:
                continue
            for unit in range(int(columns.first_unit[number]), int(columns.first_unit[number + 1])):
                record = int(columns.unit_record[unit])
                if record >= 0 and self.admission.records[record]:
                    value = columns.record(record)
                    found[value.id] = (path, value)
        return found


def compare(old: OpenIndex, new: OpenIndex, policy: EffectivePolicy, *, patch: bool = False) -> Comparison:
    """Records and documents that differ, as far as the policy admits them on the side where they stand.

    Work grows with the folders that differ. Both commits must be of one repository and one memory root.
    """
    repository = new.source.target.repository
    with ObjectReader(repository) as reader:
        changed = diff_trees(reader, old.manifest.commit, new.manifest.commit, new.manifest.root).changes
    before, after = _Side(old, old.admission(policy)), _Side(new, new.admission(policy))
    gone = [change.path for change in changed if change.old]
    here = [change.path for change in changed if change.new]
    records = _records(before.records(gone), after.records(here))
    moves = {change.old_path: change.path for change in records if change.type == MOVED}
    documents = _documents(before, after, [change.path for change in changed], moves, patch)
    changes = (*records, *documents)
    counts = {kind: sum(change.type == kind for change in changes) for kind in (ADDED, REMOVED, CHANGED, MOVED)}
    return Comparison(old.manifest.commit, new.manifest.commit, counts, changes)


def _records(old: Mapping[str, tuple[str, Record]], new: Mapping[str, tuple[str, Record]]) -> list[Change]:
    changes = []
    for identifier in sorted(old.keys() | new.keys()):
        before, after = old.get(identifier), new.get(identifier)
        if before and after and before[0] == after[0] and before[1].digest == after[1].digest:
            continue
        path, record = after or before or ("", None)
        if record is None:
            continue
        if before is None or after is None:
            kind = ADDED if before is None else REMOVED
        else:
            kind = MOVED if before[0] != after[0] else CHANGED
        changes.append(
            Change(
                type=kind,
                item="record",
                id=identifier,
                kind=record.kind,
                path=path,
                old_path=before[0] if before and kind == MOVED else None,
                old_digest=before[1].digest if before else None,
                new_digest=after[1].digest if after else None,
                old_status=before[1].status if before else None,
                new_status=after[1].status if after else None,
            )
        )
    return sorted(changes, key=lambda change: (change.path, change.id or ""))


def _documents(
    before: _Side, after: _Side, paths: Sequence[str], moves: Mapping[str | None, str], patch: bool
) -> list[Change]:
    moves = dict(moves) | _same_content(before, after, paths)
    targets = set(moves.values())
    changes = []
    for path in sorted(paths):
        if path in targets and path not in moves:
            old_path = next(source for source, target in moves.items() if target == path)
            old, new, kind = before.file(old_path or ""), after.file(path), MOVED
        elif path in moves:
            continue
        else:
            old_path, old, new = None, before.file(path), after.file(path)
            kind = CHANGED if old and new else (ADDED if new else REMOVED)
        if old is None and new is None:
            continue
        changes.append(
            Change(
                type=kind,
                item="document",
                path=path,
                old_path=old_path if kind == MOVED else None,
                old_digest=old[1].digest if old else None,
                new_digest=new[1].digest if new else None,
                patch=_patch(before, old, after, new) if patch else None,
            )
        )
    return changes


def _same_content(before: _Side, after: _Side, paths: Sequence[str]) -> dict[str | None, str]:
    """Files without a record that went to another path with the same bytes."""
    gone: dict[str, str] = {}
    for path in sorted(paths):
        old = before.file(path)
        if old and after.file(path) is None and not old[1].records:
            gone.setdefault(old[1].blob, path)
    found: dict[str | None, str] = {}
    for path in sorted(paths):
        new = after.file(path)
        if new and before.file(path) is None and not new[1].records and new[1].blob in gone:
            found.setdefault(gone.pop(new[1].blob), path)
    return found


def _patch(before: _Side, old: tuple[int, ParsedFile] | None, after: _Side, new: tuple[int, ParsedFile] | None) -> str:
    """A unified diff of redacted texts."""
    texts, names = [], []
    for side, file in ((before, old), (after, new)):
        text = "".join(text for _, text in side.opened.texts([file[0]])) if file else ""
        config = RedactionConfig(side.opened.source.ontology.rules.secret_scan)
        texts.append(redact(text, config=config).text.split("\n"))
        names.append(file[1].path if file else "/dev/null")
    return "\n".join(difflib.unified_diff(texts[0], texts[1], names[0], names[1], lineterm=""))
