"""The files below an admitted folder, found and opened so that nothing leads out of it.

Folders and files are opened by name within the folder that holds them and never through a link, so that a source that
changes while it is read can't hand over anything else than what lies in it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from krate_gitops.errors import KrateError, UnavailableError
from krate_gitops.updates.imports.notes import Notes

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_DEEPEST = 16
_READ_BYTES = 1 << 20


class Found(NamedTuple):
    """A file's place: its path below the root, and the open folder that holds it by its name."""

    path: str
    folder: int
    name: str


@contextmanager
def admitted(path: Path, *, below: Path | None = None) -> Iterator[int]:
    """A folder, open for as long as it is used. With ``below``, no step from there to the folder may be a link.

    Raises ``UnavailableError(MEMORY_IMPORT_SOURCE_NOT_FOUND)`` when there is no such folder.
    """
    start, steps = (path.resolve(), ()) if below is None else (below.resolve(), path.relative_to(below).parts)
    try:
        descriptor = os.open(start, _FOLDER)
        for step in steps:
            inner = _inside(descriptor, step)
            os.close(descriptor)
            descriptor = inner
    except OSError as error:
        raise not_found("the run's folder is missing or can't be read", error) from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _inside(folder: int, name: str) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except OSError:
        os.close(folder)
        raise


def not_found(message: str, error: OSError | None = None) -> UnavailableError:
    """The refusal of a source that isn't there."""
    reason = f" ({error.strerror})" if error is not None and error.strerror else ""
    return UnavailableError("MEMORY_IMPORT_SOURCE_NOT_FOUND", message + reason)


def walk(root: int, notes: Notes, *, most: int) -> Iterator[Found]:
    """Every plain file below a root, sorted by path. Links and other odd things are noted and passed over.

    ``most`` is how many entries may be there. Raises ``KrateError(MEMORY_LIMIT_EXCEEDED)`` for more.
    """
    left = most

    def inside(folder: int, prefix: str, depth: int) -> Iterator[Found]:
        nonlocal left
        names: list[tuple[str, bool]] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                left -= 1
                if left < 0:
                    raise over(f"the source has more than {most:,} files")
                kind = _kind(entry)
                if kind is None or not _is_text(entry.name):
                    notes.add(prefix + _shown(entry.name), "is no plain file, so it was not read")
                else:
                    names.append((entry.name, kind))
        # A folder's files stand where their paths do, and a path goes on with a slash.
        names.sort(key=lambda one: one[0] + "/" if one[1] else one[0])
        for name, is_folder in names:
            if not is_folder:
                yield Found(prefix + name, folder, name)
            elif depth == _DEEPEST:
                notes.add(prefix + name, f"is deeper than {_DEEPEST} folders, so it was not read")
            else:
                try:
                    inner = os.open(name, _FOLDER, dir_fd=folder)
                except OSError:
                    notes.add(prefix + name, "can't be opened")
                    continue
                try:
                    yield from inside(inner, f"{prefix}{name}/", depth + 1)
                finally:
                    os.close(inner)

    yield from inside(root, "", 1)


def _kind(entry: os.DirEntry[str]) -> bool | None:
    """Whether an entry is a folder; None for what is neither that nor a plain file."""
    if entry.is_file(follow_symlinks=False):
        return False
    return True if entry.is_dir(follow_symlinks=False) else None


def _is_text(name: str) -> bool:
    return (name.isascii() and name.isprintable()) or _encodes(name)


def _encodes(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return not any(ord(one) < 32 for one in name)


def _shown(name: str) -> str:
    return name.encode(errors="replace").decode()


def over(message: str) -> KrateError:
    """The refusal of a source that is too large."""
    return KrateError(
        "MEMORY_LIMIT_EXCEEDED",
        message,
        hint="`import run --large` reads runs with journals of any usual size, or leave out what is too large",
    )


@contextmanager
def opened(found: Found, notes: Notes) -> Iterator[tuple[int, int] | None]:
    """A plain file's descriptor and size; None, and a note, for what is none (any more)."""
    try:
        descriptor = os.open(found.name, _FILE, dir_fd=found.folder)
    except OSError as error:
        notes.add(found.path, f"can't be read: {error.strerror}")
        yield None
        return
    try:
        state = os.fstat(descriptor)
        if stat.S_ISREG(state.st_mode):
            yield descriptor, state.st_size
        else:
            notes.add(found.path, "is no plain file, so it was not read")
            yield None
    finally:
        os.close(descriptor)


def chunks(descriptor: int, most: int, path: str, seen: Callable[[bytes], object]) -> Iterator[bytes]:
    """A file's bytes, a mebibyte at a time; ``seen`` is given each, for a digest.

    Raises ``KrateError(MEMORY_LIMIT_EXCEEDED)`` when there are more than ``most``, also of a file that grows.
    """
    left = most
    while chunk := os.read(descriptor, _READ_BYTES):
        left -= len(chunk)
        if left < 0:
            raise over(f"{path} is larger than {most:,} bytes")
        seen(chunk)
        yield chunk
