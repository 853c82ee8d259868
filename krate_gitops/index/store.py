"""The index store: immutable shards and manifests under one folder, safe to delete at any time.

Everything is written under a temporary name and renamed, so a reader sees a whole thing or nothing, and several
builders of the same commit race harmlessly: the first rename wins and the others' work is thrown away.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import msgspec

from krate_gitops.brain.model import Ontology
from krate_gitops.errors import UnavailableError
from krate_gitops.index.catalog import Catalog
from krate_gitops.index.formats import INDEX_FORMAT, ONTOLOGY_LOADER
from krate_gitops.index.manifest import Manifest
from krate_gitops.index.shard import DamagedError, Findings, Parts, Shard, Summary, write_shard

_encode = msgspec.msgpack.Encoder().encode
_decode_summary = msgspec.msgpack.Decoder(Summary).decode
_decode_manifest = msgspec.msgpack.Decoder(Manifest).decode
_decode_ontology = msgspec.msgpack.Decoder(Ontology).decode
_decode_verdict = msgspec.msgpack.Decoder(tuple[str, Findings]).decode
_DIGEST_BYTES = 32


class Store:
    """The store under ``home``. Creating one touches nothing."""

    def __init__(self, home: Path) -> None:
        self.root = home / "index" / f"v{INDEX_FORMAT}"
        self._shards = self.root / "shards"
        self._manifests = self.root / "manifests"
        self._verdicts = self.root / "verdicts"
        self._catalogs = self.root / "catalogs"
        self._ontologies = self.root / "ontologies"
        self._temporary = self.root / "tmp"

    # -- shards

    def shard_folder(self, key: str) -> Path:
        return self._shards / key[:2] / key

    def shard(self, summary: Summary) -> Shard:
        return Shard(self.shard_folder(summary.key), summary)

    def has_shard(self, key: str) -> bool:
        return os.path.exists(self._shards / key[:2] / key / "summary")

    def summary(self, key: str) -> Summary | None:
        """Summary of a stored shard whose files have the right sizes; a damaged or foreign one is removed."""
        folder = self.shard_folder(key)
        try:
            summary = _decode_summary(unseal((folder / "summary").read_bytes()))
            complete = (
                summary.key == key and sum((folder / name).stat().st_size for name in summary.files) == summary.bytes
            )
        except FileNotFoundError:
            complete = False
        except (DamagedError, msgspec.DecodeError, OSError):
            complete = False
        if complete:
            return summary
        if folder.exists():
            self.remove_shard(key)
        return None

    def write_shard(self, key: str, parts: Parts) -> Summary:
        """Stores a shard; when another builder was first, its files are kept and ours dropped."""
        with self._work_folder() as work:
            folder = work / "shard"
            folder.mkdir()
            summary = write_shard(folder, key, parts)
            (folder / "summary").write_bytes(seal(_encode(summary)))
            target = self.shard_folder(key)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                folder.rename(target)
            except OSError:
                other = self.summary(key)
                if other is not None:
                    return other
                folder.rename(target)
            return summary

    def remove_shard(self, key: str) -> None:
        """Takes a shard out of sight at once, then deletes it."""
        with self._work_folder() as work:
            try:
                self.shard_folder(key).rename(work / "shard")
            except FileNotFoundError:
                return

    # -- manifests

    def manifest_path(self, commit: str, variant: str) -> Path:
        return self._manifests / commit[:2] / f"{commit}-{variant}"

    def manifest(self, commit: str, variant: str) -> Manifest | None:
        """A stored manifest; a damaged one is as good as none."""
        return self._read_manifest(self.manifest_path(commit, variant))

    def _read_manifest(self, path: Path) -> Manifest | None:
        try:
            manifest = _decode_manifest(unseal(path.read_bytes()))
            return manifest if path.name == f"{manifest.commit}-{manifest.variant}" else None
        except (OSError, DamagedError, msgspec.DecodeError):
            return None

    def manifests(self) -> Iterator[tuple[Path, Manifest | None]]:
        """Every stored manifest, None for the damaged."""
        if self._manifests.exists():
            for path in sorted(self._manifests.glob("*/*")):
                yield path, self._read_manifest(path)

    def write_manifest(self, manifest: Manifest) -> None:
        self._publish(self.manifest_path(manifest.commit, manifest.variant), seal(_encode(manifest)))

    def manifests_of(self, commit: str) -> Iterator[Manifest]:
        """Readable manifests of a commit, in order of their variants."""
        for path in sorted((self._manifests / commit[:2]).glob(f"{commit}-*")):
            manifest = self._read_manifest(path)
            if manifest is not None:
                yield manifest

    # -- ontologies

    def ontology(self, digest: str, *, outside: bool) -> Ontology | None:
        """A loaded ontology, or None when it is not known (or damaged)."""
        try:
            return _decode_ontology(unseal(self._ontology_path(digest, outside).read_bytes()))
        except (OSError, DamagedError, msgspec.DecodeError):
            return None

    def write_ontology(self, ontology: Ontology, *, outside: bool) -> None:
        """Keeps a loaded ontology. A store that can't be written is left as it is: this only saves time."""
        with contextlib.suppress(UnavailableError):
            self._publish(self._ontology_path(ontology.digest, outside), seal(_encode(ontology)))

    def _ontology_path(self, digest: str, outside: bool) -> Path:
        side = "outside" if outside else "inside"
        return self._ontologies / f"{digest.removeprefix('sha256:')}-{side}-{ONTOLOGY_LOADER}"

    # -- catalogs

    def catalog(self, name: str) -> Catalog | None:
        """A stored catalog, or None when it is gone or damaged."""
        try:
            return Catalog(self._catalogs / name)
        except DamagedError:
            return None

    def write_catalog(self, name: str, data: bytes) -> None:
        self._publish(self._catalogs / name, data)

    # -- verdicts

    def verdict(self, key: str, judge: str) -> Findings | None:
        """What the ontology's rules say of a shard, or None when it is not known (or damaged)."""
        try:
            name, findings = _decode_verdict(unseal(self._verdict_path(key, judge).read_bytes()))
            return findings if name == f"{key}-{judge}" else None
        except (OSError, DamagedError, msgspec.DecodeError):
            return None

    def has_verdict(self, key: str, judge: str) -> bool:
        return os.path.exists(self._verdict_path(key, judge))

    def write_verdict(self, key: str, judge: str, verdict: Findings) -> None:
        self._publish(self._verdict_path(key, judge), seal(_encode((f"{key}-{judge}", verdict))))

    def _verdict_path(self, key: str, judge: str) -> Path:
        return self._verdicts / key[:2] / f"{key}-{judge}"

    # -- plumbing

    def _publish(self, target: Path, data: bytes) -> None:
        with self._failing_clearly():
            temporary = self._temporary / f"{os.getpid()}-{os.urandom(6).hex()}"
            try:
                try:
                    temporary.write_bytes(data)
                except FileNotFoundError:
                    self._temporary.mkdir(parents=True, exist_ok=True)
                    temporary.write_bytes(data)
                try:
                    temporary.replace(target)
                except FileNotFoundError:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    temporary.replace(target)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise

    @contextmanager
    def _work_folder(self) -> Iterator[Path]:
        with self._failing_clearly():
            self._temporary.mkdir(parents=True, exist_ok=True)
            folder = Path(mkdtemp(prefix=f"{os.getpid()}-", dir=self._temporary))
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _failing_clearly(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UnavailableError(
                "INDEX_STORE_UNAVAILABLE",
                f"the index store cannot be written: {error.strerror or error}",
                hint="check space and rights, or choose another --home",
                location=str(self.root),
            ) from error


def seal(data: bytes) -> bytes:
    """The data followed by its SHA-256."""
    return data + hashlib.sha256(data).digest()


def unseal(data: bytes) -> bytes:
    """The data of sealed bytes. Raises ``DamagedError``."""
    body = data[:-_DIGEST_BYTES]
    if len(data) < _DIGEST_BYTES or hashlib.sha256(body).digest() != data[-_DIGEST_BYTES:]:
        raise DamagedError("the bytes are not those that were written")
    return body
