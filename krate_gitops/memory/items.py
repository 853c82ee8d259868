"""From ranked candidates to items: redacted, scanned, fitted into the room, explained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from krate_gitops.brain.links import NO_TIME
from krate_gitops.brain.model import Record
from krate_gitops.brain.normalise import SENSITIVITIES
from krate_gitops.brain.scan.injection import Verdict
from krate_gitops.digest import sha256_digest
from krate_gitops.errors import KrateError
from krate_gitops.index.columns import Columns
from krate_gitops.memory.admission import Admission
from krate_gitops.memory.budget import Fit, Item, fill
from krate_gitops.memory.grep import Window
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.rank import Order, Ranking
from krate_gitops.memory.redact import TOO_BROAD, Redacted, markers
from krate_gitops.memory.response import DocumentItem, EdgeItem, ExcerptItem, RecordItem, RedactionReport

RECORD, EXCERPT, DOCUMENT = "record", "excerpt", "document"
_PARAGRAPH_CHARACTERS = 500


class Candidate(NamedTuple):
    """An item before redaction: its place, and what it is made of. ``record`` is -1 where there is none."""

    order: Order
    kind: str
    record: int
    file: int
    window: Window | None
    text: str
    removed: float = 0.0
    """Share of the text's bytes that redaction took."""


class _Ready(NamedTuple):
    """A candidate with safe text; ``parts`` are title and summary of a record."""

    candidate: Candidate
    text: str
    parts: tuple[str | None, str | None]
    warnings: tuple[str, ...]


class Selection(msgspec.Struct, frozen=True):
    """What comes back, and what became of the rest. ``omitted`` counts by kind of item."""

    records: tuple[RecordItem, ...]
    excerpts: tuple[ExcerptItem, ...]
    documents: tuple[DocumentItem, ...]
    redaction: RedactionReport
    warnings: tuple[str, ...]
    bytes: int
    omitted: dict[str, int]
    omitted_bytes: int
    cut: bool


