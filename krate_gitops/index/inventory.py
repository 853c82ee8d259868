"""What the index store holds, as seen from its files."""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from krate_gitops.index.formats import INDEX_FORMAT
from krate_gitops.index.manifest import Manifest
from krate_gitops.index.shard import Summary
from krate_gitops.index.store import Store

_FORMAT_FOLDER = re.compile(r"v(\d+)\Z")


class State(enum.StrEnum):
    """Whether an index can be read as it is."""

    READY = "ready"
    STALE = "stale"
    """Some of its shards are gone; the next build makes them again."""
    DAMAGED = "damaged"
    """A file is torn or foreign; the next build makes it again."""
    OTHER_FORMAT = "other-format"
    """Written by another version of the program, which alone can read it."""


class Held(msgspec.Struct, frozen=True, rename="camel"):
    """One index of the store. ``bytes`` counts shards that several indexes share in each of them."""

    commit: str
    repository: str
    root: str
    documents: int
    records: int
    shards: int
    bytes: int
    state: State
    age_seconds: int
    variant: str = ""


def list_indexes(store: Store, *, now: float) -> list[Held]:
    """Every index, by repository and newest first; one row for each other format. Looks at manifests and file sizes."""
    states: dict[str, State] = {}
    rows = [_held(store, path, manifest, states, now) for path, manifest in store.manifests()]
    rows.sort(key=lambda row: (row.repository, row.age_seconds, row.commit, row.variant))
    return rows + [_other(folder, now) for folder in other_formats(store)]


def other_formats(store: Store) -> list[Path]:
    """Folders of other index formats beside this one."""
    if not store.root.parent.is_dir():
        return []
    folders = (folder for folder in store.root.parent.iterdir() if folder.is_dir() and not folder.is_symlink())
    return sorted(folder for folder in folders if format_of(folder) not in (None, INDEX_FORMAT))


def shard_folders(store: Store) -> Iterator[Path]:
    """Everything that lies where shards lie, foreign things too."""
    for group in children(store.root / "shards"):
        if group.is_dir() and not group.is_symlink():
            yield from children(group)


def children(folder: Path) -> Iterator[Path]:
    """What lies in a folder, by name; nothing when there is none."""
    if folder.is_dir():
        yield from sorted(folder.iterdir())


def format_of(folder: Path) -> int | None:
    """Number of the index format whose folder this is."""
    match = _FORMAT_FOLDER.match(folder.name)
    return int(match[1]) if match else None


def _held(store: Store, path: Path, manifest: Manifest | None, states: dict[str, State], now: float) -> Held:
    age = max(0, int(now - modified(path)))
    if manifest is None:
        commit, _, variant = path.name.partition("-")
        return Held(commit, "", "", 0, 0, 0, size_of(path), State.DAMAGED, age, variant)
    for summary in manifest.shards:
        if summary.key not in states:
            states[summary.key] = _state(store, summary)
    found = {states[summary.key] for summary in manifest.shards}
    state = next((bad for bad in (State.DAMAGED, State.STALE) if bad in found), State.READY)
    return Held(
        manifest.commit,
        manifest.repository,
        manifest.root or ".",
        manifest.documents,
        manifest.records,
        len(manifest.shards),
        sum(summary.bytes for summary in manifest.shards),
        state,
        age,
        manifest.variant,
    )


def _state(store: Store, summary: Summary) -> State:
    if not store.has_shard(summary.key):
        return State.STALE
    folder = store.shard_folder(summary.key)
    return State.READY if sum(size_of(folder / name) for name in summary.files) == summary.bytes else State.DAMAGED


def _other(folder: Path, now: float) -> Held:
    size = sum(size_of(file) for file in files_below(folder))
    return Held("", "", folder.name, 0, 0, 0, size, State.OTHER_FORMAT, max(0, int(now - modified(folder))))


def files_below(folder: Path) -> Iterator[Path]:
    """Files and links below a folder, by path; links are not followed."""
    for here, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted([*files, *(name for name in folders if os.path.islink(os.path.join(here, name)))]):
            yield Path(here, name)


def size_of(path: Path) -> int:
    """Bytes of a file, 0 when it is gone."""
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def modified(path: Path) -> float:
    """When a file or folder was last written, in seconds; 0 when it is gone."""
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0
