"""What changed between two commits: records by identity, documents by path."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.model import Record
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import diff_trees
from krate_gitops.memory.admission import Admission
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.safe import SafeStrings

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
    in_selection: bool | None = None
    """For comparisons with a snapshot: whether it had selected this."""


class Comparison(msgspec.Struct, frozen=True, rename="camel"):
    """Changes by path, records before documents."""

    from_commit: str
    to_commit: str
    counts: dict[str, int]
    changes: tuple[Change, ...]


class _Side(NamedTuple):
    opened: OpenIndex
    admission: Admission

    def file(self, path: str | None) -> ParsedFile | None:
        """An admitted file by path."""
        number = self.opened.columns.file_number.get(path or "")
        return None if number is None or not self.admission.files[number] else self.opened.columns.file(number)

    def has(self, path: str) -> bool:
        """Whether there is a file at the path, readable or not."""
        return path in self.opened.columns.file_number

    def text(self, path: str | None) -> str:
        """Redacted text of an admitted file, empty where there is none."""
        if path is None or self.file(path) is None:
            return ""
        return next((text.safe for text in self.opened.texts([self.opened.columns.file_number[path]])), "")

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

    def status(self, record: Record) -> str | None:
        """Status of an admitted record, as far as it is told."""
        secret = self.admission.secret[self.opened.graph.defined(record.id)]
        return None if secret else record.status


def compare(old: OpenIndex, new: OpenIndex, policy: EffectivePolicy, *, patch: bool = False) -> Comparison:
    """Records and documents that differ, as far as the policy admits them on the side where they stand.

    Work grows with the folders that differ. Both commits must be of one repository and one memory root.
    """
    repository = new.source.target.repository
    with ObjectReader(repository) as reader:
        changed = diff_trees(reader, old.manifest.commit, new.manifest.commit, new.manifest.root).changes
    before, after = _Side(old, old.admission(policy)), _Side(new, new.admission(policy))
    paths = [change.path for change in changed]
    records = list(_records(before, after, [c.path for c in changed if c.old], [c.path for c in changed if c.new]))
    moves = _moves(before, after, paths, records)
    documents = [change for path in sorted(paths) if (change := _document(before, after, path, moves, patch))]
    changes = _safe(new, [*sorted(records, key=lambda change: (change.path, change.id or "")), *documents])
    counts = {kind: sum(change.type == kind for change in changes) for kind in (ADDED, REMOVED, CHANGED, MOVED)}
    return Comparison(old.manifest.commit, new.manifest.commit, counts, changes)


def _records(before: _Side, after: _Side, gone: Sequence[str], here: Sequence[str]) -> Iterator[Change]:
    olds, news = before.records(gone), after.records(here)
    for identifier in sorted(olds.keys() | news.keys()):
        old, new = olds.get(identifier), news.get(identifier)
        if old and new:
            kind = MOVED if old[0] != new[0] else CHANGED
            if kind == CHANGED and old[1].digest == new[1].digest:
                continue
        else:
            kind = ADDED if new else REMOVED
        path, record = new or old or ("", None)
        if record is None:
            continue
        yield Change(
            type=kind,
            item="record",
            id=identifier,
            kind=record.kind,
            path=path,
            old_path=old[0] if old and kind == MOVED else None,
            old_digest=old[1].digest if old else None,
            new_digest=new[1].digest if new else None,
            old_status=before.status(old[1]) if old else None,
            new_status=after.status(new[1]) if new else None,
        )


def _moves(before: _Side, after: _Side, paths: Sequence[str], records: Sequence[Change]) -> dict[str, str]:
    """Old path of each file that went to a new one: with a record of its own, or else with the same bytes.

    A file only moves to where none was, from where none is left, and once.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    pairs = [(change.old_path, change.path) for change in records if change.type == MOVED]
    for old, new in (*pairs, *_same_content(before, after, paths)):
        if old and old not in taken and new not in found and not after.has(old) and not before.has(new):
            found[new] = old
            taken.add(old)
    return found


def _same_content(before: _Side, after: _Side, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Files without a record that stand at another path with the same bytes."""
    gone: dict[str, list[str]] = {}
    for path in sorted(paths, reverse=True):
        old = before.file(path)
        if old and not after.has(path) and not old.records:
            gone.setdefault(old.blob, []).append(path)
    for path in sorted(paths):
        new = after.file(path)
        if new and not before.has(path) and not new.records and gone.get(new.blob):
            yield gone[new.blob].pop(), path


def _document(before: _Side, after: _Side, path: str, moves: Mapping[str, str], patch: bool) -> Change | None:
    """What became of the document at a path; None where nothing of it may be told, or where it is told elsewhere."""
    if path in moves.values():
        return None
    old_path = moves.get(path, path)
    old, new = before.file(old_path), after.file(path)
    if old is None and new is None:
        return None
    moved = old is not None and old_path != path
    kind = MOVED if moved else CHANGED if old and new else (ADDED if new else REMOVED)
    return Change(
        type=kind,
        item="document",
        path=path,
        old_path=old_path if moved else None,
        old_digest=old.digest if old else None,
        new_digest=new.digest if new else None,
        patch=_patch(before, old, after, new) if patch else None,
    )


def _patch(before: _Side, old: ParsedFile | None, after: _Side, new: ParsedFile | None) -> str:
    """A unified diff of redacted texts."""
    lines = [_lines(side.text(file.path if file else None)) for side, file in ((before, old), (after, new))]
    names = [file.path if file else "/dev/null" for file in (old, new)]
    return "\n".join(difflib.unified_diff(lines[0], lines[1], names[0], names[1], lineterm=""))


def _lines(text: str) -> list[str]:
    """Lines of a text; its final line feed starts no further one."""
    return text.removesuffix("\n").split("\n") if text else []


def _safe(opened: OpenIndex, changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes with ids, kinds and paths redacted, and those in the heads of patches."""
    safe = SafeStrings(opened.cleaner)
    names = ("id", "kind", "path", "old_path", "patch")
    safe.learn(value for change in changes for name in names if (value := getattr(change, name)))
    return tuple(
        msgspec.structs.replace(change, **{n: safe(value) for n in names if (value := getattr(change, n))})
        for change in changes
    )
