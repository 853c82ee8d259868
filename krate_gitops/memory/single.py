"""One record or document with everything around it."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from krate_gitops.brain.normalise import SENSITIVITIES
from krate_gitops.errors import UnavailableError
from krate_gitops.memory.items import edges_of
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.redact import RedactionConfig, redact
from krate_gitops.memory.response import EdgeItem


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
    """A document, its record where it has one, and edges from and to it. ``text`` is redacted."""

    commit: str
    path: str
    digest: str
    text: str | None
    record: ShownRecord | None = None
    edges: tuple[EdgeItem, ...] = ()
    inbound: tuple[EdgeItem, ...] = ()


def show_one(opened: OpenIndex, item: str, policy: EffectivePolicy) -> Shown:
    """The record with the id, else the document at the path.

    Raises ``UnavailableError(MEMORY_RECORD_NOT_FOUND)`` for what is not there, is defined twice, or may not be read.
    """
    admission = opened.admission(policy)
    record = opened.graph.defined(item)
    if record >= 0 and admission.records[record]:
        return _record(opened, policy, record)
    number = opened.columns.file_number.get(item)
    if number is None or not admission.files[number]:
        raise UnavailableError(
            "MEMORY_RECORD_NOT_FOUND",
            "there is no such record or document here, or it may not be read",
            hint="ids defined more than once are not served; see `krate-gitops brain validate`",
            location=item,
        )
    first = int(opened.columns.unit_record[int(opened.columns.first_unit[number])])
    if int(opened.columns.file_units[number]) == 1 and first >= 0 and admission.records[first]:
        return _record(opened, policy, first)
    file = opened.columns.file(number)
    return Shown(opened.manifest.commit, file.path, file.digest, _text(opened, number))


def _record(opened: OpenIndex, policy: EffectivePolicy, number: int) -> Shown:
    columns, admission = opened.columns, opened.admission(policy)
    record = columns.record(number)
    secret = bool(admission.secret[number])
    file = int(columns.record_file[number])
    whole_file = int(columns.file_units[file]) == 1 and admission.files[file] and not secret
    clean = _cleaner(opened)
    shown = ShownRecord(
        id=record.id,
        kind=record.kind,
        form=record.form,
        title=clean(record.title) if record.title else None,
        status=None if secret else record.status,
        owners=record.owners,
        sensitivity=SENSITIVITIES[int(admission.sensitivity[number])],
        updated_at=None if secret else record.updated_at,
        summary=clean(record.summary) if record.summary and not secret else None,
        aliases=() if secret else record.aliases,
        tags=() if secret else record.tags,
        repo_refs=() if secret else record.repo_refs,
        source_refs=() if secret else record.source_refs,
        attributes={} if secret else _clean_values(record.attributes, clean),
        digest=record.digest,
    )
    return Shown(
        opened.manifest.commit,
        columns.paths[file],
        columns.file(file).digest,
        _text(opened, file) if whole_file else None,
        shown,
        edges_of(opened, admission, number),
        _inbound(opened, policy, number),
    )


def _inbound(opened: OpenIndex, policy: EffectivePolicy, number: int) -> tuple[EdgeItem, ...]:
    edges, admitted = opened.graph.edges, opened.admission(policy).records
    rows = np.flatnonzero(edges.target == number)
    items = {
        EdgeItem(
            edges.names[int(edges.kind[row])],
            opened.columns.record(int(edges.source[row])).id,
            "declared" if edges.declared[row] else "derived",
        )
        for row in rows.tolist()
        if admitted[edges.source[row]]
    }
    return tuple(sorted(items, key=lambda item: (item.kind, item.target)))


def _text(opened: OpenIndex, number: int) -> str | None:
    clean = _cleaner(opened)
    return next((clean(text) for _, text in opened.texts([number])), None)


def _cleaner(opened: OpenIndex) -> Any:
    config = RedactionConfig(opened.source.ontology.rules.secret_scan)
    return lambda text: redact(text, config=config).text


def _clean_values(value: Any, clean: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {key: _clean_values(item, clean) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean_values(item, clean) for item in value]
    return value
