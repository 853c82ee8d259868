"""Estimates how costly rules can get: loops inside loops over lists that have no limit are refused.

The estimate of a real server is finer, and stricter for rules about long texts.
"""

from __future__ import annotations

import re
from typing import Any, Final

from krate_gitops.cluster.dev.schemas.faults import Fault, forbidden
from krate_gitops.cluster.dev.schemas.rule_checks import without_texts

Schema = dict[str, Any]

_PER_RULE: Final = 10_000_000
_PER_DEFINITION: Final = 100_000_000
_BOUNDLESS: Final = 10**18
_UNLIMITED: Final = 1_572_864
"""How many items a list without a limit may have, by the largest size of a request."""
_ADVICE: Final = (
    "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are "
    "declared)"
)
_LOOP: Final = re.compile(r"(?<![\w.])((?:[A-Za-z_]\w*\s*\.\s*)*?)(?:all|exists|exists_one|filter|map)\s*\(")
"""A loop, with the names of what it goes over before it."""


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
        cost = times * _runs(without_texts(str(rule.get("rule") or "")), node)
        rules.append((f"{path}.x-kubernetes-validations[{index}].rule", cost))
    for name, child in (node.get("properties") or {}).items():
        _collect(child, f"{path}.properties[{name}]", times, rules)
    if isinstance(node.get("items"), dict):
        _collect(node["items"], f"{path}.items", min(times * _own_size(node), _BOUNDLESS), rules)
    if isinstance(node.get("additionalProperties"), dict):
        times = min(times * _own_size(node), _BOUNDLESS)
        _collect(node["additionalProperties"], f"{path}.additionalProperties", times, rules)


def _largest(node: Schema) -> int:
    """The most items of the largest list or map that a rule of the node can loop over."""
    sizes = [1]
    if node.get("type") == "array" or isinstance(node.get("additionalProperties"), dict):
        sizes.append(_own_size(node))
    for child in (node.get("properties") or {}).values():
        sizes.append(_largest(child))
    for name in ("items", "additionalProperties"):
        if isinstance(node.get(name), dict):
            sizes.append(_largest(node[name]))
    return max(sizes)


def _runs(text: str, node: Schema) -> int:
    """How often the innermost part of an expression runs: loops that stand inside each other multiply."""
    loops = {found.end() - 1: _size(found.group(1), node) for found in _LOOP.finditer(text)}
    opened: list[int] = []
    most = runs = 1
    for index, character in enumerate(text):
        if character == "(":
            opened.append(runs)
            runs = min(runs * loops.get(index, 1), _BOUNDLESS)
            most = max(most, runs)
        elif character == ")" and opened:
            runs = opened.pop()
    return most


def _size(chain: str, node: Schema) -> int:
    """The most items of what a loop goes over: a member of ``self``, or something of which only the kind is known."""
    names = [name.strip() for name in chain.split(".") if name.strip()]
    if not names or names[0] not in ("self", "oldSelf"):
        return _largest(node)
    found: Schema = node
    for name in names[1:]:
        properties = found.get("properties") or {}
        if name not in properties:
            return _largest(node)
        found = properties[name]
    return _own_size(found)


def _own_size(node: Schema) -> int:
    """The most items of a list or map; those of an object are as many as it has members."""
    if node.get("type") == "array":
        return int(node.get("maxItems", _UNLIMITED))
    if node.get("properties"):
        return len(node["properties"])
    return int(node.get("maxProperties", _UNLIMITED))
