"""The values of a brain: records, edges, ontology. Frozen, typed, without behaviour that reads anything.

Everything derived from a file's bytes alone is a ``Record`` or a ``Finding``; what the ontology adds is kept apart, so
that a change of ontology never parses a file again.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

import msgspec

Attributes = dict[str, Any]


class FileClass(enum.StrEnum):
    """What a path is, by the first matching pattern of the layout."""

    ONTOLOGY = "ontology"
    INDEX = "index"
    ENTRYPOINT = "entrypoint"
    ARTIFACT_MANIFEST = "artifact-manifest"
    GRAPH = "graph"
    MARKDOWN_RECORD = "markdown-record"
    NOTE = "note"
    README = "readme"
    UNCLASSIFIED = "unclassified"
    IGNORED = "ignored"
    """Named by the ``ignore`` list of a foreign brain: neither a record nor an error."""


class Severity(enum.IntEnum):
    """Ordered, so that a threshold is a comparison."""

    INFO = 0
    WARNING = 1
    ERROR = 2

    @property
    def label(self) -> str:
        return self.name.lower()


class Number(msgspec.Struct, frozen=True):
    """A non-integer number of an attribute, kept as its source text: floats never enter a digest."""

    source: str


class Edge(msgspec.Struct, frozen=True, array_like=True):
    """One declared edge. ``attributes`` holds every key of the item beside ``target``."""

    kind: str
    target: str
    attributes: Attributes | None = None


class Record(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A graph record, a Markdown record or a note with an id, in one normal form.

    ``status`` is after the foreign mapping; ``sensitivity`` is as declared, ``None`` where the kind's default applies.
    ``start``/``end`` are the byte range of the record's document in its file (the whole file but for multi-document
    files); ``digest`` covers those bytes.
    """

    id: str
    kind: str
    form: str
    title: str | None
    status: str | None
    owners: tuple[str, ...]
    updated_at: str | None
    digest: str
    start: int
    end: int
    summary: str | None = None
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    repo_refs: tuple[str, ...] = ()
    sensitivity: str | None = None
    source_refs: tuple[str, ...] = ()
    generated: bool = False
    patch: bool = False
    """Foreign brains only: adds its edges to the record of the same id that stands elsewhere."""
    attributes: Attributes = {}
    edges: tuple[Edge, ...] = ()


class Related(msgspec.Struct, frozen=True, array_like=True):
    """Another place that helps to understand a diagnostic; positions are 1-based, 0 while unknown."""

    path: str
    record_id: str = ""
    line: int = 0
    column: int = 0
    message: str = ""


class Finding(msgspec.Struct, frozen=True, array_like=True):
    """What a rule reports before its place is looked up.

    The place is either ``offset`` (a character of the decoded file text, -1 when unknown) or ``record`` (ordinal of the
    document in its file) with ``field``, a pointer such as ``attributes.tags[2]`` (empty: the start of the record).
    ``at_key`` points at the mapping key rather than at the value.
    """

    code: str
    message: str
    record: int = -1
    field: str = ""
    offset: int = -1
    at_key: bool = False
    severity: Severity | None = None
    record_id: str = ""
    related: tuple[Related, ...] = ()
    hint: str = ""


class Diagnostic(msgspec.Struct, frozen=True, rename="camel"):
    """A finding with its rule, severity and exact place. Lines and columns are 1-based and count characters."""

    code: str
    name: str
    severity: str
    path: str
    line: int
    column: int
    record_id: str
    field: str
    message: str
    hint: str
    related: tuple[Related, ...] = ()


class NodeKind(msgspec.Struct, frozen=True, rename="camel"):
    """A declared kind of record. ``attributes`` maps a name to its ``AttributeType``."""

    name: str
    id_prefix: str
    description: str = ""
    state: str = "active"
    replaced_by: str | None = None
    forms: tuple[str, ...] = ("graph", "markdown")
    paths: tuple[str, ...] = ("**",)
    required: tuple[str, ...] = ()
    attributes: Mapping[str, AttributeType] = {}
    default_sensitivity: str | None = None
    min_sensitivity: str | None = None
    archive_direct: bool = False
    review_after_days: int | None = None
    examples: tuple[str, ...] = ()
    id_prefixes: tuple[str, ...] = ()
    """Foreign brains only: every prefix the kind uses, ``id_prefix`` first."""


