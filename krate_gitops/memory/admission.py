"""Which records and files of a commit a policy admits, as masks over the commit's columns."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from krate_gitops.brain.base_fields import SENSITIVITIES, STATUSES
from krate_gitops.brain.globs import compile_globs
from krate_gitops.brain.layout import SERVED
from krate_gitops.brain.links import NO_SENSITIVITY, NO_STATUS, Array
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.index.columns import Columns
from krate_gitops.index.shard import FILE_CLASSES
from krate_gitops.memory.policy import EffectivePolicy, Include

_DRAFT = STATUSES.index("draft")
_SECRET = SENSITIVITIES.index("secret-metadata")
_RESTRICTED = SENSITIVITIES.index("restricted")
_INTERNAL = SENSITIVITIES.index("internal")


class Admission:
    """Masks of one policy over one commit.

    Records with an id that several define are served by nobody; their files may still be searched.
    """

    def __init__(self, columns: Columns, index: OntologyIndex, policy: EffectivePolicy) -> None:
        self._columns = columns
        self._index = index
        self._policy = policy
        self._kinds = columns.links.names
        self._within = Admission(columns, index, policy.within) if policy.within else None

    @cached_property
    def sensitivity(self) -> Array:
        """Effective level of each record: declared, else its kind's default, never below its kind's minimum."""
        links = self._columns.links
        levels = len(SENSITIVITIES) + 1
        mixed = links.record_kind.astype(np.int64) * levels + links.record_sensitivity
        distinct, inverse = np.unique(mixed, return_inverse=True)
        answers = np.zeros(len(distinct), dtype=np.uint8)
        for at, value in enumerate(distinct.tolist()):
            kind, declared = divmod(value, levels)
            name = None if declared == NO_SENSITIVITY else SENSITIVITIES[declared]
            answers[at] = SENSITIVITIES.index(self._index.sensitivity(self._kinds[kind], name))
        result: Array = answers[inverse]
        return result

    @cached_property
    def file_sensitivity(self) -> Array:
        """Level of each file: the highest of its records; a note's own; restricted where nobody could read it."""
        columns = self._columns
        level = columns.note_sensitivity.astype(np.int64)
        level[level == NO_SENSITIVITY] = _INTERNAL
        with_records = np.zeros(len(level), dtype=bool)
        with_records[columns.record_file] = True
        level[with_records] = 0
        np.maximum.at(level, columns.record_file, self.sensitivity.astype(np.int64))
        level[columns.file_unparsed] = np.maximum(level[columns.file_unparsed], _RESTRICTED)
        return level

    @cached_property
    def secret(self) -> Array:
        """Records of which only id, kind, title, owners and edges are told."""
        return self.sensitivity == _SECRET

    @cached_property
    def _excluded_files(self) -> Array:
        return self._matching(self._policy.exclude_paths)

    def _matching(self, patterns: tuple[str, ...]) -> Array:
        if not patterns:
            return np.zeros(len(self._columns.paths), dtype=bool)
        matches = compile_globs(patterns)
        return np.fromiter((matches(path) for path in self._columns.paths), dtype=bool, count=len(self._columns.paths))

    def _of_kinds(self, kinds: tuple[str, ...]) -> Array:
        wanted = set(kinds)
        table = np.array([name in wanted for name in self._kinds], dtype=bool)
        return table[self._columns.links.record_kind]

    @cached_property
    def _included_files(self) -> list[Array]:
        return [self._matching(grant.include.paths) for grant in self._policy.grants]

    @cached_property
    def _status(self) -> Array:
        """Status of each record; one that declares none is a draft."""
        status = self._columns.links.record_status.copy()
        status[status == NO_STATUS] = _DRAFT
        return status

    @cached_property
    def records(self) -> Array:
        """Records that may be returned and passed through."""
        columns, found = self._columns, self._columns.resolution
        admitted = np.zeros(columns.links.records, dtype=bool)
        for grant, paths in zip(self._policy.grants, self._included_files, strict=True):
            include = grant.include
            channel = self._of_kinds(include.graph_kinds) | paths[columns.record_file] | grant.everything
            admitted |= channel & _levels(include)[self.sensitivity] & _states(include)[self._status]
        admitted &= ~self._excluded_files[columns.record_file] & ~self._of_kinds(self._policy.exclude_kinds)
        if self._within:
            admitted &= self._within.records
        return admitted & found.defines & found.served

    @cached_property
    def files(self) -> Array:
        """Files whose text may be searched and read.

        A file with a record is that record's text: what a record's status, level or kind keeps back, stays back here.
        """
        columns = self._columns
        served = np.array([file_class in SERVED for file_class in FILE_CLASSES], dtype=bool)
        admitted = np.zeros(len(columns.paths), dtype=bool)
        for grant, paths in zip(self._policy.grants, self._included_files, strict=True):
            include = grant.include
            channel = paths | grant.everything
            markdown = self._of_kinds(include.graph_kinds) & columns.record_is_markdown
            channel[columns.record_file[markdown]] = True
            channel[columns.record_file[~_states(include)[self._status]]] = False
            admitted |= channel & _levels(include)[self.file_sensitivity]
        dropped = self._excluded_files.copy()
        dropped[columns.record_file[self._of_kinds(self._policy.exclude_kinds)]] = True
        if self._within:
            admitted &= self._within.files
        result: Array = admitted & ~dropped & served[columns.file_class] & (self.file_sensitivity != _SECRET)
        return result

    @cached_property
    def specificity(self) -> Array:
        """For each file, literal segments of the most specific include path that matches; 0 where none does."""
        best = np.zeros(len(self._columns.paths), dtype=np.int64)
        for pattern in {path for grant in self._policy.grants for path in grant.include.paths}:
            literal = sum("*" not in part and "?" not in part for part in pattern.split("/"))
            best = np.maximum(best, self._matching((pattern,)) * literal)
        return best


def _levels(include: Include) -> Array:
    return np.array([name in include.sensitivity for name in SENSITIVITIES], dtype=bool)


def _states(include: Include) -> Array:
    return np.array([name in include.statuses for name in STATUSES], dtype=bool)
