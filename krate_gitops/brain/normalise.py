"""One record from one mapping: the graph form and the Markdown form become the same value.

Reports what is wrong with the shape of the mapping alone; what the ontology asks for is checked elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from krate_gitops.brain.identifiers import is_id
from krate_gitops.brain.model import Edge, Finding, Foreign, Record
from krate_gitops.brain.timestamps import normalise_timestamp
from krate_gitops.brain.values import settle, text_of
from krate_gitops.brain.yaml_fast import NeedExact

STATUSES = ("draft", "approved", "deprecated", "archived")
SENSITIVITIES = ("public", "internal", "restricted", "secret-metadata")
RUN_STATUSES = frozenset(("running", "completed", "failed", "partial", "cancelled"))
RUN_MEMORY_KINDS = frozenset(
    ("BabysitterRun", "BabysitterSession", "RunJournalEvent", "RunTaskResult", "RunRetrospective")
)
TITLE_CHARACTERS = 200
SUMMARY_CHARACTERS = 500

_LISTS = ("owners", "aliases", "tags", "repoRefs", "sourceRefs")
_TEXTS = ("title", "status", "updatedAt", "summary", "sensitivity")
BASE_FIELDS = frozenset((*_LISTS, *_TEXTS, "generated"))
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
        reader = _Reader(origin.ordinal, findings, "attributes." if graph else "")
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
        edges = _Edges(reader, "edges" if graph else "related", fractions).read(raw)
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

    def _kind(self, raw: Mapping[str, Any], graph: bool, reader: _Reader) -> str | None:
        name, alias = ("nodeKind", "kind") if graph else ("kind", "nodeKind")
        kind = reader.top_text(raw, name)
        if kind is None and alias in raw:
            kind = reader.top_text(raw, alias)
            if kind is not None and alias not in self._kind_aliases:
                reader.add("KB027", f'use "{name}" in {"graph files" if graph else "frontmatter"}', alias, at_key=True)
        if kind is None:
            reader.add("KB020", f'every record needs "{name}"', name)
        return kind

    def _attribute_source(self, raw: Mapping[str, Any], graph: bool, reader: _Reader) -> Mapping[str, Any]:
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

    def _fields(self, source: Mapping[str, Any], names: Mapping[str, str], reader: _Reader) -> dict[str, Any]:
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
        self, name: str, status: str | None, kind: str | None, reader: _Reader
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


class _Reader:
    """Typed access to one mapping; what has the wrong type is reported and read as absent."""

    def __init__(self, ordinal: int, findings: list[Finding], prefix: str) -> None:
        self.ordinal = ordinal
        self.prefix = prefix
        self._findings = findings

    def add(self, code: str, message: str, field: str, *, at_key: bool = False, hint: str = "") -> None:
        self._findings.append(Finding(code, message, self.ordinal, field, at_key=at_key, hint=hint))

    def top_text(self, raw: Mapping[str, Any], name: str) -> str | None:
        return self._text(raw.get(name), name)

    def text(self, source: Mapping[str, Any], name: str) -> str | None:
        return self._text(source.get(name), self.prefix + name)

    def _text(self, value: Any, field: str) -> str | None:
        try:
            return text_of(value) or None
        except TypeError:
            self.add("KB021", f"{field.rpartition('.')[2]} must be text", field)
            return None

    def texts(self, source: Mapping[str, Any], name: str) -> tuple[str, ...]:
        value = source.get(name)
        if value is None:
            return ()
        field = self.prefix + name
        if type(value) is not list:
            self.add("KB021", f"{name} must be a list of strings", field)
            text = None if type(value) is dict else text_of(value)
            return (text,) if text else ()
        if all(type(item) is str for item in value):
            return tuple(value)
        items: list[str] = []
        for at, item in enumerate(value):
            try:
                text = text_of(item)
            except TypeError:
                text = None
            if text is None:
                self.add("KB021", f"{name} must be a list of strings", f"{field}[{at}]")
            else:
                items.append(text)
        return tuple(items)

    def title(self, source: Mapping[str, Any], name: str) -> str | None:
        title = self.text(source, name)
        if title is None:
            return None
        if "\n" in title.rstrip("\n") or len(title) > TITLE_CHARACTERS:
            self.add("KB021", f"title must be one line of at most {TITLE_CHARACTERS} characters", self.prefix + name)
        return title.strip() or None

    def summary(self, source: Mapping[str, Any], name: str) -> str | None:
        summary = self.text(source, name)
        if summary is not None and len(summary) > SUMMARY_CHARACTERS:
            self.add("KB021", f"summary is longer than {SUMMARY_CHARACTERS} characters", self.prefix + name)
        return summary

    def timestamp(self, source: Mapping[str, Any], name: str) -> str | None:
        text = self.text(source, name)
        if text is None:
            return None
        normal = normalise_timestamp(text)
        if normal is None:
            hint = "write it as 2026-06-02T09:15:00Z"
            self.add("KB024", f'"{text[:40]}" is not a timestamp with an offset', self.prefix + name, hint=hint)
        return normal

    def sensitivity(self, source: Mapping[str, Any], name: str) -> str | None:
        text = self.text(source, name)
        if text is None or text in SENSITIVITIES:
            return text
        hint = "one of " + ", ".join(SENSITIVITIES)
        self.add("KB023", f'"{text[:60]}" is not a sensitivity', self.prefix + name, hint=hint)
        # A level nobody can read is treated as the most careful one that still names the record.
        return "restricted"

    def flag(self, source: Mapping[str, Any], name: str) -> bool:
        value = settle(source.get(name), 1, False)
        if isinstance(value, bool):
            return value
        self.add("KB021", f"{name} must be true or false", self.prefix + name)
        return False


def _attributes(
    source: Mapping[str, Any], hidden: frozenset[str], depth: int, fractions: Callable[[], bool]
) -> dict[str, Any]:
    """Settled attributes of a mapping that stands at the depth in its document."""
    found = {key: value for key, value in source.items() if key not in hidden}
    if not found:
        return {}
    try:
        return settle(found, depth, False)
    except NeedExact:
        if not fractions():
            raise
        return settle(found, depth, True)


class _Edges:
    """Declared edges in any accepted form."""

    def __init__(self, reader: _Reader, key: str, fractions: Callable[[], bool]) -> None:
        self._reader = reader
        self._key = key
        self._fractions = fractions
        self._edges: list[Edge] = []

    def read(self, raw: Mapping[str, Any]) -> tuple[Edge, ...]:
        declared = raw.get(self._key)
        if declared is None:
            return ()
        if type(declared) is dict:
            for kind, items in declared.items():
                self._of_kind(kind, items)
        elif type(declared) is list:
            for at, item in enumerate(declared):
                self._with_kind(item, f"{self._key}[{at}]")
        else:
            self._reader.add("KB021", f"{self._key} must be a map of lists", self._key)
        return tuple(self._edges)

    def _of_kind(self, kind: Any, items: Any) -> None:
        if type(kind) is not str:
            raise NeedExact
        field = f"{self._key}.{kind}"
        if items is None:
            return
        if type(items) is list:
            for at, item in enumerate(items):
                if type(item) is str:
                    self._edges.append(Edge(kind, item))
                else:
                    self._item(kind, item, f"{field}[{at}]", 4)
        else:
            self._item(kind, items, field, 3)

    def _item(self, kind: str, item: Any, field: str, depth: int) -> None:
        if type(item) is dict:
            target = self._reader._text(item.get("target"), f"{field}.target")
            if target is None:
                self._reader.add("KB021", "an edge needs a target", field)
                return
            rest = {key: value for key, value in item.items() if key != "target"}
            self._check(rest, field)
            self._edges.append(Edge(kind, target, self._settled(rest, depth) if rest else None))
            return
        try:
            target = text_of(item)
        except TypeError:
            target = None
        if target is None:
            self._reader.add("KB021", "an edge is an id or a map with a target", field)
        else:
            self._edges.append(Edge(kind, target))

    def _with_kind(self, item: Any, field: str) -> None:
        kind = self._reader._text(item.get("kind"), f"{field}.kind") if type(item) is dict else None
        if kind is None:
            self._reader.add("KB021", "an edge of a list needs a kind and a target", field)
            return
        self._item(kind, {key: value for key, value in item.items() if key != "kind"}, field, 3)

    def _check(self, rest: Mapping[str, Any], field: str) -> None:
        note = rest.get("note")
        if type(note) is str and len(note) > TITLE_CHARACTERS:
            self._reader.add("KB021", f"note is longer than {TITLE_CHARACTERS} characters", f"{field}.note")
        if rest.get("since") is not None:
            since = self._reader._text(rest["since"], f"{field}.since")
            if since is not None and normalise_timestamp(since) is None:
                self._reader.add("KB024", "since is not a timestamp with an offset", f"{field}.since")

    def _settled(self, rest: dict[str, Any], depth: int) -> dict[str, Any]:
        try:
            return settle(rest, depth, False)
        except NeedExact:
            if not self._fractions():
                raise
            return settle(rest, depth, True)
