"""Validation of an indexed commit: a repository scan, or a proposed change against its base."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from krate_gitops.brain.globs import compile_globs
from krate_gitops.brain.model import Diagnostic
from krate_gitops.brain.report import Report, assemble
from krate_gitops.brain.rules.table import REPOSITORY, UPDATE
from krate_gitops.git.objects import ObjectReader
from krate_gitops.index.build import Builder, Built
from krate_gitops.index.change import changed_findings, owner_matters, touched_paths
from krate_gitops.index.committed import check_committed
from krate_gitops.index.diagnose import Found
from krate_gitops.index.judged import Judged
from krate_gitops.index.sound import with_indexes
from krate_gitops.index.source import Target
from krate_gitops.progress import Progress, silent


class Selection(msgspec.Struct, frozen=True):
    """Which findings are wanted: those of ``codes`` and below ``paths`` (globs); all when empty.

    Globs are taken from the memory root or from the top of the repository, whichever fits.
    """

    codes: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    def of(self, found: Iterable[Found], root: str) -> list[Found]:
        """The wanted findings of a brain whose memory root is ``root``."""
        codes = frozenset(self.codes)
        matches = compile_globs(self.paths)
        return [
            item
            for item in found
            if (not codes or item[1].code in codes)
            and (not self.paths or matches(item[0]) or matches(f"{root}/{item[0]}"))
        ]


class Validation(NamedTuple):
    """A report, with the memory root its paths start from and the severity that decided.

    ``for_owners`` are those of its diagnostics that are none once a memory owner has approved the change.
    """

    report: Report
    root: str
    fail_on: str
    for_owners: tuple[Diagnostic, ...] = ()


def validate(
    builder: Builder,
    target: Target,
    *,
    base: Target | None = None,
    selection: Selection | None = None,
    fail_on: str | None = None,
    committed_indexes: bool = True,
    progress: Progress = silent,
) -> Validation:
    """Everything that is wrong with a commit (profile R), or with what it changes of ``base`` (profile U).

    ``fail_on`` replaces the severity that the brain's own rules name. ``committed_indexes`` says whether derived files
    that lie in the commit are compared with it. Raises ``UnavailableError`` when the repository can't be read or the
    store can't be written.
    """
    started = time.perf_counter()

    def run(built: list[Built]) -> Validation:
        scan = _Scan(builder, built, selection or Selection(), committed_indexes)
        return scan.validation(fail_on, started)

    # The base first: the commit is then completed from its shards.
    return with_indexes(builder, [target] if base is None else [base, target], run, progress=progress)


class _Scan:
    """One validation of one or two indexed commits."""

    def __init__(self, builder: Builder, built: list[Built], selection: Selection, committed_indexes: bool) -> None:
        self._head = Judged.of(builder, built[-1])
        self._base = Judged.of(builder, built[0]) if len(built) > 1 else None
        self._selection = selection
        self._committed_indexes = committed_indexes

    def validation(self, fail_on: str | None, started: float) -> Validation:
        source, manifest = self._head.source, self._head.manifest
        paths: frozenset[str] | None = None
        with ObjectReader(source.target.repository) as reader:
            for_owners: list[Found] = []
            if self._base is None:
                found: Iterable[Found] = self._whole(reader)
            else:
                paths = touched_paths(reader, self._base, self._head)
                found = changed_findings(self._base, self._head, paths)
                for_owners = owner_matters(self._base, self._head, paths)
            theirs = self._head.diagnostics(self._selection.of(for_owners, source.root), reader)
            diagnostics = self._head.diagnostics(self._selection.of(found, source.root), reader)
        files, records = self._looked_at(paths)
        level = fail_on or source.ontology.rules.fail_on
        report = assemble(
            diagnostics,
            repository=manifest.repository,
            commit=manifest.commit,
            profile=REPOSITORY if self._base is None else UPDATE,
            files=files,
            records=records,
            duration_ms=round((time.perf_counter() - started) * 1000),
            fail_on=level,
        )
        return Validation(report, source.root, level, tuple(theirs))

    def _whole(self, reader: ObjectReader) -> Iterator[Found]:
        yield from self._head.judge.findings()
        if self._committed_indexes:
            yield from check_committed(self._head, reader)

    def _looked_at(self, paths: frozenset[str] | None) -> tuple[int, int]:
        """How many files and records were looked at: all, or those of the change."""
        manifest = self._head.manifest
        if paths is None:
            return manifest.documents, manifest.records
        changed = [file for path in paths if (file := self._head.file(path)) is not None]
        return len(changed), sum(len(file.records) for file in changed)
