"""Loading a config repository: the files of a commit or a folder as manifests. Nothing of them is executed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from krate_gitops.brain.globs import compile_globs
from krate_gitops.errors import UnavailableError
from krate_gitops.git.local import Repository
from krate_gitops.git.names import escape_name, find_fault
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import SUBMODULE_MODE, SYMLINK_MODE, list_tree, tree_oid
from krate_gitops.resources.manifest import Issue, Manifest, Site, SourceFile
from krate_gitops.resources.parse import parse_file

MAX_FILES = 5000
MAX_FILE_BYTES = 2 << 20
MAX_TOTAL_BYTES = 64 << 20
MAX_OBJECTS = 2000
INCLUDE = ("**/*.yaml", "**/*.yml", "**/*.json")


class Choice:
    """Which files hold manifests."""

    def __init__(self, include: Sequence[str] = INCLUDE, exclude: Sequence[str] = ()) -> None:
        self._include = compile_globs(tuple(include))
        self._exclude = compile_globs(tuple(exclude)) if exclude else None

    def admits(self, path: str) -> bool:
        """Whether the file at a path, from the folder of the source on, is to be read."""
        folders, _, _ = path.rpartition("/")
        if not self._include(path) or any(name.startswith(".") for name in folders.split("/")):
            return False
        return self._exclude is None or not self._exclude(path)


class Loaded(NamedTuple):
    """Manifests in byte order of their paths, what is wrong with files as such, and the files for looking up places."""

    manifests: list[Manifest]
    issues: list[Issue]
    files: Mapping[str, SourceFile]


class _Entry(NamedTuple):
    path: str
    size: int
    is_link: bool
    key: str
    """Object id of a blob, or path of a file."""


def load_commit(
    repository: Repository,
    commit: str,
    path: str = "",
    *,
    include: Sequence[str] = INCLUDE,
    exclude: Sequence[str] = (),
) -> Loaded:
    """The manifests below folder ``path`` (empty: the top) of a commit.

    ``include`` and ``exclude`` are globs of paths below that folder; what stands in a folder with a dot in front never
    counts. Raises ``UnavailableError(MEMORY_REPOSITORY_UNAVAILABLE)`` when objects can't be read, ``UsageError`` for a
    ``path`` that is none inside a repository.
    """
    with ObjectReader(repository) as reader:
        if tree_oid(reader, commit, path) is None:
            return Loaded([], [Issue("KR710", "there is no such folder in the commit", Site(""))], {})
        listing = list_tree(reader, commit, path)
        issues = [Issue("KR709", problem.reason, Site(problem.path)) for problem in listing.problems]
        entries = [
            _Entry(entry.path, entry.size, entry.mode == SYMLINK_MODE, entry.oid)
            for entry in listing.entries
            if entry.mode != SUBMODULE_MODE
        ]
        chosen, refused = _choose(entries, Choice(include, exclude))
        stream = reader.stream([entry.key for entry in chosen])
        blobs = [data or b"" for _, _, _, data in stream]
    files = [SourceFile(entry.path, data, entry.key) for entry, data in zip(chosen, blobs, strict=True)]
    return _load(files, [*issues, *refused])


def load_folder(folder: Path) -> Loaded:
    """The manifests below a folder outside Git, read as they are on disk; no link is followed.

    Raises ``UnavailableError(CONFIG_UNREADABLE)``.
    """
    try:
        chosen, refused = _choose(sorted(_walk(folder)), Choice())
        return _load([SourceFile(entry.path, _read(entry.key)) for entry in chosen], refused)
    except OSError as error:
        raise UnavailableError(
            "CONFIG_UNREADABLE",
            f"the folder cannot be read: {error.strerror or error}",
            hint="check that it exists and that you may read it",
            location=str(error.filename or folder),
        ) from error


def _walk(folder: Path) -> Iterator[_Entry]:
    def stop(error: OSError) -> None:
        raise error

    for here, folders, names in os.walk(folder, onerror=stop):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in (*names, *(name for name in folders if os.path.islink(os.path.join(here, name)))):
            full = os.path.join(here, name)
            status = os.lstat(full)
            if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
                path = os.path.relpath(full, folder).replace(os.sep, "/")
                yield _Entry(path, status.st_size, stat.S_ISLNK(status.st_mode), full)


def _read(path: str) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise OSError(errno.EFBIG, "a file grew while it was read", path)
    return data


def _choose(entries: Iterable[_Entry], choice: Choice) -> tuple[list[_Entry], list[Issue]]:
    """The files that hold manifests, and those that are refused: links and odd names KR709, too much KR706."""
    chosen: list[_Entry] = []
    issues: list[Issue] = []
    total = 0
    for entry in entries:
        if not choice.admits(entry.path):
            continue
        site = Site(entry.path)
        fault = next((fault for name in entry.path.split("/") if (fault := find_fault(os.fsencode(name)))), None)
        if entry.is_link:
            issues.append(Issue("KR709", "symbolic links are not followed", site))
        elif fault is not None:
            issues.append(Issue("KR709", fault, Site(escape_name(entry.path))))
        elif entry.size > MAX_FILE_BYTES:
            issues.append(Issue("KR706", f"a file has at most {MAX_FILE_BYTES} bytes, this one {entry.size}", site))
        else:
            total += entry.size
            chosen.append(entry)
    if len(chosen) > MAX_FILES:
        return [], [*issues, Issue("KR706", f"at most {MAX_FILES} files, found {len(chosen)}", Site(""))]
    if total > MAX_TOTAL_BYTES:
        return [], [*issues, Issue("KR706", f"at most {MAX_TOTAL_BYTES} bytes in all files, found {total}", Site(""))]
    return chosen, issues


def _load(files: list[SourceFile], issues: list[Issue]) -> Loaded:
    manifests: list[Manifest] = []
    for file in files:
        found, wrong = parse_file(file)
        manifests += found
        issues += wrong
    if len(manifests) > MAX_OBJECTS:
        issues.append(Issue("KR706", f"at most {MAX_OBJECTS} objects, found {len(manifests)}", Site("")))
        manifests = []
    return Loaded(manifests, issues, {file.path: file for file in files})
