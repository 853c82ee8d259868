"""The world that rules across records are asked about, and the rows they answer with."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from krate_gitops.brain.links import ALIAS, EDGE, OWNER, REPOSITORY, SOURCE, Array, Links
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.brain.rules.across.resolution import Resolution, resolve


class Hit(NamedTuple):
    """One finding: code, record, reference (-1: the record itself), other record (-1: none), a number for the words.

    For a required edge that is missing (KB042), ``other`` is -2 less the position of the edge kind in the ontology.
    """

    code: str
    record: int
    ref: int = -1
    other: int = -1
    value: int = 0


class Commit(NamedTuple):
    """The world the columns are judged in. ``knows_path`` answers for a reference whether its ``path:`` file exists."""

    time: int
    knows_path: Callable[[int], bool]


class Across:
    """All rules of one commit, or of the part of it that changed.

    ``records`` and ``refs`` say which rows are judged (all when None); the columns always hold the whole commit.
    """

    def __init__(
        self,
        links: Links,
        index: OntologyIndex,
        commit: Commit,
        *,
        records: Array | None = None,
        refs: Array | None = None,
        resolution: Resolution | None = None,
    ) -> None:
        self.links = links
        self.index = index
        self.commit = commit
        self.found = resolution or resolve(links)
        self.records = np.arange(links.records) if records is None else records
        all_refs = np.arange(len(links.ref_record)) if refs is None else refs
        self.by_role = {
            role: all_refs[links.ref_role[all_refs] == role] for role in (EDGE, OWNER, REPOSITORY, SOURCE, ALIAS)
        }

    # -- questions the rules share

    def edges(self) -> Array:
        return self.by_role[EDGE]

    def source_kind(self, refs: Array) -> Array:
        return self.links.record_kind[self.links.ref_record[refs]]

    def per_name(self, answer: Callable[[str], bool]) -> Array:
        """An answer for each name number."""
        return np.array([answer(name) for name in self.links.names], dtype=bool)

    def per_combination(self, columns: tuple[Array, ...], answer: Callable[..., bool]) -> Array:
        """An answer for each row of name numbers, asked once for each distinct combination."""
        size = len(self.links.names)
        mixed = columns[0].astype(np.int64)
        for column in columns[1:]:
            mixed = mixed * size + column
        distinct, inverse = np.unique(mixed, return_inverse=True)
        names = self.links.names
        answers = np.zeros(len(distinct), dtype=bool)
        for at, value in enumerate(distinct.tolist()):
            numbers = []
            for _ in columns:
                value, number = divmod(value, size)
                numbers.append(number)
            answers[at] = answer(*(names[number] for number in reversed(numbers)))
        result: Array = answers[inverse]
        return result
