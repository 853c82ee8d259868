"""Who owns what a range of bad history is about, as the brain says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import msgspec
import numpy as np

from krate_gitops.brain.model import Record
from krate_gitops.errors import KrateError
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.redact import RedactionConfig, redact
from krate_gitops.memory.safe import SafeStrings

_REPOSITORY = "Repository"
_APPLIES = "applies_to_repo"


class OwnerBook(msgspec.Struct, frozen=True):
    """Owners of records, and of repositories by id. ``records`` maps each record that was asked for to its owners, and
    ``applies`` to the repositories it applies to. ``safe`` redacts under the brain's own settings.
    """

    records: dict[str, tuple[str, ...]] = {}
    applies: dict[str, tuple[str, ...]] = {}
    repositories: dict[str, tuple[str, ...]] = {}
    safe: SafeStrings | None = None

    def clean(self, text: str) -> str:
        """The text without secrets."""
        if self.safe is not None:
            return self.safe(text)
        return redact(text, config=RedactionConfig()).text


def read_owners(brain: Brain, commits: Sequence[str], paths: Sequence[str], record_ids: Sequence[str]) -> OwnerBook:
    """The book of the records with one of the ids or in one of the files, as the first of the commits has them.

    Later commits are asked only for what the earlier ones don't have. A commit that can't be read is passed over: that
    nobody can say who the owners are must not keep anybody from marking history.
    """
    book = OwnerBook()
    asked = dict.fromkeys((*paths, *record_ids))
    for number, commit in enumerate(commits):
        if number and not asked:
            break
        try:
            found, seen = brain.read(commit, partial(_read, asked=tuple(asked)))
        except KrateError:
            continue
        asked = {name: None for name in asked if name not in seen}
        book = OwnerBook(
            found.records | book.records,
            found.applies | book.applies,
            found.repositories | book.repositories,
            book.safe or found.safe,
        )
    return book


def _read(opened: OpenIndex, asked: Iterable[str]) -> tuple[OwnerBook, set[str]]:
    """What one commit says, and which of the names it knows."""
    named: dict[str, Record] = {}
    seen: set[str] = set()
    for name in asked:
        for record in _records(opened, name):
            named[record.id] = record
            seen.add(name)
    book = OwnerBook(
        {record.id: record.owners for record in named.values()},
        {record.id: tuple(_applies(record)) for record in named.values()},
        dict(_repositories(opened)),
        SafeStrings(opened.cleaner),
    )
    return book, seen


def _records(opened: OpenIndex, name: str) -> Iterator[Record]:
    columns = opened.columns
    by_id = opened.graph.defined(name)
    if by_id >= 0:
        yield columns.record(by_id)
    file = columns.file_number.get(name)
    if file is not None:
        for number in np.flatnonzero(columns.record_file == file).tolist():
            yield columns.record(number)


def _applies(record: Record) -> Iterator[str]:
    yield from record.repo_refs
    yield from (edge.target for edge in record.edges if edge.kind == _APPLIES)


def _repositories(opened: OpenIndex) -> Iterator[tuple[str, tuple[str, ...]]]:
    columns = opened.columns
    kinds = columns.links.names
    if _REPOSITORY in kinds:
        for number in np.flatnonzero(columns.links.record_kind == kinds.index(_REPOSITORY)).tolist():
            record = columns.record(number)
            yield record.id, record.owners
