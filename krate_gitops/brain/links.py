"""What the records of a set of files say about ids, as flat arrays: who defines which id, who points where.

Ids are 64-bit keys here. Rules that look across records, and the graph, run on these arrays for a whole commit at once
and never on one Python object a record or edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from krate_gitops.brain.base_fields import SENSITIVITIES, STATUSES
from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.identifiers import prefix_of
from krate_gitops.brain.timestamps import epoch_seconds

EDGE, OWNER, REPOSITORY, SOURCE, ALIAS = range(5)
"""Roles of a reference: a declared edge, an owner, a ``repoRefs`` entry, a ``sourceRefs`` id, a name of the record."""

NO_STATUS = len(STATUSES)
NO_SENSITIVITY = len(SENSITIVITIES)
NO_TIME = np.iinfo(np.int64).min

Array = npt.NDArray[Any]

_keys: dict[str, int] = {}


def id_key(identifier: str) -> int:
    """64-bit key of an id."""
    key = _keys.get(identifier)
    if key is None:
        if len(_keys) > 500_000:
            _keys.clear()
        data = identifier.encode("utf-8", "surrogatepass")
        key = _keys[identifier] = int.from_bytes(blake2b(data, digest_size=8).digest(), "little")
    return key


class Links(msgspec.Struct, frozen=True):
    """Columns. One row a record (``record_*``, in file order) and one row a reference (``ref_*``, by record)."""

    record_id: Array
    record_fold: Array
    record_kind: Array
    record_prefix: Array
    record_status: Array
    record_sensitivity: Array
    record_updated: Array
    record_title: Array
    record_bytes: Array
    record_patch: Array
    record_file: Array
    record_ordinal: Array
    ref_record: Array
    ref_role: Array
    ref_kind: Array
    ref_prefix: Array
    ref_target: Array
    ref_place: Array
    names: list[str]
    """Kinds, edge kinds and prefixes by number."""

    @property
    def records(self) -> int:
        return len(self.record_id)


COLUMNS: tuple[tuple[str, type], ...] = (
    ("record_id", np.uint64),
    ("record_fold", np.uint64),
    ("record_kind", np.uint32),
    ("record_prefix", np.uint32),
    ("record_status", np.uint8),
    ("record_sensitivity", np.uint8),
    ("record_updated", np.int64),
    ("record_title", np.uint64),
    ("record_bytes", np.uint32),
    ("record_patch", np.bool_),
    ("record_file", np.uint32),
    ("record_ordinal", np.uint32),
    ("ref_record", np.uint32),
    ("ref_role", np.uint8),
    ("ref_kind", np.uint32),
    ("ref_prefix", np.uint32),
    ("ref_target", np.uint64),
    ("ref_place", np.uint32),
)

STATUS_NUMBER: dict[str | None, int] = {None: NO_STATUS, **{name: at for at, name in enumerate(STATUSES)}}
SENSITIVITY_NUMBER: dict[str | None, int] = {
    None: NO_SENSITIVITY,
    **{name: at for at, name in enumerate(SENSITIVITIES)},
}


def build_links(files: Sequence[ParsedFile]) -> Links:
    """Columns of the records of ``files``; file numbers are positions in the sequence."""
    names: dict[str, int] = {}
    targets: dict[str, tuple[int, int]] = {}

    def number(name: str) -> int:
        return names.setdefault(name, len(names))

    def pointing(target: str) -> tuple[int, int]:
        """Prefix and key of an id."""
        known = targets.get(target)
        if known is None:
            known = targets[target] = (number(prefix_of(target)), id_key(target))
        return known

    records: list[tuple[Any, ...]] = []
    refs: list[tuple[int, ...]] = []
    for file_number, file in enumerate(files):
        for ordinal, record in enumerate(file.records):
            at = len(records)
            identifier = record.id
            kind = number(record.kind)
            prefix, key = pointing(identifier)
            folded = identifier.casefold()
            records.append(
                (
                    key,
                    key if folded == identifier else id_key(folded),
                    kind,
                    prefix,
                    STATUS_NUMBER[record.status],
                    SENSITIVITY_NUMBER[record.sensitivity],
                    epoch_seconds(record.updated_at) if record.updated_at else NO_TIME,
                    id_key(record.title.casefold()) if record.title else 0,
                    record.end - record.start,
                    record.patch,
                    file_number,
                    ordinal,
                )
            )
            for place, edge in enumerate(record.edges):
                refs.append((at, EDGE, number(edge.kind), *pointing(edge.target), place))
            for role, named in ((OWNER, record.owners), (REPOSITORY, record.repo_refs), (SOURCE, record.source_refs)):
                for place, target in enumerate(named):
                    if not target.startswith("https://"):
                        refs.append((at, role, 0, *pointing(target), place))
            for place, alias in enumerate(record.aliases):
                refs.append((at, ALIAS, 0, 0, id_key(alias.casefold()), place))
    return _columns(records, refs, list(names) or [""])


def _columns(records: list[tuple[Any, ...]], refs: list[tuple[int, ...]], names: list[str]) -> Links:
    by_record: Iterable[Any] = zip(*records, strict=True) if records else ((),) * 12
    by_ref: Iterable[Any] = zip(*refs, strict=True) if refs else ((),) * 6
    values = [*by_record, *by_ref]
    arrays: dict[str, Array] = {
        name: np.fromiter(value, kind, len(value)) for (name, kind), value in zip(COLUMNS, values, strict=True)
    }
    return Links(**arrays, names=names)


def concatenate(parts: Sequence[Links]) -> tuple[Links, Array, Array]:
    """One ``Links`` over several shards, with the first record and first reference of each part.

    Names are renumbered over all parts; ``record_file`` stays relative to its part.
    """
    names: dict[str, int] = {}
    maps = [np.array([names.setdefault(n, len(names)) for n in part.names], dtype=np.uint32) for part in parts]
    bases = np.cumsum([0, *(part.records for part in parts)])
    ref_bases = np.cumsum([0, *(len(part.ref_record) for part in parts)])
    arrays: dict[str, Array] = {}
    for name, kind in COLUMNS:
        columns = [getattr(part, name) for part in parts]
        if name in ("record_kind", "record_prefix", "ref_kind", "ref_prefix"):
            columns = [numbers[column] for numbers, column in zip(maps, columns, strict=True)]
        elif name == "ref_record":
            columns = [column + np.uint32(base) for column, base in zip(columns, bases, strict=False)]
        arrays[name] = np.concatenate(columns) if columns else np.zeros(0, dtype=kind)
    return Links(**arrays, names=list(names) or [""]), bases, ref_bases


def select(links: Links, records: Array, refs: Array) -> tuple[Links, Array, Array]:
    """The columns of some records (ascending) and some of their references, and those two as given."""
    arrays: dict[str, Array] = {}
    for name, _ in COLUMNS:
        column = getattr(links, name)
        if name == "ref_record":
            arrays[name] = np.searchsorted(records, column[refs]).astype(np.uint32)
        else:
            arrays[name] = column[refs] if name.startswith("ref_") else column[records]
    return Links(**arrays, names=links.names), records, refs
