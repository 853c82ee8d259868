"""Garbage collection of the index store: old indexes first, then whatever no index needs any more.

A builder writes shards before the manifest that names them, so what is young is left alone however unneeded it looks.
If a collector and a builder still meet, the builder's next run finds a shard missing and makes it again.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from krate_gitops.index.formats import INDEX_FORMAT
from krate_gitops.index.inventory import (
    children,
    files_below,
    format_of,
    modified,
    other_formats,
    shard_folders,
    size_of,
)
from krate_gitops.index.manifest import Manifest
from krate_gitops.index.shard import Summary
from krate_gitops.index.store import Store

_DAY = 86_400


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """What to keep: indexes up to an age and number for each repository, and everything younger than the guard."""

    max_age_days: int = 90
    per_repository: int = 50
    guard_seconds: int = 3_600


class Collected(msgspec.Struct, rename="camel"):
    """What was removed, or would be; ``bytes`` as their files say."""

    manifests: int = 0
    shards: int = 0
    verdicts: int = 0
    leftovers: int = 0
    formats: int = 0
    bytes: int = 0
    kept_manifests: int = 0
    kept_shards: int = 0


def collect(store: Store, retention: Retention, *, now: float, dry_run: bool = False) -> Collected:
    """Removes what retention does not keep. Raises ``UnavailableError`` when the store can't be written."""
    return _Collector(store, retention, now, dry_run).run()


class _Collector:
    def __init__(self, store: Store, retention: Retention, now: float, dry_run: bool) -> None:
        self._store = store
        self._retention = retention
        self._now = now
        self._dry_run = dry_run
        self._done = Collected()

    def run(self) -> Collected:
        kept = self._manifests()
        self._done.kept_manifests = len(kept)
        self._shards({summary.key for manifest in kept for summary in manifest.shards})
        self._verdicts({_verdict_name(summary, manifest) for manifest in kept for summary in manifest.shards})
        self._aids("ontologies", {_hex(manifest.ontology_digest) for manifest in kept})
        self._aids("catalogs", {manifest.catalog for manifest in kept})
        self._leftovers()
        self._old_formats()
        return self._done

    def _is_young(self, path: Path) -> bool:
        return self._now - modified(path) < self._retention.guard_seconds

    def _manifests(self) -> list[Manifest]:
        """Removes manifests that are damaged, too old, or too many; returns the others."""
        kept: list[Manifest] = []
        by_repository: dict[str, int] = {}
        for path, manifest in sorted(self._store.manifests(), key=lambda item: (-modified(item[0]), item[0])):
            keep = self._is_young(path)
            if manifest is not None:
                count = by_repository[manifest.repository] = by_repository.get(manifest.repository, 0) + 1
                recent = self._now - modified(path) <= self._retention.max_age_days * _DAY
                keep = keep or (recent and count <= self._retention.per_repository)
            if not keep:
                self._done.manifests += 1
                self._remove(path)
            elif manifest is not None:
                kept.append(manifest)
        return kept

    def _shards(self, needed: set[str]) -> None:
        for folder in shard_folders(self._store):
            if folder.name in needed or self._is_young(folder):
                self._done.kept_shards += 1
            else:
                self._done.shards += 1
                self._remove(folder)

    def _verdicts(self, needed: set[str]) -> None:
        for path in children(self._store.root / "verdicts"):
            for verdict in children(path):
                if verdict.name not in needed and not self._is_young(verdict):
                    self._done.verdicts += 1
                    self._remove(verdict)

    def _aids(self, folder: str, needed: set[str]) -> None:
        """What only saves time: loaded ontologies by digest, catalogs by name."""
        for path in children(self._store.root / folder):
            if not {path.name, path.name.partition("-")[0]} & needed and not self._is_young(path):
                self._done.leftovers += 1
                self._remove(path)

    def _leftovers(self) -> None:
        """What builders and readers that were killed left behind."""
        for folder in (self._store.root / "tmp", self._store.root / "views", self._store.root.parents[1] / "worktrees"):
            for leftover in children(folder):
                if not self._is_young(leftover):
                    self._done.leftovers += 1
                    self._remove(leftover)

    def _old_formats(self) -> None:
        """Stores of earlier formats; one of a later format belongs to a newer program and is left alone."""
        for folder in other_formats(self._store):
            number = format_of(folder)
            if number is not None and number < INDEX_FORMAT and not self._is_young(folder):
                self._done.formats += 1
                self._remove(folder)

    def _remove(self, path: Path) -> None:
        is_folder = path.is_dir() and not path.is_symlink()
        self._done.bytes += sum(map(size_of, files_below(path))) if is_folder else size_of(path)
        if self._dry_run:
            return
        if path == self._store.shard_folder(path.name):
            self._store.remove_shard(path.name)
        elif is_folder:
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _verdict_name(summary: Summary, manifest: Manifest) -> str:
    return f"{summary.key}-{manifest.judge}"


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
