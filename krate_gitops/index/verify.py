"""Every digest of the index store, checked: what is torn, flipped or foreign is named, and removed on request."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from krate_gitops.index.catalog import Catalog
from krate_gitops.index.inventory import children, files_below, shard_folders
from krate_gitops.index.shard import DamagedError, Shard, Summary
from krate_gitops.index.store import Store, unseal
from krate_gitops.progress import Progress, silent

_KEY = re.compile(r"[0-9a-f]{64}\Z")
_NAME = re.compile(r"[0-9a-f]{40,64}-[0-9a-f]{16}\Z")
_decode_summary = msgspec.msgpack.Decoder(Summary).decode
_SUMMARY = "summary"
_OWN = frozenset(("shards", "manifests", "verdicts", "ontologies", "catalogs", "tmp", "views"))


class Problem(msgspec.Struct, frozen=True):
    """Something that is not as it was written. ``path`` is below the store."""

    path: str
    what: str
    repaired: bool = False


class Verified(msgspec.Struct, frozen=True):
    """How much was checked, and what is wrong."""

    manifests: int
    shards: int
    verdicts: int
    bytes: int
    missing: int
    """Shards that a manifest names and that are gone: no damage, since whoever needs one makes it again."""
    problems: tuple[Problem, ...]

    @property
    def is_sound(self) -> bool:
        """Whether everything that remains in the store is as it was written."""
        return all(problem.repaired for problem in self.problems)


def verify_store(store: Store, *, repair: bool = False, progress: Progress = silent) -> Verified:
    """Reads and checks every file. ``repair`` removes what is bad, so that the next build makes it again."""
    return _Verifier(store, repair, progress).run()


class _Verifier:
    def __init__(self, store: Store, repair: bool, progress: Progress) -> None:
        self._store = store
        self._repair = repair
        self._progress = progress
        self._problems: list[Problem] = []
        self._bytes = 0
        self._missing = 0

    def run(self) -> Verified:
        named: dict[str, Summary] = {}
        manifests = 0
        for path, manifest in self._store.manifests():
            manifests += 1
            if not _NAME.match(path.name):
                self._bad(path, "a foreign file")
            elif manifest is None:
                self._bad(path, "the bytes are not those that were written")
            elif path != self._store.manifest_path(manifest.commit, manifest.variant):
                self._bad(path, "the manifest of another commit")
            else:
                named.update((summary.key, summary) for summary in manifest.shards)
        shards = self._shards(named)
        verdicts = sum(
            self._sealed(path) for group in children(self._store.root / "verdicts") for path in children(group)
        )
        for path in children(self._store.root / "ontologies"):
            self._sealed(path)
        for path in children(self._store.root / "catalogs"):
            self._catalog(path)
        self._foreign()
        return Verified(manifests, shards, verdicts, self._bytes, self._missing, tuple(self._problems))

    def _shards(self, named: Mapping[str, Summary]) -> int:
        """Checks stored shards, those that no manifest names too; returns how many there are."""
        folders = list(shard_folders(self._store))
        for number, folder in enumerate(folders):
            self._progress("verifying", number, len(folders))
            if not _KEY.match(folder.name) or folder != self._store.shard_folder(folder.name) or not folder.is_dir():
                self._bad(folder, "a foreign file")
            else:
                self._shard(folder, named.get(folder.name))
        self._missing = len(named.keys() - {folder.name for folder in folders})
        return len(folders)

    def _shard(self, folder: Path, named: Summary | None) -> None:
        key = folder.name
        try:
            summary = _decode_summary(unseal((folder / _SUMMARY).read_bytes()))
            if summary.key != key or (named is not None and summary != named):
                raise DamagedError("summary: it is of another shard")
            Shard(folder, summary).verify()
        except (DamagedError, msgspec.DecodeError, OSError) as error:
            self._bad(folder, str(error) if isinstance(error, DamagedError) else "summary: it cannot be read")
            return
        self._bytes += summary.bytes
        for path in files_below(folder):
            if path.name not in summary.files and path != folder / _SUMMARY:
                self._bad(path, "a foreign file")

    def _sealed(self, path: Path) -> bool:
        """Checks a file that ends in its own digest."""
        try:
            unseal(path.read_bytes())
        except (DamagedError, OSError):
            self._bad(path, "the bytes are not those that were written")
            return False
        return True

    def _catalog(self, path: Path) -> None:
        try:
            Catalog(path)
        except DamagedError as error:
            self._bad(path, str(error))

    def _foreign(self) -> None:
        for path in children(self._store.root):
            if path.name not in _OWN:
                self._bad(path, "a foreign file")
        for name in ("shards", "manifests", "verdicts"):
            for group in children(self._store.root / name):
                if not group.is_dir() or group.is_symlink():
                    self._bad(group, "a foreign file")

    def _bad(self, path: Path, what: str) -> None:
        if self._repair:
            self._remove(path)
        self._problems.append(Problem(self._place(path), what, self._repair))

    def _remove(self, path: Path) -> None:
        if _KEY.match(path.name) and path == self._store.shard_folder(path.name):
            self._store.remove_shard(path.name)
        elif path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def _place(self, path: Path) -> str:
        return path.relative_to(self._store.root).as_posix()
