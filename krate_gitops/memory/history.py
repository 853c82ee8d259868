"""The life of one record through first-parent commits, followed by its id and not by likeness."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

import msgspec

from krate_gitops.brain.model import Record
from krate_gitops.brain.parse import FileParser
from krate_gitops.errors import UnavailableError
from krate_gitops.git.history import Commit, log_path
from krate_gitops.git.instants import format_instant
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import TreeChange, TreeEntry, diff_trees, file_oid
from krate_gitops.index.source import Source
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.safe import SafeStrings

ADDED, CHANGED, MOVED, REMOVED = "added", "changed", "moved", "removed"


class Version(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What one commit did to a record."""

    commit: str
    time: str
    author: str
    message: str
    change: str
    path: str
    old_path: str | None = None
    status: str | None = None
    digest: str | None = None


class RecordHistory:
    """Walks back from a commit in which the record stands at a path.

    ``admits`` says of a record at a path whether it may be told; versions that may not are passed over.
    """

    def __init__(self, source: Source, reader: ObjectReader, admits: Callable[[Record, str], bool]) -> None:
        self._source = source
        self._reader = reader
        self._admits = admits
        self._parser = FileParser(source.profile)

    def versions(self, identifier: str, path: str) -> Iterator[Version]:
        """Newest first, down to the commit that brought the id; an earlier life of the same id is not followed."""
        tip: str | None = self._source.target.commit
        while tip is not None:
            tip, path = yield from self._at_path(identifier, path, tip)

    def _at_path(self, identifier: str, path: str, tip: str) -> Generator[Version, None, tuple[str | None, str]]:
        """Versions at one path; returns where to go on: the commit before a move and the path there."""
        below = f"{self._source.root}/{path}" if self._source.root else path
        for commit in log_path(self._reader, tip, [below]):
            now = self._record(identifier, path, commit.oid)
            parent = commit.parents[0] if commit.parents else None
            before = self._record(identifier, path, parent) if parent else None
            if now is None:
                return None, path
            if before is not None:
                if before.digest != now.digest and self._admits(now, path):
                    yield _version(commit, CHANGED, path, now)
                continue
            old_path = self._moved_from(identifier, commit) if parent else None
            if self._admits(now, path):
                yield self._arrival(commit, identifier, path, now, old_path)
            return (parent, old_path) if old_path else (None, path)
        return None, path

    def _arrival(self, commit: Commit, identifier: str, path: str, record: Record, old_path: str | None) -> Version:
        """The version that a path begins with: moved there, or new as far as may be told."""
        before = self._record(identifier, old_path, commit.parents[0]) if old_path else None
        if old_path is None or before is None or not self._admits(before, old_path):
            return _version(commit, ADDED, path, record)
        return _version(commit, MOVED, path, record, old_path)

    def _record(self, identifier: str, path: str, commit: str | None) -> Record | None:
        if commit is None:
            return None
        oid = file_oid(self._reader, commit, f"{self._source.root}/{path}".strip("/"))
        return self._in_blob(identifier, path, oid) if oid else None

    def _in_blob(self, identifier: str, path: str, oid: str) -> Record | None:
        entry = self._source.entries([TreeEntry(path, 0o100644, oid, 0)])[0]
        limit = self._parser.max_bytes(entry.file_class)
        for _, _, _, data in self._reader.stream([oid], max_bytes=limit):
            if data is not None:
                parsed = self._parser.parse(path, oid, entry.file_class, data)[0]
                return next((record for record in parsed.records if record.id == identifier), None)
        return None

    def _moved_from(self, identifier: str, commit: Commit) -> str | None:
        """Path that held the id before this commit, among the files it changed."""
        difference = diff_trees(self._reader, commit.parents[0], commit.oid, self._source.root)
        for change in difference.changes:
            if self._held_before(identifier, change):
                return change.path
        return None

    def _held_before(self, identifier: str, change: TreeChange) -> bool:
        return change.old is not None and self._in_blob(identifier, change.path, change.old.oid) is not None


def _version(commit: Commit, change: str, path: str, record: Record, old_path: str | None = None) -> Version:
    return Version(
        commit=commit.oid,
        time=format_instant(commit.committer_time),
        author=commit.author,
        message=commit.summary,
        change=change,
        path=path,
        old_path=old_path,
        status=record.status,
        digest=record.digest,
    )


def record_versions(opened: OpenIndex, identifier: str, policy: EffectivePolicy) -> Iterator[Version]:
    """Versions of a record of an opened commit, newest first, redacted.

    Raises ``UnavailableError(MEMORY_RECORD_NOT_FOUND)`` when the commit does not serve the id, or not to everybody.
    """
    admission = opened.admission(policy)
    number = opened.graph.defined(identifier)
    if number < 0 or not admission.records[number]:
        raise UnavailableError(
            "MEMORY_RECORD_NOT_FOUND", "there is no such record, or it may not be read", location=identifier
        )

    def admits(record: Record, path: str) -> bool:
        level = opened.ontology.sensitivity(record.kind, record.sensitivity)
        return policy.admits_record(kind=record.kind, path=path, sensitivity=level, status=record.status)

    safe = SafeStrings(opened.cleaner)
    with ObjectReader(opened.source.target.repository) as reader:
        history = RecordHistory(opened.source, reader, admits)
        for version in history.versions(identifier, opened.columns.path_of_record(number)):
            yield msgspec.structs.replace(
                version,
                author=safe(version.author),
                message=safe(version.message),
                path=safe(version.path),
                old_path=safe(version.old_path) if version.old_path else None,
                status=None if admission.secret[number] else version.status,
            )
