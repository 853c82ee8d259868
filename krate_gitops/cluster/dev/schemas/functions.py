"""Functions that Kubernetes adds to CEL, for expressions of schemas and policies.

Semantic versions, the parts of addresses, positions in lists and the authorizer are left out; an expression with them
is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

from cel_expr_python import cel

from krate_gitops.cluster.dev.schemas.formats import ip_version, is_network
from krate_gitops.cluster.dev.schemas.patterns import matcher
from krate_gitops.cluster.dev.schemas.quantity import value as amount

_BOOL, _INT, _STRING, _DOUBLE, _DYN = (
    cel.Type.BOOL,
    cel.Type.INT,
    cel.Type.STRING,
    cel.Type.DOUBLE,
    cel.Type.DYN,
)
_LIST: Final = cel.Type.List(_DYN)


def declarations() -> list[cel.FunctionDecl]:
    """Every function with its types."""
    found: dict[str, list[cel.Overload]] = {}
    for name, is_member, parameters, result, function in _FUNCTIONS:
        identity = f"{name}_{len(found.get(name, ()))}"
        overload = cel.Overload(identity, result, list(parameters), is_member=is_member, impl=function)
        found.setdefault(name, []).append(overload)
    return [cel.FunctionDecl(name, overloads) for name, overloads in found.items()]


def _is_sorted(items: list[Any]) -> bool:
    return all(left <= right for left, right in pairwise(items))


def _find(text: str, pattern: str) -> str:
    found: Any = matcher(pattern).search(text)
    return str(found.group(0)) if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    expression: Any = matcher(pattern)
    found = [each.group(0) for each in expression.finditer(text)]
    return found if limit < 0 else found[:limit]


def _is_quantity(text: str) -> bool:
    try:
        amount(text)
    except ValueError:
        return False
    return True


def _is_ip(text: str) -> bool:
    return ip_version(text) is not None


def _is_url(text: str) -> bool:
    return re.fullmatch(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s]+|/[^\s]*", text) is not None


_FUNCTIONS: Final[tuple[tuple[str, bool, tuple[cel.Type, ...], cel.Type, Callable[..., Any]], ...]] = (
    ("isSorted", True, (_LIST,), _BOOL, _is_sorted),
    ("sum", True, (_LIST,), _DYN, lambda items: sum(items)),
    ("min", True, (_LIST,), _DYN, lambda items: min(items)),
    ("max", True, (_LIST,), _DYN, lambda items: max(items)),
    ("find", True, (_STRING, _STRING), _STRING, _find),
    ("findAll", True, (_STRING, _STRING), cel.Type.List(_STRING), _find_all),
    ("findAll", True, (_STRING, _STRING, _INT), cel.Type.List(_STRING), _find_all),
    ("isQuantity", False, (_STRING,), _BOOL, _is_quantity),
    ("quantity", False, (_STRING,), _DOUBLE, lambda text: float(amount(text))),
    ("isGreaterThan", True, (_DOUBLE, _DOUBLE), _BOOL, lambda left, right: left > right),
    ("isLessThan", True, (_DOUBLE, _DOUBLE), _BOOL, lambda left, right: left < right),
    ("compareTo", True, (_DOUBLE, _DOUBLE), _INT, lambda left, right: (left > right) - (left < right)),
    ("asApproximateFloat", True, (_DOUBLE,), _DOUBLE, lambda value: value),
    ("asInteger", True, (_DOUBLE,), _INT, lambda value: int(value)),
    ("isIP", False, (_STRING,), _BOOL, _is_ip),
    ("isCIDR", False, (_STRING,), _BOOL, is_network),
    ("isURL", False, (_STRING,), _BOOL, _is_url),
)
