"""Expressions in CEL: compiled once, evaluated with JSON values.

The library is that of the makers of CEL, because what it accepts and how it compares is what a real API server does.
It takes no times as variables: fields of format date-time are texts here, which ``timestamp()`` reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_encoders, ext_math, ext_optional, ext_strings

from krate_gitops.cluster.dev.schemas.functions import declarations

LONGEST_EXPRESSION: Final = 64 * 1024
"""Characters."""

RULE: Final = ("self", "oldSelf")
"""Variables of a rule of a schema."""
POLICY: Final = (
    "object", "oldObject", "request", "params", "namespaceObject", "variables", "authorizer",
)  # fmt: skip
"""Variables of an admission policy."""

_NO_KEY: Final = re.compile(r'Key not found in map : "?([^"]*)"?')


class ExpressionError(ValueError):
    """An expression that can't be compiled, or that fails for the values it is given."""


class Expression:
    """A compiled expression. Raises ``ExpressionError`` for one that isn't CEL, or isn't of the type ``wanted``."""

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str, names: tuple[str, ...], wanted: str) -> None:
        self.text = text
        if len(text) > LONGEST_EXPRESSION:
            raise ExpressionError(f"ERROR: the expression is longer than {LONGEST_EXPRESSION} characters")
        try:
            self._compiled = _environment(names).compile(text)
        except Exception as problem:  # the library has no class of its own for this
            raise ExpressionError(f"compilation failed: {_plain(problem)}") from problem
        kind = self._compiled.return_type().name()
        if wanted and kind not in (wanted, "DYN"):
            raise ExpressionError(f"must evaluate to {wanted.lower()}")

    def mentions(self, variable: str) -> bool:
        """Whether the expression uses a variable (or at least a word like it)."""
        return re.search(rf"(?<![\w.]){variable}\b", self.text) is not None

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """The value. Raises ``ExpressionError``."""
        try:
            found = self._compiled.eval(data=variables)
            if found.type() != cel.Type.ERROR:
                return found.plain_value()
        except Exception as problem:  # the library has no class of its own for this
            raise ExpressionError(_plain(problem)) from problem
        said = _plain(found.value())
        missing = _NO_KEY.search(said)
        if missing:
            raise ExpressionError(f"no such key: {missing[1]}")
        raise ExpressionError("no such overload" if said.startswith("No matching overloads") else said)


@lru_cache(maxsize=4096)
def compiled(text: str, names: tuple[str, ...] = POLICY, wanted: str = "") -> Expression:
    """A compiled expression, kept; ``wanted`` is the name of the type of its value. Raises ``ExpressionError``."""
    return Expression(text, names, wanted)


@lru_cache(maxsize=8)
def _environment(names: tuple[str, ...]) -> cel.Env:
    """The functions and variables of one sort of expressions."""
    return cel.NewEnv(
        variables=dict.fromkeys(names, cel.Type.DYN),
        extensions=[
            ext_strings.ExtStrings(),
            ext_math.ExtMath(),
            ext_optional.ExtOptional(),
            ext_encoders.ExtEncoders(),
            ext_bindings.ExtBindings(),
        ],
        functions=declarations(),
    )


def _plain(problem: object) -> str:
    """What the library says, without the class of the error before it and after it."""
    return re.sub(r"^[A-Z_]+: |\s*\[[A-Z_]+\]$", "", str(problem))
