"""What an ontology asks of the records of one kind, worked out once; and one record beside it.

A brain has thousands of records and a few dozen kinds, so everything that depends on the kind alone is made here, and
the rules do set lookups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from operator import attrgetter
from typing import Any

from krate_gitops.brain.attribute_types import type_test
from krate_gitops.brain.base_fields import BASE_FIELDS, RUN_MEMORY_KINDS, SENSITIVITIES
from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.model import AttributeType, Finding, NodeKind, Record, Severity, Vocabulary
from krate_gitops.brain.ontology.lookup import OntologyIndex
from krate_gitops.brain.rules.place import document_ordinals, pointer

_MEMBERS = {
    "title": "title",
    "status": "status",
    "owners": "owners",
    "updatedAt": "updated_at",
    "summary": "summary",
    "aliases": "aliases",
    "tags": "tags",
    "repoRefs": "repo_refs",
    "sensitivity": "sensitivity",
    "sourceRefs": "source_refs",
}
"""Base fields → members of a record. Without ``generated``, whose absence means no."""

# Words of these fields are judged by rules of their own.
_JUDGED_ELSEWHERE = frozenset(("status", "sensitivity", "owners"))


class Terms:
    """The vocabulary of one field."""

    def __init__(self, field: str, vocabulary: Vocabulary) -> None:
        self.field = field
        self.noun = "tag" if field == "tags" else field
        self.closed = vocabulary.closed
        self.known = frozenset(vocabulary.values)
        self.aliases = vocabulary.aliases
        self._near = {_flat(term): term for term in reversed(vocabulary.values)}

    def nearest(self, term: str) -> str | None:
        """The term that differs only in case, hyphens or a plural, found without a search."""
        return self._near.get(_flat(term))


def _flat(term: str) -> str:
    return term.casefold().replace("-", "").replace("_", "").replace(" ", "").rstrip("s")


class KindPlan:
    """The rules of one kind. An undeclared kind asks only for the base fields; that it is unknown is said elsewhere."""

    def __init__(self, kind: str, index: OntologyIndex) -> None:
        node = index.ontology.node_kinds.get(kind)
        foreign = index.foreign
        required = index.required_fields(kind)
        self.kind = kind
        self.index = index
        self.node: NodeKind | None = node
        self.required_members = tuple(name for name in required if name in _MEMBERS)
        self.members = _getter(self.required_members)
        self.required_attributes = tuple(name for name in required if name not in BASE_FIELDS)
        declared = node.attributes if node else {}
        self.types: Mapping[str, AttributeType] = declared
        relaxed = foreign is not None and foreign.id_pattern == "relaxed"
        self.tests: Mapping[str, Callable[[Any], bool]] = {
            name: type_test(attribute, relaxed_ids=relaxed)
            for name, attribute in declared.items()
            if attribute.type != "object"
        }
        aliases = {name for names in foreign.field_aliases.values() for name in names} if foreign else set()
        self.declared = frozenset((*declared, *self.required_attributes, *aliases))
        self.floor = SENSITIVITIES.index(node.min_sensitivity) if node and node.min_sensitivity else 0
        self.default_sensitivity = index.sensitivity(kind, None)
        self.is_run_memory = kind in RUN_MEMORY_KINDS
        terms = [
            Terms(name, vocabulary)
            for name, vocabulary in index.ontology.vocabularies.items()
            if name not in _JUDGED_ELSEWHERE and (vocabulary.values or vocabulary.closed)
        ]
        self.member_terms = tuple((item, attrgetter(_MEMBERS[item.field])) for item in terms if item.field in _MEMBERS)
        self.attribute_terms = {item.field: item for item in terms if item.field not in BASE_FIELDS}


def _getter(fields: tuple[str, ...]) -> Callable[[Record], tuple[Any, ...]]:
    """Values of base fields of a record, as a tuple whatever their number."""
    if len(fields) > 1:
        return attrgetter(*(_MEMBERS[field] for field in fields))
    if fields:
        only = attrgetter(_MEMBERS[fields[0]])
        return lambda record: (only(record),)
    return lambda record: ()


class RecordCase:
    """One record with all that its rules may look at. ``at`` is its position among the records of the file."""

    def __init__(self, file: ParsedFile, at: int, record: Record, plan: KindPlan, organization: str) -> None:
        self.file = file
        self.at = at
        self.record = record
        self.plan = plan
        self.organization = organization

    @cached_property
    def ordinal(self) -> int:
        """Ordinal of the record's document in the file."""
        return document_ordinals(self.file)[self.at]

    def field(self, name: str) -> str:
        """Pointer of a base field or attribute."""
        return pointer(self.record.form, name)

    def finding(
        self,
        code: str,
        message: str,
        field: str,
        *,
        at_key: bool = False,
        severity: Severity | None = None,
        hint: str = "",
    ) -> Finding:
        return Finding(
            code, message, self.ordinal, field, at_key=at_key, severity=severity, record_id=self.record.id, hint=hint
        )

    def is_reported(self, field: str) -> bool:
        """Whether parsing already said what is wrong at the pointer or below it."""
        return any(
            finding.record == self.ordinal
            and finding.field.startswith(field)
            and finding.field[len(field) : len(field) + 1] in ("", "[", ".")
            for finding in self.file.findings
        )
