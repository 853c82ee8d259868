"""What takes back one commit: the inverse of its difference to its first parent, against the tip of today.

Only plain files below the memory root take part. Where a path is as the commit left it, the change that comes out gives
it back what it held before. Where it was edited since, the same change is given, and the three-way merge finds out
whether both can be had: with the commit as the version that was observed, its content is the base, what stood there
before is what is proposed, and the tip is the other side.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from krate_gitops.digest import sha256_digest
from krate_gitops.errors import DeniedError, KrateError, UnavailableError, UsageError
from krate_gitops.git.chain import load_chain
from krate_gitops.git.command import run_git
from krate_gitops.git.local import Repository
from krate_gitops.git.names import escape_name
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import EXECUTABLE_MODE, FILE_MODE, TreeChange, TreeEntry, diff_trees
from krate_gitops.updates.model import Action, ChangeItem

MOST_BYTES = 64 << 20
"""Of all contents that a revert reads."""
_INDEXES = "indexes/"
_PLAIN = (FILE_MODE, EXECUTABLE_MODE)
_REASON_LENGTH = 500
_MOST_PAIRS = 1_000


class Passed(msgspec.Struct, frozen=True):
    """A path that the revert leaves alone, made printable, and why."""

    path: str
    why: str


class Revert(msgspec.Struct, frozen=True, kw_only=True):
    """The changes that take a commit back, by path below the memory root, and what they would write.

    ``observed_commit`` is the commit that is taken back: the proposal's own ``observedCommit``, so that the base of a
    three-way merge is what that commit left. ``contents`` maps the target path of each change but deletions to its
    bytes. ``settled`` are paths that need nothing any more, ``ignored`` those that are nobody's to change.
    """

    observed_commit: str
    parent: str
    tip: str
    changes: tuple[ChangeItem, ...] = ()
    contents: Mapping[str, bytes] = {}
    settled: tuple[Passed, ...] = ()
    ignored: tuple[Passed, ...] = ()

    @property
    def explanation(self) -> str:
        """Why there is nothing to propose; empty where there is."""
        short = self.observed_commit[:12]
        if self.changes:
            return ""
        if self.settled:
            return f"nothing of {short} is left to take back: it was reverted or replaced already"
        return f"{short} changed no file below the memory root"


def revert_changes(
    repository: Repository, offending_commit: str, tip: str, root: str, *, reason: str = "", home: Path | None = None
) -> Revert:
    """What takes ``offending_commit`` back on ``tip``, the tip of the default branch; both are full ids.

    ``root`` is the memory root, empty or ``.`` for the top level. ``reason`` becomes that of every change. ``home`` is
    where the history is cached. A merge is taken back against its first parent.

    Raises ``UnavailableError(MEMORY_REF_NOT_FOUND)`` for a commit that isn't there, ``DeniedError``
    (MEMORY_REF_NOT_APPROVED) for one that the default branch's first-parent chain doesn't have,
    ``UsageError(INVALID_REQUEST)`` for the first commit of the chain, and ``KrateError(MEMORY_LIMIT_EXCEEDED)`` for
    more than ``MOST_BYTES``.
    """
    folder = "" if root.strip("/") in ("", ".") else root.strip("/")
    with ObjectReader(repository) as reader:
        parent = _parent(reader, offending_commit, tip, home)
        inverse = _Inverse(reader, _Place(folder, parent, offending_commit, tip), reason)
        return inverse.revert()


class _Place(NamedTuple):
    """The memory root and the three commits that are compared."""

    root: str
    parent: str
    commit: str
    tip: str


def _parent(reader: ObjectReader, commit: str, tip: str, home: Path | None) -> str:
    repository = reader.repository
    header = reader.header(commit) if repository.is_object_id(commit) else None
    if header is None or header[0] != "commit":
        raise UnavailableError(
            "MEMORY_REF_NOT_FOUND",
            f"{repository.name} has no commit {escape_name(commit[:80])}",
            hint="give the full id of a commit of the default branch, as `git log --first-parent` shows it",
            location=escape_name(commit[:80]),
        )
    chain = load_chain(repository, tip, home=home)
    position = chain.position(commit)
    if position is None:
        raise DeniedError(
            "MEMORY_REF_NOT_APPROVED",
            f"commit {commit} was never on the default branch, so there is nothing of it to take back",
            hint=_brought_by(repository, commit, tip),
            location=commit,
        )
    if position == 0:
        raise UsageError(
            "INVALID_REQUEST",
            f"{commit[:12]} is the first commit: there is nothing before it to go back to",
            hint="correct what is wrong by an update of its own",
            location=commit,
        )
    return chain.oid(position - 1)


def _brought_by(repository: Repository, commit: str, tip: str) -> str:
    """A hint: the commit of the chain whose merge brought this one, where there is one."""
    listed = run_git(repository.git_dir, ["rev-list", "--first-parent", tip, f"^{commit}"]).decode("ascii").split()
    within = run_git(repository.git_dir, ["rev-list", "--ancestry-path", f"{commit}..{tip}"]).decode("ascii").split()
    merges = set(within)
    brought = next((oid for oid in reversed(listed) if oid in merges), None)
    if brought is None:
        return "name the commit of the default branch that brought the change"
    return f"{brought} merged it: take that one back"


class _Inverse:
    """The inverse of one commit's difference, path by path."""

    def __init__(self, reader: ObjectReader, place: _Place, reason: str) -> None:
        self._reader = reader
        self._place = place
        self._reason = (reason or f"Takes back {place.commit[:12]}")[:_REASON_LENGTH]
        found = diff_trees(reader, place.parent, place.commit, place.root)
        self._ignored = [Passed(one.path, one.reason) for one in {*found.old_problems, *found.new_problems}]
        self._ignored += self._outside()
        self._changes = {change.path: change for change in found.changes if self._is_plain(change)}
        since = diff_trees(reader, place.commit, place.tip, place.root).changes
        self._since = {change.path: change for change in since}
        self._moved = _moves(since, self._changes)
        self._settled: list[Passed] = []
        self._items: list[ChangeItem] = []
        self._wanted: dict[str, str] = {}
        self._contents: dict[str, bytes] = {}

    def revert(self) -> Revert:
        place = self._place
        renames = self._renames()
        self._load()
        for new, old in renames.items():
            base = self._changes[new].new
            self._write(Action.RENAME, new, self._changes[old].old, base=base, new_path=old)
        for path, change in self._changes.items():
            if path not in renames and path not in renames.values():
                self._take_back(change)
        items = tuple(sorted(self._items, key=lambda item: (item.path, item.target)))
        return Revert(
            observed_commit=place.commit,
            parent=place.parent,
            tip=place.tip,
            changes=items,
            contents={path: self._contents[oid] for path, oid in sorted(self._wanted.items())},
            settled=tuple(sorted(self._settled, key=lambda one: one.path)),
            ignored=tuple(sorted(self._ignored, key=lambda one: one.path)),
        )

    def _outside(self) -> Iterator[Passed]:
        """What the commit changed besides memory, which a memory update can't take back."""
        if not self._place.root:
            return
        prefix = f"{self._place.root}/"
        for change in diff_trees(self._reader, self._place.parent, self._place.commit).changes:
            if not change.path.startswith(prefix):
                yield Passed(escape_name(change.path), "it lies outside the memory root")

    def _is_plain(self, change: TreeChange) -> bool:
        """Whether a change is one of content that an update may write; puts on record what is not."""
        old, new = change.old, change.new
        why = ""
        if change.path.startswith(_INDEXES):
            why = "index files are derived: merging writes them"
        elif any(side and side.mode not in _PLAIN for side in (old, new)):
            why = "it is no plain file"
        elif old and new and old.oid == new.oid:
            why = "only its mode was changed"
        if why:
            self._ignored.append(Passed(escape_name(change.path), why))
        return not why

    def _renames(self) -> dict[str, str]:
        """Old path by new path of the files that the commit renamed and that still lie where it put them."""
        removed = [path for path, change in self._changes.items() if change.new is None]
        added = [path for path, change in self._changes.items() if change.old is None]
        if not removed or not added:
            return {}
        place = self._place
        options = ["-r", "-z", "-M", f"-l{_MOST_PAIRS}", "--diff-filter=R", "--no-commit-id", "--no-ext-diff"]
        output = run_git(self._reader.repository.git_dir, ["diff-tree", *options, place.parent, place.commit])
        pairs: dict[str, str] = {}
        words = output.decode("utf-8", "surrogateescape").split("\0")
        prefix = f"{place.root}/" if place.root else ""
        for at in range(0, len(words) - 2, 3):
            old, new = (words[at + side].removeprefix(prefix) for side in (1, 2))
            # Only what the trees themselves say counts; git's similarity just tells which belongs to which.
            if old in removed and new in added and self._at_tip(new) and not self._at_tip(old):
                pairs[new] = old
        return pairs

    def _at_tip(self, path: str) -> TreeEntry | None:
        """The file at the tip."""
        change = self._since.get(path)
        if change is not None:
            return change.new
        return self._changes[path].new if path in self._changes else None

    def _load(self) -> None:
        """Reads what the commit found and what it left, for digests and for what is written."""
        sides = [side for change in self._changes.values() for side in (change.old, change.new) if side]
        sizes = {side.oid: side.size for side in sides}
        if sum(sizes.values()) > MOST_BYTES:
            raise KrateError(
                "MEMORY_LIMIT_EXCEEDED",
                f"{self._place.commit[:12]} changed files of more than {MOST_BYTES >> 20} MiB",
                hint="take it back with git, in a branch of your own, and have that reviewed",
                location=self._place.commit,
            )
        for oid, _, _, data in self._reader.stream(list(sizes)):
            self._contents[oid] = data or b""

    def _take_back(self, change: TreeChange) -> None:
        old, new, path = change.old, change.new, change.path
        current = self._at_tip(path)
        if new is None:
            if current is None:
                self._write(Action.CREATE, path, old)
            elif old and current.oid == old.oid:
                self._settle(path, "it is back already")
            else:
                # Somebody wrote the file anew; the merge shows both.
                self._write(Action.UPSERT, path, old)
            return
        if current is None and path in self._moved:
            # Moved as it was: what is bad lies there now.
            path, current = self._moved[path], new
        if current is None:
            self._settle(path, "it is gone already")
        elif current.mode not in _PLAIN:
            self._ignored.append(Passed(escape_name(path), "it is no plain file any more"))
        elif old is None:
            self._write(Action.DELETE, path, None, base=new)
        elif current.oid == old.oid:
            self._settle(path, "it is back already")
        else:
            self._write(Action.UPDATE, path, old, base=new)

    def _settle(self, path: str, why: str) -> None:
        self._settled.append(Passed(escape_name(path), why))

    def _write(
        self,
        action: Action,
        path: str,
        content: TreeEntry | None,
        *,
        base: TreeEntry | None = None,
        new_path: str | None = None,
    ) -> None:
        item = ChangeItem(
            path=path,
            action=action,
            reason=self._reason,
            new_path=new_path,
            content_digest=None if content is None else sha256_digest(self._contents[content.oid]),
            base_digest=None if base is None else sha256_digest(self._contents[base.oid]),
        )
        if content is not None:
            self._wanted[item.target] = content.oid
        self._items.append(item)


def _moves(since: Sequence[TreeChange], changed: Container[str]) -> dict[str, str]:
    """New path by old path of the files that were moved, unchanged, after the commit.

    A path that the commit itself changed is nobody's new place: its file came back. Empty files all look alike.
    """
    places: dict[str, list[str]] = {}
    for change in since:
        new = change.new
        if change.old is None and new is not None and new.mode in _PLAIN and new.size and change.path not in changed:
            places.setdefault(new.oid, []).append(change.path)
    gone = [change for change in since if change.new is None and change.old is not None]
    return {change.path: places[change.old.oid].pop(0) for change in gone if change.old and places.get(change.old.oid)}
