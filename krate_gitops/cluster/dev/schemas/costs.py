"""Estimates how costly rules can get: loops inside loops over lists that have no limit are refused.

The estimate of a real server is finer, and stricter for rules about long texts.
"""

from __future__ import annotations

import re
from typing import Any, Final

from krate_gitops.cluster.dev.schemas.faults import Fault, forbidden

Schema = dict[str, Any]

_PER_RULE: Final = 10_000_000
_PER_DEFINITION: Final = 100_000_000
_UNLIMITED: Final = 1_572_864
"""How many items a list without a limit may have, by the largest size of a request."""
_ADVICE: Final = (
    "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are "
    "declared)"
)
_LOOP: Final = re.compile(r"\.\s*(?:all|exists|exists_one|filter|map)\s*\(")


def cost_faults(schema: Schema, path: str) -> list[Fault]:
    """Faults of rules that cost more than a server takes."""
    rules: list[tuple[str, int]] = []
    _collect(schema, path, 1, rules)
    faults: list[Fault] = []
    total = sum(cost for _, cost in rules)
    for field, cost in rules:
        if cost > _PER_RULE:
            detail = f"estimated rule cost exceeds budget by factor of {_factor(cost, _PER_RULE)} {_ADVICE}"
            faults.append(forbidden(field, detail))
    if total > _PER_DEFINITION:
        for field, cost in rules:
            if cost > _PER_DEFINITION // 100:
                detail = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
                faults.append(forbidden(field, detail))
        detail = (
            "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor "
            f"of {_factor(total, _PER_DEFINITION)} {_ADVICE}"
        )
        faults.append(forbidden(path, detail))
    return faults


def _factor(cost: int, budget: int) -> str:
    factor = cost / budget
    return "more than 100x" if factor > 100 else f"{factor:.1f}x"


def _collect(node: Schema, path: str, times: int, rules: list[tuple[str, int]]) -> None:
    for index, rule in enumerate(node.get("x-kubernetes-validations") or ()):
        depth = _depth(str(rule.get("rule") or ""))
        rules.append((f"{path}.x-kubernetes-validations[{index}].rule", times * _largest(node) ** depth))
    for name, child in (node.get("properties") or {}).items():
        _collect(child, f"{path}.properties[{name}]", times, rules)
    if isinstance(node.get("items"), dict):
        _collect(node["items"], f"{path}.items", times * node.get("maxItems", _UNLIMITED), rules)
    if isinstance(node.get("additionalProperties"), dict):
        times *= node.get("maxProperties", _UNLIMITED)
        _collect(node["additionalProperties"], f"{path}.additionalProperties", times, rules)


def _largest(node: Schema) -> int:
    """The most items of the largest list or map that a rule of the node can loop over."""
    sizes = [1]
    if node.get("type") == "array":
        sizes.append(node.get("maxItems", _UNLIMITED))
    elif isinstance(node.get("additionalProperties"), dict):
        sizes.append(node.get("maxProperties", _UNLIMITED))
    for child in (node.get("properties") or {}).values():
        sizes.append(_largest(child))
    for name in ("items", "additionalProperties"):
        if isinstance(node.get(name), dict):
            sizes.append(_largest(node[name]))
    return max(sizes)


def _depth(text: str) -> int:
    """How many loops stand inside each other."""
    opened: list[bool] = []
    deepest = depth = 0
    loops = {found.end() - 1 for found in _LOOP.finditer(text)}
    for index, character in enumerate(text):
        if character == "(":
            is_loop = index in loops
            opened.append(is_loop)
            depth += is_loop
            deepest = max(deepest, depth)
        elif character == ")" and opened:
            depth -= opened.pop()
    return deepest
