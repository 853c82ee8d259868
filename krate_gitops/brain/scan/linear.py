"""Compiling patterns for RE2, whose time is linear in the text whatever the pattern."""

from __future__ import annotations

import re2

from krate_gitops.brain.model import SecretPattern
from krate_gitops.errors import KrateError

_TRIGGER_MEMORY = 128 << 20


def compile_trigger(pattern: str, *, characters: bool = False) -> re2._Regexp:
    """A trigger over bytes. Its automaton grows as it meets text, hence the larger bound.

    Without ``characters`` a class means single bytes: a class that excludes some ASCII then takes any part of any other
    character, which keeps the automaton small and the trigger a superset. With it, the pattern speaks of UTF-8.
    """
    options = re2.Options()
    options.max_mem = _TRIGGER_MEMORY
    options.log_errors = False
    if not characters:
        options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(pattern.encode(), options)


def compile_policy(pattern: SecretPattern) -> re2._Regexp:
    """A brain's own pattern, in RE2's linear-time syntax. Raises ``KrateError(KB081)`` if it is none."""
    return compile_linear(pattern.regex, code="KB081", where=f"secretScan.extraPatterns[{pattern.kind}]")


def compile_linear(regex: str, *, code: str, where: str) -> re2._Regexp:
    """Compile a pattern from outside. Raises ``KrateError(code)`` that names the place and not the pattern."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(regex, options)
    except re2.error as error:
        raise KrateError(
            code,
            "the pattern is not a regular expression that RE2 can run",
            hint="use RE2 syntax: no look-around, no back-references",
            location=where,
        ) from error
