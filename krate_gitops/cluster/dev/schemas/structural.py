"""A compiled structural schema: defaults, unknown fields, checks. Compiled once for each version of a definition."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.schemas import defaulting, pruning
from krate_gitops.cluster.dev.schemas.checking import Place, check
from krate_gitops.cluster.dev.schemas.faults import Fault
from krate_gitops.cluster.dev.schemas.lists import check_embedded, check_lists
from krate_gitops.cluster.dev.schemas.node import Node
from krate_gitops.cluster.dev.schemas.rules import NOT_RUN, blocks, check_rules
from krate_gitops.cluster.dev.schemas.sameness import MISSING_BEFORE, before_member


class Structural:
    """The schema of one version of a custom kind. No method changes the object it is given."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        self.root = Node(schema)

    def default(self, obj: dict[str, Any]) -> dict[str, Any]:
        """The object with the defaults of the schema; the same object where nothing is missing."""
        if not self.root.has_defaults:
            return obj
        filled: dict[str, Any] = defaulting.filled(self.root, obj, is_root=True)
        return filled

    def drop_nulls(self, obj: dict[str, Any]) -> dict[str, Any]:
        """The object without nulls at fields that may not be null and have no default, as POST and PUT treat them."""
        cleaned: dict[str, Any] = defaulting.without_nulls(self.root, obj, is_root=True)
        return cleaned

    def prune(self, obj: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The object without fields that the schema doesn't know, and their paths in the order of the server."""
        return pruning.pruned(self.root, obj)

    def validate(self, obj: dict[str, Any], old: dict[str, Any] | None = None, *, subresource: str = "") -> list[Fault]:
        """What is wrong with the object. With ``old``, faults of values that didn't change are let through.

        ``subresource`` "status" checks the status alone, but the rules of the whole object.
        """
        place = Place("status" if subresource == "status" else "")
        node: Node | None = self.root
        value: Any = obj
        before: Any = MISSING_BEFORE if old is None else old
        was = before
        if subresource == "status":
            node, value, before = self.root.child("status"), obj.get("status"), before_member(before, "status")
        if node is not None and value is not None:
            check(node, value, "", place, before)
        faults = place.faults
        check_embedded(self.root, obj, "", faults)
        faults += self._repeated(obj, old)
        if self.root.has_rules:
            if blocks(faults):
                faults.append(NOT_RUN)
            else:
                check_rules(self.root, obj, was, "", faults)
        return faults

    def _repeated(self, obj: dict[str, Any], old: dict[str, Any] | None) -> list[Fault]:
        """Items that repeat others, unless some did before."""
        faults: list[Fault] = []
        check_lists(self.root, obj, "", faults)
        if faults and old is not None:
            before: list[Fault] = []
            check_lists(self.root, old, "", before)
            return [] if before else faults
        return faults


def compile_schema(open_api_v3_schema: dict[str, Any]) -> Structural:
    """The schema in a form that is quick to use. Raises ValueError for a pattern that can't be compiled."""
    return Structural(open_api_v3_schema)
