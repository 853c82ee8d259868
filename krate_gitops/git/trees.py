"""Folders of a commit: what lies in them, and what changed between two commits.

Trees are taken as raw bytes and cut here, for git's own listing stops at the first name it dislikes, and the whole
brain would be out of reach with it. Names are checked one by one; an entry that could mean another file on some machine
is left out and reported, the rest is served.
"""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from krate_gitops.errors import KrateError, UsageError
from krate_gitops.git.history import read_commit
from krate_gitops.git.local import ID_LENGTHS
from krate_gitops.git.names import escape_name, find_fault, honest_names
from krate_gitops.git.objects import ObjectReader

FILE_MODE, EXECUTABLE_MODE, SYMLINK_MODE, SUBMODULE_MODE = 0o100644, 0o100755, 0o120000, 0o160000
_FOLDER_MODE = 0o040000
_TYPE_BITS = 0o170000

MAX_ENTRIES = 1_000_000
"""Files and folders of one listing: a dozen nested trees that repeat each other can stand for billions."""
MAX_PATH_LENGTH = 16_384


class TreeEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A file of a commit. ``path`` is relative to the listed folder; ``size`` in bytes, 0 for a submodule.

    Symlinks and submodules are listed with their modes; it is for the caller not to follow them.
    """

    path: str
    mode: int
    oid: str
    size: int


class TreeProblem(msgspec.Struct, frozen=True, array_like=True, order=True):
    """An entry that was left out, with its path made printable."""

    path: str
    reason: str


class TreeChange(msgspec.Struct, frozen=True):
    """A path whose mode or content differs; ``old`` is ``None`` where it was added, ``new`` where it was removed."""

    path: str
    old: TreeEntry | None
    new: TreeEntry | None


class Listing(msgspec.Struct, frozen=True):
    """Everything below a folder; ``entries`` by the raw bytes of the path, which is code point order."""

    entries: list[TreeEntry]
    problems: list[TreeProblem]


class TreeDiff(msgspec.Struct, frozen=True):
    """Changes by path, and the problems found in the folders that differ.

    The problems of the new commit are those of the old one, without ``old_problems``, with ``new_problems``.
    """

    changes: list[TreeChange]
    old_problems: list[TreeProblem]
    new_problems: list[TreeProblem]


class _Folder(msgspec.Struct):
    """One tree: mode and raw object id by name, and what was left out."""

    items: dict[str, tuple[int, bytes]] = {}
    problems: list[TreeProblem] = []


_NOTHING = _Folder()
_ENTRY = {width: re.compile(rb"([0-7]{1,7}) ([^\0]*)\0(.{%d})" % width, re.DOTALL) for width in (20, 32)}


def tree_oid(reader: ObjectReader, commit: str, prefix: str = "") -> str | None:
    """Id of the tree of folder ``prefix`` (``""`` or ``.`` for the top) at a commit; ``None`` when there is none."""
    oid = read_commit(reader, commit).tree
    for name in _split_prefix(prefix):
        [(_, folder)] = _read_folders(reader, [("", oid)])
        mode, child = folder.items.get(name, (0, b""))
        if mode != _FOLDER_MODE:
            return None
        oid = child.hex()
    return oid


def file_oid(reader: ObjectReader, commit: str, path: str) -> str | None:
    """Id of the blob of a regular file at a commit; ``None`` when there is none."""
    prefix, _, name = path.rpartition("/")
    folder = tree_oid(reader, commit, prefix)
    if folder is None:
        return None
    [(_, found)] = _read_folders(reader, [("", folder)])
    mode, oid = found.items.get(name, (0, b""))
    return oid.hex() if mode in (FILE_MODE, EXECUTABLE_MODE) else None


def list_tree(reader: ObjectReader, commit: str, prefix: str = "") -> Listing:
    """Every file below folder ``prefix``, of all modes, with sizes.

    Raises ``KrateError``: MEMORY_LAYOUT_INVALID when there is no such folder, MEMORY_LIMIT_EXCEEDED for more than
    ``MAX_ENTRIES``; ``UnavailableError`` when an object can't be read.
    """
    root = tree_oid(reader, commit, prefix)
    if root is None:
        raise KrateError(
            "MEMORY_LAYOUT_INVALID",
            f"there is no folder {escape_name(prefix)} at commit {commit[:12]}",
            hint="name another memory root, or `.` for the top level",
            location=escape_name(prefix),
        )
    found: list[tuple[str, int, str]] = []
    problems: list[TreeProblem] = []
    level = [("", root)]
    while level:
        deeper: list[tuple[str, str]] = []
        for base, folder in _read_folders(reader, level):
            problems += folder.problems
            for name, (mode, oid) in folder.items.items():
                if mode == _FOLDER_MODE:
                    deeper.append((f"{base}{name}/", oid.hex()))
                else:
                    found.append((base + name, mode, oid.hex()))
            _check_count(len(found) + len(deeper))
        level = deeper
    entries = _with_sizes(reader, found)
    entries.sort(key=operator.attrgetter("path"))
    return Listing(entries, sorted(problems))


def diff_trees(reader: ObjectReader, old_commit: str, new_commit: str, prefix: str = "") -> TreeDiff:
    """What differs below folder ``prefix``; reads only folders that differ. An absent folder counts as empty.

    Raises as ``list_tree`` does, but for the absent folder.
    """
    roots = tree_oid(reader, old_commit, prefix), tree_oid(reader, new_commit, prefix)
    removed: list[tuple[str, int, str]] = []
    added: list[tuple[str, int, str]] = []
    old_problems: list[TreeProblem] = []
    new_problems: list[TreeProblem] = []
    level = [("", *roots)] if roots[0] != roots[1] else []
    while level:
        olds = dict(_read_folders(reader, [(base, oid) for base, oid, _ in level if oid]))
        news = dict(_read_folders(reader, [(base, oid) for base, _, oid in level if oid]))
        deeper: dict[str, list[str | None]] = {}
        for base, _, _ in level:
            old, new = olds.get(base, _NOTHING), news.get(base, _NOTHING)
            old_problems += old.problems
            new_problems += new.problems
            for side, (mine, theirs, files) in enumerate(((old, new, removed), (new, old, added))):
                for name, (mode, oid) in mine.items.items() - theirs.items.items():
                    if mode == _FOLDER_MODE:
                        deeper.setdefault(f"{base}{name}/", [None, None])[side] = oid.hex()
                    else:
                        files.append((base + name, mode, oid.hex()))
            _check_count(len(removed) + len(added) + len(deeper))
        level = [(base, old_oid, new_oid) for base, (old_oid, new_oid) in deeper.items()]
    return TreeDiff(
        _pair_changes(_with_sizes(reader, removed), _with_sizes(reader, added)),
        sorted(old_problems),
        sorted(new_problems),
    )


def _split_prefix(prefix: str) -> list[str]:
    names = [name for name in prefix.split("/") if name not in ("", ".")]
    if any(find_fault(name.encode("utf-8", "surrogatepass")) for name in names):
        raise UsageError(
            "INVALID_REQUEST", f"{escape_name(prefix)} is no folder inside a repository", hint="use names and slashes"
        )
    return names


def _read_folders(reader: ObjectReader, folders: Iterable[tuple[str, str]]) -> Iterator[tuple[str, _Folder]]:
    """Path prefix (ending with a slash, or empty) and content of each folder, in the order given."""
    readable = []
    for base, oid in folders:
        if len(base) <= MAX_PATH_LENGTH:
            readable.append((base, oid))
        else:
            yield base, _Folder(problems=[TreeProblem(base[:80] + "…", "the path is too long")])
    width = ID_LENGTHS[reader.repository.object_format] // 2
    stream = reader.stream([oid for _, oid in readable])
    for (base, _), (_, kind, _, data) in zip(readable, stream, strict=True):
        yield base, _cut(base, data or b"", width) if kind == "tree" else _unreadable(base)


def _cut(base: str, data: bytes, width: int) -> _Folder:
    """The entries of a raw tree, without those that must not be served."""
    if not data:
        return _NOTHING
    found = _ENTRY[width].findall(data)
    modes, names, oids = zip(*found, strict=True) if found else ((), (), ())
    if sum(map(len, modes)) + sum(map(len, names)) + len(found) * (width + 2) != len(data):
        return _unreadable(base)
    kinds = {mode: _plain_mode(int(mode, 8)) for mode in set(modes)}
    texts = honest_names(names)
    if texts is None or len(set(names)) < len(names) or None in kinds.values():
        return _sift(base, found, kinds)
    return _Folder({text: (kinds[mode] or 0, oid) for text, mode, oid in zip(texts, modes, oids, strict=True)})


def _sift(base: str, found: Sequence[tuple[bytes, bytes, bytes]], kinds: dict[bytes, int | None]) -> _Folder:
    """``_cut`` for the rare folder that has something to leave out."""
    folder = _Folder({}, [])
    seen = Counter(name for _, name, _ in found)
    for mode, name, oid in found:
        kind = kinds[mode]
        reason = find_fault(name)
        if reason is None and seen[name] > 1:
            reason = "the name stands more than once in its folder"
        if reason is None and kind is None:
            reason = f"the mode {mode.decode()} is unknown"
        if reason is None and kind is not None:
            folder.items[name.decode()] = (kind, oid)
            continue
        problem = TreeProblem(escape_name(base) + escape_name(name), reason or "")
        if problem not in folder.problems:
            folder.problems.append(problem)
    return folder


def _unreadable(base: str) -> _Folder:
    return _Folder(problems=[TreeProblem(escape_name(base.rstrip("/")) or ".", "the folder is damaged")])


def _plain_mode(mode: int) -> int | None:
    """The mode as today's git writes it; ``None`` for one that means nothing."""
    kind = mode & _TYPE_BITS
    if kind == FILE_MODE & _TYPE_BITS:
        return EXECUTABLE_MODE if mode & 0o100 else FILE_MODE
    return kind if kind in (_FOLDER_MODE, SYMLINK_MODE, SUBMODULE_MODE) else None


def _with_sizes(reader: ObjectReader, files: Sequence[tuple[str, int, str]]) -> list[TreeEntry]:
    sizes = iter(reader.sizes([oid for _, mode, oid in files if mode != SUBMODULE_MODE]))
    return [TreeEntry(path, mode, oid, 0 if mode == SUBMODULE_MODE else next(sizes)) for path, mode, oid in files]


def _pair_changes(removed: Iterable[TreeEntry], added: Iterable[TreeEntry]) -> list[TreeChange]:
    olds = {entry.path: entry for entry in removed}
    news = {entry.path: entry for entry in added}
    return [TreeChange(path, olds.get(path), news.get(path)) for path in sorted(olds.keys() | news.keys())]


def _check_count(count: int) -> None:
    if count > MAX_ENTRIES:
        raise KrateError(
            "MEMORY_LIMIT_EXCEEDED",
            f"the commit holds more than {MAX_ENTRIES} files",
            hint="keep memory in a folder of its own and name it as the memory root",
        )
