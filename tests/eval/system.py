"""The product as a system under evaluation: the only file here that knows how a text is ranked.

Everything else works on ``units.System``, so another ranking can be tried with ``--system module:Class``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from krate_gitops.git.command import run_git
from krate_gitops.git.local import repository_at
from krate_gitops.index.analysis import VERSION
from krate_gitops.index.build import Builder
from krate_gitops.index.source import Target
from krate_gitops.index.strength import RANKING_VERSION, Ranker, analyse
from tests.eval.corpus import read_units
from tests.eval.units import Hit, Unit


class KrateSystem:
    """Match strength of this package over one commit, ``HEAD`` of the repository, indexed into ``home``.

    Ties stand in path order, as in a query. Files without records have no id and are left out.
    """

    name = "ours"

    def __init__(self, repo: Path, ontology_dir: Path, home: Path) -> None:
        self._repo = repo
        self.commit = run_git(repo, ["rev-parse", "HEAD"]).decode().strip()
        builder = Builder(home)
        target = Target(repository_at(repo, name=repo.stem), self.commit, ontology_dir=ontology_dir)
        built = builder.build(target)
        self._ontology = built.source.ontology
        self._columns = builder.columns(built.manifest.shards)
        self._ranker = Ranker(self._columns)
        self._records = self._columns.unit_record

    def units(self) -> list[Unit]:
        return read_units(self._repo, self.commit, self._ontology)

    def hits(self, text: str, limit: int) -> list[Hit]:
        strength = self._ranker.match(analyse(text)).strength
        found: dict[str, float] = {}
        for unit in np.argsort(-strength, kind="stable"):  # units are numbered in path order
            if strength[unit] <= 0 or len(found) == limit:
                break
            record = int(self._records[unit])
            if record >= 0:
                found.setdefault(self._columns.record(record).id, float(strength[unit]))
        return [Hit(key, score) for key, score in found.items()]

    def search(self, text: str, limit: int) -> list[str]:
        """Ids in rank order."""
        return [hit.id for hit in self.hits(text, limit)]

    def versions(self) -> dict[str, str]:
        return {"analysis": VERSION, "ontology": self._ontology.digest, "ranking": str(RANKING_VERSION)}
