"""From ranked candidates to items: redacted, scanned, fitted into the room, explained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from krate_gitops.brain.links import NO_TIME
from krate_gitops.brain.model import Record
from krate_gitops.brain.normalise import SENSITIVITIES
from krate_gitops.brain.scan.injection import Verdict
from krate_gitops.digest import sha256_digest
from krate_gitops.errors import KrateError
from krate_gitops.memory.budget import Fit, Item, fill
from krate_gitops.memory.candidates import DOCUMENT, EXCERPT, RECORD, Candidate, share_removed
from krate_gitops.memory.edges import edges_of
from krate_gitops.memory.paragraph import Paragraph, first_paragraphs
from krate_gitops.memory.question import Question
from krate_gitops.memory.redact import TOO_BROAD
from krate_gitops.memory.response import DocumentItem, EdgeItem, ExcerptItem, RecordItem, RedactionReport
from krate_gitops.memory.safe import SafeStrings

TOO_BROAD_REASON, BLOCKED, SUSPECTED = "redaction-too-broad", "injection-blocked", "injection-suspected"


class Selection(msgspec.Struct, frozen=True):
    """What comes back, and what became of the rest. ``omitted`` counts by kind of item, ``dropped`` by reason."""

    records: tuple[RecordItem, ...]
    excerpts: tuple[ExcerptItem, ...]
    documents: tuple[DocumentItem, ...]
    redaction: RedactionReport
    bytes: int
    omitted: Mapping[str, int]
    omitted_bytes: int
    dropped: Mapping[str, int]
    cut: bool


class _Ready(NamedTuple):
    """A candidate with safe text; ``summary`` is a record's, or the first paragraph of its body."""

    candidate: Candidate
    text: str
    summary: str | None
    warnings: tuple[str, ...]


