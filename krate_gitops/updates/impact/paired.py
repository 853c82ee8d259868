"""The base and the trial commit opened beside each other.

Nearly all files of the two are the same. What was read, redacted or looked up for one serves the other too, and what
stands in a file that both have needs no second look. Nothing here changes an answer; it only makes the second cheap.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeVar, cast

import numpy as np

from krate_gitops.brain.links import Array
from krate_gitops.git.objects import ObjectReader
from krate_gitops.index.build import Builder, Built
from krate_gitops.index.columns import Columns
from krate_gitops.index.names import Names
from krate_gitops.index.postings import Postings
from krate_gitops.index.store import Store
from krate_gitops.index.strength import Ranker
from krate_gitops.index.view import WordView
from krate_gitops.memory.admission import Admission
from krate_gitops.memory.cards import Card, Cards
from krate_gitops.memory.clean import Cleaner
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.safe import SafeStrings
from krate_gitops.memory.texts import Text, Texts

Made = TypeVar("Made")
_SMALL = 1_000
"""Files that are searched as soon as their words are looked up: those of a whole commit must be gathered first."""
_FEW_TIMES = 16


class Shared:
    """What two commits have in common: the numbers of a file, record or unit in the first and in the second.

    A file is kept that stands at the same path with the same bytes. Its records and units then are the same too.
    """

    def __init__(self, before: Columns, after: Columns) -> None:
        self.before, self.after = before, after
        self.file_before = _files_before(before, after)
        """For each file of the second commit its number in the first, -1 where it is not kept."""

    @cached_property
    def file_after(self) -> Array:
        """For each file of the first commit its number in the second, -1 where it is not kept."""
        return _inverse(self.file_before, len(self.before.paths))

    @cached_property
    def record_after(self) -> Array:
        """The same for records."""
        kept_before = np.flatnonzero(self.file_after[self.before.record_file] >= 0)
        kept_after = np.flatnonzero(self.file_before[self.after.record_file] >= 0)
        numbers = np.full(self.before.links.records, -1, dtype=np.int64)
        numbers[kept_before] = kept_after
        return numbers

    @cached_property
    def record_before(self) -> Array:
        """For each record of the second commit its number in the first, -1 where its file is not kept."""
        return _inverse(self.record_after, self.after.links.records)

    @cached_property
    def unit_after(self) -> Array:
        """The same for units."""
        kept_before = np.flatnonzero(self.file_after[self.before.unit_file] >= 0)
        kept_after = np.flatnonzero(self.file_before[self.after.unit_file] >= 0)
        numbers = np.full(self.before.units, -1, dtype=np.int64)
        numbers[kept_before] = kept_after
        return numbers

    @cached_property
    def changed_before(self) -> list[int]:
        """Files of the first commit that are not kept."""
        changed: list[int] = np.flatnonzero(self.file_after < 0).tolist()
        return changed

    @cached_property
    def changed_after(self) -> list[int]:
        """Files of the second commit that are not kept."""
        changed: list[int] = np.flatnonzero(self.file_before < 0).tolist()
        return changed


def _files_before(before: Columns, after: Columns) -> Array:
    bases = {shard.summary.key: base for shard, base in zip(before.shards, before.shard_files(), strict=False)}
    firsts = after.shard_files()
    numbers = np.full(len(after.paths), -1, dtype=np.int64)
    for at, shard in enumerate(after.shards):
        base = bases.get(shard.summary.key)
        if base is not None:
            numbers[firsts[at] : firsts[at + 1]] = np.arange(base, base + firsts[at + 1] - firsts[at])
            continue
        for file in range(firsts[at], firsts[at + 1]):
            old = before.file_number.get(after.paths[file], -1)
            if old >= 0 and _same_file(before, old, after, file):
                numbers[file] = old
    return numbers


def _same_file(before: Columns, old: int, after: Columns, new: int) -> bool:
    """Whether two files at one path have the same bytes, and are read in the same way."""
    return bool(
        before.blobs[old] == after.blobs[new]
        and before.file_class[old] == after.file_class[new]
        and before.file_bytes[old] == after.file_bytes[new]
        and before.file_units[old] == after.file_units[new]
    )


def _inverse(numbers: Array, size: int) -> Array:
    inverse = np.full(size, -1, dtype=np.int64)
    kept = np.flatnonzero(numbers >= 0)
    inverse[numbers[kept]] = kept
    return inverse


def share_rules(before: Built, after: Built) -> bool:
    """Whether both commits are read, judged and redacted by the same rules, so that equal files say the same."""
    return (
        before.source.ontology.digest == after.source.ontology.digest
        and before.source.profile_digest == after.source.profile_digest
        and before.source.root == after.source.root
    )


class BaseIndex(OpenIndex):
    """The base, which reads a few files rather than gathering the words of all."""

    def __init__(self, builder: Builder, built: Built) -> None:
        super().__init__(builder, built)
        self._name = f"{built.manifest.commit[:16]}-{built.manifest.variant}"

    @cached_property
    def ranker(self) -> Ranker:
        lines = [line for shard in self.columns.shards for line in shard.names().split("\n")]
        return Ranker(self.columns, names=_PlainNames(lines))

    @cached_property
    def words(self) -> WordView:
        return _FrugalWords(self._builder.store, self.columns, self._name)

    @cached_property
    def postings(self) -> dict[str, Postings]:
        """Postings of the shards by key."""
        return dict(zip((shard.summary.key for shard in self.columns.shards), self.ranker.postings, strict=True))


class TrialIndex(OpenIndex):
    """The trial commit, beside a base that is read by the same rules."""

    def __init__(self, builder: Builder, built: Built, base: BaseIndex) -> None:
        super().__init__(builder, built)
        self._base = base
        self._cards: dict[str, _SharedCards] = {}

    def kept(self, make: Callable[[OpenIndex, Admission], Made], policy: EffectivePolicy) -> Made:
        if make is not Cards:
            return super().kept(make, policy)
        cards = self._cards.get(policy.digest)
        if cards is None:
            cards = _SharedCards(self, self.admission(policy), self._base.kept(Cards, policy), self.shared)
            self._cards[policy.digest] = cards
        return cast("Made", cards)

    @cached_property
    def shared(self) -> Shared:
        """What the two have in common."""
        return Shared(self._base.columns, self.columns)

    @cached_property
    def ranker(self) -> Ranker:
        names = _SharedNames(self._base.ranker.names, self.columns, self.shared)
        return Ranker(self.columns, known=self._base.postings, names=names)

    @cached_property
    def words(self) -> WordView:
        return _SharedWords(self._builder.store, self._base, self.columns, self.shared)

    @cached_property
    def cleaner(self) -> Cleaner:
        return self._base.cleaner

    @cached_property
    def safe(self) -> SafeStrings:
        return self._base.safe

    @cached_property
    def _texts(self) -> Texts:
        limits = self.source.profile.limits
        largest = max(limits.record_bytes, limits.note_bytes)
        return _SharedTexts(self.columns, self._reader, self.cleaner, largest, self._base, self.shared)


class _PlainNames(Names):
    """Names that are looked through as they are: to take them apart pays for more questions than are asked here."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(lines)
        self._last: tuple[str, Array] | None = None

    def holding(self, folded: str) -> Array:
        # Every question comes twice, once for each commit.
        if self._last is None or self._last[0] != folded:
            self._last = (folded, self._scanned(folded))
        return self._last[1]


