"""A node of a compiled schema: its constraints in a form that is quick to check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from krate_gitops.cluster.dev.schemas.formats import format_checker
from krate_gitops.cluster.dev.schemas.patterns import Matcher, matcher
from krate_gitops.cluster.dev.schemas.rules import Rule, escaped

MISSING: Final = object()
"""Stands for a default that isn't there; null is a default."""

EMBEDDED_META: Final = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


class Node:
    """One node of a schema and, in its members, those below it. Built once, shared by all checks."""

    __slots__ = (
        "additional",
        "all_of",
        "any_of",
        "default",
        "embedded",
        "enum",
        "exclusive_maximum",
        "exclusive_minimum",
        "format",
        "format_check",
        "has_defaults",
        "has_embedded",
        "has_list_rules",
        "has_rules",
        "int_or_string",
        "is_composed",
        "is_special",
        "items",
        "list_keys",
        "list_type",
        "max_items",
        "max_length",
        "max_properties",
        "maximum",
        "min_items",
        "min_length",
        "min_properties",
        "minimum",
        "multiple_of",
        "not_node",
        "nullable",
        "one_of",
        "pattern",
        "pattern_text",
        "preserve",
        "properties",
        "required",
        "rules",
        "types",
        "unique",
    )

    def __init__(self, schema: dict[str, Any]) -> None:
        self._read_shape(schema)
        self._read_bounds(schema)
        self._read_composition(schema)
        self.rules = [Rule(one) for one in schema.get("x-kubernetes-validations") or ()]
        children = self._children()
        self.has_rules: bool = bool(self.rules) or any(child.has_rules for child in children)
        self.has_embedded: bool = self.embedded or any(child.has_embedded for child in children)
        self.is_special: bool = any(escaped(name) != name for name in self.properties) or any(
            child.is_special for child in children
        )
        self.has_defaults: bool = self.default is not MISSING or any(child.has_defaults for child in children)
        self.has_list_rules: bool = self.list_type in ("set", "map") or any(child.has_list_rules for child in children)

    def _read_shape(self, schema: dict[str, Any]) -> None:
        """Types, members and the extensions that say how to treat them."""
        kind = schema.get("type")
        self.int_or_string = bool(schema.get("x-kubernetes-int-or-string"))
        self.types: tuple[str, ...] = (
            ("integer", "string") if self.int_or_string and not kind else (kind,) if kind else ()
        )
        self.nullable = bool(schema.get("nullable"))
        self.format: str = schema.get("format") or ""
        self.format_check: Callable[[str], bool] | None = format_checker(self.format)
        self.properties: dict[str, Node] = {
            name: Node(child) for name, child in (schema.get("properties") or {}).items()
        }
        additional = schema.get("additionalProperties")
        self.additional: Node | bool | None = Node(additional) if isinstance(additional, dict) else additional
        items = schema.get("items")
        self.items: Node | None = Node(items) if isinstance(items, dict) else None
        self.required: tuple[str, ...] = tuple(schema.get("required") or ())
        self.default: Any = schema.get("default", MISSING)
        self.preserve = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
        self.embedded = bool(schema.get("x-kubernetes-embedded-resource"))
        self.list_type: str = schema.get("x-kubernetes-list-type") or ""
        self.list_keys: tuple[str, ...] = tuple(schema.get("x-kubernetes-list-map-keys") or ())

    def _read_bounds(self, schema: dict[str, Any]) -> None:
        """Limits of values."""
        self.enum: list[Any] | None = schema.get("enum")
        self.minimum: float | None = schema.get("minimum")
        self.maximum: float | None = schema.get("maximum")
        self.exclusive_minimum = bool(schema.get("exclusiveMinimum"))
        self.exclusive_maximum = bool(schema.get("exclusiveMaximum"))
        self.multiple_of: float | None = schema.get("multipleOf")
        self.min_length: int | None = schema.get("minLength")
        self.max_length: int | None = schema.get("maxLength")
        self.pattern_text: str = schema.get("pattern") or ""
        self.pattern: Matcher | None = matcher(self.pattern_text) if self.pattern_text else None
        self.min_items: int | None = schema.get("minItems")
        self.max_items: int | None = schema.get("maxItems")
        self.unique = bool(schema.get("uniqueItems"))
        self.min_properties: int | None = schema.get("minProperties")
        self.max_properties: int | None = schema.get("maxProperties")

    def _read_composition(self, schema: dict[str, Any]) -> None:
        """allOf, anyOf, oneOf and not."""
        self.all_of = [Node(one) for one in schema.get("allOf") or ()]
        self.any_of = [Node(one) for one in schema.get("anyOf") or ()]
        self.one_of = [Node(one) for one in schema.get("oneOf") or ()]
        opposite = schema.get("not")
        self.not_node: Node | None = Node(opposite) if isinstance(opposite, dict) else None
        self.is_composed = bool(self.all_of or self.any_of or self.one_of or self.not_node)

    def _children(self) -> list[Node]:
        """The nodes of members, not those of compositions, which have neither defaults nor list types."""
        children = list(self.properties.values())
        if isinstance(self.additional, Node):
            children.append(self.additional)
        if self.items is not None:
            children.append(self.items)
        return children

    def child(self, name: str) -> Node | None:
        """The node of a member of an object; None where the schema says nothing about it."""
        found = self.properties.get(name)
        if found is None and isinstance(self.additional, Node):
            return self.additional
        return found
