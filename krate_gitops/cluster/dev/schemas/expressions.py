"""Expressions in CEL, with the functions that Kubernetes adds to the language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import cel

from krate_gitops.cluster.dev.builtin.quantity import value as amount
from krate_gitops.cluster.dev.schemas.patterns import matcher

LONGEST_EXPRESSION: Final = 64 * 1024


class ExpressionError(ValueError):
    """An expression that can't be compiled, or that fails for the values it is given."""


class Expression:
    """A compiled expression. Raises ``ExpressionError`` for one that isn't CEL."""

    def __init__(self, text: str) -> None:
        self.text = text
        if len(text) > LONGEST_EXPRESSION:
            raise ExpressionError(f"ERROR: the expression is longer than {LONGEST_EXPRESSION} characters")
        try:
            self._program = cel.compile(_with_known_names(text))
        except Exception as problem:
            raise ExpressionError(str(problem)) from problem
        self._functions = {name: item for name, item in _FUNCTIONS.items() if re.search(rf"\b{name}\s*\(", text)}

    def mentions(self, variable: str) -> bool:
        """Whether the expression uses a variable (or at least a word like it)."""
        return re.search(rf"(?<![\w.]){variable}\b", self.text) is not None

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """The value. Raises ``ExpressionError``."""
        try:
            if not self._functions:
                return self._program.execute(dict(variables))
            return self._program.execute(cel.Context(variables=dict(variables), functions=self._functions))
        except KeyError as problem:
            raise ExpressionError(f"no such key: {problem.args[0]}") from problem
        except TypeError as problem:
            raise ExpressionError("no such overload") from problem
        except Exception as problem:
            raise ExpressionError(str(problem)) from problem


@lru_cache(maxsize=2048)
def compiled(text: str) -> Expression:
    """A compiled expression, kept. Raises ``ExpressionError``."""
    return Expression(text)


def _with_known_names(text: str) -> str:
    """Names with dots that Kubernetes gives to functions, as one word: the library knows no such names."""
    return text.replace("cel.bind(", "cel_bind(")


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if not separator:
        return list(text) if limit < 0 else [*text[: limit - 1], text[limit - 1 :]]
    return text.split(separator, limit - 1 if limit > 0 else -1)


def _replace(text: str, old: str, new: str, limit: int = -1) -> str:
    return text.replace(old, new, limit)


def _substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    if not 0 <= start <= stop <= len(text):
        raise ValueError(f"index out of range: {start}")
    return text[start:stop]


def _index_of(value: Any, item: Any, start: int = 0) -> int:
    if isinstance(value, str):
        return value.find(item, start)
    return next((index for index, one in enumerate(value) if one == item), -1)


def _last_index_of(value: Any, item: Any) -> int:
    if isinstance(value, str):
        return value.rfind(item)
    return max((index for index, one in enumerate(value) if one == item), default=-1)


def _find(text: str, pattern: str) -> str:
    found: Any = matcher(pattern).search(text)
    return str(found.group(0)) if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    compiled_pattern: Any = matcher(pattern)
    found = [one.group(0) for one in compiled_pattern.finditer(text)]
    return found if limit < 0 else found[:limit]


def _is_quantity(text: str) -> bool:
    try:
        amount(text)
    except ValueError:
        return False
    return True


def _quantity(text: str) -> float:
    number: Decimal = amount(text)
    return float(number)


_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "lowerAscii": lambda text: text.lower() if text.isascii() else "".join(c.lower() if c.isascii() else c for c in text),
    "upperAscii": lambda text: text.upper() if text.isascii() else "".join(c.upper() if c.isascii() else c for c in text),
    "trim": str.strip,
    "split": _split,
    "join": lambda parts, separator="": separator.join(parts),
    "replace": _replace,
    "substring": _substring,
    "charAt": lambda text, index: text[index : index + 1],
    "indexOf": _index_of,
    "lastIndexOf": _last_index_of,
    "find": _find,
    "findAll": _find_all,
    "isSorted": lambda items: all(left <= right for left, right in zip(items, items[1:], strict=False)),
    "sum": lambda items: sum(items),
    "quantity": _quantity,
    "isQuantity": _is_quantity,
    "isURL": lambda text: re.fullmatch(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s]+|/[^\s]*", text) is not None,
}