class _SharedCards(Cards):
    """Takes the cards of records that both have from the base: they say what stands in the record's own file."""

    def __init__(self, opened: OpenIndex, admission: Admission, base: Cards, shared: Shared) -> None:
        super().__init__(opened, admission)
        self._base = base
        self._record_before = shared.record_before

    def of(self, records: Sequence[int]) -> list[Card]:
        numbers = self._record_before[list(records)].tolist() if records else []
        taken = iter(self._base.of([number for number in numbers if number >= 0]))
        own = iter(super().of([record for record, number in zip(records, numbers, strict=True) if number < 0]))
        return [next(taken if number >= 0 else own) for number in numbers]


class _SharedNames(Names):
    """What the base knows of the names that both have, and the few others."""

    def __init__(self, base: Names, columns: Columns, shared: Shared) -> None:
        super().__init__([])
        self._base = base
        self._unit_after = shared.unit_after
        self._others = [
            (int(columns.first_unit[file]) + at, line)
            for file in shared.changed_after
            for at, line in enumerate(_name_lines(columns, file))
        ]

    def holding(self, folded: str) -> Array:
        numbers = self._unit_after[self._base.holding(folded)]
        own = [unit for unit, line in self._others if folded and folded in line]
        return np.sort(np.concatenate((numbers[numbers >= 0], np.array(own, dtype=np.int64))))


def _name_lines(columns: Columns, file: int) -> list[str]:
    """Folded names of a file's units, as the index holds them."""
    shard = bisect_right(columns.shard_files(), file) - 1
    first = int(columns.first_unit[file]) - columns.shard_bases()[shard]
    return columns.shards[shard].names().split("\n")[first : first + int(columns.file_units[file])]


class _FrugalWords(WordView):
    """Says of a few files, the first few times, that all of them may hold a text: to search them is less work."""

    _left = _FEW_TIMES

    def files_with(self, text: str, among: Array | None = None) -> Array:
        if among is not None and self._left > 0 and int(among.sum()) <= _SMALL:
            self._left -= 1
            return among
        self._left = 0
        return super().files_with(text, among)


class _SharedWords(WordView):
    """What the base knows of the files that both have; any other file may hold anything."""

    def __init__(self, store: Store, base: BaseIndex, columns: Columns, shared: Shared) -> None:
        super().__init__(store, columns, "")
        self._base = base
        self._shared = shared

    def files_with(self, text: str, among: Array | None = None) -> Array:
        shared = self._shared
        kept = shared.file_before >= 0
        numbers = shared.file_before[kept]
        before: Array | None = None
        if among is not None:
            before = np.zeros(len(shared.before.paths), dtype=bool)
            before[numbers] = among[kept]
        files = np.ones(len(kept), dtype=bool)
        files[kept] = self._base.words.files_with(text, before)[numbers]
        return files


class _SharedTexts(Texts):
    """Takes texts from the base where that has the file."""

    def __init__(
        self,
        columns: Columns,
        reader: ObjectReader,
        cleaner: Cleaner,
        largest: int,
        base: BaseIndex,
        shared: Shared,
    ) -> None:
        super().__init__(columns, reader, cleaner, largest)
        self._base = base
        self._shared = shared

    def _fresh(self, files: Sequence[int]) -> dict[int, Text]:
        before = self._shared.file_before
        own = [file for file in files if before[file] < 0]
        found = super()._fresh(own) if own else {}
        for text in self._base.texts([int(before[file]) for file in files if before[file] >= 0]):
            file = int(self._shared.file_after[text.file])
            found[file] = _taken_over(text, self._columns, file)
        return found


def _taken_over(text: Text, columns: Columns, file: int) -> Text:
    """The text of the same file in another commit, which has what was made of it."""
    taken = Text(columns, file, text.raw, text.safe)
    taken.lowered = text.lowered
    return taken
