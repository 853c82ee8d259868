"""One record from one mapping: the graph form and the Markdown form become the same value.

Reports what is wrong with the shape of the mapping alone; what the ontology asks for is checked elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from krate_gitops.brain.base_fields import BASE_FIELDS, RUN_MEMORY_KINDS, RUN_STATUSES, STATUSES
from krate_gitops.brain.edge_reader import EdgeReader
from krate_gitops.brain.field_reader import FieldReader
from krate_gitops.brain.identifiers import is_id
from krate_gitops.brain.model import Finding, Foreign, Record
from krate_gitops.brain.values import settle, settle_asking

_FLAT_FIELDS = BASE_FIELDS | frozenset(("id", "kind", "nodeKind", "related"))
_OWN_NAMES: Mapping[str, str] = {name: name for name in BASE_FIELDS}
_OPTIONAL_LISTS = (("aliases", "aliases"), ("tags", "tags"), ("repoRefs", "repo_refs"), ("sourceRefs", "source_refs"))
_GRAPH_KEYS = frozenset(("nodeKind", "kind", "id", "attributes", "edges", "patch"))


class Origin(msgspec.Struct, frozen=True):
    """Where the mapping stands: ordinal in its file, byte range, digest of those bytes, form."""

    ordinal: int
    start: int
    end: int
    digest: str
    form: str


class Normaliser:
    """Normalises mappings under one foreign mapping (or none)."""

    def __init__(self, foreign: Foreign | None) -> None:
        self._foreign = foreign
        self._relaxed = foreign is not None and foreign.id_pattern == "relaxed"
        self._aliases: Mapping[str, tuple[str, ...]] = foreign.field_aliases if foreign else {}
        self._merging = foreign is not None and foreign.duplicate_ids == "merge-edges"
        self._kind_aliases = self._aliases.get("kind", ())
        required = foreign.required if foreign else None
        self._owners_required = required is None or "owners" in required

    def record(
        self, raw: Mapping[str, Any], origin: Origin, findings: list[Finding], fractions: Callable[[], bool]
    ) -> Record | None:
        """The record of a mapping, or None when it has no usable id (said in ``findings``)."""
        graph = origin.form == "graph"
        before = len(findings)
        reader = FieldReader(origin.ordinal, findings, "attributes." if graph else "")
        kind = self._kind(raw, graph, reader)
        identifier = reader.top_text(raw, "id")
        if identifier is None:
            reader.add("KB020", 'every record needs an "id"', "id")
        elif not is_id(identifier, relaxed=self._relaxed):
            reader.add("KB031", f'"{identifier[:80]}" is not an id', "id", hint="ids look like runbook:refund-replay")
        source = self._attribute_source(raw, graph, reader)
        names = self._names(source)
        fields = self._fields(source, names, reader)
        status, run_status = self._status(names["status"], reader.text(source, names["status"]), kind, reader)
        hidden = BASE_FIELDS if graph else _FLAT_FIELDS
        if names is not _OWN_NAMES:
            hidden = hidden.union(names.values())
        attributes = _attributes(source, hidden, 2 if graph else 1, fractions)
        if run_status:
            attributes.setdefault("runStatus", run_status)
        edges = EdgeReader(reader, "edges" if graph else "related", fractions).read(raw)
        if len(findings) > before:
            settle(raw, 1, True)  # what was passed over may hold something that the fast path cannot vouch for
        if identifier is None:
            return None
        patch = self._merging and graph and ("attributes" not in raw or raw.get("patch") is True)
        return Record(
            id=identifier,
            kind=kind or "",
            form=origin.form,
            status=status,
            digest=origin.digest,
            start=origin.start,
            end=origin.end,
            patch=patch,
            attributes=attributes,
            edges=edges,
            **fields,
        )

    def _kind(self, raw: Mapping[str, Any], graph: bool, reader: FieldReader) -> str | None:
        name, alias = ("nodeKind", "kind") if graph else ("kind", "nodeKind")
        kind = reader.top_text(raw, name)
        if kind is None and alias in raw:
            kind = reader.top_text(raw, alias)
            if kind is not None and alias not in self._kind_aliases:
                reader.add("KB027", f'use "{name}" in {"graph files" if graph else "frontmatter"}', alias, at_key=True)
        if kind is None:
            reader.add("KB020", f'every record needs "{name}"', name)
        return kind

    def _attribute_source(self, raw: Mapping[str, Any], graph: bool, reader: FieldReader) -> Mapping[str, Any]:
        if not graph:
            return raw
        for key in raw:
            if key not in _GRAPH_KEYS:
                reader.add("KB026", f'"{key}" is not a field of a graph record', key, at_key=True)
        attributes = raw.get("attributes")
        if attributes is None:
            return {}
        if not isinstance(attributes, dict):
            reader.add("KB021", "attributes must be a map", "attributes")
            return {}
        return attributes

    def _names(self, source: Mapping[str, Any]) -> Mapping[str, str]:
        """Where each base field stands in this mapping: under its own name, else under the first alias there is."""
        if not self._aliases:
            return _OWN_NAMES
        names = dict(_OWN_NAMES)
        for name, aliases in self._aliases.items():
            if name not in source:
                names[name] = next((alias for alias in aliases if alias in source), name)
        return names

    def _fields(self, source: Mapping[str, Any], names: Mapping[str, str], reader: FieldReader) -> dict[str, Any]:
        owners = names["owners"]
        fields: dict[str, Any] = {
            "title": reader.title(source, names["title"]),
            "owners": reader.texts(source, owners),
            "updated_at": reader.timestamp(source, names["updatedAt"]),
        }
        if names["summary"] in source:
            fields["summary"] = reader.summary(source, names["summary"])
        for name, field in _OPTIONAL_LISTS:
            if names[name] in source:
                fields[field] = reader.texts(source, names[name])
        if names["sensitivity"] in source:
            fields["sensitivity"] = reader.sensitivity(source, names["sensitivity"])
        if "generated" in source:
            fields["generated"] = reader.flag(source, "generated")
        if not fields["owners"] and source.get(owners) == [] and self._owners_required:
            reader.add("KB050", "owners is empty", reader.prefix + owners, hint="name a team or a user")
        return fields

    def _status(
        self, name: str, status: str | None, kind: str | None, reader: FieldReader
    ) -> tuple[str | None, str | None]:
        if status is None or status in STATUSES:
            return status, None
        if self._foreign and status in self._foreign.status_map:
            return self._foreign.status_map[status], None
        field = reader.prefix + name
        if kind in RUN_MEMORY_KINDS and status in RUN_STATUSES:
            reader.add("KB027", 'the outcome of a run belongs in "runStatus"', field)
            return "approved", status
        reader.add("KB022", f'"{status[:60]}" is not a record status', field, hint="one of " + ", ".join(STATUSES))
        return None, None


def _attributes(
    source: Mapping[str, Any], hidden: frozenset[str], depth: int, fractions: Callable[[], bool]
) -> dict[str, Any]:
    """Settled attributes of a mapping that stands at the depth in its document."""
    found = {key: value for key, value in source.items() if key not in hidden}
    if not found:
        return {}
    return settle_asking(found, depth, fractions)
