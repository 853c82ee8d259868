"""Patterns of schemas, matched in linear time as the API server does it."""

from __future__ import annotations

from typing import Protocol

import re2


class Matcher(Protocol):
    """A compiled pattern."""

    def search(self, text: str) -> object | None:
        """Something, if the pattern is anywhere in the text."""


def matcher(pattern: str) -> Matcher:
    """The compiled pattern. Raises ValueError for one that isn't RE2."""
    options = re2.Options()
    options.log_errors = False
    try:
        compiled: Matcher = re2.compile(pattern, options=options)
    except re2.error as problem:
        raise ValueError(f"not a regular expression: {problem}") from problem
    return compiled
