"""What rules of definitions must be: expressions that can be run on values of their schema.

The library knows nothing of schemas; fields that a schema doesn't have are found by their names.
"""

from __future__ import annotations

import re
from typing import Any, Final

from krate_gitops.cluster.dev.schemas.expressions import ExpressionError
from krate_gitops.cluster.dev.schemas.faults import Fault, invalid_value, not_supported, required
from krate_gitops.cluster.dev.schemas.rules import escaped, rule_expression

Schema = dict[str, Any]

_TEXT: Final = re.compile(r"r?'(?:[^'\\]|\\.)*'|r?\"(?:[^\"\\]|\\.)*\"")
_CHAIN: Final = re.compile(r"(?<![\w.])(?:self|oldSelf)((?:\s*\.\s*[A-Za-z_]\w*)+)(\s*\()?")
_REASONS: Final = ("FieldValueRequired", "FieldValueForbidden", "FieldValueInvalid", "FieldValueDuplicate")
_IMPLICIT: Final = frozenset({"apiVersion", "kind", "metadata"})


def rule_faults(node: Schema, path: str) -> list[Fault]:
    """What is wrong with the rules of one node. ``path`` is the field where it stands."""
    faults: list[Fault] = []
    for index, rule in enumerate(node.get("x-kubernetes-validations") or ()):
        field = f"{path}.x-kubernetes-validations[{index}]"
        text = (rule.get("rule") or "").strip()
        if not text:
            faults.append(required(f"{field}.rule", "rule is not specified"))
            continue
        optional = bool(rule.get("optionalOldSelf"))
        if why := _expression_fault(text, node, "BOOL", optional=optional):
            faults.append(invalid_value(f"{field}.rule", _shown(rule), why))
        if (reason := rule.get("reason")) is not None and reason not in _REASONS:
            faults.append(not_supported(f"{field}.reason", reason, _REASONS))
        if (where := rule.get("fieldPath")) and not where.startswith((".", "[")):
            faults.append(invalid_value(f"{field}.fieldPath", where, "fieldPath must be a valid path"))
        if (said := rule.get("messageExpression")) and (
            why := _expression_fault(said, node, "STRING", optional=optional)
        ):
            faults.append(invalid_value(f"{field}.messageExpression", _shown(rule), f"messageExpression {why}"))
    return faults


def _expression_fault(text: str, node: Schema, wanted: str, *, optional: bool) -> str:
    """Why an expression can't be used; empty if it can."""
    try:
        rule_expression(text, wanted, optional=optional)
    except ExpressionError as problem:
        return str(problem)
    found = unknown_member(text, node)
    return f"compilation failed: ERROR: <input>:1:1: undefined field '{found}'" if found else ""


def _shown(rule: Schema) -> Schema:
    """A rule as messages show it."""
    return {
        "Rule": rule.get("rule") or "",
        "Message": rule.get("message") or "",
        "MessageExpression": rule.get("messageExpression") or "",
        "Reason": rule.get("reason"),
        "FieldPath": rule.get("fieldPath") or "",
        "OptionalOldSelf": rule.get("optionalOldSelf"),
    }


def without_texts(expression: str) -> str:
    """The expression with its texts emptied, for a look at its words."""
    return _TEXT.sub("''", expression)


def unknown_member(text: str, schema: Schema) -> str:
    """The first member of ``self`` or ``oldSelf`` that the schema doesn't have; empty if there is none."""
    for found in _CHAIN.finditer(without_texts(text)):
        names = [name.strip() for name in found.group(1).split(".") if name.strip()]
        if found.group(2):
            names.pop()  # It is a function.
        missing = _missing(names, schema)
        if missing:
            return missing
    return ""


def _missing(names: list[str], schema: Schema) -> str:
    for name in names:
        if schema.get("type") != "object":
            return name if schema.get("type") in ("string", "integer", "number", "boolean", "array") else ""
        properties = schema.get("properties")
        if properties:
            known = {escaped(each): each for each in properties}
            if name in known:
                schema = properties[known[name]]
                continue
            if name in _IMPLICIT and (schema.get("x-kubernetes-embedded-resource") or "spec" in properties):
                return ""
            return name
        inner = schema.get("additionalProperties")
        if not isinstance(inner, dict):
            return "" if schema.get("x-kubernetes-embedded-resource") else name
        schema = inner
    return ""
