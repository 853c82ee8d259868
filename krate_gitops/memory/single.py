"""One record or document with everything around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from krate_gitops.brain.base_fields import SENSITIVITIES
from krate_gitops.brain.scan.injection import Verdict
from krate_gitops.errors import UnavailableError
from krate_gitops.memory.admission import Admission
from krate_gitops.memory.candidates import share_removed
from krate_gitops.memory.cards import SUSPECTED
from krate_gitops.memory.edges import edges_of, inbound_edges
from krate_gitops.memory.items import BLOCKED, TOO_BROAD_REASON
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.redact import TOO_BROAD
from krate_gitops.memory.response import EdgeItem
from krate_gitops.memory.safe import SafeStrings


class ShownRecord(msgspec.Struct, frozen=True, rename="camel"):
    """A record in full; of ``secret-metadata`` only id, kind, title, owners and edges."""

    id: str
    kind: str
    form: str
    title: str | None
    status: str | None
    owners: tuple[str, ...]
    sensitivity: str
    updated_at: str | None
    summary: str | None
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    repo_refs: tuple[str, ...]
    source_refs: tuple[str, ...]
    attributes: dict[str, Any]
    digest: str


class Shown(msgspec.Struct, frozen=True, rename="camel"):
    """A document, its record where it has one, and edges from and to it. Everything is redacted.

    What may hold instructions for its reader is said in ``warnings``; ``injection-blocked`` comes without text and
    summary, ``redaction-too-broad`` without text.
    """

    commit: str
    path: str
    digest: str
    text: str | None
    record: ShownRecord | None = None
    edges: tuple[EdgeItem, ...] = ()
    inbound: tuple[EdgeItem, ...] = ()
    warnings: tuple[str, ...] = ()


def show_one(opened: OpenIndex, item: str, policy: EffectivePolicy) -> Shown:
    """The record with the id, else the document at the path.

    Raises ``UnavailableError(MEMORY_RECORD_NOT_FOUND)`` for what is not there, is defined twice, or may not be read.
    """
    columns, admission = opened.columns, opened.admission(policy)
    record = opened.graph.defined(item)
    if record >= 0 and admission.records[record]:
        return _Showing(opened, admission).record(record)
    number = columns.file_number.get(item)
    if number is None or not admission.files[number]:
        raise UnavailableError(
            "MEMORY_RECORD_NOT_FOUND",
            "there is no such record or document here, or it may not be read",
            hint="ids defined more than once are not served; see `krate-gitops brain validate`",
            location=item,
        )
    first = int(columns.unit_record[int(columns.first_unit[number])])
    if int(columns.file_units[number]) == 1 and first >= 0 and admission.records[first]:
        return _Showing(opened, admission).record(first)
    return _Showing(opened, admission).document(number)


class _Showing:
    def __init__(self, opened: OpenIndex, admission: Admission) -> None:
        self._opened = opened
        self._columns = opened.columns
        self._admission = admission
        self._safe = SafeStrings(opened.cleaner)

    def document(self, number: int) -> Shown:
        file = self._columns.file(number)
        text, warnings = self._text(number)
        shown = Shown(self._opened.manifest.commit, self._safe(file.path), file.digest, text, warnings=warnings)
        return _judged(self._opened, shown)

    def record(self, number: int) -> Shown:
        columns, admission = self._columns, self._admission
        file = int(columns.record_file[number])
        whole_file = columns.file_units[file] == 1 and admission.files[file] and not admission.secret[number]
        text, warnings = self._text(file) if whole_file else (None, ())
        shown = Shown(
            self._opened.manifest.commit,
            self._safe(columns.paths[file]),
            columns.file(file).digest,
            text,
            self._secret(number) if admission.secret[number] else self._open(number),
            self._edges(edges_of(self._opened, admission, number)),
            self._edges(inbound_edges(self._opened, admission, number)),
            warnings,
        )
        return _judged(self._opened, shown)

    def _secret(self, number: int) -> ShownRecord:
        """A record that only names a secret: what it is and whose."""
        record, safe = self._columns.record(number), self._safe
        return ShownRecord(
            id=safe(record.id),
            kind=safe(record.kind),
            form=record.form,
            title=safe(record.title) if record.title else None,
            status=None,
            owners=safe.all(record.owners),
            sensitivity=SENSITIVITIES[int(self._admission.sensitivity[number])],
            updated_at=None,
            summary=None,
            aliases=(),
            tags=(),
            repo_refs=(),
            source_refs=(),
            attributes={},
            digest=record.digest,
        )

    def _open(self, number: int) -> ShownRecord:
        record, safe = self._columns.record(number), self._safe
        return msgspec.structs.replace(
            self._secret(number),
            status=record.status,
            updated_at=record.updated_at,
            summary=safe(record.summary) if record.summary else None,
            aliases=safe.all(record.aliases),
            tags=safe.all(record.tags),
            repo_refs=safe.all(record.repo_refs),
            source_refs=safe.all(record.source_refs),
            attributes=safe.attributes(record.attributes),
        )

    def _edges(self, edges: Sequence[EdgeItem]) -> tuple[EdgeItem, ...]:
        self._safe.learn(string for edge in edges for string in (edge.kind, edge.target))
        return tuple(EdgeItem(self._safe(edge.kind), self._safe(edge.target), edge.via) for edge in edges)

    def _text(self, number: int) -> tuple[str | None, tuple[str, ...]]:
        """The redacted text, and a warning in its place where most of it would be gone."""
        for text in self._opened.texts([number]):
            return (None, (TOO_BROAD_REASON,)) if share_removed(text.raw, text.safe) > TOO_BROAD else (text.safe, ())
        return None, ()


def _judged(opened: OpenIndex, shown: Shown) -> Shown:
    """What is shown with the verdict of the injection scan."""
    record = shown.record
    strings = [shown.text or "", *((record.title or "", record.summary or "") if record else ())]
    [verdict] = opened.cleaner.verdicts(["\n\n".join((*strings, *_strings(record.attributes if record else {})))])
    if verdict is Verdict.BLOCKED:
        if record:
            record = msgspec.structs.replace(record, title=None, summary=None, attributes={})
        return msgspec.structs.replace(shown, text=None, record=record, warnings=(*shown.warnings, BLOCKED))
    suspicious = verdict is Verdict.SUSPICIOUS
    return msgspec.structs.replace(shown, warnings=(*shown.warnings, SUSPECTED)) if suspicious else shown


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [string for item in value.values() for string in _strings(item)]
    return [string for item in value for string in _strings(item)] if isinstance(value, list) else []