class AttributeType(msgspec.Struct, frozen=True, rename="camel"):
    """Declared type of an attribute: one of the names of ``ATTRIBUTE_TYPES``."""

    type: str
    values: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


ATTRIBUTE_TYPES = (
    "string",
    "text",
    "integer",
    "boolean",
    "timestamp",
    "date",
    "enum",
    "id",
    "id-list",
    "string-list",
    "digest",
    "url",
    "object",
)


class EdgeKind(msgspec.Struct, frozen=True, rename="camel"):
    """A declared kind of edge. ``["*"]`` means every kind or prefix; ``["@same"]`` the source's own kind."""

    name: str
    description: str = ""
    state: str = "active"
    replaced_by: str | None = None
    domain: tuple[str, ...] = ("*",)
    range: tuple[str, ...] = ("*",)
    external: tuple[str, ...] = ()
    min_per_source: int = 0
    max_per_source: int | None = None
    inverse: str | None = None
    acyclic: str = "no"
    traverse: str = "full"
    examples: tuple[str, ...] = ()


class ExternalPrefix(msgspec.Struct, frozen=True, rename="camel"):
    """A prefix of ids that name things outside the brain."""

    prefix: str
    description: str = ""
    resource_kind: str | None = None


class Vocabulary(msgspec.Struct, frozen=True):
    """Terms of a field; ``closed`` makes an unknown one an error."""

    closed: bool = False
    values: tuple[str, ...] = ()
    aliases: Mapping[str, str] = {}


class SecretPattern(msgspec.Struct, frozen=True):
    """A pattern a brain adds to the secret scan."""

    kind: str
    regex: str


class SecretScan(msgspec.Struct, frozen=True, rename="camel"):
    """Settings of the secret and entropy scans."""

    entropy_min_length: int = 32
    entropy_threshold_percent: int = 75
    extra_patterns: tuple[SecretPattern, ...] = ()
    allow_fingerprints: tuple[str, ...] = ()


class PromptInjection(msgspec.Struct, frozen=True, rename="camel"):
    """Settings of the injection scan."""

    extra_phrases: tuple[str, ...] = ()


class Limits(msgspec.Struct, frozen=True, rename="camel"):
    """Size caps in bytes."""

    record_bytes: int = 1_048_576
    note_bytes: int = 2_097_152


class Sidecars(msgspec.Struct, frozen=True):
    """Key of documents that add edges to a record of another file."""

    key: str


class Foreign(msgspec.Struct, frozen=True, rename="camel"):
    """How a brain that was not written for this layout is read."""

    multi_document: bool = False
    required: tuple[str, ...] | None = None
    field_aliases: Mapping[str, tuple[str, ...]] = {}
    status_map: Mapping[str, str] = {}
    id_pattern: str = "strict"
    prefixes: str = "one"
    duplicate_ids: str = "reject"
    sidecars: Sidecars | None = None
    ignore: tuple[str, ...] = ()
    classes: Mapping[str, str] = {}


class ValidationRules(msgspec.Struct, frozen=True, rename="camel"):
    """``validation-rules.yaml``."""

    fail_on: str = "error"
    stale_after_days: int = 365
    severity: Mapping[str, str] = {}
    disabled: tuple[str, ...] = ()
    disabled_paths: Mapping[str, tuple[str, ...]] = {}
    limits: Limits = Limits()
    secret_scan: SecretScan = SecretScan()
    prompt_injection: PromptInjection = PromptInjection()
    foreign: Foreign | None = None


class OntologyFinding(msgspec.Struct, frozen=True):
    """A KB08x finding with the ontology file it is about."""

    path: str
    finding: Finding


class Ontology(msgspec.Struct, frozen=True):
    """The four files, checked. Invalid parts are left out and reported in ``findings``; the rest still serves."""

    version: str
    digest: str
    node_kinds: Mapping[str, NodeKind]
    edge_kinds: Mapping[str, EdgeKind]
    external_prefixes: Mapping[str, ExternalPrefix]
    vocabularies: Mapping[str, Vocabulary]
    rules: ValidationRules
    findings: tuple[OntologyFinding, ...] = ()
