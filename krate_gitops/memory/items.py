"""From ranked candidates to items: redacted, scanned, fitted into the room, explained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from krate_gitops.brain.scan.injection import Verdict
from krate_gitops.digest import sha256_digest
from krate_gitops.errors import KrateError
from krate_gitops.memory.budget import Fit, Item, fill
from krate_gitops.memory.candidates import DOCUMENT, EXCERPT, RECORD, Candidate
from krate_gitops.memory.cards import SUSPECTED, Cards, Shown
from krate_gitops.memory.question import Question
from krate_gitops.memory.redact import TOO_BROAD
from krate_gitops.memory.response import DocumentItem, ExcerptItem, RecordItem, RedactionReport

TOO_BROAD_REASON, BLOCKED = "redaction-too-broad", "injection-blocked"


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
    """A candidate with safe text."""

    candidate: Candidate
    text: str
    warnings: tuple[str, ...]


class Assembler:
    """Makes items of the candidates of one query."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._opened = question.opened
        self._columns = question.columns
        self._admission = question.admission
        self._safe = question.opened.safe
        self._cards = question.opened.kept(Cards, question.policy)
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
        """Candidates that may be shown."""
        records = iter(self._cards.of([candidate.record for candidate in candidates if candidate.kind == RECORD]))
        texts = iter(self._texts([candidate for candidate in candidates if candidate.kind != RECORD]))
        shown = (next(records).shown if candidate.kind == RECORD else next(texts) for candidate in candidates)
        checked = map(self._checked, candidates, shown)
        return [item for item in checked if item is not None]

    def _texts(self, candidates: Sequence[Candidate]) -> list[Shown]:
        """Excerpts and documents, with all strings beside their texts cleaned in one go, and judged in another."""
        parts = [self._parts(candidate) for candidate in candidates]
        self._safe.learn(string for strings in parts for string in strings)
        judged = [
            # Each part stands alone for the judgement of what it asks of its reader.
            "\n\n".join((*self._safe.all(strings), candidate.text))
            for candidate, strings in zip(candidates, parts, strict=True)
        ]
        verdicts = self._opened.cleaner.verdicts(judged)
        return [
            Shown(candidate.text, self._safe.counts(strings) + Counter(candidate.counts), candidate.removed, verdict)
            for candidate, strings, verdict in zip(candidates, parts, verdicts, strict=True)
        ]

    def _parts(self, candidate: Candidate) -> list[str]:
        """Strings beside the text that are shown of an excerpt or a document."""
        parts = [self._columns.paths[candidate.file]]
        if candidate.kind == DOCUMENT:
            parts.append(self._title(candidate) or "")
        if candidate.record >= 0:
            parts.append(self._columns.record(candidate.record).id)
        return parts

    def _checked(self, candidate: Candidate, shown: Shown) -> _Ready | None:
        if shown.counts:
            self._by_kind.update(shown.counts)
            self._changed += 1
        blocked = BLOCKED if shown.verdict is Verdict.BLOCKED else None
        reason = TOO_BROAD_REASON if shown.removed > TOO_BROAD else blocked
        if reason is not None:
            self._drop(candidate, reason)
            return None
        return _Ready(candidate, shown.text, (SUSPECTED,) if shown.verdict is Verdict.SUSPICIOUS else ())

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

    def _title(self, candidate: Candidate) -> str | None:
        """Title of a document, before it is cleaned."""
        if candidate.record >= 0:
            return self._columns.record(candidate.record).title
        note = self._columns.file(candidate.file).note
        return note.title if note else None

    # -- items

    def _items(
        self, chosen: Sequence[tuple[_Ready, Fit]]
    ) -> tuple[tuple[RecordItem, ...], tuple[ExcerptItem, ...], tuple[DocumentItem, ...]]:
        plain = iter(self._cards.items([item.candidate.record for item, _ in chosen if item.candidate.kind == RECORD]))
        records: list[RecordItem] = []
        excerpts: list[ExcerptItem] = []
        documents: list[DocumentItem] = []
        for rank, (item, fit) in enumerate(chosen, 1):
            if item.candidate.kind == RECORD:
                records.append(self._placed(next(plain), item.candidate, rank))
            elif item.candidate.kind == EXCERPT:
                excerpts.append(self._excerpt(item, fit, rank))
            else:
                documents.append(self._document(item, fit, rank))
        return tuple(records), tuple(excerpts), tuple(documents)

    def _placed(self, item: RecordItem, candidate: Candidate, rank: int) -> RecordItem:
        order = candidate.order
        return msgspec.structs.replace(item, rank=rank, score=-order.strength, why=self._question.ranking.why(order))

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