class Assembler:
    """Makes items of the candidates of one query."""

    def __init__(
        self,
        opened: OpenIndex,
        admission: Admission,
        ranking: Ranking,
    ) -> None:
        self._opened = opened
        self._columns: Columns = opened.columns
        self._admission = admission
        self._ranking = ranking
        self._redacted: dict[str, Redacted] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._by_kind: dict[str, int] = {}
        self._changed = 0
        self._blocked = False
        self._warnings: list[str] = []
        self._omitted = {RECORD: 0, EXCERPT: 0, DOCUMENT: 0}

    def select(self, candidates: Sequence[Candidate], max_bytes: int) -> Selection:
        """Items in order, as many as fit.

        Raises ``KrateError(MEMORY_LIMIT_EXCEEDED)`` when one that the user picked does not.
        """
        candidates = list(self._with_bodies(candidates))
        self._look_over(candidates)
        ready = [item for item in map(self._make_ready, candidates) if item is not None]
        fits = fill((Item(item.text, item.candidate.kind != RECORD, False) for item in ready), max_bytes)
        records: list[RecordItem] = []
        excerpts: list[ExcerptItem] = []
        documents: list[DocumentItem] = []
        used = omitted_bytes = rank = 0
        for item, fit in zip(ready, fits, strict=True):
            if fit.text is None:
                if item.candidate.order.selected:
                    raise _too_large(self._columns.paths[item.candidate.file])
                self._omitted[item.candidate.kind] += 1
                omitted_bytes += fit.bytes
                continue
            rank += 1
            used += fit.bytes
            if item.candidate.kind == RECORD:
                records.append(self._record(item, rank))
            elif item.candidate.kind == EXCERPT:
                excerpts.append(self._excerpt(item, fit, rank))
            else:
                documents.append(self._document(item, fit, rank))
        total = sum(self._by_kind.values())
        status = "blocked" if self._blocked else ("redacted" if total else "clean")
        return Selection(
            tuple(records),
            tuple(excerpts),
            tuple(documents),
            RedactionReport(status, total, dict(sorted(self._by_kind.items())), self._changed),
            tuple(dict.fromkeys(self._warnings)),
            used,
            self._omitted,
            omitted_bytes,
            any(fit.cut for fit in fits),
        )

    # -- safe text

    def _with_bodies(self, candidates: Sequence[Candidate]) -> Iterable[Candidate]:
        """Candidates; records without a summary get the text of their Markdown file, for its first paragraph."""
        wanted = {
            candidate.file
            for candidate in candidates
            if candidate.kind == RECORD and self._needs_paragraph(candidate.record)
        }
        bodies = dict(self._opened.texts(sorted(wanted)))
        for candidate in candidates:
            if candidate.kind == RECORD and candidate.file in bodies and self._needs_paragraph(candidate.record):
                start = self._columns.file(candidate.file).body_start
                yield candidate._replace(text=_first_paragraph(bodies[candidate.file][start:]))
            else:
                yield candidate

    def _needs_paragraph(self, record: int) -> bool:
        found = self._columns.record(record)
        return found.form != "graph" and not found.summary and not self._admission.secret[record]

    def _look_over(self, candidates: Sequence[Candidate]) -> None:
        """Cleans all texts of the answer in one go."""
        parts: dict[str, None] = {}
        for candidate in candidates:
            if candidate.kind == RECORD:
                record = self._columns.record(candidate.record)
                parts |= dict.fromkeys((record.title or "", record.summary or candidate.text))
            elif candidate.kind == DOCUMENT:
                parts[self._title(candidate) or ""] = None
        cleaner = self._opened.cleaner
        self._redacted = dict(zip(parts, cleaner.redact(list(parts)), strict=True))
        texts = dict.fromkeys(redacted.text for redacted in self._redacted.values())
        texts |= dict.fromkeys(candidate.text for candidate in candidates if candidate.kind != RECORD)
        self._verdicts = dict(zip(texts, cleaner.verdicts(list(texts)), strict=True))

    def _title(self, candidate: Candidate) -> str | None:
        """Title of a document, before it is cleaned."""
        if candidate.record >= 0:
            return self._columns.record(candidate.record).title
        note = self._columns.file(candidate.file).note
        return note.title if note else None

    def _make_ready(self, candidate: Candidate) -> _Ready | None:
        if candidate.kind == RECORD:
            return self._ready_record(candidate)
        kept, warnings = self._checked(candidate.text, candidate.removed)
        if not kept:
            self._drop(candidate)
            return None
        return _Ready(candidate, candidate.text, (None, None), warnings)

    def _ready_record(self, candidate: Candidate) -> _Ready | None:
        record = self._columns.record(candidate.record)
        if self._admission.secret[candidate.record]:
            summary = None
        else:
            summary = record.summary or candidate.text or None
        title, title_kept, first = self._safe(record.title or "")
        body, body_kept, second = self._safe(summary or "")
        if not (title_kept and body_kept):
            self._drop(candidate)
            return None
        path = self._columns.paths[candidate.file]
        owners = ", ".join(record.owners)
        line = f"- {record.id} ({record.kind}, {record.status or 'draft'}, {owners}) — {title} {body} [{path}]"
        return _Ready(candidate, line, (title or None, body or None), tuple(dict.fromkeys((*first, *second))))

    def _safe(self, text: str) -> tuple[str, bool, tuple[str, ...]]:
        """Redacted text, whether it may be served at all, and warnings for its item."""
        if not text:
            return text, True, ()
        redacted = self._redacted[text]
        kept, warnings = self._checked(redacted.text, redacted.removed_ratio)
        return (redacted.text if kept else ""), kept, warnings

    def _checked(self, text: str, removed: float) -> tuple[bool, tuple[str, ...]]:
        """Whether a redacted text may be served, and warnings for its item; what was taken out is counted."""
        counts = markers(text)
        for kind, count in counts.items():
            self._by_kind[kind] = self._by_kind.get(kind, 0) + count
        self._changed += bool(counts)
        if removed > TOO_BROAD:
            self._warnings.append("redaction-too-broad")
            return False, ()
        verdict = self._verdicts[text]
        if verdict is Verdict.BLOCKED:
            self._warnings.append("injection-blocked")
            return False, ()
        return True, ("injection-suspected",) if verdict is Verdict.SUSPICIOUS else ()

    def _drop(self, candidate: Candidate) -> None:
        self._omitted[candidate.kind] += 1
        self._blocked = True

    # -- items

    def _record(self, item: _Ready, rank: int) -> RecordItem:
        number = item.candidate.record
        record = self._columns.record(number)
        secret = bool(self._admission.secret[number])
        title, summary = item.parts
        return RecordItem(
            id=record.id,
            kind=record.kind,
            path=self._columns.paths[item.candidate.file],
            title=title,
            status=None if secret else record.status,
            owners=record.owners,
            summary=summary,
            updated_at=None if secret else record.updated_at,
            sensitivity=SENSITIVITIES[int(self._admission.sensitivity[number])],
            source_refs=() if secret else record.source_refs,
            edges=edges_of(self._opened, self._admission, number),
            digest=record.digest,
            rank=rank,
            score=-item.candidate.order.strength,
            why=self._ranking.why(item.candidate.order),
            warnings=(*item.warnings, *self._lifecycle(number, record)),
        )

    def _lifecycle(self, number: int, record: Record) -> tuple[str, ...]:
        warnings = ("record-deprecated",) if record.status in ("deprecated", "archived") else ()
        updated = int(self._columns.links.record_updated[number])
        kind = self._opened.ontology.ontology.node_kinds.get(record.kind)
        days = self._opened.ontology.ontology.rules.stale_after_days
        if kind is not None and kind.review_after_days is not None:
            days = kind.review_after_days
        age = self._opened.manifest.commit_time - updated
        if record.status == "approved" and updated != NO_TIME and age // 86_400 > days:
            warnings = (*warnings, "record-stale")
        return warnings

    def _excerpt(self, item: _Ready, fit: Fit, rank: int) -> ExcerptItem:
        candidate, window = item.candidate, item.candidate.window
        if window is None:
            raise ValueError("an excerpt is made of a window")
        text = fit.text or ""
        last = window.first + text.count("\n")
        return ExcerptItem(
            path=self._columns.paths[candidate.file],
            record_id=self._columns.record(candidate.record).id if candidate.record >= 0 else None,
            line_start=window.first,
            line_end=last,
            text=text,
            matches=tuple(match for match in window.matches if match.line <= last),
            digest=sha256_digest(text.encode()),
            file_digest=self._columns.file(candidate.file).digest,
            rank=rank,
            why=self._ranking.why(candidate.order, tuple(sorted(window.words))),
            warnings=item.warnings,
        )

    def _document(self, item: _Ready, fit: Fit, rank: int) -> DocumentItem:
        candidate = item.candidate
        file = self._columns.file(candidate.file)
        record = self._columns.record(candidate.record) if candidate.record >= 0 else None
        title = self._title(candidate)
        return DocumentItem(
            path=file.path,
            id=record.id if record else None,
            title=self._safe(title)[0] if title else None,
            text=fit.text or "",
            truncated=fit.cut,
            digest=file.digest,
            rank=rank,
            why=self._ranking.why(candidate.order),
            warnings=item.warnings,
        )


