"""What the evaluated systems exchange: the indexed unit and the search hit."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Unit(NamedTuple):
    """Searchable text of one record or note; lists are joined by line ends."""

    id: str
    title: str = ""
    aliases: str = ""
    tags: str = ""
    summary: str = ""
    body: str = ""
    """Other attributes and the Markdown body."""


class Hit(NamedTuple):
    """One result; scores compare within one system only."""

    id: str
    score: float


class Searcher(Protocol):
    """A system under evaluation. Hits come best first, each id once, in a total order."""

    name: str

    def hits(self, text: str, limit: int) -> list[Hit]: ...


class System(Searcher, Protocol):
    """A searcher that also says what it searches. Made from a repository, an ontology folder and an empty home."""

    commit: str

    def units(self) -> list[Unit]:
        """Searchable text of every record; the baselines get the same."""

    def versions(self) -> dict[str, str]:
        """What the ranks hang on: digest of the ontology, versions of ranking and analysis."""
