"""Carries proposed changes from the version their proposer saw onto another commit, by three-way merge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from krate_gitops.brain.rules.layout import path_problem
from krate_gitops.digest import sha256_digest
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import file_oid
from krate_gitops.updates.merge.files import merge_file
from krate_gitops.updates.merge.outcome import DELETED
from krate_gitops.updates.model import Action, ChangeItem, Conflict

Read = Callable[[str, str], bytes | None]
"""Content of a file below the memory root at a commit; None where there is none."""

_MOST_SHOWN = 2000


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """What a commit's files become. Paths are below the memory root.

    ``before`` are their contents at that commit, ``after`` those they get, None for absent; what stays as it is isn't
    in them. With ``conflicts`` they are what could be merged.
    """

    before: Mapping[str, bytes | None]
    after: Mapping[str, bytes | None]
    conflicts: tuple[Conflict, ...] = ()

    @property
    def changed(self) -> dict[str, bytes | None]:
        """Only what differs."""
        return {path: content for path, content in self.after.items() if content != self.before.get(path)}


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """The commits that take part: what the proposer saw, what the update started from, and what it is carried to."""

    observed: str
    base: str
    onto: str


def reader_of(reader: ObjectReader, root: str) -> Read:
    """Reads files below a memory root; each content once. A path that means another place has no file."""
    known: dict[tuple[str, str], bytes | None] = {}
    prefix = f"{root}/" if root else ""

    def read(commit: str, path: str) -> bytes | None:
        key = (commit, path)
        if path_problem(path):
            return None
        if key not in known:
            oid = file_oid(reader, commit, prefix + path)
            known[key] = None if oid is None else reader.read(oid).data
        return known[key]

    return read


def carry(read: Read, changes: Sequence[ChangeItem], contents: Mapping[str, bytes], versions: Versions) -> Carried:
    """The changes on top of ``versions.onto``. ``contents`` holds what is proposed by digest.

    A conflict is told, never raised: of an item that isn't what its action says, that was made from another version
    than it names, or that meets an edit of the same place.
    """
    carrying = _Carrying(read, contents, versions)
    for item in changes:
        carrying.carry(item)
    return Carried(before=carrying.before, after=carrying.after, conflicts=tuple(carrying.conflicts))


class _Carrying:
    def __init__(self, read: Read, contents: Mapping[str, bytes], versions: Versions) -> None:
        self._read = read
        self._contents = contents
        self._versions = versions
        self.before: dict[str, bytes | None] = {}
        self.after: dict[str, bytes | None] = {}
        self.conflicts: list[Conflict] = []

    def carry(self, item: ChangeItem) -> None:
        observed = self._read(self._versions.observed, item.path)
        fault = self._fault(item, observed)
        if fault:
            self.conflicts.append(Conflict(path=item.path, reason=fault))
            return
        proposed = None if item.content_digest is None else self._contents[item.content_digest]
        if self._is_gone(item, observed, proposed):
            self.conflicts.append(Conflict(path=item.path, reason=DELETED, observed=_shown(observed)))
            return
        if item.action is Action.RENAME:
            self._rename(item, observed, proposed)
            return
        self._merge(item.path, item.path, observed, None if item.action is Action.DELETE else proposed)

    def _is_gone(self, item: ChangeItem, observed: bytes | None, proposed: bytes | None) -> bool:
        """Whether a file that shall be renamed as it is isn't there any more; merging sees no edit in that."""
        is_untouched = item.action is Action.RENAME and proposed in (None, observed)
        return is_untouched and self._read(self._versions.onto, item.path) is None

    def _fault(self, item: ChangeItem, observed: bytes | None) -> str:
        """Why an item isn't what it says to be."""
        at_base = self._read(self._versions.base, item.path)
        if item.action is Action.CREATE and at_base is not None:
            return "AlreadyExists"
        if item.action in (Action.UPDATE, Action.DELETE, Action.RENAME):
            if at_base is None and observed is None:
                return "NotFound"
            if item.base_digest is not None and (observed is None or sha256_digest(observed) != item.base_digest):
                return "BaseDigestMismatch"
        return ""

    def _rename(self, item: ChangeItem, observed: bytes | None, proposed: bytes | None) -> None:
        new_path = item.new_path or item.path
        taken = self._read(self._versions.onto, new_path)
        if taken is not None:
            self.conflicts.append(Conflict(path=new_path, reason="AlreadyExists"))
            return
        self._merge(item.path, new_path, observed, observed if proposed is None else proposed)
        self.before[new_path] = None
        self.before[item.path] = self._read(self._versions.onto, item.path)
        self.after[item.path] = None

    def _merge(self, path: str, new_path: str, observed: bytes | None, proposed: bytes | None) -> None:
        current = self._read(self._versions.onto, path)
        merged = merge_file(path, observed, proposed, current)
        self.conflicts.extend(merged.conflicts)
        self.before[path] = current
        self.after[new_path] = merged.content


def _shown(data: bytes | None) -> str | None:
    return None if data is None else data[:_MOST_SHOWN].decode("utf-8", "replace")