def _first_paragraph(body: str) -> str:
    """First paragraph of a body that is no heading, at most 500 characters."""
    for block in body.split("\n\n"):
        lines = [line for line in block.strip().split("\n") if not line.startswith("#")]
        text = " ".join(" ".join(lines).split())
        if text:
            return text[:_PARAGRAPH_CHARACTERS]
    return ""


def _too_large(path: str) -> KrateError:
    return KrateError(
        "MEMORY_LIMIT_EXCEEDED", "a selected item does not fit into the answer", hint="raise --max-bytes", location=path
    )


def edges_of(opened: OpenIndex, admission: Admission, number: int) -> tuple[EdgeItem, ...]:
    """Edges of a record that lead to admitted records or out of the brain; others leave no trace."""
    columns, graph = opened.columns, opened.graph
    found = columns.resolution
    items = set()
    for ref in graph.refs_of(number):
        target = int(found.target[ref])
        if target >= 0 and not admission.records[target]:
            continue
        edge = columns.edge(ref)
        if edge is not None:
            items.add(EdgeItem(edge.kind, edge.target, "declared"))
        else:
            items.add(
                EdgeItem(graph.derived_kind(int(columns.links.ref_role[ref])), columns.target_text(ref), "derived")
            )
    declared = {(item.kind, item.target) for item in items if item.via == "declared"}
    kept = [item for item in items if item.via == "declared" or (item.kind, item.target) not in declared]
    return tuple(sorted(kept, key=lambda item: (item.kind, item.target)))
