"""What an answer says of a record whatever was asked: made once under a policy and kept for the next answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from krate_gitops.brain.base_fields import SENSITIVITIES
from krate_gitops.brain.links import NO_TIME
from krate_gitops.brain.model import Record
from krate_gitops.brain.scan.injection import Verdict
from krate_gitops.memory.admission import Admission
from krate_gitops.memory.candidates import share_removed
from krate_gitops.memory.edges import edges_of
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.paragraph import Paragraph, first_paragraphs
from krate_gitops.memory.response import EdgeItem, RecordItem

SUSPECTED = "injection-suspected"
_MOST = 8192
"""Cards that are kept, and items likewise."""


class Shown(NamedTuple):
    """What is known of a text that may be shown: what counts against the room of an answer, what redaction took from it
    and from the strings beside it, and the verdict on all of them.
    """

    text: str
    counts: Mapping[str, int]
    removed: float
    verdict: Verdict


class Card(NamedTuple):
    """What is shown of a record, and its summary: its own or the first paragraph of its body."""

    shown: Shown
    summary: str | None


class Cards:
    """Cards and items of the records of one commit under one policy."""

    def __init__(self, opened: OpenIndex, admission: Admission) -> None:
        self._opened = opened
        self._columns = opened.columns
        self._admission = admission
        self._safe = opened.safe
        self._cards: dict[int, Card] = {}
        self._items: dict[int, RecordItem] = {}

    def of(self, records: Sequence[int]) -> list[Card]:
        """The card of each record; all texts that are new are cleaned in one go and judged in another."""
        new = [record for record in records if record not in self._cards]
        if not new:
            return [self._cards[record] for record in records]
        if len(self._cards) + len(new) > _MOST:
            self._cards.clear()
            new = list(records)
        files = {int(self._columns.record_file[record]) for record in new if self._needs_paragraph(record)}
        paragraphs = first_paragraphs(self._opened, files)
        parts = [self._parts(record) for record in new]
        self._safe.learn(string for strings in parts for string in strings)
        own = [paragraphs.get(int(self._columns.record_file[record])) for record in new]
        judged = [
            "\n\n".join((*self._safe.all(strings), paragraph.text if paragraph else ""))
            for strings, paragraph in zip(parts, own, strict=True)
        ]
        verdicts = self._opened.cleaner.verdicts(judged)
        self._cards.update(zip(new, map(self._card, new, parts, own, verdicts), strict=True))
        return [self._cards[record] for record in records]

    def items(self, records: Sequence[int]) -> list[RecordItem]:
        """The item of each record, without its place in an answer."""
        new = [record for record in records if record not in self._items]
        if len(self._items) + len(new) > _MOST:
            self._items.clear()
            new = list(records)
        edges = [edges_of(self._opened, self._admission, record) for record in new]
        self._safe.learn(string for found in edges for edge in found for string in (edge.kind, edge.target))
        self._items.update(zip(new, map(self._item, new, self.of(new), edges), strict=True))
        return [self._items[record] for record in records]

    def _parts(self, number: int) -> list[str]:
        """Strings beside the text that are shown of a record."""
        record = self._columns.record(number)
        parts = [self._columns.path_of_record(number), record.id, record.kind, record.title or "", *record.owners]
        if not self._admission.secret[number]:
            parts += [record.summary or "", *record.source_refs]
        return parts

    def _needs_paragraph(self, number: int) -> bool:
        record = self._columns.record(number)
        return record.form != "graph" and not record.summary and not self._admission.secret[number]

    def _card(self, number: int, parts: Sequence[str], paragraph: Paragraph | None, verdict: Verdict) -> Card:
        summary, counts, removed = self._summary(number, paragraph)
        return Card(Shown(self._line(number, summary), self._safe.counts(parts) + counts, removed, verdict), summary)

    def _summary(self, number: int, paragraph: Paragraph | None) -> tuple[str | None, Counter[str], float]:
        """A record's summary or first paragraph, what redaction took from the latter, and its share of the record."""
        record = self._columns.record(number)
        title = (record.title or "", self._safe(record.title or ""))
        if self._admission.secret[number]:
            return None, Counter(), share_removed(*title)
        if record.summary or paragraph is None or not self._needs_paragraph(number):
            raw, text, counts = record.summary or "", self._safe(record.summary or ""), Counter[str]()
        else:
            raw, text, counts = paragraph.raw, paragraph.text, Counter(paragraph.counts)
        return text or None, counts, share_removed(title[0] + raw, title[1] + text)

    def _line(self, number: int, summary: str | None) -> str:
        record, safe = self._columns.record(number), self._safe
        owners = ", ".join(safe.all(record.owners))
        head = f"- {safe(record.id)} ({safe(record.kind)}, {record.status or 'draft'}, {owners})"
        path = safe(self._columns.path_of_record(number))
        return f"{head} — {safe(record.title or '')} {summary or ''} [{path}]"

    def _item(self, number: int, card: Card, edges: Sequence[EdgeItem]) -> RecordItem:
        record, safe = self._columns.record(number), self._safe
        secret = bool(self._admission.secret[number])
        warnings = (SUSPECTED,) if card.shown.verdict is Verdict.SUSPICIOUS else ()
        return RecordItem(
            id=safe(record.id),
            kind=safe(record.kind),
            path=safe(self._columns.path_of_record(number)),
            title=safe(record.title) if record.title else None,
            status=None if secret else record.status,
            owners=safe.all(record.owners),
            summary=card.summary,
            updated_at=None if secret else record.updated_at,
            sensitivity=SENSITIVITIES[int(self._admission.sensitivity[number])],
            source_refs=() if secret else safe.all(record.source_refs),
            edges=tuple(EdgeItem(safe(edge.kind), safe(edge.target), edge.via) for edge in edges),
            digest=record.digest,
            rank=0,
            score=0,
            why=(),
            warnings=warnings if secret else (*warnings, *self._lifecycle(number, record)),
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
