"""One shard: the immutable facts, links, postings and words of a run of files, and its files on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from krate_gitops.brain.facts import ParsedFile, freshness
from krate_gitops.brain.fields import Segment
from krate_gitops.brain.links import (
    COLUMNS,
    NO_TIME,
    SENSITIVITY_NUMBER,
    STATUS_NUMBER,
    Array,
    Links,
    build_links,
    id_key,
)
from krate_gitops.brain.model import FileClass, Finding, Record
from krate_gitops.brain.rules.collisions import Spellings, spellings
from krate_gitops.brain.timestamps import epoch_seconds
from krate_gitops.digest import sha256_digest
from krate_gitops.index.analysis import fold_text
from krate_gitops.index.entries import content_bytes, is_searchable
from krate_gitops.index.formats import fingerprint
from krate_gitops.index.postings import Postings
from krate_gitops.index.segment import SegmentFiles

_encode = msgspec.msgpack.Encoder().encode
_decode_file = msgspec.msgpack.Decoder(ParsedFile).decode

Parsed = tuple[ParsedFile, list[Segment], str]
"""A file as the parser leaves it: facts, searchable segments and decoded text (empty where there is none)."""

Findings = list[tuple[int, list[Finding]]]
"""Findings by position of the file in its shard."""

_decode_findings = msgspec.msgpack.Decoder(Findings).decode


NAME_SEPARATOR = "\x1f"


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A file of a commit's tree under the memory root."""

    path: str
    blob: str
    mode: int
    size: int
    file_class: FileClass


class Summary(msgspec.Struct, frozen=True, array_like=True):
    """What a manifest says of a shard."""

    key: str
    first: str
    last: str
    documents: int
    records: int
    edges: int
    parse_errors: int
    digest: str
    """Of the logical content: equal however and wherever the shard was built."""
    source_digest: str
    """File-set digest of its documents."""
    bytes: int
    files: dict[str, str]
    """SHA-256 of each stored file; bytes of the search engine differ between machines and enter no digest."""


_decode_entries = msgspec.msgpack.Decoder(list[Entry]).decode


def shard_key(entries: Sequence[Entry], profile_digest: str) -> str:
    """Key of the shard that these files make."""
    rows = [[entry.path, entry.blob, entry.mode, entry.file_class.value] for entry in entries]
    data = msgspec.json.encode([fingerprint(), profile_digest, rows])
    return hashlib.sha256(data).hexdigest()


class Parts(NamedTuple):
    """A shard in memory, before it is written; its segment may still have to be made."""

    entries: Sequence[Entry]
    files: list[ParsedFile]
    links: Links
    postings: Postings
    segment: SegmentFiles


def build_parts(entries: Sequence[Entry], parsed: Sequence[Parsed], postings: Postings, segment: SegmentFiles) -> Parts:
    """A shard of files in path order."""
    files = [file for file, _, _ in parsed]
    return Parts(entries, files, build_links(files), postings, segment)


def unit_count(file: ParsedFile) -> int:
    """Units of ranking in a file: its records, or the file itself."""
    return len(file.records) or 1


def write_shard(folder: Path, key: str, parts: Parts) -> Summary:
    """Writes the files of a shard into an empty folder."""
    packed = [_encode(file) for file in parts.files]
    offsets = np.cumsum([0, *(len(item) for item in packed)], dtype=np.uint64)
    paths = "\0".join(file.path for file in parts.files).encode()
    blobs = " ".join(file.blob for file in parts.files)
    names = spellings([file.path for file in parts.files])
    units = np.array([unit_count(file) for file in parts.files], dtype=np.uint32)
    stored = {
        "facts": _encode([offsets.tobytes(), b"".join(packed)]),
        "links": _encode(
            [
                [paths, blobs, units.tobytes(), names.fold.tobytes(), names.exact.tobytes(), parts.links.names],
                _encode_notes(parts.files),
                [getattr(parts.links, name).tobytes() for name, _ in COLUMNS],
            ]
        ),
        "entries": _encode(parts.entries),
        "names": "\n".join(line for file in parts.files for line in _name_lines(file)).encode(),
        "findings": _encode([(at, file.findings) for at, file in enumerate(parts.files) if file.findings]),
        "postings": _encode([getattr(parts.postings, name).tobytes() for name, _ in _POSTINGS]),
    }
    sources = msgspec.json.encode([(file.path, file.digest) for file in parts.files])
    stored |= parts.segment()
    for name, data in stored.items():
        (folder / name).write_bytes(data)
    return Summary(
        key=key,
        first=parts.files[0].path,
        last=parts.files[-1].path,
        documents=len(parts.files),
        records=parts.links.records,
        edges=sum(len(record.edges) for file in parts.files for record in file.records),
        parse_errors=sum(file.parse_error for file in parts.files),
        digest=sha256_digest(content_bytes(parts.files)),
        source_digest=sha256_digest(sources),
        bytes=sum(len(data) for data in stored.values()),
        files={name: hashlib.sha256(data).hexdigest() for name, data in stored.items()},
    )


def _name_lines(file: ParsedFile) -> list[str]:
    """One line a unit: its folded id, title and aliases, for the comparison of a whole query with them."""
    if not is_searchable(file):
        return [""] * unit_count(file)
    if not file.records:
        return [fold_text(file.note.title) if file.note and file.note.title else ""]
    return [_name_line(record) for record in file.records]


def _name_line(record: Record) -> str:
    parts = (record.id, record.title or "", *record.aliases)
    return NAME_SEPARATOR.join(fold_text(part).replace("\n", " ") for part in parts if part)


