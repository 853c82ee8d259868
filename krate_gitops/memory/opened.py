"""An indexed commit opened for reading: columns, ranking, graph, words and texts, each loaded when first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from types import TracebackType
from typing import Self, TypeVar

from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.brain.text import EncodingProblem, decode
from krate_gitops.git.objects import ObjectReader
from krate_gitops.index.build import Builder, Built
from krate_gitops.index.columns import Columns
from krate_gitops.index.graph import Graph
from krate_gitops.index.manifest import Manifest
from krate_gitops.index.sound import with_indexes
from krate_gitops.index.source import Source, Target
from krate_gitops.index.strength import Ranker
from krate_gitops.index.view import WordView
from krate_gitops.memory.admission import Admission
from krate_gitops.memory.clean import Cleaner
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.progress import Progress, silent

_FIRST_READ = 8


class OpenIndex:
    """Reading side of one commit's index; a context manager that ends its Git child."""

    def __init__(self, builder: Builder, built: Built) -> None:
        self.manifest: Manifest = built.manifest
        self.source: Source = built.source
        self.ontology = OntologyIndex(built.source.ontology)
        self._builder = builder
        self.columns: Columns = builder.columns(built.manifest.shards)
        self._reader = ObjectReader(built.source.target.repository)
        self._admissions: dict[str, Admission] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._reader.close()

    @cached_property
    def ranker(self) -> Ranker:
        return Ranker(self.columns)

    @cached_property
    def graph(self) -> Graph:
        return Graph(self.columns, self.ontology)

    @cached_property
    def words(self) -> WordView:
        return WordView(self._builder.store, self.columns, f"{self.manifest.commit[:16]}-{self.manifest.variant}")

    def admission(self, policy: EffectivePolicy) -> Admission:
        """What a policy admits; kept, since the same policy asks again and again."""
        known = self._admissions.get(policy.digest)
        if known is None:
            if len(self._admissions) >= 16:
                self._admissions.clear()
            known = self._admissions[policy.digest] = Admission(self.columns, self.ontology, policy)
        return known

    def texts(self, files: Sequence[int]) -> Iterator[tuple[int, str]]:
        """Decoded texts of files in the order given; files that are no text are passed over."""
        for piece in self._pieces(files):
            yield from piece

    def clean_texts(self, files: Sequence[int]) -> Iterator[tuple[int, str, str]]:
        """The same with each text redacted, line by line where it was; the second text is the first where it is clean.

        Whole texts are redacted before anything is cut out of them, or half a secret would be left standing.
        """
        for piece in self._pieces(files):
            redacted = self.cleaner.redact([text for _, text in piece])
            for (number, text), clean in zip(piece, redacted, strict=True):
                yield number, text, clean.text if clean.counts else text

    @cached_property
    def cleaner(self) -> Cleaner:
        rules = self.source.ontology.rules
        return Cleaner(rules.secret_scan, rules.prompt_injection)

    def _pieces(self, files: Sequence[int]) -> Iterator[list[tuple[int, str]]]:
        """Texts in growing pieces: a caller who stops early has read little in vain."""
        start, size = 0, _FIRST_READ
        while start < len(files):
            yield self._piece(files[start : start + size])
            start, size = start + size, size * 2

    def _piece(self, files: Sequence[int]) -> list[tuple[int, str]]:
        # Links and submodules have no size and are not followed; what was too large to parse is too large to read.
        limits = self.source.profile.limits
        largest = max(limits.record_bytes, limits.note_bytes)
        sizes = {number: int(self.columns.file_bytes[number]) for number in files}
        stored = [number for number in files if 0 < sizes[number] <= largest]
        found = {number: "" for number in files if not sizes[number]}
        blobs = [self.columns.blobs[number] for number in stored]
        for number, (_, _, _, data) in zip(stored, self._reader.stream(blobs), strict=True):
            try:
                found[number] = decode(data or b"")
            except EncodingProblem:
                continue
        return [(number, found[number]) for number in files if number in found]


def ontology_warnings(opened: OpenIndex) -> list[str]:
    """What must be said of everything that is read here."""
    return ["ontology-invalid"] * (opened.manifest.result == "invalid")


Result = TypeVar("Result")


def read_index(
    builder: Builder, target: Target, action: Callable[[OpenIndex], Result], *, progress: Progress = silent
) -> Result:
    """What ``action`` makes of a commit's index, built where it is not there.

    A damaged store is found by digest at the first read of the bad file; then the damaged shards are built again and
    the action is tried once more. Raises ``UnavailableError`` when the store can't be written or stays damaged.
    """

    def read(built: list[Built]) -> Result:
        with OpenIndex(builder, built[0]) as opened:
            return action(opened)

    return with_indexes(builder, [target], read, progress=progress)
