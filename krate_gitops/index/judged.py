"""An indexed commit opened for judging."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.model import Diagnostic, Ontology
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.git.objects import ObjectReader
from krate_gitops.index.build import Builder, Built
from krate_gitops.index.columns import Columns
from krate_gitops.index.diagnose import Found, diagnose
from krate_gitops.index.files import CommitFiles, OutsideFiles
from krate_gitops.index.judge import Judge
from krate_gitops.index.manifest import Manifest
from krate_gitops.index.source import Source


class Judged(NamedTuple):
    """A commit's manifest and source, its columns, and its judge."""

    manifest: Manifest
    source: Source
    columns: Columns
    judge: Judge

    @classmethod
    def of(cls, builder: Builder, built: Built) -> Self:
        """Opens an index. Raises ``DamagedError``."""
        columns = builder.columns(built.manifest.shards)
        judge = builder.judge(built.source, columns, built.manifest.issues)
        return cls(built.manifest, built.source, columns, judge)

    @property
    def ontology(self) -> Ontology:
        return self.source.ontology

    def ontology_index(self) -> OntologyIndex:
        """The ontology as rules and the graph ask it."""
        return OntologyIndex(self.source.ontology)

    def file(self, path: str) -> ParsedFile | None:
        """Facts of a file; None where there is none."""
        number = self.columns.file_number.get(path)
        return None if number is None else self.columns.file(number)

    def diagnostics(self, found: Sequence[Found], reader: ObjectReader) -> list[Diagnostic]:
        """Diagnostics of findings about this commit, in no particular order."""
        inside, outside = self._split(found)
        diagnostics = diagnose(inside, CommitFiles(self.columns, reader), self.source.profile.foreign)
        folder = self.source.target.ontology_dir
        if outside and folder:
            diagnostics += diagnose(outside, OutsideFiles(folder), None)
        return diagnostics

    def _split(self, found: Sequence[Found]) -> tuple[list[Found], list[Found]]:
        """Findings about files of the commit, and about an ontology kept outside it."""
        inside: list[Found] = []
        outside: list[Found] = []
        for item in found:
            path, finding, _ = item
            about_ontology = self.source.outside and path.startswith("ontology/")
            is_outside = about_ontology and (finding.code.startswith("KB08") or self.file(path) is None)
            (outside if is_outside else inside).append(item)
        return inside, outside
