"""One query over an opened index: retrieve, rank, redact, fit into the room, explain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
import numpy as np

from krate_gitops.brain.globs import compile_globs
from krate_gitops.brain.links import OWNER, REPOSITORY, Array, id_key
from krate_gitops.brain.model import FileClass
from krate_gitops.brain.normalise import STATUSES
from krate_gitops.digest import json_digest
from krate_gitops.errors import DeniedError, UsageError
from krate_gitops.index.formats import INDEXER_VERSION
from krate_gitops.index.shard import FILE_CLASSES
from krate_gitops.index.strength import EXCERPT_BONUS, Matches, analyse
from krate_gitops.memory.admission import Admission
from krate_gitops.memory.grep import SCAN_FACTOR, Matcher, Window, excerpt, excerpt_of_lines, span, split_terms, windows
from krate_gitops.memory.items import DOCUMENT, EXCERPT, RECORD, Assembler, Candidate
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import MODES, EffectivePolicy
from krate_gitops.memory.rank import Ranking
from krate_gitops.memory.redact import REDACTION_VERSION, unmarked
from krate_gitops.memory.request import QueryRequest, checked
from krate_gitops.memory.response import (
    Denied,
    LimitReport,
    Omitted,
    Response,
    SnapshotPreview,
    documents_digest,
    excerpts_digest,
    records_digest,
)

MAX_SEEDS = 200
_IN_MANIFEST = ("text", "graph", "grep", "documents", "selection", "consumer", "limits")
_RANGE = re.compile(r"(?P<path>.+?):(?P<first>\d+)(?:-(?P<last>\d+))?\Z")


class Scope(NamedTuple):
    """Who asks for what, resolved: names for the answer, and the resolution of the ref."""

    organization: str
    memory_repository: str
    resolution: Any


def run_query(opened: OpenIndex, request: QueryRequest, policy: EffectivePolicy, scope: Scope) -> Response:
    """The answer to a request under a policy.

    Raises ``UsageError(INVALID_REQUEST)`` for a request that can't be answered, ``DeniedError(POLICY_DENIED)`` when the
    user picked what the policy denies, ``KrateError(MEMORY_LIMIT_EXCEEDED)`` when what the user picked does not fit.
    """
    return _Run(opened, checked(request), policy, scope).response()


class _Run:
    def __init__(self, opened: OpenIndex, request: QueryRequest, policy: EffectivePolicy, scope: Scope) -> None:
        self.opened = opened
        self.columns = opened.columns
        self.policy = policy
        self.scope = scope
        self.mode = request.mode or policy.query_mode
        if self.mode not in MODES:
            raise UsageError("INVALID_REQUEST", f"mode is one of {', '.join(MODES)}")
        limits = request.limits
        limits = msgspec.structs.replace(limits, max_bytes=min(limits.max_bytes, policy.max_context_bytes))
        graph = msgspec.structs.replace(request.graph, edge_depth=min(request.graph.edge_depth, policy.max_depth))
        self.request = msgspec.structs.replace(request, mode=self.mode, limits=limits, graph=graph)
        self.admission: Admission = opened.admission(policy)
        self.matches = self._matches()
        self.ranking = Ranking(
            opened, self.admission, request.consumer, self.matches, intent=request.intent, max_bytes=limits.max_bytes
        )
        self.denied: list[Denied] = []
        self.warnings: list[str] = []
        self.omitted_records = self.omitted_excerpts = 0

    # -- matching

    def _matches(self) -> Matches:
        text = self.request.text
        if self.mode == "document-read":
            if not (self.request.documents.ids or self.request.documents.paths or self.request.selection.include):
                raise UsageError("INVALID_REQUEST", "document-read needs ids or paths", hint="name documents to read")
            return Matches(
                np.zeros(self.columns.units, dtype=np.int64), (), np.zeros(self.columns.units, dtype=np.uint64)
            )
        if not text.strip() or (self.mode != "grep-only" and not split_terms(text)):
            hint = "ask with at least one word of two letters"
            raise UsageError("INVALID_REQUEST", "the text holds no word to search for", hint=hint)
        return self.opened.ranker.match(analyse(text), self.request.ranking_version)

    def response(self) -> Response:
        found = self._selected()
        picked_files = {item.file for item in found}
        if self.mode in ("graph-only", "graph-and-grep"):
            records = self._graph()
            found += [item for item in records if item.record not in {f.record for f in found if f.kind == RECORD}]
        if self.mode in ("grep-only", "graph-and-grep"):
            found += self._grep([item for item in found if item.kind == RECORD])
        if self.mode == "document-read":
            found += [item for item in self._documents() if item.file not in picked_files]
        found.sort(key=lambda item: item.order)
        return self._assemble(found)

    # -- graph

    def _graph(self) -> list[Candidate]:
        """The best records: seeds by match and filters, records of the consumer, and what edges lead to."""
        columns, admitted = self.columns, self.admission.records
        filtered = admitted & self._filter()
        dropped = self._dropped_records()
        strength = self.matches.strength[columns.record_unit]
        seeds = np.flatnonzero(filtered & (strength > 0))
        order = np.lexsort((seeds, -strength[seeds]))
        seeds = seeds[order[:MAX_SEEDS]]
        starts = np.union1d(seeds, np.array(sorted(self.ranking.associations), dtype=np.int64))
        if self.request.graph.edge_depth and len(starts):
            kinds = self.opened.graph.kinds_mask(self.request.graph.edge_kinds)
            depth, direction = self.request.graph.edge_depth, self.request.graph.direction
            walked = self.opened.graph.walk(starts, depth, admitted=admitted, direction=direction, kinds=kinds)
            reached = np.flatnonzero(walked >= 0)
        else:
            reached = starts
        # Filters choose what may come back, not only where the walk starts.
        reached = reached[filtered[reached] & ~dropped[reached]]
        units = self.ranking.best_first(columns.record_unit[reached], frozenset())
        limit = self.request.limits.max_records
        self.omitted_records += max(0, len(units) - limit)
        return [self._record_found(int(columns.unit_record[unit])) for unit in units[:limit].tolist()]

    def _record_found(self, record: int, *, selected: bool = False) -> Candidate:
        unit = int(self.columns.record_unit[record])
        order = self.ranking.order(unit, selected=selected)
        return Candidate(order, RECORD, record, int(self.columns.record_file[record]), None, "")

    def _filter(self) -> Array:
        """Records that pass the request's filters."""
        graph, columns = self.request.graph, self.columns
        links = columns.links
        keep = np.ones(links.records, dtype=bool)
        if graph.kinds:
            table = np.array([name in graph.kinds for name in links.names], dtype=bool)
            keep &= table[links.record_kind]
        if graph.statuses:
            table = np.array([*(name in graph.statuses for name in STATUSES), "draft" in graph.statuses], dtype=bool)
            keep &= table[links.record_status]
        if graph.ids:
            keep &= np.isin(links.record_id, np.array([id_key(item) for item in graph.ids], dtype=np.uint64))
        for role, values in ((OWNER, graph.owners), (REPOSITORY, graph.repo_refs)):
            if values:
                keys = np.array([id_key(value) for value in values], dtype=np.uint64)
                refs = np.flatnonzero((links.ref_role == role) & np.isin(links.ref_target, keys))
                having = np.zeros(links.records, dtype=bool)
                having[links.ref_record[refs]] = True
                keep &= having
        if graph.tags:
            canonical = {self.opened.ontology.canonical_term("tags", tag) for tag in graph.tags}
            for record in np.flatnonzero(keep & (self.matches.strength[columns.record_unit] > 0)).tolist():
                tags = {self.opened.ontology.canonical_term("tags", tag) for tag in columns.record(record).tags}
                keep[record] = bool(tags & canonical)
        return keep

    def _dropped_records(self) -> Array:
        dropped = np.zeros(self.columns.links.records, dtype=bool)
        for item in self.request.selection.exclude:
            record = self.opened.graph.defined(item)
            if record >= 0:
                dropped[record] = True
            elif item in self.columns.file_number:
                dropped[self.columns.record_file == self.columns.file_number[item]] = True
        return dropped

    # -- grep

    def _grep(self, records: Sequence[Candidate]) -> list[Candidate]:
        grep = self.request.grep
        matcher = Matcher(self.request.text, regex=grep.regex, case_sensitive=grep.case_sensitive)
        files = self._candidates(matcher, self._scope(records))
        found: list[Candidate] = []
        raw, most = 0, grep.max_matches * SCAN_FACTOR
        kept = 0
        for number, text, safe in self.opened.clean_texts(files):
            if raw >= most:
                break
            spans, total = windows(safe, matcher, context=grep.context_lines, most=most - raw)
            raw += total
            found += [self._excerpt_found(number, text, safe, window) for window in spans]
        found.sort(key=attrgetter("order"))
        result: list[Candidate] = []
        for item in found:
            matches = len(item.window.matches) if item.window else 0
            if kept + matches > grep.max_matches or len(result) >= self.request.limits.max_excerpts:
                self.omitted_excerpts += 1
                continue
            kept += matches
            result.append(item)
        return result

    def _scope(self, records: Sequence[Candidate]) -> Array:
        """Admitted files a search may look into: named paths, else those the records narrow it to, else all."""
        admitted = self.admission.files.copy()
        for item in self.request.selection.exclude:
            if item in self.columns.file_number:
                admitted[self.columns.file_number[item]] = False
        paths = self.request.grep.paths
        if paths:
            matches = compile_globs(paths)
            return admitted & np.fromiter(
                (matches(path) for path in self.columns.paths), dtype=bool, count=len(admitted)
            )
        if self.mode == "grep-only" or not records:
            return admitted
        return np.logical_and(admitted, self._around(records))

    def _around(self, records: Sequence[Candidate]) -> Array:
        """Files of the records, and notes that share a repository with one of them or name its id."""
        columns, links = self.columns, self.columns.links
        near = np.zeros(len(columns.paths), dtype=bool)
        near[[item.file for item in records]] = True
        note = columns.file_class == FILE_CLASSES.index(FileClass.NOTE)
        numbers = np.array([item.record for item in records], dtype=np.int64)
        repositories = links.ref_target[(links.ref_role == REPOSITORY) & np.isin(links.ref_record, numbers)]
        near[columns.note_file[np.isin(columns.note_repository, repositories)]] = True
        with_id = np.zeros(len(near), dtype=bool)
        for item in records:
            units = self.opened.ranker.units_with(columns.record(item.record).id)
            with_id[columns.unit_file[units]] = True
        near |= with_id & note
        return near

    def _candidates(self, matcher: Matcher, scope: Array) -> list[int]:
        """Files of the scope that the words say may match, best first."""
        if matcher.terms:
            holding = np.zeros(len(scope), dtype=np.int64)
            for term in matcher.terms:
                holding += self.opened.words.files_with(term)
            scope = scope & (holding >= (len(matcher.terms) + 1) // 2)
        files = np.flatnonzero(scope)
        strength = self._file_strength()[files]
        return files[np.lexsort((files, -strength))].tolist()

    def _file_strength(self) -> Array:
        strength = np.zeros(len(self.columns.paths), dtype=np.int64)
        np.maximum.at(strength, self.columns.unit_file, self.matches.strength)
        return strength

    def _best_unit(self, file: int) -> int:
        first, end = int(self.columns.first_unit[file]), int(self.columns.first_unit[file + 1])
        return first + int(np.argmax(self.matches.strength[first:end]))

    def _excerpt_found(self, file: int, text: str, safe: str, window: Window, *, selected: bool = False) -> Candidate:
        unit = self._best_unit(file)
        strength = int(self.matches.strength[unit]) + EXCERPT_BONUS * len(window.words)
        body = excerpt(safe, window)
        removed = 0.0 if safe is text else _removed(excerpt_of_lines(text, window), body)
        order = self.ranking.order(
            unit, selected=selected, strength=strength, size=len(body.encode()), line=window.first
        )
        return Candidate(order, EXCERPT, self._file_record(file, window), file, window, body, removed)

    def _file_record(self, file: int, window: Window | None) -> int:
        """The record a part of a file belongs to, -1 where there is none."""
        if not self.columns.file_units[file] or self.columns.unit_record[self.columns.first_unit[file]] < 0:
            return -1
        unit = self._best_unit(file) if self.columns.file_units[file] > 1 else int(self.columns.first_unit[file])
        record = int(self.columns.unit_record[unit])
        return record if self.admission.records[record] else -1

    # -- documents and what the user picked

    def _documents(self) -> list[Candidate]:
        wanted = list(self.request.documents.paths)
        for identifier in self.request.documents.ids:
            record = self.opened.graph.defined(identifier)
            if record >= 0:
                wanted.append(self.columns.path_of_record(record))
            else:
                self.denied.append(Denied("path", identifier, "not found or not readable"))
        files = []
        for path in dict.fromkeys(wanted):
            number = self.columns.file_number.get(path)
            if number is None or not self.admission.files[number]:
                self.denied.append(Denied("path", path, "not found or not readable"))
            else:
                files.append(number)
        return [self._document_found(*found) for found in self.opened.clean_texts(files)]

    def _document_found(self, file: int, text: str, safe: str, *, selected: bool = False) -> Candidate:
        removed = 0.0 if safe is text else _removed(text, safe)
        unit = self._best_unit(file)
        order = self.ranking.order(unit, selected=selected, size=int(self.columns.file_bytes[file]))
        return Candidate(order, DOCUMENT, self._file_record(file, None), file, None, safe, removed)

    def _selected(self) -> list[Candidate]:
        """Items of ``selection.include``. Raises ``DeniedError`` for one that may not be read."""
        found: list[Candidate] = []
        for item in self.request.selection.include:
            record = self.opened.graph.defined(item)
            if record >= 0 and self.admission.records[record]:
                found.append(self._record_found(record, selected=True))
                continue
            lines = _RANGE.match(item) if item not in self.columns.file_number else None
            number = self.columns.file_number.get(lines["path"] if lines else item)
            if number is None or not self.admission.files[number]:
                raise DeniedError("POLICY_DENIED", "a selected item does not exist or may not be read", location=item)
            for _, text, safe in self.opened.clean_texts([number]):
                if lines is None:
                    found.append(self._document_found(number, text, safe, selected=True))
                    continue
                first = max(1, int(lines["first"]))
                window = span(safe, first, max(first, int(lines["last"] or first)))
                if window is None:
                    raise UsageError("INVALID_REQUEST", "the lines do not exist", location=item)
                found.append(self._excerpt_found(number, text, safe, window, selected=True))
        return found

    # -- putting it together

    def _assemble(self, found: Sequence[Candidate]) -> Response:
        assembler = Assembler(self.opened, self.admission, self.ranking)
        limits = self.request.limits
        chosen = assembler.select(found, limits.max_bytes)
        omitted = Omitted(
            self.omitted_records + chosen.omitted[RECORD],
            self.omitted_excerpts + chosen.omitted[EXCERPT],
            chosen.omitted[DOCUMENT],
            chosen.omitted_bytes,
        )
        truncated = chosen.cut or any(msgspec.structs.astuple(omitted))
        reason = None
        if truncated:
            reason = "size-limit" if chosen.omitted_bytes or chosen.cut else "item-limit"
        warnings = [*self.warnings, *chosen.warnings]
        warnings += ["truncated"] * truncated + ["redacted"] * bool(chosen.redaction.total)
        warnings += ["denied-scope"] * bool(self.denied)
        return Response(
            organization=self.scope.organization,
            namespace=f"krate-org-{self.scope.organization}",
            memory_repository=self.scope.memory_repository,
            ref_resolution=self.scope.resolution,
            snapshot_preview=SnapshotPreview(
                json_digest(self.manifest()),
                records_digest(chosen.records),
                excerpts_digest(chosen.excerpts),
                documents_digest(chosen.documents),
            ),
            records=chosen.records,
            excerpts=chosen.excerpts,
            documents=chosen.documents,
            denied=tuple(self.denied),
            redaction=chosen.redaction,
            limits=LimitReport(chosen.bytes, limits.max_bytes, truncated, omitted, reason),
            warnings=tuple(dict.fromkeys(warnings)),
        )

    def manifest(self) -> dict[str, Any]:
        """The query manifest: everything that decides the answer, and no clock."""
        request: dict[str, Any] = msgspec.to_builtins(self.request)
        return {
            "schemaVersion": 1,
            "organization": self.scope.organization,
            "memoryRepository": self.scope.memory_repository,
            "resolvedCommit": self.opened.manifest.commit,
            "refMode": self.scope.resolution.mode,
            "mode": self.mode,
            **{
                name: request[name]
                for name in ("text", "graph", "grep", "documents", "selection", "consumer", "limits")
            },
            "intent": self.request.intent,
            "sources": msgspec.to_builtins(self.policy.sources),
            "policyDigest": self.policy.digest,
            "rankingVersion": self.request.ranking_version,
            "redactionVersion": REDACTION_VERSION,
            "indexerVersion": INDEXER_VERSION,
        }


def _removed(before: str, after: str) -> float:
    """Share of the bytes that redaction took."""
    return 1 - len(unmarked(after).encode()) / max(len(before.encode()), 1)