class Assembler:
    """Makes items of the candidates of one query."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._opened = question.opened
        self._columns = question.columns
        self._admission = question.admission
        self._safe = SafeStrings(question.opened.cleaner)
        self._paragraphs: dict[int, Paragraph] = {}
        self._by_kind: Counter[str] = Counter()
        self._changed = 0
        self._dropped: Counter[str] = Counter()
        self._omitted: Counter[str] = Counter()

    def select(self, candidates: Sequence[Candidate], max_bytes: int) -> Selection:
        """Items in order, as many as fit.

        Raises ``KrateError``: MEMORY_LIMIT_EXCEEDED when one that the user picked does not fit,
        MEMORY_REDACTION_FAILED when one may not be shown.
        """
        ready = self._ready(candidates)
        fits = fill((Item(item.text, item.candidate.kind != RECORD) for item in ready), max_bytes)
        chosen: list[tuple[_Ready, Fit]] = []
        omitted_bytes = 0
        for item, fit in zip(ready, fits, strict=True):
            if fit.text is not None:
                chosen.append((item, fit))
                continue
            if item.candidate.order.selected:
                raise KrateError(
                    "MEMORY_LIMIT_EXCEEDED",
                    "a selected item does not fit into the answer",
                    hint="raise --max-bytes",
                    location=self._path(item.candidate),
                )
            self._omitted[item.candidate.kind] += 1
            omitted_bytes += fit.bytes
        records, excerpts, documents = self._items(chosen)
        total = self._by_kind.total()
        status = "blocked" if self._dropped else ("redacted" if total else "clean")
        return Selection(
            records,
            excerpts,
            documents,
            RedactionReport(status, total, dict(sorted(self._by_kind.items())), self._changed),
            sum(fit.bytes for _, fit in chosen),
            self._omitted,
            omitted_bytes,
            self._dropped,
            any(fit.cut for fit in fits),
        )

    # -- what may be shown

    def _ready(self, candidates: Sequence[Candidate]) -> list[_Ready]:
        """Candidates that may be shown, with all texts of the answer cleaned in one go and judged in another."""
        wanted = [c for c in candidates if c.kind == RECORD and self._needs_paragraph(c.record)]
        self._paragraphs = first_paragraphs(self._opened, {c.file for c in wanted})
        parts = [self._parts(candidate) for candidate in candidates]
        self._safe.learn(string for strings in parts for string in strings)
        judged = [self._judged(candidate, strings) for candidate, strings in zip(candidates, parts, strict=True)]
        verdicts = self._opened.cleaner.verdicts(judged)
        made = map(self._checked, candidates, parts, verdicts)
        return [item for item in made if item is not None]

    def _parts(self, candidate: Candidate) -> list[str]:
        """Strings beside the text that are shown of a candidate."""
        parts = [self._columns.paths[candidate.file]]
        if candidate.kind == DOCUMENT:
            parts.append(self._title(candidate) or "")
        if candidate.record >= 0:
            record = self._columns.record(candidate.record)
            parts.append(record.id)
            if candidate.kind == RECORD:
                parts += [record.kind, record.title or "", *record.owners]
                if not self._admission.secret[candidate.record]:
                    parts += [record.summary or "", *record.source_refs]
        return parts

    def _judged(self, candidate: Candidate, parts: Sequence[str]) -> str:
        """Everything an item says, each part standing alone, for the judgement of what it asks of its reader."""
        paragraph = self._paragraphs.get(candidate.file) if candidate.kind == RECORD else None
        return "\n\n".join((*self._safe.all(parts), paragraph.text if paragraph else candidate.text))

    def _checked(self, candidate: Candidate, parts: Sequence[str], verdict: Verdict) -> _Ready | None:
        counts = self._safe.counts(parts) + Counter(candidate.counts)
        removed = candidate.removed
        summary: str | None = None
        if candidate.kind == RECORD:
            summary, found, removed = self._summary(candidate.record)
            counts += found
        self._by_kind += counts
        self._changed += bool(counts)
        reason = TOO_BROAD_REASON if removed > TOO_BROAD else (BLOCKED if verdict is Verdict.BLOCKED else None)
        if reason is not None:
            self._drop(candidate, reason)
            return None
        warnings = (SUSPECTED,) if verdict is Verdict.SUSPICIOUS else ()
        text = self._line(candidate, summary) if candidate.kind == RECORD else candidate.text
        return _Ready(candidate, text, summary, warnings)

    def _summary(self, number: int) -> tuple[str | None, Counter[str], float]:
        """A record's summary or first paragraph, what redaction took from the latter, and its share of the record."""
        record = self._columns.record(number)
        title = (record.title or "", self._safe(record.title or ""))
        if self._admission.secret[number]:
            return None, Counter(), share_removed(*title)
        paragraph = self._paragraphs.get(int(self._columns.record_file[number]))
        if record.summary or paragraph is None or not self._needs_paragraph(number):
            raw, text, counts = record.summary or "", self._safe(record.summary or ""), Counter[str]()
        else:
            raw, text, counts = paragraph.raw, paragraph.text, Counter(paragraph.counts)
        return text or None, counts, share_removed(title[0] + raw, title[1] + text)

    def _drop(self, candidate: Candidate, reason: str) -> None:
        if candidate.order.selected:
            raise KrateError(
                "MEMORY_REDACTION_FAILED",
                f"a selected item may not be shown: {reason}",
                hint="leave it out, or have the file corrected",
                location=self._path(candidate),
            )
        self._omitted[candidate.kind] += 1
        self._dropped[reason] += 1

    def _needs_paragraph(self, number: int) -> bool:
        record = self._columns.record(number)
        return record.form != "graph" and not record.summary and not self._admission.secret[number]

    def _title(self, candidate: Candidate) -> str | None:
        """Title of a document, before it is cleaned."""
        if candidate.record >= 0:
            return self._columns.record(candidate.record).title
        note = self._columns.file(candidate.file).note
        return note.title if note else None

    # -- items

    def _line(self, candidate: Candidate, summary: str | None) -> str:
        """What counts against the room of a record."""
        record, safe = self._columns.record(candidate.record), self._safe
        owners = ", ".join(safe.all(record.owners))
        head = f"- {safe(record.id)} ({safe(record.kind)}, {record.status or 'draft'}, {owners})"
        return f"{head} — {safe(record.title or '')} {summary or ''} [{self._path(candidate)}]"

    def _items(
        self, chosen: Sequence[tuple[_Ready, Fit]]
    ) -> tuple[tuple[RecordItem, ...], tuple[ExcerptItem, ...], tuple[DocumentItem, ...]]:
        edges = {
            item.candidate.record: edges_of(self._opened, self._admission, item.candidate.record)
            for item, _ in chosen
            if item.candidate.kind == RECORD
        }
        self._safe.learn(string for found in edges.values() for edge in found for string in (edge.kind, edge.target))
        records: list[RecordItem] = []
        excerpts: list[ExcerptItem] = []
        documents: list[DocumentItem] = []
        for rank, (item, fit) in enumerate(chosen, 1):
            if item.candidate.kind == RECORD:
                records.append(self._record(item, edges[item.candidate.record], rank))
            elif item.candidate.kind == EXCERPT:
                excerpts.append(self._excerpt(item, fit, rank))
            else:
                documents.append(self._document(item, fit, rank))
        return tuple(records), tuple(excerpts), tuple(documents)

    def _record(self, item: _Ready, edges: Sequence[EdgeItem], rank: int) -> RecordItem:
        number, safe = item.candidate.record, self._safe
        record = self._columns.record(number)
        secret = bool(self._admission.secret[number])
        return RecordItem(
            id=safe(record.id),
            kind=safe(record.kind),
            path=self._path(item.candidate),
            title=safe(record.title) if record.title else None,
            status=None if secret else record.status,
            owners=safe.all(record.owners),
            summary=item.summary,
            updated_at=None if secret else record.updated_at,
            sensitivity=SENSITIVITIES[int(self._admission.sensitivity[number])],
            source_refs=() if secret else safe.all(record.source_refs),
            edges=tuple(EdgeItem(safe(edge.kind), safe(edge.target), edge.via) for edge in edges),
            digest=record.digest,
            rank=rank,
            score=-item.candidate.order.strength,
            why=self._question.ranking.why(item.candidate.order),
            warnings=item.warnings if secret else (*item.warnings, *self._lifecycle(number, record)),
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
        candidate, window, shown = item.candidate, item.candidate.window, item.candidate.excerpt
        if window is None or shown is None:
            raise ValueError("an excerpt is made of a window")
        text = fit.text or ""
        last = window.first + text.count("\n")
        return ExcerptItem(
            path=self._path(candidate),
            record_id=self._id(candidate),
            line_start=window.first,
            line_end=last,
            text=text,
            matches=tuple(match for match in shown.matches if match.line <= last),
            digest=sha256_digest(text.encode()),
            file_digest=self._columns.file(candidate.file).digest,
            rank=rank,
            why=self._question.ranking.why(candidate.order, tuple(sorted(window.words))),
            warnings=item.warnings,
        )

    def _document(self, item: _Ready, fit: Fit, rank: int) -> DocumentItem:
        candidate = item.candidate
        title = self._title(candidate)
        return DocumentItem(
            path=self._path(candidate),
            id=self._id(candidate),
            title=self._safe(title) if title else None,
            text=fit.text or "",
            truncated=fit.cut,
            digest=self._columns.file(candidate.file).digest,
            rank=rank,
            why=self._question.ranking.why(candidate.order),
            warnings=item.warnings,
        )

    def _path(self, candidate: Candidate) -> str:
        return self._safe(self._columns.paths[candidate.file])

    def _id(self, candidate: Candidate) -> str | None:
        return self._safe(self._columns.record(candidate.record).id) if candidate.record >= 0 else None