class DamagedError(Exception):
    """A stored file is missing or its bytes are not what was written."""


_POSTINGS: tuple[tuple[str, type], ...] = (
    ("terms", np.uint64),
    ("offsets", np.uint32),
    ("units", np.uint32),
    ("counts", np.uint16),
    ("lengths", np.uint32),
)


class Outline(NamedTuple):
    """What whole-commit work needs of a shard: paths, units of each file, spellings of the paths, columns."""

    paths: list[str]
    blobs: list[str]
    units: Array
    spellings: Spellings
    links: Links
    file_class: Array
    file_bytes: Array
    file_unparsed: Array
    file_clean: Array
    file_fresh: Array
    """Freshness date of a file beside its records' own ``updatedAt``, in seconds; ``NO_TIME`` without one."""
    note_status: Array
    note_sensitivity: Array
    """Of files without records, by number as in ``Links``."""
    note_file: Array
    note_repository: Array
    """A row for each ``repoRefs`` entry of a file without records."""


_NOTES = (np.uint8, np.uint64, np.bool_, np.bool_, np.int64, np.uint8, np.uint8, np.uint32, np.uint64)
FILE_CLASSES = tuple(FileClass)


def _encode_notes(files: Sequence[ParsedFile]) -> list[bytes]:
    status, sensitivity = [], []
    rows: list[tuple[int, int]] = []
    for number, file in enumerate(files):
        note = file.note
        status.append(STATUS_NUMBER[note.status if note else None])
        sensitivity.append(SENSITIVITY_NUMBER[note.sensitivity if note else None])
        if note:
            rows.extend((number, id_key(target)) for target in note.repo_refs)
    columns = (
        [FILE_CLASSES.index(file.file_class) for file in files],
        [file.size for file in files],
        [file.parse_error for file in files],
        [file.clean for file in files],
        [_fresh(file) for file in files],
        status,
        sensitivity,
        [number for number, _ in rows],
        [key for _, key in rows],
    )
    return [np.array(values, dtype=kind).tobytes() for values, kind in zip(columns, _NOTES, strict=True)]


def _fresh(file: ParsedFile) -> int:
    date = freshness(file, None)
    if date is None:
        return NO_TIME
    return epoch_seconds(date if "T" in date else f"{date}-01"[:10] + "T00:00:00Z")


class Shard:
    """A stored shard. Each part is read and checked against its digest when first asked for."""

    def __init__(self, folder: Path, summary: Summary) -> None:
        self.folder = folder
        self.summary = summary

    def read(self, name: str) -> bytes:
        """Checked bytes of one stored file. Raises ``DamagedError``."""
        try:
            data = (self.folder / name).read_bytes()
        except OSError as error:
            raise DamagedError(f"{name}: {error.strerror}") from None
        if hashlib.sha256(data).hexdigest() != self.summary.files.get(name):
            raise DamagedError(f"{name}: the bytes are not those that were written")
        return data

    def verify(self) -> None:
        """Checks every stored file. Raises ``DamagedError``."""
        for name in self.summary.files:
            self.read(name)

    def outline(self) -> Outline:
        """Paths and columns."""
        (paths, blobs, units, fold, exact, names), notes, columns = msgspec.msgpack.decode(self.read("links"))
        arrays: dict[str, Array] = {
            n: np.frombuffer(data, dtype=kind) for (n, kind), data in zip(COLUMNS, columns, strict=True)
        }
        return Outline(
            paths.decode().split("\0"),
            blobs.split(" "),
            np.frombuffer(units, dtype=np.uint32),
            Spellings(np.frombuffer(fold, dtype=np.uint64), np.frombuffer(exact, dtype=np.uint64)),
            Links(**arrays, names=names),
            *(np.frombuffer(data, dtype=kind) for data, kind in zip(notes, _NOTES, strict=True)),
        )

    def postings(self) -> Postings:
        """Postings arrays."""
        parts = msgspec.msgpack.decode(self.read("postings"))
        arrays: dict[str, Array] = {
            n: np.frombuffer(data, dtype=kind) for (n, kind), data in zip(_POSTINGS, parts, strict=True)
        }
        arrays["lengths"] = arrays["lengths"].reshape(-1, 7)
        return Postings(arrays["terms"], arrays["offsets"], arrays["units"], arrays["counts"], arrays["lengths"])

    def entries(self) -> list[Entry]:
        """The files as they stand in the tree."""
        return _decode_entries(self.read("entries"))

    def names(self) -> str:
        """Folded ids, titles and aliases, a line for each unit."""
        return self.read("names").decode()

    def findings(self) -> Findings:
        """What is wrong with single files whatever the ontology says."""
        return _decode_findings(self.read("findings"))

    def facts(self) -> Facts:
        """Facts of the files, decoded one by one on demand."""
        offsets, data = msgspec.msgpack.decode(self.read("facts"))
        return Facts(np.frombuffer(offsets, dtype=np.uint64).tolist(), data)


class Facts:
    """Facts of a shard's files by position."""

    def __init__(self, offsets: list[int], data: bytes) -> None:
        self._offsets = offsets
        self._data = data
        self._known: dict[int, ParsedFile] = {}

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, at: int) -> ParsedFile:
        known = self._known.get(at)
        if known is None:
            view = memoryview(self._data)[self._offsets[at] : self._offsets[at + 1]]
            known = self._known[at] = _decode_file(view)
        return known

    def __iter__(self) -> Iterator[ParsedFile]:
        return (self[at] for at in range(len(self)))
