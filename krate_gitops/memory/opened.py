"""An indexed commit opened for reading: columns, ranking, graph, words and texts, each loaded when first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from types import TracebackType
from typing import Any, Self, TypeVar

from krate_gitops.brain.ontology import OntologyIndex
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
from krate_gitops.memory.safe import SafeStrings
from krate_gitops.memory.texts import Text, Texts
from krate_gitops.progress import Progress, silent

Kept = TypeVar("Kept")


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
        self._kept: dict[tuple[object, str], Any] = {}

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
                self._kept.clear()
            known = self._admissions[policy.digest] = Admission(self.columns, self.ontology, policy)
        return known

    def kept(self, make: Callable[[OpenIndex, Admission], Kept], policy: EffectivePolicy) -> Kept:
        """What is made of a policy's admission once and serves every answer under it."""
        admission = self.admission(policy)
        known: Kept | None = self._kept.get((make, policy.digest))
        if known is None:
            known = self._kept[make, policy.digest] = make(self, admission)
        return known

    def texts(self, files: Sequence[int]) -> Iterator[Text]:
        """Texts of files in the order given, as they are and as they may leave; files that are no text are passed over.

        The latest ones are kept in memory, as many as ``texts.MOST_BYTES`` hold.
        """
        return self._texts.read(files)

    @cached_property
    def _texts(self) -> Texts:
        limits = self.source.profile.limits
        return Texts(self.columns, self._reader, self.cleaner, max(limits.record_bytes, limits.note_bytes))

    @cached_property
    def cleaner(self) -> Cleaner:
        rules = self.source.ontology.rules
        return Cleaner(rules.secret_scan, rules.prompt_injection)

    @cached_property
    def safe(self) -> SafeStrings:
        """Strings of the commit's records and paths as they may leave."""
        return SafeStrings(self.cleaner)


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
